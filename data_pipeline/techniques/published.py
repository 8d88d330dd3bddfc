"""The occlusion technique of the face-matting fork of RVM: one face, one occluder cut out and pasted onto it, moved.

Presets of `PublishedOptions`:

- `repaired`, the default, corrects what the fork does against its own intent. A layer is warped once, by the product of
  all its transforms, premultiplied, colour and alpha together; the object (not the canvas that it lay on) is centred on
  a point of the face; a clip sees part of a movement of up to 26 frames; the alpha is mask × (1 − occluder); what lies
  beyond a face picture is its mirror image; the aspect is jittered; the trimap's widths belong to the clip.
- `published` keeps what the fork does where that is a choice: a quarter of the clips is occluded; movements of 26
  frames, seen from their start; the shared motion before the static one; the object at its random place on a canvas,
  whose centre goes to the point; a resampling filter drawn for every frame; mask − occluder, clipped; black beyond the
  face picture; no aspect jitter (the fork's crop does nothing on squares); the saturation that follows the brightness;
  trimap widths and filters for every frame, at 640×640. It, too, warps once and keeps colour and alpha registered, and
  an object too long for the canvas stays whole.
- `verbatim` is the fork step by step, bugs included: see `verbatim.py`. It takes no other options than `occlusion`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from data_pipeline.motion import rotation, scaling, translation
from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.layers import Layer, Rect, bounds, occluder_layer
from data_pipeline.techniques.options import OcclusionOptions
from data_pipeline.techniques.scene import Scene, close_scene, draw_occluder, movement, open_scene, static_affine
from data_pipeline.techniques.technique import Technique
from data_pipeline.techniques.trajectories import draw_trajectory
from data_pipeline.techniques.verbatim import synthesize_verbatim

_TRIES = 10
_PASTE_SCALES = (0.05, 4.0)


@dataclass(frozen=True)
class PublishedOptions(OcclusionOptions):
    """Options of the technique, besides those that all have."""

    trajectory: Literal["natural", "affine"] = "affine"
    move_occluder: float = 0.95  # probability of a movement of the occluder alone
    occluder_scale: tuple[float, float] = (0.5, 1.0)  # of its static affine
    canvas_area: tuple[float, float] = (0.3, 0.7)  # the occluder's share of the canvas that it moves on
    paste_area: tuple[float, float] = (0.3, 0.7)  # its bounding box over that of the face
    paste_anchor: Literal["bbox", "canvas"] = "bbox"
    filters: tuple[str, ...] = ("linear",)  # one is drawn for an occluder: nearest, linear, cubic, lanczos4
    filter_per_frame: bool = False
    trimap_per_frame: bool = False
    verbatim: bool = False


def synthesize(
    face: Picture | Video, occluders: Sequence[Picture], rng: np.random.Generator, options: PublishedOptions
) -> Clip:
    """Makes a clip of S×S frames, S = `options.resolution`, T = `options.seq_length`.

    Args:
        face: a picture of any size with a face and its mask, or a video of T frames; a square part of it around the
            face is used.
        occluders: pictures with alpha; of none, the clip shows the bare face.
        rng: all randomness of the clip.
        options: see `PublishedOptions`.

    Returns:
        `src` (T, S, S, 3) and `pha`, the alpha of the visible face, (T, S, S, 1), uint8; with `options.trimap` also
        `trimap` (T, S, S, 1), with the values 0, 128, 255.
    """
    if options.verbatim:
        return synthesize_verbatim(face, occluders, rng, options)
    scene = open_scene(face, rng, options)
    for occluder in occluders:
        layer = occluder_layer(occluder.rgb, occluder.alpha)
        if options.trajectory == "natural":
            layer, path, opacity = draw_trajectory(rng, scene, layer, occluder.category, options, options.paste_area)
        else:
            path, opacity = _pasted_path(rng, scene, layer, options), None
        filters = [str(name) for name in rng.choice(options.filters, scene.frames if options.filter_per_frame else 1)]
        draw_occluder(scene, layer, path, rng, options, opacity=opacity, filters=filters)
    return close_scene(scene, rng, options, options.trimap_per_frame)


TECHNIQUE = Technique(
    synthesize,
    {
        "repaired": PublishedOptions(),
        "published": PublishedOptions(
            occlusion=0.25,
            motion_span=(26, 26),
            random_start=False,
            camera_motion=False,
            aspect=(1.0, 1.0),
            saturation_bug=True,
            paste_anchor="canvas",
            filters=("nearest", "linear", "cubic", "lanczos4"),
            filter_per_frame=True,
            label="subtract",
            border="black",
            trimap_per_frame=True,
        ),
        "verbatim": PublishedOptions(occlusion=0.25, verbatim=True),
    },
)


def _pasted_path(rng: np.random.Generator, scene: Scene, occluder: Layer, options: PublishedOptions) -> np.ndarray:
    """Where the occluder goes (T, 3, 3): moved on a canvas, turned away from the face's centre, pasted on the face."""
    side, face = scene.side, scene.box
    height, width = occluder.rgba.shape[:2]
    scale = side * np.sqrt(rng.uniform(*options.canvas_area) / (height * width))
    room = side - np.array([width, height]) * scale
    placed = translation(*(room * rng.random(2))) @ scaling(scale)
    moved = movement(rng, scene.clock, options.move_occluder, side)
    held = np.eye(3) if options.camera_motion else scene.shared
    path = static_affine(rng, options.occluder_scale, options) @ held @ moved @ placed

    box = bounds(occluder.outline, path[0])
    on_canvas = options.paste_anchor == "canvas"
    size = np.sqrt(face.area * rng.uniform(*options.paste_area) / max((box.clip(side) if on_canvas else box).area, 1.0))
    anchor = (side / 2, side / 2) if on_canvas else box.centre
    for _ in range(_TRIES):
        x, y = rng.uniform(face.left, face.right), rng.uniform(face.top, face.bottom)
        # The occluder's upper side looks outward: rotations are clockwise, from straight up.
        angle = np.rad2deg(np.arctan2(x - face.centre[0], face.centre[1] - y))
        paste = translation(x, y) @ rotation(angle) @ scaling(np.clip(size, *_PASTE_SCALES))
        pasted = paste @ translation(-anchor[0], -anchor[1]) @ path
        if _meet(bounds(occluder.outline, pasted[0]), face):
            break
    return np.asarray(pasted)


def _meet(a: Rect, b: Rect) -> bool:
    return max(a.left, b.left) < min(a.right, b.right) and max(a.top, b.top) < min(a.bottom, b.bottom)
