"""A portrait: background, bust, head, features and hair in the order in which they hide each other."""

import numpy as np

from data_pipeline.drawn import backgrounds, clothing, eyes, features, palette, skin
from data_pipeline.drawn.canvas import Canvas, Surface
from data_pipeline.drawn.curves import closed, ellipse, shifted
from data_pipeline.drawn.fields import Light
from data_pipeline.drawn.hair import Hair, HairPainter
from data_pipeline.drawn.materials import Materials
from data_pipeline.drawn.pose import Build, Pose

_EAR = closed([(-0.06, -0.1), (0.07, -0.14), (0.11, -0.02), (0.07, 0.16), (0.01, 0.27), (-0.06, 0.22)], 6)


def render(
    rng: np.random.Generator, size: int, materials: Materials | None = None, scenes: Materials | None = None
) -> Canvas:
    """Draws a random person; the canvas's label is the alpha of the face: skin, brows, eyes, nose, mouth and beard.

    `materials` are what clothes are made of, and `scenes` what the background is; plain drawn ones where None.
    """
    pose, build, light = Pose.draw(rng), Build.draw(rng), Light.draw(rng)
    tone = palette.skin(rng)
    hair = Hair.draw(rng, tone, build)
    canvas = Canvas(size, materials)
    canvas.planes[:3] = canvas.place(backgrounds.draw(rng) if scenes is None else scenes.scene(rng))

    matrix = pose.matrix(skin.BOX)
    illumination, shine = skin.shading(build, pose, light)
    # Hair and cloth have no relief of their own: they take the head's light, evened out.
    soft = Surface(0.55 * illumination + 0.45 * light.flat()[:, None, None], matrix)
    painter = HairPainter(canvas, pose, build, hair, soft)
    painter.behind()
    clothing.bust(rng, canvas, pose, build, tone, soft)
    _ears(canvas, pose, build, tone, soft)

    oil = rng.uniform(0.03, 0.2) + 0.12 * (1 - tone.mean())
    surface = skin.complexion(rng, tone, build, pose) * illumination + oil * shine * light.key[:, None, None]
    head = canvas.cover(pose.flat(build.outline(pose)), blur=0.003 * pose.scale)
    canvas.paint(head, Surface(surface, matrix), 1)
    # The features ask for the light often: it is placed once.
    lit = np.zeros_like(canvas.planes[:3])
    lit[:, head.rows, head.cols] = canvas.place(illumination, matrix, head)
    face = features.Face(canvas, pose, build, tone, hair.colour, lit, head)
    features.age_lines(rng, face)
    features.nose(rng, face)
    eyes.eyes(rng, face)
    eyes.brows(rng, face)
    features.beard(rng, face)
    features.mouth(rng, face)
    painter.before(head)
    return canvas


def _ears(canvas: Canvas, pose: Pose, build: Build, tone: palette.Colour, lit: Surface) -> None:
    ears, hollows = [], []
    for side in (-1, 1):
        away = side * np.sin(pose.yaw)  # the ear of the side that turns away hides behind the cheek
        x = build.width * (1.0 - 0.1 * max(away, 0)) + 0.02
        ears.append(pose.flat(shifted(_EAR, x, 0) * (side, 1)))
        hollows.append(pose.flat(ellipse((side * (x + 0.02), 0.02), 0.04, 0.1)))
    cover = canvas.cover(*ears)
    canvas.paint(cover, tone * np.array([0.98, 0.84, 0.82], np.float32), 0, light=lit)
    canvas.shade(canvas.cover(*hollows, blur=0.015 * pose.scale, within=cover), (0.55, 0.42, 0.4), 0.7)
