"""Which occlusion technique trains the best matte: one network for each, of equal budget, on one benchmark."""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

import rvm_jax
from data_pipeline.pipeline import section_of
from data_pipeline.sources.listing import source_roots
from eval import report
from eval.compilation_cache import keep_compilations
from eval.folders.evaluation import evaluate
from eval.folders.pairs import find_pairs
from eval.make_benchmark.benchmark import make
from eval.make_benchmark.benchmark_spec import categories
from eval.make_benchmark.manifest import read_manifest
from eval.metrics.statistics import Estimate, estimate, paired
from eval.study.trainings import batches, predict_filled, predict_with
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import read_picture, write_bytes, write_picture
from rvm_jax.output_paths import check_output_folders
from rvm_jax.train.initial_network import starting_paths
from rvm_jax.train.loop import train

METRIC = "mad"
_CLIPS_AT_ONCE = 16  # a batch of the networks' predictions

# {contender: {category: {picture or clip: the error of each seed}}}; lower is better.
Errors = dict[str, dict[str, dict[str, np.ndarray]]]

Train = Callable[[ConfigDict, Path, Callable[[int], Any], dict[str, Any]], object]  # as `rvm_jax.train.loop.train`
Predict = Callable[[Path, Path, Path], None]  # as `predict_benchmark`


def run(config: ConfigDict, workdir: Path, *, train: Train = train, predict: Predict | None = None) -> Errors:
    """Trains and evaluates all contenders, showing progress; a sweep that was interrupted is resumed.

    Args:
      config: a training recipe with a section `sweep`; see `configs/technique_sweep.py`.
      workdir: holds `benchmark/`, and by contender and seed `<name>/<seed>/` the run's work directory, `predictions/`
        and `eval.json`.
      train: what trains a contender.
      predict: what mattes the benchmark with it; by default `predict_benchmark`.

    Raises:
      UserError: if a setting does not work, or `workdir` is of another sweep.
    """
    predict = predict or predict_benchmark
    sweep = config.sweep.to_dict()
    names = list(sweep["contenders"])
    if sweep["start"] and sweep["start"] not in sweep["contenders"]:
        raise UserError(f"sweep.start: '{sweep['start']}' is none of the contenders {', '.join(names)}")
    _check_outputs(config, workdir, names)
    # All runs are one program: the first one compiles it.
    keep_compilations(workdir / "compiled")
    labels = workdir / "benchmark"
    _make_benchmark(config, labels)
    found: dict[str, list[dict[str, dict[str, float]]]] = {name: [] for name in names}
    with tqdm(total=sweep["seeds"] * (len(names) + bool(sweep["start"])), desc="sweep", unit="network") as bar:
        for seed in range(sweep["seeds"]):
            start = config.network.start_from
            if sweep["start"]:
                # Of a seed of its own: no contender sees these clips twice.
                own = sweep["seeds"] + seed
                start = str(_trained(config, workdir, "start", sweep["contenders"][sweep["start"]], own, start, train))
                bar.update()
            for name in names:
                bar.set_postfix_str(f"{name}, seed {seed}")
                if not (workdir / name / str(seed) / "eval.json").exists():
                    run = _trained(config, workdir, name, sweep["contenders"][name], seed, start, train)
                    predict(run, labels, run / "predictions")
                    _evaluate(run, labels)
                found[name].append(_errors(workdir / name / str(seed)))
                bar.update()
    return {
        name: {
            category: {unit: np.array([one[category][unit] for one in runs]) for unit in units}
            for category, units in runs[0].items()
        }
        for name, runs in found.items()
    }


def matrix(errors: Errors) -> report.Cells:
    """Returns the cells of the matrix: a line a category and their mean, a column a contender, errors with intervals.

    Intervals are over the benchmark's pictures and clips and over seeds. A star marks what is not worse than the line's
    best one by more than chance: the interval of the paired difference to that holds 0.
    """
    names = list(errors)
    lines = [["category", "units", *names]]
    first = errors[names[0]]
    for title, chosen in [*((name, [name]) for name in first), ("mean", list(first))]:
        parts = {name: {category: errors[name][category] for category in chosen} for name in names}
        estimates = {name: _estimate(part) for name, part in parts.items()}
        best = min(names, key=lambda name: estimates[name].mean)
        cells = []
        for name in names:
            equal = name == best or not paired(parts[name], parts[best]).excludes_zero
            cells.append(report.estimate_text(estimates[name]) + (" *" if equal else ""))
        lines.append([title, str(sum(len(first[category]) for category in chosen)), *cells])
    return lines


def seeds_table(errors: Errors) -> report.Cells:
    """Returns the cells of the mean over categories, a column a contender, a line a seed."""
    means = [
        np.mean([np.mean(list(units.values()), axis=0) for units in of_one.values()], axis=0)
        for of_one in errors.values()
    ]
    return [
        ["seed", *errors],
        *([str(seed), *map(report.number_text, line)] for seed, line in enumerate(np.array(means).T)),
    ]


def as_json(errors: Errors) -> str:
    """Returns the errors of all units, and their means with intervals, as JSON."""
    document = {
        "metric": METRIC,
        "means": {name: _estimate(of_one)._asdict() for name, of_one in errors.items()},
        "errors": {
            name: {category: {unit: list(each) for unit, each in units.items()} for category, units in of_one.items()}
            for name, of_one in errors.items()
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _estimate(errors: Mapping[str, Mapping[str, np.ndarray]]) -> Estimate:
    return estimate([np.array(list(units.values())) for units in errors.values()])


def _check_outputs(config: ConfigDict, workdir: Path, names: Iterable[str]) -> None:
    folders = ["benchmark", "compiled", *names, *(["start"] if config.sweep.start else [])]
    read = [*starting_paths(config.network), *source_roots(config.to_dict())]
    check_output_folders([workdir / name for name in folders], read)


def _make_benchmark(config: ConfigDict, labels: Path) -> None:
    settings = config.sweep.benchmark.to_dict()
    data = section_of(config.data, "test")
    parts, absent = categories(data, resolution=config.data.resolution, split="test", **settings)
    make(labels, parts, "test", {"seed": settings["seed"], "without_occluders": absent})


def _trained(
    config: ConfigDict, workdir: Path, name: str, techniques: Mapping[str, Any], seed: int, start: str, train: Train
) -> Path:
    """Trains a contender unless it is trained already, and returns its work directory."""
    run = workdir / name / str(seed)
    one = ConfigDict(config.to_dict())
    del one.sweep
    one.data.techniques = techniques
    one.data.seed = one.train.seed = seed
    one.network.start_from = start
    train(one, run, batches(one), {})
    return run


def _evaluate(run: Path, labels: Path) -> None:
    """Writes a contender's eval.json, whole or not at all."""
    evaluation = evaluate(find_pairs(run / "predictions", labels), progress=False)
    document = json.loads(report.as_json(evaluation, checkpoint=str(run), label_dir=str(labels)))
    document["by_unit"] = evaluation.by_unit(METRIC)
    write_bytes(run / "eval.json", (json.dumps(document, indent=1) + "\n").encode())


def _errors(run: Path) -> dict[str, dict[str, float]]:
    """Returns {category: {picture or clip: error}} from a contender's eval.json."""
    errors: dict[str, dict[str, float]] = json.loads((run / "eval.json").read_text())["by_unit"]
    return errors


def predict_benchmark(run: Path, labels: Path, predictions: Path) -> None:
    """Writes a network's alphas of all pictures and clips of a benchmark; every clip starts from a zero state.

    Args:
      run: its work directory.
      labels: the benchmark.
      predictions: where they go; what is there is removed.
    """
    shutil.rmtree(predictions, ignore_errors=True)
    predict = predict_with(rvm_jax.load(run))
    manifest = read_manifest(labels)
    for category, items in manifest["categories"].items():
        names = [[f"{i['name']}/{t:05d}.png" for t in range(i["frames"])] or [f"{i['name']}.png"] for i in items]
        for start in range(0, len(names), _CLIPS_AT_ONCE):
            part = names[start : start + _CLIPS_AT_ONCE]
            src = np.stack([[read_picture(labels / category / "img" / name) for name in clip] for clip in part])
            for clip, alphas in zip(part, predict_filled(predict, src, _CLIPS_AT_ONCE), strict=True):
                for name, alpha in zip(clip, alphas, strict=True):
                    write_picture(predictions / category / name, alpha)
