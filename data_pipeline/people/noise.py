"""Fractal noise from a bank that is made once a process; the bank depends on nothing but what is asked of it."""

import zlib
from functools import lru_cache

import cv2
import numpy as np

from data_pipeline.people.geometry import Floats


def fractal_noise(
    rng: np.random.Generator, height: int, width: int, wavelength: float, octaves: int = 4, gain: float = 0.5
) -> Floats:
    """Draws noise (height, width) of about unit variance an octave: a random, perhaps mirrored crop of the bank.

    Args:
        rng: draws the crop.
        height: of the result, in pixels.
        width: of the result, in pixels.
        wavelength: of the coarsest octave, in pixels; each further octave halves it.
        octaves: how many, at most; none is finer than a pixel.
        gain: amplitude of an octave to that of the coarser one.
    """
    bank = _bank(height, width, float(wavelength), octaves, float(gain))
    y, x = (int(rng.integers(0, side // 2 + 1)) for side in (height, width))
    crop = bank[y : y + height, x : x + width]
    crop = crop[::-1] if rng.random() < 0.5 else crop
    return crop[:, ::-1] if rng.random() < 0.5 else crop


@lru_cache(maxsize=48)
def _bank(height: int, width: int, wavelength: float, octaves: int, gain: float) -> Floats:
    seed = zlib.crc32(repr((height, width, wavelength, octaves, gain)).encode())
    rng = np.random.default_rng(seed)
    height, width = height + height // 2, width + width // 2
    total = np.zeros((height, width), np.float32)
    amplitude = 1.0
    for _ in range(octaves):
        shape = max(2, int(height / wavelength)) + 1, max(2, int(width / wavelength)) + 1
        values = rng.standard_normal(shape, dtype=np.float32)
        total += amplitude * cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC)
        amplitude *= gain
        wavelength /= 2
        if wavelength < 1.2:
            break
    return total
