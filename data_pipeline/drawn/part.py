"""A part of a thing: an outline, its surface and how round it is."""

from typing import NamedTuple

from data_pipeline.drawn.curves import Points


class Part(NamedTuple):
    """A part of a thing.

    Attributes:
        outline: (k, 2), in the thing's own units, y downwards.
        material: the number of its surface; parts with the same number have the same one.
        bulge: how round it is: 0 is flat, 1 a ball or a tube.
        tone: a factor of its brightness.
        kinds: the surfaces that it may have; none for any.
    """

    outline: Points
    material: int = 0
    bulge: float = 0.8
    tone: float = 1.0
    kinds: tuple[str, ...] = ()
