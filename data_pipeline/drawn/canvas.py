"""An antialiased painter on OpenCV: outlines in unit coordinates, colour and label composed by the same coverage."""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

import cv2
import numpy as np

from data_pipeline.drawn.curves import Points
from data_pipeline.drawn.materials import Materials
from data_pipeline.drawn.materials import N as FINE

_FRACTION_BITS = 4  # sub-pixel bits of the coordinates that OpenCV takes
_LEAST_SIGMA = 0.4  # pixels; what is less blurred than that looks sharp
WHOLE = np.array([[1, 0, 0], [0, 1, 0]], float)  # a field over the whole canvas


class Cover(NamedTuple):
    """How much of each pixel a shape covers: `mask` float32 in [0, 1] over the window `rows`, `cols` of the canvas.

    `bounds` are the shape's left, top, right and lower end in unit coordinates.
    """

    rows: slice
    cols: slice
    mask: np.ndarray
    bounds: tuple[float, float, float, float]


class Surface(NamedTuple):
    """Colours or light that vary: a small field (3, h, w), and the 2x3 matrix that takes it from 0..1 to the canvas."""

    field: np.ndarray
    matrix: np.ndarray = WHOLE


# One colour (3,), a surface, or values (3, h, w) for the window of a cover or for the whole canvas.
Paint = Sequence[float] | np.ndarray | Surface


class Canvas:
    """A square picture of `size` pixels with a label: planes (4, size, size) float32, R G B in [0, 1], label.

    A coordinate of 0 is the left or upper edge of the picture and 1 the other one, so the same calls give the same
    picture at every size. The label follows the paint: what is painted with label 1 raises it by its coverage, label 0
    lowers it, None leaves it. On a canvas that starts at zero the colours are premultiplied by the label.

    What is painted takes its surfaces from `materials`, or is plain where there are none.
    """

    def __init__(self, size: int, materials: Materials | None = None):
        self.size = size
        self.materials = materials
        self.planes = np.zeros((4, size, size), np.float32)
        self.extent = (1.0, 1.0, 0.0, 0.0)  # left, top, right and lower end of what was painted with label 1
        # OpenCV fattens what it fills by half a sample, and with LINE_AA by more: fine binary rasters, averaged, keep
        # that to an eighth of a pixel. Larger pictures have smaller pixels, so 2x is as exact there.
        self.oversampling = 4 if size <= 256 else 2

    def cover(self, *outlines: Points, blur: float = 0.0, within: Cover | None = None) -> Cover:
        """Returns the union of the outlines, blurred by a Gaussian of sigma `blur`, cut to `within`."""
        window = self._window(outlines, 3 * blur, within)
        if window is None:
            return _NOWHERE
        raster, to_raster = self._raster(window, blur)
        for outline in to_raster(outlines):
            cv2.fillPoly(raster, [outline], 255, cv2.LINE_8, _FRACTION_BITS)
        return self._resolve(raster, window, blur, within)

    def strokes(
        self, lines: Sequence[Points] | Points, width: float, *, blur: float = 0.0, within: Cover | None = None
    ) -> Cover:
        """Lines of full width `width`; those thinner than a pixel keep their mean coverage."""
        window = self._window(lines, width + 3 * blur, within)
        if window is None:
            return _NOWHERE
        raster, to_raster = self._raster(window, blur)
        samples = width * self.size * raster.shape[0] / (window.bottom - window.top)
        drawn, thickness = _thickness(samples)
        value = round(255 * samples / drawn) if samples < min(drawn, 4) else 255
        cv2.polylines(raster, to_raster(lines), False, value, thickness, cv2.LINE_8, _FRACTION_BITS)
        return self._resolve(raster, window, blur, within)

    def everywhere(self, mask: np.ndarray) -> Cover:
        """Returns a coverage given for the whole canvas, (size, size)."""
        return Cover(slice(0, self.size), slice(0, self.size), mask, (0.0, 0.0, 1.0, 1.0))

    def paint(
        self,
        cover: Cover,
        colour: Paint,
        label: float | None = None,
        opacity: float = 1.0,
        light: Paint | None = None,
    ) -> None:
        """Lays a colour over the picture, multiplied by the light that falls on it."""
        rows, cols, mask, _ = cover
        if not mask.size:
            return
        paint = self._over(colour, cover)
        if light is not None:
            paint = paint * self._over(light, cover)
        if opacity != 1.0:
            mask = mask * np.float32(opacity)
        planes = self.planes[:3, rows, cols]
        planes += (paint - planes) * mask
        if label is not None:
            plane = self.planes[3, rows, cols]
            plane += (np.float32(label) - plane) * mask
            if label:
                a, b = self.extent, cover.bounds
                self.extent = min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])

    def shade(self, cover: Cover, factor: Sequence[float] | np.ndarray | float, opacity: float = 1.0) -> None:
        """Multiplies the picture by `factor` where covered: shadows and stains that keep what lies beneath."""
        rows, cols, mask, _ = cover
        gain = np.empty((3, 1, 1), np.float32)
        gain[:, 0, 0] = factor
        self.planes[:3, rows, cols] *= 1 + (gain - 1) * np.float32(opacity) * mask

    def place(self, field: np.ndarray, matrix: np.ndarray = WHOLE, over: Cover | None = None) -> np.ndarray:
        """Lays a small field (..., h, w) on the canvas by a 2x3 matrix that takes its edges from 0..1; borders extend.

        Returns (..., size, size), or only the window of `over`.
        """
        field = self._shrunk(field, matrix)
        *outer, height, width = field.shape
        rows, cols = (over.rows, over.cols) if over is not None else (slice(0, self.size), slice(0, self.size))
        shape = rows.stop - rows.start, cols.stop - cols.start
        # Both grids count from pixel edges; OpenCV counts from pixel centres.
        to_pixels = matrix[:, :2] * self.size / (width, height)
        shift = matrix[:, 2] * self.size + to_pixels @ (0.5, 0.5) - 0.5 - (cols.start, rows.start)
        to_pixels = np.column_stack([to_pixels, shift])
        flat = np.ascontiguousarray(field.reshape(-1, height, width), np.float32)
        out = np.empty((len(flat), *shape), np.float32)
        for source, target in zip(flat, out, strict=True):
            cv2.warpAffine(source, to_pixels, shape[::-1], target, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return out.reshape(*outer, *shape)

    def _shrunk(self, field: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """A field of a photographed surface, averaged to about the canvas's pixels: interpolation would alias."""
        height, width = field.shape[-2:]
        factor = math.hypot(*matrix[:, 0]) * self.size / width, math.hypot(*matrix[:, 1]) * self.size / height
        if height < FINE or max(factor) > 0.75:
            return field
        cells = max(round(width * factor[0]), 2), max(round(height * factor[1]), 2)
        planes = [cv2.resize(p, cells, interpolation=cv2.INTER_AREA) for p in field.reshape(-1, height, width)]
        return np.stack(planes).reshape(*field.shape[:-2], cells[1], cells[0])

    def _over(self, paint: Paint, cover: Cover) -> np.ndarray:
        if isinstance(paint, Surface):
            return self.place(paint.field, paint.matrix, cover)
        values = np.asarray(paint, np.float32)
        if values.ndim == 1:
            return values[:, None, None]
        return values if values.shape[1:] == cover.mask.shape else values[:, cover.rows, cover.cols]

    def _window(self, shapes: Sequence[Points] | Points, padding: float, within: Cover | None) -> "_Window | None":
        if within is not None:
            rows, cols, _, bounds = within
            return _Window(rows.start, rows.stop, cols.start, cols.stop, bounds) if within.mask.size else None
        if not len(shapes):
            return None
        points, n = _joined(shapes), self.size
        left, top = (points.min(0) - padding).tolist()
        right, bottom = (points.max(0) + padding).tolist()
        # One more pixel on each side: the area that a pixel at the edge averages over.
        top_row, bottom_row = max(int(top * n) - 1, 0), min(int(bottom * n) + 2, n)
        left_col, right_col = max(int(left * n) - 1, 0), min(int(right * n) + 2, n)
        window = _Window(top_row, bottom_row, left_col, right_col, (left, top, right, bottom))
        return window if window.bottom > window.top and window.right > window.left else None

    def _raster(
        self, window: "_Window", blur: float
    ) -> tuple[np.ndarray, Callable[[Sequence[Points] | Points], list[np.ndarray]]]:
        """An empty raster of the window, finer or coarser than the canvas, and the map from unit coordinates to it."""
        top, bottom, left, right, _ = window
        sigma = blur * self.size
        # A wide blur needs no fine raster: 1.6 samples a sigma are enough.
        factor = self.oversampling if sigma < _LEAST_SIGMA else min(2.0, 1.6 / sigma)
        height, width = max(1, round((bottom - top) * factor)), max(1, round((right - left) * factor))
        scale = np.array([width / (right - left), height / (bottom - top)]) * (1 << _FRACTION_BITS)
        shift = np.array([left, top]) * scale + 0.5 * (1 << _FRACTION_BITS)
        scale *= self.size

        def to_raster(shapes: Sequence[Points] | Points) -> list[np.ndarray]:
            samples = np.rint(_joined(shapes) * scale - shift).astype(np.int32)
            stops = list(accumulate(len(shape) for shape in shapes))
            return [samples[a:b] for a, b in zip([0, *stops], stops, strict=False)]

        return np.zeros((height, width), np.uint8), to_raster

    def _resolve(self, raster: np.ndarray, window: "_Window", blur: float, within: Cover | None) -> Cover:
        top, bottom, left, right, bounds = window
        if blur * self.size >= _LEAST_SIGMA:
            sigma = blur * self.size * raster.shape[0] / (bottom - top)
            raster = cv2.GaussianBlur(raster, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        shrinks = raster.shape[0] >= bottom - top
        filtering = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        mask = cv2.resize(raster, (right - left, bottom - top), interpolation=filtering)
        mask = np.multiply(mask, np.float32(1 / 255), dtype=np.float32)
        if within is not None:
            mask *= within.mask
        return Cover(slice(top, bottom), slice(left, right), mask, bounds)


class _Window(NamedTuple):
    top: int
    bottom: int
    left: int
    right: int
    bounds: tuple[float, float, float, float]


_NOWHERE = Cover(slice(0, 0), slice(0, 0), np.zeros((0, 0), np.float32), (1.0, 1.0, 0.0, 0.0))


def _joined(shapes: Sequence[Points] | Points) -> Points:
    if isinstance(shapes, np.ndarray):
        return shapes.reshape(-1, 2)
    return shapes[0] if len(shapes) == 1 else np.concatenate(shapes)


def _thickness(width: float) -> tuple[int, int]:
    """The width that OpenCV can draw, and its argument for it: 1, 2, 3, 5, 7 ... come out 1, 3, 5, 7, 9 wide."""
    drawn = 2 * math.ceil((width - 1) / 2) + 1 if width < 4 else 2 * round((width - 1) / 2) + 1
    drawn = max(drawn, 1)
    return drawn, {1: 1, 3: 2}.get(drawn, drawn - 2)


def to_uint8(planes: np.ndarray) -> np.ndarray:
    """Planes (c, h, w) in [0, 1] as a picture (h, w, c) of bytes; one plane gives (h, w)."""
    return np.asarray(cv2.convertScaleAbs(cv2.merge(list(np.maximum(planes, 0))), alpha=255))


def straight_colours(planes: np.ndarray) -> np.ndarray:
    """Turns premultiplied R G B and alpha (4, h, w) into straight colours (3, h, w), continued where alpha is zero.

    Pull and push: halved pictures hold the weighted mean of what is near, and fill what the finer one does not know.
    """
    if min(planes.shape[1:]) <= 3:
        return np.asarray(
            planes[:3].mean((1, 2), keepdims=True) / max(float(planes[3].mean()), 1e-6) + np.zeros_like(planes[:3])
        )
    height, width = planes.shape[1:]
    half = np.stack(
        [cv2.resize(p, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA) for p in planes]
    )
    # Boosted weights: a pixel half known is known, so colours do not wash out from level to level.
    half *= np.minimum(1.0, 2 * half[3]) / np.maximum(half[3], 1e-6)
    coarse = straight_colours(half)
    filled = np.stack([cv2.resize(p, (width, height), interpolation=cv2.INTER_LINEAR) for p in coarse])
    known = np.minimum(1.0, planes[3] * 16)
    return np.asarray(filled + (planes[:3] / np.maximum(planes[3], 1e-6) - filled) * known)
