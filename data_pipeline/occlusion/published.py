"""The occlusion technique of the face-matting fork of RVM: one face, one occluder cut out and pasted onto it, moved.

Presets of `Options`:

- `fixed`, the default, mends what the fork does against its own intent. A layer is warped once, by the product of all
  its transforms, premultiplied, colour and alpha together; the object (not the canvas that it lay on) is centred on a
  point of the face; a clip sees part of a movement of up to 26 frames; the alpha is mask × (1 − occluder); what lies
  beyond a face picture is its mirror image; the aspect is jittered; the trimap's widths belong to the clip.
- `published` keeps what the fork does where that is a choice: a quarter of the clips is occluded; movements of 26
  frames, seen from their start; the shared motion before the static one; the object at its random place on a canvas,
  whose centre goes to the point; a resampling filter drawn for every frame; mask − occluder, clipped; black beyond the
  face picture; no aspect jitter (the fork's crop does nothing on squares); the saturation that follows the brightness;
  trimap widths and filters for every frame, at 640×640. It, too, warps once and keeps colour and alpha registered, and
  an object too long for the canvas stays whole.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from data_pipeline.jitter import apply_jitter, colour_matrix, draw_jitter, mean_luma
from data_pipeline.motion import (
    about,
    affine_matrix,
    draw_affine,
    draw_clock,
    horizontal_flip,
    moving_affine,
    pause,
    rotation,
    scaling,
    translation,
)
from data_pipeline.occlusion.layers import Layer, Rect, bounds, face_layer, occluder_layer, shrink, warp
from data_pipeline.sources.base import Picture
from data_pipeline.trimap import make_trimap, make_trimap_published

_FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos4": cv2.INTER_LANCZOS4,
}
_TRIES = 10
_LEAST_FACE = 0.01  # of the frame: a face smaller than that has moved out of sight
_PASTE_SCALES = (0.05, 4.0)


@dataclass(frozen=True)
class Options:
    """Settings of the technique; probabilities are per clip, ranges are drawn from uniformly."""

    resolution: int = 512
    seq_length: int = 4
    trimap: bool = False
    occlusion: float = 0.8  # probability of an occluder
    motion_span: tuple[int, int] = (0, 26)  # frames of the whole movement, see `draw_clock`
    random_start: bool = True
    move_occluder: float = 0.95  # probabilities of a movement: of the occluder alone, of the face alone, of both as one
    move_face: float = 0.15
    move_both: float = 0.15
    camera_motion: bool = True  # the movement of both comes last, as a camera's; else before each layer's static affine
    occluder_scale: tuple[float, float] = (0.5, 1.0)  # of the static affines
    face_scale: tuple[float, float] = (1.0, 1.5)
    aspect: tuple[float, float] = (0.9, 1.1)  # of the face
    flip: float = 0.5  # probability for each layer
    jitter: float = 0.3
    saturation_bug: bool = False
    pause: float = 0.03
    canvas_area: tuple[float, float] = (0.3, 0.7)  # the occluder's share of the canvas that it moves on
    paste_area: tuple[float, float] = (0.3, 0.7)  # its bounding box over that of the face
    paste_anchor: Literal["bbox", "canvas"] = "bbox"
    filters: tuple[str, ...] = ("linear",)  # one is drawn for the occluder: nearest, linear, cubic, lanczos4
    filter_per_frame: bool = False
    label: Literal["multiply", "subtract"] = "multiply"
    border: Literal["mirror", "black"] = "mirror"
    trimap_per_frame: bool = False


PRESETS = {
    "fixed": Options(),
    "published": Options(
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
}


def published(
    face: Picture, occluder: Picture | None, rng: np.random.Generator, options: Options
) -> dict[str, np.ndarray]:
    """Makes a clip of S×S frames, S = `options.resolution`, T = `options.seq_length`.

    Args:
        face: a picture of any size with a face and its mask; a square part of it around the face is used.
        occluder: a picture and its alpha, or None for a clip of the bare face.
        rng: all randomness of the clip.
        options: see `Options`.

    Returns:
        `src` (T, S, S, 3) and `pha`, the alpha of the visible face, (T, S, S, 1), uint8; with `options.trimap` also
        `trimap` (T, S, S, 1), with the values 0, 128, 255.
    """
    clock = draw_clock(rng, options.seq_length, options.motion_span, options.random_start)
    if rng.random() < options.pause:
        clock = pause(rng, clock)
    shared = _movement(rng, clock, options.move_both, options)
    held, camera = (np.eye(3), shared) if options.camera_motion else (shared, np.eye(3))

    layer = face_layer(face.rgb, face.alpha)
    path, box = _face_path(rng, clock, layer, held, options)
    src, pha = _draw_face(rng, clock, layer, camera @ path, options)
    if occluder is not None:
        layer = occluder_layer(occluder.rgb, occluder.alpha)
        path = _occluder_path(rng, clock, layer, held, box, options)
        _draw_occluder(rng, clock, layer, camera @ path, src, pha, options)

    clip = {"src": src, "pha": pha[..., None]}
    if options.trimap:
        clip["trimap"] = (make_trimap_published if options.trimap_per_frame else make_trimap)(clip["pha"], rng)
    return clip


def _movement(rng: np.random.Generator, clock: np.ndarray, probability: float, options: Options) -> np.ndarray:
    if rng.random() < probability:
        return moving_affine(rng, clock, options.resolution)
    return np.tile(np.eye(3), (len(clock), 1, 1))


def _static(rng: np.random.Generator, scale: tuple[float, float], options: Options) -> np.ndarray:
    side = options.resolution
    matrix = affine_matrix(draw_affine(rng, side, scale=scale), side)
    return horizontal_flip(side) @ matrix if rng.random() < options.flip else matrix


def _face_path(
    rng: np.random.Generator, clock: np.ndarray, face: Layer, held: np.ndarray, options: Options
) -> tuple[np.ndarray, Rect]:
    """Where the face picture goes (T, 3, 3), and the box around the face in the first frame."""
    side = options.resolution
    placed = _cover(face, side)
    for _ in range(_TRIES):
        stretch = np.sqrt(rng.uniform(*options.aspect))
        aspect = about((side / 2, side / 2), scaling(stretch, 1 / stretch))
        static = _static(rng, options.face_scale, options)
        path = aspect @ static @ held @ _movement(rng, clock, options.move_face, options) @ placed
        box = bounds(face.outline, path[0]).clip(side)
        if box.area >= _LEAST_FACE * side * side:
            return path, box
    return np.tile(placed, (len(clock), 1, 1)), bounds(face.outline, placed).clip(side)


def _cover(face: Layer, side: int) -> np.ndarray:
    """Scales the picture's short side to the frame's, and moves along the long one to where the face is."""
    height, width = face.rgba.shape[:2]
    scale = side / min(height, width)
    x, y = bounds(face.outline, scaling(scale)).centre
    left = np.clip(side / 2 - x, side - width * scale, 0)
    top = np.clip(side / 2 - y, side - height * scale, 0)
    return translation(left, top) @ scaling(scale)


def _occluder_path(
    rng: np.random.Generator, clock: np.ndarray, occluder: Layer, held: np.ndarray, face: Rect, options: Options
) -> np.ndarray:
    """Where the occluder goes (T, 3, 3): moved on a canvas, turned away from the face's centre, pasted on the face."""
    side = options.resolution
    height, width = occluder.rgba.shape[:2]
    scale = side * np.sqrt(rng.uniform(*options.canvas_area) / (height * width))
    room = side - np.array([width, height]) * scale
    placed = translation(*(room * rng.random(2))) @ scaling(scale)
    movement = _movement(rng, clock, options.move_occluder, options)
    path = _static(rng, options.occluder_scale, options) @ held @ movement @ placed

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
    return pasted


def _meet(a: Rect, b: Rect) -> bool:
    return max(a.left, b.left) < min(a.right, b.right) and max(a.top, b.top) < min(a.bottom, b.bottom)


def _draw_face(
    rng: np.random.Generator, clock: np.ndarray, face: Layer, path: np.ndarray, options: Options
) -> tuple[np.ndarray, np.ndarray]:
    """The frames (T, S, S, 3) of the bare face, and its masks (T, S, S)."""
    frames, side = len(clock), options.resolution
    border = cv2.BORDER_REFLECT_101 if options.border == "mirror" else cv2.BORDER_CONSTANT
    changes = draw_jitter(rng, clock, options.saturation_bug) if rng.random() < options.jitter else None
    luma = mean_luma(face.rgba)
    face = shrink(face, _scale(path))
    src, mask = np.empty((frames, side, side, 3), np.uint8), np.empty((frames, side, side), np.uint8)
    for t in range(frames):
        if t == 0 or not np.array_equal(path[t], path[t - 1]):
            rgba = warp(face, path[t], (0, 0, side, side), cv2.INTER_LINEAR, border)
        cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB, dst=src[t])
        cv2.extractChannel(rgba, 3, dst=mask[t])
        if changes is not None:
            src[t] = apply_jitter(src[t], *colour_matrix(changes[t], luma))
    return src, mask


def _draw_occluder(
    rng: np.random.Generator,
    clock: np.ndarray,
    occluder: Layer,
    path: np.ndarray,
    src: np.ndarray,
    pha: np.ndarray,
    options: Options,
) -> None:
    """Draws the occluder over the frames `src` (T, S, S, 3), and takes it out of the alphas `pha` (T, S, S)."""
    frames = len(clock)
    changes = draw_jitter(rng, clock, options.saturation_bug) if rng.random() < options.jitter else None
    luma = mean_luma(occluder.rgba, occluder.rgba[..., 3])
    filters = rng.choice(options.filters, frames if options.filter_per_frame else 1)
    occluder = shrink(occluder, _scale(path))
    for t in range(frames):
        window = _window(bounds(occluder.outline, path[t]), options.resolution)
        left, top, width, height = window
        if width <= 0 or height <= 0:
            continue
        rgba = warp(occluder, path[t], window, _FILTERS[filters[t % len(filters)]], cv2.BORDER_CONSTANT)
        colour, alpha = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), cv2.extractChannel(rgba, 3)
        if changes is not None:
            colour = apply_jitter(colour, *colour_matrix(changes[t], luma), alpha)
        through = cv2.bitwise_not(alpha)
        part = (t, slice(top, top + height), slice(left, left + width))
        src[part] = cv2.add(cv2.multiply(src[part], cv2.merge([through] * 3), scale=1 / 255), colour)
        if options.label == "multiply":
            pha[part] = cv2.multiply(pha[part], through, scale=1 / 255)
        else:
            pha[part] = cv2.subtract(pha[part], alpha)


def _scale(path: np.ndarray) -> float:
    """The largest enlargement along a path: the square root of the change of area."""
    return float(np.sqrt(np.abs(np.linalg.det(path[:, :2, :2])).max()))


def _window(box: Rect, side: int) -> tuple[int, int, int, int]:
    """Whole pixels (left, top, width, height) of the frame that a box touches, with room for the filter's reach."""
    left, top = max(int(box.left) - 4, 0), max(int(box.top) - 4, 0)
    right, bottom = min(int(np.ceil(box.right)) + 4, side), min(int(np.ceil(box.bottom)) + 4, side)
    return left, top, right - left, bottom - top
