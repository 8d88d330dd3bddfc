"""Microphones, telephones, books and leaves."""

import numpy as np

from data_pipeline.drawn import palette, textures
from data_pipeline.drawn.canvas import Canvas, Surface
from data_pipeline.drawn.curves import Fit, Points, ellipse, opened, ribbon, rounded_box, shifted
from data_pipeline.drawn.fields import Light, grid

_BINDINGS = ("print", "print", "print", "leather", "fabric")


def microphone(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a hand-held microphone: wire mesh or foam over a tapered body."""
    long, radius = rng.uniform(1.6, 2.4), rng.uniform(0.36, 0.44)
    stretch = rng.uniform(0.95, 1.35)
    body = np.array([(-0.22, 0.25), (0.22, 0.25), (0.13, long), (-0.13, long)])
    ball = ellipse((0, 0), radius, radius * stretch)
    fit = Fit(np.concatenate([body, ball]), rng.normal(0, 0.7))
    unit = fit.scale
    dark = palette.near(rng, np.full(3, 0.13, np.float32), 0.3) if rng.random() < 0.7 else palette.cloth(rng)
    shade = textures.cylinder(rng.uniform(-0.9, 0.9))
    tube = Surface(dark[:, None, None] * shade * 1.2 + 0.04, fit.matrix((-0.22, 0.2, 0.22, long)))
    canvas.paint(canvas.cover(fit(body)), tube, 1)
    switch = fit(shifted(rounded_box(0.1, 0.2, 0.04), 0, 0.25 + 0.3 * long))
    canvas.paint(canvas.cover(switch), (0.5, 0.5, 0.5), 1, 0.8)
    light = Light.draw(rng)
    x, y = grid((-1.1, -1.1, 1.1, 1.1), 64)
    height = np.sqrt(np.maximum(1.05 - x * x - y * y, 0.02)).astype(np.float32)
    lit, shine = light.on(height, 2.2 / 64)
    span = fit.matrix((-1.1 * radius, -1.1 * radius * stretch, 1.1 * radius, 1.1 * radius * stretch))
    foam = rng.random() < 0.3
    metal = (
        palette.cloth(rng) * 0.7 if foam else palette.near(rng, np.full(3, rng.uniform(0.3, 0.75), np.float32), 0.05)
    )
    head = canvas.cover(fit(ball))
    canvas.paint(head, Surface(metal[:, None, None] * lit + 0.35 * (not foam) * shine, span), 1)
    if foam:
        dots = ellipse((0, 0), 0.014, 0.014, n=6)
        spots = rng.uniform(-1, 1, (90, 2)) * (radius, radius * stretch)
        canvas.shade(canvas.cover(*(fit(dots + s) for s in spots), within=head), 0.6, 0.8)
    else:
        lines = []
        for k in np.linspace(-0.93, 0.93, 13):
            t = np.linspace(-1, 1, 12) * np.sqrt(1 - k * k)
            bow = k * radius * (1 + 0.12 * (1 - t * t))
            lines += [np.stack([t * radius, bow * stretch], 1), np.stack([bow, t * radius * stretch], 1)]
        canvas.shade(canvas.strokes([fit(line) for line in lines], 0.022 * unit, within=head), 0.35, 0.75)
    band = fit(np.array([(-radius * 1.02, 0.02), (radius * 1.02, 0.02)])) if not foam else None
    if band is not None:
        canvas.paint(canvas.strokes([band], 0.1 * unit), metal * 0.75 + 0.12, 1)
        canvas.paint(canvas.strokes([band - (0, 0.02 * unit)], 0.02 * unit), np.minimum(metal + 0.4, 1), None, 0.7)
    neck = fit(np.array([(-0.24, 0.36 * stretch), (0.24, 0.36 * stretch)]))
    canvas.paint(canvas.strokes([neck], 0.07 * unit), dark * 1.4 + 0.05, 1)


def phone(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a telephone from its back with cameras, or its screen."""
    tall = rng.uniform(1.9, 2.2)
    case = rounded_box(1.0, tall, rng.uniform(0.1, 0.18))
    fit = Fit(case, rng.normal(0, 0.6))
    unit = fit.scale
    colour = palette.cloth(rng)
    canvas.paint(canvas.cover(fit(case)), colour * 0.6, 1)
    x, y = grid((-0.5, -0.5, 0.5, 0.5), 32)
    sheen = np.clip(0.75 + 0.5 * (x - y), 0.3, 1.4)
    inner = canvas.cover(fit(case * (0.95, 0.975)))
    span = fit.matrix((-0.5, -tall / 2, 0.5, tall / 2))
    if rng.random() < 0.6:
        case = colour[:, None, None] * sheen if canvas.materials is None else canvas.materials.draw(rng)
        canvas.paint(inner, Surface(case, span), 1)
        canvas.paint(canvas.cover(fit(shifted(rounded_box(0.42, 0.44, 0.1), -0.2, -tall / 2 + 0.32))), colour * 0.75, 1)
        for dx, dy in ((-0.1, -0.1), (0.1, -0.1), (-0.1, 0.1))[: int(rng.integers(1, 4))]:
            centre = fit(np.array([(-0.2 + dx, -tall / 2 + 0.32 + dy)]))[0]
            for share, tone in ((0.095, 0.1), (0.06, 0.02), (0.02, 0.5)):
                canvas.paint(canvas.cover(ellipse(centre, share * unit, share * unit)), (tone,) * 3, 1)
    else:
        shown = textures.draw(rng) if canvas.materials is None else canvas.materials.scene(rng)
        canvas.paint(inner, Surface(shown * 0.8 + 0.05, span), 1)
        for row in range(4):
            for col in range(3):
                icon = fit(shifted(rounded_box(0.17, 0.17, 0.04), -0.28 + 0.28 * col, -tall * 0.3 + 0.3 * row))
                canvas.paint(canvas.cover(icon), palette.vivid(rng), 1)
    glare = fit(np.array([(-0.1, -tall / 2), (0.25, -tall / 2), (-0.15, tall / 2), (-0.5, tall / 2)]))
    canvas.paint(canvas.cover(glare, blur=0.02 * unit, within=inner), (1, 1, 1), None, rng.uniform(0.03, 0.15))


def book(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a closed book with its page edges, title and picture."""
    wide, depth = rng.uniform(0.65, 0.85), rng.uniform(0.08, 0.2)
    cover = np.array([(-wide / 2, -0.5), (wide / 2, -0.5), (wide / 2, 0.5), (-wide / 2, 0.5)])
    lean = np.array([depth, -depth * 0.55])
    pages = np.array([cover[1], cover[1] + lean, cover[2] + lean, cover[2]])
    top = np.array([cover[0], cover[0] + lean, cover[1] + lean, cover[1]])
    fit = Fit(np.concatenate([cover, pages, top]), rng.normal(0, 0.35))
    unit = fit.scale
    for face, tone in ((pages, 0.84), (top, 0.93)):
        canvas.paint(canvas.cover(fit(face)), (tone, tone * 0.97, tone * 0.9), 1)
    lines = [fit(np.stack([cover[1] + lean * k, cover[2] + lean * k])) for k in np.linspace(0.1, 0.9, 9)]
    canvas.shade(canvas.strokes(lines, 0.006 * unit), 0.75, 0.8)
    back = np.array([cover[0] + lean, cover[1] + lean, cover[2] + lean])
    colour = palette.cloth(rng)
    canvas.paint(canvas.strokes([fit(back)], 0.025 * unit), colour * 0.8, 1)
    artwork = textures.draw(rng, colour, materials=canvas.materials, kinds=_BINDINGS)
    front = canvas.cover(fit(cover))
    canvas.paint(front, Surface(artwork, fit.matrix((-wide / 2, -0.5, wide / 2, 0.5))), 1)
    canvas.shade(
        canvas.strokes(
            [fit(np.array([(-wide / 2 + 0.045, -0.5), (-wide / 2 + 0.045, 0.5)]))],
            0.02 * unit,
            blur=0.008 * unit,
            within=front,
        ),
        0.6,
        0.8,
    )
    ink = palette.near(rng, np.full(3, 0.93 if colour.mean() < 0.5 else 0.12, np.float32), 0.05)
    rows = [(-0.34, 0.5), (-0.24, 0.36), (0.38, 0.3)]
    words = [fit(np.array([(-wide * w / 2 + 0.02, y), (wide * w / 2 + 0.02, y)])) for y, w in rows]
    canvas.paint(canvas.strokes(words, 0.05 * unit), ink, 1)
    if rng.random() < 0.6:
        canvas.paint(canvas.cover(fit(ellipse((0.02, 0.08), wide * 0.26, wide * 0.26))), palette.vivid(rng), 1)


def leaf(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a twig with leaves."""
    stem = opened([(0, 0.6), (rng.normal(0, 0.1), 0.2), (rng.normal(0, 0.15), -0.3), (rng.normal(0, 0.2), -0.7)], 6)
    count = int(rng.integers(3, 9))
    slim, long = rng.uniform(0.16, 0.34), rng.uniform(0.4, 0.75)
    blades, veins = [], []
    for k in range(count):
        root = stem[int((0.25 + 0.75 * k / count) * (len(stem) - 1))]
        angle = -np.pi / 2 + (1 if k % 2 else -1) * rng.uniform(0.3, 1.2) * (k < count - 1)
        length = long * rng.uniform(0.7, 1.1)
        blades.append(_blade(root, angle, length, slim))
        veins.append(_veins(root, angle, length, slim))
    fit = Fit(np.concatenate([stem, *blades]), rng.uniform(-np.pi, np.pi))
    unit = fit.scale
    hue = rng.uniform(0.2, 0.37) if rng.random() < 0.8 else rng.uniform(0.0, 0.12)
    canvas.paint(canvas.cover(fit(ribbon(stem, 0.03))), palette.hsv(0.1, 0.5, 0.35), 1)
    for blade, vein in zip(blades, veins, strict=True):
        colour = palette.hsv(hue + rng.normal(0, 0.015), rng.uniform(0.5, 0.8), rng.uniform(0.3, 0.65))
        outline = fit(blade)
        canvas.shade(canvas.cover(outline + 0.02 * unit, blur=0.02 * unit), 0.55, 0.7)
        cover = canvas.cover(outline)
        canvas.paint(cover, colour, 1)
        half = np.concatenate([outline[: len(outline) // 2 + 1], outline[:1]])
        canvas.shade(canvas.cover(half, within=cover), rng.choice([0.8, 1.25]), 0.8)
        canvas.paint(
            canvas.strokes([fit(v) for v in vein], 0.012 * unit, within=cover), np.minimum(colour * 1.5, 1), None, 0.6
        )


def _along(root: Points, angle: float, points: Points) -> Points:
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[c, s], [-s, c]]) + root)


def _blade(root: Points, angle: float, length: float, slim: float) -> Points:
    half = np.array([(0, 0), (0.15, 0.45), (0.4, 0.62), (0.7, 0.42), (1.0, 0)]) * (length, length * slim * 1.3)
    upper = opened(half, 6)
    return _along(root, angle, np.concatenate([upper, upper[-2:0:-1] * (1, -1)]))


def _veins(root: Points, angle: float, length: float, slim: float) -> list[Points]:
    ribs = [np.array([(0, 0), (0.97, 0)])]
    ribs += [np.array([(x, 0), (x + 0.16, s * 0.36)]) for x in (0.15, 0.32, 0.5, 0.66) for s in (-1, 1)]
    return [_along(root, angle, rib * (length, length * slim * 1.3)) for rib in ribs]
