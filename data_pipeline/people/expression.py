"""Expressions as recipes of face units (52 ARKit names), and their course over a clip: talk, blinks, gaze."""

from collections.abc import Mapping

import numpy as np

Expression = dict[str, float]

# What belongs together; each pair is the range of the unit, times the strength of the expression. "*" is both sides.
RECIPES: dict[str, Mapping[str, tuple[float, float]]] = {
    "neutral": {},
    "smile": {
        "mouthSmile*": (0.9, 1.0),
        "cheekSquint*": (0.4, 0.6),
        "eyeSquint*": (0.2, 0.4),
        "mouthUpperUp*": (0.0, 0.5),
        "jawOpen": (0.0, 0.15),
    },
    "laugh": {
        "mouthSmile*": (0.8, 0.95),
        "jawOpen": (0.25, 0.5),
        "mouthUpperUp*": (0.3, 0.5),
        "mouthLowerDown*": (0.2, 0.4),
        "cheekSquint*": (0.6, 0.9),
        "eyeSquint*": (0.3, 0.6),
    },
    "surprise": {
        "jawOpen": (0.2, 0.6),
        "eyeWide*": (0.6, 0.9),
        "browInnerUp": (0.6, 0.9),
        "browOuterUp*": (0.5, 0.8),
    },
    "frown": {"mouthFrown*": (0.4, 0.9), "browDown*": (0.5, 0.9), "noseSneer*": (0.0, 0.3)},
    "doubt": {"mouthLeft": (0.1, 0.35), "browOuterUpLeft": (0.4, 0.8), "mouthPressLeft": (0.2, 0.5)},
    "pucker": {"mouthPucker": (0.5, 1.0), "mouthFunnel": (0.0, 0.3)},
    "squint": {"eyeSquint*": (0.6, 0.9), "browDown*": (0.3, 0.6)},
    "sad": {"browInnerUp": (0.5, 0.9), "mouthFrown*": (0.3, 0.6), "mouthShrugLower": (0.1, 0.5)},
    "concentration": {"browDown*": (0.2, 0.5), "mouthPress*": (0.3, 0.7), "mouthRollLower": (0.0, 0.4)},
}
_OFTEN = {"neutral": 4.0, "smile": 3.0}
_VISEMES: tuple[Mapping[str, float], ...] = (
    {"jawOpen": 0.38, "mouthLowerDown*": 0.2},
    {"jawOpen": 0.16, "mouthStretch*": 0.3, "mouthLowerDown*": 0.3, "mouthUpperUp*": 0.15},
    {"jawOpen": 0.22, "mouthFunnel": 0.45},
    {"jawOpen": 0.08, "mouthPucker": 0.5},
    {"mouthPress*": 0.3, "mouthRollLower": 0.3},
    {"jawOpen": 0.05, "mouthRollLower": 0.4, "mouthUpperUp*": 0.1},
    {"jawOpen": 0.12, "mouthSmile*": 0.15},
)


def draw_expression(rng: np.random.Generator) -> Expression:
    """Draws an expression of one recipe, a little asymmetric."""
    names = list(RECIPES)
    weights = np.array([_OFTEN.get(name, 1.0) for name in names])
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    strength = rng.uniform(0.35, 1.0)
    found: Expression = {}
    for unit, (low, high) in RECIPES[name].items():
        _set(found, unit, rng.uniform(low, high) * strength, rng)
    return found


def blend(first: Mapping[str, float], second: Mapping[str, float], share: float) -> Expression:
    """Returns the expression `share` of the way from the first to the second."""
    units = first.keys() | second.keys()
    return {unit: first.get(unit, 0.0) * (1 - share) + second.get(unit, 0.0) * share for unit in sorted(units)}


def add(first: Mapping[str, float], second: Mapping[str, float]) -> Expression:
    """Returns the sum of two expressions, each unit at most 1."""
    return {
        unit: min(1.0, first.get(unit, 0.0) + second.get(unit, 0.0)) for unit in sorted(first.keys() | second.keys())
    }


def looking(x: float, y: float) -> Expression:
    """Returns how the lids follow the eyes: `x` radians to the person's left, `y` down."""
    side = ("eyeLookOutLeft", "eyeLookInRight") if x > 0 else ("eyeLookInLeft", "eyeLookOutRight")
    height = "eyeLookDown" if y > 0 else "eyeLookUp"
    found = dict.fromkeys(side, min(1.0, abs(x) / 0.5))
    return found | {height + end: min(1.0, abs(y) / 0.4) for end in ("Left", "Right")}


class Talk:
    """Gives mouth shapes a course over time, in seconds; each is held for a fifth of a second or so."""

    def __init__(self, rng: np.random.Generator, duration: float):
        self._times, self._shapes = [0.0], [Expression()]
        while self._times[-1] < duration + 1:
            quiet = rng.random() < 0.12
            self._times.append(self._times[-1] + float(rng.uniform(0.25, 0.8) if quiet else rng.uniform(0.08, 0.22)))
            shape: Expression = {}
            if not quiet:
                strength = rng.uniform(0.5, 1.2)
                for unit, value in _VISEMES[int(rng.integers(len(_VISEMES)))].items():
                    _set(shape, unit, min(1.0, value * strength), rng)
            self._shapes.append(shape)

    def at(self, time: float) -> Expression:
        """Returns the mouth's shape at a time."""
        index = int(np.clip(np.searchsorted(self._times, time, side="right") - 1, 0, len(self._times) - 2))
        span = self._times[index + 1] - self._times[index]
        share = min(1.0, max(0.0, (time - self._times[index]) / span))
        return blend(self._shapes[index], self._shapes[index + 1], share * share * (3 - 2 * share))


def blinking(time: float, blinks: tuple[float, ...]) -> float:
    """Returns how closed the eyes are, 0 to 1, for blinks that begin at these times; each lasts a fifth of a second."""
    closed = 0.0
    for start in blinks:
        phase = (time - start) / 0.22
        if 0 < phase < 1:
            closed = max(closed, min(1.0, 1.6 * float(np.sin(np.pi * phase**0.7))))
    return closed


def _set(expression: Expression, unit: str, value: float, rng: np.random.Generator) -> None:
    if unit.endswith("*"):
        for end in ("Left", "Right"):
            expression[unit[:-1] + end] = float(np.clip(value + rng.normal(0, 0.1 * value + 0.005), 0, 1))
    else:
        expression[unit] = float(value)
