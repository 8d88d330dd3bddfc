"""What a camera's software and a chat's do: enlarging a small picture, sharpening until edges have halos."""

import cv2
import numpy as np

from data_pipeline.camera.settings import Range


def rescale(clip: np.ndarray, rng: np.random.Generator, scale: Range = (0.35, 0.95)) -> np.ndarray:
    """Shrinks a clip and enlarges it again, by filters of its own."""
    height, width = clip.shape[1:3]
    share = rng.uniform(*scale)
    small = max(round(width * share), 2), max(round(height * share), 2)
    down = int(rng.choice([cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_LINEAR]))
    up = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))
    return np.stack(
        [cv2.resize(cv2.resize(frame, small, interpolation=down), (width, height), interpolation=up) for frame in clip]
    )


def sharpen(clip: np.ndarray, rng: np.random.Generator, overshoot: Range = (0.3, 1.8)) -> np.ndarray:
    """Sharpens by an unsharp mask, with the halos that it leaves at edges."""
    strength, sigma = rng.uniform(*overshoot), rng.uniform(0.6, 2.0) * max(max(clip.shape[1:3]) / 512, 0.5)
    out = np.empty_like(clip)
    for t, frame in enumerate(clip):
        smooth = cv2.GaussianBlur(frame, (0, 0), sigma)
        out[t] = cv2.addWeighted(frame, 1 + strength, smooth, -strength, 0)
    return out
