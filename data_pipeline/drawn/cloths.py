"""Scarves, face masks and nets."""

import numpy as np

from data_pipeline.drawn import palette, textures
from data_pipeline.drawn.canvas import Canvas, Surface
from data_pipeline.drawn.curves import Fit, Points, closed, opened
from data_pipeline.drawn.fields import noise
from data_pipeline.drawn.materials import resized

_KINDS = ("fabric", "fabric", "fabric", "fur")


def scarf(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a broad band of knitted or woven cloth in folds, with a hanging end and fringes."""
    sag, thick = rng.uniform(0.02, 0.25), rng.uniform(0.45, 0.75)
    x = np.linspace(-1, 1, 7)
    upper = np.stack([x, sag * (1 - x**2) + rng.normal(0, 0.03, 7)], 1)
    lower = np.stack([x * 0.97, thick + sag * 1.4 * (1 - x**2) + rng.normal(0, 0.04, 7)], 1)
    band = np.concatenate([opened(upper, 6), opened(lower, 6)[::-1]])
    left = rng.uniform(-0.6, 0.3)
    tail_end = thick + rng.uniform(0.5, 1.0)
    tail = closed(
        [
            (left - 0.05, 0.35 * thick + sag),
            (left + 0.4, 0.35 * thick + sag),
            (left + 0.5, tail_end),
            (left + 0.02, tail_end + 0.03),
        ],
        5,
    )
    has_tail = rng.random() < 0.6
    fringe = [
        np.array(
            [
                (left + 0.06 + 0.044 * k, tail_end - 0.02),
                (left + 0.05 + 0.046 * k + rng.normal(0, 0.012), tail_end + rng.uniform(0.13, 0.2)),
            ]
        )
        for k in range(10)
    ]
    fit = Fit(np.concatenate([band, tail, *fringe]) if has_tail else band, rng.normal(0, 0.2))
    unit = fit.scale
    cloth = textures.draw(rng, roughness=0.12, materials=canvas.materials, kinds=_KINDS)
    weave = Surface(cloth, fit.matrix((-1, 0, 1, 2)))
    relief = Surface(_folds(rng, 5), fit.matrix((-1, 0, 1, thick + sag * 1.4)))
    canvas.paint(canvas.cover(fit(band)), weave, 1, light=relief)
    if has_tail:
        canvas.shade(canvas.cover(fit(tail), blur=0.04 * unit), 0.5, 0.8)
        hanging = Surface(_folds(rng, 3).transpose(0, 2, 1), fit.matrix((left, 0, left + 0.5, tail_end)))
        canvas.paint(canvas.strokes([fit(f) for f in fringe], 0.025 * unit), weave, 1, light=hanging)
        canvas.paint(canvas.cover(fit(tail)), weave, 1, light=hanging)


def _folds(rng: np.random.Generator, count: int, n: int = 64) -> np.ndarray:
    """The light on folds that run from left to right, (1, n, n) around 0.9."""
    warp = noise(rng, n, 3, 3, 0.5) - 0.5
    y = np.linspace(0, 1, n, dtype=np.float32)[:, None]
    phase = (y + 0.3 * warp) * count * rng.uniform(0.5, 0.9) * 2 * np.pi
    light = (0.9 + 0.13 * np.sin(phase) + 0.05 * np.sin(2.3 * phase + 1) - 0.25 * np.abs(y - 0.5)).astype(np.float32)
    return np.asarray(light[None])


def mask(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a face mask: pleated surgical, or shaped cloth with a middle seam; loops go to the ears."""
    pleated = rng.random() < 0.6
    if pleated:
        outline = closed(
            [
                (-0.85, -0.5),
                (-0.4, -0.6),
                (0, -0.66),
                (0.4, -0.6),
                (0.85, -0.5),
                (0.9, 0.0),
                (0.8, 0.42),
                (0.4, 0.62),
                (0, 0.68),
                (-0.4, 0.62),
                (-0.8, 0.42),
                (-0.9, 0),
            ],
            5,
        )
    else:
        outline = closed(
            [
                (-0.92, -0.3),
                (-0.45, -0.42),
                (0, -0.72),
                (0.45, -0.42),
                (0.92, -0.3),
                (0.86, 0.1),
                (0.5, 0.5),
                (0, 0.72),
                (-0.5, 0.5),
                (-0.86, 0.1),
            ],
            5,
        )
    turn = rng.normal(0, 0.15)
    outline = outline * np.stack([1 - turn * outline[:, 0], np.ones(len(outline))], 1)
    loops = [
        opened([(s * 0.84, -0.42), (s * 1.2, -0.5), (s * 1.32, -0.1), (s * 1.18, 0.26), (s * 0.8, 0.34)], 5)
        for s in (-1, 1)
    ]
    fit = Fit(np.concatenate([outline, *loops]), rng.normal(0, 0.1))
    unit = fit.scale
    colours = ((0.62, 0.79, 0.88), (0.93, 0.94, 0.95), (0.1, 0.1, 0.11), (0.55, 0.72, 0.6), (0.9, 0.72, 0.76))
    colour = np.array(colours[rng.integers(5)], np.float32) if pleated or rng.random() < 0.4 else palette.cloth(rng)
    x = np.linspace(-1, 1, 64, dtype=np.float32)
    dome = 1.02 - 0.38 * (x[None] - rng.uniform(-0.5, 0.5)) ** 2 - 0.12 * x[:, None]
    wrinkle = 1 + 0.25 * (noise(rng, 64, 6, 3) - 0.5)
    fabric = colour[:, None, None] * (dome * wrinkle)
    if canvas.materials is not None and rng.random() < 0.5:
        fabric = resized(canvas.materials.draw(rng, _KINDS), 128, 128) * resized(dome[None], 128, 128)
    elif not pleated and rng.random() < 0.5:
        fabric = textures.draw(rng, colour)[:, ::2, ::2] * dome
    sheet = Surface(fabric, fit.matrix((-1, -0.75, 1, 0.75)))
    canvas.paint(canvas.strokes([fit(loop) for loop in loops], 0.045 * unit), np.clip(colour * 1.05 + 0.05, 0, 1), 1)
    cover = canvas.cover(fit(outline))
    canvas.paint(cover, sheet, 1)
    if pleated:
        pleats = [
            fit(opened([(-0.88, y), (-0.4, y + bow * 0.7), (0, y + bow), (0.4, y + bow * 0.7), (0.88, y)], 5))
            for y, bow in ((-0.24, -0.05), (0.02, 0.02), (0.26, 0.07))
        ]
        canvas.shade(canvas.strokes(pleats, 0.05 * unit, blur=0.02 * unit, within=cover), 0.72, 0.8)
        canvas.paint(
            canvas.strokes([p - (0, 0.025 * unit) for p in pleats], 0.015 * unit, blur=0.006 * unit, within=cover),
            np.clip(colour * 1.2 + 0.05, 0, 1),
            None,
            0.6,
        )
        wire = fit(opened([(-0.4, -0.52), (0, -0.585), (0.4, -0.52)], 6))
        canvas.shade(canvas.strokes([wire], 0.03 * unit, blur=0.01 * unit, within=cover), 0.8, 0.8)
    else:
        seam = fit(opened([(0, -0.72), (0.06 * turn, -0.2), (0.06 * turn, 0.2), (0, 0.72)], 6))
        canvas.shade(canvas.strokes([seam], 0.03 * unit, blur=0.01 * unit, within=cover), 0.6, 0.8)
    hem = np.concatenate([fit(outline), fit(outline[:1])])
    canvas.shade(canvas.strokes([hem], 0.06 * unit, blur=0.015 * unit, within=cover), 0.8, 0.6)


def net(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a veil or a mesh of fine threads, square, diamond or hexagonal, pulled out of shape."""
    count = int(rng.integers(9, 26))
    bow = rng.uniform(0, 0.06, (2, 2))
    t = np.linspace(-0.1, 1.1, 13)
    offsets = np.linspace(-0.6, 0.6, count)
    kind = rng.choice(["square", "hexagon"])
    angle = rng.uniform(0, np.pi / 2)
    phase = rng.uniform(0, 6, 2)

    def pulled(points: Points) -> Points:
        c, s = np.cos(angle), np.sin(angle)
        turned = (points - 0.5) @ np.array([[c, s], [-s, c]]) * 1.25 + 0.5
        wave = np.stack(
            [bow[0, 0] * np.sin(5 * turned[..., 1] + phase[0]), bow[1, 1] * np.sin(5 * turned[..., 0] + phase[1])], -1
        )
        return np.asarray(turned + wave)

    if kind == "square":
        along = np.stack(
            [np.broadcast_to(t, (count, len(t))), np.broadcast_to(offsets[:, None] + 0.5, (count, len(t)))], -1
        )
        threads = np.concatenate([along, along[..., ::-1]])
    else:
        cell = 1.2 / count
        steps = np.arange(-1, 2 * count + 2)
        up = np.where(steps % 4 < 2, 0, 1)  # a row of hexagons is a zigzag with flats, which the next row touches
        heights = np.arange(-1, 2 * count)[:, None] + np.where(np.arange(-1, 2 * count)[:, None] % 2, up, 1 - up)
        across = np.broadcast_to(-0.1 + steps * cell * 0.75, heights.shape)
        threads = np.stack([across, -0.1 + heights * cell * 0.8], -1)
    edge = closed(
        np.array(
            [(0.04, 0.06), (0.5, 0.03), (0.96, 0.05), (0.97, 0.5), (0.95, 0.96), (0.5, 0.97), (0.05, 0.95), (0.03, 0.5)]
        )
        + rng.normal(0, 0.012, (8, 2)),
        6,
    )
    region = canvas.cover(edge)
    colour = palette.cloth(rng)
    veil = rng.uniform(0, 0.25) if rng.random() < 0.6 else 0.0
    if veil:
        billow = canvas.place(np.clip(0.5 + 2 * (noise(rng, 48, 3, 3) - 0.4), 0.2, 1.5), over=region)
        canvas.paint(region._replace(mask=region.mask * billow), colour, 1, veil)
    width = rng.uniform(0.05, 0.16) / count
    threads_cover = canvas.strokes(pulled(threads), width, within=region)
    canvas.paint(threads_cover, colour, 1, rng.uniform(0.75, 1.0))
    if rng.random() < 0.5:
        canvas.paint(canvas.strokes([np.concatenate([edge, edge[:1]])], 0.015), colour * 0.9, 1)
