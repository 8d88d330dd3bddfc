"""The study's design, its outcomes by hand, its course with a tiny network, resuming, and its tables."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict
from tiny_network import DECLARATION, LOSSES, use_it

from configs.study import get_config
from data_pipeline.pipeline import make_batches
from eval.study import report
from eval.study.data import make_test_bed, prepare_sets
from eval.study.design import Contender, Run, Sets, contenders, run_config, runs, start_config
from eval.study.outcomes import Item, Outcomes, band_error, frames_until_back, measure, read_items
from eval.study.questions import Table
from eval.study.run import Result, Study, read_results, read_start, step_key
from eval.study.trainings import Alphas
from rvm_jax import networks
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_picture
from rvm_jax.train.loop import train

SETS = Sets(*(Path(name) for name in Sets._fields))


def test_all_have_the_same_share_of_occluded_clips() -> None:
    config = get_config()
    for run in (Run(contender, 0) for contender in contenders(config, "main")):
        data = run_config(config, run, SETS, "start").data
        weights = {name: spec.weight for name, spec in data.faces.items()}
        in_depth = weights.get("in_depth", 0.0) / sum(weights.values())
        (pasted,) = {technique.occlusion for technique in data.techniques.values()}
        occluded = 1 - (1 - in_depth) * (1 - pasted)
        assert occluded == pytest.approx(0.0 if run.contender.name == "none" else 0.6), run.name


def test_all_have_the_same_updates_start_and_occluders() -> None:
    config = get_config()
    found = [run_config(config, Run(contender, 3), SETS, "start").to_dict() for contender in contenders(config, "main")]
    for one in found:
        for technique in one["data"]["techniques"].values():
            of_technique = {key: technique[key] for key in ("jitter", "noise", "blur", "jpeg", "motion_blur")}
            assert of_technique == {"jitter": 0.3, "noise": 0.0, "blur": 0.0, "jpeg": 0.0, "motion_blur": 0.0}
        del one["data"]["techniques"], one["data"]["faces"]
        assert one == found[0]
    assert len(found) == 13
    assert found[0]["network"]["start_from"] == "start"
    assert {found[0]["data"]["seed"], found[0]["train"]["seed"]} == {3}


def test_what_is_pasted_is_what_people_in_depth_have_before_them() -> None:
    for form, pasted, unseen in (("", "people", "drawn"), ("gpu", "people", "drawn"), ("hour", "drawn", None)):
        study = get_config(form).study
        assert (study.occluders.name, study.test.get("occluders", {}).get("name")) == (pasted, unseen)


def test_what_is_left_out_is_one_thing_each() -> None:
    config = get_config()
    whole, *others = contenders(config, "leave_out")
    usual = run_config(config, Run(whole, 0), SETS, "start").data
    found = {}
    for other in others:
        data = run_config(config, Run(other, 0), SETS, "start").data
        if other.name.startswith("without"):
            changed = [
                key for key, value in data.techniques.natocc.items() if value != usual.techniques.natocc.get(key)
            ]
            changed += [key for key, value in data.faces.in_depth.items() if value != usual.faces.in_depth.get(key)]
            found[other.name] = changed
    assert found == {
        "without_soft_edge": ["edges"],
        "without_colour_transfer": ["colour_transfer"],
        "without_motion": ["motion_span", "visits"],
        "without_shadows": ["root", "shadows"],
    }
    assert SETS.with_traits({"shadows": False}) == Path("in_depth_shadows_false")


def test_what_shares_a_step() -> None:
    start = "start"
    for shares_with_start in (False, True):
        config = get_config("hour")
        config.study.start.rate = 1e-3 if shares_with_start else 2e-3
        config.study.start.warmup_steps = config.optimizer.warmup_steps
        none, people = (contender for contender in contenders(config, "pilot") if contender.name != "natocc")
        one, other = (run_config(config, run, SETS, start) for run in (Run(none, 0), Run(people, 4)))
        assert step_key(one) == step_key(other)
        assert (step_key(one) == step_key(start_config(config, SETS))) == shares_with_start
        other.optimizer.clip_norm = 2.0
        assert step_key(one) != step_key(other)


def test_the_start_sees_bare_faces_in_an_order_of_its_own() -> None:
    config = get_config()
    start = start_config(config, SETS)
    assert list(start.data.faces) == ["bare"]
    assert start.data.techniques.published.occlusion == 0
    assert start.data.seed not in {run.seed for run in runs(config, "main")}


def test_seeds_come_one_after_another() -> None:
    assert [run.name for run in runs(get_config("tiny"), "pilot")] == ["none_0", "people_0", "none_1", "people_1"]
    config = get_config("tiny")
    config.study.pilot.contenders = ("nothing",)
    with pytest.raises(UserError, match="'nothing' is none of"):
        list(runs(config, "pilot"))


def test_frames_until_back() -> None:
    label = np.full((7, 8, 8), 255, np.uint8)
    label[2:4, :4] = 0  # 32 pixels are hidden for two frames, and back from frame 4 on
    pred = label.copy()
    assert frames_until_back(pred, label) == 0
    pred[4, :2] = 0  # half of them a frame late
    assert frames_until_back(pred, label) == 0.5
    pred[4:, :2] = 0  # or never
    assert frames_until_back(pred, label) == 1.5
    assert frames_until_back(pred[:6], label[:6]) is None  # they are not seen for three frames
    assert frames_until_back(np.zeros((4, 8, 8), np.uint8), np.zeros((4, 8, 8), np.uint8)) is None


def test_band_error() -> None:
    label = np.zeros((1, 64, 64), np.uint8)
    label[:, 32:] = 255
    assert band_error(label, label) == 0
    pred = label.copy()
    pred[:, 31] = 51  # of the two rows about the edge, one is wrong by a fifth
    pred[:, 0] = 255  # far from the edge
    assert band_error(pred, label) == pytest.approx(1000 * 0.2 / 2)
    assert np.isnan(band_error(pred, np.zeros_like(label)))


def test_pictures_are_held_and_clips_are_not(tmp_path: Path) -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[20:60, 20:60] = 255
    for name in ("one", "two", "three"):
        write_picture(tmp_path / "still" / "img" / f"{name}.png", np.full((80, 80, 3), 128, np.uint8))
        write_picture(tmp_path / "still" / "mask" / f"{name}.png", mask)
    for frame in range(4):
        for folder in ("img", "mask"):
            write_picture(tmp_path / "moving" / folder / "clip" / f"{frame:05d}.png", mask)
    items = read_items(tmp_path, 64, held=3, every=2, prefix="real_")
    assert [(item.category, item.name, len(item.src), item.is_clip) for item in items] == [
        ("real_moving", "clip", 4, True), ("real_still", "one", 3, False), ("real_still", "two", 3, False)
    ]  # fmt: skip
    still = items[1].src.astype(int)
    assert (still[0] == 128).all() and 1 < still[1].std() < 3 and (still[1] != still[2]).any()

    def predict(src: np.ndarray) -> np.ndarray:  # right, then brighter by one level a frame
        labels = {item.src.tobytes(): item.pha for item in items}
        frames = np.stack([labels[clip.tobytes()] for clip in src])
        brighter: np.ndarray = np.minimum(frames, 250) + np.arange(src.shape[1], dtype=np.uint8)[:, None, None]
        return brighter

    found = measure(items, predict)
    assert found["iou"] == {"real_moving": {"clip": 1.0}, "real_still": {"one": 1.0, "two": 1.0}}
    assert found["flicker"]["real_still"]["one"] == pytest.approx(1000 / 255)
    assert set(found["flicker"]) == {"real_still"} and found["back"] == {}
    with pytest.raises(UserError, match="no labels"):
        read_items(tmp_path / "still", 64, held=3)


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
        assert "| outcome | start | none | people |" in text
        assert "2 contenders, 2 seeds each." in text and "| people − none | +0.00 [" in text

        config.train.batch_size = 1
        with pytest.raises(UserError, match=r"of other settings \(train\)"):
            study.run("pilot")


def _results(effect: float, seeds: int = 4) -> list[Result]:
    """Results of two contenders, the second of which is better by `effect`."""
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        base = {f"{i}": 50 + 3 * i + float(rng.normal()) for i in range(8)}
        for name, shift in (("none", 0.0), ("natocc", effect)):
            values = {unit: value - shift + float(rng.normal()) for unit, value in base.items()}
            categories = {"real_object": values, "real_bare": values}
            found.append(Result(name, seed, 5, {"iou": {}, "flicker": {}, "back": {}, "band": categories}))
    return found


def test_tables_say_what_differs_and_what_does_not() -> None:
    order = ["none", "natocc", "people"]
    text = report.document(Table(_results(20.0), order), planned=10)
    assert "1 of 1 pairs differ significantly: natocc − none (-" in text
    assert "| 10 |" in text  # the power of what is planned
    text = report.document(Table(_results(0.0), order))
    assert "No pair differs significantly. No difference is larger than" in text


def test_only_whole_seeds_count() -> None:
    results = _results(0.0)
    assert Table(results[:-1], ["none", "natocc"]).seeds == [0, 1, 2]
    with pytest.raises(UserError, match="run the study on"):
        Table(results[:3], ["none", "natocc"])
    with pytest.raises(UserError, match="'all' is none of"):
        report.order_of({"none": 0}, ["all"])
    assert report.order_of({"all": 0, "natocc": 0, "none": 0}, []) == ["none", "all", "natocc"]


def test_no_results(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(json.dumps({}))
    with pytest.raises(UserError, match="no results"):
        read_results(tmp_path)


def test_without_a_start_of_its_own(tmp_path: Path) -> None:
    config = get_config("hour")
    config.network.start_from = ""
    study = Study(config, tmp_path, tmp_path, prepare=lambda *_: SETS, test_bed=_test_bed)
    with pytest.raises(UserError, match=r"study.start.steps=0 needs network.start_from"):
        study.run("pilot")


def test_variants() -> None:
    with pytest.raises(UserError, match="one variant"):
        get_config("hour,gpu")
    assert {partial(get_config, each)().study.share for each in ("", "hour", "gpu", "tiny")} == {0.6}
