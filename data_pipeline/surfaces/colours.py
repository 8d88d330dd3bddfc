"""Colours as photographs have them: muted and correlated, some strong, some that of skin; RGB float32 in [0, 1]."""

import colorsys

import cv2
import numpy as np

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_SKIN = np.array(
    [(0.98, 0.87, 0.8), (0.95, 0.8, 0.7), (0.9, 0.72, 0.58), (0.84, 0.63, 0.48), (0.74, 0.52, 0.38), (0.6, 0.4, 0.28),
     (0.45, 0.29, 0.2), (0.3, 0.19, 0.14)], np.float32)  # fmt: skip


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """Returns RGB (3,) of a hue (in turns), saturation and value."""
    return np.array(colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1)), np.float32)


def skin_like(rng: np.random.Generator) -> np.ndarray:
    """Draws a colour that skin could have, too: that of beige glaze, pale wood, cardboard, leather."""
    return near(rng, between(rng, _SKIN), 0.06)


def between(rng: np.random.Generator, colours: np.ndarray) -> np.ndarray:
    """Draws a colour on the way from the first of `colours` (k, 3) over all to the last."""
    at = rng.uniform(0, len(colours) - 1.001)
    low = int(at)
    return np.asarray(colours[low] + (colours[low + 1] - colours[low]) * np.float32(at - low))


def near(rng: np.random.Generator, colour: np.ndarray, spread: float = 0.1) -> np.ndarray:
    """Draws a colour around another: brightness differs by `spread`, the balance by half of that."""
    change = (1 + rng.normal(0, spread)) * (1 + rng.normal(0, spread / 2, 3))
    return np.clip(colour * change, 0.01, 1).astype(np.float32)


def strong(rng: np.random.Generator) -> np.ndarray:
    """Draws the colour of a toy, a print, a glaze."""
    return hsv(rng.random(), rng.uniform(0.5, 1.0), rng.uniform(0.35, 1.0))


def natural(rng: np.random.Generator) -> np.ndarray:
    """Draws any colour by how often things have it: greys, earth, muted colours, black, white, strong ones."""
    kind = rng.random()
    if kind < 0.2:
        return near(rng, np.full(3, float(rng.choice([0.08, 0.2, 0.45, 0.7, 0.9, 0.95])), np.float32), 0.06)
    if kind < 0.45:
        return hsv(rng.normal(0.08, 0.03), rng.uniform(0.15, 0.75), rng.uniform(0.15, 0.95))
    if kind < 0.8:
        return hsv(rng.random(), rng.uniform(0.05, 0.5), rng.uniform(0.15, 0.95))
    return strong(rng)


def scheme(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Draws `count` colours that go together: neighbours of one hue, some opposite to it, and a neutral one."""
    hue, colours = rng.random(), []
    for _ in range(count):
        kind = rng.random()
        if kind < 0.25:
            colours.append(near(rng, np.full(3, float(rng.choice([0.06, 0.5, 0.93])), np.float32), 0.08))
        else:
            turn = 0.5 if kind > 0.85 else 0.0
            colours.append(hsv(hue + turn + rng.normal(0, 0.06), rng.uniform(0.2, 0.95), rng.uniform(0.2, 1)))
    return colours


def ramp(t: np.ndarray, *stops: np.ndarray) -> np.ndarray:
    """Colours a field (n, n) in [0, 1] along evenly spaced stops; float32 (n, n, 3)."""
    at = np.linspace(0, len(stops) - 1, 256)
    table = np.stack([np.interp(at, np.arange(len(stops)), [float(s[c]) for s in stops]) for c in range(3)], -1)
    grey = cv2.convertScaleAbs(np.ascontiguousarray(t), alpha=255)
    return np.asarray(cv2.LUT(cv2.merge([grey, grey, grey]), table[None].astype(np.float32)))


def mixed(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Mixes pictures or colours: `share` (n, n) of b, the rest a; float32 (n, n, 3)."""
    a, b, share = (np.asarray(v, np.float32) for v in (a, b, share))
    return np.asarray(a + (b - a) * share[..., None])


def flat(colour: np.ndarray, n: int) -> np.ndarray:
    """Fills a picture (n, n, 3) with one colour."""
    return np.full((n, n, 3), colour, np.float32)


def recoloured(picture: np.ndarray, colour: np.ndarray, chroma: float = 0.4) -> np.ndarray:
    """Gives a picture the mean `colour`; its own colours stay as deviations, weakened to `chroma`."""
    grey = cv2.transform(picture, LUMA[None])[..., None]
    level = max(float(grey.mean()), 0.05)
    coloured = (grey + (picture - grey) * np.float32(chroma)) / np.float32(level)
    middle = cv2.mean(coloured)[:3]
    return np.asarray(coloured * (colour / np.maximum(np.array(middle, np.float32), 0.05)), np.float32)
