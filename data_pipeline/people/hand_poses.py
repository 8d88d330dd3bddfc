"""What hands do, as a table: how the fingers bend, where the palm is, which way it faces, and what it holds.

Directions and offsets are those of the left hand, in the frame of the head (x to the person's left, y up, z forward);
the right hand mirrors them. Angles are radians from the mesh's nearly straight rest pose.
"""

from typing import NamedTuple

Vector = tuple[float, float, float]
Curl = tuple[Vector, Vector, Vector, Vector]  # index to little finger, three joints each

# Points of the base mesh that poses name.
LANDMARKS: dict[str, Vector] = {
    "mouth": (0.0, 6.64, 1.6),
    "nose": (0.0, 6.98, 1.75),
    "cheek": (0.55, 6.85, 1.1),
    "eye": (0.31, 7.28, 1.45),
    "forehead": (0.0, 7.9, 1.45),
    "chin": (0.0, 6.22, 1.45),
    "ear": (0.85, 7.1, 0.4),
    "jaw": (0.6, 6.5, 0.8),
    "temple": (0.66, 7.6, 0.95),
}


def _curled(first: float, second: float | None = None, third: float | None = None) -> Curl:
    second = first if second is None else second
    bend = (first, second, 0.7 * first if third is None else third)
    return (bend, bend, bend, bend)


class HandPose(NamedTuple):
    """Is one entry of the table.

    Attributes:
        landmark: of `LANDMARKS`, which `offset` (decimetres) is added to: the middle of the palm.
        offset: see `landmark`.
        fingers: where the fingers point.
        palm: where the palm faces.
        curl: how the fingers bend.
        thumb: how its three joints bend.
        spread: of the fingers.
        touches: whether the hand rests on the head, found finger by finger.
        follows: whether it moves with the head; else it keeps its place.
        holds: the thing of `held.THINGS` in it.
        weight: how often it is drawn.
        free: standard deviation, in decimetres, of where it is.
        pinch: decimetres between the tips of thumb and first finger, which bend until they have it; None: as they are.
    """

    landmark: str
    offset: Vector
    fingers: Vector
    palm: Vector
    curl: Curl = _curled(0.05, 0.15, 0.1)
    thumb: Vector = (0.1, 0.1, 0.1)
    spread: float = 0.0
    touches: bool = True
    follows: bool = True
    holds: str = ""
    weight: float = 1.0
    free: float = 0.06
    pinch: float | None = None


_FLAT, _RELAXED = _curled(0.05, 0.1, 0.1), _curled(0.12, 0.28, 0.18)
_GRIP, _FIST = _curled(0.75, 0.85, 0.5), _curled(1.2, 1.45, 0.8)
_THIN = _curled(1.15, 1.35, 0.7)
_PINCH: Curl = ((0.75, 0.75, 0.4), (0.8, 0.85, 0.45), (0.95, 0.9, 0.5), (1.0, 0.95, 0.5))
_POINT: Curl = ((0.0, 0.1, 0.05), (1.2, 1.5, 0.8), (1.3, 1.5, 0.8), (1.3, 1.5, 0.8))

HAND_POSES: dict[str, HandPose] = {
    "over mouth": HandPose("mouth", (0.12, 0.0, 0.3), (-1, 0.25, 0.05), (0, 0, -1), weight=3, free=0.10),
    "over nose and mouth": HandPose("mouth", (0.1, 0.2, 0.35), (-0.9, 0.5, 0), (0, 0, -1), _FLAT, weight=2, free=0.10),
    "on cheek": HandPose("cheek", (0.3, -0.1, 0.2), (-0.15, 1, -0.25), (-1, 0, -0.75), _RELAXED, weight=3),
    "over cheek": HandPose("cheek", (0.0, 0.0, 0.3), (-0.35, 1, 0), (-0.45, 0, -1), _FLAT, weight=2, free=0.12),
    "over eyes": HandPose("nose", (0.15, 0.25, 0.35), (-0.9, 0.4, 0), (0, 0, -1), _FLAT, weight=2.5, free=0.10),
    "over one eye": HandPose("eye", (0.1, -0.25, 0.3), (-0.2, 1, 0), (-0.1, 0, -1), _FLAT, weight=2, free=0.08),
    "over face": HandPose(
        "nose", (0.1, -0.2, 0.4), (-0.3, 1, 0), (0, 0, -1), _FLAT, spread=0.12, weight=2.5, free=0.15
    ),
    "at chin": HandPose("chin", (0.1, -0.1, 0.3), (-0.6, 0.8, 0.1), (-0.1, 0.2, -1), _curled(0.5, 0.8, 0.4)),
    "at forehead": HandPose("forehead", (0.2, -0.1, 0.3), (-0.85, 0.45, 0), (0, -0.1, -1), _RELAXED, weight=1.5),
    "at temple": HandPose("temple", (0.25, -0.35, 0.2), (-0.2, 1, 0.0), (-0.85, 0, -0.6), _RELAXED),
    "fist at cheek": HandPose("cheek", (0.1, -0.35, 0.3), (-0.2, 1, -0.1), (-0.5, 0.1, -0.9), _FIST, (0.4, 0.5, 0.4)),
    "fist at mouth": HandPose("mouth", (0.05, -0.2, 0.4), (-0.8, 0.5, 0), (0, 0.1, -1), _FIST, (0.4, 0.5, 0.4)),
    "finger at lips": HandPose("mouth", (0.12, -0.45, 0.4), (-0.35, 1, -0.1), (-0.6, 0, -0.8), _POINT, (0.4, 0.5, 0.4)),
    "finger at cheek": HandPose("cheek", (0.3, -0.5, 0.3), (-0.3, 1, -0.1), (-0.8, 0, -0.6), _POINT, (0.4, 0.5, 0.4)),
    "pinching nose": HandPose(
        "nose", (0.05, -0.5, 0.45), (-0.5, 0.9, 0.1), (-0.3, 0.1, -1), _PINCH, (0.35, 0.3, 0.2), pinch=0.4
    ),
    "adjusting glasses": HandPose(
        "temple", (0.2, -0.55, 0.5), (-0.45, 1, -0.2), (-0.8, 0, -0.7), _PINCH, (0.35, 0.3, 0.2), weight=0.7, pinch=0.15
    ),
    "waving": HandPose(
        "nose",
        (0.35, -0.1, 1.2),
        (0.1, 1, 0),
        (0, 0, 1),
        _curled(-0.1, 0.05, 0),
        spread=0.12,
        touches=False,
        follows=False,
        weight=1.5,
        free=0.3,
    ),
    "before face": HandPose(
        "nose",
        (0.15, -0.2, 1.0),
        (-0.5, 1, 0.1),
        (0, 0, -1),
        _RELAXED,
        spread=0.08,
        touches=False,
        follows=False,
        weight=1.5,
        free=0.3,
    ),
    "pointing": HandPose(
        "mouth",
        (0.5, -0.3, 1.2),
        (-0.3, 0.6, 0.9),
        (-0.6, -0.6, 0.2),
        _POINT,
        (0.4, 0.5, 0.4),
        touches=False,
        follows=False,
        free=0.25,
    ),
    "cup": HandPose(
        "mouth", (0.45, -0.30, 1.1), (-0.9, 0.05, 0.25), (-0.15, 0, -1), _GRIP, touches=False, holds="cup", weight=2.5
    ),
    "bottle": HandPose(
        "mouth",
        (0.45, -0.55, 1.0),
        (-0.9, 0.05, 0.25),
        (-0.15, 0, -1),
        _GRIP,
        touches=False,
        holds="bottle",
        weight=1.5,
    ),
    "cigarette": HandPose(
        "mouth",
        (0.30, -0.35, 0.75),
        (-0.55, 0.85, 0.1),
        (-0.4, 0.2, -1),
        _PINCH,
        (0.35, 0.3, 0.2),
        pinch=0.17,
        touches=False,
        holds="cigarette",
        weight=0.6,
    ),
    "eating": HandPose(
        "mouth",
        (0.55, -0.45, 0.9),
        (-0.75, 0.55, 0.1),
        (-0.2, 0.2, -1),
        _PINCH,
        (0.35, 0.3, 0.2),
        pinch=0.17,
        touches=False,
        holds="fork",
        weight=1.2,
    ),
    "brush at cheek": HandPose(
        "cheek",
        (0.15, -0.55, 0.8),
        (-0.6, 0.8, 0.0),
        (-0.3, 0.2, -1),
        _PINCH,
        (0.35, 0.3, 0.2),
        pinch=0.17,
        touches=False,
        holds="brush",
        weight=0.8,
    ),
    "brush at mouth": HandPose(
        "mouth",
        (0.55, -0.35, 0.8),
        (-0.75, 0.55, 0.0),
        (-0.2, 0.2, -1),
        _PINCH,
        (0.35, 0.3, 0.2),
        pinch=0.17,
        touches=False,
        holds="brush",
        weight=0.6,
    ),
    "book": HandPose(
        "mouth",
        (0.3, -0.9, 1.3),
        (-0.3, 0.95, 0.1),
        (0.0, 0.1, -1),
        _curled(0.25, 0.4, 0.3),
        (0.2, 0.2, 0.1),
        touches=False,
        follows=False,
        holds="book",
        weight=1.0,
        free=0.25,
    ),
    "microphone": HandPose(
        "mouth",
        (0.38, -0.62, 0.75),
        (-0.8, 0.15, -0.4),
        (-0.45, 0, -0.9),
        _THIN,
        (0.3, 0.4, 0.3),
        touches=False,
        holds="microphone",
        weight=2,
    ),
    "phone before face": HandPose(
        "nose",
        (0.25, -0.45, 1.2),
        (-0.45, 0.9, 0.1),
        (0.0, 0.1, -1),
        _curled(0.35, 0.45, 0.3),
        (0.2, 0.2, 0.1),
        touches=False,
        follows=False,
        holds="phone",
        weight=2,
        free=0.2,
    ),
    "phone at ear": HandPose(
        "ear",
        (0.55, -0.25, 0.15),
        (-0.1, 1, -0.15),
        (-1, 0, -0.15),
        _curled(0.4, 0.5, 0.3),
        (0.2, 0.2, 0.1),
        touches=False,
        holds="phone",
        weight=1.5,
    ),
}

# Poses of both hands at once, left and right.
PAIRS: tuple[tuple[str, str], ...] = (
    ("over eyes", "over eyes"),
    ("over cheek", "over cheek"),
    ("on cheek", "on cheek"),
    ("over mouth", "over nose and mouth"),
    ("over face", "over one eye"),
    ("at temple", "at temple"),
    ("fist at cheek", "fist at cheek"),
    ("over one eye", "over mouth"),
)
