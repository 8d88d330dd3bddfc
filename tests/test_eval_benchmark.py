"""Folders → pairs → rows → table and JSON: the layout, the means, and every error that a user can make."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from eval import benchmark, report
from eval.folders import find_pairs
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_picture

ROOT = Path(__file__).parents[1]


def _disc(height=40, width=48, radius=12):
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - height / 2, x - width / 2)
    return (255 * np.clip(radius - distance, 0, 1)).astype(np.uint8)


@pytest.fixture
def folders(tmp_path):
    """Two categories: `hands` with two pictures of different size, `masks` with a clip of three frames."""
    pred_dir, label_dir = tmp_path / "pred", tmp_path / "label"
    for name, label in {"a": _disc(), "b.2": _disc(70, 66, 20)}.items():
        write_picture(label_dir / "hands" / "img" / f"{name}.jpg", np.zeros((*label.shape, 3), np.uint8))
        write_picture(label_dir / "hands" / "mask" / f"{name}.png", label)
        write_picture(pred_dir / "hands" / f"{name}.png", label // 2)
    for frame in range(3):
        label = _disc(radius=8 + frame)
        write_picture(label_dir / "masks" / "mask" / "0001" / f"{frame:05d}.png", np.dstack([label] * 3))
        write_picture(pred_dir / "masks" / "0001" / f"{frame:05d}.jpg", np.dstack([label] * 3), jpeg_quality=100)
    return pred_dir, label_dir


def _error(pred_dir, label_dir):
    with pytest.raises(UserError) as caught:
        benchmark.evaluate(find_pairs(pred_dir, label_dir))
    return str(caught.value)


def test_pairs(folders):
    pred_dir, label_dir = folders
    pairs = find_pairs(pred_dir, label_dir)
    frames = [f"masks/0001/{frame:05d}" for frame in range(3)]
    assert [pair.key for pair in pairs] == ["hands/a", "hands/b.2", *frames]
    assert [pair.category for pair in pairs] == ["hands", "hands", "masks", "masks", "masks"]
    assert pairs[1].pred == pred_dir / "hands" / "b.2.png"
    assert pairs[2].label == label_dir / "masks" / "mask" / "0001" / "00000.png"
    assert [pair.key for pair in find_pairs(pred_dir, label_dir, exclude=["masks"])] == ["hands/a", "hands/b.2"]


def test_rows_are_means_over_pictures_then_over_categories(folders):
    evaluation = benchmark.evaluate(find_pairs(*folders))
    hands, masks = evaluation.categories
    assert (hands.category, hands.pictures, masks.category, masks.pictures) == ("hands", 2, "masks", 3)
    expected = []
    for name in ("a", "b.2"):
        label = cv2.imread(str(folders[1] / "hands" / "mask" / f"{name}.png"), cv2.IMREAD_GRAYSCALE).astype(int)
        expected.append(abs(label - label // 2).mean() / 255)
    assert hands.mad == pytest.approx(np.mean(expected))
    pictures = [picture.sums["described"].mse for picture in evaluation.pictures if picture.category == "hands"]
    assert hands.mse["described"] == pytest.approx(np.mean(pictures))
    assert masks.mad < 0.01 < hands.mad
    mean = evaluation.mean
    assert mean.pictures == 5
    assert mean.mad == pytest.approx((hands.mad + masks.mad) / 2)
    assert mean.sad["published"] == pytest.approx((hands.sad["published"] + masks.sad["published"]) / 2)


def test_batches_do_not_matter(folders, monkeypatch):
    pairs = find_pairs(*folders)
    evaluation = benchmark.evaluate(pairs)
    monkeypatch.setattr(benchmark, "_BATCH_PIXELS", 2 * 64 * 64)
    assert benchmark.evaluate(pairs) == evaluation


def test_best_constant_alpha(tmp_path):
    """Labels 0, 0, 255 in one picture and 51 in another, larger one: pictures weigh the same."""
    pictures = {"x": np.repeat(np.uint8([[0, 0, 255]]), 3, 0), "y": np.full((6, 6), 51, np.uint8)}
    for name, label in pictures.items():
        write_picture(tmp_path / "label" / "c" / "mask" / f"{name}.png", label)
        write_picture(tmp_path / "pred" / "c" / f"{name}.png", label)
    row = benchmark.evaluate(find_pairs(tmp_path / "pred", tmp_path / "label"), ("described",)).mean
    errors = {c: np.mean([abs(label / 255 - c / 255).mean() for label in pictures.values()]) for c in range(256)}
    best = min(errors, key=errors.__getitem__)
    assert (row.constant_alpha, row.constant_mad) == pytest.approx((best / 255, errors[best]))
    assert row.mad == 0


def test_a_faint_prediction_is_taken_as_it_is_but_a_label_of_0_and_1_is_scaled(tmp_path):
    label = (_disc() > 127).astype(np.uint8)
    write_picture(tmp_path / "label" / "c" / "mask" / "x.png", label)
    write_picture(tmp_path / "pred" / "c" / "x.png", label)
    row = benchmark.evaluate(find_pairs(tmp_path / "pred", tmp_path / "label")).mean
    assert row.mad == pytest.approx(label.mean() * 254 / 255)


def test_table_markdown_and_json(folders):
    evaluation = benchmark.evaluate(find_pairs(*folders), ("published",))
    lines = report.table(evaluation).splitlines()
    assert lines[0].split("  ")[0] == "category"
    assert len({len(line) for line in lines}) == 1
    assert "described" not in lines[0]
    assert [line.split()[0] for line in lines[2:4]] == ["hands", "masks"]
    assert report.markdown(evaluation).count("\n| ") == 4
    document = json.loads(report.as_json(evaluation, pred_dir="p"))
    assert document["pred_dir"] == "p"
    assert document["mean"]["mse"] == evaluation.mean.mse
    assert [row["category"] for row in document["categories"]] == ["hands", "masks"]
    assert document["pictures"][0]["name"] == "hands/a"
    assert document["pictures"][0]["all"]["pixels"] == 40 * 48
    assert document["pictures"][1]["published"]["mse"] == evaluation.pictures[1].sums["published"].mse


def test_all_naming_problems_are_reported_at_once(folders):
    pred_dir, label_dir = folders
    (pred_dir / "hands" / "a.png").unlink()
    write_picture(pred_dir / "hands" / "c.png", _disc())
    write_picture(pred_dir / "hands" / "b.2.jpg", _disc())
    write_picture(pred_dir / "mask" / "d.png", _disc())
    write_picture(label_dir / "hands" / "img" / "e.jpg", np.zeros((40, 48, 3), np.uint8))
    write_picture(label_dir / "masks" / "mask" / "0001" / "00000.jpg", _disc())
    (pred_dir / "masks" / "0001" / "00002.jpg").unlink()
    text = _error(pred_dir, label_dir)
    for expected in (
        f"{pred_dir / 'hands'}: no .png or .jpg for 1 (a)",
        f"{pred_dir / 'hands'}: no label for 1 (c)",
        f"{pred_dir / 'hands'}: both .png and .jpg for 1 (b.2)",
        f"{pred_dir / 'mask'}: no label for 1 (d)",
        f"{label_dir / 'hands' / 'img'}: no mask for 1 (e)",
        f"{label_dir / 'masks' / 'mask' / '0001'}: several labels of one name for 1 (00000)",
        f"{pred_dir / 'masks' / '0001'}: no .png or .jpg for 1 (00002)",
    ):
        assert expected in text
    assert text.startswith("7 problems")


def test_all_unreadable_pictures_and_other_sizes_are_reported_at_once(folders):
    pred_dir, label_dir = folders
    label = label_dir / "masks" / "mask" / "0001" / "00001.png"
    label.write_bytes(label.read_bytes()[:-40])
    write_picture(pred_dir / "hands" / "a.png", _disc(20, 24))
    (pred_dir / "hands" / "b.2.png").write_bytes(b"no picture")
    text = _error(pred_dir, label_dir)
    assert f"{label}: the picture is cut short" in text
    assert f"{pred_dir / 'hands' / 'a.png'}: 24×20 pixels, but its label" in text
    assert f"{pred_dir / 'hands' / 'b.2.png'}: not a picture" in text
    assert text.startswith("3 problems")


def test_absent_and_empty_folders(tmp_path):
    assert _error(tmp_path / "pred", tmp_path / "label") == f"{tmp_path / 'pred'}: no such folder"
    (tmp_path / "pred").mkdir()
    assert _error(tmp_path / "pred", tmp_path / "label") == f"{tmp_path / 'label'}: no such folder"
    (tmp_path / "label" / "hands").mkdir(parents=True)
    assert "holds no labels" in _error(tmp_path / "pred", tmp_path / "label")


def _run(*arguments):
    command = [sys.executable, str(ROOT / "scripts" / "eval.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_script(folders):
    pred_dir, label_dir = folders
    write_picture(label_dir / "11k-sot" / "mask" / "z.png", _disc())
    done = _run(f"--pred_dir={pred_dir}", f"--label_dir={label_dir}", "--region=described")
    assert done.returncode == 0, done.stderr
    assert "MSE described" in done.stdout
    assert "left out: 11k-sot" in done.stdout
    document = json.loads((pred_dir / "eval.json").read_text())
    assert document["mean"]["pictures"] == 5
    assert document["left_out"] == ["11k-sot"]


def test_script_reports_a_mistake_without_a_traceback(folders):
    pred_dir, label_dir = folders
    (pred_dir / "hands" / "a.png").unlink()
    done = _run(f"--pred_dir={pred_dir}", f"--label_dir={label_dir}")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {pred_dir / 'hands'}: no .png or .jpg for 1 (a)")
    assert "Traceback" not in done.stderr
    assert not (pred_dir / "eval.json").exists()
