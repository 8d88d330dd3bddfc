"""Smooth courses over time: swaying heads and cameras, wandering eyes, and hands that come and go."""

from typing import NamedTuple

import numpy as np


class Sway:
    """Adds slow sines of random phase to a mean: smooth, endless, and known at any time.

    Args:
        rng: draws it.
        mean: what it sways about, (k,).
        size: standard deviation, (k,) or one number.
        frequency: of the fastest part, in hertz.
    """

    def __init__(self, rng: np.random.Generator, mean: np.ndarray, size: np.ndarray | float, frequency: float):
        self.mean = np.asarray(mean, np.float64)
        count = len(self.mean)
        self._frequencies = rng.uniform(0.15, 1.0, (3, count)) * frequency
        self._phases = rng.uniform(0, 2 * np.pi, (3, count))
        self._sizes = rng.dirichlet([1, 1, 1], count).T * np.asarray(size) * 1.6

    def at(self, time: float) -> np.ndarray:
        """Returns the values (k,) at a time in seconds."""
        waves = np.sin(2 * np.pi * self._frequencies * time + self._phases)
        return np.asarray(self.mean + (waves * self._sizes).sum(0))


class Visit(NamedTuple):
    """Says when something comes, in seconds, how long its way takes, how long it stays, where it comes from (3,)."""

    start: float
    way: float
    stay: float
    origin: np.ndarray

    def offset(self, time: float) -> np.ndarray | None:
        """Returns how far (3,) it is from its place at a time, or None while it is away."""
        since = time - self.start
        if since < 0 or since > 2 * self.way + self.stay:
            return None
        left = max(0.0, 1 - since / self.way, (since - self.way - self.stay) / self.way)
        return np.asarray(self.origin * (left * left * (3 - 2 * left)))


class Glances:
    """Says where the eyes look over time: they rest for a second or so, then jump; the head is at rest at (0, 0)."""

    def __init__(self, rng: np.random.Generator, duration: float):
        self._times = np.cumsum(rng.exponential(1.1, int(duration) + 6) + 0.25) - 1.0
        away = (rng.random(len(self._times) + 1) < 0.45)[:, None]
        self._points = np.clip(rng.normal(0, (0.22, 0.10), (len(away), 2)) * away, -0.5, 0.5)

    def at(self, time: float) -> tuple[float, float]:
        """Returns the gaze at a time: radians to the person's left, and down."""
        index = int(np.searchsorted(self._times, time))
        now = self._points[index]
        if index:  # a jump takes 50 ms
            share = min(1.0, (time - self._times[index - 1]) / 0.05)
            now = self._points[index - 1] * (1 - share) + now * share
        return float(now[0]), float(now[1])
