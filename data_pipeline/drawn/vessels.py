"""Mugs, paper cups and drinking glasses: turned bodies seen a little from above."""

import numpy as np

from data_pipeline.drawn import palette, textures
from data_pipeline.drawn.canvas import Canvas, Surface
from data_pipeline.drawn.curves import Fit, Points, ellipse, opened, ribbon, shifted
from data_pipeline.drawn.materials import mean_colour


def _arc(y: float, radius: float, tilt: float, upper: bool = False, n: int = 24) -> Points:
    """Half a rim, from left to right: the near half, or the far one with `upper`."""
    t = np.linspace(np.pi, 0, n)
    return np.stack([radius * np.cos(t), y + (-1 if upper else 1) * radius * tilt * np.sin(t)], 1)


def _body(top: float, bottom: float, height: float, tilt: float, bulge: float = 0.0) -> Points:
    """The outline of a turned body between its rims of radii `top` and `bottom`."""
    y = np.linspace(0, height, 10)
    side = top + (bottom - top) * y / height + bulge * np.sin(np.pi * y / height)
    right = np.stack([side, y], 1)
    return np.concatenate(
        [_arc(0, top, tilt, upper=True), right, _arc(height, bottom, tilt)[::-1], right[::-1] * (-1, 1)]
    )


def _wound(light: float, fit: Fit, radius: float, height: float, surface: np.ndarray) -> Surface:
    """A colour (3,) or a surface (3, n, n) wound around the body and lit from `light` in -1 (left) .. 1."""
    if surface.ndim == 1:
        surface = np.broadcast_to(surface[:, None, None], (3, 2, textures.N))
    n = surface.shape[2]
    angle = np.arcsin(np.linspace(-0.99, 0.99, n)) / np.pi + 0.5
    wound = surface[:, :, (angle * (n - 1)).astype(int)] * textures.cylinder(light, n)
    return Surface(wound, fit.matrix((-radius, 0, radius, height)))


def mug(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a mug with a handle, coffee or tea in it, plain or printed."""
    top, height, tilt = 0.5, rng.uniform(0.9, 1.25), rng.uniform(0.1, 0.26)
    bottom, bulge = top * rng.uniform(0.75, 1.0), rng.uniform(0, 0.06)
    side = rng.choice([-1.0, 1.0])
    reach = rng.uniform(0.28, 0.4)
    knots = [
        (0.46, 0.2),
        (0.5 + reach * 0.8, 0.2),
        (0.5 + reach, 0.48),
        (0.48 + reach * 0.7, 0.74),
        (bottom * 0.93, 0.8),
    ]
    handle = opened(np.array(knots) * (side, height), 6)
    body = _body(top, bottom, height, tilt, bulge)
    fit = Fit(np.concatenate([body, handle * 1.05]), rng.normal(0, 0.15))
    unit = fit.scale
    colour = palette.vivid(rng) if rng.random() < 0.6 else palette.cloth(rng)
    if canvas.materials is not None:
        surface = canvas.materials.draw(rng, ("ceramic", "ceramic", "metal", "plastic", "print", "wood"))
        colour = mean_colour(surface)
    elif rng.random() < 0.4:
        surface = textures.draw(rng, colour)
    else:
        surface = colour
    paint = _wound(rng.uniform(-0.9, 0.9), fit, top, height, surface)
    band = rng.uniform(0.1, 0.14)
    ring = canvas.cover(fit(ribbon(handle, band)))
    canvas.paint(ring, colour * 0.8, 1)
    canvas.paint(
        canvas.strokes([fit(shifted(handle, 0, -0.02))], band * 0.3 * unit, blur=band * 0.15 * unit, within=ring),
        np.minimum(colour + 0.25, 1),
        opacity=0.6,
    )
    canvas.shade(
        canvas.strokes([fit(shifted(handle, 0, 0.045))], band * 0.25 * unit, blur=band * 0.12 * unit, within=ring),
        0.5,
        0.8,
    )
    canvas.paint(canvas.cover(fit(body)), paint, 1)
    kind = rng.integers(4)
    if kind == 1:
        y = rng.uniform(0.3, 0.75) * height
        lines = [fit(_arc(y + d, top + (bottom - top) * (y + d) / height + bulge, tilt)) for d in (0.0, 0.14)]
        canvas.paint(canvas.strokes(lines, 0.06 * unit), palette.cloth(rng), opacity=0.9)
    elif kind == 2:
        x = rng.uniform(-0.15, 0.15)
        heart = [
            (x, 0.42),
            (x + 0.1, 0.32),
            (x + 0.2, 0.4),
            (x + 0.15, 0.55),
            (x, 0.7),
            (x - 0.15, 0.55),
            (x - 0.2, 0.4),
            (x - 0.1, 0.32),
        ]
        canvas.paint(canvas.cover(fit(np.array(heart) * (1, height))), palette.vivid(rng), opacity=0.92)
    _rim(rng, canvas, fit, top, tilt, colour)


def _rim(rng: np.random.Generator, canvas: Canvas, fit: Fit, top: float, tilt: float, colour: palette.Colour) -> None:
    angle = fit.angle
    centre = fit(np.zeros((1, 2)))[0]
    lip = canvas.cover(ellipse(centre, top * fit.scale, top * tilt * fit.scale, angle))
    canvas.paint(lip, np.minimum(colour * 1.15 + 0.06, 1), 1)
    inside = canvas.cover(ellipse(centre, top * 0.92 * fit.scale, top * tilt * 0.88 * fit.scale, angle))
    canvas.paint(inside, colour * 0.45, 1)
    drink = np.array(
        [(0.2, 0.1, 0.05), (0.45, 0.22, 0.07), (0.62, 0.42, 0.26), (0.3, 0.14, 0.08)][rng.integers(4)], np.float32
    )
    drop = fit(np.array([(0, top * tilt * 0.35)]))[0]
    canvas.paint(
        canvas.cover(ellipse(drop, top * 0.88 * fit.scale, top * tilt * 0.75 * fit.scale, angle), within=inside),
        drink,
        1,
    )


def cup(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a paper cup to go, with a lid and mostly a cardboard sleeve."""
    top, height, tilt = 0.46, rng.uniform(1.15, 1.5), rng.uniform(0.06, 0.16)
    bottom = top * rng.uniform(0.66, 0.78)
    body = _body(top, bottom, height, tilt)
    lid_height = rng.uniform(0.12, 0.2)
    fit = Fit(np.concatenate([body, [(-0.52, -lid_height - 0.06), (0.52, -lid_height - 0.06)]]), rng.normal(0, 0.18))
    unit = fit.scale
    white = palette.near(rng, np.full(3, 0.9, np.float32), 0.04)
    colour = white if rng.random() < 0.5 else palette.cloth(rng)
    light = rng.uniform(-0.9, 0.9)
    side = colour if canvas.materials is None else canvas.materials.draw(rng, ("print", "print", "plaster", "plastic"))
    canvas.paint(canvas.cover(fit(body)), _wound(light, fit, top, height, side), 1)
    if rng.random() < 0.75:
        a, b = rng.uniform(0.22, 0.32) * height, rng.uniform(0.68, 0.8) * height
        ra, rb = (1.03 * (top + (bottom - top) * y / height) for y in (a, b))
        sleeve = np.concatenate([_arc(a, ra, tilt), _arc(b, rb, tilt)[::-1]])
        card = (
            palette.near(rng, np.array([0.66, 0.47, 0.3], np.float32), 0.12)
            if rng.random() < 0.6
            else palette.vivid(rng)
        )
        ribs = 0.9 + 0.1 * np.sin(np.arange(textures.N, dtype=np.float32) * 1.2)
        paper = card[:, None, None] * np.broadcast_to(ribs, (2, textures.N))
        if canvas.materials is not None:
            paper = canvas.materials.draw(rng, ("plaster", "print", "fabric", "leather"))
        canvas.paint(canvas.cover(fit(sleeve)), _wound(light, fit, top, height, paper), 1)
        if rng.random() < 0.7:
            canvas.paint(
                canvas.cover(ellipse(fit(np.array([(0.02, (a + b) / 2 + tilt * 0.4)]))[0], 0.16 * unit, 0.16 * unit)),
                palette.cloth(rng),
                1,
            )
    lid = white if rng.random() < 0.6 else np.full(3, 0.1, np.float32)
    edge = _body(top * 1.08, top * 1.1, 0.07, tilt)
    crown = _body(top * 0.9, top * 1.04, lid_height, tilt) - (0, lid_height)
    canvas.paint(canvas.cover(fit(edge)), _wound(light, fit, top * 1.1, height, lid * 0.85), 1)
    canvas.paint(canvas.cover(fit(crown)), _wound(light, fit, top * 1.1, height, lid), 1)
    plate = fit(ellipse((0, -lid_height), top * 0.84, top * 0.84 * tilt))
    canvas.paint(canvas.cover(plate), lid * 0.85, 1)
    canvas.paint(canvas.strokes([np.concatenate([plate, plate[:1]])], 0.02 * unit), np.minimum(lid * 1.2 + 0.1, 1), 1)


def glass(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a drinking glass, mostly see-through, with a drink, sometimes ice and a straw."""
    top, height, tilt = 0.42, rng.uniform(0.95, 1.5), rng.uniform(0.08, 0.2)
    bottom = top * rng.uniform(0.7, 1.0)
    straw = rng.random() < 0.4
    body = _body(top, bottom, height, tilt)
    stick = np.array([(rng.uniform(-0.2, 0.1), height * 0.9), (rng.uniform(0.3, 0.5), -0.45)])
    fit = Fit(np.concatenate([body, stick]) if straw else body, rng.normal(0, 0.12))
    unit = fit.scale
    clear = rng.uniform(0.08, 0.25)
    tint = palette.near(rng, np.array([0.82, 0.88, 0.9], np.float32), 0.05)
    whole = canvas.cover(fit(body))
    canvas.paint(whole, tint, 1, clear)
    if straw:
        canvas.paint(canvas.strokes([fit(stick)], 0.06 * unit), palette.vivid(rng), 1, 0.95)
    level = rng.uniform(0.15, 0.6) * height
    drink = np.array(
        [
            (0.9, 0.55, 0.08),
            (0.75, 0.16, 0.1),
            (0.24, 0.1, 0.05),
            (0.82, 0.85, 0.86),
            (0.85, 0.75, 0.3),
            (0.5, 0.65, 0.2),
            (0.93, 0.9, 0.86),
        ][rng.integers(7)],
        np.float32,
    )
    thick = rng.uniform(0.3, 0.85)
    low = height - 0.06
    wide, narrow = (0.93 * (top + (bottom - top) * y / height) for y in (level, low))
    liquid = np.concatenate([_arc(level, wide, tilt, upper=True), _arc(low, narrow, tilt)[::-1]])
    filled = canvas.cover(fit(liquid))
    canvas.paint(filled, drink * 0.9, 1, thick)
    for _ in range(int(rng.integers(0, 4))):
        box = ellipse((rng.uniform(-0.2, 0.2), level + rng.uniform(0.02, 0.2)), 0.13, 0.12, rng.uniform(0, 1.5), 4)
        ice = canvas.cover(fit(box))
        canvas.paint(ice, (0.9, 0.95, 0.97), 1, 0.35)
        canvas.paint(canvas.strokes([fit(np.concatenate([box, box[:1]]))], 0.015 * unit), (0.97, 0.98, 1), 1, 0.5)
    surface = fit(ellipse((0, level), wide, wide * tilt))
    canvas.paint(canvas.cover(surface), np.minimum(drink * 1.2 + 0.05, 1), 1, 0.5)
    walls = [fit(np.array([(s * top * 0.98, 0), (s * bottom * 0.98, height)])) for s in (-1, 1)]
    rim = fit(ellipse((0, 0), top, top * tilt))
    foot = fit(_arc(height - 0.02, bottom, tilt))
    canvas.paint(canvas.strokes([*walls, foot], 0.035 * unit, blur=0.008 * unit), tint * 0.7, 1, 0.6)
    canvas.paint(canvas.strokes([np.concatenate([rim, rim[:1]])], 0.025 * unit), (0.95, 0.97, 1), 1, 0.7)
    for x, width, strength in ((-0.68, 0.07, 0.55), (0.6, 0.03, 0.4)):
        gleam = fit(np.array([(x * top, 0.12 * height), (x * bottom, 0.88 * height)]))
        canvas.paint(canvas.strokes([gleam], width * unit, blur=0.012 * unit), (1, 1, 1), 1, strength)
