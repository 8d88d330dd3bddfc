"""Surfaces and scenes with the statistics of photographs, drawn: nothing to download, no licence."""

from data_pipeline.surfaces.folder import PictureFolder
from data_pipeline.surfaces.painting import KINDS, surface
from data_pipeline.surfaces.scenes import background

__all__ = ["KINDS", "PictureFolder", "background", "surface"]
