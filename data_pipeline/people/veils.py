"""What drifts before a face and lets some of it through: smoke, nets, a drinking glass, rain; each at a depth."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from data_pipeline.drawn import cloths, soft, vessels
from data_pipeline.drawn.canvas import Canvas, straight_colours, to_uint8
from data_pipeline.people.colour import linear_of
from data_pipeline.people.geometry import Floats, floats
from data_pipeline.people.motion import Sway

_DROPS = 260
_LEAST = 96  # side of what a veil is drawn at: painters are at a loss with less


@dataclass(frozen=True)
class Veil:
    """A veil as a frame sees it.

    Attributes:
        colour: linear light (size, size, 3), times its alpha.
        alpha: (size, size), what it takes away of what lies behind.
        ahead: decimetres from the joint of the head towards the camera: hands may be before it or behind.
    """

    colour: Floats
    alpha: Floats
    ahead: float


class VeilActor:
    """A veil in a clip.

    Args:
        rng: draws everything.
        name: of `VEILS`.
        size: side of the frames, in pixels.

    Attributes:
        name: as given.
    """

    def __init__(self, rng: np.random.Generator, name: str, size: int):
        self.name, self._size = name, size
        scale, drift, self._fall = _WAYS[name]
        side = max(_LEAST, round(size * float(rng.uniform(*scale))))
        planes = VEILS[name](rng, side)
        self._alpha = floats(np.clip(planes[3], 0, 1))
        straight = linear_of(to_uint8(straight_colours(planes))) if name != "rain" else np.ones((side, side, 3))
        self._colour = floats(straight * self._alpha[..., None])
        self._ahead = float(rng.uniform(1.4, 3.2))
        reach = size / side
        self._zoom = 1.0 if side > _LEAST else max(1.0, size * float(np.mean(scale)) / side)
        self._centre = rng.normal(0, 0.12, 2) * (0 if reach < 0.6 else 1)
        self._sway = Sway(rng, self._centre, drift, 0.4)
        self._turn = Sway(rng, np.zeros(1), 0.03, 0.3)
        self._speed = float(rng.uniform(0.7, 1.3)) * self._fall

    def at(self, time: float, light: Floats) -> Veil:
        """Returns the veil at a time in seconds, in `light`, the linear colour (3,) that falls on it."""
        size, side = self._size, len(self._alpha)
        x, y = self._sway.at(time)
        turn, zoom = float(self._turn.at(time)[0]), self._zoom
        matrix = floats(cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), np.degrees(turn), zoom))
        matrix[:, 2] += (size - side) / 2 + np.array([x, y]) * size
        colour, alpha = self._colour, self._alpha
        if self._fall:  # it falls through the frame and begins anew
            shift = round(self._speed * time * side)
            colour, alpha = np.roll(colour, shift, 0), np.roll(alpha, shift, 0)
        laid = cv2.warpAffine(colour, matrix, (size, size), flags=cv2.INTER_LINEAR)
        covered = cv2.warpAffine(alpha, matrix, (size, size), flags=cv2.INTER_LINEAR)
        return Veil(floats(laid * light), floats(covered), self._ahead)


def _drawn(painter: Callable[[np.random.Generator, Canvas], None]) -> Callable[[np.random.Generator, int], Floats]:
    def draw(rng: np.random.Generator, side: int) -> Floats:
        canvas = Canvas(side)
        painter(rng, canvas)
        return floats(canvas.planes)

    return draw


def _rain(rng: np.random.Generator, side: int) -> Floats:
    """Streaks of drops, near ones long and wide; planes (4, side, side) as those of a canvas."""
    lean = float(rng.normal(0, 0.12))
    fine = np.zeros((side, side), np.float32)
    dense = float(rng.uniform(0.3, 1.0))
    for _ in range(round(_DROPS * dense)):
        near = float(rng.random() ** 3)
        length, width = (0.05 + 0.2 * near) * side, 1 + round(near * side / 260)
        x, y = rng.random(2) * side
        strength = float(rng.uniform(0.15, 0.6)) * (0.5 + 0.5 * near)
        for wrapped in (y, y - side):  # what leaves below comes in above
            ends = np.array([(x, wrapped), (x + lean * length, wrapped + length)])
            (x0, y0), (x1, y1) = np.rint(ends * 16).astype(int).tolist()
            cv2.line(fine, (x0, y0), (x1, y1), strength, width, cv2.LINE_8, 4)
    margin = 8
    padded = np.pad(fine, ((margin, margin), (0, 0)), mode="wrap")
    alpha = cv2.GaussianBlur(padded, (0, 0), 0.6 + side / 700)[margin:-margin]
    return floats(np.stack([alpha] * 4))


VEILS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "smoke": _drawn(soft.smoke),
    "net": _drawn(cloths.net),
    "glass": _drawn(vessels.glass),
    "rain": _rain,
}
# Side, in frames; standard deviation of its drift, in frames; how many heights it falls a second.
_WAYS: dict[str, tuple[tuple[float, float], float, float]] = {
    "smoke": ((0.8, 1.8), 0.08, 0.0),
    "net": ((1.0, 1.9), 0.03, 0.0),
    "glass": ((0.5, 0.9), 0.06, 0.0),
    "rain": ((1.25, 1.35), 0.0, 4.0),
}


def draw_veil(rng: np.random.Generator, share: float, size: int) -> VeilActor | None:
    """Draws what is before the face: nothing, but in a `share` of the clips."""
    if rng.random() >= share:
        return None
    return VeilActor(rng, list(VEILS)[int(rng.integers(len(VEILS)))], size)
