"""Soft and see-through occluders kept as they are: hair, fur, nets, glass, fire, smoke of SIM and AM-2k.

Nothing hardens or softens their alphas; each is resampled once, premultiplied. Thin and clear things that one looks
through (`veils`) are large enough to lie before the whole face.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

import numpy as np

from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.layers import occluder_layer
from data_pipeline.techniques.options import OcclusionOptions
from data_pipeline.techniques.scene import close_scene, draw_occluder, open_scene
from data_pipeline.techniques.technique import Technique
from data_pipeline.techniques.trajectories import draw_trajectory


@dataclass(frozen=True)
class MattingOptions(OcclusionOptions):
    """Options of the technique, besides those that all have."""

    area: tuple[float, float] = (0.3, 1.0)  # the occluder's bounding box over that of the face
    veils: tuple[str, ...] = ("net", "spider_web", "glass_ice", "water_*", "texture_holed", "smoke*", "fire")
    veil_area: tuple[float, float] = (0.8, 2.0)
    motion_blur: float = 0.2
    noise: float = 0.05
    blur: float = 0.02
    jpeg: float = 0.1


def synthesize(
    face: Picture | Video, occluders: Sequence[Picture], rng: np.random.Generator, options: MattingOptions
) -> Clip:
    """Makes a clip; arguments and result are those of `published.synthesize`."""
    scene = open_scene(face, rng, options)
    for occluder in occluders:
        layer = occluder_layer(occluder.rgb, occluder.alpha)
        is_veil = any(fnmatch(occluder.category.lower(), pattern) for pattern in options.veils)
        area = options.veil_area if is_veil else options.area
        layer, path, opacity = draw_trajectory(rng, scene, layer, occluder.category, options, area)
        draw_occluder(scene, layer, path, rng, options, opacity=opacity)
    return close_scene(scene, rng, options)


TECHNIQUE = Technique(
    synthesize,
    {"repaired": MattingOptions()},
    benchmark={
        "soft": ("smoke*", "glass", "glass_ice", "fire", "water_*", "cloud*", "steam", "mist", "fog"),
        "hair_and_nets": ("net", "hair*", "fur*", "animal", "spider_web", "texture_holed", "beard"),
    },
)
