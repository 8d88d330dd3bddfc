"""What a camera and its files do to finished frames: plain functions from (clip, generator) to a clip.

They change the arrays that `names` lists, for all frames of a clip alike; what moves light about (blur) changes colours
and alpha together, what acts on the picture alone (noise, JPEG) leaves the alpha. Strengths are RVM's unless said.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from data_pipeline.easing import draw_easing

if TYPE_CHECKING:
    from data_pipeline.techniques.options import TechniqueOptions

Clip = dict[str, np.ndarray]
_REFERENCE_SIDE = 512  # frames for which RVM's sigmas, in pixels, are meant
_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13  # torchvision's `adjust_sharpness`


def camera(clip: Clip, rng: np.random.Generator, settings: "TechniqueOptions") -> Clip:
    """Applies each of the augmentations with its probability in `settings`, in the order of light, sensor and file."""
    for probability, augment in (
        (settings.blur, blur),
        (settings.noise, add_noise),
        (settings.sharpen, sharpen),
        (settings.grey, to_grey),
        (settings.jpeg, compress),
    ):
        if rng.random() < probability:
            clip = augment(clip, rng)
    return clip


def add_noise(clip: Clip, rng: np.random.Generator, names: Sequence[str] = ("src",)) -> Clip:
    """Adds film grain: of 1 to 4 pixels, grey in every second clip, new in every frame; up to 0.2 / grain strong."""
    grain = rng.uniform(1, 4)
    channels = 1 if rng.random() < 0.5 else 3
    noisy = {name: np.empty_like(clip[name]) for name in names}
    for name in names:
        height, width = clip[name].shape[1:3]
        size = (max(round(height / grain), 1), max(round(width / grain), 1), channels)
        strength = 255 * rng.uniform(0, 0.2) / grain
        for t, frame in enumerate(clip[name]):
            grains = rng.standard_normal(size, np.float32) * np.float32(strength)
            noise = cv2.resize(grains, (width, height), interpolation=cv2.INTER_LINEAR)
            noisy[name][t] = cv2.add(frame, cv2.merge([noise] * 3) if channels == 1 else noise, dtype=cv2.CV_8U)
    return clip | noisy


def sharpen(clip: Clip, rng: np.random.Generator, names: Sequence[str] = ("src",)) -> Clip:
    """Sharpens by a factor of 0 (smoothed) to 8; RVM treats the alpha so, too, which no camera does."""
    factor = rng.uniform(0, 8)

    def change(frame: np.ndarray) -> np.ndarray:
        smooth = cv2.filter2D(frame, -1, _SMOOTH, borderType=cv2.BORDER_REPLICATE)
        return cv2.addWeighted(frame, factor, smooth, 1 - factor, 0)

    return clip | {name: _each_frame(change, clip[name]) for name in names}


def blur(clip: Clip, rng: np.random.Generator, names: Sequence[str] = ("src", "pha")) -> Clip:
    """Defocus that changes through the clip, from one sigma of 0..10 pixels (at 512) to another."""
    first = clip[names[0]]
    frames, scale = len(first), max(first.shape[1:3]) / _REFERENCE_SIDE
    start, end = rng.uniform(0, 10, 2) * scale
    easing = draw_easing(rng)
    sigmas = [max(start + (end - start) * easing(t / max(frames - 1, 1)), 0.0) for t in range(frames)]
    blurred = {name: np.empty_like(clip[name]) for name in names}
    for name in names:
        for t, sigma in enumerate(sigmas):
            width = int(2 * sigma) | 1
            frame = clip[name][t]
            blurred[name][t] = (cv2.GaussianBlur(frame, (width, width), sigma) if width > 1 else frame).reshape(
                frame.shape
            )
    return clip | blurred


def to_grey(clip: Clip, rng: np.random.Generator, names: Sequence[str] = ("src",)) -> Clip:
    """Takes the colour away."""
    del rng

    def change(frame: np.ndarray) -> np.ndarray:
        return cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)

    return clip | {name: _each_frame(change, clip[name]) for name in names}


def compress(clip: Clip, rng: np.random.Generator, names: Sequence[str] = ("src",)) -> Clip:
    """Adds the artefacts of a JPEG of quality 40 to 95, the same for the whole clip (not in RVM)."""
    quality = int(rng.integers(40, 96))

    def change(frame: np.ndarray) -> np.ndarray:
        # The order of the channels matters to JPEG's chroma: OpenCV takes BGR.
        _, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))

    return clip | {name: _each_frame(change, clip[name]) for name in names}


def smear(layer: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Blurs a drawn layer (h, w, C) along the way (x, y), in pixels, that it moves while the shutter is open.

    Each step averages what the one before made with itself, moved by twice as far: 2^n places on the way by n sums.
    """
    length = float(np.abs(shift).max())
    if length < 1:
        return layer
    steps = int(np.ceil(np.log2(length + 1)))
    places = 2**steps
    moves = [np.rint(shift * (2**k) / places).astype(int) for k in range(steps)]
    (left, top), (right, bottom) = (np.sum([np.maximum(sign * move, 0) for move in moves], axis=0) for sign in (1, -1))
    # Half of the way lies before the frame's time, half after.
    dx, dy = (left - right) // 2, (top - bottom) // 2
    left, right, top, bottom = (max(int(v), 0) for v in (left - dx, right + dx, top - dy, bottom + dy))
    wide = cv2.copyMakeBorder(layer, top, bottom, left, right, cv2.BORDER_REPLICATE)
    for x, y in moves:
        height, width = wide.shape[0] - abs(y), wide.shape[1] - abs(x)
        first = wide[max(-y, 0) :, max(-x, 0) :][:height, :width]
        second = wide[max(y, 0) :, max(x, 0) :][:height, :width]
        wide = cv2.addWeighted(first, 0.5, second, 0.5, 0)
    return wide


def _each_frame(change: Callable[[np.ndarray], np.ndarray], frames: np.ndarray) -> np.ndarray:
    out = np.empty_like(frames)
    for t, frame in enumerate(frames):
        out[t] = change(frame).reshape(frame.shape)
    return out
