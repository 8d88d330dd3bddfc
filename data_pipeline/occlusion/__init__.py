"""The occlusion techniques, by name: each makes a clip of a face, an occluder and a random generator."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

import numpy as np

from data_pipeline.occlusion.published import PRESETS, published
from data_pipeline.sources.base import Picture
from rvm_jax.errors import UserError

Clip = dict[str, np.ndarray]
_SHARED = ("resolution", "seq_length", "trimap")  # options that all techniques have, set by the data section itself


class Technique(NamedTuple):
    """A way to synthesise occluded clips: the function, its settings by preset name; the first is the default."""

    synthesize: Callable[[Picture, Picture | None, np.random.Generator, Any], Clip]
    presets: Mapping[str, Any]


TECHNIQUES = {
    "published": Technique(published, PRESETS),
}


class Synthesizer(NamedTuple):
    """A technique with its options, ready to make clips."""

    synthesize: Callable[[Picture, Picture | None, np.random.Generator, Any], Clip]
    options: Any

    def __call__(self, face: Picture, occluder: Picture | None, rng: np.random.Generator) -> Clip:
        return self.synthesize(face, occluder, rng, self.options)


def open_technique(
    spec: Mapping[str, Any], where: str, *, resolution: int, seq_length: int, trimap: bool
) -> Synthesizer:
    """Reads a technique's settings: `name`, `preset` and options of the preset to override; `where` is their key.

    Raises UserError, naming the key, where a name, a preset or an option is unknown.
    """
    settings = {key: value for key, value in spec.items() if value is not None and key != "weight"}
    name = settings.pop("name", None)
    if name not in TECHNIQUES:
        raise UserError(f"{where}.name: no technique '{name}'; known are {', '.join(TECHNIQUES)}")
    technique = TECHNIQUES[name]
    preset = settings.pop("preset", next(iter(technique.presets)))
    if preset not in technique.presets:
        raise UserError(f"{where}.preset: '{name}' has no preset '{preset}'; it has {', '.join(technique.presets)}")
    options = technique.presets[preset]
    known = [field.name for field in fields(options) if field.name not in _SHARED]
    for key in settings:
        if key not in known:
            raise UserError(f"{where}.{key}: '{name}' has no such option; it has {', '.join(known)}")
    shared = {"resolution": resolution, "seq_length": seq_length, "trimap": trimap}
    return Synthesizer(technique.synthesize, replace(options, **settings, **shared))
