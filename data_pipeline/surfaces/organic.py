"""Grown things: fur and feathers, leaves, bread, fruit, meat, berries."""

import cv2
import numpy as np

from data_pipeline.surfaces.colours import flat, hsv, mixed, natural, near, ramp, skin_like, strong
from data_pipeline.surfaces.light import relief
from data_pipeline.surfaces.noise import displaced, fractal, places, scattered, smooth, step, strands, unit

# Hue, saturation and value of coats: ginger, brown, cream, grey, white, dark.
_FURS = ((0.07, 0.6, 0.8), (0.06, 0.55, 0.5), (0.08, 0.25, 0.85), (0.08, 0.1, 0.3), (0.1, 0.05, 0.95), (0.05, 0.7, 0.3))


def fur(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws fur: strands along a flow, plain, striped, spotted, patched or ticked; cats, dogs, plush, wool."""
    flow = rng.uniform(0, 2 * np.pi) + np.float32(rng.uniform(0.15, 0.8)) * fractal(rng, n, 2, 0.4)
    fine = rng.random((n, n), np.float32)
    if rng.random() < 0.5:
        fine = smooth(fine, rng.uniform(0.5, 1.1))
    hairs = strands(fine, flow, n * rng.uniform(0.03, 0.16))
    tufts = strands(fractal(rng, n, n / 16, 0.6), flow, n * 0.1)
    base = near(rng, hsv(*_FURS[int(rng.integers(6))]), 0.12) if rng.random() < 0.85 else strong(rng)
    other = near(rng, hsv(*_FURS[int(rng.integers(6))]), 0.12) * np.float32(float(rng.choice([0.35, 1.0])))
    kind, ragged = rng.random(), np.float32(0.25) * hairs
    if kind < 0.3:  # tabby
        x, y = places(n)
        turn, rate = rng.uniform(0, np.pi), rng.uniform(4, 11)
        at = (x * np.cos(turn) + y * np.sin(turn)) * rate + 0.25 * fractal(rng, n, 3, 0.5)
        marks = step(np.sin(2 * np.pi * at).astype(np.float32) + ragged, rng.uniform(-0.2, 0.6), 0.5)
    elif kind < 0.45:  # spots
        cells = scattered(rng, n, int(rng.integers(4, 10)), 0.9)
        marks = step(cells.edge / cells.edge.max() + 0.15 * ragged, rng.uniform(0.3, 0.6), 0.15)
    elif kind < 0.65:  # patches
        marks = step(fractal(rng, n, 2, 0.45) + ragged, rng.uniform(-0.3, 0.8), 0.25)
    else:
        marks = unit(tufts, 0.12)
    picture = mixed(flat(base, n), other, marks)
    shade = 1 + np.float32(rng.uniform(0.12, 0.3)) * hairs + 0.12 * tufts
    return np.asarray(picture * np.clip(shade, 0.2, 2)[..., None], np.float32)


def foliage(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws leaves over leaves, lit from above, with a light rib; green, autumnal, or petals."""
    kind = rng.random()
    hue, spread = (rng.normal(0.27, 0.04), 0.02) if kind < 0.7 else (rng.uniform(-0.02, 0.14), 0.04)
    if kind > 0.88:
        hue = rng.random()
    depth = ramp(unit(fractal(rng, n, 6, 0.9)), hsv(hue, 0.7, 0.03), hsv(hue, 0.65, 0.25))
    picture = cv2.convertScaleAbs(depth, alpha=255)  # OpenCV antialiases bytes alone
    count, size = int(rng.integers(50, 110)), rng.uniform(0.1, 0.3) * n
    slim, lean = rng.uniform(0.2, 0.55), rng.uniform(0, 2 * np.pi)
    t = np.linspace(0, 1, 9)
    half = np.sin(np.pi * t**0.8) * slim * 0.5
    blade = np.concatenate([np.stack([t, half], 1), np.stack([t, -half], 1)[-2:0:-1]])
    for k in range(count):
        angle = lean + rng.normal(0, 0.9)
        c, s = np.cos(angle), np.sin(angle)
        turned = (blade * size * rng.uniform(0.6, 1.3)) @ np.array([[c, s], [-s, c]]) + rng.uniform(-0.1, 1.05, 2) * n
        colour = hsv(hue + rng.normal(0, spread), rng.uniform(0.4, 0.8), 0.2 + 0.6 * k / count * rng.uniform(0.6, 1.2))
        upper = np.concatenate([turned[:9], turned[:1]])
        for outline, tone in ((turned + n * 0.01, 0.3), (turned, 1.0), (upper, 0.8)):
            corners = np.rint(outline * 16).astype(np.int32)
            cv2.fillPoly(picture, [corners], [float(v) for v in colour * tone * 255], cv2.LINE_AA, 4)
    grain = (1 + 0.08 * fractal(rng, n, 10, 0.9)) * np.float32(1 / 255)
    return np.asarray(picture * grain[..., None], np.float32)


def crumb(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws bread, cake, cheese, biscuit: pores in a pale crumb, a baked crust, chips or seeds."""
    colour = skin_like(rng) if rng.random() < 0.7 else hsv(rng.normal(0.11, 0.02), rng.uniform(0.3, 0.8), 0.85)
    pores = fractal(rng, n, n / rng.uniform(5, 20), 0.75)
    height = -step(pores, rng.uniform(0.5, 1.6), 0.6) * 2 + 0.3 * fractal(rng, n, n / 4, 0.8)
    picture = flat(colour, n) * (1 + 0.25 * height * rng.random() + 0.08 * fractal(rng, n, 3, 0.8))[..., None]
    if rng.random() < 0.5:
        baked = step(fractal(rng, n, 2, 0.6), rng.uniform(-1, 0.5), 1.2)
        picture = mixed(picture, picture * np.array([0.55, 0.38, 0.25], np.float32), baked)
    if rng.random() < 0.35:
        cells = scattered(rng, n, int(rng.integers(5, 14)), 1.0)
        shown = rng.random(cells.number)[cells.label] < 0.3
        chip = natural(rng) * np.float32(rng.uniform(0.2, 1))
        picture = mixed(picture, chip, step(cells.edge, cells.edge.max() * 0.45, 2) * shown)
    return relief(rng, np.asarray(picture, np.float32), height.astype(np.float32), rng.uniform(0.5, 1.5), 0.05)


def citrus(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a cut fruit: segments around a middle with juicy fibres, pith and peel; or the peel alone."""
    hue = float(rng.choice([0.1, 0.07, 0.15, 0.24, 0.0, 0.3]))
    flesh = hsv(float(hue), rng.uniform(0.6, 0.95), rng.uniform(0.7, 1))
    if rng.random() < 0.35:
        dimples = fractal(rng, n, n / rng.uniform(5, 9), 0.4)
        picture = flat(flesh, n) * (1 + 0.06 * fractal(rng, n, 2, 0.6))[..., None]
        return relief(rng, picture, dimples, rng.uniform(0.2, 0.6), rng.uniform(0.1, 0.4))
    x, y = places(n)
    cx, cy, reach = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8), rng.uniform(0.35, 0.8)
    radius, angle = np.hypot(x - cx, y - cy) / reach, np.arctan2(y - cy, x - cx)
    count = int(rng.integers(7, 13))
    between = np.abs((angle / (2 * np.pi) * count) % 1 - 0.5) * 2
    thin = step(between + 0.12 / count / np.maximum(radius, 0.05), 1, 0.06)
    wall = np.maximum(thin, step(radius, 0.84, 0.04))
    fibre = strands(rng.random((n, n), np.float32), angle.astype(np.float32), n * 0.1)
    picture = flat(flesh, n) * (0.85 + 0.16 * fibre)[..., None]
    picture = mixed(picture, near(rng, np.array([0.98, 0.95, 0.85], np.float32), 0.04), wall)
    picture = mixed(picture, flesh * 0.9, step(radius, 0.95, 0.02))
    return mixed(picture, natural(rng), step(radius, 1.0, 0.02))


def meat(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws raw or roast meat, ham, salmon, sausage: red with pale fat along fibres."""
    red = near(rng, hsv(rng.normal(0.01, 0.015), rng.uniform(0.35, 0.8), rng.uniform(0.4, 0.9)), 0.08)
    pull = fractal(rng, n, 2, 0.5)
    fat = np.abs(fractal(rng, n, rng.uniform(3, 7), 0.7, rng.uniform(1, 5)) + 0.3 * pull)
    picture = flat(red, n) * (1 + 0.14 * fractal(rng, n, 10, 0.9, 4))[..., None]
    picture = mixed(picture, near(rng, np.array([0.95, 0.83, 0.75], np.float32), 0.05), step(-fat, -0.18, 0.2) * 0.85)
    if rng.random() < 0.3:
        picture = mixed(picture, picture * np.float32(0.3), step(fractal(rng, n, 3, 0.8), rng.uniform(0, 1.5), 0.8))
    return relief(rng, picture, fractal(rng, n, 6, 0.8), rng.uniform(0.5, 2), rng.uniform(0.05, 0.4))


def berries(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a heap of round things: berries, beans, nuts, sweets, grains, beads."""
    cells = scattered(rng, n, int(rng.integers(4, 18)), 0.7)
    colours = np.stack([strong(rng) if rng.random() < 0.6 else natural(rng) for _ in range(4)])
    kinds = int(rng.choice([1, 1, 2, 4]))
    tones = colours[rng.integers(kinds, size=cells.number)] * (1 + 0.15 * rng.standard_normal((cells.number, 1)))
    size = n / cells.number**0.5
    height = smooth(np.sqrt(np.minimum(cells.edge / (0.48 * size), 1)), max(0.05 * size, 0.5))
    picture = np.clip(tones, 0.02, 1).astype(np.float32)[cells.label] * (height**1.5)[..., None]
    picture = picture * (1 + 0.08 * fractal(rng, n, n / 8, 0.8))[..., None]
    return relief(rng, picture, height, size * rng.uniform(0.3, 0.6), rng.uniform(0.1, 0.9))


def feathers(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws feathers, scales or shingles: rows that overlap, each with a rim and fine barbs."""
    rows = int(rng.integers(5, 14))
    x, y = places(n)
    v = y * rows + 0.2 * fractal(rng, n, 3, 0.4)
    row = np.floor(v)
    u = (x * rows + 0.5 * (row % 2)) % 1 - 0.5
    t = np.clip((v % 1) + 1.4 * u * u, 0, 1.3)
    base, tip = natural(rng), natural(rng)
    barbs = np.sin((u * 40 + v * 12) * 2).astype(np.float32)
    picture = ramp(np.clip(t / 1.3, 0, 1), np.clip(base * 1.1, 0, 1), base, tip, tip * 0.3)
    return np.asarray(picture * (1 + 0.07 * barbs + 0.08 * fractal(rng, n, 5, 0.9))[..., None], np.float32)


def food(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws any food, some of it pulled out of shape."""
    painter = (crumb, crumb, citrus, meat, berries)[int(rng.integers(5))]
    picture = painter(rng, n)
    if rng.random() < 0.2:
        picture = displaced(picture, *(fractal(rng, n, 3, 0.5) * np.float32(n * 0.03) for _ in range(2)))
        picture = cv2.GaussianBlur(picture, (0, 0), 0.6)
    return picture
