"""The comparison of sources of faces: its course with a stand-in for training, its resumption, and its tables."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from configs.people_or_drawn import get_config
from eval.study import faces
from eval.study.real_faces import shrink_faces
from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture, write_picture

ROOT = Path(__file__).parents[2]


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """Two categories, pictures and a clip, half of each a face."""
    root = tmp_path / "real"
    for name in ("bare/{}/a", "bare/{}/b", "moving/{}/clip/00000", "moving/{}/clip/00001"):
        write_picture(root / f"{name.format('img')}.png", np.full((80, 96, 3), 99, np.uint8))
        mask = np.zeros((80, 96), np.uint8)
        mask[:40] = 255
        write_picture(root / f"{name.format('mask')}.png", mask)
    return root


class Stand:
    """Stands in for training and prediction; `runs` are what was trained: (folder, source, camera, seeds)."""

    def __init__(self, stops_at: str = "") -> None:
        self.runs: list[tuple[str, str, float, set[int]]] = []
        self.stops_at = stops_at

    def train(self, config: ConfigDict, workdir: Path, batches: Callable[[int], Any], evaluators: Any) -> None:
        assert "study" not in config and config.data.faces.main.prepared and config.data.occluders.drawn.prepared
        name = f"{workdir.parent.name}/{workdir.name}"
        camera = config.data.techniques.natocc.camera.probability
        self.runs.append((name, config.data.faces.main.name, camera, {config.data.seed, config.train.seed}))
        if name == self.stops_at:
            raise KeyboardInterrupt
        with batches(0) as stream:
            assert next(stream)["src"].shape == (2, 2, 64, 64, 3)

    def predict(self, run: Path, labels: Path, predictions: Path) -> None:
        """All of the face, with one seed; of the other, half of it."""
        for mask in labels.glob("*/mask/**/*.png"):
            category, _, *rest = mask.relative_to(labels).parts
            alpha = read_mask(mask, rescale=False)
            alpha[: 16 * int(run.name)] = 0
            write_picture(predictions.joinpath(category, *rest), alpha)

    def run(self, config: ConfigDict, workdir: Path, real: Path) -> faces.Results:
        return faces.run(config, workdir, real, train=self.train, predict=self.predict)


def test_the_course_and_the_tables(tmp_path: Path, real: Path) -> None:
    config = get_config("tiny,drawn,without_camera")
    config.study.contenders.drawn.seeds = 2
    with pytest.raises(KeyboardInterrupt):
        Stand(stops_at="drawn/1").run(config, tmp_path / "work", real)
    assert json.loads((tmp_path / "work/results.json").read_text())["results"].keys() == {"drawn", "without_camera"}
    stand = Stand()
    found = stand.run(config, tmp_path / "work", real)
    assert stand.runs == [("drawn/1", "drawn", 0.5, {1})]
    again = Stand()
    assert again.run(config, tmp_path / "work", real) == found and not again.runs
    head, drawn, camera = faces.table(found, "iou")
    assert head == ["faces", "seeds", "bare", "moving", "mean", "seeds from", "to"]
    assert drawn == ["drawn", "2", "0.750", "0.750", "0.750", "0.500", "1.000"]
    assert camera == ["without_camera", "1", "1.000", "1.000", "1.000", "1.000", "1.000"]
    assert faces.table(found, "mad")[1][-3:] == ["125.0", "0.0", "250.0"]


def test_contenders_differ_in_their_faces_alone() -> None:
    config = get_config()
    people = config.study.contenders.people.faces.main
    assert set(config.study.contenders) == {"drawn", "people", "without_hands", "without_shadows", "without_camera",
                                            "without_hair"}  # fmt: skip
    assert config.study.contenders.drawn.faces.main.max_items == people.max_items * people.frames
    for name, contender in config.study.contenders.items():
        assert set(contender) <= ({"seeds", "faces", "techniques"} if name == "without_camera" else {"seeds", "faces"})
    with pytest.raises(UserError, match="no variant"):
        get_config("half")


def test_real_faces_are_shrunk_once(tmp_path: Path, real: Path) -> None:
    output = shrink_faces(real, tmp_path / "out", 40)
    assert read_picture(output / "moving/img/clip/00001.png").shape == (40, 48, 3)
    assert read_mask(output / "bare/mask/a.png").mean() == pytest.approx(127.5)
    assert shrink_faces(tmp_path / "gone", tmp_path / "out", 40) == output
    with pytest.raises(UserError, match="its faces have a side of 40, not 64; give another --workdir"):
        shrink_faces(real, tmp_path / "out", 64)
    with pytest.raises(UserError, match="no faces; they are expected as <category>/img"):
        shrink_faces(tmp_path / "out" / "bare", tmp_path / "other", 40)
    (real / "bare/mask/a.png").unlink()
    with pytest.raises(UserError, match="it has 0 masks in bare/mask; give it one of the same name"):
        shrink_faces(real, tmp_path / "other", 40)


def test_the_script_says_what_it_needs(tmp_path: Path, real: Path) -> None:
    script, options = str(ROOT / "scripts/study_faces.py"), [f"--faces={real}", f"--workdir={tmp_path / 'work'}"]
    for config, message in (("quickstart", "give a recipe with a section `study`"), ("", "give a recipe")):
        given = [f"--config=configs/{config}.py"] if config else []
        done = subprocess.run([sys.executable, script, *given, *options], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 1 and message in done.stderr
    assert not (tmp_path / "work").exists()
