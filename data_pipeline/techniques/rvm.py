"""Foreground clips over background pictures and videos, with the augmentation of RVM (Lin et al. 2021, section 4.1).

There is no occluder here: the alpha is the foreground's. Besides `src` and `pha`, clips have `fgr` and `bgr`, so that
the device composes after its random crop. Presets of `RvmOptions` are RVM's own probabilities: `videomatte`, the
default, for clips, `imagematte` for stills, and `still` (its validation), which leaves out all but the static affine.

One warp a layer does what RVM does in up to three; the aspect is jittered as RVM means to (its crop does nothing on
squares); a background is mirrored at its border where RVM's turns black.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from data_pipeline.jitter import apply_jitter, colour_matrix, draw_jitter, mean_luma
from data_pipeline.motion import about, draw_clock, pause, scaling, translation
from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques import augmentations
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.layers import Layer, face_layer, shrink, stills, warp
from data_pipeline.techniques.options import TechniqueOptions
from data_pipeline.techniques.scene import cover, movement, scale_of, static_affine
from data_pipeline.techniques.technique import Technique
from data_pipeline.trimap import make_trimap

_RIM = 2  # pixels by which a foreground's colours extend beyond its picture


@dataclass(frozen=True)
class RvmOptions(TechniqueOptions):
    """Options of the technique, besides those that all have."""

    motion_span: tuple[int, int] = (0, 0)
    move_foreground: float = 0.3
    move_background: float = 0.3  # half of it for the background alone, half for a movement of both
    foreground_scale: tuple[float, float] = (0.5, 1.0)
    background_scale: tuple[float, float] = (1.0, 1.5)
    noise: float = 0.1
    sharpen: float = 0.1
    blur: float = 0.02  # a third each for the foreground, the background, both
    grey: float = 0.02


def synthesize(
    foreground: Picture | Video, backgrounds: Sequence[Picture | Video], rng: np.random.Generator, options: RvmOptions
) -> Clip:
    """Makes a clip of S×S frames, S = `options.resolution`, T = `options.seq_length`.

    Args:
        foreground: a still with its alpha, or a video of T frames.
        backgrounds: one still or video of T frames; its alpha is not used.
        rng: all randomness of the clip.
        options: see `RvmOptions`.

    Returns:
        `src`, `fgr`, `bgr` (T, S, S, 3) and `pha` (T, S, S, 1), uint8, src = fgr · pha + bgr · (1 − pha); with
        `options.trimap` also `trimap`, as in `published`.
    """
    frames, side = options.seq_length, options.resolution
    clock = draw_clock(rng, frames, options.motion_span, options.random_start)
    order = pause(rng, np.arange(frames)) if rng.random() < options.pause else np.arange(frames)
    alone = movement(rng, clock, options.move_foreground, side)
    behind = movement(rng, clock, options.move_background / 2, side)
    both = movement(rng, clock, options.move_background / 2, side)
    front, back = _layers(foreground, _RIM), _layers(backgrounds[0])
    stretch = np.sqrt(rng.uniform(*options.aspect))
    aspect = about((side / 2, side / 2), scaling(stretch, 1 / stretch))
    front_path = aspect @ static_affine(rng, options.foreground_scale, options) @ both @ alone @ cover(front[0], side)
    back_path = aspect @ static_affine(rng, options.background_scale, options) @ both @ behind @ cover(back[0], side)
    fgr, pha = _drawn(front, front_path, side, cv2.BORDER_CONSTANT)
    border = cv2.BORDER_REFLECT_101 if options.border == "mirror" else cv2.BORDER_CONSTANT
    bgr, _ = _drawn(back, back_path, side, border)

    clip = {"fgr": fgr, "pha": pha[..., None], "bgr": bgr}
    clip = _augmented(clip, clock, rng, options)
    clip = {name: np.ascontiguousarray(array[order]) for name, array in clip.items()}
    clip = {"src": compose(**clip), **clip}
    if options.jpeg and rng.random() < options.jpeg:
        clip = augmentations.compress(clip, rng)
    if options.trimap:
        clip["trimap"] = make_trimap(clip["pha"], rng)
    return clip


TECHNIQUE = Technique(
    synthesize,
    {
        "videomatte": RvmOptions(),
        "imagematte": RvmOptions(move_foreground=0.95, noise=0.05, grey=0.03, sharpen=0.05),
        "still": RvmOptions(
            move_foreground=0.0,
            move_background=0.0,
            noise=0.0,
            sharpen=0.0,
            blur=0.0,
            grey=0.0,
            jitter=0.0,
            flip=0.0,
            pause=0.0,
        ),
    },
    draws="backgrounds",
    subject="foregrounds",
    arrays=("src", "pha", "fgr", "bgr"),
)


def compose(fgr: np.ndarray, pha: np.ndarray, bgr: np.ndarray) -> np.ndarray:
    """Computes fgr · pha + bgr · (1 − pha), all uint8, (T, H, W, C)."""
    src = np.empty_like(fgr)
    for t in range(len(src)):
        alpha = cv2.merge([pha[t]] * 3)
        over = cv2.multiply(fgr[t], alpha, scale=1 / 255)
        cv2.add(over, cv2.multiply(bgr[t], cv2.bitwise_not(alpha), scale=1 / 255), dst=src[t])
    return src


def _augmented(clip: Clip, clock: np.ndarray, rng: np.random.Generator, options: RvmOptions) -> Clip:
    """RVM's order: noise, jitter, grey, sharpness, blur."""
    layers = ("fgr", "bgr")
    if rng.random() < options.noise:
        clip = augmentations.add_noise(clip, rng, layers)
    for name in layers:
        if rng.random() < options.jitter:
            changes, luma = draw_jitter(rng, clock, options.saturation_bug), mean_luma(clip[name][0])
            pairs = zip(clip[name], changes, strict=True)
            clip[name] = np.stack([apply_jitter(frame, *colour_matrix(change, luma)) for frame, change in pairs])
    if rng.random() < options.grey:
        clip = augmentations.to_grey(clip, rng, layers)
    if rng.random() < options.sharpen:
        clip = augmentations.sharpen(clip, rng, (*layers, "pha"))
    for names in (("fgr", "pha"), ("bgr",), ("fgr", "pha", "bgr")):
        if rng.random() < options.blur / 3:
            clip = augmentations.blur(clip, rng, names)
    return clip


def _layers(item: Picture | Video, rim: int = 0) -> list[Layer]:
    """A layer for each frame; with a rim the colours extend around the picture, where the alpha ends."""
    layers = []
    for rgb, alpha, *_ in stills(item):
        if rim:
            rgb = cv2.copyMakeBorder(rgb, rim, rim, rim, rim, cv2.BORDER_REPLICATE)
            alpha = cv2.copyMakeBorder(alpha, rim, rim, rim, rim, cv2.BORDER_CONSTANT)
        layer = face_layer(rgb, alpha)
        height, width = alpha.shape
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
        layers.append(layer._replace(outline=corners, placed=layer.placed @ translation(-rim, -rim)))
    return layers


def _drawn(layers: Sequence[Layer], path: np.ndarray, side: int, border: int) -> tuple[np.ndarray, np.ndarray]:
    """Colours (T, S, S, 3) and alphas (T, S, S)."""
    frames, scale = len(path), scale_of(path)
    rgb, alpha = np.empty((frames, side, side, 3), np.uint8), np.empty((frames, side, side), np.uint8)
    shrunk = [shrink(layer, scale) for layer in layers]
    for t in range(frames):
        if t and len(shrunk) == 1 and np.array_equal(path[t], path[t - 1]):
            rgb[t], alpha[t] = rgb[t - 1], alpha[t - 1]
            continue
        rgba = warp(shrunk[min(t, len(shrunk) - 1)], path[t], (0, 0, side, side), cv2.INTER_LINEAR, border)
        cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB, dst=rgb[t])
        cv2.extractChannel(rgba, 3, dst=alpha[t])
    return rgb, alpha
