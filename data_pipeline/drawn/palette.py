"""Colours as photographs show them: skin, hair, irises, cloth; RGB in [0, 1]."""

import colorsys

import numpy as np

Colour = np.ndarray

_SKIN = np.array(
    [(250, 221, 203), (244, 205, 180), (233, 186, 152), (217, 164, 126), (193, 138, 99), (160, 107, 74), (124, 80, 55),
     (92, 59, 43), (68, 44, 34)], np.float32) / 255  # fmt: skip
_HAIR = np.array(
    [(20, 17, 17), (36, 26, 22), (58, 40, 30), (88, 60, 40), (122, 84, 52), (160, 118, 72), (206, 168, 112),
     (226, 200, 152), (128, 58, 30), (92, 36, 24), (120, 118, 116), (196, 194, 190)], np.float32) / 255  # fmt: skip
_IRIS = np.array(
    [(62, 38, 22), (84, 54, 30), (110, 78, 42), (96, 106, 62), (74, 112, 88), (82, 118, 148), (110, 142, 170),
     (112, 116, 118)], np.float32) / 255  # fmt: skip


def skin(rng: np.random.Generator) -> Colour:
    """Returns a skin tone anywhere between very light and very dark."""
    position = rng.uniform(0, len(_SKIN) - 1.001)
    low = int(position)
    tone = _SKIN[low] + (_SKIN[low + 1] - _SKIN[low]) * (position - low)
    return np.asarray(np.clip(tone * (1 + rng.normal(0, 0.025, 3)), 0.05, 0.99).astype(np.float32))


def near(rng: np.random.Generator, tone: Colour, spread: float) -> Colour:
    """Returns a colour near another one."""
    return np.clip(tone * (1 + rng.normal(0, spread)) * (1 + rng.normal(0, spread / 2, 3)), 0, 1).astype(np.float32)


def hair(rng: np.random.Generator, tone: Colour, mature: float) -> Colour:
    """Returns a hair colour: dark skin mostly has dark hair, the old are grey, and a few people dye it."""
    if rng.random() < 0.04:
        return hsv(rng.random(), rng.uniform(0.4, 0.75), rng.uniform(0.3, 0.75))
    dark = float(tone.mean()) < 0.5
    grey = rng.random() < mature**3
    index = rng.integers(10, 12) if grey else rng.integers(4) if dark else rng.integers(10)
    return near(rng, _HAIR[index], 0.08)


def iris(rng: np.random.Generator, tone: Colour) -> Colour:
    """Returns an iris colour; light eyes go with light skin."""
    return near(rng, _IRIS[rng.integers(2 if float(tone.mean()) < 0.5 else len(_IRIS))], 0.1)


def cloth(rng: np.random.Generator) -> Colour:
    """Returns a colour of clothing: mostly muted, sometimes white, black or vivid."""
    kind = rng.random()
    if kind < 0.15:
        return near(rng, np.full(3, 0.92, np.float32), 0.03)
    if kind < 0.35:
        return near(rng, np.full(3, 0.12, np.float32), 0.3)
    return hsv(rng.random(), rng.uniform(0.15, 0.85), rng.uniform(0.2, 0.85))


def vivid(rng: np.random.Generator) -> Colour:
    """Returns a strong colour, as of mugs and toys."""
    return hsv(rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.45, 0.95))


def muted(rng: np.random.Generator) -> Colour:
    """Returns a colour of walls and rooms."""
    return hsv(rng.random(), rng.uniform(0.0, 0.4), rng.uniform(0.2, 0.95))


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Returns RGB of a hue, saturation and value in [0, 1]."""
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value), np.float32)
