"""The benchmark's pixels (by hash), layout, resumption, verification and overlap check."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.folders.reading import find_pairs
from eval.make_benchmark import benchmark as making
from eval.make_benchmark.benchmark_spec import categories
from eval.make_benchmark.overlap import shared_pictures
from eval.metrics.region import draw_kernel_sizes
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import read_mask, write_picture

ROOT = Path(__file__).parents[2]
PROCEDURAL = {"main": {"name": "procedural", "max_items": 50}}
DATA = {"faces": PROCEDURAL, "occluders": PROCEDURAL}
# Pixels with NumPy 2.4.6 and OpenCV 5.0.0.
VERSIONS = ("2.4.6", "5.0.0")
PIXELS = "5aa3329edafcd8a1555427c2fc8e11eb38e44f10f26b8c9198d1ce9571785629"


def _categories(**changes):
    settings = {"pictures": 2, "clips": 1, "frames": 3, "resolution": 64, "seed": 7, "split": "test"} | changes
    return categories(DATA, **settings)[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("benchmark") / "made"
    return root, making.make(root, _categories(), "test", {"seed": 7})


def test_the_same_seed_gives_the_same_pixels(made):
    _, manifest = made
    assert (manifest["versions"]["numpy"], manifest["versions"]["opencv"]) == (np.__version__, cv2.__version__)
    if (np.__version__, cv2.__version__) == VERSIONS:
        assert manifest["sha256"] == PIXELS
    assert len({item["sha256"]["img"] for items in manifest["categories"].values() for item in items}) == 20


def test_layout_and_region(made):
    root, manifest = made
    assert set(manifest["categories"]) == {
        f"{kind}{form}" for kind in ("hands", "objects", "soft", "shapes", "hair_and_nets")
        for form in ("", "_still", "_moving")
    }  # fmt: skip
    pairs = find_pairs(*_as_predictions(root))
    assert len(pairs) == 5 * (2 + 3 + 3)
    assert not (root / ".making").exists()
    for key, path in (
        ("hands/00001", "hands/{}/00001.png"),
        ("soft_moving/00000/00002", "soft_moving/{}/00000/00002.png"),
    ):
        trimap, alpha = (read_mask(root / path.format(name), rescale=False) for name in ("trimap", "mask"))
        kernels = [cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)) for size in draw_kernel_sizes(key)]
        foreground, background = (
            cv2.erode((alpha == value).astype(np.uint8), kernel)
            for value, kernel in zip((255, 0), kernels, strict=True)
        )
        np.testing.assert_array_equal(trimap, np.where(background, 0, np.where(foreground, 255, 128)))
    item = manifest["categories"]["hands"][1]
    assert item["kernel_sizes"] == [list(draw_kernel_sizes("hands/00001"))]
    assert item["occluders"] == "hand" and item["face"].startswith("procedural/test/")


def _as_predictions(root):
    """The labels again, as predictions."""
    pred = root.parent / "pred"
    for mask in root.glob("*/mask"):
        shutil.copytree(mask, pred / mask.parent.name, dirs_exist_ok=True)
    return pred, root


def test_still_clips_stay_and_moving_ones_move(made):
    root, _ = made
    changes = {}
    for form in ("still", "moving"):
        clips = [sorted(folder.glob("*.png")) for folder in root.glob(f"*_{form}/mask/00000")]
        assert len(clips) == 5
        changes[form] = [np.abs(np.diff([read_mask(f).astype(int) for f in clip], axis=0)).mean() for clip in clips]
    assert max(changes["still"]) < 1e-3 < 0.1 < sorted(changes["moving"])[1]


def test_an_interrupted_run_goes_on_and_a_complete_one_is_kept(made, tmp_path, monkeypatch):
    root, manifest = made
    again, parts = tmp_path / "again", _categories()
    write = making._item
    monkeypatch.setattr(making, "_item", lambda *a: write(*a) if a[1].name != "shapes" else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        making.make(again, parts, "test", {"seed": 7})
    assert not (again / making.MANIFEST).exists()
    done = {path: path.stat().st_mtime_ns for path in again.glob("hands/img/*.png")}
    monkeypatch.setattr(making, "_item", write)
    assert making.make(again, parts, "test", {"seed": 7})["categories"] == manifest["categories"]
    assert done == {path: path.stat().st_mtime_ns for path in again.glob("hands/img/*.png")}
    assert making.make(root, parts, "test", {"seed": 7}) == manifest
    with pytest.raises(UserError, match="another seed, settings"):
        making.make(root, _categories(seed=8), "test", {"seed": 8})
    with pytest.raises(UserError, match="not empty"):
        making.make(root / "hands", parts, "test", {"seed": 7})


def test_verification_names_every_changed_picture(made, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(made[0], root)
    assert making.verify(root) == 20
    write_picture(root / "hands" / "mask" / "00000.png", np.zeros((64, 64), np.uint8))
    (root / "soft_still" / "img" / "00000" / "00001.png").unlink()
    with pytest.raises(UserError) as caught:
        making.verify(root)
    assert "2 problems" in str(caught.value)
    assert f"{root / 'hands' / 'mask' / '00000'}: other pixels" in str(caught.value)
    assert "00001.png: cannot be read" in str(caught.value)


def test_overlap_with_a_training(tmp_path):
    assert shared_pictures(DATA | {"resolution": 64}, "test", DATA | {"resolution": 64}) == {}
    for index in range(4):
        write_picture(tmp_path / "img" / f"{index}.png", np.zeros((8, 8, 3), np.uint8))
        write_picture(tmp_path / "mask" / f"{index}.png", np.full((8, 8), 255, np.uint8))
    whole = {"faces": {"main": {"name": "folder", "root": str(tmp_path)}}, "resolution": 64}
    assert shared_pictures(whole, "test", whole) == {"faces.main": (4, ["0", "1", "2", "3"])}


def test_script(tmp_path):
    command = [sys.executable, str(ROOT / "scripts" / "make_benchmark.py"), f"--output_dir={tmp_path / 'b'}"]
    small = ["--config=configs/quickstart.py", "--pictures=1", "--clips=0", "--size=64"]
    done = subprocess.run([*command, *small], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "5 pictures and clips; 1 hands" in done.stdout
    assert json.loads((tmp_path / "b" / "manifest.json").read_text())["overlap"] == {"--config": {}}
