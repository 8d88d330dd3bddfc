import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from data_pipeline.generate import Job, missing_clips, write_clips
from data_pipeline.pipeline import make_batches, make_dataset
from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture, write_picture

ROOT = Path(__file__).resolve().parents[2]
SIDE = 16
Clips = list[dict[str, np.ndarray]]
RunScript = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six faces, each with a colour of its own, and three occluders of two classes."""
    root = tmp_path_factory.mktemp("data")
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[4:12, 4:12] = 255
    for index in range(6):
        write_picture(root / f"faces/img/{index}.png", np.full((SIDE, SIDE, 3), 40 * index, np.uint8))
        write_picture(root / f"faces/mask/{index}.png", mask)
    for index, category in enumerate(("cup", "cup", "hand")):
        write_picture(root / f"occluders/{category}/fg/{index}.png", np.full((20, 10, 3), 255 - index, np.uint8))
        write_picture(root / f"occluders/{category}/alpha/{index}.png", np.full((20, 10), 255, np.uint8))
    return root


@pytest.fixture
def data(root: Path) -> ConfigDict:
    return ConfigDict(
        {
            "faces": {"main": {"name": "folder", "root": str(root / "faces"), "weight": 1.0}},
            "occluders": {"main": {"name": "folder", "root": str(root / "occluders")}},
            "techniques": {"main": {"name": "published", "preset": "repaired"}},
            "resolution": SIDE,
            "seq_length": 2,
            "trimap": True,
            "seed": 3,
            "workers": 0,
        }
    )


def assert_same(first: Clips, second: Clips) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert list(one) == list(other)
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_a_batch(data: ConfigDict) -> None:
    with make_batches(data, batch_size=3) as batches:
        batch = next(batches)
        assert batches.epoch_size == 6 and batches.bad_records() == 0
    assert {name: array.shape for name, array in batch.items()} == {
        "src": (3, 2, SIDE, SIDE, 3), "pha": (3, 2, SIDE, SIDE, 1), "trimap": (3, 2, SIDE, SIDE, 1),
    }  # fmt: skip
    assert all(array.dtype == np.uint8 and array.flags.c_contiguous for array in batch.values())


def test_an_epoch_shows_every_face_once_and_the_next_differs(data: ConfigDict) -> None:
    dataset = make_dataset(data, names=True)
    epochs = [[dataset[i] for i in range(start, start + 6)] for start in (0, 6)]
    keys = [[clip["key"] for clip in epoch] for epoch in epochs]
    assert sorted(keys[0]) == sorted(keys[1]) == list("012345") and keys[0] != keys[1]
    by_key = [{clip["key"]: clip for clip in epoch} for epoch in epochs]
    assert any((by_key[0][key]["src"] != by_key[1][key]["src"]).any() for key in "012345")
    assert {clip["category"] for epoch in epochs for clip in epoch} <= {"cup", "hand", "none"}
    assert "key" not in make_dataset(data)[0]


def test_seeds(data: ConfigDict) -> None:
    assert (make_dataset(data)[0]["src"] != make_dataset(data, seed=4)[0]["src"]).any()
    valid = make_dataset(data, split="valid", num_clips=4)
    data.seed = 99
    assert_same([valid[i] for i in range(4)], [make_dataset(data, split="valid")[i] for i in range(4)])
    assert len(valid) == 4


def test_what_a_split_overrides(data: ConfigDict, root: Path) -> None:
    data.faces.main.split = "hash:0.5/0.5"
    sets = {
        split: {make_dataset(data, split=split, names=True)[i]["key"] for i in range(12)}
        for split in ("train", "valid")
    }
    assert sets["train"] and sets["valid"] and not sets["train"] & sets["valid"]
    data.valid = ConfigDict({"seq_length": 1, "techniques": {"main": {"name": "published", "occlusion": 0.0}}})
    for split in ("valid", "test"):
        clip = make_dataset(data, split=split, names=True)[0]
        assert clip["src"].shape[0] == 1 and clip["category"] == "none"
    assert make_dataset(data)[0]["src"].shape[0] == 2


def test_sources_and_techniques_are_mixed_by_weight(data: ConfigDict, root: Path) -> None:
    data.faces.other = ConfigDict({"name": "folder", "root": str(root / "faces"), "weight": 3.0, "max_items": 1})
    data.techniques.bare = ConfigDict({"name": "published", "weight": 1.0, "occlusion": 0.0})
    data.techniques.main.occlusion = 1.0
    dataset = make_dataset(data, names=True)
    clips = [dataset[i] for i in range(80)]
    assert sum(clip["category"] == "none" for clip in clips) == pytest.approx(40, abs=15)
    counts = [sum(clip["key"] == key for clip in clips) for key in "012345"]
    assert 60 <= max(counts) <= 66 and min(counts) >= 2


def test_techniques_take_what_they_need(data: ConfigDict, root: Path) -> None:
    section = data.to_dict() | {"trimap": False}
    section["textures"] = {"plain": {"name": "folder", "root": str(root / "faces/img")}}
    section["foregrounds"] = {"own": {"name": "folder", "root": str(root / "faces")}}
    section["backgrounds"] = {"wall": {"name": "folder", "root": str(root / "faces/img")}}
    section["techniques"] = {
        "shapes": {"name": "randocc", "occlusion": 1.0, "occluders": (2, 3)},
        "clips": {"name": "rvm", "weight": 3.0},
    }
    dataset = make_dataset(section, names=True)
    clips = [dataset[i] for i in range(40)]
    composed = [clip for clip in clips if "fgr" in clip]
    assert len(composed) == 30  # exactly their weight, in turns
    assert {clip["category"] for clip in clips if "fgr" not in clip} == {"plain"}
    del section["textures"]  # they can be drawn
    assert make_dataset(section | {"techniques": {"shapes": section["techniques"]["shapes"]}})[0]["src"].any()


def test_clips_of_the_segmentation_pass(data: ConfigDict, root: Path) -> None:
    section = data.to_dict() | {"techniques": {"persons": {"name": "segmentation"}}}
    with pytest.raises(UserError, match=r"data\.segmentation: no source of segmentation"):
        make_dataset(section)
    section["segmentation"] = {"own": {"name": "folder", "root": str(root / "faces")}}
    with make_batches(section, batch_size=2) as batches:
        batch = next(batches)
    frames, side = section["seq_length"], section["resolution"]
    assert {name: array.shape for name, array in batch.items()} == {
        "src": (2, frames, side, side, 3), "seg": (2, frames, side, side, 1),
    }  # fmt: skip
    assert set(np.unique(batch["seg"])) == {0, 255}
    section["techniques"]["more"] = {"name": "published"}
    with pytest.raises(UserError, match="one makes clips of src, seg, another of src, pha, and these cannot lie"):
        make_batches(section, batch_size=2)


def test_finite_streams(data: ConfigDict) -> None:
    with make_batches(data, split="valid", batch_size=4, num_clips=6, drop_remainder=False) as batches:
        assert [len(batch["src"]) for batch in batches] == [4, 2]
    with make_batches(data, split="valid", batch_size=4, num_clips=6) as batches:
        assert [len(batch["src"]) for batch in batches] == [4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "at least one clip"),
        ({"batch_size": 2, "process_index": 2, "process_count": 2}, "process 2 is none of 2"),
        ({"batch_size": 2, "process_count": 2, "num_clips": 5}, "5 clips cannot be split evenly across 2 hosts"),
        ({"batch_size": 8, "num_clips": 6}, "6 clips fill no batch of 8"),
        ({"batch_size": 2, "split": "dev"}, "no split 'dev'; there are train, valid, test"),
    ],
)
def test_wrong_calls(data: ConfigDict, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_batches(data, **options)


def test_wrong_sections(data: ConfigDict) -> None:
    for change, message in (
        ({"faces": {}}, r"data\.faces: no source of faces"),
        ({"techniques": {"main": {"name": "rvm"}}}, r"data\.foregrounds: no source of foregrounds"),
        ({"occluders": {"main": {"weight": 0}}}, r"data\.occluders: no source of occluders; .* set occlusion=0"),
        ({"techniques": {"main": {"name": "published", "weight": 0}}}, r"data\.techniques: no technique"),
        ({"resolution": None}, r"data\.resolution: the config does not give it"),
    ):
        with pytest.raises(UserError, match=message):
            make_dataset(data.to_dict() | change)


def test_a_bad_picture_is_passed_over_in_workers_until_there_are_too_many(
    data: ConfigDict, root: Path, tmp_path: Path
) -> None:
    mask = read_mask(root / "faces/mask/0.png")
    for index in range(4):
        write_picture(tmp_path / f"img/{index}.png", read_picture(root / "faces/img/0.png"))
        write_picture(tmp_path / f"mask/{index}.png", mask if index else np.zeros_like(mask))
    data.faces.main.root = str(tmp_path)
    with make_batches(data, batch_size=4, num_clips=8) as batches:
        assert len([len(batch["src"]) for batch in batches]) == 2
        assert batches.bad_records() == 1
    data.max_bad_share = 0.1
    with make_batches(data, batch_size=4, workers=1) as batches, pytest.raises(UserError, match="1 of 4 pictures"):
        next(batches)


CONFIG = """
from ml_collections import ConfigDict
def get_config():
    folder = lambda name: dict(main=dict(name="folder", root={root!r} + "/" + name))
    return ConfigDict(dict(data=dict(faces=folder("faces"), occluders=folder("occluders"), resolution=16, seq_length=2,
                                     techniques=dict(main=dict(name="published")), trimap=True, seed=0, workers=0)))
"""


@pytest.fixture
def run_script(root: Path, tmp_path: Path) -> RunScript:
    config = tmp_path / "recipe.py"
    config.write_text(CONFIG.format(root=str(root)))

    def run(name: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "scripts" / name), f"--config={config}", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    return run


def test_preview_script(run_script: RunScript, tmp_path: Path) -> None:
    result = run_script("preview_data.py", "--num_clips=3", "--output=sheet.png")
    assert result.returncode == 0, result.stderr
    sheet = read_picture(tmp_path / "sheet.png")
    assert sheet.shape[1] == 2 * (SIDE + 4) + 4 and sheet.shape[0] > 9 * SIDE


def test_generate_script_resumes_and_keeps_settings_apart(run_script: RunScript, tmp_path: Path) -> None:
    out = tmp_path / "benchmark"
    result = run_script("generate_occlusions.py", "--num_clips=3", f"--output_dir={out}")
    assert result.returncode == 0, result.stderr
    clips = {path.name: path for path in out.glob("*/img/*")}
    assert sorted(clips) == ["00000", "00001", "00002"]
    assert {path.parents[1].name for path in clips.values()} <= {"cup", "hand", "none"}
    alphas = clips["00001"].parents[1] / "mask/00001"
    assert [path.name for path in sorted(alphas.iterdir())] == ["00000.png", "00001.png"]
    alpha, first = read_mask(alphas / "00000.png"), read_picture(clips["00001"] / "00000.png")
    assert alpha.shape == (SIDE, SIDE)

    # What is complete stays, what is not is made again, the same as before.
    (clips["00000"] / "00000.png").write_bytes(b"kept")
    for path in alphas.iterdir():
        path.unlink()
    alphas.rmdir()
    result = run_script("generate_occlusions.py", "--num_clips=4", f"--output_dir={out}", "--workers=1")
    assert "2 clips written, 2 were there" in result.stdout, result.stderr
    assert (clips["00000"] / "00000.png").read_bytes() == b"kept"
    np.testing.assert_array_equal(read_mask(alphas / "00000.png"), alpha)
    np.testing.assert_array_equal(read_picture(clips["00001"] / "00000.png"), first)

    result = run_script("generate_occlusions.py", "--seed=5", f"--output_dir={out}")
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {out}: it holds clips of other settings")


def test_generate_script_refuses_what_has_no_alpha(run_script: RunScript, tmp_path: Path) -> None:
    result = run_script("generate_occlusions.py", "--technique=segmentation", f"--output_dir={tmp_path / 'out'}")
    assert result.returncode == 1 and not (tmp_path / "out").exists()
    assert result.stderr == "error: data.techniques.segmentation: 'segmentation' makes no alpha that could be written\n"


def test_pictures_of_the_techniques(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts/draw_techniques.py"), "--techniques=rvm,segmentation", "--side=32"]
    subprocess.run([*command, "--num_clips=2", f"--output_dir={tmp_path}"], check=True, capture_output=True)
    for name in ("rvm", "segmentation"):
        height, width = read_picture(tmp_path / f"technique_{name}.jpg").shape[:2]
        assert width > 6 * 32 and height > 2 * (32 + 16)


def test_generated_pictures_in_the_layout_of_natocc(data: ConfigDict, tmp_path: Path) -> None:
    section = data.to_dict() | {"techniques": {"main": {"name": "natocc"}}, "trimap": False}
    job = Job(tmp_path / "out", section, "test", None, 3, layout="natocc", binary=True)
    assert list(write_clips(job, missing_clips(job))) == [0, 1, 2]
    names = [f"{clip:05d}_{frame:02d}" for clip in range(3) for frame in range(2)]
    assert sorted(path.stem for path in (job.root / "image").glob("*.jpg")) == names
    assert (job.root / "split/test.txt").read_text().split() == [f"{name}.jpg" for name in names]
    clip = make_dataset(section, split="test")[1]
    mask = read_mask(job.root / "mask/00001_01.png", rescale=False)
    np.testing.assert_array_equal(mask, clip["pha"][1, ..., 0] > 127)

    (job.root / "image/00001_01.jpg").unlink()
    (job.root / "mask/00001_01.png").unlink()
    assert missing_clips(job) == [1]
    more = job._replace(num_clips=4)
    assert list(write_clips(more, missing_clips(more))) == [1, 3]
    np.testing.assert_array_equal(read_mask(job.root / "mask/00001_01.png", rescale=False), mask)
    with pytest.raises(UserError, match="clips of other settings"):
        missing_clips(job._replace(binary=False))
