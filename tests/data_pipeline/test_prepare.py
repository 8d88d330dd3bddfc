"""Prepared sets: written by TFDS, read as the source that they were written from."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trees
from trees import half, keys, masks, numbered_frames, open_, pictures, write_video

from data_pipeline.prepare_part import Part, write_part
from data_pipeline.prepare_source import prepare_source, prepare_synthesis
from data_pipeline.sources.base import Kind
from data_pipeline.sources.decode import decode, decode_clip
from rvm_jax.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


def prepare(
    root: Path,
    output: Path,
    name: str,
    kind: Kind,
    *,
    split: str = "all",
    spec: dict[str, Any] | None = None,
    **options: Any,
) -> int:
    settings = {"name": name, "root": str(root), **(spec or {})}
    return prepare_source(output, settings, trees.request(kind), split, **options)


def read(output: Path, name: str, kind: Kind, part: str = "train", **settings: Any) -> Any:
    return open_(name, output, kind, part, prepared=True, **settings)


def assert_same_items(source: Any, prepared: Any) -> None:
    assert len(source) == len(prepared)
    for index in range(len(source)):
        assert outcome(source, index) == outcome(prepared, index)


def outcome(source: Any, index: int) -> object:
    """An item's content, or why there is none."""
    try:
        if hasattr(source, "frames"):
            item = source.read(index, [source.frames(index) - 1, 0])
            clip = decode_clip(item, "main")
            return clip.key, clip.category, [(f.rgb.tobytes(), f.alpha.tobytes()) for f in clip.frames]
        picture = decode(source[index], "main")
        return picture.key, picture.category, picture.rgb.tobytes(), picture.alpha.tobytes()
    except UserError as error:
        return str(error)


@pytest.fixture
def sim(tmp_path: Path) -> Path:
    root = tmp_path / "sim"
    for phase, category, count in (("train", "net", 5), ("train", "fire", 4), ("test", "net", 3)):
        for number in range(count):
            pictures(root / phase / category / "fg", f"{number}.jpg", value=9 * number)
            masks(root / phase / category / "alpha", f"{number}.jpg")
    masks(root / "train/sharp/alpha", "adobe.jpg")
    broken = root / "train/net/fg/2.jpg"
    broken.write_bytes(broken.read_bytes()[:-30])
    (root / "few.txt").write_text("net/1\nnet/2\nnone\n")
    return root


def test_a_prepared_set_is_its_source(sim: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert prepare(sim, output, "sim", "occluder", part_size=4, spec={"split": "few.txt"}) == 12
    assert len(list((output / "rows").iterdir())) == 3
    for split in ("train", "valid"):
        for settings in ({}, {"include": ["net"]}, {"max_items": 3, "seed": 5}, {"split": "hash:0.5/0.5"},
                         {"split": "few.txt"}, {"split": "train"}, {"split": "all"}):  # fmt: skip
            folder = open_("sim", sim, "occluder", split, **settings)
            prepared = read(output, "sim", "occluder", split, **settings)
            assert keys(folder) == keys(prepared) and len(folder.skipped) == len(prepared.skipped)
            assert_same_items(folder, prepared)
    assert "cut short" in str(outcome(read(output, "sim", "occluder", include=["net"]), 2))


def test_it_resumes_where_it_stopped(sim: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"

    def interrupted(part: Part, progress: Callable[[], object]) -> None:
        if part.number == 1:
            part.path.parent.mkdir()
            raise KeyboardInterrupt
        write_part(part, progress)

    with pytest.raises(KeyboardInterrupt):
        prepare(sim, output, "sim", "occluder", part_size=5, write_part=interrupted)
    with pytest.raises(UserError, match=r"is not complete; run scripts/prepare_data\.py again"):
        read(output, "sim", "occluder")
    assert prepare(sim, output, "sim", "occluder", part_size=5) == 7
    assert prepare(sim, output, "sim", "occluder", part_size=5) == 0
    assert_same_items(open_("sim", sim, "occluder"), read(output, "sim", "occluder"))
    pictures(sim / "train/net/fg", "new.jpg")
    masks(sim / "train/net/alpha", "new.jpg")
    with pytest.raises(UserError, match="it holds a prepared set of other records or settings"):
        prepare(sim, output, "sim", "occluder", part_size=5)


def test_wrong_uses(sim: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(UserError, match=r"max_items: a subset is one of a split; give --split"):
        prepare(sim, output, "sim", "occluder", spec={"max_items": 3})
    prepare(sim, output, "sim", "occluder", split="train", spec={"max_items": 3})
    source = open_("sim", sim, "occluder", max_items=3)
    assert_same_items(source, read(output, "sim", "occluder", max_items=3))
    wrong: tuple[tuple[str, Kind, str, str], ...] = (
        ("sim", "occluder", "valid", "prepared for the split 'train' alone"),
        ("sim", "foreground", "train", "prepared from 'sim' as occluder"),
        ("am2k", "occluder", "train", "prepared from 'sim' as occluder"),
    )
    for name, kind, split, message in wrong:
        with pytest.raises(UserError, match=message):
            read(output, name, kind, split)
    with pytest.raises(UserError, match="is no prepared set; write it with scripts/prepare_data"):
        read(sim, "sim", "occluder")
    with pytest.raises(UserError, match="the folder is not empty"):
        prepare(sim, sim, "sim", "occluder")


def test_merged_masks_and_their_policy(tmp_path: Path) -> None:
    pictures(tmp_path / "CelebA-HQ-img", "0.jpg")
    masks(tmp_path / "CelebAMask-HQ-mask-anno/0", "00000_skin.png")
    prepare(tmp_path, tmp_path / "out", "celebamask_hq", "face", spec={"glasses": "keep"})
    prepared = read(tmp_path / "out", "celebamask_hq", "face", glasses="keep")
    assert_same_items(open_("celebamask_hq", tmp_path, "face"), prepared)
    with pytest.raises(UserError, match=r"data\.main\.glasses: .* was prepared with glasses='keep', not 'exclude'"):
        read(tmp_path / "out", "celebamask_hq", "face")


def test_shrinking(sim: Path, tmp_path: Path) -> None:
    prepare(sim, tmp_path / "out", "sim", "occluder", size=8)
    prepared = read(tmp_path / "out", "sim", "occluder", include=["fire"])
    picture = decode(prepared[3], "main")
    assert picture.rgb.shape == (8, 12, 3) and picture.rgb.mean() == pytest.approx(27, abs=2)
    assert np.abs(picture.alpha.astype(int) - half()[::2, ::2]).mean() < 5
    assert "cut short" in str(outcome(read(tmp_path / "out", "sim", "occluder", include=["net"]), 2))


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    root = tmp_path / "clips"
    for clip in range(3):
        for number in range(4):
            pictures(root / f"train/fgr/{clip}", f"{number:05d}.jpg", value=50 * clip + number)
            masks(root / f"train/pha/{clip}", f"{number:05d}.jpg")
    (root / "train/pha/1/00002.jpg").unlink()
    return root


def test_clips_of_frames(clips: Path, tmp_path: Path) -> None:
    assert prepare(clips, tmp_path / "out", "videomatte240k", "foreground", part_size=5) == 12
    source = open_("videomatte240k", clips, "foreground")
    assert_same_items(source, read(tmp_path / "out", "videomatte240k", "foreground"))


def test_clips_of_videos(tmp_path: Path) -> None:
    root = tmp_path / "celebv"
    write_video(root / "a.mp4", numbered_frames(9))
    write_video(root / "c.mp4", numbered_frames(5))
    (root / "b.mp4").write_bytes(b"no video")
    for clip in "abc":
        masks(root / "masks" / clip, "00001.png", "00002.png", "00004.png", mask=np.full((32, 48), 200, np.uint8))
    prepare(root, tmp_path / "plain", "celebv_hq", "background")
    assert_same_items(open_("celebv_hq", root, "background"), read(tmp_path / "plain", "celebv_hq", "background"))
    settings = {"masks": "masks"}
    prepare(root, tmp_path / "masked", "celebv_hq", "face", spec=settings)
    source = open_("celebv_hq", root, "face", **settings)
    assert source.frames(0) == 4
    assert_same_items(source, read(tmp_path / "masked", "celebv_hq", "face", **settings))
    prepare(root, tmp_path / "small", "celebv_hq", "face", spec=settings, size=16)
    small = read(tmp_path / "small", "celebv_hq", "face", **settings)
    assert small.frames(0) == 4 and decode_clip(small.read(0, [2]), "").frames[0].rgb.shape == (16, 24, 3)


def test_drawn_sources(tmp_path: Path) -> None:
    spec = {"name": "drawn", "size": 32, "max_items": 3}
    request = trees.request("occluder")
    with pytest.raises(UserError, match="draws other items for each split; give --split"):
        prepare_source(tmp_path / "out", spec, request, "all")
    prepare_source(tmp_path / "out", spec, request, "train")
    from data_pipeline.sources import open_source

    prepared = open_source(spec | {"root": str(tmp_path / "out"), "prepared": True}, request)
    assert_same_items(open_source(spec, request), prepared)


DATA = {
    "faces": {"main": {"name": "drawn", "max_items": 4}},
    "occluders": {"main": {"name": "drawn", "max_items": 4}},
    "techniques": {"main": {"name": "published"}},
    "resolution": 32,
    "seq_length": 2,
}


def test_offline_synthesis(tmp_path: Path) -> None:
    from data_pipeline.pipeline import make_dataset

    prepare_synthesis(tmp_path / "out", DATA, split="train", seed=3, num_clips=2)
    source = read(tmp_path / "out", "synthesized", "face")
    clip = make_dataset(DATA, seed=3)[1]
    read_back = decode_clip(source.read(1, range(2)), "").frames
    np.testing.assert_array_equal([frame.rgb for frame in read_back], clip["src"])
    np.testing.assert_array_equal([frame.alpha for frame in read_back], clip["pha"][..., 0])


def test_the_pipeline_gives_the_same_clips(sim: Path, tmp_path: Path) -> None:
    from data_pipeline.pipeline import make_batches

    prepare(sim, tmp_path / "out", "sim", "occluder")
    data = DATA | {"max_bad_share": 0.9}
    batches: list[np.ndarray] = []
    specs: tuple[dict[str, Any], ...] = ({"root": str(sim)}, {"root": str(tmp_path / "out"), "prepared": True})
    for spec in specs:
        section = data | {"occluders": {"main": {"name": "sim", **spec}}}
        with make_batches(section, batch_size=3, workers=len(batches)) as stream:  # also from a worker
            batches.append(np.array(next(stream)["src"]))
    np.testing.assert_array_equal(batches[0], batches[1])


def test_beam_writes_the_same_rows(clips: Path, tmp_path: Path) -> None:
    pytest.importorskip("apache_beam")
    prepare(clips, tmp_path / "out", "videomatte240k", "foreground", part_size=5, beam_options=[])
    source = open_("videomatte240k", clips, "foreground")
    assert_same_items(source, read(tmp_path / "out", "videomatte240k", "foreground"))


@pytest.mark.skipif(importlib.util.find_spec("apache_beam") is not None, reason="Beam is installed")
def test_without_beam_the_extra_is_named(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Beam is not installed; pip install -e \"\.\[beam\]\""):
        prepare(clips, tmp_path / "out", "videomatte240k", "foreground", beam_options=[])


def script(name: str, *flags: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *flags], cwd=cwd, capture_output=True, text=True
    )


def test_scripts(sim: Path, tmp_path: Path) -> None:
    result = script("prepare_data.py", "--name=sim", f"--root={sim}", "--output_dir=out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "out/sim: 12 rows written; read it with root='out/sim', prepared=True" in result.stdout
    assert json.loads((tmp_path / "out/sim/index.json").read_text())["complete"]
    result = script("inspect_data.py", "--name=sim", "--root=out/sim", "--prepared", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for part in (
        "SIM (SIMD)", "licence: none stated", "9 pictures, 1 skipped", "categories: fire 4, net 5",
        "pixels: 24×16 to 24×16", "decoded 8 of 9", "skipped: ", "adobe.jpg: a mask without its picture",
        "cannot be used: item 6: train/net/2: the picture is cut short", "sheet: inspection/sim.png",
    ):  # fmt: skip
        assert part in result.stdout
    assert (tmp_path / "inspection/sim.png").is_file()
    result = script("inspect_data.py", "--name=sim", cwd=tmp_path)
    assert result.returncode == 1 and result.stderr.strip() == "error: --name=sim.root: 'sim' needs it; give it a value"
