"""Pixels that are not square: their width in their heights, and the size at which a frame is shown."""

from fractions import Fraction


def display_size(size: tuple[int, int], aspect: Fraction) -> tuple[int, int]:
    """Returns the (height, width) that a frame has with square pixels: its height stays."""
    return size[0], max(1, round(size[1] * aspect))


def resized_aspect(aspect: Fraction, before: tuple[int, int], after: tuple[int, int] | None) -> Fraction:
    """Returns the pixels' aspect after a frame of (height, width) is resized; square ones stay so."""
    if after is None or aspect == 1:
        return aspect
    return aspect * Fraction(before[1] * after[0], before[0] * after[1])
