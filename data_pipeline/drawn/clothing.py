"""Neck, shoulders and what they wear."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_pipeline.drawn import palette
from data_pipeline.drawn.canvas import Canvas, Surface
from data_pipeline.drawn.curves import Points, both_sides, closed, mirrored, opened, ribbon, shifted
from data_pipeline.drawn.fields import grid, noise
from data_pipeline.drawn.pose import Build, Pose

_N = 128
# How low the garment is cut in front, and the half width of its neckline in half widths of the neck.
_GARMENTS = {
    "crew": (0.08, 1.25),
    "vee": (0.55, 1.3),
    "shirt": (0.2, 1.3),
    "suit": (0.5, 1.3),
    "hood": (0.02, 1.2),
    "scoop": (0.3, 1.9),
}


def bust(
    rng: np.random.Generator, canvas: Canvas, pose: Pose, build: Build, tone: palette.Colour, lit: Surface
) -> None:
    """Draws neck and clothed shoulders; upright, whatever the head does."""
    scale = pose.scale
    chin = pose.flat(np.array([(0.1 * np.sin(pose.yaw), 0.75)]))[0] + np.array([0.012 * rng.normal() * scale, 0])
    neck = 0.36 + 0.1 * build.masculine + rng.uniform(-0.02, 0.03)
    shoulder = rng.uniform(1.25, 1.6) + 0.25 * build.masculine
    base = rng.uniform(0.5, 0.62)

    def at(points: Points) -> Points:
        return np.asarray(np.asarray(points) * scale + chin)

    half = np.array([(1, -0.6), (0.98, 0.1), (1.12, base * 0.75), (1.9, base * 1.08), (3, base * 1.5)]) * (neck, 1)
    cover = canvas.cover(at(opened(mirrored(half), 6)))
    canvas.paint(cover, tone * 0.93, 0, light=lit)
    sides = opened(both_sides([(1.05 * neck, -0.4), (1.02 * neck, 0.15), (1.3 * neck, base)]), 5)
    canvas.shade(canvas.strokes(at(sides), 0.16 * scale, blur=0.07 * scale, within=cover), (0.6, 0.5, 0.46), 0.7)
    jaw = shifted(pose.flat(build.outline(pose)), 0, 0.13 * scale)
    canvas.shade(canvas.cover(jaw, blur=0.07 * scale, within=cover), (0.48, 0.38, 0.36), 0.8)
    tendons = opened(both_sides([(0.75 * neck, -0.05), (0.45 * neck, 0.25), (0.1, base)]), 5)
    canvas.shade(canvas.strokes(at(tendons), 0.05 * scale, blur=0.03 * scale, within=cover), (0.75, 0.66, 0.62), 0.4)
    _Tailor(canvas, at, scale, neck, shoulder, base, lit).dress(rng)


@dataclass(frozen=True)
class _Tailor:
    """Measures in head units below the chin: half widths of neck and shoulders, and where the neck ends."""

    canvas: Canvas
    at: Callable[[Points], Points]
    scale: float
    neck: float
    shoulder: float
    base: float
    lit: Surface

    def dress(self, rng: np.random.Generator) -> None:
        canvas, at, scale, base, wide = self.canvas, self.at, self.scale, self.base, self.shoulder
        kind = str(rng.choice(list(_GARMENTS)))
        depth, opening = _GARMENTS[kind]
        opening *= self.neck
        drop = rng.uniform(0.16, 0.34)
        side = opened([(opening, base - 0.06), (opening + 0.3, base + 0.03), (wide * 0.85, base + drop),
                       (wide, base + drop + 0.3), (wide * 1.08, 3.2)], 6)  # fmt: skip
        if kind in ("vee", "suit"):
            front = np.array([(0, base + depth)])
        else:
            x = np.linspace(-0.9, 0.9, 9)
            front = np.stack([x * opening, base - 0.06 + (0.1 + depth) * np.sqrt(1 - x**2)], 1)
        cloth = _weave(rng, palette.cloth(rng), scale) * (0.55 + 0.75 * noise(rng, _N, 5, 3, 0.6))
        if canvas.materials is not None:
            cloth = canvas.materials.draw(rng, ("fabric", "fabric", "fabric", "fabric", "leather", "fur"))
        if kind == "suit":
            self._shirt_and_tie(rng)
        canvas.paint(canvas.cover(at(np.concatenate([mirrored(side), front]))), Surface(cloth), 0, light=self.lit)
        trim = Surface(cloth * (1.12 if kind == "shirt" else 0.85))
        if kind in ("shirt", "suit"):
            flap = [
                (1.05 * opening, base - 0.16),
                (1.15 * opening, base + 0.05),
                (0.42, base + 0.4),
                (0.04, base + 0.22),
            ]
            flaps = list(at(both_sides(flap)))
            canvas.shade(canvas.cover(*(shifted(f, 0, 0.03 * scale) for f in flaps), blur=0.02 * scale), 0.6, 0.7)
            canvas.paint(canvas.cover(*flaps), trim, 0, light=self.lit)
        if kind == "shirt":
            placket = at(np.array([(0, base + 0.25), (0, 3.0)]))
            canvas.shade(canvas.strokes([placket], 0.02 * scale), 0.6, 0.6)
        elif kind == "hood":
            rim = opened(
                both_sides([(1.3 * opening, base - 0.3), (1.25 * opening, base + 0.05), (0.12, base + 0.4)]), 6
            )
            canvas.paint(canvas.cover(*at(ribbon(rim, 0.22)), blur=0.006 * scale), trim, 0, light=self.lit)
            cord = [(0.16, base + 0.38), (0.19, base + 0.75), (0.2, base + 1.0), (0.17, base + 0.75)]
            canvas.paint(canvas.cover(*at(closed(both_sides(cord), 4))), (0.9, 0.9, 0.88), 0, light=self.lit)
        elif kind != "suit":
            hem = np.concatenate([[(opening, base - 0.06)], front[::-1], [(-opening, base - 0.06)]])
            canvas.paint(canvas.strokes([at(hem)], 0.07 * scale), trim, 0, light=self.lit)

    def _shirt_and_tie(self, rng: np.random.Generator) -> None:
        base, wide = self.base, 1.2 * self.neck
        shirt = self.at(np.array([(-wide, base - 0.1), (wide, base - 0.1), (0.1, 3), (-0.1, 3)]))
        self.canvas.paint(self.canvas.cover(shirt), palette.cloth(rng), 0, light=self.lit)
        if rng.random() < 0.6:
            tie = self.at(mirrored(np.array([(0.09, base), (0.06, base + 0.14), (0.15, 2.8)])))
            self.canvas.paint(self.canvas.cover(tie), palette.vivid(rng) * 0.7, 0, light=self.lit)


def _weave(rng: np.random.Generator, colour: palette.Colour, scale: float) -> np.ndarray:
    """Plain or striped colours (3, n, n) over the whole canvas."""
    planes = np.broadcast_to(colour[:, None, None], (3, _N, _N))
    if rng.random() < 0.7:
        return planes
    x, y = grid((0, 0, 1, 1), _N)
    rate = 1 / (rng.uniform(0.1, 0.35) * scale)
    along = y + 0 * x if rng.random() < 0.65 else x + 0 * y
    stripes = np.clip(np.sin(2 * np.pi * rate * along) * _N / (6 * rate) + 0.5, 0, 1)
    return np.asarray(planes + (palette.cloth(rng) - colour)[:, None, None] * stripes)
