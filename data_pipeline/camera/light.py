"""Exposure, white balance, tone and vignetting: changes of each pixel's values alone."""

import cv2
import numpy as np

from data_pipeline.camera.settings import Range

_GAMMA = 2.2  # near enough to sRGB
_LEVELS = np.arange(256) / 255


def expose(clip: np.ndarray, rng: np.random.Generator, stops: Range = (-1.2, 0.8)) -> np.ndarray:
    """Exposes a clip too little or too much, in linear light; it drifts a little, as automatic exposure does."""
    start = rng.uniform(*stops)
    drift = rng.normal(0, 0.1) * (rng.random() < 0.4)
    gains = 2.0 ** (start + drift * np.linspace(0, 1, len(clip)))
    if rng.random() < 0.5:  # highlights roll off, as film and phones have it
        shoulder = 1 + 0.3 * np.maximum(gains - 1, 0)
    else:
        shoulder = np.ones_like(gains)
    tables = [np.minimum(_LEVELS**_GAMMA * g, 4) for g in gains]
    curves = [(t / (1 + t * (s - 1) / 2)) ** (1 / _GAMMA) for t, s in zip(tables, shoulder, strict=True)]
    return np.stack([cv2.LUT(frame, _bytes(curve)) for frame, curve in zip(clip, curves, strict=True)])


def balance(clip: np.ndarray, rng: np.random.Generator, warmth: Range = (-0.35, 0.35)) -> np.ndarray:
    """Gives a clip the colour of its light: warmer or colder, greener or more magenta."""
    warm, green = rng.uniform(*warmth) / 2, rng.normal(0, 0.04)
    gains = np.exp([warm, green, -warm])
    gains /= gains @ (0.299, 0.587, 0.114)
    table = np.stack([_bytes(_LEVELS * gain) for gain in gains], -1)[None]
    return np.stack([cv2.LUT(frame, table) for frame in clip])


def tone(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bends the tone curve: contrast, gamma, raised blacks, clipped whites, a little otherwise in each colour."""
    contrast, gamma = rng.uniform(-0.35, 0.5), np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.045, 3))
    black, white = rng.uniform(0, 0.08), rng.uniform(0.9, 1.06)
    curves = []
    for channel in range(3):
        level = _LEVELS ** gamma[channel]
        s = level * level * (3 - 2 * level)
        curves.append(_bytes(black + (white - black) * (level + contrast * (s - level))))
    clip = np.stack([cv2.LUT(frame, np.stack(curves, -1)[None]) for frame in clip])
    saturation = float(np.clip(rng.normal(1, 0.2), 0.2, 1.7))
    matrix = saturation * np.eye(3) + (1 - saturation) * np.array([[0.299, 0.587, 0.114]] * 3)
    return np.stack([cv2.transform(frame, matrix) for frame in clip])


def vignette(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Darkens the corners."""
    height, width = clip.shape[1:3]
    strength = rng.uniform(0.1, 0.7)
    x = np.linspace(-1, 1, width) - rng.normal(0, 0.1)
    y = np.linspace(-1, 1, height) - rng.normal(0, 0.1)
    fall = 1 / (1 + strength * (x[None] ** 2 + y[:, None] ** 2) / 2) ** 2
    shade = cv2.merge([fall.astype(np.float32)] * 3)
    return np.stack([cv2.multiply(frame, shade, dtype=cv2.CV_8U) for frame in clip])


def _bytes(curve: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(np.clip(curve, 0, 1) * 255), np.uint8)
