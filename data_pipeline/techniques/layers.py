"""A layer of a clip: a picture with alpha, its outline, and how it is warped into a frame."""

from typing import NamedTuple

import cv2
import numpy as np

from data_pipeline.motion import pixel_matrix, scaling, transform_points, translation
from data_pipeline.sources.base import VISIBLE, Picture, Video


class Rect(NamedTuple):
    """An upright rectangle in continuous coordinates."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        return max(self.right - self.left, 0.0) * max(self.bottom - self.top, 0.0)

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def clip(self, side: int) -> "Rect":
        """Returns the part of it inside a frame."""
        left, top, right, bottom = np.clip(self, 0, side)
        return Rect(float(left), float(top), float(right), float(bottom))


class Layer(NamedTuple):
    """A picture RGBA uint8 (h, w, 4), the corners (N, 2) around what its alpha shows, and its place.

    An occluder's colours are premultiplied by its alpha, so that a warp cannot mix in what lies outside it. A face's
    are not: the picture is opaque, its background stays, and the fourth channel only says where the face is.
    """

    rgba: np.ndarray
    outline: np.ndarray
    placed: np.ndarray  # 3×3: from pixels of `rgba` to the coordinates of `outline` and of the matrices to come


def stills(item: Picture | Video) -> tuple[Picture, ...]:
    """Returns the frames of a video; a picture by itself."""
    return item.frames if isinstance(item, Video) else (item,)


def outline(alpha: np.ndarray) -> np.ndarray:
    """Points (N, 2), as x, y, whose convex hull is that of the visible pixels; of none where the alpha is empty."""
    visible = alpha > VISIBLE
    rows = np.flatnonzero(visible.any(axis=1))
    if rows.size == 0:
        return np.zeros((0, 2))
    first = visible[rows].argmax(axis=1)
    last = alpha.shape[1] - visible[rows, ::-1].argmax(axis=1)
    corners = [(x, y + below) for x, y in ((first, rows), (last, rows)) for below in (0, 1)]
    points = np.concatenate([np.stack(corner, axis=1) for corner in corners])
    return cv2.convexHull(points.astype(np.float32))[:, 0].astype(np.float64)


def bounds(points: np.ndarray, matrix: np.ndarray) -> Rect:
    """Returns the rectangle around points (N, 2) that a matrix has moved."""
    moved = transform_points(matrix, points)
    (left, top), (right, bottom) = moved.min(axis=0), moved.max(axis=0)
    return Rect(float(left), float(top), float(right), float(bottom))


def face_layer(rgb: np.ndarray, mask: np.ndarray) -> Layer:
    """Returns the layer of a face picture (h, w, 3) and its mask (h, w)."""
    return Layer(_with_alpha(rgb, mask), outline(mask), np.eye(3))


def crop(rgb: np.ndarray, alpha: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Crops an occluder (h, w, 3) and its alpha (h, w) to what is visible, averaged down while `longest` fits twice."""
    left, top, width, height = cv2.boundingRect(cv2.threshold(alpha, VISIBLE, 255, cv2.THRESH_BINARY)[1])
    part = slice(top, top + height), slice(left, left + width)
    rgb, alpha = np.ascontiguousarray(rgb[part]), np.ascontiguousarray(alpha[part])
    height, width = alpha.shape
    factor = max(height, width) // longest
    if factor < 2 or min(height, width) < 2 * factor:
        return rgb, alpha
    rgba = cv2.resize(_premultiplied(rgb, alpha), (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    rgba = cv2.cvtColor(rgba, cv2.COLOR_mRGBA2RGBA)
    return cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), cv2.extractChannel(rgba, 3)


def occluder_layer(rgb: np.ndarray, alpha: np.ndarray, longest: int = 1024) -> Layer:
    """Returns the layer of an occluder (h, w, 3) and its alpha (h, w), cropped to what is visible of it; see `crop`."""
    rgb, alpha = crop(rgb, alpha, longest)
    return Layer(_premultiplied(rgb, alpha), outline(alpha), np.eye(3))


def canvas_layer(rgb: np.ndarray, alpha: np.ndarray) -> Layer:
    """Returns the layer of an occluder's whole picture, for where its place in the picture matters."""
    return Layer(_premultiplied(rgb, alpha), outline(alpha), np.eye(3))


def shrink(layer: Layer, scale: float) -> Layer:
    """Averages the layer over whole pixel blocks as far as a warp by `scale` needs, which itself looks at 2×2 pixels.

    Matrices and outline stay those of the layer as it was.
    """
    factor = int(1 / max(scale, 1e-3))
    height, width = layer.rgba.shape[:2]
    if factor < 2 or min(height, width) < 2 * factor:
        return layer
    size = (width // factor, height // factor)
    small = cv2.resize(layer.rgba, size, interpolation=cv2.INTER_AREA)
    return layer._replace(rgba=small, placed=layer.placed @ scaling(width / size[0], height / size[1]))


def warp(layer: Layer, matrix: np.ndarray, window: tuple[int, int, int, int], filter: int, border: int) -> np.ndarray:
    """Draws the layer, moved by `matrix`, into the `window` (left, top, width, height) of the frame: RGBA uint8.

    `filter` and `border` are OpenCV's (`INTER_…`, `BORDER_…`); an empty border is transparent black.
    """
    left, top, width, height = window
    placed = pixel_matrix(translation(-left, -top) @ matrix @ layer.placed)
    return cv2.warpAffine(layer.rgba, placed, (width, height), flags=filter, borderMode=border)


def _premultiplied(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(_with_alpha(rgb, alpha), cv2.COLOR_RGBA2mRGBA)


def _with_alpha(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    rgba = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    cv2.insertChannel(alpha, rgba, 3)
    return rgba
