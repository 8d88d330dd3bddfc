"""Random occlusions after RandOcc (Voo et al. 2022): closed Bézier shapes cut out of textures, some see-through.

Presets of `RandOccOptions`:

- `repaired`, the default: what shines through a transparent shape counts as face, by as much; shapes fly past, are held
  before the face, or drift.
- `verbatim`: a transparent shape hides the face wholly in the label; the shapes move by RVM's affine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques import shapes
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.layers import occluder_layer
from data_pipeline.techniques.options import OcclusionOptions
from data_pipeline.techniques.scene import close_scene, draw_occluder, open_scene
from data_pipeline.techniques.technique import Technique
from data_pipeline.techniques.trajectories import draw_trajectory

_MOTIONS = ("shape", "held", "smoke")  # categories whose trajectories shapes have


@dataclass(frozen=True)
class RandOccOptions(OcclusionOptions):
    """Options of the technique, besides those that all have."""

    transparency: float = 0.3  # probability that a shape is see-through
    opacity: tuple[float, float] = (0.4, 0.7)  # of those that are
    area: tuple[float, float] = (0.3, 0.9)  # the shape's bounding box over that of the face
    noise: float = 0.05
    blur: float = 0.02
    motion_blur: float = 0.2
    jpeg: float = 0.1


def draw_texture(rng: np.random.Generator, side: int) -> Picture:
    """Returns a rendered texture, for where the data has no `textures`."""
    rgb = shapes.draw_texture(rng, max(side // 2, 16))
    return Picture(rgb, np.full(rgb.shape[:2], 255, np.uint8), "procedural", "shape")


def synthesize(
    face: Picture | Video, occluders: Sequence[Picture], rng: np.random.Generator, options: RandOccOptions
) -> Clip:
    """Makes a clip; arguments and result are those of `published.synthesize`.

    But `occluders` are textures, whose alpha is not used.
    """
    scene = open_scene(face, rng, options)
    side = max(options.resolution // 2, 16)
    for texture in occluders:
        layer = occluder_layer(shapes.cut_texture(rng, texture.rgb, side), shapes.draw_shape(rng, side))
        category = str(rng.choice(_MOTIONS))
        placed = draw_trajectory(rng, scene, layer, category, options, options.area)
        opacity = np.ones(scene.frames) if placed.opacity is None else placed.opacity
        if rng.random() < options.transparency:
            opacity = opacity * rng.uniform(*options.opacity)
        draw_occluder(scene, placed.layer, placed.path, rng, options, opacity=opacity)
    return close_scene(scene, rng, options)


TECHNIQUE = Technique(
    synthesize,
    {
        "repaired": RandOccOptions(),
        "verbatim": RandOccOptions(trajectory="affine", label="opaque", motion_blur=0.0, noise=0.0),
    },
    draws="textures",
    benchmark={"shapes": ()},
)
