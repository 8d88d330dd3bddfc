"""The study's design: what each contender trains on, with equal updates and an equal share of occluders."""

from collections.abc import Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from rvm_jax.errors import UserError

PHASES = ("pilot", "main", "leave_out", "networks")
# The people that clips are of: bare, and the same ones with hands, what they hold, and what they wear.
BARE = {"hands": 0.0, "wear": False}
IN_DEPTH = {"hands": 1.0, "wear": True}
# What a camera does to pictures is no part of a technique here: the same for all.
_SAME = {"jitter": 0.3, "noise": 0.0, "blur": 0.0, "sharpen": 0.0, "grey": 0.0, "jpeg": 0.0, "motion_blur": 0.0}
_WITHOUT = "published"  # frames the face as the other techniques do, here with no occluder


class Contender(NamedTuple):
    """A way to train on: the techniques that paste occluders, and whether there are occluders in depth.

    `options` are of the techniques, `traits` of the people in depth, where they differ from the usual ones.
    """

    name: str
    techniques: tuple[str, ...]
    in_depth: bool
    options: Mapping[str, Any] = {}
    traits: Mapping[str, Any] = {}

    def occlusion(self, share: float) -> float:
        """Returns the probability that a clip is occluded in each of the contender's ways: pasted, and in depth.

        The ways are drawn independently, so that in all `share` of the clips are occluded.
        """
        ways = bool(self.techniques) + self.in_depth
        return 1 - (1 - share) ** (1 / ways) if ways else 0.0


class Sets(NamedTuple):
    """Folders of prepared sets: people without and with occluders, occluders, textures."""

    bare: Path
    in_depth: Path
    occluders: Path
    textures: Path

    def with_traits(self, traits: Mapping[str, Any]) -> Path:
        """Returns the folder of people in depth with other traits than the usual ones."""
        named = "".join(f"_{name}_{value}" for name, value in sorted(traits.items()))
        return self.in_depth.with_name(self.in_depth.name + named.lower())


class Run(NamedTuple):
    """One training of the study."""

    contender: Contender
    seed: int

    @property
    def name(self) -> str:
        return f"{self.contender.name}_{self.seed}"


def contenders(config: ConfigDict, phase: str) -> list[Contender]:
    """Returns the contenders of a phase, in the order of the config.

    Raises:
      UserError: if the phase names one that `study.contenders` does not describe.
    """
    known = config.study.contenders.to_dict()
    for name in config.study[phase].contenders:
        if name not in known:
            raise UserError(f"study.{phase}.contenders: '{name}' is none of study.contenders: {', '.join(known)}")
    names = config.study[phase].contenders
    return [
        Contender(**{"name": name, **known[name], "techniques": tuple(known[name]["techniques"])}) for name in names
    ]


def runs(config: ConfigDict, phase: str) -> Iterator[Run]:
    """Yields the trainings of a phase: seed after seed, each with all contenders."""
    for seed in seeds(config, phase):
        for contender in contenders(config, phase):
            yield Run(contender, seed)


def seeds(config: ConfigDict, phase: str) -> list[int]:
    """Returns the seeds of a phase: so many from 0 on, but the start's, whose clips in this order none sees."""
    free = (seed for seed in count() if seed != config.study.start.seed)
    return list(islice(free, config.study[phase].seeds))


def start_config(config: ConfigDict, sets: Sets) -> ConfigDict:
    """Returns the recipe of the network that all contenders start from."""
    start = config.study.start
    one = _without_study(config)
    one.data.update(_data(config, Contender("start", (), False), sets))
    one.data.seed = one.train.seed = start.seed
    one.train.update({"steps": start.steps, "batch_size": start.batch_size})
    one.train.checkpoint_every = max(1, start.steps // 4)
    one.optimizer.rates = ((".*", start.rate),)
    one.optimizer.warmup_steps = start.warmup_steps
    return one


def run_config(config: ConfigDict, run: Run, sets: Sets, start: str) -> ConfigDict:
    """Returns the recipe of a contender's training: it differs from the others' in its data, and in the seed."""
    one = _without_study(config)
    one.data.update(_data(config, run.contender, sets))
    one.data.seed = one.train.seed = run.seed
    one.network.start_from = start
    return one


def network_config(config: ConfigDict, name: str, seed: int, contender: Contender, sets: Sets) -> ConfigDict:
    """Returns the recipe of a network of `study.networks.of` that is trained from nothing on a contender's data."""
    how = config.study.networks.of[name].to_dict()
    one = run_config(config, Run(contender, seed), sets, "")
    one.data.seq_length, one.train.batch_size = how["seq_length"], how["batch_size"]
    one.network = ConfigDict({**how["settings"], "start_from": "", "backbone": ""})
    one.train.update({"steps": how["steps"], "checkpoint_every": how["steps"], "loss": how["loss"]})
    one.optimizer.rates = ((".*", how["rate"]),)
    one.optimizer.warmup_steps = min(50, how["steps"] // 5)
    return one


def people(config: ConfigDict, traits: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the source of people with these traits."""
    return {"name": "people", **config.study.people.to_dict(), **traits}


def _data(config: ConfigDict, contender: Contender, sets: Sets) -> dict[str, Any]:
    share = contender.occlusion(config.study.share)
    faces = {"bare": _prepared(people(config, BARE), sets.bare, 1 - share)}
    if contender.in_depth:
        faces["in_depth"] = _prepared(
            people(config, {**IN_DEPTH, **contender.traits}), sets.with_traits(contender.traits), share
        )
    else:
        faces["bare"]["weight"] = 1.0
    pasted = {
        name: {"name": name, "occlusion": share, "weight": 1.0, **_SAME, **contender.options}
        for name in contender.techniques
    }
    nothing = {_WITHOUT: {"name": _WITHOUT, "occlusion": 0.0, "weight": 1.0, **_SAME}}
    return {
        "faces": faces,
        "occluders": {"main": _prepared(config.study.occluders.to_dict(), sets.occluders)},
        "textures": {"main": _prepared(config.study.textures.to_dict(), sets.textures)},
        "techniques": pasted or nothing,
    }


def _prepared(spec: Mapping[str, Any], root: Path, weight: float = 1.0) -> dict[str, Any]:
    return {**spec, "root": str(root), "prepared": True, "weight": weight}


def _without_study(config: ConfigDict) -> ConfigDict:
    one = ConfigDict(config.to_dict())
    del one.study
    return one
