"""The study's course: data, the start, then seed after seed all contenders, each trained and measured, once."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict
from optax import GradientTransformation as Optimizer
from tqdm import tqdm

from eval.compilation_cache import keep_compilations
from eval.study.data import make_test_bed, prepare_sets
from eval.study.design import PHASES, Run, Sets, run_config, runs, start_config
from eval.study.outcomes import Item, Outcomes, measure, read_items
from eval.study.trainings import Alphas, batches, predict_with
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes
from rvm_jax.networks import functional
from rvm_jax.networks.api import Network
from rvm_jax.train import checkpoints
from rvm_jax.train.initial_network import initial_network
from rvm_jax.train.loop import train
from rvm_jax.train.losses.objectives import Loss
from rvm_jax.train.step import StepMaker, StepSettings, TrainStep, make_train_step

STUDY = "study.json"  # beside the runs' results: the settings that they have in common
START = "start"  # the name of the start's result
REAL = "real_"  # categories of real faces
_MAY_CHANGE = (*PHASES, "contenders")  # what may differ between results that are compared: whom, how often


class Result(NamedTuple):
    """What is kept of a run."""

    contender: str
    seed: int
    updates: int
    outcomes: Outcomes


class Job(NamedTuple):
    """What is trained and measured once: the name of its result, and what makes its recipe and network then."""

    name: str
    seed: int
    make: Callable[[], tuple[ConfigDict, Network]]

    @property
    def run(self) -> str:
        return f"{self.name}_{self.seed}"


class Steps:
    """Makes training steps, each kind once: runs that differ in nothing that a step holds then compile once."""

    def __init__(self, seed: int) -> None:
        self._seed = seed  # of what losses draw, which those of alphas do not
        self._made: dict[str, TrainStep] = {}

    def of(self, config: ConfigDict) -> StepMaker:
        """Returns what makes the step of a recipe, or returns it again."""
        key = step_key(config)

        def make(
            network: Network, objective: Loss, optimizer: Optimizer, seed: int, settings: StepSettings
        ) -> TrainStep:
            if key not in self._made:
                self._made[key] = make_train_step(network, objective, optimizer, self._seed, settings)
            return self._made[key]

        return make


def step_key(config: ConfigDict) -> str:
    """Returns what a step depends on."""
    train = config.train.to_dict()
    for name in ("seed", "checkpoint_every", "keep_checkpoints", "batch_size"):
        del train[name]
    if config.optimizer.schedule == "constant":
        del train["steps"]
    network = config.network.to_dict() | {"start_from": ""}
    return json.dumps([network, train, config.optimizer.to_dict()], sort_keys=True)


class Study(NamedTuple):
    """Where a study is, and what does its parts; tests put others in their place.

    Attributes:
      config: a recipe with a section `study`, such as `configs/study.py`.
      workdir: of the data and of all trainings.
      results: of the results, a JSON file a run.
      real_faces: a folder <category>/{img,mask}, or None.
      prepare: writes the sets that are trained on.
      test_bed: makes the rendered pictures and clips that are measured on.
      batches: what a recipe trains on.
      train: what trains, as `rvm_jax.train.loop.train`.
      measure: what measures a network.
    """

    config: ConfigDict
    workdir: Path
    results: Path
    real_faces: Path | None = None
    prepare: Callable[[ConfigDict, Path, str], Sets] = prepare_sets
    test_bed: Callable[[ConfigDict, Path], Sequence[Path]] = make_test_bed
    batches: Callable[[ConfigDict], Callable[[int], Any]] = batches
    train: Callable[..., Any] = train
    measure: Callable[[Sequence[Item], Alphas], Outcomes] = measure

    def run(self, phase: str) -> None:
        """Trains and measures all contenders of a phase that have no result yet, showing progress.

        Raises:
          UserError: if a setting does not work, or the folders hold another study.
        """
        todo = list(runs(self.config, phase))
        sets, items, steps = self.begin(phase)
        network, start = self._start(sets, steps)
        if not (self.results / f"{START}.json").exists():
            self._write(START, 0, 0, self.measure(items, predict_with(network)))

        def job(run: Run) -> Job:
            return Job(run.contender.name, run.seed, lambda: (run_config(self.config, run, sets, start), network))

        self.work_off(phase, [job(run) for run in todo], items, steps)

    def begin(self, phase: str) -> tuple[Sets, list[Item], Steps]:
        """Returns what a phase trains and is measured on, made where it is not there, and what makes its steps.

        Raises:
          UserError: if the folders hold another study.
        """
        _check_settings(self.config, self.results / STUDY)
        keep_compilations(self.workdir / "compiled")
        sets = self.prepare(self.config, self.workdir / "data", phase)
        return sets, self._items(), Steps(self.config.study.start.seed)

    def work_off(self, phase: str, jobs: Sequence[Job], items: Sequence[Item], steps: Steps) -> None:
        """Trains what has no result yet, and writes what is measured, showing progress."""
        with tqdm(total=len(jobs), desc=phase, unit="run") as bar:
            for job in jobs:
                bar.set_postfix_str(job.run)
                if not (self.results / f"{job.run}.json").exists():
                    self._train_and_measure(job, items, steps)
                bar.update()

    def _train_and_measure(self, job: Job, items: Sequence[Item], steps: Steps) -> None:
        recipe, network = job.make()
        folder = self.workdir / "runs" / job.run
        # The network may be the start, which others need; a step takes the memory of what it is given.
        copy = _copied(network)
        state = self.train(recipe, folder, self.batches(recipe), {}, network=copy, make_step=steps.of(recipe))
        trained = functional.merge(functional.split(network)[0], *state.weights_for_eval())
        self._write(job.name, job.seed, recipe.train.steps, self.measure(items, predict_with(trained)))

    def _items(self) -> list[Item]:
        test, side = self.config.study.test, self.config.data.resolution
        roots = self.test_bed(self.config, self.workdir / "test")
        items = [item for root in roots for item in read_items(root, side, test.held)]
        if self.real_faces is not None:
            items += read_items(self.real_faces, side, test.held, test.real_every, REAL)
        return items

    def _start(self, sets: Sets, steps: Steps) -> tuple[Network, str]:
        """Returns the network that all contenders start from, trained if it is not, and where it is."""
        if not self.config.study.start.steps:
            given = self.config.network
            if not given.start_from:
                raise UserError("study.start.steps=0 needs network.start_from, the network that all start from")
            return initial_network(given, self.config.train.seed), str(given.start_from)
        start, recipe = self.workdir / START, start_config(self.config, sets)
        self.train(recipe, start, self.batches(recipe), {}, make_step=steps.of(recipe))
        return checkpoints.load(start), str(start)

    def _write(self, contender: str, seed: int, updates: int, outcomes: Outcomes) -> None:
        name = START if contender == START else f"{contender}_{seed}"
        rounded = json.loads(json.dumps(outcomes), parse_float=lambda text: float(f"{float(text):.4g}"))
        text = json.dumps(Result(contender, seed, updates, rounded)._asdict(), separators=(",", ":"))
        write_bytes(self.results / f"{name}.json", (text + "\n").encode())


def read_results(folder: Path) -> list[Result]:
    """Returns the results of all runs in a folder, without the start's.

    Raises:
      UserError: if there is none.
    """
    paths = [path for path in sorted(folder.glob("*.json")) if path.stem not in (START, Path(STUDY).stem)]
    if not paths:
        raise UserError(f"{folder}: no results of runs; make them with --phase=pilot or main")
    return [Result(**json.loads(path.read_text())) for path in paths]


def read_start(folder: Path) -> Result | None:
    """Returns the result of the network that all started from, or None."""
    path = folder / f"{START}.json"
    return Result(**json.loads(path.read_text())) if path.exists() else None


def _copied(network: Network) -> Network:
    graphdef, params, batch_stats = functional.split(network)
    return functional.merge(graphdef, *(jax.tree.map(partial(jax.numpy.array), part) for part in (params, batch_stats)))


def _check_settings(config: ConfigDict, path: Path) -> None:
    """Writes the settings that all results share, after a comparison with those that are there.

    Raises:
      UserError: if those that are there are others.
    """
    settings = json.loads(config.to_json_best_effort())
    for key in _MAY_CHANGE:
        settings["study"].pop(key)
    if path.exists():
        there = json.loads(path.read_text())
        different = sorted(key for key in settings if settings[key] != there.get(key))
        if different:
            raise UserError(f"{path}: results of other settings ({', '.join(different)}); give another --results")
        return
    write_bytes(path, (json.dumps(settings, indent=1, sort_keys=True) + "\n").encode())
