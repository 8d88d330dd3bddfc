"""Folders → pairs → rows → table and JSON: the layout, the means, and every error that a user can make."""

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eval import report
from eval.folders.evaluation import Load, evaluate
from eval.folders.pairs import Pair, add_foregrounds, find_pairs
from eval.metrics.batch import Decoded
from eval.metrics.metric import Metric
from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import write_picture

ROOT = Path(__file__).parents[2]


Folders = tuple[Path, Path]


def _disc(height: int = 40, width: int = 48, radius: int = 12) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - height / 2, x - width / 2)
    return np.asarray(255 * np.clip(radius - distance, 0, 1)).astype(np.uint8)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
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


def _error(pred_dir: Path, label_dir: Path, load: Load | None = None) -> str:
    with pytest.raises(UserError) as caught:
        evaluate(find_pairs(pred_dir, label_dir), load=load)
    return str(caught.value)


def test_pairs(folders: Folders) -> None:
    pred_dir, label_dir = folders
    pairs = find_pairs(pred_dir, label_dir)
    frames = [f"masks/0001/{frame:05d}" for frame in range(3)]
    assert [pair.key for pair in pairs] == ["hands/a", "hands/b.2", *frames]
    assert [pair.category for pair in pairs] == ["hands", "hands", "masks", "masks", "masks"]
    assert pairs[1].pred == pred_dir / "hands" / "b.2.png"
    assert pairs[2].label == label_dir / "masks" / "mask" / "0001" / "00000.png"
    assert [pair.key for pair in find_pairs(pred_dir, label_dir, exclude=["masks"])] == ["hands/a", "hands/b.2"]


def test_rows_are_means_over_units_then_over_categories(folders: Folders) -> None:
    evaluation = evaluate(find_pairs(*folders))
    hands, masks = evaluation.categories
    assert (hands.category, hands.units, hands.pictures) == ("hands", 2, 2)
    assert (masks.category, masks.units, masks.pictures) == ("masks", 1, 3)  # a clip is one unit
    expected = []
    for name in ("a", "b.2"):
        label = read_mask(folders[1] / "hands" / "mask" / f"{name}.png").astype(int)
        expected.append(1000 * abs(label - label // 2).mean() / 255)
    mad = hands.values["mad"]
    assert mad.mean == pytest.approx(np.mean(expected))
    assert (mad.low, mad.high) == pytest.approx((min(expected), max(expected)))  # one drawn twice
    assert masks.values["mad"].mean < 10 < mad.mean
    assert np.isnan(masks.values["mad"].low)  # one clip says nothing about others
    mean = evaluation.mean
    assert (mean.units, mean.pictures) == (3, 5)
    for name in ("mad", "sad_published", "mse_band"):
        assert mean.values[name].mean == pytest.approx((hands.values[name].mean + masks.values[name].mean) / 2)


def test_temporal_errors_follow_clips_over_batches(folders: Folders) -> None:
    pred_dir, label_dir = folders
    pairs = find_pairs(pred_dir, label_dir)
    frames = [(read_mask(pair.pred).astype(float), read_mask(pair.label).astype(float)) for pair in pairs[2:]]
    expected = [0.0]
    for (pred, label), (pred_before, label_before) in zip(frames[1:], frames, strict=False):
        change = (pred - pred_before) - (label - label_before)
        expected.append(100 * np.sqrt((change**2).mean()) / 255)
    for batch_size in (1, 2, 64):
        pictures = evaluate(pairs, ["all"], ["dtssd", "flicker"], batch_pixels=batch_size * 64 * 64).pictures
        assert [picture.values["dtssd"] for picture in pictures[2:]] == pytest.approx(expected)
        assert all(np.isnan(picture.values["dtssd"]) for picture in pictures[:2])  # stills have no change
        assert np.isnan(pictures[2].values["flicker"]) and pictures[3].values["flicker"] >= 0
    by_frame = evaluate(pairs, ["all"], []).by_frame("mad")
    assert [estimate.mean for estimate in by_frame] == pytest.approx([p.values["mad"] for p in pictures[2:]])


def test_batches_do_not_matter(folders: Folders) -> None:
    pairs = find_pairs(*folders)
    evaluation = evaluate(pairs)
    for one, other in zip(evaluation.pictures, evaluate(pairs, batch_pixels=2 * 64 * 64).pictures, strict=True):
        assert one.key == other.key
        assert one.values == pytest.approx(other.values, rel=1e-6, nan_ok=True)


def test_foregrounds(folders: Folders, tmp_path: Path) -> None:
    """Red is off by 51, a fifth, in the face: a fifteenth of all channels' range, and what lies outside is not seen."""
    pred_dir, label_dir = folders
    pairs = [pair for pair in find_pairs(pred_dir, label_dir) if not pair.in_clip]
    for pair in pairs:
        inside = read_mask(pair.label) > 0
        true = np.zeros((*inside.shape, 3), np.uint8)
        predicted = np.where(inside[..., None], np.array([51, 0, 0], np.uint8), np.uint8(255))
        write_picture(label_dir / "hands" / "fgr" / f"{pair.label.stem}.png", true)
        write_picture(tmp_path / "fgr" / "hands" / f"{pair.label.stem}.png", predicted)
    values = evaluate(add_foregrounds(pairs, tmp_path / "fgr", label_dir)).mean.values
    assert values["fgr_mad"].mean == pytest.approx(1000 * 0.2 / 3)
    assert values["fgr_mse"].mean == pytest.approx(1000 * 0.2**2 / 3)
    (tmp_path / "fgr" / "hands" / "a.png").unlink()
    with pytest.raises(UserError, match=r"no predicted foreground for 1 \(a\)"):
        add_foregrounds(pairs, tmp_path / "fgr", label_dir)


def test_best_constant_alpha(tmp_path: Path) -> None:
    """Labels 0, 0, 255 in one picture and 51 in another, larger one: pictures weigh the same."""
    pictures = {"x": np.repeat(np.array([[0, 0, 255]], np.uint8), 3, 0), "y": np.full((6, 6), 51, np.uint8)}
    for name, label in pictures.items():
        write_picture(tmp_path / "label" / "c" / "mask" / f"{name}.png", label)
        write_picture(tmp_path / "pred" / "c" / f"{name}.png", label)
    row = evaluate(find_pairs(tmp_path / "pred", tmp_path / "label"), ("described",)).mean
    errors = {c: np.mean([abs(label / 255 - c / 255).mean() for label in pictures.values()]) for c in range(256)}
    best = min(errors, key=errors.__getitem__)
    assert (row.constant_alpha, row.constant_mad) == pytest.approx((best / 255, 1000 * errors[best]))
    assert row.values["mad"].mean == 0


def test_a_faint_prediction_is_taken_as_it_is_but_a_label_of_0_and_1_is_scaled(tmp_path: Path) -> None:
    label = (_disc() > 127).astype(np.uint8)
    write_picture(tmp_path / "label" / "c" / "mask" / "x.png", label)
    write_picture(tmp_path / "pred" / "c" / "x.png", label)
    row = evaluate(find_pairs(tmp_path / "pred", tmp_path / "label")).mean
    assert row.values["mad"].mean == pytest.approx(1000 * label.mean() * 254 / 255)


def test_columns_of_one_region_stand_side_by_side(folders: Folders) -> None:
    unknown, others, _ = report.tables(evaluate(find_pairs(*folders), metrics=()))
    assert unknown.cells[0][3:] == ["MSE described", "SAD described", "MSE published", "SAD published"]
    assert others.cells[0][3:] == ["MSE all", "SAD all", "MSE face", "SAD face", "MSE band", "SAD band"]


def test_tables_and_json(folders: Folders) -> None:
    evaluation = evaluate(find_pairs(*folders), ("published",))
    unknown, whole = report.tables(evaluation)
    assert unknown.cells[0] == ["category", "units", "pictures", "MSE published", "SAD published"]
    assert [line[0] for line in unknown.cells[1:]] == ["hands", "masks", "mean"]
    assert whole.cells[0][3:] == ["MAD", "MSE", "IoU", "Grad", "Conn", "dtSSD", "flicker", "best constant", "ratio"]
    assert whole.cells[1][8:10] == ["-", "-"]  # no change between stills
    assert "[" in whole.cells[1][3] and "[" not in whole.cells[2][3]  # no interval of one clip
    assert len({len(line) for line in report.aligned(whole.cells).splitlines()}) == 1
    assert report.markdown(unknown.cells).count("\n| ") == 4
    assert list(csv.reader(report.comma_separated(unknown.cells).splitlines())) == unknown.cells
    assert report.latex([["a_b", "1 %"], ["mean", "2"]]).splitlines()[2] == "a\\_b & 1 \\% \\\\"
    document = json.loads(report.as_json(evaluation, pred_dir="p"))
    assert document["pred_dir"] == "p"
    assert document["mean"]["values"]["mse_published"]["mean"] == evaluation.mean.values["mse_published"].mean
    assert document["categories"][0]["values"]["dtssd"] == {"mean": None, "low": None, "high": None}
    assert document["pictures"][1]["name"] == "hands/b.2"
    assert document["pictures"][1]["mse_published"] == evaluation.pictures[1].values["mse_published"]


@pytest.mark.parametrize("value, text", [(0, "0"), (0.0123456, "0.01235"), (271.6, "271.6"), (1e-9, "0.000000")])
def test_numbers_are_written_without_exponents(value: float, text: str) -> None:
    assert report.number_text(value) == text


def test_all_naming_problems_are_reported_at_once(folders: Folders) -> None:
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


def _never(pair: Pair, metrics: Sequence[Metric]) -> Decoded:
    raise AssertionError("nothing is decoded before all are looked at")


def test_all_bad_pictures_are_reported_at_once_before_anything_is_computed(folders: Folders) -> None:
    pred_dir, label_dir = folders
    label = label_dir / "masks" / "mask" / "0001" / "00001.png"
    label.write_bytes(label.read_bytes()[:-40])
    write_picture(pred_dir / "hands" / "a.png", _disc(20, 24))
    (pred_dir / "hands" / "b.2.png").write_bytes(b"no picture")
    last = pred_dir / "masks" / "0001" / "00002.jpg"
    last.write_bytes(last.read_bytes()[:-40])
    write_picture(label_dir / "masks" / "mask" / "0001" / "00002.png", _disc(20, 24))
    text = _error(pred_dir, label_dir, load=_never)
    assert f"{label}: is cut short or damaged; write it again" in text
    assert f"{pred_dir / 'hands' / 'a.png'}: 24×20 pixels, but its label" in text
    assert f"{pred_dir / 'hands' / 'b.2.png'}: is no picture" in text
    assert f"{last}: is cut short or damaged" in text
    assert "frames of one clip have one size" in text
    assert text.startswith("5 problems")


def test_what_only_decoding_finds_is_reported_at_once_too(folders: Folders) -> None:
    pred_dir, label_dir = folders
    text = _error(pred_dir, label_dir, load=lambda pair, metrics: f"{pair.pred}: damaged within")
    assert text.startswith("5 problems, nothing was written")


def test_absent_and_empty_folders(tmp_path: Path) -> None:
    assert _error(tmp_path / "pred", tmp_path / "label") == f"{tmp_path / 'pred'}: no such folder"
    (tmp_path / "pred").mkdir()
    assert _error(tmp_path / "pred", tmp_path / "label") == f"{tmp_path / 'label'}: no such folder"
    (tmp_path / "label" / "hands").mkdir(parents=True)
    assert "holds no labels" in _error(tmp_path / "pred", tmp_path / "label")


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "evaluate.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_script(folders: Folders) -> None:
    pred_dir, label_dir = folders
    write_picture(label_dir / "11k-sot" / "mask" / "z.png", _disc())
    done = _run(f"--pred_dir={pred_dir}", f"--label_dir={label_dir}", "--region=described", "--metrics=iou")
    assert done.returncode == 0, done.stderr
    assert "MSE described" in done.stdout and "IoU" in done.stdout
    assert "left out: 11k-sot" in done.stdout
    document = json.loads((pred_dir / "eval.json").read_text())
    assert document["mean"]["pictures"] == 5
    assert document["left_out"] == ["11k-sot"]


def test_script_reports_a_mistake_without_a_traceback(folders: Folders) -> None:
    pred_dir, label_dir = folders
    (pred_dir / "hands" / "a.png").unlink()
    done = _run(f"--pred_dir={pred_dir}", f"--label_dir={label_dir}")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {pred_dir / 'hands'}: no .png or .jpg for 1 (a)")
    assert "Traceback" not in done.stderr
    assert not (pred_dir / "eval.json").exists()


def test_the_benchmark_of_the_evaluation_itself(tmp_path: Path) -> None:
    """Its contenders agree, or it would say so; a ratio stands where there is a peer."""
    command = [sys.executable, str(ROOT / "scripts" / "benchmark.py"), "eval", f"--json={tmp_path / 'rows.json'}"]
    small = ["--size=64", "--pictures=8", "--rounds=1", "--calls=1"]
    done = subprocess.run([*command, *small], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads((tmp_path / "rows.json").read_text())}
    for kind in ("arithmetic", "end to end"):
        plain, ours = rows[f"eval {kind}, plain"], rows[f"eval {kind}, ours"]
        assert ours["ratio"] == pytest.approx(plain["value"] / ours["value"])
        assert plain["ratio"] is None
    decoding, plain = (rows[f"eval {name}"]["value"] for name in ("decoding alone, one thread", "end to end, plain"))
    assert rows["eval share of decoding in the plain loop"]["value"] == pytest.approx(decoding / plain)
