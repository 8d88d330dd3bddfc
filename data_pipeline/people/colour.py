"""Colours: sRGB and linear light, skin tones, hair colours, and muted colours of clothes and things."""

import cv2
import numpy as np
import numpy.typing as npt

from data_pipeline.people.geometry import Bytes, Floats, floats

# sRGB, from very light to very dark; a tone between two is interpolated.
SKIN_TONES = (
    np.array(
        [
            (244, 214, 198),
            (232, 192, 170),
            (220, 172, 142),
            (196, 146, 112),
            (160, 112, 82),
            (120, 80, 58),
            (84, 54, 40),
            (58, 38, 30),
        ],
        np.float32,
    )
    / 255
)
HAIR_COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (16, 13, 12),
    "dark brown": (42, 28, 20),
    "brown": (80, 52, 34),
    "auburn": (110, 52, 28),
    "light brown": (128, 92, 60),
    "blond": (186, 150, 98),
    "grey": (150, 148, 146),
    "white": (220, 218, 214),
}
DYES = ((150, 40, 90), (40, 70, 150), (30, 120, 100), (170, 60, 30), (110, 50, 150), (200, 120, 150))
IRISES = ((70, 45, 28), (50, 32, 22), (90, 70, 40), (100, 125, 145), (110, 130, 100), (60, 90, 120))


def to_linear(srgb: npt.ArrayLike) -> Floats:
    """Maps sRGB values in [0, 1] to linear light."""
    values = np.asarray(srgb, np.float32)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(linear: Floats) -> Floats:
    """Maps linear light in [0, 1] to sRGB values."""
    return floats(_SRGB[np.clip(linear * _SRGB_STEPS + 0.5, 0, _SRGB_STEPS).astype(np.int32)])


_SRGB_STEPS = 8192
_grid = np.arange(_SRGB_STEPS + 1, dtype=np.float64) / _SRGB_STEPS
_SRGB = np.where(_grid <= 0.0031308, _grid * 12.92, 1.055 * _grid ** (1 / 2.4) - 0.055).astype(np.float32)
# Linear light of each 8-bit sRGB value.
_LINEAR_OF_BYTE = to_linear(np.arange(256) / 255)


def linear_of(values: Bytes) -> Floats:
    """Returns the linear light of sRGB bytes (…, 3): `_LINEAR_OF_BYTE[values]`, ten times as fast."""
    found = cv2.LUT(np.ascontiguousarray(values).reshape(-1, 1, 3), _LINEAR_OF_BYTE[:, None])
    return floats(found).reshape(values.shape)


def to_bytes(values: Floats) -> Bytes:
    """Rounds values in [0, 1] to 8 bits."""
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


def skin_tone(position: float) -> Floats:
    """Returns the sRGB colour at a position in `SKIN_TONES`, 0 the lightest to 7 the darkest."""
    steps = np.arange(len(SKIN_TONES))
    return np.array([np.interp(position, steps, SKIN_TONES[:, channel]) for channel in range(3)], np.float32)


def muted_colour(rng: np.random.Generator, low: float, high: float, saturation: float) -> Floats:
    """Draws an sRGB colour of a brightness between `low` and `high`; most things around people are not colourful."""
    brightness = rng.uniform(low, high)
    offsets = (rng.uniform(0, 1, 3) - 0.5) * saturation * brightness * 2
    return np.clip(brightness + offsets, 0, 1).astype(np.float32)
