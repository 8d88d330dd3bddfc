"""Eyes and brows."""

import numpy as np

from data_pipeline.drawn import palette
from data_pipeline.drawn.curves import Points, ellipse, opened, ribbon, shifted
from data_pipeline.drawn.features import Face


def eyes(rng: np.random.Generator, face: Face) -> None:
    """Draws both eyes alike: open, narrowed or closed, looking somewhere near the camera."""
    canvas, pose, build = face.canvas, face.pose, face.build
    closed_eyes = rng.random() < 0.06
    opening = 0.0 if closed_eyes else rng.uniform(0.55, 1.1)
    size, gap, slant = build.eye_size, build.eye_gap, build.eye_slant
    gaze = rng.normal((0.03 * np.sin(pose.yaw), 0.0), 0.018)
    colour = palette.iris(rng, face.tone)
    lash = rng.uniform(0.008, 0.02)
    made_up = build.masculine < 0.4 and rng.random() < 0.5
    shadow = palette.hsv(rng.random(), 0.4, 0.45) if made_up and rng.random() < 0.3 else face.toned(0.6, 0.45, 0.42)

    def lids(side: int) -> tuple[Points, Points]:
        """The upper and the lower lid from the inner to the outer corner."""
        x = np.array([-1.0, -0.55, 0.0, 0.55, 1.0]) * size
        up = np.array([0.1, -0.5, -0.68, -0.42, -0.06]) * size * 0.82 * max(opening, 0.12) - slant * x / size
        low = np.array([0.1, 0.28, 0.36, 0.28, -0.06]) * size * 0.82 - slant * x / size
        if closed_eyes:
            up = low - 0.004
        upper, lower = opened(pose(np.stack([[side * (gap + x)] * 2, [up, low]], -1)), 6)
        return upper, lower

    pairs = [lids(side) for side in (-1, 1)]
    uppers = [upper for upper, _ in pairs]
    # The socket: the lid folds above, and a soft shadow that sets the eye into the head.
    rx, ry = 1.25 * size * pose.scale, 0.75 * size * pose.scale
    orbits = [ellipse(centre, rx, ry) for centre in pose([(-gap, -0.03), (gap, -0.03)])]
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
        glow = canvas.cover(*discs(0.55, (0.0, 0.3)), blur=0.2 * radius, within=whites)
        canvas.paint(glow, colour * 1.5, opacity=0.5, light=face.lit)
        canvas.paint(canvas.cover(*discs(rng.uniform(0.36, 0.5)), within=whites), (0.02, 0.02, 0.02))
        # The upper lid shades the eye beneath it.
        lid_shadow = canvas.strokes(uppers, 0.045 * pose.scale, blur=0.015 * pose.scale, within=whites)
        canvas.shade(lid_shadow, (0.45, 0.42, 0.42), 0.8)
        glint = rng.uniform(-0.4, 0.4), rng.uniform(-0.5, -0.25)
        canvas.paint(canvas.cover(*discs(0.17, glint), within=whites), (1, 1, 1), opacity=0.95)
        inner = gap - size * 0.93
        dot = 0.014 * pose.scale
        corners = [ellipse(c, dot, dot) for c in pose([(-inner, 0.012), (inner, 0.012)])]
        canvas.paint(canvas.cover(*corners, within=whites), face.toned(0.95, 0.6, 0.58), light=face.lit)
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
    """Draws a soft band with hairs that lean outwards."""
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
