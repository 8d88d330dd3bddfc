"""What is drawn on the skin: eyes, brows, nostrils, mouth, beard, lines of age."""

from dataclasses import dataclass

import numpy as np

from . import palette
from .canvas import Canvas, Cover
from .curves import Points, closed, ellipse, opened, ribbon, shifted
from .pose import Build, Pose


@dataclass(frozen=True)
class Face:
    """What the features share: the canvas with its skin, and the light (3, size, size) that falls on the head."""

    canvas: Canvas
    pose: Pose
    build: Build
    tone: palette.Colour
    hair: palette.Colour
    lit: np.ndarray
    head: Cover


def _tone(face: Face, red: float, green: float, blue: float) -> palette.Colour:
    return face.tone * np.array([red, green, blue], np.float32)


def eyes(rng: np.random.Generator, face: Face) -> None:
    """Both eyes alike: open, narrowed or closed, looking somewhere near the camera."""
    canvas, pose, build = face.canvas, face.pose, face.build
    closed_eyes = rng.random() < 0.06
    opening = 0.0 if closed_eyes else rng.uniform(0.55, 1.1)
    size, gap, slant = build.eye_size, build.eye_gap, build.eye_slant
    gaze = rng.normal((0.03 * np.sin(pose.yaw), 0.0), 0.018)
    colour = palette.iris(rng, face.tone)
    lash = rng.uniform(0.008, 0.02)
    made_up = build.masculine < 0.4 and rng.random() < 0.5
    shadow = palette.hsv(rng.random(), 0.4, 0.45) if made_up and rng.random() < 0.3 else _tone(face, 0.6, 0.45, 0.42)

    def lids(side: int) -> tuple[Points, Points]:
        """The upper and the lower lid from the inner to the outer corner."""
        x = np.array([-1.0, -0.55, 0.0, 0.55, 1.0]) * size
        up = np.array([0.1, -0.5, -0.68, -0.42, -0.06]) * size * 0.82 * max(opening, 0.12) - slant * x / size
        low = np.array([0.1, 0.28, 0.36, 0.28, -0.06]) * size * 0.82 - slant * x / size
        if closed_eyes:
            up = low - 0.004
        place = lambda y: pose(np.stack([side * (gap + x), y], 1))  # noqa: E731
        return opened(place(up), 6), opened(place(low), 6)

    pairs = [lids(side) for side in (-1, 1)]
    uppers = [upper for upper, _ in pairs]
    # The socket: the lid folds above, and a soft shadow that sets the eye into the head.
    orbits = [
        ellipse(c, 1.25 * size * pose.scale, 0.75 * size * pose.scale) for c in pose([(-gap, -0.03), (gap, -0.03)])
    ]
    socket = canvas.cover(*orbits, blur=0.045 * pose.scale, within=face.head)
    canvas.paint(socket, shadow, opacity=0.5 if made_up else 0.22, light=face.lit)
    if not closed_eyes:
        whites = canvas.cover(*(np.concatenate([upper, lower[::-1]]) for upper, lower in pairs))
        canvas.paint(whites, (0.86, 0.83, 0.81), light=face.lit)
        radius = size * 0.5 * pose.scale
        centres = pose(np.array([(-gap, -0.015), (gap, -0.015)]) + gaze)
        aspect = np.cos(pose.yaw)

        def discs(share: float, shift: tuple[float, float] = (0, 0)) -> list[Points]:
            return [ellipse(c + np.array(shift) * radius, radius * share * aspect, radius * share) for c in centres]

        canvas.paint(canvas.cover(*discs(1.0), within=whites), colour * 0.38, light=face.lit)
        canvas.paint(canvas.cover(*discs(0.86), blur=0.1 * radius, within=whites), colour, light=face.lit)
        canvas.paint(
            canvas.cover(*discs(0.55, (0.0, 0.3)), blur=0.2 * radius, within=whites),
            colour * 1.5,
            opacity=0.5,
            light=face.lit,
        )
        canvas.paint(canvas.cover(*discs(rng.uniform(0.36, 0.5)), within=whites), (0.02, 0.02, 0.02))
        # The upper lid shades the eye beneath it.
        lid_shadow = canvas.strokes(uppers, 0.045 * pose.scale, blur=0.015 * pose.scale, within=whites)
        canvas.shade(lid_shadow, (0.45, 0.42, 0.42), 0.8)
        glint = rng.uniform(-0.4, 0.4), rng.uniform(-0.5, -0.25)
        canvas.paint(canvas.cover(*discs(0.17, glint), within=whites), (1, 1, 1), opacity=0.95)
        inner = gap - size * 0.93
        dot = 0.014 * pose.scale
        corners = [ellipse(c, dot, dot) for c in pose([(-inner, 0.012), (inner, 0.012)])]
        canvas.paint(canvas.cover(*corners, within=whites), _tone(face, 0.95, 0.6, 0.58), light=face.lit)
    dark = face.hair * 0.3 if face.hair.mean() < 0.4 else np.array([0.2, 0.13, 0.1], np.float32)
    lines = [ribbon(upper, pose.scale * lash * np.linspace(0.5, 1.7, len(upper))) for upper in uppers]
    canvas.paint(canvas.cover(*lines), dark, opacity=0.9, light=face.lit)
    folds = [shifted(upper[3:-2], 0, -rng.uniform(0.035, 0.06) * pose.scale) for upper in uppers]
    lines = [*folds, *(lower for _, lower in pairs)]
    canvas.shade(canvas.strokes(lines, 0.01 * pose.scale, blur=0.005 * pose.scale), (0.65, 0.53, 0.51), 0.75)
    if made_up or rng.random() < 0.3:
        roots = np.stack(uppers)[:, 6::2]
        share = np.linspace(0.25, 1, roots.shape[1])
        reach = pose.scale * size * (0.1 + 0.22 * share)
        sideways = np.array([-1, 1])[:, None] * (share - 0.35) * 1.2
        tips = roots + np.stack([sideways * reach, np.broadcast_to(-0.8 * reach, sideways.shape)], -1)
        hairs = np.stack([roots, tips], 2).reshape(-1, 2, 2)
        canvas.paint(canvas.strokes(hairs, 0.007 * pose.scale), dark, opacity=0.85)


def brows(rng: np.random.Generator, face: Face) -> None:
    """A soft band with hairs that lean outwards."""
    canvas, pose, build = face.canvas, face.pose, face.build
    colour = face.hair * rng.uniform(0.5, 0.85)
    if rng.random() < 0.5:
        colour = np.minimum(colour, 0.3)
    arch, height = rng.uniform(0.0, 0.06), rng.uniform(-0.235, -0.19)
    mood = rng.normal(0, 0.018)
    thick = rng.uniform(0.028, 0.05) + 0.03 * build.masculine * rng.random()
    x = build.eye_gap + np.array([-1.15, -0.4, 0.45, 1.25]) * build.eye_size * 1.1
    y = height + np.array([0.018 + mood, -arch * 0.5, -arch - 0.012, 0.03 - mood])
    sides = np.array([-1, 1])[:, None]
    paths = opened(pose(np.stack([sides * x, np.stack([y, y])], -1)), 6)
    width = thick * pose.scale * np.interp(np.linspace(0, 1, paths.shape[1]), [0, 0.15, 0.55, 1], [0.6, 1, 0.85, 0.15])
    bands = ribbon(paths, width)
    roots = np.repeat(paths, 2, 1)
    long, lean, lift, rise = (
        rng.uniform(a, b, roots.shape[:2]) for a, b in ((0.8, 1.2), (0.3, 0.9), (-0.1, 0.6), (0.5, 1.1))
    )
    reach = np.repeat(width, 2) * long
    roots = roots + np.stack([np.zeros_like(lift), lift * reach], -1)
    tips = roots + np.stack([sides * lean * reach, -rise * reach], -1)
    hairs = np.stack([roots, tips], 2).reshape(-1, 2, 2)
    canvas.paint(canvas.cover(*bands, blur=0.011 * pose.scale), colour, opacity=rng.uniform(0.45, 0.75), light=face.lit)
    canvas.paint(canvas.strokes(hairs, 0.008 * pose.scale), colour * 0.75, opacity=0.65, light=face.lit)


def nose(rng: np.random.Generator, face: Face) -> None:
    """Nostrils, the creases of the wings and the shadow beneath; the relief has done the rest."""
    canvas, pose, build = face.canvas, face.pose, face.build
    n, tip = build.nose_width, build.nose_length
    under = pose(closed([(-0.8 * n, tip + 0.035), (0, tip + 0.02), (0.8 * n, tip + 0.035), (0, tip + 0.1)], 6))
    canvas.shade(canvas.cover(under, blur=0.02 * pose.scale), (0.66, 0.55, 0.52), 0.7)
    holes = [pose(ellipse((s * n * 0.46, tip + 0.043), n * 0.26, 0.019, -s * 0.35)) for s in (-1, 1)]
    canvas.paint(canvas.cover(*holes, blur=0.006 * pose.scale), _tone(face, 0.28, 0.17, 0.15), opacity=0.9)
    wings = [
        pose(opened([(s * n * 0.82, tip - 0.075), (s * n * 1.1, tip - 0.015), (s * n * 0.92, tip + 0.05)], 6))
        for s in (-1, 1)
    ]
    canvas.shade(canvas.strokes(wings, 0.016 * pose.scale, blur=0.008 * pose.scale), (0.68, 0.54, 0.5), 0.65)


def mouth(rng: np.random.Generator, face: Face) -> None:
    """Closed, smiling with teeth, or open."""
    canvas, pose, build = face.canvas, face.pose, face.build
    kind = rng.choice(["closed", "smile", "teeth", "open"], p=[0.4, 0.2, 0.27, 0.13])
    smile = {
        "closed": rng.normal(0, 0.012),
        "smile": 0.045,
        "teeth": rng.uniform(0.05, 0.08),
        "open": rng.uniform(-0.01, 0.03),
    }[kind]
    gape = {"closed": 0.0, "smile": 0.0, "teeth": rng.uniform(0.035, 0.08), "open": rng.uniform(0.08, 0.17)}[kind]
    w = build.mouth_width * {"closed": 0.92, "smile": 1.12, "teeth": 1.2, "open": 0.9}[kind]
    full, y = build.lips, 0.635 - 0.25 * gape
    made_up = build.masculine < 0.45 and rng.random() < 0.45
    lip = _tone(face, 0.86, 0.6, 0.58)
    if made_up:
        lip = palette.near(rng, np.array([0.72, 0.17, 0.21], np.float32), 0.15) * (0.35 + 0.7 * face.tone.mean())
    if not made_up and face.tone.mean() < 0.45:
        lip = _tone(face, 0.82, 0.66, 0.68)

    def curve(*points: tuple[float, float]) -> Points:
        half = np.array(points) * (w, 1) + (0, y)
        return opened(np.concatenate([half[::-1] * (-1, 1), half[1:]]), 5)

    corner = (1.0, -smile)
    top = curve((0, -0.038 * full), (0.2, -0.056 * full), (0.6, -0.034 * full - 0.3 * smile), corner)
    inner_top = curve((0, 0.004), (0.35, -0.003), (0.7, -0.25 * smile), corner)
    inner_low = curve((0, 0.006 + gape), (0.35, 0.003 + gape * 0.92), (0.7, 0.55 * gape - 0.3 * smile), corner)
    bottom = curve(
        (0, 0.072 * full + gape),
        (0.4, 0.058 * full + gape * 0.92),
        (0.78, 0.018 * full + 0.5 * gape - 0.45 * smile),
        corner,
    )
    top, inner_top, inner_low, bottom = (pose(line) for line in (top, inner_top, inner_low, bottom))
    soft = 0.006 * pose.scale
    if gape:
        hollow = canvas.cover(np.concatenate([inner_top, inner_low[::-1]]))
        canvas.paint(hollow, (0.2, 0.06, 0.06))
        drop = np.array([0, gape * 0.75 * pose.scale])
        if kind == "open":
            drop = np.array([0, rng.uniform(0.2, 0.4) * gape * pose.scale])
            tip = ellipse(pose([(0, y + gape * 0.95)])[0], 0.55 * w * pose.scale, 0.45 * gape * pose.scale)
            tongue = canvas.cover(tip, blur=0.012 * pose.scale, within=hollow)
            canvas.paint(tongue, (0.66, 0.3, 0.3), light=face.lit)
        teeth = canvas.cover(np.concatenate([inner_top, inner_top[::-1] + drop]), blur=soft, within=hollow)
        canvas.paint(teeth, np.array([0.93, 0.9, 0.85]) * rng.uniform(0.85, 1), light=face.lit)
        gaps = [
            pose(np.array([(x * w, y - 0.01), (x * w, y + gape * 0.7)]))
            for x in (-0.54, -0.36, -0.18, 0, 0.18, 0.36, 0.54)
        ]
        canvas.shade(
            canvas.strokes(gaps, 0.006 * pose.scale, blur=0.003 * pose.scale, within=teeth), (0.75, 0.68, 0.62), 0.6
        )
        edges = canvas.strokes([inner_top], 0.04 * pose.scale, blur=0.018 * pose.scale, within=hollow)
        canvas.shade(edges, (0.55, 0.42, 0.4), 0.6)
    strength = 0.92 if made_up else 0.72
    upper = canvas.cover(np.concatenate([top, inner_top[::-1]]), blur=soft)
    lower = canvas.cover(np.concatenate([inner_low, bottom[::-1]]), blur=soft)
    canvas.paint(upper, lip * 0.86, opacity=strength, light=face.lit)
    canvas.paint(lower, lip, opacity=strength, light=face.lit)
    gleam = ellipse(
        pose(np.array([(0.1 * w, y + gape + 0.033 * full)]))[0],
        0.32 * w * pose.scale,
        0.011 * full * pose.scale,
        pose.roll,
    )
    canvas.paint(canvas.cover(gleam, blur=0.012 * pose.scale), (1, 0.95, 0.93), opacity=0.35 if made_up else 0.2)
    canvas.shade(canvas.strokes([inner_top], 0.012 * pose.scale, blur=0.004 * pose.scale), (0.35, 0.22, 0.22), 0.8)
    dimples = [pose(ellipse((s * (w + 0.012), y - smile), 0.018, 0.028)) for s in (-1, 1)]
    canvas.shade(canvas.cover(*dimples, blur=0.014 * pose.scale), (0.68, 0.55, 0.53), 0.6)
    if smile > 0.03 or build.mature > 0.5:
        folds = [
            pose(opened([(s * (build.nose_width + 0.03), 0.4), (s * (w + 0.04), 0.52), (s * (w + 0.075), 0.64)], 6))
            for s in (-1, 1)
        ]
        depth = 0.25 + 0.35 * build.mature
        canvas.shade(canvas.strokes(folds, 0.02 * pose.scale, blur=0.013 * pose.scale), (0.66, 0.54, 0.5), depth)


def age_lines(rng: np.random.Generator, face: Face) -> None:
    """Lines on the forehead and at the eyes of older faces."""
    canvas, pose, build = face.canvas, face.pose, face.build
    if build.mature < 0.35:
        return
    lines = [
        pose(opened([(x, level + rng.normal(0, 0.012)) for x in (-0.34, -0.12, 0.12, 0.34)], 5))
        for level in (-0.33, -0.42, -0.5)
    ]
    gap, size = build.eye_gap, build.eye_size
    for side in (-1, 1):
        for lean in (-0.04, 0.0, 0.045):
            lines.append(
                pose(
                    np.array(
                        [
                            (side * (gap + size * 1.15), 0.01 + lean * 0.5),
                            (side * (gap + size * 1.7), 0.02 + lean * 1.6),
                        ]
                    )
                )
            )
        lines.append(
            pose(opened([(side * (gap - size * 0.9), 0.07), (side * gap, 0.115), (side * (gap + size * 0.8), 0.09)], 5))
        )
    canvas.shade(
        canvas.strokes(lines, 0.01 * pose.scale, blur=0.006 * pose.scale, within=face.head),
        (0.7, 0.6, 0.56),
        0.55 * build.mature,
    )


def beard(rng: np.random.Generator, face: Face) -> None:
    """Stubble, a full beard, a goatee or a moustache; part of the face, as the datasets label it."""
    if face.build.masculine < 0.5 or rng.random() < 0.4:
        return
    canvas, pose, build = face.canvas, face.pose, face.build
    kind = rng.choice(["stubble", "full", "goatee", "moustache"], p=[0.35, 0.3, 0.2, 0.15])
    w, m, jaw = build.width, build.mouth_width, build.jaw
    areas = []
    if kind in ("stubble", "full"):
        side = [(0.97 * w, 0.12), (0.9 * w, 0.5), (0.66 * jaw * w, 0.84), (0.25 * w, 1.06)]
        inner = [(0.84 * w, 0.2), (0.7 * w, 0.46), (0.36, 0.54), (0.12, 0.5)]
        areas.append(np.array([*side, *[(-x, y) for x, y in side[::-1]], *[(-x, y) for x, y in inner], *inner[::-1]]))
    if kind == "goatee":
        areas.append(
            np.array(
                [(m, 0.6), (m * 1.02, 0.78), (m * 0.7, 0.98), (-m * 0.7, 0.98), (-m * 1.02, 0.78), (-m, 0.6), (0, 0.7)]
            )
        )
    if kind in ("goatee", "moustache"):
        areas.append(
            np.array(
                [
                    (0, 0.5),
                    (m * 0.6, 0.52),
                    (m * 1.1, 0.66),
                    (m * 0.6, 0.6),
                    (0, 0.57),
                    (-m * 0.6, 0.6),
                    (-m * 1.1, 0.66),
                    (-m * 0.6, 0.52),
                ]
            )
        )
    colour = face.hair * rng.uniform(0.55, 0.9)
    dense = 0.38 if kind == "stubble" else rng.uniform(0.7, 0.92)
    cover = canvas.cover(
        *(closed(area, 6) for area in (pose(a) for a in areas)), blur=0.03 * pose.scale, within=face.head
    )
    canvas.paint(cover, colour, opacity=dense, light=face.lit)
    count, grown = (140, 0.35) if kind == "stubble" else (220, 1.0)
    roots = rng.uniform((-w, 0.2), (w, 1.05), (count, 2))
    ends = (
        roots + np.stack([roots[:, 0] * 0.06 + rng.normal(0, 0.02, count), rng.uniform(0.03, 0.07, count)], 1) * grown
    )
    hairs = pose(np.stack([roots, ends], 1))
    half = count // 2
    canvas.paint(
        canvas.strokes(hairs[:half], 0.007 * pose.scale, within=cover), colour * 1.5, opacity=0.35, light=face.lit
    )
    canvas.paint(
        canvas.strokes(hairs[half:], 0.007 * pose.scale, within=cover), colour * 0.5, opacity=0.5, light=face.lit
    )
    # The lips lie above the beard: `mouth` is painted after it.
