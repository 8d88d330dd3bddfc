"""The study's course with a tiny network: its sets, resuming, its networks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict
from tiny_network import CONFIG, DECLARATION, LOSSES, use_it

from configs.study import get_config
from data_pipeline.pipeline import make_batches
from eval.study import report
from eval.study.data import make_test_bed, prepare_sets
from eval.study.design import Contender, Run, Sets, run_config
from eval.study.networks import train_networks
from eval.study.outcomes import Item, Outcomes, measure, read_items
from eval.study.questions import Table
from eval.study.run import Study, read_results, read_start
from eval.study.tables import write_tables
from eval.study.trainings import Alphas
from rvm_jax import networks
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_picture
from rvm_jax.train.loop import train

SETS = Sets(*(Path(name) for name in Sets._fields))


def test_sets_and_test_bed(tmp_path: Path) -> None:
    config = get_config("tiny")
    config.study.people.update({"max_items": 1, "frames": 2})
    config.study.test.update({"frames": 2})
    sets = prepare_sets(config, tmp_path)
    run = Run(Contender("both", ("natocc", "randocc"), True), 0)
    with make_batches(run_config(config, run, sets, "start").data, batch_size=2) as stream:
        assert next(stream)["src"].shape == (2, 2, 64, 64, 3)
    roots = make_test_bed(config, tmp_path / "test")
    items = [item for root in roots for item in read_items(root, 64, held=3)]
    kinds = ["hair_and_nets", "hands", "objects", "shapes", "soft"]
    assert sorted(item.category for item in items if not item.is_clip) == kinds
    assert {item.category for item in items if item.is_clip} == {
        *(f"{kind}_moving" for kind in kinds), "depth_hands", "depth_things", "depth_worn"
    }  # fmt: skip
    assert make_test_bed(config, tmp_path / "test") == roots


def _batches(config: ConfigDict) -> Callable[[int], Any]:
    """Noise, and right alphas where it is bright, by the seed."""

    @contextmanager
    def stream(start: int) -> Iterator[Iterator[dict[str, np.ndarray]]]:
        rng = np.random.default_rng([config.data.seed, start])
        yield ({"src": src, "pha": _bright(src)[..., None]} for src in (_noise(rng, 2, 2) for _ in count()))

    return stream


def _noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(0, 256, (*shape, 64, 64, 3), dtype=np.uint8)


def _bright(rgb: np.ndarray) -> np.ndarray:
    return np.where(rgb[..., 0] > 128, 255, 0).astype(np.uint8)


def _test_bed(_: ConfigDict, folder: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    for name in ("one", "two", "three"):
        rgb = _noise(rng)
        write_picture(folder / "noise" / "img" / f"{name}.png", rgb)
        write_picture(folder / "noise" / "mask" / f"{name}.png", _bright(rgb))
    return [folder]


def test_a_study_is_resumed_where_it_stopped(tmp_path: Path) -> None:
    trained: list[str] = []
    interrupt = True

    def train_it(settings: ConfigDict, workdir: Path, *args: Any, **kwargs: Any) -> Any:
        trained.append(workdir.name)
        return train(settings, workdir, *args, objectives=LOSSES, **kwargs)

    def measure_it(items: Sequence[Item], predict: Alphas) -> Outcomes:
        if interrupt and trained[-1] == "people_0":
            raise KeyboardInterrupt
        return measure(items, predict)

    results = tmp_path / "results"
    with networks.register(DECLARATION):
        config = use_it(get_config("tiny"))
        study = Study(
            config,
            tmp_path,
            results,
            prepare=lambda *_: SETS,
            test_bed=_test_bed,
            batches=_batches,
            train=train_it,
            measure=measure_it,
        )
        with pytest.raises(KeyboardInterrupt):
            study.run("pilot")
        first = (results / "none_0.json").read_bytes()
        interrupt = False
        study.run("pilot")
        assert trained == ["start", "none_0", "people_0", "start", "people_0", "none_1", "people_1"]
        assert (results / "none_0.json").read_bytes() == first
        study.run("pilot")
        assert trained[7:] == ["start"]  # which is complete

        found = {f"{each.contender}_{each.seed}": each for each in read_results(results)}
        assert sorted(found) == ["none_0", "none_1", "people_0", "people_1"]
        assert {each.updates for each in found.values()} == {3}
        assert found["none_0"].outcomes["band"] == found["people_0"].outcomes["band"]  # of the same noise
        assert found["none_0"].outcomes["band"] != found["none_1"].outcomes["band"]
        text = report.document(Table(found.values(), ["none", "people"], read_start(results)))
        assert text.index("| start |") < text.index("| none |") < text.index("| people |")
        assert "2 contenders, 2 seeds each." in text and "| people − none | +0.00 [" in text

        config.train.batch_size = 1
        with pytest.raises(UserError, match=r"of other settings \(train\)"):
            study.run("pilot")


def test_networks_from_nothing_on_one_technique(tmp_path: Path) -> None:
    def train_it(settings: ConfigDict, *args: Any, **kwargs: Any) -> Any:
        return train(settings, *args, objectives=LOSSES, **kwargs)

    results = tmp_path / "results"
    with networks.register(DECLARATION):
        config = get_config("tiny")
        how = {"settings": CONFIG, "loss": "tiny", "rate": 1e-3, "steps": 2, "seq_length": 2, "batch_size": 2}
        config.study.networks.of = ConfigDict({"one": how, "other": {**how, "rate": 1e-2}})
        study = Study(config, tmp_path, results, None, lambda *_: SETS, _test_bed, _batches, train_it)
        train_networks(study)
        train_networks(study)  # which has nothing left to do
        assert sorted(path.stem for path in (results / "networks").iterdir()) == [
            "one_0",
            "one_1",
            "other_0",
            "other_1",
        ]
        (text,) = write_tables(config, results)
        assert text.index("| one |") < text.index("| other |") and "share of `one`" in text
        assert (results / "networks" / "tables.md").read_text() == text


def test_without_a_start_of_its_own(tmp_path: Path) -> None:
    config = get_config("hour")
    config.network.start_from = ""
    study = Study(config, tmp_path, tmp_path, prepare=lambda *_: SETS, test_bed=_test_bed)
    with pytest.raises(UserError, match=r"study.start.steps=0 needs network.start_from"):
        study.run("pilot")
