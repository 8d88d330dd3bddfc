"""The training loop with a shipped recipe, a tiny network and made-up clips: resuming, logs, and what it refuses."""

import itertools
import json
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import cv2
import jax
import numpy as np
import pytest
import tiny_network
from flax import nnx
from ml_collections import ConfigDict

import rvm_jax
from configs import quickstart
from rvm_jax import UserError
from rvm_jax.media.pictures import read_picture
from rvm_jax.networks import Network, functional, register
from rvm_jax.train import loop
from rvm_jax.train.devices import make_mesh
from rvm_jax.train.phases import Batch, Batches
from rvm_jax.train.preemption import Preempted
from rvm_jax.train.state import TrainState
from rvm_jax.train.step import StepMaker, StepSettings, TrainStep, make_train_step


def recipe(**train: object) -> ConfigDict:
    config = tiny_network.use_it(quickstart.get_config("tiny"))
    config.train.update(train)
    return config


def batch(step: int) -> dict[str, np.ndarray]:
    """Two clips of two frames: a grey disc, the face, jumps about over noise."""
    rng = np.random.default_rng(step)
    noise = rng.integers(0, 256, (2, 2, 64, 64, 3), dtype=np.uint8)
    pha = np.zeros((2, 2, 64, 64, 1), np.uint8)
    for b, t in itertools.product(range(2), range(2)):
        x, y = rng.integers(20, 44, 2).tolist()
        cv2.circle(pha[b, t], (x, y), 16, 255, -1)
    return {"src": np.where(pha > 0, np.uint8(128), noise), "pha": pha}


class Interruption(Exception):
    pass


class Stream:
    """What `train` takes as `batches`; it notes the batches taken, and calls `then` before the one numbered `until`."""

    def __init__(self, until: int | None = None, then: Callable[[], None] = lambda: None) -> None:
        self.until, self.then, self.taken, self.closed = until, then, list[int](), False

    @contextmanager
    def __call__(self, start: int) -> Iterator[Iterator[Batch]]:
        try:
            yield self.batches(start)
        finally:
            self.closed = True

    def batches(self, start: int) -> Iterator[Batch]:
        for step in itertools.count(start):
            if step == self.until:
                self.then()
            self.taken.append(step)
            yield batch(step)


def interrupt() -> None:
    raise Interruption


class Evaluator:
    """Yields a running mean of the network, and a grey picture."""

    metrics = ("mean",)

    def __call__(self, network: Any, /) -> Iterator[tuple[str, float | np.ndarray]]:
        yield "mean", float(jax.device_get(network.backbone[1].running_mean[...])[0])
        yield "clips", np.full((8, 8, 3), 200, np.uint8)


@pytest.fixture(scope="module")
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


# A work directory and the final state.
Whole = tuple[Path, TrainState]


class Run(Protocol):
    def __call__(
        self, workdir: Path, stream: Batches, devices: int = 2, config: ConfigDict | None = None, **options: Any
    ) -> TrainState: ...


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


def curves(workdir: Path) -> list[tuple[int, dict[str, float]]]:
    """What was logged, as [(step, values)], but for what the clock says."""
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    timed = ("frames_per_second", "data_wait")
    return [(line["step"], {k: v for k, v in line.items() if k not in ("step", *timed)}) for line in lines]


def assert_same_tree(actual: Any, expected: Any) -> None:
    assert str(jax.tree.structure(actual)) == str(jax.tree.structure(expected))
    for one, other in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_work_directory(whole: Whole) -> None:
    workdir, state = whole
    assert int(state.step) == 4
    found = {str(path.relative_to(workdir)) for path in workdir.rglob("*")}
    assert {"config.json", "metrics.jsonl", "pictures/valid_clips_000004.jpg"} <= found
    assert {f"checkpoints/{step}/{item}" for step in (2, 4) for item in ("model", "train")} <= found
    assert list((workdir / "tensorboard").glob("events*"))
    assert json.loads((workdir / "config.json").read_text()) == json.loads(json.dumps(recipe().to_dict()))
    (start,) = json.loads((workdir / "starts.json").read_text())
    assert (start["step"], start["data_fingerprint"]) == (0, "cafe")
    assert {"jax", "flax", "numpy", "python"} <= set(start["versions"])
    assert start["devices"].startswith("2 ") or jax.device_count() != 2


def test_what_is_logged(whole: Whole) -> None:
    workdir, state = whole
    logged = curves(workdir)
    assert sorted(step for step, values in logged if "loss/total" in values) == [1, 2, 3, 4]
    for step, values in logged:
        if "loss/total" in values:
            parts = [values[f"loss/{name}"] for name in ("pha_l1", "pha_coherence")]
            assert values["loss/total"] == pytest.approx(sum(parts), rel=1e-6)
            assert values["gradient_norm"] > 0
            assert values["skipped"] == values["skipped_in_row"] == 0
            # one step of warm-up, then down a cosine of three
            factor = (0, 1, 0.75, 0.25)[step - 1]
            assert values["rate/backbone"] == pytest.approx(1e-2 * factor, abs=1e-8)
        else:
            assert step == 4
            assert values == {"valid/mean": pytest.approx(float(state.batch_stats["backbone.1.running_mean"][0]))}
    (first, *_) = (workdir / "metrics.jsonl").read_text().splitlines()
    assert json.loads(first)["frames_per_second"] > 0
    assert 0 <= json.loads(first)["data_wait"] <= 1


def test_its_latest_checkpoint_is_the_final_network(whole: Whole) -> None:
    workdir, state = whole
    _, params, batch_stats = functional.split(rvm_jax.load(workdir))
    assert_same_tree(jax.device_get((params, batch_stats)), (state.params, state.batch_stats))


def test_an_interrupted_run_resumes_bit_for_bit(whole: Whole, run: Run, tmp_path: Path) -> None:
    first, second = Stream(3, interrupt), Stream()
    with pytest.raises(Interruption):
        run(tmp_path, first, fingerprint="cafe")
    assert first.closed
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["2"]
    with (tmp_path / "metrics.jsonl").open("a") as file:  # what it logged after its checkpoint, the last line cut short
        file.write('{"step": 3, "loss/total": 9.0}\n{"step": 4, "loss/to')
    (tmp_path / "checkpoints" / "3.orbax-checkpoint-tmp").mkdir()  # killed while it wrote

    state = run(tmp_path, second, fingerprint="cafe")
    assert second.taken == [2, 3]
    workdir, expected = whole
    assert_same_tree(state, expected)
    assert curves(tmp_path) == curves(workdir)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["2", "4"]
    assert [start["step"] for start in json.loads((tmp_path / "starts.json").read_text())] == [0, 2]


def test_sigterm_saves_first(whole: Whole, run: Run, tmp_path: Path) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    stream = Stream(2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Preempted, match="after step 3, which is saved"):
        run(tmp_path, stream)
    assert signal.getsignal(signal.SIGTERM) == handler
    assert stream.taken == [0, 1, 2]
    assert (tmp_path / "checkpoints" / "3").is_dir()
    state = run(tmp_path, Stream())
    workdir, expected = whole
    assert_same_tree(state, expected)
    assert curves(tmp_path) == curves(workdir)


def test_a_finished_run_takes_no_batch(whole: Whole, run: Run) -> None:
    workdir, expected = whole
    logged = curves(workdir)
    stream = Stream()
    assert_same_tree(run(workdir, stream, fingerprint="cafe"), expected)
    assert stream.taken == []
    assert curves(workdir) == logged


def test_one_device_computes_what_two_do(whole: Whole, run: Run, tmp_path: Path) -> None:
    with pytest.raises(Interruption):
        run(tmp_path, Stream(3, interrupt), devices=1)
    expected = dict(curves(whole[0]))
    logged = curves(tmp_path)
    assert [step for step, _ in logged] == [1, 2]
    for step, values in logged:
        for key in ("loss/total", "gradient_norm"):
            assert values[key] == pytest.approx(expected[step][key], rel=1e-5), (step, key)


def test_other_settings_are_refused_unless_told_to(whole: Whole, run: Run) -> None:
    workdir, _ = whole
    config = recipe(seed=7)
    config.data.faces.main.max_items = 5
    config.log.every = 3  # may change
    difference = "data.faces.main.max_items is 5, was 4000; train.seed is 7, was 0"
    with pytest.raises(UserError) as caught:
        run(workdir, Stream(), config=config)
    assert str(caught.value) == (
        f"{workdir}: was made with other settings ({difference}); use another --workdir, or resume with these by "
        "--allow_changes"
    )
    assert json.loads((workdir / "config.json").read_text())["train"]["seed"] == 0


def test_changes_that_were_allowed(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Interruption):
        run(tmp_path, Stream(3, interrupt), fingerprint="cafe")
    with pytest.raises(UserError, match=r"was made with other data \(fingerprint cafe, now beef\): the number"):
        run(tmp_path, Stream(), fingerprint="beef")
    config = recipe()
    config.optimizer.clip_norm = 0.5
    with pytest.raises(UserError, match=r"optimizer\.clip_norm is 0\.5, was 0\.0"):
        run(tmp_path, Stream(), config=config, fingerprint="cafe")
    config = recipe()
    config.data.seed = 5
    assert int(run(tmp_path, Stream(), config=config, fingerprint="beef", allow_changes=True).step) == 4
    assert "resuming with other settings: data.seed is 5, was 0" in capsys.readouterr().out
    assert json.loads((tmp_path / "config.json").read_text())["data"]["seed"] == 5


def black(step: int) -> dict[str, np.ndarray]:
    return {"src": np.zeros_like(batch(step)["src"]), "pha": batch(step)["pha"]}


class SomeBlack(Stream):
    """Its batches numbered in `black` are black, for which the tiny loss is not finite."""

    def __init__(self, *black: int) -> None:
        super().__init__()
        self.black = black

    def batches(self, start: int) -> Iterator[Batch]:
        for step, good in zip(itertools.count(start), super().batches(start), strict=False):
            yield black(step) if step in self.black else good


def test_updates_that_are_not_finite_are_skipped(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = run(tmp_path, SomeBlack(1, 3))
    assert (int(state.step), int(state.skipped), int(state.skipped_in_row)) == (4, 2, 1)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(state))
    assert int(state.batch_stats["backbone.1.num_batches_tracked"]) == 2
    assert [int(values["skipped"]) for _, values in curves(tmp_path) if "skipped" in values] == [0, 1, 1, 2]
    assert "step 2: loss/total is nan, the gradient's norm nan; the update is skipped" in capsys.readouterr().out


def test_too_many_in_a_row_stop_the_run(run: Run, tmp_path: Path) -> None:
    config = recipe(max_skipped_in_row=2)
    with pytest.raises(
        UserError, match=r"step 4: loss/total is nan.* 2 times in a row .*max_skipped_in_row.*\.npz"
    ) as caught:
        run(tmp_path, SomeBlack(2, 3), config=config)
    path = next(tmp_path.glob("failed_batch_*.npz"))
    assert path.name == "failed_batch_000004_host0.npz"
    assert str(path) in str(caught.value)
    with np.load(path) as kept:
        assert_same_tree(dict(kept), black(3))
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["2"]


def test_a_full_disk_leaves_the_last_checkpoint(whole: Whole, run: Run, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))

    try:
        with pytest.raises(UserError, match=r"cannot be (read or )?written \(.+\)"):
            run(tmp_path, Stream(2, fill_the_disk))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_same_tree(run(tmp_path, Stream()), whole[1])
    assert curves(tmp_path) == curves(whole[0])


@pytest.mark.parametrize("name", ["", "config.json", "checkpoints", "metrics.jsonl", "tensorboard"])
def test_a_work_directory_that_cannot_be_written(run: Run, tmp_path: Path, name: str) -> None:
    path = tmp_path / "work" / name
    path.parent.mkdir(exist_ok=True)
    if name in ("config.json", "metrics.jsonl"):
        path.mkdir()  # where a file should go
    else:
        path.touch()
    with pytest.raises(UserError, match=r"cannot be (read or )?written \(.+\)"):
        run(tmp_path / "work", Stream())


def test_a_damaged_checkpoint(run: Run, tmp_path: Path) -> None:
    with pytest.raises(Interruption):
        run(tmp_path, Stream(3, interrupt))
    for path in (tmp_path / "checkpoints" / "2" / "train").rglob("*"):
        if path.is_file() and path.parent.name == "d":
            path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(
        UserError, match=r"checkpoints/2: the checkpoint is damaged .* remove it to resume from the one"
    ):
        run(tmp_path, Stream())


def test_the_best_network_is_kept(run: Run, tmp_path: Path) -> None:
    config = recipe(keep_best="valid/mean")
    config.eval.every = 1
    run(tmp_path, Stream(), config=config)
    means = {step: values["valid/mean"] for step, values in curves(tmp_path) if "valid/mean" in values}
    assert len(means) == 4
    (kept,) = (tmp_path / "best").iterdir()
    assert int(kept.name) == min(means, key=means.__getitem__)
    assert dict(Evaluator()(rvm_jax.load(tmp_path / "best")))["mean"] == min(means.values())
    config.train.keep_best = "valid/mse"
    with pytest.raises(UserError, match=r"train\.keep_best 'valid/mse' is no metric of the evaluation; use valid/mean"):
        run(tmp_path / "other", Stream(), config=config)
    assert not (tmp_path / "other").exists()  # said at the start


def test_pictures_of_the_training(run: Run, tmp_path: Path) -> None:
    config = recipe()
    config.log.pictures_every = 3
    run(tmp_path, Stream(), config=config)
    assert [path.name for path in (tmp_path / "pictures").glob("training*")] == ["training_000003.jpg"]
    sheet = read_picture(tmp_path / "pictures" / "training_000003.jpg")
    assert sheet.shape == (2 * 68 + 4, 4 * 68 + 4, 3)  # two frames: input, true and predicted alpha, error
    true = sheet[4:68, 72:136]
    assert np.abs(true - batch(2)["pha"][0, 0].astype(int)).mean() < 8  # JPEG
    assert 0 < sheet[4:68, 140:204].mean() < 255


def test_the_devices_must_divide_the_batch(run: Run, tmp_path: Path) -> None:
    config, count = recipe(batch_size=jax.device_count() + 1), jax.device_count()
    with pytest.raises(UserError, match=rf"{count + 1} clips at a time .* cannot be split across {count} devices"):
        run(tmp_path / "work", Stream(), devices=count, config=config)
    assert not (tmp_path / "work").exists()


def test_an_unknown_loss(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.loss 'alfa' is unknown; use one of alpha, "):
        run(tmp_path / "work", Stream(), config=recipe(loss="alfa"))
    assert not (tmp_path / "work").exists()


def test_a_trace_of_some_steps(run: Run, tmp_path: Path) -> None:
    run(tmp_path, Stream(), profile_steps=1)
    assert list((tmp_path / "profile").rglob("*.xplane.pb"))


def with_an_extra_phase() -> ConfigDict:
    """A recipe whose even steps have a second phase, of cropped clips."""
    config = recipe()
    config.train.phases = {
        "second": {"loss": "tiny", "every": 2, "first": 2, "batch_size": 2, "crop_sizes": ((32, 48),)}
    }
    return config


def test_phases_in_turns(run: Run, tmp_path: Path) -> None:
    first, second = Stream(), Stream()
    whole = run(tmp_path / "whole", first, config=with_an_extra_phase(), phase_batches={"second": second})
    assert (first.taken, second.taken) == ([0, 1, 2, 3], [0, 1])
    assert int(whole.step) == 6  # updates
    assert int(whole.batch_stats["backbone.1.num_batches_tracked"]) == 6
    logged = dict(curves(tmp_path / "whole")[:4])
    assert ["second/loss/total" in logged[step] for step in (1, 2, 3, 4)] == [False, True, False, True]
    # The schedule counts updates: one of warm-up, then down to 0 at the sixth.
    assert logged[4]["rate/backbone"] == pytest.approx(1e-2 * (1 + np.cos(np.pi * 4 / 5)) / 2, rel=1e-4)

    with pytest.raises(Interruption):
        streams = {"second": Stream()}
        run(tmp_path / "cut", Stream(3, interrupt), config=with_an_extra_phase(), phase_batches=streams)
    second = Stream()
    again = run(tmp_path / "cut", Stream(), config=with_an_extra_phase(), phase_batches={"second": second})
    assert second.taken == [1]
    assert_same_tree(again, whole)


def test_a_loss_that_the_network_does_not_have(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.loss=mgmatting does not fit the network tiny .*; its own is .*=tiny"):
        run(tmp_path / "work", Stream(), config=recipe(loss="mgmatting"))
    assert not (tmp_path / "work").exists()


def test_no_steps(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.steps=0 must be 1 or more"):
        run(tmp_path / "work", Stream(), config=recipe(steps=0))
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(("first", "then"), [(0.0, 0.9), (0.9, 0.0)])
def test_a_run_may_begin_or_end_to_keep_an_average(run: Run, tmp_path: Path, first: float, then: float) -> None:
    """The checkpoint of the one is read by the other: the trained weights and the optimizer's moments are kept."""
    with pytest.raises(Interruption):
        run(tmp_path, Stream(3, interrupt), config=recipe(average_decay=first))
    config = recipe(average_decay=then)
    with pytest.raises(UserError, match=r"train\.average_decay is"):
        run(tmp_path, Stream(), config=config)
    state = run(tmp_path, Stream(), config=config, allow_changes=True)
    whole = run(tmp_path / "whole", Stream(), config=recipe(average_decay=first))
    assert_same_tree(state.params, whole.params)
    assert_same_tree(state.opt_state, whole.opt_state)
    assert bool(state.average) == bool(then)


def test_another_optimizer_takes_what_it_can(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Interruption):
        run(tmp_path, Stream(3, interrupt))
    config = recipe()
    config.optimizer.update({"clip_norm": 1e9, "weight_decay": 1e-9})
    state = run(tmp_path, Stream(), config=config, allow_changes=True, make_step=make_train_step)
    assert int(state.opt_state[1][0].count) == 4
    assert "restart" not in capsys.readouterr().out

    with pytest.raises(Interruption):
        run(tmp_path / "other", Stream(3, interrupt))
    config.optimizer.update({"name": "sgd", "kwargs": {"momentum": 0.9}})
    run(tmp_path / "other", Stream(), config=config, allow_changes=True, make_step=make_train_step)
    assert "the optimizer's trace of the checkpoint cannot be used and restart" in capsys.readouterr().out


def test_metrics_are_fetched_when_they_are_logged_and_nothing_moves_unasked(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two steps of four are logged; skipped updates of the others are told then, too."""
    config = recipe()
    config.log.every = 2
    run(tmp_path / "warm", Stream())  # what is compiled in the loop's first steps may hold constants
    network = tiny_network.TinyNetwork(rngs=nnx.Rngs(0))
    with jax.transfer_guard("disallow"):
        run(tmp_path / "work", SomeBlack(0), config=config, network=network)
    assert [step for step, values in curves(tmp_path / "work") if "loss/total" in values] == [2, 4]
    assert "step 1: loss/total is nan" in capsys.readouterr().out


def test_a_batch_that_is_gone_is_not_kept(run: Run, tmp_path: Path) -> None:
    config = recipe(max_skipped_in_row=2, checkpoint_every=4)
    config.log.every = 3
    with pytest.raises(
        UserError, match=r"step 2: .* 2 times in a row .*; its batch is gone by now, log\.every=1 keeps"
    ):
        run(tmp_path, SomeBlack(0, 1), config=config)
    assert not list(tmp_path.glob("failed_batch_*"))
