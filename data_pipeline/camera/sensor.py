"""The sensor's noise, as it is left after demosaicing and a camera's own denoising."""

import cv2
import numpy as np

from data_pipeline.camera.settings import Range

_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)


def add_noise(clip: np.ndarray, rng: np.random.Generator, level: Range = (0.004, 0.06)) -> np.ndarray:
    """Adds shot noise, which grows with the light, and read noise, which does not; both new in every frame.

    Neighbours are correlated, since each colour is interpolated; the noise of the colours is coarser than that of the
    brightness, as denoising leaves it.

    Args:
        clip: uint8 (T, H, W, 3).
        rng: the generator.
        level: deviation at middle grey, in [0, 1]; its logarithm is drawn uniformly.
    """
    low, high = np.log(np.maximum(level, 1e-5))
    deviation = 255 * float(np.exp(rng.uniform(low, high)))
    read = rng.uniform(0.1, 0.9)  # its share of the variance at middle grey
    # Gamma weakens the shot noise of what is bright: its deviation is about even, read noise is worst in the dark.
    at = np.maximum(np.arange(256) / 255, 0.02)
    dark = np.minimum(0.5 / at, 2.0)
    table = (deviation * np.sqrt(read * dark**2 + (1 - read) * np.minimum(at / 0.5, 1.5) ** 0.2)).astype(np.float32)
    grain, colour = rng.uniform(0.3, 1.0), rng.uniform(0.1, 1.0)
    blotch = rng.uniform(1, 3)
    height, width = clip.shape[1:3]
    small = max(round(width / blotch), 1), max(round(height / blotch), 1)
    out = np.empty_like(clip)
    for t, frame in enumerate(clip):
        grey = cv2.transform(frame, _LUMA)
        light = _evened(cv2.GaussianBlur(rng.standard_normal((height, width), np.float32), (0, 0), grain))
        hue = rng.standard_normal((small[1], small[0], 3), np.float32)
        hue = _evened(cv2.resize(hue, (width, height), interpolation=cv2.INTER_LINEAR)) * np.float32(colour)
        hue -= cv2.transform(hue, _LUMA)[..., None]  # colour alone
        noise = (light[..., None] + hue) * table[grey][..., None]
        out[t] = cv2.add(frame, noise, dtype=cv2.CV_8U)
    return out


def _evened(noise: np.ndarray) -> np.ndarray:
    return np.asarray(noise / np.float32(max(float(noise.std()), 1e-6)))
