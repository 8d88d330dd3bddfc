"""Hands have an arm: which way it leaves a picture, and how it is extended until it leaves the frame, too."""

import cv2
import numpy as np

from data_pipeline.motion import translation
from data_pipeline.techniques.layers import Layer, outline

_STEEPEST = 1.0  # of an arm's lean: 45 degrees from the side that it leaves by
_REPEATED = 0.12  # of the picture's height
_LEAST_CUT = 0.12  # of the shorter side: what touches a side with less is a finger


def turn_arm_down(layer: Layer) -> tuple[Layer, float]:
    """Turns a hand's picture by quarters until its arm leaves it below; also returns the arm's lean (right per down).

    The arm is where much of the hand touches a side of its picture, far from its middle: it was cut off there. Of a
    hand that was cut off nowhere the arm is taken to be below already.
    """
    alpha = layer.rgba[..., 3]
    height, width = alpha.shape
    moments = cv2.moments(alpha)
    middle = np.array([moments["m10"], moments["m01"]]) / max(moments["m00"], 1.0)
    cuts = []
    for x, y, side in (
        (None, height - 1, alpha[-1]),
        (0, None, alpha[:, 0]),
        (None, 0, alpha[0]),
        (width - 1, None, alpha[:, -1]),
    ):
        touching = np.flatnonzero(side > 127)
        contact = len(touching) if len(touching) >= _LEAST_CUT * min(height, width) else 0
        along = touching.mean() if contact else 0.0
        place = np.array([along if x is None else x, along if y is None else y])
        cuts.append(np.sqrt(contact) * np.hypot(*(place - middle)))
    quarters = int(np.argmax(cuts))
    rgba = np.ascontiguousarray(np.rot90(layer.rgba, quarters))
    turned = Layer(rgba, outline(rgba[..., 3]), np.eye(3)) if quarters else layer
    return turned, _lean(turned.rgba[..., 3])


def lengthen_arm(layer: Layer, lean: float, length: int) -> Layer:
    """Continues what touches the lower side of the picture by `length` more rows, in the direction that it leans.

    They are the last rows, to and fro: folds and patterns of a sleeve go on, where one repeated row would be streaks.
    """
    height, width = layer.rgba.shape[:2]
    shift = int(np.ceil(abs(lean) * length))
    left = shift if lean < 0 else 0
    longer = np.zeros((height + length, width + shift, 4), np.uint8)
    longer[:height, left : left + width] = layer.rgba
    last = _straightened(layer.rgba[-min(max(round(_REPEATED * height), 2), height) :])
    back_and_forth = np.concatenate([last[::-1], last])
    rows = np.tile(back_and_forth, (length // len(back_and_forth) + 1, 1, 1))[:length]
    leaning = np.array([[1, lean, left], [0, 1, 0]], float)
    longer[height:] = cv2.warpAffine(rows, leaning, (width + shift, length))
    return Layer(longer, outline(longer[..., 3]), layer.placed @ translation(-left, 0))


def _straightened(rows: np.ndarray) -> np.ndarray:
    """Stretches each row (n, w, 4) so that what is seen of it begins and ends where it does in the last one."""
    visible = np.greater(rows[..., 3], 127)
    seen = np.any(visible, axis=1)
    if not seen[-1]:
        return rows
    first = np.where(seen, visible.argmax(axis=1), visible[-1].argmax())
    end = rows.shape[1] - np.where(seen, visible[:, ::-1].argmax(axis=1), visible[-1, ::-1].argmax())
    stretch = ((end - first) / (end[-1] - first[-1]))[:, None]
    x = first[:, None] + (np.arange(rows.shape[1]) + 0.5 - first[-1]) * stretch - 0.5
    y = np.broadcast_to(np.arange(len(rows), dtype=np.float32)[:, None], x.shape)
    return cv2.remap(rows, x.astype(np.float32), y.copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _lean(alpha: np.ndarray) -> float:
    """How far the middle of the lowest fifth moves to the right from row to row."""
    rows = (alpha[-max(alpha.shape[0] // 5, 2) :] > 127).astype(np.float64)
    counts = rows.sum(axis=1)
    seen = counts > 0
    if np.count_nonzero(seen) < 2:
        return 0.0
    middles = (rows[seen] @ np.arange(alpha.shape[1])) / counts[seen]
    return float(np.clip(np.polyfit(np.flatnonzero(seen), middles, 1)[0], -_STEEPEST, _STEEPEST))
