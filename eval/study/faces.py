"""Which faces train the best matte: a network for each source of faces, of equal budget, measured on real faces."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from data_pipeline.prepare_source import prepare_source
from data_pipeline.sources.base import Kind, Request
from eval import report
from eval.compilation_cache import keep_compilations
from eval.folders.evaluation import evaluate
from eval.folders.pairs import find_pairs
from eval.study.real_faces import predict_faces, shrink_faces
from eval.study.trainings import batches
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes
from rvm_jax.train.loop import train

METRICS = ("iou", "mad")
# Sections of the data that are rendered before the trainings.
_KINDS: dict[str, Kind] = {"faces": "face", "occluders": "occluder"}

# {contender: [by seed: {metric: {category: its mean}}]}
Results = dict[str, list[dict[str, dict[str, float]]]]

Train = Callable[[ConfigDict, Path, Callable[[int], Any], dict[str, Any]], object]  # as `rvm_jax.train.loop.train`
Predict = Callable[[Path, Path, Path], None]  # as `real_faces.predict_faces`


def run(
    config: ConfigDict, workdir: Path, faces: Path, *, train: Train = train, predict: Predict = predict_faces
) -> Results:
    """Renders the data of all contenders, trains and measures them, showing progress; what is there is not made again.

    Seeds have their turn one after the other, so that a study that was stopped compares what it has.

    Args:
        config: a training recipe with a section `study`; see `configs/people_or_drawn.py`.
        workdir: holds `prepared/`, `faces/` (the real ones at the training's size), and by contender and seed
            `<name>/<seed>/` the run's work directory, `predictions/` and `errors.json`.
        faces: real faces, `<category>/img` and `<category>/mask`.
        train: what trains a contender.
        predict: what mattes the faces with it.

    Raises:
        UserError: for a setting that does not work, or faces without masks.
    """
    study = config.study.to_dict()
    contenders = study["contenders"]
    if not contenders:
        raise UserError("study.contenders: there are none; name at least one source of faces")
    keep_compilations(workdir / "compiled")  # all runs are one program
    labels = shrink_faces(faces, workdir / "faces", config.data.resolution)
    turns = [
        (seed, name)
        for seed in range(max(one["seeds"] for one in contenders.values()))
        for name, one in contenders.items()
        if seed < one["seeds"]
    ]
    found: Results = {name: [] for name in contenders}
    with tqdm(turns, "study", unit="network") as bar:
        for seed, name in bar:
            bar.set_postfix_str(f"{name}, seed {seed}")
            one = workdir / name / str(seed)
            if not (one / "errors.json").exists():
                trained = _recipe(config, name, seed, workdir / "prepared")
                train(trained, one, batches(trained), {})
                predict(one, labels, one / "predictions")
                _measure(one, labels)
            found[name].append(json.loads((one / "errors.json").read_text()))
            write_bytes(workdir / "results.json", as_json(found, config).encode())
    return found


def table(results: Results, metric: str) -> report.Cells:
    """Returns the cells of a metric: a line a contender; its mean over seeds by category, and over categories with the
    least and the greatest of the seeds."""
    done = {name: runs for name, runs in results.items() if runs}
    categories = sorted(next(iter(done.values()))[0][metric])
    lines = [["faces", "seeds", *categories, "mean", "seeds from", "to"]]
    for name, runs in done.items():
        by_category = np.array([[one[metric][category] for category in categories] for one in runs])
        means = by_category.mean(1)
        numbers = [*by_category.mean(0), means.mean(), means.min(), means.max()]
        lines.append([name, str(len(runs)), *(_number(value, metric) for value in numbers)])
    return lines


def as_json(results: Results, config: ConfigDict) -> str:
    """Returns the errors of every run, and the budget that they had, as JSON."""
    data, training = config.data, config.train
    budget = {
        "resolution": data.resolution,
        "seq_length": data.seq_length,
        "steps": training.steps,
        "batch_size": training.batch_size,
        "contenders": config.study.contenders.to_dict(),
    }
    return json.dumps({"budget": budget, "results": results}, indent=1) + "\n"


def _number(value: float, metric: str) -> str:
    return f"{value:.3f}" if metric == "iou" else f"{value:.1f}"


def _recipe(config: ConfigDict, name: str, seed: int, prepared: Path) -> ConfigDict:
    """Returns what a contender trains by, with its rendered data in the place of sources that would be rendered."""
    settings = config.to_dict()
    contender = settings.pop("study")["contenders"][name]
    data = settings["data"] | {key: value for key, value in contender.items() if key != "seeds"}
    for section, kind in _KINDS.items():
        owner = name if section in contender else "all"
        for label, spec in data[section].items():
            where = f"{section}.{label}"
            output = prepared / f"{owner}_{section}_{label}"
            prepare_source(output, spec, Request(kind, "train", data["resolution"], where), "train", part_size=200)
            data[section][label] = spec | {"root": str(output), "prepared": True}
    settings["data"] = data | {"seed": seed}
    settings["train"]["seed"] = seed
    return ConfigDict(settings)


def _measure(one: Path, labels: Path) -> None:
    """Writes a contender's errors.json, whole or not at all."""
    evaluation = evaluate(find_pairs(one / "predictions", labels), ["all"], ["iou"], progress=False)
    errors: dict[str, Mapping[str, float]] = {
        metric: {row.category: row.values[metric].mean for row in evaluation.categories} for metric in METRICS
    }
    write_bytes(one / "errors.json", (json.dumps(errors, indent=1) + "\n").encode())
