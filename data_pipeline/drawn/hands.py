"""Hands with a piece of forearm, from the back with nails or from the palm with its lines, bare or sleeved."""

from dataclasses import dataclass

import numpy as np

from data_pipeline.drawn import palette, textures
from data_pipeline.drawn.bones import CELLS, FINGERS, Bone, Hand, relief
from data_pipeline.drawn.canvas import Canvas, Surface
from data_pipeline.drawn.curves import Fit, Points, closed, ellipse, opened, ribbon
from data_pipeline.drawn.fields import Light, noise
from data_pipeline.drawn.materials import resized

_GLOVED = 0.12  # of the hands that have photographed surfaces
_CREASE = np.array([0.62, 0.46, 0.43], np.float32)
_PALM = closed([(-0.24, 0.05), (-0.4, -0.35), (-0.43, -0.75), (-0.4, -1.0), (-0.1, -1.1), (0.12, -1.06), (0.36, -0.92),
                (0.42, -0.6), (0.36, -0.25), (0.24, 0.05)], 5)  # fmt: skip
_LINES = [opened(line, 6) for line in (
    [(-0.38, -0.72), (-0.1, -0.66), (0.12, -0.5), (0.2, -0.3)],
    [(0.4, -0.72), (0.1, -0.8), (-0.12, -0.92)],
    [(-0.38, -0.68), (-0.16, -0.5), (-0.08, -0.25), (-0.1, -0.05)],
)]  # fmt: skip


def hand(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a left or right hand in a random gesture."""
    drawn = Hand.draw(rng)
    mirror = np.array([rng.choice([-1.0, 1.0]), 1.0])
    bones = [Bone(b.a * (*mirror, 1), b.b * (*mirror, 1), b.ra, b.rb) for b in drawn.bones]
    # The forearm extends beyond the picture, as in photographs.
    shown = [b.outline if b is not drawn.arm else drawn.arm.outline * 0.8 for b in drawn.bones]
    fit = Fit(np.concatenate(shown) * mirror, rng.normal(0, 0.7), margin=0.02)
    light, tone = Light.draw(rng), palette.skin(rng)
    lit, shine = light.on(relief(bones, fit), 1 / CELLS, translucency=0.8)
    flesh = tone
    if drawn.palm_side:  # palms stay light, whatever the skin
        flesh = tone * np.array([1.03, 0.96, 0.95], np.float32)
        flesh = flesh + (np.array([0.8, 0.62, 0.52], np.float32) - flesh) * 0.45 * (tone.mean() < 0.5)
    mottle = (noise(rng, CELLS, 8, 4, 0.7) - 0.5) * np.array([0.1, 0.2, 0.2], np.float32)[:, None, None]
    gloss = rng.uniform(0.02, 0.15) * shine * light.key[:, None, None]
    polished = rng.random() < 0.12
    varnish = palette.vivid(rng) if polished else 0.55 * np.array([0.9, 0.66, 0.62], np.float32) + 0.45 * tone
    nail: palette.Colour | None = varnish
    skin = Surface(flesh[:, None, None] * (1 + mottle) * lit + gloss)
    if canvas.materials is not None and rng.random() < _GLOVED:
        glove = resized(canvas.materials.draw(rng, ("fabric", "fabric", "leather", "plastic")), CELLS, CELLS)
        skin, nail = Surface(glove * lit + gloss), None
    painter = _HandPainter(canvas, drawn, fit, mirror, skin, Surface(lit), nail)
    painter.paint()
    if rng.random() < 0.6:
        painter.sleeve(rng)


@dataclass(frozen=True)
class _HandPainter:
    canvas: Canvas
    hand: Hand
    fit: Fit
    mirror: np.ndarray
    skin: Surface
    lit: Surface
    nail: palette.Colour | None  # none in gloves

    def at(self, points: Points) -> Points:
        """Hand units to the canvas."""
        return self.fit(points * self.mirror)

    def paint(self) -> None:
        """From the farthest part to the nearest: what is bent away hides behind the palm."""
        heights = [float(np.mean([bone.b[2] for bone in finger])) for finger in self.hand.fingers]
        order = np.argsort(heights)
        for k in order:
            if heights[k] < -0.12:
                self._finger(self.hand.fingers[k])
        self._palm()
        for k in order:
            if heights[k] >= -0.12:
                self._finger(self.hand.fingers[k])

    def _palm(self) -> None:
        canvas, unit = self.canvas, self.fit.scale
        bars = [self.at(bone.outline) for bone in (*self.hand.palm, self.hand.arm)]
        palm = canvas.cover(self.at(_PALM), *bars)
        canvas.paint(palm, self.skin, 1)
        lines = [self.at(opened([(-0.2, 0.05), (0, 0.07), (0.2, 0.04)], 4))]  # the fold of the wrist
        if self.hand.palm_side:
            lines += [self.at(line) for line in _LINES]
        else:
            tendons = [self.at(np.array([(x * 0.55, -0.3), (x, y + 0.1)])) for x, y, *_ in FINGERS]
            canvas.shade(canvas.strokes(tendons, 0.05 * unit, blur=0.025 * unit, within=palm), 1.12, 0.7)
            dents = [self.at(ellipse((x + 0.11, y + 0.05), 0.03, 0.13)) for x, y, *_ in FINGERS[:3]]
            canvas.shade(canvas.cover(*dents, blur=0.03 * unit, within=palm), _CREASE, 0.35)
        canvas.shade(canvas.strokes(lines, 0.016 * unit, blur=0.008 * unit, within=palm), _CREASE, 0.55)

    def _finger(self, finger: list[Bone]) -> None:
        canvas, unit = self.canvas, self.fit.scale
        outlines = [self.at(bone.outline) for bone in finger]
        canvas.shade(canvas.cover(*outlines, blur=0.022 * unit), (0.5, 0.36, 0.33), 0.75)  # its shadow on what is below
        cover = canvas.cover(*outlines)
        canvas.paint(cover, self.skin, 1)
        shifts, share = ((-0.008, 0.014), 0.85) if self.hand.palm_side else ((-0.022, 0.0, 0.022), 0.6)
        wrinkles = []
        for bone in finger[1:]:
            length, along, across = bone.axes
            if length > 0.06:
                reach = across * bone.ra * share
                for shift in shifts:
                    middle = bone.a[:2] + along * shift
                    wrinkles.append(
                        [middle - reach, middle + along * (0.015 if shift >= 0 else -0.015), middle + reach]
                    )
        if wrinkles:
            lines = self.at(opened(np.array(wrinkles), 4))
            canvas.shade(canvas.strokes(lines, 0.012 * unit, blur=0.006 * unit, within=cover), _CREASE, 0.55)
        if not self.hand.palm_side and self.nail is not None:
            self._nail(finger[-1], self.nail)

    def _nail(self, tip: Bone, colour: palette.Colour) -> None:
        length, along, _ = tip.axes
        if length < 0.1:  # it points at the viewer or away
            return
        canvas, unit = self.canvas, self.fit.scale
        heading = float(np.arctan2(along[1], along[0]))
        outline = self.at(ellipse(tip.b[:2] + along * 0.015, tip.rb * 0.95, tip.rb * 0.66, heading, 16))
        bed = canvas.cover(outline)
        canvas.paint(bed, colour, 1, 0.85, light=self.lit)
        rim = np.concatenate([outline, outline[:1]])
        canvas.shade(canvas.strokes([rim], 0.014 * unit, blur=0.006 * unit), _CREASE, 0.55)
        gleam = self.at(ellipse(tip.b[:2] + along * 0.03, tip.rb * 0.5, tip.rb * 0.14, heading, 12))
        canvas.paint(canvas.cover(gleam, blur=0.012 * unit, within=bed), (1, 1, 1), opacity=0.5)

    def sleeve(self, rng: np.random.Generator) -> None:
        """Cloth over the lower part of the forearm, with a cuff and folds."""
        canvas, unit, arm = self.canvas, self.fit.scale, self.hand.arm
        _, along, across = arm.axes
        start = arm.a[:2] + (arm.b[:2] - arm.a[:2]) * rng.uniform(0.3, 0.6)
        end = arm.b[:2] + along * arm.rb
        flare = rng.uniform(1.12, 1.35)
        wide, wider = across * arm.ra * flare, across * arm.rb * flare * 1.05
        outline = np.array([start + wide, start - along * 0.03, start - wide, end - wider, end + wider])
        fabric = textures.draw(rng, materials=canvas.materials, kinds=("fabric", "fabric", "fabric", "leather"))
        light = Surface(0.25 + 0.75 * self.lit.field)
        canvas.shade(canvas.cover(self.at(outline - along * 0.05), blur=0.03 * unit), 0.6, 0.7)
        cover = canvas.cover(self.at(outline))
        canvas.paint(cover, Surface(fabric), 1, light=light)
        folds = [
            opened(
                [start + along * d + wide * 0.8, start + along * (d + 0.06), start + along * (d + 0.02) - wide * 0.8], 4
            )
            for d in (0.16, 0.34, 0.5)
        ]
        folds = [self.at(fold) for fold in folds]
        canvas.shade(canvas.strokes(folds, 0.05 * unit, blur=0.02 * unit, within=cover), 0.7, 0.6)
        cuff = opened([start + wide * 1.02, start - along * 0.03, start - wide * 1.02], 4)
        canvas.paint(canvas.cover(self.at(ribbon(cuff, 0.07))), Surface(fabric * 0.88), 1, light=light)
