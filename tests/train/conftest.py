"""Trainings of a tiny network that tests of the loop share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import pytest
import tiny_network
from flax import nnx
from ml_collections import ConfigDict
from training_runs import Evaluator, Run, Stream, Whole, recipe

from rvm_jax.networks import Network, register
from rvm_jax.train import loop
from rvm_jax.train.devices import make_mesh
from rvm_jax.train.phases import Batches
from rvm_jax.train.state import TrainState
from rvm_jax.train.step import StepMaker, StepSettings, TrainStep, make_train_step


@pytest.fixture(scope="session")
def make_step() -> StepMaker:
    """Makes steps as training does, but each once for all runs of the same settings."""
    made: dict[str, TrainStep] = {}

    def make_once(network: Network, objective: Any, optimizer: Any, seed: int, settings: StepSettings) -> TrainStep:
        with jax.transfer_guard("allow"):  # the test's own look at the schedule
            key = str((objective, seed, float(settings.schedule(3)), settings.average_decay))
        if key not in made:
            made[key] = make_train_step(network, objective, optimizer, seed, settings)
        return made[key]

    return make_once


@pytest.fixture(scope="module")
def run(make_step: StepMaker) -> Iterator[Run]:
    """Trains on the first few of the fake devices."""

    def run(
        workdir: Path, stream: Batches, devices: int = 2, config: ConfigDict | None = None, **options: Any
    ) -> TrainState:
        if "network" not in options:
            options["network"] = tiny_network.TinyNetwork(rngs=nnx.Rngs(0))
        state: TrainState = jax.device_get(
            loop.train(
                config or recipe(),
                workdir,
                stream,
                {"valid": Evaluator()},
                mesh=make_mesh(jax.devices()[:devices]),
                objectives=tiny_network.LOSSES,
                **{"make_step": make_step} | options,
            )
        )
        return state

    with register(tiny_network.DECLARATION):
        yield run


@pytest.fixture(scope="module")
def whole(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The work directory of a run of four steps without interruption, and its final state."""
    workdir, stream = tmp_path_factory.mktemp("whole"), Stream()
    state = run(workdir, stream, fingerprint="cafe")
    assert stream.taken == [0, 1, 2, 3]
    assert stream.closed
    return workdir, state
