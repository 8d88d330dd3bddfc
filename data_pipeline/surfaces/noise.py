"""Random fields that surfaces are made of: fractal noise, strands along a flow, and cells; float32 (n, n)."""

from typing import NamedTuple

import cv2
import numpy as np


class Cells(NamedTuple):
    """Is a Voronoi diagram.

    Attributes:
        label: the number of each pixel's cell, int32 (n, n), from 0.
        edge: the distance to the cell's border in pixels, float32 (n, n).
        number: of cells.
    """

    label: np.ndarray
    edge: np.ndarray
    number: int


def fractal(rng: np.random.Generator, n: int, cells: float = 3, gain: float = 0.8, aspect: float = 1.0) -> np.ndarray:
    """Draws noise of mean 0 and standard deviation 1 whose octaves fall by `gain`.

    Args:
        rng: the generator.
        n: side in pixels.
        cells: features a side in the lowest octave.
        gain: amplitude of an octave over the one before: 1 has the 1/f amplitudes of photographs, 0.5 is as smooth as
            clouds.
        aspect: how much longer than high the features are.

    Returns:
        float32 (n, n).
    """
    wide, high = cells / aspect**0.5, cells * aspect**0.5
    total: np.ndarray = np.zeros((2, 2), np.float32)
    amount = 1.0
    while True:
        rows, cols = (min(max(round(v), 1), n) + 1 for v in (high, wide))
        # Octaves are added up at the resolution of the finest so far.
        total = cv2.resize(total, (cols, rows), interpolation=cv2.INTER_CUBIC)
        total = cv2.scaleAdd(rng.random((rows, cols), np.float32), amount, total)
        if max(rows, cols) > n or amount < 0.02:
            break
        amount, wide, high = amount * gain, wide * 2, high * 2
    total = cv2.resize(total, (n, n), interpolation=cv2.INTER_CUBIC)
    return normalised(total)


def normalised(field: np.ndarray) -> np.ndarray:
    """Brings a field to mean 0 and standard deviation 1."""
    mean, deviation = cv2.meanStdDev(field)
    return np.asarray((field - np.float32(mean[0, 0])) / np.float32(max(deviation[0, 0], 1e-6)), np.float32)


def unit(field: np.ndarray, spread: float = 0.22) -> np.ndarray:
    """Brings a field of mean 0 and deviation 1 to [0, 1] around 0.5, `spread` a deviation."""
    return np.asarray(np.clip(field * np.float32(spread) + np.float32(0.5), 0, 1), np.float32)


def step(field: np.ndarray, at: float, softness: float) -> np.ndarray:
    """Returns 0 where a field is below `at` and 1 above, with a linear passage of the width `softness`."""
    level = np.asarray(field, np.float32) - np.float32(at)
    return np.asarray(np.clip(level / np.float32(max(softness, 1e-6)) + np.float32(0.5), 0, 1))


def smooth(field: np.ndarray, sigma: float) -> np.ndarray:
    """Blurs by a Gaussian of `sigma` pixels."""
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))


def places(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns x (1, n) and y (n, 1) of the pixel centres in [0, 1], float32."""
    t = (np.arange(n, dtype=np.float32) + np.float32(0.5)) / np.float32(n)
    return t[None], t[:, None]


def displaced(picture: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Takes each pixel of a picture (n, n[, 3]) from `dx`, `dy` pixels (n, n) beside; borders are mirrored."""
    i = np.arange(len(picture), dtype=np.float32)
    return np.asarray(
        cv2.remap(picture, i[None] + dx, i[:, None] + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    )


def wobbled(rng: np.random.Generator, picture: np.ndarray, amount: float, cells: float = 3) -> np.ndarray:
    """Pulls a picture out of shape by smooth noise, `amount` of its side a deviation."""
    n = len(picture)
    dx, dy = (fractal(rng, n, cells, 0.35) * np.float32(amount * n) for _ in range(2))
    return displaced(picture, dx, dy)


def strands(field: np.ndarray, angle: np.ndarray, length: float) -> np.ndarray:
    """Smears a field along the directions `angle` (n, n) in radians over some `length` pixels: hair, fibres, grass.

    Each pass averages what the one before made with itself, twice as far along (a line integral convolution).

    Returns:
        float32 (n, n) of mean 0 and deviation 1.
    """
    dx, dy = np.cos(angle), np.sin(angle)
    reach = 0.7
    while reach < length:
        field = cv2.addWeighted(field, 0.5, displaced(field, dx * np.float32(reach), dy * np.float32(reach)), 0.5, 0)
        reach *= 2
    return normalised(field)


def voronoi(points: np.ndarray, n: int) -> Cells:
    """Divides the unit square among points (k, 2) of x, y."""
    seeds = np.full((n, n), 255, np.uint8)
    x, y = np.clip((points * n).astype(int), 0, n - 1).T
    seeds[y, x] = 0
    _, label = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    label -= 1
    inner = np.full((n, n), 255, np.uint8)
    inner[:, 1:][label[:, 1:] != label[:, :-1]] = 0
    inner[1:][label[1:] != label[:-1]] = 0
    return Cells(label, cv2.distanceTransform(inner, cv2.DIST_L2, 5), int(label.max()) + 1)


def scattered(rng: np.random.Generator, n: int, side: int, jitter: float = 0.8) -> Cells:
    """Draws the Voronoi cells of about `side`² points, `jitter` out of a hexagonal grid."""
    rows, cols = np.mgrid[-1 : side + 1, -1 : side + 1].astype(np.float32)
    x, y = cols + 0.5 * (rows % 2) + 0.25, rows + 0.5
    points = np.stack([x, y], -1).reshape(-1, 2) + jitter * (rng.random((x.size, 2)) - 0.5)
    points = points[((points > 0) & (points < side)).all(1)] / side
    return voronoi(points, n)
