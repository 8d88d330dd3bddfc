"""The lens: distortion, which moves picture and alpha alike, and the background out of focus."""

import cv2
import numpy as np

from data_pipeline.camera.settings import Range


def lens_map(rng: np.random.Generator, height: int, width: int, bend: Range = (-0.2, 0.1)) -> np.ndarray:
    """Draws where each pixel of a distorted frame comes from.

    Returns:
        x, y in pixels, float32 (height, width, 2). Nothing comes from outside the frame.
    """
    first = rng.uniform(*bend)
    second = first * rng.uniform(-0.4, 0.4)
    x = (np.arange(width) + 0.5 - width / 2) / (max(height, width) / 2)
    y = (np.arange(height) + 0.5 - height / 2) / (max(height, width) / 2)
    x, y = np.meshgrid(x - rng.normal(0, 0.03), y - rng.normal(0, 0.03))
    square = (x * x + y * y) / 2
    factor = 1 + first * square + second * square * square
    moved = np.stack([x * factor, y * factor], -1)
    # Scaled about the centre until the frame's border stays inside.
    reach = max(
        float(np.abs(moved[..., 0]).max() / np.abs(x).max()), float(np.abs(moved[..., 1]).max() / np.abs(y).max())
    )
    moved = moved / max(reach, 1.0)
    places = (moved - np.stack([x, y], -1)) * (max(height, width) / 2)
    rows, cols = np.mgrid[:height, :width]
    places += np.stack([cols, rows], -1)
    return np.asarray(np.clip(places, 0, (width - 1, height - 1)), np.float32)


def distort(frames: np.ndarray, places: np.ndarray, nearest: bool = False) -> np.ndarray:
    """Distorts frames or alphas (T, H, W, C) by a `lens_map`; `nearest` keeps the values of labels."""
    flag = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    x, y = (np.ascontiguousarray(places[..., k]) for k in range(2))
    return np.stack([cv2.remap(frame, x, y, flag).reshape(frame.shape) for frame in frames])


def defocus(clip: np.ndarray, pha: np.ndarray, rng: np.random.Generator, blur: Range = (0.004, 0.03)) -> np.ndarray:
    """Blurs what is far from the subject; around it the picture stays sharp, since hair and hands are as near.

    Args:
        clip: uint8 (T, H, W, 3).
        pha: the subject's alpha, uint8 (T, H, W, 1); without any subject the clip stays as it is.
        rng: the generator.
        blur: radius of the blur, a share of the longer side.
    """
    radius = rng.uniform(*blur) * max(clip.shape[1:3])
    reach = rng.uniform(0.25, 0.6)
    size = 2 * int(np.ceil(radius)) + 1
    y, x = np.mgrid[:size, :size] - size // 2
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    disc /= disc.sum()
    out = np.empty_like(clip)
    for t, (frame, alpha) in enumerate(zip(clip, pha, strict=True)):
        subject = cv2.resize(alpha, (64, 64), interpolation=cv2.INTER_AREA) > 127
        if not subject.any():
            out[t] = frame
            continue
        away = cv2.distanceTransform((~subject).astype(np.uint8), cv2.DIST_L2, 5)
        face = np.sqrt(float(subject.sum()))
        share = np.clip(away / face / reach - 1, 0, 1).astype(np.float32)
        share = cv2.resize(cv2.GaussianBlur(share, (0, 0), 1.5), frame.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        blurred = cv2.filter2D(frame, -1, disc, borderType=cv2.BORDER_REFLECT_101)
        out[t] = cv2.blendLinear(blurred, frame, share, 1 - share)
    return out
