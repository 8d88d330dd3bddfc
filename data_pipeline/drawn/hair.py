"""Hair: a mass behind the head, a cap with a hairline, curtains, fringes and curls before it. No hair is face."""

from dataclasses import dataclass

import cv2
import numpy as np

from data_pipeline.drawn import palette
from data_pipeline.drawn.canvas import Canvas, Cover, Surface
from data_pipeline.drawn.curves import Points, closed, ellipse, opened, ribbon
from data_pipeline.drawn.fields import grid, noise
from data_pipeline.drawn.pose import Build, Pose

# How common each style is.
_STYLES = {
    "bald": 0.07,
    "buzz": 0.08,
    "short": 0.2,
    "swept": 0.12,
    "fringe": 0.13,
    "bob": 0.12,
    "long": 0.18,
    "curly": 0.1,
}
_RECEDING = ("short", "buzz", "curly")  # the others are combed over where the hairline recedes
_BOX = (-2.0, -1.8, 2.0, 2.8)
_N = 64  # a side of the fields over the box
_STRANDS = 320  # strands in one repeat of the texture


@dataclass(frozen=True)
class Hair:
    """One person's hair, in head units; `seed` lays out its single locks."""

    style: str
    colour: palette.Colour
    volume: float
    length: float
    hairline: float
    recession: float
    parting: float
    wave: float
    seed: int

    @staticmethod
    def draw(rng: np.random.Generator, tone: palette.Colour, build: Build) -> "Hair":
        weights = np.array(list(_STYLES.values()))
        if build.masculine < 0.5:
            weights = weights * (0.2, 0.3, 0.6, 0.8, 1.3, 2, 2, 1)
        style = str(rng.choice(list(_STYLES), p=weights / weights.sum()))
        return Hair(
            style,
            palette.hair(rng, tone, build.mature),
            volume=rng.uniform(0.05, 0.16),
            length={"bob": rng.uniform(0.55, 1.05), "long": rng.uniform(1.3, 2.4)}.get(style, 0.0),
            hairline=rng.uniform(0.56, 0.68),
            recession=rng.uniform(0, 0.1) * (1 + build.masculine * build.mature) if style in _RECEDING else 0.0,
            parting=rng.uniform(-0.4, 0.4),
            wave=rng.uniform(0, 0.09) if style != "short" else 0.0,
            seed=int(rng.integers(1 << 31)),
        )

    @property
    def falls(self) -> bool:
        return self.style in ("bob", "long")


@dataclass
class HairPainter:
    """Paints one person's hair onto the canvas, lit by a soft light."""

    canvas: Canvas
    pose: Pose
    build: Build
    hair: Hair
    lit: Surface

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.hair.seed)
        self.flat = self.pose.flat
        self.matrix = self.pose.matrix(_BOX)
        self.fine = self.rng.random((6, _STRANDS), np.float32)
        self.coarse = self.rng.random((3, _STRANDS // 8), np.float32)
        self.tufts = noise(self.rng, 160, 40 if self.hair.style == "curly" else 120, 2, 0.7)

    def _paint(self, cover: Cover, brightness: float = 1.0) -> None:
        """Strands that run from the parting, with a band of gloss; or tufts for curls and cropped hair."""
        hair, canvas = self.hair, self.canvas
        if not cover.mask.size:
            return
        x, y = grid(_BOX, _N)
        gloss = 0.35 * np.exp(-(((y + 0.62 + 0.25 * x * x) / 0.16) ** 2)) + 0.25 * np.exp(-(((y - 0.6) / 0.3) ** 2))
        if hair.style in ("curly", "buzz"):
            contrast = 1.7 if hair.style == "curly" else 0.9
            streak = np.clip(0.5 + contrast * (canvas.place(self.tufts, self.matrix, cover) - 0.5), 0, 1.2)
            shine = canvas.place(gloss, self.matrix, cover)
        else:
            dx, dy = x - hair.parting, np.maximum(y + 1.25, 0)
            u = dx / (np.abs(dx) + 0.45 * dy + 0.3) + hair.wave * 0.5 * np.sin(y * 5 + 2 * x)
            v = np.hypot(dx, dy)
            u, v, shine = canvas.place(np.stack([u * 0.6, v * 0.25, gloss]), self.matrix, cover)
            streak = self._texture(u, v)
        tone = np.float32(brightness) * (0.42 + (0.85 + shine) * streak)
        canvas.paint(cover, self.hair.colour[:, None, None] * tone, 0, light=self.lit)

    def _texture(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Read the strands at u across and v along them, of which 1 is one repeat."""
        shape = (_STRANDS, 48)
        fine, coarse = (cv2.resize(t, shape, interpolation=cv2.INTER_CUBIC) for t in (self.fine, self.coarse))
        # Strands narrower than a pixel would alias: what one pixel sees of them is averaged first.
        per_pixel = round(0.5 * _STRANDS / (self.pose.scale * self.canvas.size))
        fine = cv2.blur(fine, (max(1, per_pixel), 1), borderType=cv2.BORDER_REFLECT)
        texture = 0.55 * fine + 0.45 * coarse
        return cv2.remap(texture, u * shape[0], v * shape[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)

    def _outer(self, below: float, volume: float) -> Points:
        """The outline of the skull above `below`, from left to right over the crown, moved out by the hair's volume."""
        outline = self.build.outline(self.pose)
        upper = outline[outline[:, 1] < below]
        half = int(np.argmin(np.diff(upper[:, 0]))) + 1  # the step from the right end to the left one
        arc = np.concatenate([upper[half:], upper[:half]])
        lift = np.clip((below - arc[:, 1]) / 0.35, 0, 1)[:, None]
        return arc + (arc - (0, 0.1)) * volume * lift * (0.9, 1.0)

    def _hairline(self, sideburn: float) -> Points:
        """From the right sideburn over the forehead to the left one."""
        w, h, r = self.build.width, self.hair.hairline, self.hair.recession
        half = np.array([(0.99 * w, sideburn), (0.93 * w, sideburn - 0.12), (0.86 * w, -0.28),
                         (0.66 * w, -h + 0.1 - r * 0.3), (0.42 * w, -h - 0.02 - r), (0.12, -h)])  # fmt: skip
        line = np.concatenate([half, half[::-1] * (-1, 1)])
        return self.pose.turn(opened(line, 6))

    def _mass(self, bottom: float) -> Points:
        """The right edge of falling hair, from the crown over the temple to its lower end."""
        y = np.linspace(-0.15, bottom, 7)
        swell = self.build.width * (1 + 0.9 * self.hair.volume)
        x = swell + 0.1 * np.sin(np.clip((y + 0.15) / 1.4, 0, 1) * np.pi)
        x += self.hair.wave * np.sin((y + 0.15) * 6) * np.clip((y + 0.15) / 0.4, 0, 1)
        return np.concatenate([[(0.8 * self.build.width, -0.6)], np.stack([x, y], 1)])

    def behind(self) -> None:
        """Draws what hangs behind neck and shoulders, or is bound at the back."""
        if self.hair.style == "curly":
            self._paint(self.canvas.cover(*self._curls(1.0 + self.hair.volume * 2.4, 0.5)), 0.6)
        if not self.hair.falls:
            return
        right = self._mass(self.hair.length)
        left = self._mass(self.hair.length * (1 + 0.04 * self.hair.parting)) * (-1, 1)
        mass = np.concatenate([[(0, -1.0)], right, [(0, self.hair.length - 0.05)], left[::-1]])
        self._paint(self.canvas.cover(self.flat(closed(mass, 6))), 0.55)

    def before(self, head: Cover) -> None:
        """Draws what lies on the skull and falls before the face, with the shadow that it casts on the skin."""
        style = self.hair.style
        if style == "bald":
            return
        sideburn = {"short": 0.12, "buzz": 0.08, "swept": 0.1, "curly": 0.0, "bob": 0.2, "long": 0.2}.get(style, 0.05)
        volume = {"buzz": 0.015, "curly": self.hair.volume * 2}.get(style, self.hair.volume)
        cap = np.concatenate([self._outer(sideburn, volume), self._hairline(sideburn)])
        shapes = [self.flat(cap)]
        if style == "curly":
            shapes += self._curls(1 + self.hair.volume * 2.2, 0.15) + self._tufts()
        if style in ("fringe", "bob") or (style == "long" and self.hair.parting > 0.2):
            shapes += self._fringe()
        elif style in ("swept", "long"):
            shapes += self._sweep()
        if style == "short":
            shapes += self._spikes()
        if self.hair.falls:
            shapes += self._curtains()
        drop = np.array([0.0, 0.05 * self.pose.scale])
        shadow = self.canvas.cover(*(s + drop for s in shapes), blur=0.045 * self.pose.scale, within=head)
        self.canvas.shade(shadow, (0.6, 0.5, 0.47), 0.55)
        soft = 0.012 * self.pose.scale if style == "buzz" else 0.004 * self.pose.scale
        self._paint(self.canvas.cover(*shapes, blur=soft))
        self._stray()

    def _locks(self, paths: Points, widths: np.ndarray, tip: float) -> list[Points]:
        """Locks along paths (k, n, 2) that narrow to a tip."""
        taper = np.interp(np.linspace(0, 1, paths.shape[1]), [0, 0.5, 0.85, 1], [1, 0.9, 0.55, tip])
        return list(self.flat(ribbon(paths, widths[:, None] * taper)))

    def _fringe(self) -> list[Points]:
        """Bangs: locks side by side down the forehead, some to the brows, with gaps between their tips."""
        rng, count = self.rng, 15
        low, sweep, gap = rng.uniform(-0.42, -0.16), rng.normal(0, 0.12), rng.uniform(0.75, 1.25)
        x = np.linspace(-0.86, 0.86, count) * self.build.width + rng.normal(0, 0.02, count)
        tips = low + rng.normal(0, 0.045, count) + 0.14 * (x / self.build.width) ** 2
        paths = _paths((x * 0.62, -0.86), (x * 0.93 + sweep * 0.3, -0.55), (x + sweep, tips))
        return self._locks(self.pose.turn(paths), rng.uniform(0.12, 0.19, count) * gap, 0.05)

    def _sweep(self) -> list[Points]:
        """Locks that leave the parting and cross the forehead to the temples."""
        rng, p, w, count = self.rng, self.hair.parting, self.build.width, 12
        low = 0.12 - self.hair.hairline + rng.uniform(-0.06, 0.08)
        side = np.where(np.arange(count) < (7 if p > 0 else 5), -1, 1)
        t = rng.uniform(0, 1, count)
        paths = _paths(
            (np.full(count, p), -0.9 + 0.15 * t), (p + side * 0.25, -0.78 + 0.18 * t),
            (side * w * 0.78, low + 0.12 * t), (side * w * (1 - 0.06 * t), rng.uniform(-0.2, 0.05, count)),
        )  # fmt: skip
        return self._locks(self.pose.turn(paths), rng.uniform(0.16, 0.26, count), 0.1)

    def _spikes(self) -> list[Points]:
        """Short tufts over the crown and along the hairline."""
        rng, count, w, h = self.rng, 22, self.build.width, self.hair.hairline
        angle = np.linspace(-1.25, 1.25, count) + rng.normal(0, 0.05, count)
        lean, height = rng.normal(0, 0.12), rng.uniform(0.03, 0.12) + self.hair.volume * 0.4
        reach = 1.0 + height * rng.uniform(0.7, 1.3, count)
        base_x, base_y = np.sin(angle) * w * 0.9, -np.cos(angle) * 0.9
        tip_x, tip_y = np.sin(angle + lean) * w * reach * 1.03, -np.cos(angle + lean) * reach
        crown = _paths((base_x, base_y), ((base_x + tip_x) / 2, (base_y + tip_y) / 2), (tip_x, tip_y))
        x = rng.uniform(-0.6, 0.6, 9) * w
        front = self.pose.turn(_paths((x, -h - 0.15), (x + lean * 0.3, -h), (x + lean, -h + rng.uniform(0, 0.12, 9))))
        paths = np.concatenate([crown, front])
        return self._locks(paths, rng.uniform(0.12, 0.24, len(paths)), 0.08)

    def _curtains(self) -> list[Points]:
        """Hair before the ears and shoulders on both sides, sometimes tucked behind one ear."""
        shapes = []
        for side in (-1, 1):
            if self.rng.random() < 0.2:
                continue
            cover = self.rng.uniform(0.1, 0.3)
            outer = self._mass(self.hair.length)
            inner = self._mass(self.hair.length - 0.1)
            share = np.clip((inner[:, 1] + 0.15) / 0.9, 0, 1)
            inner[:, 0] = np.interp(
                inner[:, 1],
                [-0.6, -0.15, 0.6, 1.0, 2.4],
                self.build.width * np.array([0.7, 0.96 - cover * 0.5, 0.92 - cover * 0.4, 0.8, 0.75]),
            )
            inner[:, 0] += self.hair.wave * np.sin(inner[:, 1] * 7 + side) * share + side * 0.14 * np.sin(self.pose.yaw)
            shapes.append(self.flat(closed(np.concatenate([outer, inner[::-1]]) * (side, 1), 6)))
        return shapes

    def _curls(self, reach: float, low: float) -> list[Points]:
        """Round tufts along the outer edge."""
        rng, count = self.rng, 46
        arc = self._outer(low, reach - 1)
        centres = arc[np.linspace(0, len(arc) - 1, count).astype(int)] + rng.normal(0, 0.025, (count, 2))
        radii = rng.uniform(0.08, 0.16, count) * (0.6 + self.hair.volume * 4)
        return [self.flat(ellipse(c, r, r * 0.9, n=10)) for c, r in zip(centres, radii, strict=True)]

    def _tufts(self) -> list[Points]:
        """Small curls along the hairline."""
        rng, line = self.rng, self._hairline(0.0)
        centres = line[2:-2:2] + rng.normal(0, 0.02, (len(line[2:-2:2]), 2))
        radii = rng.uniform(0.03, 0.08, len(centres))
        return [self.flat(ellipse(c, r, r, n=9)) for c, r in zip(centres, radii, strict=True)]

    def _stray(self) -> None:
        """Single hairs off the outline."""
        if self.hair.style == "buzz":
            return
        rng, count = self.rng, 22
        edge = self._outer(0.0, self.hair.volume * (2 if self.hair.style == "curly" else 1))
        index = rng.integers(1, len(edge) - 1, count)
        start, along = edge[index], edge[index + 1] - edge[index - 1]
        along *= rng.choice([-0.06, 0.06], (count, 1)) / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
        away = rng.uniform(0.01, 0.06, (count, 1))
        out = start * away / np.maximum(np.linalg.norm(start, axis=1, keepdims=True), 0.3)
        lines = self.flat(opened(np.stack([start - along - out, start + 0.7 * out, start + along + out], 1), 4))
        cover = self.canvas.strokes(lines, 0.007 * self.pose.scale)
        self.canvas.paint(cover, self.hair.colour * 0.8, 0, 0.6, light=self.lit)


def _paths(*points: tuple[np.ndarray, float | np.ndarray]) -> Points:
    """Smooth paths (k, n, 2) through points whose x (k,) and y, (k,) or shared, are given."""
    return opened(np.stack([np.stack([x, np.broadcast_to(y, x.shape)], -1) for x, y in points], 1), 4)
