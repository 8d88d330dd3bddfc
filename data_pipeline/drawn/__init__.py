"""Rendered faces and occluders with exact soft alpha at any resolution: data without a download or a licence."""

from data_pipeline.drawn.sources import OBJECT, OCCLUDER_CATEGORIES, ProceduralFaces, ProceduralOccluders

__all__ = ["OBJECT", "OCCLUDER_CATEGORIES", "ProceduralFaces", "ProceduralOccluders"]
