"""Made things: wood, metal, glazed ceramic, plastic, leather."""

import cv2
import numpy as np

from data_pipeline.surfaces.colours import between, flat, hsv, mixed, natural, near, ramp, skin_like, strong
from data_pipeline.surfaces.light import reflection, relief, windows
from data_pipeline.surfaces.motifs import scatter, stamped
from data_pipeline.surfaces.noise import displaced, fractal, places, scattered, smooth, step, unit

_WHITES = np.array([(0.97, 0.97, 0.97), (0.95, 0.92, 0.86), (0.95, 0.86, 0.72), (0.9, 0.78, 0.62)], np.float32)


def wood(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a board or planks: rings, grain, pores and knots; raw, lacquered, painted or weathered."""
    x, y = places(n)
    bend = fractal(rng, n, 2, 0.4, 4)
    across: np.ndarray = y + np.float32(0.05) * bend
    for _ in range(int(rng.integers(0, 3))):
        cx, cy, reach = rng.random(), rng.random(), rng.uniform(0.02, 0.1)
        near_knot = np.exp(-(((x - cx) / (2.5 * reach)) ** 2) - ((y - cy) / reach) ** 2)
        across = across + np.float32(reach * float(rng.choice([-1, 1]))) * near_knot
    rings = (across * np.float32(rng.uniform(4, 18)) + np.float32(0.15) * fractal(rng, n, 4, 0.6, 6)) % 1
    t = 0.55 * rings**2 + 0.35 * unit(fractal(rng, n, 5, 0.95, 25)) + 0.1 * unit(bend)
    value = rng.uniform(0.3, 0.95)
    light = hsv(rng.normal(0.085, 0.015), rng.uniform(0.2, 0.65), value) if rng.random() < 0.6 else skin_like(rng)
    dark = light * np.array([0.62, 0.52, 0.42], np.float32) * rng.uniform(0.8, 1.25)
    picture = ramp(np.clip(t, 0, 1), light, np.clip(light * 0.85, 0, 1), np.clip(dark, 0, 1))
    pores = step(fractal(rng, n, n / 6, 0.9, 14), 1.4, 0.6)
    picture = picture * (1 - 0.3 * pores)[..., None]
    if rng.random() < 0.2:
        coat = step(fractal(rng, n, 4, 0.85, 3), rng.uniform(-2.5, -0.3), 0.3)
        picture = mixed(picture, natural(rng) * (1 - 0.15 * t[..., None]), coat)
    if rng.random() < 0.45:
        planks = int(rng.integers(2, 8))
        row = (y * planks).astype(int)
        tone = 1 + 0.12 * rng.standard_normal(planks)
        picture = displaced(picture, np.repeat(rng.uniform(0, n, planks)[row], n, 1).astype(np.float32), 0 * x + 0 * y)
        gap = step(np.abs((y * planks) % 1 - 0.5), 0.5 - planks / n, 0.02)
        picture = picture * (tone[row][..., None] * (1 - 0.7 * gap)[..., None])
    if rng.random() < 0.4:
        picture = picture + (rng.uniform(0.05, 0.4) * windows(rng, n) * (0.8 + 0.4 * t))[..., None]
    return np.asarray(picture, np.float32)


def metal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws brushed, polished, hammered, painted or rusty metal: steel, brass, copper, gold."""
    colours = ((0.75, 0.76, 0.78), (0.55, 0.57, 0.6), (0.88, 0.72, 0.38), (0.86, 0.56, 0.4), (0.3, 0.31, 0.33))
    base = near(rng, np.array(colours[int(rng.integers(5))], np.float32), 0.06)
    room = reflection(rng, n, rng.uniform(0.0, 0.06))
    if rng.random() < 0.5:
        room = 0.5 + 0.5 * room + np.float32(rng.uniform(0.02, 0.1)) * fractal(rng, n, 8, 1.0, 60)
    picture: np.ndarray = flat(base, n) * room[..., None] * np.float32(0.8)
    kind = rng.random()
    if kind < 0.2:
        cells = scattered(rng, n, int(rng.integers(5, 16)))
        picture = relief(rng, picture, smooth(np.minimum(cells.edge, n / 20), 1.5), 0.5, 0.5)
    elif kind < 0.45:
        rust = step(fractal(rng, n, 4, 0.85), rng.uniform(-0.5, 1.5), 0.4)
        iron = ramp(unit(fractal(rng, n, 10, 0.95)), hsv(0.04, 0.8, 0.18), hsv(0.06, 0.8, 0.5), hsv(0.09, 0.7, 0.7))
        picture = mixed(picture, iron, rust)
    elif kind < 0.6:
        paint = step(fractal(rng, n, 5, 0.8), -rng.uniform(0.8, 2.5), 0.1)
        picture = mixed(picture, strong(rng) * (0.6 + 0.4 * room[..., None]), paint)
    for _ in range(int(rng.integers(0, 12))):
        a, b = rng.uniform(0, n, 2), rng.normal(0, n / 4, 2)
        tone = [float(v) for v in np.clip(base * float(rng.choice([0.6, 1.4])), 0, 1)]
        start, end = (int(a[0]), int(a[1])), (int(a[0] + b[0]), int(a[1] + b[1]))
        cv2.line(picture, start, end, tone, 1, cv2.LINE_AA)
    return np.asarray(picture, np.float32)


def ceramic(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws glaze: plain, speckled, running, crackled or painted; glossy with the windows in it."""
    colour = (skin_like, strong, natural, lambda r: near(r, np.array([0.93, 0.92, 0.89], np.float32), 0.03))[
        int(rng.integers(4))
    ](rng)
    kind = rng.random()
    picture = flat(colour, n)
    if kind < 0.25:
        blue = hsv(rng.normal(0.62, 0.03), 0.8, 0.5) if rng.random() < 0.5 else strong(rng)
        scatter(rng, picture, [blue, np.clip(blue * 1.4, 0, 1)], int(rng.integers(2, 7)))
        for edge in rng.uniform(0, n, int(rng.integers(0, 3))):
            picture[int(edge) : int(edge) + max(n // 40, 2)] = blue
    elif kind < 0.5:
        _, y = places(n)
        run = y - rng.uniform(0.2, 0.8) + np.float32(rng.uniform(0.01, 0.08)) * fractal(rng, n, 6, 0.5, 0.15)
        picture = mixed(picture, natural(rng), step(run, 0, rng.uniform(0.01, 0.2)))
    elif kind < 0.7:
        cells = scattered(rng, n, int(rng.integers(4, 12)), 1.0)
        picture = picture * (1 - 0.35 * step(-cells.edge, -1.0, 1.0))[..., None]
    if rng.random() < 0.5:
        specks = step(fractal(rng, n, n / rng.uniform(4, 8), 0.6), rng.uniform(1.8, 2.6), 0.2)
        picture = picture * (1 - specks * np.float32(rng.uniform(0.3, 0.8)))[..., None]
    picture = picture * (1 + 0.04 * fractal(rng, n, 3, 0.7))[..., None]
    picture = relief(rng, picture, fractal(rng, n, 2, 0.3), n * rng.uniform(0.01, 0.06), 0.15)
    return np.asarray(picture + (windows(rng, n) * np.float32(rng.uniform(0.1, 0.9)))[..., None], np.float32)


def porcelain(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws white or cream glaze without a pattern, as cups have it inside: lighter to one side, windows in it."""
    picture = flat(near(rng, between(rng, _WHITES), 0.05), n)
    x, y = places(n)
    turn = rng.uniform(0, 2 * np.pi)
    away = (np.cos(turn) * (x - 0.5) + np.sin(turn) * (y - 0.5)).astype(np.float32)
    picture = picture * (1 + np.float32(rng.uniform(0, 0.5)) * away + 0.02 * fractal(rng, n, 3, 0.5))[..., None]
    return np.asarray(picture + (windows(rng, n) * np.float32(rng.uniform(0, 0.4)))[..., None], np.float32)


def plastic(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws moulded plastic, rubber or a foil: one or two colours, gloss, ribs or a fine grain."""
    colour = skin_like(rng) if rng.random() < 0.2 else strong(rng) if rng.random() < 0.6 else natural(rng)
    picture = flat(colour, n)
    x, y = places(n)
    if rng.random() < 0.3:
        picture = mixed(picture, natural(rng), step(x * rng.normal() + y * rng.normal(), rng.normal(0, 0.4), 0.01))
    height: np.ndarray = fractal(rng, n, 2, 0.4) * np.float32(n * rng.uniform(0.005, 0.07))
    kind = rng.random()
    if kind < 0.3:
        height = height + np.abs(np.sin(np.pi * x * int(rng.integers(6, 30)))) * np.float32(rng.uniform(1, 3))
    elif kind < 0.5:
        height = height + fractal(rng, n, n / 4, 0.6) * np.float32(0.4)
    elif kind < 0.65:  # crumpled foil
        cells = scattered(rng, n, int(rng.integers(4, 9)), 1.2)
        height = height + cells.edge * rng.normal(0, 0.8, cells.number)[cells.label].astype(np.float32)
    picture = relief(rng, picture, height.astype(np.float32), 1.0, rng.uniform(0.1, 0.8))
    return np.asarray(picture + (windows(rng, n) * np.float32(rng.uniform(0, 0.6)))[..., None], np.float32)


def leather(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws leather: pebbled or cracked grain, worn edges, sometimes a row of stitches or a snake's scales."""
    colour = skin_like(rng) if rng.random() < 0.5 else natural(rng) * np.float32(rng.uniform(0.4, 1))
    cells = scattered(rng, n, int(rng.integers(10, max(n // 5, 12))), float(rng.choice([0.3, 1.2])))
    height = smooth(np.sqrt(np.minimum(cells.edge, n / 30)), 0.8)
    tone = 1 + 0.1 * rng.standard_normal(cells.number)[cells.label] * rng.random()
    if rng.random() < 0.15:
        tone = tone * np.where(rng.random(cells.number) < 0.4, 0.45, 1.0)[cells.label]
    worn = 1 + 0.2 * fractal(rng, n, 3, 0.75)
    picture = flat(colour, n) * (tone * worn * (0.75 + 0.12 * height))[..., None]
    picture = relief(rng, picture.astype(np.float32), height, rng.uniform(0.4, 1.0), rng.uniform(0.02, 0.25))
    if rng.random() < 0.3:
        at, length = int(rng.uniform(0.1, 0.9) * n), max(n // 24, 3)
        thread = [float(v) for v in near(rng, np.full(3, 0.8, np.float32), 0.2)]
        for start in range(0, n, length):
            cv2.line(picture, (at, start), (at, start + length // 2), thread, max(n // 100, 1), cv2.LINE_AA)
    return picture


def tiles(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws glazed tiles with joints; a colour each, or a motif on all."""
    count = int(rng.integers(2, 8))
    x, y = places(n)
    base = skin_like(rng) if rng.random() < 0.3 else natural(rng)
    tones = base * (1 + rng.uniform(0.02, 0.15) * rng.standard_normal((count, count, 1)))
    if rng.random() < 0.25:
        tones[(np.add.outer(np.arange(count), np.arange(count)) % 2) == 1] = natural(rng)
    picture = np.repeat(np.repeat(tones, -(-n // count), 0), -(-n // count), 1)[:n, :n].astype(np.float32)
    if rng.random() < 0.3:
        motif = stamped(rng, -(-n // count), base)
        picture = np.tile(motif, (count, count, 1))[:n, :n]
    side = -(-n // count)
    u, v = np.arange(n) % side, np.arange(n) % side
    joint = max(side * rng.uniform(0.02, 0.06), 1.0)
    near_edge = np.minimum(np.minimum(u, side - u)[None], np.minimum(v, side - v)[:, None]).astype(np.float32)
    height = np.minimum(near_edge, joint * 1.5) + 0 * x + 0 * y
    picture = mixed(picture, near(rng, np.full(3, 0.7, np.float32), 0.2), step(-near_edge, -joint / 2, 1))
    picture = relief(rng, picture, height, 0.6, 0.25)
    return np.asarray(picture + (windows(rng, n) * np.float32(rng.uniform(0, 0.5)))[..., None], np.float32)
