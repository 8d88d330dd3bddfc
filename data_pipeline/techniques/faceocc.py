"""Occluders on aligned faces after FaceOcc (Yin and Chen 2022): glasses, masks, hands and textures where they belong.

The face is upright, in the middle, and takes the same share of every frame. FaceOcc's own occluders are RGBA pictures
cut out of faces that were aligned in the same way: laid over the face as they are, they lie where they were worn. Other
occluders go where their category belongs (`trajectories`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

import numpy as np

from data_pipeline.motion import rotation, scaling, translation
from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.layers import canvas_layer, occluder_layer
from data_pipeline.techniques.options import OcclusionOptions
from data_pipeline.techniques.scene import Scene, close_scene, draw_occluder, open_scene
from data_pipeline.techniques.technique import Technique
from data_pipeline.techniques.trajectories import draw_trajectory


@dataclass(frozen=True)
class FaceOccOptions(OcclusionOptions):
    """Options of the technique, besides those that all have."""

    aligned: tuple[float, float] = (0.58, 0.66)  # the face's height over the frame's
    registered: tuple[str, ...] = ("celebahq", "ffhq")  # categories (patterns) of occluders from aligned faces
    registered_face: float = 0.62  # the face's height over that of their pictures
    shift: float = 0.04  # how far those may lie from where they were, of the face's height
    area: tuple[float, float] = (0.2, 0.6)  # other occluders' bounding boxes over that of the face
    aspect: tuple[float, float] = (1.0, 1.0)
    motion_blur: float = 0.1
    jpeg: float = 0.1


def synthesize(
    face: Picture | Video, occluders: Sequence[Picture], rng: np.random.Generator, options: FaceOccOptions
) -> Clip:
    """Makes a clip; arguments and result are those of `published.synthesize`."""
    scene = open_scene(face, rng, options, face_height=options.aligned)
    for occluder in occluders:
        if any(fnmatch(occluder.category.lower(), pattern) for pattern in options.registered):
            layer = canvas_layer(occluder.rgb, occluder.alpha)
            path, opacity = _registered_path(rng, scene, occluder, options), None
        else:
            layer = occluder_layer(occluder.rgb, occluder.alpha)
            layer, path, opacity = draw_trajectory(rng, scene, layer, occluder.category, options, options.area)
        draw_occluder(scene, layer, path, rng, options, opacity=opacity)
    return close_scene(scene, rng, options)


TECHNIQUE = Technique(
    synthesize,
    {"repaired": FaceOccOptions()},
)


def _registered_path(rng: np.random.Generator, scene: Scene, occluder: Picture, options: FaceOccOptions) -> np.ndarray:
    """From the occluder's picture to the frames: it is laid over the aligned face, a little off."""
    height, width = occluder.alpha.shape
    face = scene.face
    size = face.bottom - face.top
    scale = size / (options.registered_face * height) * rng.uniform(0.92, 1.08)
    x, y = rng.uniform(-options.shift, options.shift, 2) * size
    mirror = scaling(-1 if rng.random() < options.flip else 1, 1)
    middle = translation(face.centre[0] + x, face.centre[1] + y)
    place = middle @ rotation(rng.normal(0, 4)) @ mirror @ scaling(scale) @ translation(-width / 2, -height / 2)
    return np.asarray(scene.path @ place)
