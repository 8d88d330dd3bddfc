"""Surfaces and scenes with the statistics of photographs, drawn: nothing to download, no licence."""

from .folder import PictureFolder
from .painting import KINDS, surface
from .scenes import background

__all__ = ["KINDS", "PictureFolder", "background", "surface"]
