"""Hands have an arm: which way it leaves a picture, and how it goes on until it leaves the frame, too."""

import cv2
import numpy as np

from data_pipeline.motion import translation
from data_pipeline.occlusion.layers import Layer, outline

_STEEPEST = 1.0  # of an arm's lean: 45 degrees from the side that it leaves by
_LEAST_CUT = 0.12  # of the shorter side: what touches a side with less is a finger


def turn_arm_down(layer: Layer) -> tuple[Layer, float]:
    """Turns a hand's picture by quarters until its arm leaves it below; also returns the arm's lean (right per down).

    The arm is where most of a hand touches one side of its picture: it was cut off there. Of a hand that was cut off
    nowhere, in a picture of its own, the arm is taken to be below already.
    """
    alpha = layer.rgba[..., 3]
    shorter = min(alpha.shape)
    touching = [np.count_nonzero(side > 127) for side in (alpha[-1], alpha[:, 0], alpha[0], alpha[:, -1])]
    quarters = int(np.argmax(touching)) if max(touching) >= _LEAST_CUT * shorter else 0
    rgba = np.ascontiguousarray(np.rot90(layer.rgba, quarters))
    turned = Layer(rgba, outline(rgba[..., 3]), np.eye(3)) if quarters else layer
    return turned, _lean(turned.rgba[..., 3])


def lengthen_arm(layer: Layer, lean: float, length: int) -> Layer:
    """Continues what touches the lower side of the picture by `length` more rows, in the direction that it leans."""
    height, width = layer.rgba.shape[:2]
    shift = int(np.ceil(abs(lean) * length))
    left = shift if lean < 0 else 0
    longer = np.zeros((height + length, width + shift, 4), np.uint8)
    longer[:height, left : left + width] = layer.rgba
    last = layer.rgba[-min(4, height) :].mean(axis=0, keepdims=True).astype(np.uint8)
    rows = np.broadcast_to(last, (length, width, 4)).copy()
    matrix = np.array([[1, lean, left], [0, 1, 0]], float)
    longer[height:] = cv2.warpAffine(rows, matrix, (width + shift, length))
    return Layer(longer, outline(longer[..., 3]), layer.placed @ translation(-left, 0))


def _lean(alpha: np.ndarray) -> float:
    """How far the middle of the lowest fifth moves to the right from row to row."""
    rows = (alpha[-max(alpha.shape[0] // 5, 2) :] > 127).astype(np.float64)
    counts = rows.sum(axis=1)
    seen = counts > 0
    if np.count_nonzero(seen) < 2:
        return 0.0
    middles = (rows[seen] @ np.arange(alpha.shape[1])) / counts[seen]
    return float(np.clip(np.polyfit(np.flatnonzero(seen), middles, 1)[0], -_STEEPEST, _STEEPEST))
