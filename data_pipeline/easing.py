"""Easing curves: how far along its way a movement is at time u, from 0 at u = 0 to 1 at u = 1.

The AHEasing family, which the published augmentation draws from. Back and Elastic overshoot: they leave [0, 1].
"""

from collections.abc import Callable
from math import cos, pi, sin, sqrt

import numpy as np

Easing = Callable[[float], float]


def linear(u: float) -> float:
    """Moves at constant speed."""
    return u


def step(u: float) -> float:
    """Jumps at half time."""
    return 0.0 if u < 0.5 else 1.0


def _power(exponent: int) -> Easing:
    return lambda u: u**exponent


def _exponential_in(u: float) -> float:
    return 0.0 if u == 0 else 2 ** (10 * (u - 1))


def _elastic_in(u: float) -> float:
    return sin(13 * pi * u / 2) * 2 ** (10 * (u - 1))


def _back_in(u: float) -> float:
    return u**3 - u * sin(pi * u)


def _bounce_out(u: float) -> float:
    if u < 4 / 11:
        return 121 * u * u / 16
    if u < 8 / 11:
        return 363 / 40 * u * u - 99 / 10 * u + 17 / 5
    if u < 9 / 10:
        return 4356 / 361 * u * u - 35442 / 1805 * u + 16061 / 1805
    return 54 / 5 * u * u - 513 / 25 * u + 268 / 25


def _ease_out(ease_in: Easing) -> Easing:
    return lambda u: 1 - ease_in(1 - u)


def _ease_in_out(ease_in: Easing) -> Easing:
    return lambda u: 0.5 * ease_in(2 * u) if u < 0.5 else 1 - 0.5 * ease_in(2 - 2 * u)


_EASE_IN: dict[str, Easing] = {
    "back": _back_in,
    "bounce": _ease_out(_bounce_out),
    "circular": lambda u: 1 - sqrt(1 - u * u),
    "cubic": _power(3),
    "elastic": _elastic_in,
    "exponential": _exponential_in,
    "quad": _power(2),
    "quartic": _power(4),
    "quintic": _power(5),
    "sine": lambda u: 1 - cos(pi * u / 2),
}

EASINGS: dict[str, Easing] = {"step": step} | {
    f"{family}_{form}": make(ease_in)
    for family, ease_in in _EASE_IN.items()
    for form, make in (("in", lambda f: f), ("out", _ease_out), ("in_out", _ease_in_out))
}


def draw_easing(rng: np.random.Generator) -> Easing:
    """Draws a curve as RVM does: the straight line with probability 0.2, else one of the 31 others."""
    if rng.random() < 0.2:
        return linear
    names = list(EASINGS)
    return EASINGS[names[rng.integers(len(names))]]
