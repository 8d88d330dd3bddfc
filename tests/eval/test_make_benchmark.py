"""Benchmarks: pixels on this processor and as another one makes them, layout, resumption, verification, overlap."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import grain
import numpy as np
import pytest

from eval.folders.pairs import find_pairs
from eval.make_benchmark.benchmark import make, open_category
from eval.make_benchmark.benchmark_spec import Category, categories
from eval.make_benchmark.manifest import MANIFEST, Manifest, Tolerance, read_manifest
from eval.make_benchmark.overlap import shared_pictures
from eval.make_benchmark.verification import verify
from eval.metrics.region import draw_kernel_sizes
from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture, write_picture

ROOT = Path(__file__).parents[2]
PROCEDURAL = {"main": {"name": "drawn", "max_items": 50}}
DATA = {"faces": PROCEDURAL, "occluders": PROCEDURAL}

Made = tuple[Path, Manifest]


def _categories(**changes: Any) -> list[Category]:
    settings: dict[str, Any] = {"pictures": 2, "clips": 1, "frames": 3, "resolution": 64, "seed": 7, "split": "test"}
    settings |= changes
    return categories(DATA, **settings)[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("benchmark") / "made"
    return root, make(root, _categories(), "test", {"seed": 7})


def test_the_same_seed_gives_the_same_pixels(made: Made, tmp_path: Path) -> None:
    _, manifest = made
    assert (manifest["versions"]["numpy"], manifest["versions"]["opencv"]) == (np.__version__, cv2.__version__)
    again = make(tmp_path / "again", _categories(), "test", {"seed": 7})
    assert again == manifest and len(again["sha256"]) == 64
    assert len({item["sha256"]["img"] for items in manifest["categories"].values() for item in items}) == 20


# What lets NumPy and OpenCV, where they run on x86, choose the kernels of a processor without AVX-512.
_OTHER_PROCESSOR = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512F AVX512CD AVX512_SKX",
    "OPENCV_CPU_DISABLE": "AVX512-SKX,AVX512-ICL",
    "OPENCV_IPP": "avx2",
    "OPENBLAS_CORETYPE": "Haswell",
}


def test_another_processor_makes_the_same_pixels_within_the_tolerance(made: Made, tmp_path: Path) -> None:
    root, _ = made
    code = "from tests.eval.test_make_benchmark import _categories, make; import pathlib, sys;"
    code += "make(pathlib.Path(sys.argv[1]), _categories(), 'test', {'seed': 7})"
    environment = os.environ | _OTHER_PROCESSOR | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "theirs")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    for mask in root.glob("*/mask/**/*.png"):
        for path in (mask, Path(str(mask).replace("/mask/", "/img/"))):
            ours, theirs = (
                np.asarray(cv2.imread(str(p))) for p in (path, tmp_path / "theirs" / path.relative_to(root))
            )
            assert Tolerance().holds(ours, theirs), path
    # Their pixels are those of the manifest that ours has, and the other way round.
    shutil.copy(root / MANIFEST, tmp_path / "theirs" / MANIFEST)
    assert verify(tmp_path / "theirs").items == 20


def test_layout_and_region(made: Made) -> None:
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


def _as_predictions(root: Path) -> tuple[Path, Path]:
    """The labels again, as predictions."""
    pred = root.parent / "pred"
    for mask in root.glob("*/mask"):
        shutil.copytree(mask, pred / mask.parent.name, dirs_exist_ok=True)
    return pred, root


def test_still_clips_stay_and_moving_ones_move(made: Made) -> None:
    root, _ = made
    changes = {}
    for form in ("still", "moving"):
        clips = [sorted(folder.glob("*.png")) for folder in root.glob(f"*_{form}/mask/00000")]
        assert len(clips) == 5
        changes[form] = [np.abs(np.diff([read_mask(f).astype(int) for f in clip], axis=0)).mean() for clip in clips]
    assert max(changes["still"]) < 1e-3 < 0.1 < sorted(changes["moving"])[1]


def test_an_interrupted_run_is_resumed_and_a_complete_one_is_kept(made: Made, tmp_path: Path) -> None:
    root, manifest = made
    again, parts = tmp_path / "again", _categories()

    def stopped(category: Category, split: str) -> grain.MapDataset:
        items = open_category(category, split)
        return items.map(lambda item: 1 / 0) if category.name == "shapes" else items

    with pytest.raises(ZeroDivisionError):
        make(again, parts, "test", {"seed": 7}, stopped)
    assert not (again / MANIFEST).exists()
    done = {path: path.stat().st_mtime_ns for path in again.glob("hands/img/*.png")}
    assert make(again, parts, "test", {"seed": 7})["categories"] == manifest["categories"]
    assert done and done == {path: path.stat().st_mtime_ns for path in again.glob("hands/img/*.png")}
    assert make(root, parts, "test", {"seed": 7}) == manifest
    with pytest.raises(UserError, match="another seed, settings"):
        make(root, _categories(seed=8), "test", {"seed": 8})
    with pytest.raises(UserError, match="not empty"):
        make(root / "hands", parts, "test", {"seed": 7})


def test_verification_names_every_changed_picture(made: Made, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(made[0], root)
    assert verify(root) == (20, 0)
    write_picture(root / "hands" / "mask" / "00000.png", np.zeros((64, 64), np.uint8))
    (root / "soft_still" / "img" / "00000" / "00001.png").unlink()
    with pytest.raises(UserError) as caught:
        verify(root)
    assert "2 problems" in str(caught.value)
    assert f"{root / 'hands' / 'mask' / '00000'}: other pixels" in str(caught.value)
    assert "00001.png: cannot be read" in str(caught.value)


def test_verification_knows_how_far_processors_round_apart(made: Made, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(made[0], root)
    picture = root / "hands" / "img" / "00001.png"
    pixels = read_picture(picture)
    rounded = pixels.copy()
    rounded[10:12] ^= 1  # 384 of 12,288 values, by a level
    write_picture(picture, rounded)
    assert verify(root) == (20, 1)
    for changed in (pixels ^ 1, np.where(np.arange(64)[:, None] < 63, pixels, 255 - pixels)):
        write_picture(picture, changed.astype(np.uint8))
        with pytest.raises(UserError, match=r"hands/img/00001: other pixels than the manifest's; copy it again$"):
            verify(root)
    # Without the sources nothing can be made to compare with: then only the very pixels will do.
    write_picture(picture, rounded)
    manifest = read_manifest(root)
    for settings in manifest["settings"]:
        settings["data"]["faces"] = {"main": {"name": "folder", "root": str(tmp_path / "gone")}}
    (root / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="could not be made again to compare"):
        verify(root)


def test_overlap_with_a_training(tmp_path: Path) -> None:
    assert shared_pictures(DATA | {"resolution": 64}, "test", DATA | {"resolution": 64}) == {}
    for index in range(4):
        write_picture(tmp_path / "img" / f"{index}.png", np.zeros((8, 8, 3), np.uint8))
        write_picture(tmp_path / "mask" / f"{index}.png", np.full((8, 8), 255, np.uint8))
    whole = {"faces": {"main": {"name": "folder", "root": str(tmp_path)}}, "resolution": 64}
    assert shared_pictures(whole, "test", whole) == {"faces.main": (4, ["0", "1", "2", "3"])}


def test_script(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "make_benchmark.py"), f"--output_dir={tmp_path / 'b'}"]
    small = ["--config=configs/quickstart.py", "--pictures=1", "--clips=0", "--size=64"]
    done = subprocess.run([*command, *small], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "5 pictures and clips; 1 hair_and_nets, 1 hands, 1 objects, 1 shapes, 1 soft\n" in done.stdout
    assert json.loads((tmp_path / "b" / "manifest.json").read_text())["overlap"] == {"--config": {}}


def test_a_folder_without_categories_holds_objects(tmp_path: Path) -> None:
    for name in ("cat", "cup"):
        write_picture(tmp_path / "fg" / f"{name}.png", np.zeros((8, 8, 3), np.uint8))
        write_picture(tmp_path / "alpha" / f"{name}.png", np.full((8, 8), 255, np.uint8))
    plain = {"photographed": {"name": "folder", "root": str(tmp_path)}}
    settings: dict[str, Any] = {"pictures": 1, "clips": 0, "frames": 2, "resolution": 64, "seed": 7, "split": "test"}
    made, absent = categories({"faces": PROCEDURAL, "occluders": plain}, **settings)
    assert [category.name for category in made] == ["objects", "shapes"]
    assert absent == ["hair_and_nets", "hands", "soft"]


def test_a_set_that_is_measured_on_alone_overlaps_with_nothing(tmp_path: Path) -> None:
    write_picture(tmp_path / "img" / "a.png", np.zeros((8, 8, 3), np.uint8))
    write_picture(tmp_path / "mask" / "a.png", np.full((8, 8), 255, np.uint8))
    measured = {"name": "folder", "root": str(tmp_path), "split": "hash:0/0/1"}
    generated = {"surfaces": {"name": "surfaces"}}
    data = {"faces": {"main": measured}, "textures": generated, "resolution": 64}
    assert shared_pictures(data, "test", data) == {}


def test_the_recipe_of_real_faces(tmp_path: Path) -> None:
    import trees

    from configs import real_faces

    trees.london(tmp_path, people=2)
    data = real_faces.get_config().data.to_dict()
    data["faces"]["london"]["root"] = str(tmp_path)
    data["occluders"]["photographed"]["root"] = str(ROOT / "docs/samples/occluders")
    settings: dict[str, Any] = {"pictures": 1, "clips": 1, "frames": 2, "resolution": 64, "seed": 7, "split": "test"}
    made, absent = categories(data, **settings)
    assert absent == []
    kinds = ("hair_and_nets", "hands", "objects", "shapes", "soft")
    forms = ("", "_still", "_moving")
    assert [each.name for each in made] == [f"{kind}{form}" for kind in (*kinds, "rendered") for form in forms]
    rendered = next(each for each in made if each.name == "rendered")
    assert list(rendered.data["occluders"]) == ["rendered"] and list(rendered.data["techniques"]) == ["natocc"]
    with pytest.raises(UserError, match=r"data\.own_categories\.nobody: name one of data\.occluders"):
        categories(data | {"own_categories": {"nobody": "natocc"}}, **settings)
    with pytest.raises(UserError, match=r"data\.own_categories\.drawn: no technique 'glue'; use"):
        categories(data | {"own_categories": {"drawn": "glue"}}, **settings)
    shared, _ = categories(data | {"own_categories": {}}, **settings)  # then they are among the others of their kind
    hands = next(each for each in shared if each.name == "hands").data["occluders"]
    assert hands["rendered"]["include"] == ["hand", "hand_with_object"]
    objects = next(each for each in made if each.name == "objects")
    assert sorted(objects.data["occluders"]) == ["drawn", "photographed"]
    pictures = open_category(objects, "test")
    assert len(pictures) == 1
