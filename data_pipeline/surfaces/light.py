"""How light falls on a surface: relief, gloss, reflections of a room, and the slow changes over a photograph."""

import cv2
import numpy as np

from data_pipeline.surfaces.noise import fractal, places, smooth, step


def relief(
    rng: np.random.Generator, picture: np.ndarray, height: np.ndarray, depth: float = 1.0, gloss: float = 0.0
) -> np.ndarray:
    """Lights a picture (n, n, 3) as a surface of some `height` (n, n), in pixels times `depth`, from a random side.

    `gloss` is the strength of the highlights, which are white.
    """
    height = np.asarray(height, np.float32)
    slopes = [
        cv2.Sobel(height, cv2.CV_32F, dx, 1 - dx, ksize=3, scale=depth / 8, borderType=cv2.BORDER_REFLECT_101)
        for dx in (1, 0)
    ]
    turn, lift = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.2)
    light = np.array([np.cos(turn), np.sin(turn), lift]) / np.hypot(1, lift)
    level = light[2] - slopes[0] * np.float32(light[0]) - slopes[1] * np.float32(light[1])
    norm = np.sqrt(1 + slopes[0] * slopes[0] + slopes[1] * slopes[1])
    ambient = rng.uniform(0.3, 0.6)
    lit = np.float32(ambient) + np.maximum(level / norm, 0) * np.float32((1 - ambient) / light[2])
    picture = np.asarray(picture, np.float32) * lit[..., None]
    if gloss:
        # The half vector between the light and the viewer, who looks straight down.
        half = np.array([light[0], light[1], light[2] + 1]) / np.sqrt(2 + 2 * light[2])
        level = half[2] - slopes[0] * np.float32(half[0]) - slopes[1] * np.float32(half[1])
        shine = cv2.pow(np.maximum(level / norm, 0), int(rng.integers(16, 90)))
        picture = picture + shine[..., None] * np.float32(gloss)
    return np.asarray(picture, np.float32)


def reflection(rng: np.random.Generator, n: int, roughness: float = 0.02) -> np.ndarray:
    """Draws what a polished surface shows of a room: bands of dark and light, bent, some sharp; around 1, (n, n)."""
    x, y = places(n)
    turn = rng.uniform(0, 2 * np.pi)
    at = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn)) + np.float32(0.12) * fractal(rng, n, 2, 0.4)
    table = np.interp(np.linspace(-1.6, 1.6, 64), np.sort(rng.uniform(-1.6, 1.6, 9)), rng.gamma(2.0, 0.5, 9))
    room = cv2.resize(table.astype(np.float32)[None], (512, 1), interpolation=cv2.INTER_CUBIC)
    columns = np.clip((at + 1.6) * (511 / 3.2), 0, 511)
    band = cv2.remap(room, columns, np.zeros_like(columns), cv2.INTER_LINEAR)
    return np.asarray(np.clip(smooth(band, max(roughness * n, 0.4)), 0.1, 3))


def windows(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws the highlights of windows or lamps on a glossy surface, in [0, 1], (n, n)."""
    sheet = np.zeros((n, n), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        size = rng.uniform(0.03, 0.25, 2) * n
        box = ((rng.uniform(0, n), rng.uniform(0, n)), (float(size[0]), float(size[1])), float(rng.uniform(0, 180)))
        if rng.random() < 0.5:
            cv2.ellipse(sheet, box, 255, -1, cv2.LINE_AA)
        else:
            cv2.fillPoly(sheet, [np.rint(cv2.boxPoints(box)).astype(np.int32)], 255, cv2.LINE_AA)
    blurred = cv2.GaussianBlur(sheet, (0, 0), max(n * float(rng.choice([0.005, 0.015, 0.04])), 0.4))
    return np.asarray(blurred, np.float32) / 255


def falling(rng: np.random.Generator, n: int, strength: float) -> np.ndarray:
    """Draws slow changes of light over a picture, around 1, float32 (n, n, 1): a gradient, patches, a soft shadow."""
    small = 48
    x, y = places(small)
    turn = rng.uniform(0, 2 * np.pi)
    light = 1 + strength * 1.4 * ((x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn))
    light = light + 0.3 * strength * fractal(rng, small, 2, 0.5)
    if rng.random() < 0.3:
        turn, at = rng.uniform(0, 2 * np.pi), rng.uniform(-0.4, 0.4)
        side = (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn)
        light = light * (1 - strength * step(side.astype(np.float32), at, rng.uniform(0.05, 0.5)))
    light = np.clip(light, 0.25, 1.9).astype(np.float32)
    return np.asarray(cv2.resize(light, (n, n), interpolation=cv2.INTER_CUBIC))[..., None]
