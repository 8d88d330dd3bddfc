"""What the face-matting fork's second stage feeds on, as its published config has it: layers that are not pasted.

Its trimaps are off, which takes the fork's older path: the face and the occluder are moved as in `verbatim.py` (motion
over the clip's own length, colours over 15 frames), but the occluder is not pasted onto the face. It stays where it
came to lie on its canvas of the frame's size, and the trainer composes (`rvm_jax.train.losses.rvm.alpha_composed`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.options import OcclusionOptions
from data_pipeline.techniques.technique import Technique
from data_pipeline.techniques.verbatim import moved_layers

_FRAMES_OF_COLOUR = 15


@dataclass(frozen=True)
class Stage2Options(OcclusionOptions):
    """All clips carry an occluder; which batches show it is the trainer's coin."""

    occlusion: float = 1.0


def synthesize(
    face: Picture | Video, occluders: Sequence[Picture], rng: np.random.Generator, options: Stage2Options
) -> Clip:
    """Returns the face `src` (T, S, S, 3), its mask `pha` (T, S, S, 1), and `occluder` (T, S, S, 4), RGBA."""
    frames = np.arange(options.seq_length)
    clock = frames / max(options.seq_length - 1, 1)
    (src, pha), occluder = moved_layers(face, occluders, rng, options, clock, frames / _FRAMES_OF_COLOUR)
    layer = np.zeros((*np.shape(src)[:3], 4), np.uint8)
    if occluder:
        layer[..., :3], layer[..., 3] = occluder
    return {"src": np.stack(src), "pha": np.stack(pha)[..., None], "occluder": layer}


TECHNIQUE = Technique(
    synthesize,
    {"published": Stage2Options()},
    arrays=("src", "pha", "occluder"),
)
