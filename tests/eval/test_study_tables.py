"""The study's tables, of made-up results."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from configs.study import get_config
from eval.study import report
from eval.study.questions import Table
from eval.study.run import Result, read_results
from eval.study.tables import write_tables
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import read_picture


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
    differences = text.split("**Differences from `none`**")[1].split("**")[0]
    assert re.search(r"^\| natocc \| -\d+\.\d{3} \[-.*\] \* \|", differences, re.MULTILINE)
    assert "| none |" not in differences
    text = report.document(Table(_results(0.0), order))
    assert "No pair differs significantly. No difference is larger than" in text


def test_only_whole_seeds_count() -> None:
    results = _results(0.0)
    assert Table(results[:-1], ["none", "natocc"]).seeds == [0, 1, 2]
    with pytest.raises(UserError, match="run the study on"):
        Table(results[:3], ["none", "natocc"])
    with pytest.raises(UserError, match="'all' is none of"):
        report.order_of(["none"], ["all"])
    assert report.order_of(["all", "natocc", "none"], []) == ["none", "all", "natocc"]
    assert report.order_of(["all", "natocc", "none"], ["natocc", "all"]) == ["natocc", "all"]


def test_what_is_left_out_has_a_table_of_its_own(tmp_path: Path) -> None:
    config = get_config()
    for each in _results(20.0):
        for name in (each.contender, "without_motion") if each.contender == "natocc" else (each.contender,):
            text = json.dumps(each._replace(contender=name)._asdict())
            (tmp_path / f"{name}_{each.seed}.json").write_text(text)
    first, left_out = write_tables(config, tmp_path)
    assert "without_motion" not in first and "natocc − none" in first
    for name in ("tables", "leave_out"):
        assert read_picture(tmp_path / f"{name}.png").std() > 0
    assert "none" not in left_out.split("- band")[0] and "natocc − without_motion" in left_out
    assert len(write_tables(config, tmp_path, ["none", "natocc"])) == 1


def test_no_results(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(json.dumps({}))
    with pytest.raises(UserError, match="no results"):
        read_results(tmp_path)
