"""Glasses: frames with clear, tinted or dark lenses, truly transparent where the lens is."""

import numpy as np

from data_pipeline.drawn import palette
from data_pipeline.drawn.canvas import Canvas
from data_pipeline.drawn.curves import Fit, Points, closed, ellipse, opened, shifted

# Right lenses around their centres; the left one is the mirror image.
_LENSES = {
    "round": ellipse((0, 0), 0.4, 0.38),
    "oval": ellipse((0, 0), 0.45, 0.31),
    "box": closed([(-0.44, -0.26), (0, -0.3), (0.45, -0.27), (0.43, 0.1), (0.34, 0.27), (0, 0.31), (-0.33, 0.27),
                   (-0.42, 0.05)], 6),
    "pilot": closed([(-0.4, -0.27), (0, -0.3), (0.44, -0.24), (0.46, 0.05), (0.3, 0.33), (0.0, 0.38), (-0.25, 0.25),
                     (-0.4, -0.02)], 6),
    "cat": closed([(-0.42, -0.2), (0, -0.26), (0.36, -0.32), (0.54, -0.4), (0.48, -0.05), (0.3, 0.24), (0, 0.29),
                   (-0.32, 0.2)], 6),
}  # fmt: skip


def glasses(rng: np.random.Generator, canvas: Canvas) -> None:
    """Spectacles: lenses that are clear or lightly tinted, with reflections."""
    tint = palette.hsv(rng.random(), rng.uniform(0, 0.5), rng.uniform(0.4, 0.95))
    _draw(rng, canvas, tint, opacity=(rng.uniform(0.03, 0.3),) * 2, gleam=rng.uniform(0.15, 0.5))


def sunglasses(rng: np.random.Generator, canvas: Canvas) -> None:
    """Sunglasses: dark lenses, often paler towards the lower edge."""
    tint = palette.hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.02, 0.2))
    top = rng.uniform(0.8, 0.99)
    _draw(rng, canvas, tint, opacity=(top, top * rng.uniform(0.55, 1.0)), gleam=rng.uniform(0.1, 0.35))


def _draw(
    rng: np.random.Generator, canvas: Canvas, tint: palette.Colour, opacity: tuple[float, float], gleam: float
) -> None:
    shape = _LENSES[str(rng.choice(list(_LENSES)))] * (1, rng.uniform(0.85, 1.15))
    gap = rng.uniform(0.52, 0.58)
    pair = [shifted(shape * (-1, 1), -gap, 0), shifted(shape, gap, 0)]
    metal = rng.random() < 0.35
    frame = palette.near(rng, np.array([0.7, 0.62, 0.45], np.float32), 0.2) if metal else palette.cloth(rng) * 0.6
    width = rng.uniform(0.025, 0.045) if metal else rng.uniform(0.05, 0.11)
    arms = [
        opened([(s * (gap + 0.42), -0.17), (s * (gap + 0.5), -0.16), (s * (gap + 0.56), rng.uniform(-0.16, 0.1))], 4)
        for s in (-1, 1)
    ]
    bridge = opened([(-gap + 0.41, -0.06), (0, -0.14), (gap - 0.41, -0.06)], 6)
    yaw = rng.normal(0, 0.12)

    def seen(points: Points) -> Points:  # a slight turn: the far side is narrower
        return points * np.stack([1 - yaw * points[:, 0] * 0.5, np.ones(len(points))], 1)

    drawn = [seen(p) for p in (*pair, *arms, bridge)]
    fit = Fit(np.concatenate(drawn), rng.normal(0, 0.12), margin=0.05)
    left, right, arm_left, arm_right, bridge = (fit(p) for p in drawn)
    unit = fit.scale
    lenses = canvas.cover(left, right)
    rows = np.linspace(0, 1, 32, dtype=np.float32)[:, None] * np.ones((1, 2), np.float32)
    fade = canvas.place(opacity[0] + (opacity[1] - opacity[0]) * rows, fit.matrix((-1.1, -0.4, 1.1, 0.4)), lenses)
    glass = lenses._replace(mask=lenses.mask * fade)
    canvas.paint(glass, tint, 1)
    lean, where = rng.uniform(0.1, 0.4), rng.uniform(-0.2, 0.2)
    for s in (-1, 1):
        x = s * gap + where
        streak = fit(seen(np.array([(x, -0.5), (x + 0.16, -0.5), (x + 0.16 - lean, 0.5), (x - lean, 0.5)])))
        canvas.paint(canvas.cover(streak, blur=0.02 * unit, within=lenses), (0.95, 0.97, 1.0), 1, gleam)
    strokes = [np.concatenate([lens, lens[:1]]) for lens in (left, right)]
    for lines, size in (([arm_left, arm_right], width * 1.3), (strokes, width), ([bridge], width * 1.1)):
        canvas.paint(canvas.strokes(lines, size * unit), frame, 1)
    light = np.array([-0.2, -0.25]) * width * unit
    canvas.paint(
        canvas.strokes([s + light for s in strokes], 0.25 * width * unit, blur=0.08 * width * unit),
        (1, 1, 1),
        None,
        0.45 if metal else 0.25,
    )
