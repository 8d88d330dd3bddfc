"""Pictures and clips of persons with their masks, for RVM's segmentation pass (Lin et al. 2021, section 5.1).

There is no occluder and no alpha here: the label `seg` is 0 or 255. Presets of `SegmentationOptions` are RVM's
augmentation of COCO and Supervisely (`images`, the default) and of YouTubeVIS (`video`). Affine, crop and flip are one
warp, which mirrors a picture and its mask at the border where RVM's turns black.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from data_pipeline.jitter import apply_jitter, colour_matrix, mean_luma
from data_pipeline.motion import affine_matrix, draw_affine, horizontal_flip, scaling, translation
from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques import augmentations
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.layers import face_layer, shrink, stills, warp
from data_pipeline.techniques.options import TechniqueOptions
from data_pipeline.techniques.scene import scale_of
from data_pipeline.techniques.technique import Technique


@dataclass(frozen=True)
class SegmentationOptions(TechniqueOptions):
    """Options of the technique; of those that all have, motion, pause, trimap and the camera's others have no part."""

    aspect: tuple[float, float] = (0.7, 1.3)  # of the crop, beside the picture's
    crop: tuple[float, float] = (0.5, 1.0)  # its share of the picture's area
    angle: float = 20.0  # degrees
    shift: float = 0.1  # of the side
    shear: float = 10.0  # degrees
    jitter: float = 1.0
    colours: float = 0.1  # by which brightness, contrast and saturation differ at most, once a clip
    hue: float = 0.1  # turns, at most


def synthesize(
    person: Picture | Video, nothing: Sequence[Picture | Video], rng: np.random.Generator, options: SegmentationOptions
) -> Clip:
    """Returns `src` (T, S, S, 3) and the mask `seg` (T, S, S, 1) uint8, S = `options.resolution`; a still stays still.

    Args:
        person: a picture, or a video of T = `options.seq_length` frames, with the mask of its persons.
        nothing: no layer comes over it.
        rng: all randomness of the clip.
        options: see `SegmentationOptions`.
    """
    side, frames = options.resolution, options.seq_length
    layers = [face_layer(still.rgb, still.alpha) for still in stills(person)]
    matrix = _path(layers[0].rgba.shape[:2], rng, options)
    border = cv2.BORDER_REFLECT_101 if options.border == "mirror" else cv2.BORDER_CONSTANT
    window, scale = (0, 0, side, side), scale_of(matrix[None])
    drawn = [warp(shrink(layer, scale), matrix, window, cv2.INTER_LINEAR, border) for layer in layers]
    drawn = [drawn[min(t, len(drawn) - 1)] for t in range(frames)]
    src = np.stack([cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB) for rgba in drawn])
    seg = np.stack([cv2.threshold(rgba[..., 3], 127, 255, cv2.THRESH_BINARY)[1] for rgba in drawn])
    if rng.random() < options.jitter:
        change = np.append(
            1 + rng.uniform(-options.colours, options.colours, 3), rng.uniform(-options.hue, options.hue)
        )
        matrix_and_offset = colour_matrix(change, mean_luma(src[0]))
        src = np.stack([apply_jitter(frame, *matrix_and_offset) for frame in src])
    clip = {"src": src, "seg": seg[..., None]}
    return augmentations.to_grey(clip, rng, ("src",)) if rng.random() < options.grey else clip


TECHNIQUE = Technique(
    synthesize,
    {
        "images": SegmentationOptions(),
        "video": SegmentationOptions(
            aspect=(0.9, 1.1), crop=(0.8, 1.0), angle=0.0, shift=0.0, shear=0.0, colours=0.3, hue=0.15, grey=0.05
        ),
    },
    draws="nothing",
    subject="segmentation",
    speeds=(1,),
    arrays=("src", "seg"),
)


def _path(size: tuple[int, int], rng: np.random.Generator, options: SegmentationOptions) -> np.ndarray:
    """From the picture's pixels to the frame: affine about the picture's centre, random crop, flip."""
    height, width = size
    mean_side = round(np.sqrt(height * width))
    affine = draw_affine(rng, mean_side, angle=options.angle, shift=options.shift, scale=(1, 1), shear=options.shear)
    corner = (width - mean_side) / 2, (height - mean_side) / 2
    moved = translation(*corner) @ affine_matrix(affine, mean_side) @ translation(-corner[0], -corner[1])

    area, stretch = rng.uniform(*options.crop), np.exp(rng.uniform(*np.log(options.aspect)))
    crop_width = min(np.sqrt(area * stretch), 1.0) * width
    crop_height = min(np.sqrt(area / stretch), 1.0) * height
    left, top = rng.uniform(0, width - crop_width), rng.uniform(0, height - crop_height)
    side = options.resolution
    cropped = scaling(side / crop_width, side / crop_height) @ translation(-left, -top) @ moved
    return np.asarray(horizontal_flip(side) @ cropped if rng.random() < options.flip else cropped)
