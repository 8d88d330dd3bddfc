"""What an occlusion technique is, and one with its options, ready to make clips."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Generic, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from data_pipeline import camera
from data_pipeline.former_names import current_name
from data_pipeline.motion import SPEEDS
from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.options import OcclusionOptions, TechniqueOptions
from rvm_jax.errors import UserError

Options = TypeVar("Options", bound=TechniqueOptions)
# From a face (or foreground), occluders (or textures, or backgrounds), a generator and the technique's own options.
Synthesize = Callable[..., Clip]
Draws = Literal["occluders", "textures", "backgrounds", "nothing"]
Subject = Literal["faces", "foregrounds", "segmentation"]
_SHARED = ("resolution", "seq_length", "trimap")  # options that all techniques have, set by the data section itself
_LABELLED = (("pha",), ("seg",))  # what clips have beside `src` that are one picture, not layers
_FORMER_PRESETS = {"letter": "verbatim", "fixed": "repaired"}
_FORMER_OPTIONS = {"letter": "verbatim"}


class Technique(NamedTuple, Generic[Options]):
    """A way to synthesise clips; a module of this package has one as `TECHNIQUE`, and the module's name is its name.

    Attributes:
        synthesize: makes a clip.
        presets: its options by preset name; the first is the default.
        draws: the section of the data that its occluders come from.
        subject: the section that its faces come from.
        speeds: at which a video of the subject may play.
        arrays: those that its clips have (and `trimap`, if they have `pha`).
        benchmark: the kinds of occlusion that benchmarks have of it, and the categories of occluders (patterns) of
            each; no categories if the technique draws what it needs.
    """

    synthesize: Synthesize
    presets: Mapping[str, Options]
    draws: Draws = "occluders"
    subject: Subject = "faces"
    speeds: Sequence[float] = SPEEDS
    arrays: tuple[str, ...] = ("src", "pha")
    benchmark: Mapping[str, tuple[str, ...]] = {}

    @property
    def occludes(self) -> bool:
        """Whether it makes frames of faces behind something, and the alpha of what is seen of them."""
        return self.subject == "faces" and self.arrays == ("src", "pha")


class Synthesizer(NamedTuple):
    """A technique with its options, ready to make clips."""

    technique: Technique[Any]
    options: TechniqueOptions

    @property
    def needs(self) -> bool:
        """Whether it ever takes something from the section that it draws from."""
        if isinstance(self.options, OcclusionOptions):
            return self.options.occlusion > 0
        return self.technique.draws != "nothing"

    def draw_count(self, rng: np.random.Generator) -> int:
        """Draws how many occluders a clip has; a background is one, and always there."""
        if not isinstance(self.options, OcclusionOptions):
            return int(self.technique.draws != "nothing")
        fewest, most = self.options.occluders
        return int(rng.integers(fewest, most + 1)) if rng.random() < self.options.occlusion else 0

    def __call__(self, face: Picture | Video, occluders: Sequence[Picture | Video], rng: np.random.Generator) -> Clip:
        clip = self.technique.synthesize(face, occluders, rng, self.options)
        return camera.apply_all(clip, rng, self.options.camera)


def with_options(technique: Technique[Options], name: str, settings: Mapping[str, Any], where: str) -> Options:
    """Reads a technique's settings: `preset`, and options of the preset to override.

    Args:
        technique: what they are for.
        name: its name.
        settings: from a config; those that all techniques share may be among them.
        where: their key, for messages.

    Raises:
        UserError: naming the key, if a preset, an option or its value is not known.
    """
    given = dict(settings)
    preset = given.pop("preset", next(iter(technique.presets)))
    preset = current_name(preset, technique.presets, _FORMER_PRESETS, f"{where}.preset")
    if preset not in technique.presets:
        raise UserError(f"{where}.preset: '{name}' has no preset '{preset}'; it has {', '.join(technique.presets)}")
    options = technique.presets[preset]
    known = [field.name for field in fields(options)]
    named = {current_name(key, known, _FORMER_OPTIONS, f"{where}.{key}"): value for key, value in given.items()}
    hints = get_type_hints(type(options))
    for key, value in list(named.items()):
        if key not in known:
            own = [option for option in known if option not in _SHARED]
            raise UserError(f"{where}.{key}: '{name}' has no such option; it has {', '.join(own)}")
        if key == "camera":
            named[key] = _read_camera(value, technique, name, f"{where}.{key}")
            continue
        check_kind(value, getattr(options, key), f"{where}.{key}")
        if get_origin(hints[key]) is Literal and value not in get_args(hints[key]):
            raise UserError(f"{where}.{key}: '{value}' is none of {', '.join(get_args(hints[key]))}")
    return replace(options, **named)


def _read_camera(value: Any, technique: Technique[Any], name: str, where: str) -> camera.Camera:
    read = camera.read_camera(value, where)
    if read.probability and technique.arrays[1:] not in _LABELLED:
        raise UserError(f"{where}: the clips of '{name}' are layers that no camera saw together; leave it out")
    return read


def check_kind(value: Any, default: Any, where: str) -> None:
    """Checks that a value is of the kind of the default: no text for a number, no fraction for a count.

    Raises:
        UserError: naming the key `where`, if it is not.
    """
    if isinstance(default, tuple) and default and not isinstance(default[0], str):
        whole = all(isinstance(bound, int) for bound in default)
        pair = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
        if not pair or not all(_is_number(bound, whole) for bound in value) or value[0] > value[1]:
            kind = "whole numbers" if whole else "numbers"
            raise UserError(f"{where}: {value!r} should be two {kind}, the smaller one first, like {default}")
    elif isinstance(default, tuple):
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise UserError(f"{where}: {value!r} should be a list of names, like {default}")
    elif isinstance(default, str | bool):
        if type(value) is not type(default):
            raise UserError(f"{where}: {value!r} should be of the kind of {default!r}")
    elif not _is_number(value, whole=isinstance(default, int)):
        kind = "whole number" if isinstance(default, int) else "number"
        raise UserError(f"{where}: {value!r} should be a {kind}, like {default}")


def _is_number(value: Any, whole: bool) -> bool:
    return isinstance(value, int if whole else int | float) and not isinstance(value, bool)
