"""What is drawn on the skin: nostrils, mouth, lines of age, beard; the eyes have a file of their own."""

from dataclasses import dataclass

import numpy as np

from data_pipeline.drawn import palette
from data_pipeline.drawn.canvas import Canvas, Cover
from data_pipeline.drawn.curves import Points, both_sides, closed, ellipse, mirrored, opened
from data_pipeline.drawn.pose import Build, Pose


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

    def toned(self, red: float, green: float, blue: float) -> palette.Colour:
        """Returns the skin's colour with its channels multiplied: redder, darker."""
        return self.tone * np.array([red, green, blue], np.float32)


def nose(rng: np.random.Generator, face: Face) -> None:
    """Nostrils, the creases of the wings and the shadow beneath; the relief has done the rest."""
    canvas, pose, build = face.canvas, face.pose, face.build
    n, tip = build.nose_width, build.nose_length
    under = pose(closed([(-0.8 * n, tip + 0.035), (0, tip + 0.02), (0.8 * n, tip + 0.035), (0, tip + 0.1)], 6))
    canvas.shade(canvas.cover(under, blur=0.02 * pose.scale), (0.66, 0.55, 0.52), 0.7)
    holes = [pose(ellipse((s * n * 0.46, tip + 0.043), n * 0.26, 0.019, -s * 0.35)) for s in (-1, 1)]
    canvas.paint(canvas.cover(*holes, blur=0.006 * pose.scale), face.toned(0.28, 0.17, 0.15), opacity=0.9)
    wings = pose(opened(both_sides([(0.82 * n, tip - 0.075), (1.1 * n, tip - 0.015), (0.92 * n, tip + 0.05)]), 6))
    canvas.shade(canvas.strokes(wings, 0.016 * pose.scale, blur=0.008 * pose.scale), (0.68, 0.54, 0.5), 0.65)


def mouth(rng: np.random.Generator, face: Face) -> None:
    """Draws a mouth: closed, smiling with teeth, or open."""
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
    if made_up:
        lip = palette.near(rng, np.array([0.72, 0.17, 0.21], np.float32), 0.15) * (0.35 + 0.7 * face.tone.mean())
    else:
        lip = face.toned(0.82, 0.66, 0.68) if face.tone.mean() < 0.45 else face.toned(0.86, 0.6, 0.58)

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
        x = np.linspace(-0.54, 0.54, 7) * w
        gaps = pose(np.stack([np.stack([x, np.full(7, level)], -1) for level in (y - 0.01, y + gape * 0.7)], 1))
        between = canvas.strokes(gaps, 0.006 * pose.scale, blur=0.003 * pose.scale, within=teeth)
        canvas.shade(between, (0.75, 0.68, 0.62), 0.6)
        edges = canvas.strokes([inner_top], 0.04 * pose.scale, blur=0.018 * pose.scale, within=hollow)
        canvas.shade(edges, (0.55, 0.42, 0.4), 0.6)
    strength = 0.92 if made_up else 0.72
    upper = canvas.cover(np.concatenate([top, inner_top[::-1]]), blur=soft)
    lower = canvas.cover(np.concatenate([inner_low, bottom[::-1]]), blur=soft)
    canvas.paint(upper, lip * 0.86, opacity=strength, light=face.lit)
    canvas.paint(lower, lip, opacity=strength, light=face.lit)
    centre = pose([(0.1 * w, y + gape + 0.033 * full)])[0]
    gleam = ellipse(centre, 0.32 * w * pose.scale, 0.011 * full * pose.scale, pose.roll)
    canvas.paint(canvas.cover(gleam, blur=0.012 * pose.scale), (1, 0.95, 0.93), opacity=0.35 if made_up else 0.2)
    canvas.shade(canvas.strokes([inner_top], 0.012 * pose.scale, blur=0.004 * pose.scale), (0.35, 0.22, 0.22), 0.8)
    dimples = [pose(ellipse((s * (w + 0.012), y - smile), 0.018, 0.028)) for s in (-1, 1)]
    canvas.shade(canvas.cover(*dimples, blur=0.014 * pose.scale), (0.68, 0.55, 0.53), 0.6)
    if smile > 0.03 or build.mature > 0.5:
        folds = [(build.nose_width + 0.03, 0.4), (w + 0.04, 0.52), (w + 0.075, 0.64)]
        lines = pose(opened(both_sides(folds), 6))
        depth = 0.25 + 0.35 * build.mature
        canvas.shade(canvas.strokes(lines, 0.02 * pose.scale, blur=0.013 * pose.scale), (0.66, 0.54, 0.5), depth)


def age_lines(rng: np.random.Generator, face: Face) -> None:
    """Lines on the forehead and at the eyes of older faces."""
    canvas, pose, build = face.canvas, face.pose, face.build
    if build.mature < 0.35:
        return
    brow = rng.normal([[-0.33], [-0.42], [-0.5]], 0.012, (3, 4))
    across = np.broadcast_to([-0.34, -0.12, 0.12, 0.34], brow.shape)
    lines = list(pose(opened(np.stack([across, brow], -1), 5)))
    gap, size = build.eye_gap, build.eye_size
    for lean in (-0.04, 0.0, 0.045):
        lines += list(pose(both_sides([(gap + size * 1.15, 0.01 + lean * 0.5), (gap + size * 1.7, 0.02 + lean * 1.6)])))
    lines += list(pose(opened(both_sides([(gap - size * 0.9, 0.07), (gap, 0.115), (gap + size * 0.8, 0.09)]), 5)))
    cover = canvas.strokes(lines, 0.01 * pose.scale, blur=0.006 * pose.scale, within=face.head)
    canvas.shade(cover, (0.7, 0.6, 0.56), 0.55 * build.mature)


def beard(rng: np.random.Generator, face: Face) -> None:
    """Draws stubble, a full beard, a goatee or a moustache: part of the face, as the datasets label it.

    To be painted before the mouth, whose lips lie above it.
    """
    if face.build.masculine < 0.5 or rng.random() < 0.4:
        return
    canvas, pose, build = face.canvas, face.pose, face.build
    kind = rng.choice(["stubble", "full", "goatee", "moustache"], p=[0.35, 0.3, 0.2, 0.15])
    w, m, jaw = build.width, build.mouth_width, build.jaw
    areas = []
    if kind in ("stubble", "full"):
        outer = mirrored(np.array([(0.97 * w, 0.12), (0.9 * w, 0.5), (0.66 * jaw * w, 0.84), (0.25 * w, 1.06)]))
        inner = mirrored(np.array([(0.84 * w, 0.2), (0.7 * w, 0.46), (0.36, 0.54), (0.12, 0.5)]))
        areas.append(np.concatenate([outer, inner[::-1]]))
    if kind == "goatee":
        areas.append(np.concatenate([mirrored(np.array([(1, 0.6), (1.02, 0.78), (0.7, 0.98)])), [(0, 0.7)]]) * (m, 1))
    if kind in ("goatee", "moustache"):
        wing = np.array([(0.6, 0.52), (1.1, 0.66), (0.6, 0.6)])
        areas.append(np.concatenate([[(0, 0.5)], wing, [(0, 0.57)], wing[::-1] * (-1, 1)]) * (m, 1))
    colour = face.hair * rng.uniform(0.55, 0.9)
    dense = 0.38 if kind == "stubble" else rng.uniform(0.7, 0.92)
    cover = canvas.cover(*(closed(pose(area), 6) for area in areas), blur=0.03 * pose.scale, within=face.head)
    canvas.paint(cover, colour, opacity=dense, light=face.lit)
    count, length = (140, 0.35) if kind == "stubble" else (220, 1.0)
    roots = rng.uniform((-w, 0.2), (w, 1.05), (count, 2))
    hairs = rng.uniform((-0.03, 0.03), (0.03, 0.07), (count, 2)) * length
    hairs[:, 0] += 0.06 * roots[:, 0] * length
    lines = pose(np.stack([roots, roots + hairs], 1))
    for group, brightness, opacity in ((lines[::2], 1.5, 0.35), (lines[1::2], 0.5, 0.5)):
        strands = canvas.strokes(group, 0.007 * pose.scale, within=cover)
        canvas.paint(strands, colour * brightness, opacity=opacity, light=face.lit)
