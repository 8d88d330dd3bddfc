"""The page of benchmarks: made of the JSON alone, and docs/benchmarks.md is that."""

import json
from typing import Any

from scripts import ROOT
from scripts.benchmark_page import page
from scripts.benchmarks.all import PARTS, Outcome, summary

ROW = {"name": "eval arithmetic, ours", "value": 0.4321, "unit": "ms/picture", "peer": "a loop", "ratio": 5.5}


def _document(**changes: Any) -> dict[str, Any]:
    part = {"name": "eval", "command": "scripts/benchmark.py eval", "seconds": 90.0, "rows": [ROW], "left_out": None}
    return {"environment": "A CPU, usable cores: 2", "quick": True, "benchmarks": [{**part, **changes}]}


def test_the_page_in_docs_is_made_of_its_json() -> None:
    document = json.loads((ROOT / "docs" / "benchmarks.json").read_text())
    assert (ROOT / "docs" / "benchmarks.md").read_text() == page(document), "run scripts/benchmark_page.py"


def test_a_row_and_its_command() -> None:
    text = page(_document())
    assert "| eval arithmetic, ours | 0.432 | ms/picture | a loop | 5.50 |" in text
    assert "    .venv/bin/python scripts/benchmark.py eval\n" in text
    assert "It took 1.5 minutes." in text
    assert "all --quick --json" in text
    assert max(map(len, text.splitlines())) < 130


def test_what_was_left_out_says_why() -> None:
    text = page(_document(rows=[], left_out="torch is not installed"))
    assert "Left out: torch is not installed." in text
    assert "| what |" not in text


def test_a_ratio_that_became_worse_is_marked() -> None:
    outcome = Outcome("eval", "command", 1.0, [ROW, {**ROW, "peer": "another"}])
    lines = summary([outcome], {("eval arithmetic, ours", "a loop"): 7.5, ("eval arithmetic, ours", "another"): 5.6})
    assert lines.splitlines()[2].endswith("5.50    7.50 worse")
    assert lines.splitlines()[3].rstrip().endswith("5.60")


def test_every_benchmark_of_the_command_is_part_of_all() -> None:
    names = (ROOT / "scripts" / "benchmark.py").read_text().split("BENCHMARKS = {")[1].split("}")[0]
    assert {part.name for part in PARTS} | {"all"} == {line.split('"')[1] for line in names.splitlines() if '"' in line}
