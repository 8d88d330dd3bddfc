"""A clip in the making: the face is drawn first, then each occluder over it, at last what the camera does to both."""

from collections.abc import Sequence
from typing import NamedTuple

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
from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques.augmentations import Clip, camera, smear
from data_pipeline.techniques.layers import Layer, Rect, bounds, face_layer, shrink, stills, warp
from data_pipeline.techniques.options import OcclusionOptions, TechniqueOptions
from data_pipeline.trimap import make_trimap, make_trimap_published
from rvm_jax.media.face_templates import face_in_template

FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos4": cv2.INTER_LANCZOS4,
}
_TRIES = 10
_ALIGNED_AT = (0.5, 0.52)  # where an aligned face's middle is, across and down
_CROP_JITTER = (0.95, 1.05)  # of the height: detectors find landmarks a little differently
_MOST_ENLARGED = 1.4
_LEAST_FACE = 0.01  # of the frame: a face smaller than that has moved out of sight


class Scene(NamedTuple):
    """The frames drawn so far, `src` (T, S, S, 3) and `pha` (T, S, S), and what occluders need to find their places."""

    src: np.ndarray
    pha: np.ndarray
    clock: np.ndarray  # (T,) times in [0, 1], see `draw_clock`
    box: Rect  # around the face in the first frame, without the camera's movement
    face: Rect  # around the face in its picture
    path: np.ndarray  # (T, 3, 3): from the face's picture to the frames, without the camera's movement
    shared: np.ndarray  # (T, 3, 3): the movement of face and occluders as one, applied as `settings.camera_motion` says
    shutter: float  # the share of a frame's time in which it takes its light

    @property
    def side(self) -> int:
        return int(self.src.shape[1])

    @property
    def frames(self) -> int:
        return len(self.src)


def open_scene(
    face: Picture | Video,
    rng: np.random.Generator,
    settings: OcclusionOptions,
    face_height: tuple[float, float] | None = None,
) -> Scene:
    """Draws the frames of the bare face, a square part of its picture; a video gives a frame of its own to each.

    With `face_height` the face is aligned: upright, in the middle, its height that share of the frame's. So it is in
    the clips that `settings.face_template` makes crops of a face program.
    """
    middle = _ALIGNED_AT
    if settings.face_template and rng.random() < settings.face_template:
        x, y, height = face_in_template(settings.face_templates[rng.integers(len(settings.face_templates))])
        middle, face_height = (x, y), (_CROP_JITTER[0] * height, _CROP_JITTER[1] * height)
    frames, side = settings.seq_length, settings.resolution
    clock = draw_clock(rng, frames, settings.motion_span, settings.random_start)
    order = pause(rng, np.arange(frames)) if rng.random() < settings.pause else np.arange(frames)
    clock = clock[order]
    shared = movement(rng, clock, settings.move_both, side)
    layers = [face_layer(still.rgb, still.alpha) for still in stills(face)]
    held, moved = (np.eye(3), shared) if settings.camera_motion else (shared, np.eye(3))
    reference = _reference(layers)
    path, box = _face_path(rng, clock, reference, held, settings, face_height, middle)
    shutter = rng.uniform(0.2, 1.0) if rng.random() < settings.motion_blur else 0.0
    src, pha = np.empty((frames, side, side, 3), np.uint8), np.empty((frames, side, side), np.uint8)
    scene = Scene(src, pha, clock, box, bounds(reference.outline, np.eye(3)), path, shared, shutter)
    _draw_face(scene, [layers[min(int(t), len(layers) - 1)] for t in order], moved @ path, rng, settings)
    return scene


def close_scene(
    scene: Scene, rng: np.random.Generator, settings: OcclusionOptions, trimap_per_frame: bool = False
) -> Clip:
    """Returns the finished clip: `src`, `pha` (T, S, S, 1), and `trimap` (T, S, S, 1) where the settings ask for it."""
    clip = camera({"src": scene.src, "pha": scene.pha[..., None]}, rng, settings)
    if settings.trimap:
        clip["trimap"] = (make_trimap_published if trimap_per_frame else make_trimap)(clip["pha"], rng)
    return clip


def movement(rng: np.random.Generator, clock: np.ndarray, probability: float, side: int) -> np.ndarray:
    """Draws RVM's moving affine (T, 3, 3) with that probability; else no movement."""
    if rng.random() < probability:
        return moving_affine(rng, clock, side)
    return np.tile(np.eye(3), (len(clock), 1, 1))


def static_affine(rng: np.random.Generator, scale: tuple[float, float], settings: TechniqueOptions) -> np.ndarray:
    """Draws RVM's affine that stays for the clip, and the flip."""
    side = settings.resolution
    matrix = affine_matrix(draw_affine(rng, side, scale=scale), side)
    return horizontal_flip(side) @ matrix if rng.random() < settings.flip else matrix


def cover(layer: Layer, side: int) -> np.ndarray:
    """Scales the picture's short side to the frame's, and moves along the long one to where what it shows is."""
    height, width = layer.rgba.shape[:2]
    scale = side / min(height, width)
    x, y = bounds(layer.outline, scaling(scale)).centre
    left = np.clip(side / 2 - x, side - width * scale, 0)
    top = np.clip(side / 2 - y, side - height * scale, 0)
    return np.asarray(translation(left, top) @ scaling(scale))


def draw_occluder(
    scene: Scene,
    layer: Layer,
    path: np.ndarray,
    rng: np.random.Generator,
    settings: OcclusionOptions,
    *,
    opacity: np.ndarray | None = None,
    filters: Sequence[str] = ("linear",),
) -> None:
    """Draws an occluder over the frames along `path` (T, 3, 3), and takes it out of the alphas.

    Args:
        opacity: (T,) in [0, 1]: how much of its own alpha it has in each frame.
        filters: names of `FILTERS`; frame t takes number t modulo their count.

    What `settings.label` makes of the face's alpha m and the occluder's a: `multiply`, m·(1 − a), is what composition
    does; `subtract`, m − a, clipped, differs where both are soft; `opaque` takes a before the opacity, so that what
    shines through a transparent occluder does not count as face.
    """
    if settings.camera_motion:
        path = scene.shared @ path
    jitters = rng.random() < settings.jitter
    changes = draw_jitter(rng, scene.clock, settings.saturation_bug) if jitters else None
    luma = mean_luma(layer.rgba, layer.rgba[..., 3])
    layer = shrink(layer, scale_of(path))
    shifts = _shifts(path, bounds(layer.outline, np.eye(3)).centre) * scene.shutter
    for t in range(scene.frames):
        seen = 1.0 if opacity is None else float(opacity[t])
        reach = 4 + int(np.abs(shifts[t]).max() / 2)
        left, top, width, height = window = _window(bounds(layer.outline, path[t]), scene.side, reach)
        if width <= 0 or height <= 0 or seen <= 0:
            continue
        rgba = warp(layer, path[t], window, FILTERS[filters[t % len(filters)]], cv2.BORDER_CONSTANT)
        rgba = smear(rgba, shifts[t])
        opaque = cv2.extractChannel(rgba, 3)
        if seen < 1:
            rgba = cv2.convertScaleAbs(rgba, alpha=seen)
        colour, alpha = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), cv2.extractChannel(rgba, 3)
        if changes is not None:
            colour = apply_jitter(colour, *colour_matrix(changes[t], luma), alpha)
        part = (t, slice(top, top + height), slice(left, left + width))
        through = cv2.bitwise_not(alpha)
        scene.src[part] = cv2.add(cv2.multiply(scene.src[part], cv2.merge([through] * 3), scale=1 / 255), colour)
        if settings.label == "subtract":
            scene.pha[part] = cv2.subtract(scene.pha[part], alpha)
        else:
            visible = cv2.bitwise_not(opaque) if settings.label == "opaque" else through
            scene.pha[part] = cv2.multiply(scene.pha[part], visible, scale=1 / 255)


def scale_of(path: np.ndarray) -> float:
    """Returns the largest enlargement along a path: the square root of the change of area."""
    return float(np.sqrt(np.abs(np.linalg.det(path[:, :2, :2])).max()))


def _face_path(
    rng: np.random.Generator,
    clock: np.ndarray,
    face: Layer,
    held: np.ndarray,
    settings: OcclusionOptions,
    face_height: tuple[float, float] | None,
    middle: tuple[float, float],
) -> tuple[np.ndarray, Rect]:
    """Where the face picture goes (T, 3, 3), and the box around the face in the first frame."""
    side = settings.resolution
    placed = cover(face, side) if face_height is None else _align(rng, face, side, face_height, middle)
    for _ in range(_TRIES):
        stretch = np.sqrt(rng.uniform(*settings.aspect))
        aspect = about((side / 2, side / 2), scaling(stretch, 1 / stretch))
        static = np.eye(3) if face_height else static_affine(rng, settings.face_scale, settings)
        path = aspect @ static @ held @ movement(rng, clock, settings.move_face, side) @ placed
        box = bounds(face.outline, path[0]).clip(side)
        if box.area >= _LEAST_FACE * side * side:
            return path, box
    return np.tile(placed, (len(clock), 1, 1)), bounds(face.outline, placed).clip(side)


def _reference(layers: Sequence[Layer]) -> Layer:
    """Returns the first frame that shows something of the face; of a clip without any, one with the face in its middle.

    In videos a hand may hide the face wholly, or it has not come into the picture yet.
    """
    for layer in layers:
        if len(layer.outline):
            return layer
    height, width = layers[0].rgba.shape[:2]
    corners = np.array([(x * width / 4, y * height / 4) for x in (1, 3) for y in (1, 3)])
    return layers[0]._replace(outline=corners)


def _align(
    rng: np.random.Generator, face: Layer, side: int, height: tuple[float, float], middle: tuple[float, float]
) -> np.ndarray:
    box = bounds(face.outline, np.eye(3))
    x, y = box.centre
    scale = side * rng.uniform(*height) / (box.bottom - box.top)
    # A picture with little around the face is enlarged somewhat to fill the frame; the mirrored rest has no more faces.
    below, right = np.subtract(face.rgba.shape[:2], (y, x))
    across, down = middle
    filling = side * max(across / x, (1 - across) / right, down / y, (1 - down) / below)
    scale = np.clip(filling, scale, _MOST_ENLARGED * scale)
    return np.asarray(
        translation(across * side, down * side) @ rotation(rng.normal(0, 2)) @ scaling(scale) @ translation(-x, -y)
    )


def _draw_face(
    scene: Scene, layers: Sequence[Layer], path: np.ndarray, rng: np.random.Generator, settings: OcclusionOptions
) -> None:
    border = cv2.BORDER_REFLECT_101 if settings.border == "mirror" else cv2.BORDER_CONSTANT
    jitters = rng.random() < settings.jitter
    changes = draw_jitter(rng, scene.clock, settings.saturation_bug) if jitters else None
    luma, scale = mean_luma(layers[0].rgba), scale_of(path)
    shifts = _shifts(path, bounds(_reference(layers).outline, np.eye(3)).centre) * scene.shutter
    smears = np.hypot(*shifts.T) >= 1
    rgb, drawn = scene.src[0], None
    for t, layer in enumerate(layers):
        repeated = drawn is not None and drawn[0] is layer and np.array_equal(drawn[1], path[t])
        if not repeated or smears[t] or smears[t - 1]:
            rgba = warp(shrink(layer, scale), path[t], (0, 0, scene.side, scene.side), cv2.INTER_LINEAR, border)
            rgba = smear(rgba, shifts[t])
            rgb = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)
            cv2.extractChannel(rgba, 3, dst=scene.pha[t])
            drawn = layer, path[t]
        else:
            scene.pha[t] = scene.pha[t - 1]
        if changes is not None:
            scene.src[t] = apply_jitter(rgb, *colour_matrix(changes[t], luma))
        else:
            scene.src[t] = rgb


def _shifts(path: np.ndarray, centre: tuple[float, float]) -> np.ndarray:
    """How far a layer's centre moves (T, 2) from each frame to the next; in the last as in the one before."""
    places = path[:, :2, :2] @ np.array(centre) + path[:, :2, 2]
    if len(places) < 2:
        return np.zeros((1, 2))
    steps = np.diff(places, axis=0)
    return np.concatenate([steps, steps[-1:]])


def _window(box: Rect, side: int, reach: int) -> tuple[int, int, int, int]:
    """Whole pixels (left, top, width, height) of the frame that a box touches, with room for the filter's reach."""
    left, top = max(int(box.left) - reach, 0), max(int(box.top) - reach, 0)
    right, bottom = min(int(np.ceil(box.right)) + reach, side), min(int(np.ceil(box.bottom)) + reach, side)
    return left, top, right - left, bottom - top
