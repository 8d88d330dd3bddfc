"""Sources of clips on trees in the layouts of the datasets, and what a clip can suffer from."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trees
from trees import half, keys, masks, number_of, numbered_frames, open_, pictures, write_video

from data_pipeline.sources.base import Picture, Video
from data_pipeline.sources.clip_sources import FrameClips, hold_gaps
from data_pipeline.sources.cuts import within_one_shot
from data_pipeline.sources.decode import decode_clip
from data_pipeline.sources.pool import BadRecords, Pool, open_pool
from rvm_jax.errors import UserError


def value(frame: Picture) -> int:
    return int(frame.rgb[0, 0, 0])


def test_videomatte240k_with_missing_frames(tmp_path: Path) -> None:
    for number in (0, 1, 2, 5, 6):  # 3 and 4 are missing
        pictures(tmp_path / "train/fgr/0001", f"{number:05d}.jpg", value=20 * number)
        masks(tmp_path / "train/pha/0001", f"{number:05d}.jpg")
    (tmp_path / "train/pha/0001/00006.jpg").unlink()
    pictures(tmp_path / "train/fgr/0002", "00000.jpg")  # no alphas
    pictures(tmp_path / "test/fgr/0009", "00000.jpg")
    masks(tmp_path / "test/pha/0009", "00000.jpg")
    source = open_("videomatte240k", tmp_path, "foreground")
    assert isinstance(source, FrameClips) and keys(source) == ["train/0001"]
    assert list(source.skipped.values()) == ["it has no mask"]
    assert source.frames(0) == 6
    clip = decode_clip(source.read(0, [5, 3, 4, 0, 5]), "main")
    assert [value(frame) for frame in clip.frames] == pytest.approx([100, 40, 40, 0, 100], abs=2)
    assert clip.frames[0] is clip.frames[4] and clip.category == "person" and clip.key == "train/0001"
    assert np.abs(clip.frames[0].alpha.astype(int) - half()).mean() < 3
    assert keys(open_("videomatte240k", tmp_path, "foreground", "valid")) == ["test/0009"]
    assert keys(pickle.loads(pickle.dumps(source))) == keys(source)


def test_gaps_are_held_by_the_usual_step() -> None:
    assert hold_gaps([0, 1, 2, 5]) == [0, 1, 2, 2, 2, 5]
    assert hold_gaps([0, 5, 10, 25]) == [0, 5, 10, 10, 10, 25]
    assert hold_gaps([7]) == [7] and hold_gaps([]) == []


def test_background_videos(tmp_path: Path) -> None:
    for name in ("0001", "0002"):
        pictures(tmp_path / name, "0000.jpg", "0001.jpg")
    source = open_("background_videos", tmp_path, "background", "valid")
    assert keys(source) == ["0001", "0002"] and source.frames(0) == 2
    assert (decode_clip(source.read(0, [1]), "").frames[0].alpha == 255).all()
    pictures(tmp_path / "train/0003", "0000.jpg")
    assert keys(open_("background_videos", tmp_path, "background")) == ["train/0003"]


def test_celebv_hq_reads_any_frame(tmp_path: Path) -> None:
    write_video(tmp_path / "processed/M2Ohb0FAaJU_1.mp4", numbered_frames(20))
    source = open_("celebv_hq", tmp_path, "background")
    assert keys(source) == ["M2Ohb0FAaJU_1"] and source.frames(0) == 20
    item = source.read(0, [17, 0, 3, 17])
    assert [number_of(frame) for frame in item["rgb"]] == [17, 0, 3, 17] and item["alpha"] is None

    with pytest.raises(UserError, match="it has no masks; give their folder as masks"):
        open_("celebv_hq", tmp_path, "face")
    mask = np.zeros((32, 48), np.uint8)
    mask[8:24] = 255
    masks(tmp_path / "masks/M2Ohb0FAaJU_1", "00004.png", "00005.png", "00006.png", "00008.png", mask=mask)
    source = open_("celebv_hq", tmp_path, "face", masks="masks")
    assert source.frames(0) == 5
    clip = decode_clip(source.read(0, [0, 3, 4]), "")
    assert [number_of(frame.rgb) for frame in clip.frames] == [4, 6, 8]
    np.testing.assert_array_equal(clip.frames[2].alpha, mask)


def test_damaged_videos(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_video(path, numbered_frames(20))
    (tmp_path / "b.mp4").write_bytes(b"no video")
    (tmp_path / "c.mp4").write_bytes(path.read_bytes()[:-200])
    source = open_("celebv_hq", tmp_path, "background")
    assert source.frames(0) == 20
    for index in (1, 2):
        with pytest.raises(UserError, match=r"[bc]\.mp4: not a video"):
            source.frames(index)


def test_a_cut_is_not_seen(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 90, (40, 40, 3)), rng.integers(120, 255, (40, 40, 3))
    frames = [(scene + number).astype(np.uint8) for number, scene in enumerate((one, one, other, other, other))]
    assert within_one_shot(frames) == [2, 3, 4, 3, 2]
    assert within_one_shot(frames[:3]) == [0, 1, 0]
    assert within_one_shot(frames[1:3]) == [0, 0]
    assert within_one_shot([frames[2]] * 4) == [0, 1, 2, 3]
    moving = numbered_frames(12)
    assert within_one_shot(moving[::3]) == [0, 1, 2, 3]  # fast motion is no cut

    write_video(tmp_path / "a.mp4", frames)
    item = open_("celebv_hq", tmp_path, "background").read(0, range(5))
    shown = [frame.rgb for frame in decode_clip(item, "").frames]
    np.testing.assert_array_equal(shown, [item["rgb"][index] for index in (2, 3, 4, 3, 2)])


def runs(mask: np.ndarray) -> dict[str, Any]:
    """The uncompressed run lengths of a mask, column by column, from 0."""
    flat = mask.T.ravel() > 0
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    return {"size": list(mask.shape), "counts": ([0] if flat[0] else []) + counts}


def test_youtubevis2021(tmp_path: Path) -> None:
    names = [f"0043f083b5/{number:05d}.jpg" for number in (0, 5, 10, 15)]
    pictures(tmp_path / "train/JPEGImages", *names)
    size = {"height": trees.SIZE[0], "width": trees.SIZE[1]}
    middle = np.zeros(trees.SIZE, np.uint8)
    middle[3:9, 5:10] = 255
    tracks = [[None, runs(half()), None, runs(middle)], [None, runs(middle), None, None]]
    content = {
        "videos": [{"id": 1, "file_names": names, **size}, {"id": 2, "file_names": ["b/00000.jpg"], **size}],
        "annotations": [
            *({"video_id": 1, "category_id": 26, "segmentations": track} for track in tracks),
            {"video_id": 2, "category_id": 3, "segmentations": [runs(middle)]},
        ],
    }
    (tmp_path / "train/instances.json").write_text(json.dumps(content))
    source = open_("youtubevis2021", tmp_path, "segmentation")
    assert keys(source) == ["0043f083b5"] and source.frames(0) == 3  # from the first to the last with a person
    clip = decode_clip(source.read(0, [0, 1, 2]), "")
    np.testing.assert_array_equal(clip.frames[0].alpha, np.maximum(half(), middle))
    assert not clip.frames[1].alpha.any()
    np.testing.assert_array_equal(clip.frames[2].alpha, middle)
    with pytest.raises(UserError, match="empty in all frames"):
        decode_clip(source.read(0, [1]), "")


def make_pool(root: Path, **settings: Any) -> Pool:
    spec = {"name": "videomatte240k", "root": str(root), "split": "all"}
    pool = open_pool({"main": spec}, "foreground", "data.foregrounds", split="train", resolution=8, bad=BadRecords(0.7))
    assert pool is not None
    return pool


def test_a_pool_gives_clips_and_replaces_bad_ones(tmp_path: Path) -> None:
    for name, count in (("0", 3), ("1", 4), ("2", 6)):
        for number in range(count):
            pictures(tmp_path / f"train/fgr/{name}", f"{number}.png", value=30 * number)
            masks(tmp_path / f"train/pha/{name}", f"{number}.png", mask=half() if name != "0" else half(0))
    (tmp_path / "train/fgr/1/2.png").write_bytes(b"")
    pool = make_pool(tmp_path)
    lengths: list[int] = []

    def choose(length: int) -> list[int]:
        lengths.append(length)
        return [length - 1, 2, 0]

    clip = pool.load(0, 0, choose)
    assert isinstance(clip, Video)
    assert lengths == [3, 4, 6] and clip.key == "train/2"
    assert [value(frame) for frame in clip.frames] == [150, 60, 0]
    assert pool.bad.count() == 2
    still = pool.load(0, 1)
    assert isinstance(still, Picture)
    assert value(still) == 0 and still.key == "train/1"  # without a choice the first frame, which is good
