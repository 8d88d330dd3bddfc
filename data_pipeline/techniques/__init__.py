"""The occlusion techniques, by name: each makes a clip of a face, occluders and a random generator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np

from data_pipeline import camera
from data_pipeline.motion import SPEEDS
from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques import faceocc, matting, natocc, published, published_stage2, randocc, rvm, segmentation
from data_pipeline.techniques.augmentations import Clip
from rvm_jax.errors import UserError

# From a face (or foreground), occluders (or textures, or backgrounds), a generator and the technique's options.
Synthesize = Callable[[Any, Any, np.random.Generator, Any], Clip]
Draws = Literal["occluders", "textures", "backgrounds", "nothing"]
Subject = Literal["faces", "foregrounds", "segmentation"]
_LABELLED = (("pha",), ("seg",))  # what clips have beside `src` that are one picture, not layers
_SHARED = ("resolution", "seq_length", "trimap")  # options that all techniques have, set by the data section itself


class Technique(NamedTuple):
    """A way to synthesise occluded clips: the function, its settings by preset name; the first is the default.

    `subject` and `draws` are the sections of the data that its faces and its occluders come from, `speeds` those at
    which a video of the subject may play; `arrays` are those that its clips have (and `trimap`, if they have `pha`).
    """

    synthesize: Synthesize
    presets: Mapping[str, Any]
    draws: Draws = "occluders"
    subject: Subject = "faces"
    speeds: Sequence[float] = SPEEDS
    arrays: tuple[str, ...] = ("src", "pha")


TECHNIQUES = {
    "published": Technique(published.published, published.PRESETS),
    "natocc": Technique(natocc.natocc, natocc.PRESETS),
    "randocc": Technique(randocc.randocc, randocc.PRESETS, "textures"),
    "faceocc": Technique(faceocc.faceocc, faceocc.PRESETS),
    "matting": Technique(matting.matting, matting.PRESETS),
    "published_stage2": Technique(
        published_stage2.published_stage2, published_stage2.PRESETS, arrays=("src", "pha", "occluder")
    ),
    "rvm": Technique(rvm.rvm, rvm.PRESETS, "backgrounds", "foregrounds", arrays=("src", "pha", "fgr", "bgr")),
    "segmentation": Technique(
        segmentation.segmentation, segmentation.PRESETS, "nothing", "segmentation", (1,), ("src", "seg")
    ),
}


class Synthesizer(NamedTuple):
    """A technique with its options, ready to make clips."""

    synthesize: Synthesize
    options: Any
    draws: Draws
    subject: Subject
    speeds: Sequence[float]
    arrays: tuple[str, ...]

    @property
    def needs(self) -> bool:
        """Whether it ever takes something from the section that it draws from."""
        return self.draws == "backgrounds" or (self.draws != "nothing" and self.options.occlusion > 0)

    def draw_count(self, rng: np.random.Generator) -> int:
        """Draws how many occluders a clip has; a background is one, and always there."""
        if self.draws in ("backgrounds", "nothing"):
            return int(self.draws == "backgrounds")
        fewest, most = self.options.occluders
        return int(rng.integers(fewest, most + 1)) if rng.random() < self.options.occlusion else 0

    def __call__(self, face: Picture | Video, occluders: Sequence[Picture | Video], rng: np.random.Generator) -> Clip:
        return camera.apply_all(self.synthesize(face, occluders, rng, self.options), rng, self.options.camera)


def open_technique(
    spec: Mapping[str, Any], where: str, *, resolution: int, seq_length: int, trimap: bool
) -> Synthesizer:
    """Reads a technique's settings: `name`, `preset` and options of the preset to override; `where` is their key.

    Raises UserError, naming the key, where a name, a preset, an option or its value is not known.
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
    for key, value in list(settings.items()):
        if key not in known:
            raise UserError(f"{where}.{key}: '{name}' has no such option; it has {', '.join(known)}")
        if key == "camera":
            settings[key] = _read_camera(value, technique, name, f"{where}.{key}")
            continue
        _check_kind(value, getattr(options, key), f"{where}.{key}")
        hint = get_type_hints(type(options))[key]
        if get_origin(hint) is Literal and value not in get_args(hint):
            raise UserError(f"{where}.{key}: '{value}' is none of {', '.join(get_args(hint))}")
    shared = {"resolution": resolution, "seq_length": seq_length, "trimap": trimap}
    options = replace(options, **settings, **shared)
    return Synthesizer(
        technique.synthesize, options, technique.draws, technique.subject, technique.speeds, technique.arrays
    )


def _read_camera(value: Any, technique: Technique, name: str, where: str) -> camera.Camera:
    read = camera.read_camera(value, where)
    if read.probability and technique.arrays[1:] not in _LABELLED:
        raise UserError(f"{where}: the clips of '{name}' are layers that no camera saw together; leave it out")
    return read


def _check_kind(value: Any, default: Any, where: str) -> None:
    """Raises UserError where a value is of another kind than the default: text for a number, one number for two."""
    if isinstance(default, tuple) and default and not isinstance(default[0], str):
        pair = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
        if not pair or not all(isinstance(v, int | float) for v in value) or value[0] > value[1]:
            raise UserError(f"{where}: {value!r} should be two numbers, the smaller one first, like {default}")
    elif isinstance(default, tuple):
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise UserError(f"{where}: {value!r} should be a list of names, like {default}")
    elif isinstance(default, str | bool):
        if type(value) is not type(default):
            raise UserError(f"{where}: {value!r} should be of the kind of {default!r}")
    elif not isinstance(value, int | float) or isinstance(value, bool):
        raise UserError(f"{where}: {value!r} should be a number, like {default}")
