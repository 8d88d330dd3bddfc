"""Hair and beards: strands that grow from the scalp, bend by the rule of a style, and rest on head and shoulders."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data_pipeline.people.body import Body, SkinSampler
from data_pipeline.people.colour import to_linear
from data_pipeline.people.geometry import Floats, floats, normalised, smoothstep
from data_pipeline.people.hair_styles import BEARDS, STYLES, Style
from data_pipeline.people.identity import Traits
from data_pipeline.people.layout import HeadMap, hairline_depth
from data_pipeline.people.regions import Region
from data_pipeline.people.strands import Tuft

_CLUMPS = 60
_LOCKED = 0.9  # how far the tips of a lock come together, at most
_LOCK_REACH = 0.45  # decimetres


@dataclass(frozen=True)
class Roots:
    """Says where strands start: positions, normals and base points, each (n, 3), and the clump (n,) of each."""

    points: Floats
    normals: Floats
    base: Floats
    clump: np.ndarray
    drift: Floats  # (clumps, 3), what the strands of a clump do alike

    @property
    def count(self) -> int:
        """Returns how many there are."""
        return len(self.points)


def draw_roots(rng: np.random.Generator, sampler: SkinSampler, density: Floats, count: int) -> Roots:
    """Draws roots by a density (triangles,); near ones share a clump."""
    points, normals, base = sampler.draw(rng, density, count)
    centres = points[rng.integers(0, count, _CLUMPS)]
    distance = (points**2).sum(1)[:, None] - 2 * points @ centres.T + (centres**2).sum(1)
    return Roots(points, normals, base, distance.argmin(1), rng.normal(0, 1, (_CLUMPS, 3)).astype(np.float32))


def grow_hair(
    rng: np.random.Generator, body: Body, sampler: SkinSampler, head: HeadMap, traits: Traits, density: float
) -> list[Tuft]:
    """Grows the hair of a person: the main part first, then fringe, tail or bun.

    Args:
        rng: draws the strands.
        body: of the person.
        sampler: of its skin.
        head: of its texture.
        traits: of the person.
        density: below 1 there are fewer strands, and wider ones, for small frames.
    """
    style = STYLES[traits.hair]
    if style.flow == "none":
        return []
    style = style._replace(strands=int(style.strands * density), width=style.width * density**-0.75)
    scalp = sampler.look_up(head.scalp(traits.hairline))
    hairy = np.where(scalp > 0.12, np.maximum(scalp, 0.4), 0)
    roots = draw_roots(rng, sampler, hairy, style.strands)
    layer = (rng.random(style.strands) ** 0.7).astype(np.float32)
    grower = _Grower(rng, body, style, traits)
    points = grower.grow(roots, layer, style.length)
    tufts = [_tuft(rng, points, layer, roots, style, traits)]
    if style.fringe:
        fringe = _draw_fringe(rng, sampler, hairy, style, traits)
        layer = (0.3 + 0.7 * rng.random(fringe.count)).astype(np.float32)
        points = grower.grow_fringe(fringe, layer)
        tufts.append(_tuft(rng, points, layer, fringe, style, traits))
    if style.flow == "knot":
        tufts.append(_tail(rng, body, grower, style, traits) if style.tail else _bun(rng, grower, style, traits))
    return tufts


def grow_beard(
    rng: np.random.Generator, sampler: SkinSampler, head: HeadMap, traits: Traits, density: float
) -> list[Tuft]:
    """Grows the beard of a person; see `grow_hair`."""
    beard = BEARDS[traits.beard]
    if not beard.strands:
        return []
    x, y = np.abs(head.x), head.y
    area = head.beard
    if not beard.moustache:
        area = area * smoothstep(6.66, 6.60, y)
    if not beard.chin:
        area = head.moustache
    elif not beard.cheeks:
        area = area * np.maximum(smoothstep(0.34, 0.26, x) * smoothstep(6.62, 6.56, y), (y > 6.66) * beard.moustache)
    hairy = sampler.look_up(area.astype(np.float32))
    count = int(beard.strands * density)
    points, normals, base = sampler.draw(rng, np.where(hairy > 0.3, hairy, 0), count)
    length = beard.length * (1 + rng.normal(0, 0.2, len(points))) * (0.5 + 0.5 * smoothstep(6.75, 6.4, base[:, 1]))
    sideways = np.column_stack([0.3 * np.sign(points[:, 0]) * (base[:, 1] > 6.7), np.zeros((len(points), 2))])
    direction = normalised(normals * 0.5 + [0, -0.8, 0.1] + sideways + rng.normal(0, 0.25, (len(points), 3)))
    steps, current = [points - 0.005 * normals], points
    for _ in range(3):
        current = current + direction * (length / 3)[:, None]
        direction = normalised(direction + floats((0, -0.25, 0)) + rng.normal(0, 0.15, (len(points), 3)))
        steps.append(current)
    along = np.linspace(0, 1, 4, dtype=np.float32)[None]
    shape = (len(points), 4)
    return [
        Tuft(
            np.stack(steps, 1).astype(np.float32),
            np.broadcast_to(0.011 * density**-0.75 * (1 - 0.7 * along), shape).astype(np.float32),
            np.broadcast_to(0.55 + 0.45 * along, shape).astype(np.float32),
            strand_colours(rng, traits, len(points), 4, darker=0.8),
            Region.BEARD,
            normals,
            casts=0.25,
        )
    ]


def strand_colours(
    rng: np.random.Generator, traits: Traits, strands: int, points: int, darker: float = 1.0, spread: float = 0.5
) -> Floats:
    """Draws the colour of each point of strands (strands, points, 3), linear: tones, grey ones, lighter tips."""
    colour = to_linear(traits.hair_colour) * darker
    tone = rng.random(strands)[:, None]
    along = np.linspace(0, 1, points)[None]
    shade = (1 - spread / 2 + spread * tone) * (0.78 + 0.4 * along)
    grey = smoothstep(1.02 - traits.grey * 1.2, 1.12 - traits.grey * 0.6, tone) * 0.7
    bright = float(colour.mean())
    mixed = colour * (1 - grey[..., None]) + (0.5 * bright + 0.14) * floats([1, 0.98, 0.95]) * grey[..., None]
    return (mixed * shade[..., None]).astype(np.float32)


class _Grower:
    """Grows strands of one style on one person."""

    def __init__(self, rng: np.random.Generator, body: Body, style: Style, traits: Traits):
        self.rng, self.body, self.style = rng, body, style
        self.parting = float(rng.choice([-1, 1]) * rng.uniform(0.05, 0.35))
        self.knot = (
            body.head + floats([0, rng.uniform(0.55, 1.0), rng.uniform(-0.95, -0.7)]) * np.float32(body.scale)
        ).astype(np.float32)
        self.lift = traits.hairline

    def grow(self, roots: Roots, layer: Floats, length: float) -> Floats:
        """Returns the points (n, points, 3) of strands at these roots; `layer` is 0 below to 1 at the top."""
        style, rng, count = self.style, self.rng, roots.count
        top, front = smoothstep(7.7, 8.2, roots.base[:, 1]), smoothstep(0.3, 1.1, roots.base[:, 2])
        lengths = length * (1 + rng.normal(0, 0.12, count))
        # Grown hair is of all lengths, and ends lock by lock, not along a line.
        lengths = lengths * (1 - 0.4 * rng.random(count) ** 3 + 0.05 * roots.drift[roots.clump, 0].clip(-2, 2))
        if style.flow in ("crop", "side", "back"):
            lengths = (
                lengths * {"crop": 0.45 + 0.55 * top, "side": 0.35 + 0.65 * top, "back": 0.4 + 0.6 * top}[style.flow]
            )
        wish, lift, gravity = self._wish(roots, top, front)
        # Hair lies flat where it begins, else one would look under it.
        inside = smoothstep(0.0, 0.32, hairline_depth(roots.base[:, 1], roots.base[:, 2], self.lift))
        offset = 0.012 + style.volume * layer * (0.3 + 0.7 * inside if style.flow != "curl" else 1)
        start = roots.points + roots.normals * 0.004
        noise = rng.normal(0, 0.10, (count, 3)) + 0.12 * roots.drift[roots.clump]
        direction = normalised(roots.normals * lift + wish * 0.8 + noise)
        if style.flow == "curl":
            return self._curl(roots, direction, lengths, offset)
        strands = list(self._bend(roots, start, direction, wish, lengths, offset, gravity, style.points))
        points = np.stack([roots.points - roots.normals * 0.01, *strands], 1).astype(np.float32)
        points = _smoothed(points, 3) if style.flow != "crop" else points
        return points if style.flow == "knot" else _in_locks(rng, points, roots.clump)

    def grow_fringe(self, roots: Roots, layer: Floats) -> Floats:
        """Returns the points of strands that fall over the forehead."""
        rng, count = self.rng, roots.count
        asymmetric = self.style.fringe > 1  # over one eye: everything to one side
        lengths = self.style.fringe * (1.05 - 0.35 * rng.random(count) ** 2 + rng.normal(0, 0.05, count))
        lengths = lengths + 0.5 * np.maximum(0, 1.0 - roots.base[:, 2])
        sideways = np.sign(self.parting) * (0.9 if asymmetric else 0.12) + 0.15 * roots.points[:, 0]
        wish = np.column_stack([sideways * np.ones(count), np.full(count, -0.6), np.full(count, 0.75)])
        wish = (wish + 0.08 * roots.drift[roots.clump]).astype(np.float32)
        direction = normalised(roots.normals * 0.4 + wish + rng.normal(0, 0.06, (count, 3)))
        offset = 0.02 + 0.09 * layer
        steps = self._bend(roots, roots.points, direction, wish, lengths, offset, 0.35, 8)
        points = _smoothed(np.stack([roots.points - roots.normals * 0.01, *steps], 1).astype(np.float32), 2)
        return _in_locks(rng, points, roots.clump)

    def _wish(self, roots: Roots, top: Floats, front: Floats) -> tuple[Floats, float, float]:
        """Where strands want to go (n, 3), how much they start away from the skin, and how heavy they are."""
        style, rng, points = self.style, self.rng, roots.points
        count, zero = roots.count, np.zeros(roots.count)
        x = points[:, 0] - self.body.head[0]
        side = np.sign(x - self.parting * (style.flow != "fall" or style.wave == 0) + rng.normal(0, 0.03, count))
        if style.flow == "crop":
            columns = (
                0.3 * np.sign(x) * (1 - top) + 0.2 * np.sign(self.parting),
                -0.55 + 0.2 * top,
                0.75 * front - 0.35 * (1 - front),
            )
            lift, gravity = 0.55, 0.15
        elif style.flow == "side":
            across = -np.sign(self.parting) * (0.2 + 0.9 * top)
            across = np.where(side * np.sign(self.parting) > 0, -across * 0.6, across)
            columns = (across, -0.45 * (1 - top) - 0.05, 0.35 * front - 0.5 * (1 - front))
            lift, gravity = 0.45, 0.30
        elif style.flow == "back":
            columns, lift, gravity = (0.25 * np.sign(x), -0.25 * (1 - top), zero - 1), 0.38, 0.25
        elif style.flow == "knot":
            return (normalised(self.knot - points) * 1.2).astype(np.float32), 0.05, 0.0
        elif style.flow == "curl":
            return (roots.normals * 0.9 + rng.normal(0, 0.5, (count, 3))).astype(np.float32), 0.9, 0.12
        else:
            ahead = smoothstep(0.2, 1.1, roots.base[:, 2])
            forward = style.forward * smoothstep(-0.1, 0.5, roots.base[:, 2])
            columns = (
                side * (0.95 * smoothstep(7.3, 8.2, roots.base[:, 1]) + 0.1),
                -0.35 - 0.5 * (1 - top),
                -0.30 * ahead * (1 - style.forward) - 0.05 + 0.5 * forward * (1 - ahead),
            )
            lift, gravity = 0.22, 0.75
        return np.stack(columns, 1).astype(np.float32), lift, gravity

    def _bend(
        self,
        roots: Roots,
        current: Floats,
        direction: Floats,
        wish: Floats,
        lengths: Floats,
        offset: Floats,
        gravity: float,
        count: int,
    ) -> Iterator[Floats]:
        """Yields the points after the root, one step a time, outside head and shoulders."""
        style, rng = self.style, self.rng
        skull, shoulders = self.body.skull, self.body.shoulders
        step = (lengths / (count - 1))[:, None]
        falls = style.flow == "fall"
        phase = np.linalg.norm(roots.drift, axis=1)[roots.clump] * 3
        for k in range(1, count):
            current = current + direction * step
            distance, surface, outwards = skull.locate(current.astype(np.float32))
            least = surface + offset * min(1.0, k / 3)
            current = np.where((distance < least)[:, None], skull.centre + outwards * least[:, None], current)
            if not falls or k < 5:
                pulled = skull.centre + outwards * (least * 0.7 + distance * 0.3)[:, None]
                high = current[:, 1] > self.body.head[1] + 0.2
                current = np.where(((distance > least + 0.02) & (high | (not falls)))[:, None], pulled, current)
            if falls:
                current, resting = shoulders.push_out(current, (offset * 0.8).astype(np.float32))
                outward = (current - shoulders.centre) * floats([1, 0, 1])
                lying = direction * floats([1, 0, 1]) + floats([0, -0.25, 0])
                lying = lying + 0.6 * normalised(outward) * floats([0.4, 0, 1])
                direction = np.where(resting[:, None], normalised(lying), direction)
            fade = 1.0 if not falls else max(0.0, 1 - k / 4)
            if style.flow == "knot":
                wish = normalised(self.knot - current) * 1.2
            weight = floats([0, -gravity * (0.45 + 0.1 * k), 0])
            noise = rng.normal(0, 0.05, current.shape) + 0.05 * roots.drift[roots.clump]
            direction = normalised(direction * 0.9 + wish * (0.45 * fade) + weight + noise)
            yield current + self._waves(phase, k, count)

    def _waves(self, phase: Floats, k: int, count: int) -> Floats:
        angle = phase + k * 0.9
        size = (self.style.wave + 0.012 * (self.style.flow == "fall")) * k / count
        return size * np.stack([np.cos(angle), 0 * angle, np.sin(angle)], 1)

    def _curl(self, roots: Roots, direction: Floats, lengths: Floats, offset: Floats) -> Floats:
        rng, skull, count = self.rng, self.body.skull, self.style.points
        step, current = (lengths / (count - 1))[:, None], roots.points + roots.normals * 0.004
        phase = rng.random(roots.count) * 2 * np.pi
        # The cap hides the inside: curls begin at its surface, at a depth of their own.
        current = current + roots.normals * (0.75 * offset)[:, None]
        points = [current]
        for k in range(1, count):
            angle = phase + k * 0.95
            turning = np.stack([np.cos(angle), np.sin(angle * 0.9 + 1), np.sin(angle)], 1)
            direction = normalised(roots.normals * 0.45 + direction * 0.25 + 1.15 * turning + [0, -0.12, 0])
            current = current + direction * step
            distance, surface, outwards = skull.locate(current.astype(np.float32))
            least = surface + 0.3 * offset
            current = np.where((distance < least)[:, None], skull.centre + outwards * least[:, None], current)
            points.append(current)
        return np.stack(points, 1).astype(np.float32)


def _tuft(rng: np.random.Generator, points: Floats, layer: Floats, roots: Roots, style: Style, traits: Traits) -> Tuft:
    count, steps = points.shape[:2]
    along = np.linspace(0, 1, steps)[None]
    taper = 1 - 0.35 * along - 0.57 * along**4
    # Baby hair: strands at the hairline are fine.
    inside = smoothstep(-0.02, 0.14, hairline_depth(roots.base[:, 1], roots.base[:, 2], traits.hairline))
    widths = style.width * taper * (1 + 0.4 * rng.random((count, 1))) * (0.35 + 0.65 * inside)[:, None]
    openness = 0.42 + 0.58 * np.clip(0.35 * layer[:, None] + 0.75 * along, 0, 1)
    colours = strand_colours(rng, traits, count, steps)
    shape = (count, steps)
    return Tuft(
        points,
        np.broadcast_to(widths, shape).astype(np.float32),
        np.broadcast_to(openness, shape).astype(np.float32),
        colours,
        Region.HAIR,
        roots.normals,
        casts=0.25,
    )


def _draw_fringe(
    rng: np.random.Generator, sampler: SkinSampler, density: Floats, style: Style, traits: Traits
) -> Roots:
    centre = sampler.base.mean(1)
    depth = hairline_depth(centre[:, 1], centre[:, 2], traits.hairline)
    band = (depth > -0.06) & (depth < 0.42) & (np.abs(centre[:, 0]) < 0.62) & (centre[:, 1] > 7.65)
    return draw_roots(
        rng, sampler, np.maximum(density, 0.3) * band, int(style.strands * (0.4 if style.length > 0.5 else 0.16))
    )


def _bun(rng: np.random.Generator, grower: _Grower, style: Style, traits: Traits) -> Tuft:
    count, steps, size = style.strands // 2, 8, float(rng.uniform(0.28, 0.42))
    u = normalised(rng.normal(0, 1, (count, 3)))
    v = normalised(np.cross(u, rng.normal(0, 1, (count, 3))))
    radius = size * (1 - 0.15 * rng.random((count, 1)))
    centre = grower.knot + normalised(grower.knot - grower.body.skull.centre) * size * 0.5
    points = np.stack([centre + radius * (u * np.cos(0.28 * k) + v * np.sin(0.28 * k)) for k in range(steps)], 1)
    return _loose(rng, points, style, traits, u)


def _tail(rng: np.random.Generator, body: Body, grower: _Grower, style: Style, traits: Traits) -> Tuft:
    count, steps = style.strands // 2, 11
    length = style.tail * (1 + rng.normal(0, 0.08, count))[:, None] / (steps - 1)
    spread = rng.normal(0, 1, (count, 3)) * floats([0.11, 0.08, 0.08])
    current: Floats = grower.knot + 0.4 * spread
    side = float(rng.choice([-1, 0, 1])) * 0.35
    direction = normalised(floats([side, 0.15, -0.6]) + 0.5 * spread)
    points = []
    for _ in range(steps):
        points.append(current)
        current = current + direction * length
        direction = normalised(direction + floats([0, -0.35, 0.02]) + 0.25 * spread)
        current, _ = body.shoulders.push_out(current.astype(np.float32), np.full(count, 0.12, np.float32))
    return _loose(rng, _smoothed(np.stack(points, 1).astype(np.float32), 1), style, traits, np.zeros((count, 3)))


def _loose(rng: np.random.Generator, points: Floats, style: Style, traits: Traits, normals: Floats) -> Tuft:
    count, steps = points.shape[:2]
    widths = np.full((count, steps), style.width, np.float32)
    openness = np.broadcast_to(0.55 + 0.4 * rng.random((count, 1)), (count, steps)).astype(np.float32)
    colours = strand_colours(rng, traits, count, steps)
    return Tuft(points.astype(np.float32), widths, openness, colours, Region.HAIR, normals.astype(np.float32))


def _in_locks(rng: np.random.Generator, points: Floats, clump: np.ndarray) -> Floats:
    """Draws the ends of strands (n, k, 3) together, those of a lock, some three to a clump, towards their mean."""
    lock = clump * 3 + rng.integers(0, 3, len(points))
    count = np.bincount(lock, minlength=lock.max() + 1)[lock]
    means = np.zeros((lock.max() + 1, *points.shape[1:]), np.float32)
    np.add.at(means, lock, points)
    along = np.linspace(0, 1, points.shape[1], dtype=np.float32)[None, :, None]
    pull = _LOCKED * along**2 * rng.random((len(points), 1, 1)).astype(np.float32)
    towards = means[lock] / count[:, None, None] - points
    # Far from the mean a strand is not of its lock: it would cross the head.
    near = np.exp(-((np.linalg.norm(towards[:, -1], axis=1) / _LOCK_REACH) ** 2))[:, None, None]
    return floats(points + pull * near * towards)


def _smoothed(points: Floats, times: int) -> Floats:
    for _ in range(times):
        points[:, 1:-1] = 0.25 * points[:, :-2] + 0.5 * points[:, 1:-1] + 0.25 * points[:, 2:]
    return points
