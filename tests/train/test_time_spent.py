"""What a training's time went into, and the quickstart's table of it."""

import json
from pathlib import Path

from etils import epath

from rvm_jax.train.time_spent import FILE, TimeSpent
from scripts.quickstart import time_table


def test_all_time_is_counted_once(tmp_path: Path) -> None:
    now = [100.0]
    spent = TimeSpent(lambda: now[0])
    now[0] += 2
    spent.so_far("preparation")
    with spent.on("steps"):
        now[0] += 5
    now[0] += 1
    spent.so_far("steps")
    now[0] += 1
    spent.so_far("validation")
    assert spent.by_name() == {"steps": 6, "preparation": 2, "validation": 1}
    spent.write(epath.Path(tmp_path))
    assert json.loads((tmp_path / FILE).read_text()) == spent.by_name()


def test_the_table_shows_the_training_s_parts_and_its_start() -> None:
    lines = time_table({"Training": 360, "Matting": 30}, {"steps": 240, "compilation": 60}).splitlines()
    assert [line.split() for line in lines] == [
        ["6.0", "Training"],
        ["4.0", "steps"],
        ["1.0", "compilation"],
        ["1.0", "starting", "the", "program"],
        ["0.5", "Matting"],
    ]
