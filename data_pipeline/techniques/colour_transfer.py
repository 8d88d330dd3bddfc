"""Colours of one picture brought to another by sliced optimal transport, as NatOcc gives hands a face's complexion."""

import cv2
import numpy as np

_SIDE = 128  # pixels, of the pictures that the transport looks at
_STEPS, _DIRECTIONS = 15, 5
_SMOOTHING = 7.5  # sigma on those pictures; NatOcc's 30 pixels, of hands about four times as large
_LEAST, _MOST = 64, 3000  # pixels of a picture that take part


def transfer_colours(
    rgb: np.ndarray, alpha: np.ndarray, other: np.ndarray, other_alpha: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Returns `rgb` (h, w, 3) uint8 with the distribution of colours of `other`, each where its alpha (h, w) shows it.

    Pixels are points in RGB. Each of 15 steps projects both sets onto 5 random directions and moves the points of the
    first, sorted, onto those of the second; the change, evened out over the neighbourhood so that texture and shading
    stay, is added to the picture. NatOcc (Voo et al. 2022) works on whole squares, whose background it fills up by the
    mean colour; here only what is seen takes part.
    """
    small, weight = _small(rgb, alpha)
    points, goal = small[weight > 0.5], _pixels(other, other_alpha, rng)
    if len(points) < _LEAST or len(goal) < _LEAST:
        return rgb
    # Highlights and shadows of the face (eyes, teeth, nostrils) are no complexion.
    middle, spread = goal.mean(axis=0), goal.std(axis=0)
    goal = np.clip(goal, middle - 2 * spread, middle + spread)
    chosen = rng.choice(len(points), min(len(points), _MOST), replace=False)
    moved = transport(points[chosen], goal[rng.integers(len(goal), size=len(chosen))], rng)

    change = np.zeros((*weight.shape, 4), np.float32)
    places = np.argwhere(weight > 0.5)[chosen]
    change[places[:, 0], places[:, 1], :3] = moved - points[chosen]
    change[places[:, 0], places[:, 1], 3] = 1
    change = cv2.GaussianBlur(change, (0, 0), _SMOOTHING, borderType=cv2.BORDER_REFLECT)
    change = change[..., :3] / np.maximum(change[..., 3:], 1e-4)
    change = cv2.resize(change, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.add(rgb, change, dtype=cv2.CV_8U)


def transport(points: np.ndarray, goal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Moves points (N, 3) to as many others by sliced optimal transport, float32.

    The steps amplify what they begin with, so each result is that of IEEE arithmetic alone: sums are written out, since
    a processor's matrix product rounds in an order of its own, and equal colours keep their order when they are sorted.
    """
    points, goal = np.ascontiguousarray(points.T), np.ascontiguousarray(goal.T)  # a row a channel
    rows = np.arange(_DIRECTIONS)[:, None]
    for _ in range(_STEPS):
        directions = rng.standard_normal((_DIRECTIONS, 3)).astype(np.float32)
        directions /= np.sqrt(_sum(directions.T * directions.T))[:, None]
        here, there = (_sum(directions.T[:, :, None] * colours[:, None]) for colours in (points, goal))
        order = np.argsort(here, axis=1, kind="stable")
        change = np.empty_like(here)
        change[rows, order] = np.sort(there, axis=1) - np.take_along_axis(here, order, axis=1)
        points += _sum(change[:, None] * directions[:, :, None]) / np.float32(_DIRECTIONS)
    return points.T


def _sum(terms: np.ndarray) -> np.ndarray:
    """The sum over the first axis, one term after the other."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return np.asarray(total)


def _small(rgb: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture, float32 0..255, and its alpha, 0..1, both 128 pixels a side."""
    small, weight = (cv2.resize(array, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for array in (rgb, alpha))
    return small.astype(np.float32), weight.astype(np.float32) / 255


def _pixels(rgb: np.ndarray, alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if cv2.countNonZero(alpha) < _LEAST:
        return np.zeros((0, 3), np.float32)
    left, top, width, height = cv2.boundingRect(alpha)
    part = slice(top, top + height), slice(left, left + width)
    small, weight = _small(rgb[part], alpha[part])
    return small[weight > 0.9]
