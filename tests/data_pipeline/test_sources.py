import io
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from data_pipeline.drawn import ProceduralFaces
from data_pipeline.sources import ADAPTERS, open_source
from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import Request
from data_pipeline.sources.decode import decode
from data_pipeline.sources.pool import BadRecords, Pool, open_pool
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_picture

REQUEST = Request("face", "train", 64, "data.faces.main")
OCCLUDER = REQUEST._replace(kind="occluder")


def write(root: Path, *names: str, value: int = 255, size: tuple[int, int] = (8, 6), channels: int = 0) -> None:
    for name in names:
        write_picture(root / name, np.full((*size, channels) if channels else size, value, np.uint8))


def keys(source: Any) -> list[str]:
    return [source[index]["key"] for index in range(len(source))]


def folder(request: Request = REQUEST, **spec: Any) -> Any:
    return open_source({"name": "folder", **spec}, request)


def test_pairs_beside_each_other_of_any_suffix_and_name(tmp_path: Path) -> None:
    write(tmp_path / "img", "a.jpg", "b.c.png", "d.bmp", channels=3)
    write(tmp_path / "mask", "a.png", "b.c_mask.png", "d.jpg")
    source = folder(root=str(tmp_path))
    assert keys(source) == ["a", "b.c", "d"] and source.skipped == {}
    item = source[1]
    assert item["rgb"] == (tmp_path / "img/b.c.png").read_bytes()
    assert item["alpha"] == (tmp_path / "mask/b.c_mask.png").read_bytes()
    assert item["kind"] == "face" and "category" not in item
    assert keys(pickle.loads(pickle.dumps(source))) == keys(source)


@pytest.mark.parametrize(("images", "masks"), [("fg", "alpha"), ("image", "masks"), ("src", "pha"), ("Images", "MASK")])
def test_folder_names_of_the_datasets(tmp_path: Path, images: str, masks: str) -> None:
    write(tmp_path / images, "a.jpg", channels=3)
    write(tmp_path / masks, "a.jpg")
    assert keys(folder(root=str(tmp_path))) == ["a"]


def test_categories_as_in_sim_and_in_benchmarks(tmp_path: Path) -> None:
    for category, images, masks in (("net", "fg", "alpha"), ("plant_leaf", "fg", "alpha"), ("hand", "img", "mask")):
        write(tmp_path / "train" / category / images, "x.jpg", channels=3)
        write(tmp_path / "train" / category / masks, "x.jpg")
    write(tmp_path / "train/hand/img/clip", "00000.png", channels=3)
    write(tmp_path / "train/hand/mask/clip", "00000.png")
    source = folder(root=str(tmp_path), split="train")
    assert keys(source) == [f"train/{key}" for key in ("hand/clip/00000", "hand/x", "net/x", "plant_leaf/x")]
    assert [source[i]["category"] for i in range(4)] == ["hand", "hand", "net", "plant_leaf"]
    assert keys(folder(root=str(tmp_path), include=["plant_*", "net"], exclude=["net"])) == ["train/plant_leaf/x"]
    with pytest.raises(
        UserError, match=r"data\.faces\.main: .* leave nothing; the categories .* hand, net, plant_leaf"
    ):
        folder(root=str(tmp_path), include=["fire"])


def test_the_better_of_two_picture_folders(tmp_path: Path) -> None:
    write(tmp_path / "original", "a.jpg", value=1, channels=3)
    write(tmp_path / "fg", "a.png", value=2, channels=3)
    write(tmp_path / "mask", "a.png")
    source = folder(OCCLUDER, root=str(tmp_path))
    assert source[0]["rgb"] == (tmp_path / "fg/a.png").read_bytes() and len(source) == 1


def test_named_folders_as_in_celebamask_hq(tmp_path: Path) -> None:
    write(tmp_path / "CelebA-HQ-img", "0.jpg", "1.jpg", channels=3)
    write(tmp_path / "drive/masks_corrected", "0.png", "1.png", channels=3)
    source = folder(root=str(tmp_path), images="CelebA-HQ-img", masks="drive/masks_corrected")
    assert keys(source) == ["0", "1"]
    with pytest.raises(UserError, match=r"\.images: no folder 'CelebA-HQ-img' beside a folder 'masks'"):
        folder(root=str(tmp_path), images="CelebA-HQ-img", masks="masks")


def test_rgba_pictures_need_no_masks_and_textures_none_at_all(tmp_path: Path) -> None:
    write(tmp_path / "internet/cups", "a.png", channels=4)
    source = folder(OCCLUDER, root=str(tmp_path))
    assert source[0]["alpha"] is None and source[0]["category"] == "cups"
    assert decode(source[0], "main").alpha.shape == (8, 6)
    write(tmp_path / "dtd/images/braided", "b.jpg", channels=3)
    texture = folder(OCCLUDER._replace(kind="texture"), root=str(tmp_path / "dtd"))[0]
    picture = decode(texture, "main")
    assert picture.category == "braided" and picture.rgb.shape == (8, 6, 3) and (picture.alpha == 255).all()


def test_what_has_no_mask_is_skipped_and_named(tmp_path: Path) -> None:
    write(tmp_path / "img", "a.jpg", "b.jpg", channels=3)
    write(tmp_path / "mask", "a.png")
    source = folder(root=str(tmp_path))
    assert keys(source) == ["a"]
    assert source.skipped == {f"{tmp_path}/img/b.jpg": f"no mask of that name in {tmp_path}/mask"}


def test_absent_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"data\.faces\.main\.root: no such folder: {tmp_path}/nowhere"):
        folder(root=str(tmp_path / "nowhere"))
    (tmp_path / "img").mkdir()
    (tmp_path / "mask").mkdir()
    with pytest.raises(
        UserError, match=r"data\.faces\.main\.root: no pictures in .*; they should be in a folder named"
    ):
        folder(root=str(tmp_path))
    write(tmp_path, "a.jpg", channels=3)
    (tmp_path / "mask").rmdir()
    with pytest.raises(UserError, match=r"none of the 1 pictures can be used \(.*a\.jpg: no folder of masks"):
        folder(root=str(tmp_path))


def test_splits(tmp_path: Path) -> None:
    names = [f"{i}.jpg" for i in range(60)]
    write(tmp_path / "img", *names, channels=3)
    write(tmp_path / "mask", *(f"{i}.png" for i in range(60)))
    (tmp_path / "list.txt").write_text("3.jpg\n\n12\n99.jpg\n")
    listed = folder(root=str(tmp_path), split="list.txt")
    assert keys(listed) == ["12", "3"] and list(listed.skipped) == ["99.jpg"]
    assert keys(folder(root=str(tmp_path), split=str(tmp_path / "list.txt"))) == ["12", "3"]

    def part(split: str, shares: str) -> list[str]:
        return keys(folder(REQUEST._replace(split=split), root=str(tmp_path), split=shares))

    three = [part(split, "hash:0.5/0.3/0.2") for split in ("train", "valid", "test")]
    assert (
        sorted(key for part_keys in three for key in part_keys) == sorted(Path(name).stem for name in names)
        and min(map(len, three)) >= 5
    )
    assert part("valid", "hash:0.5/0.5") == part("test", "hash:0.5/0.5")
    for wrong in ("hash:0.9", "hash:a/b", "hash:0.9/0.9", "nowhere.txt"):
        with pytest.raises(UserError, match=r"data\.faces\.main\.split: "):
            folder(root=str(tmp_path), split=wrong)
    with pytest.raises(UserError, match=r"leaves nothing of .* for the split 'valid'"):
        part("valid", "hash:1/0")


def test_seeded_subset(tmp_path: Path) -> None:
    write(tmp_path / "img", *(f"{i}.png" for i in range(30)), channels=3)
    write(tmp_path / "mask", *(f"{i}.png" for i in range(30)))
    subsets = [keys(folder(root=str(tmp_path), max_items=8, seed=seed)) for seed in (0, 0, 1)]
    assert len(subsets[0]) == 8 and subsets[0] == subsets[1] != subsets[2]
    assert subsets[0] == sorted(subsets[0])


def test_wrong_settings() -> None:
    for spec, message in (
        ({"name": "imagenet"}, r"\.name: no source 'imagenet'; known are am2k, background_images"),
        ({"name": "folder"}, r"\.root: 'folder' needs it"),
        ({"name": "folder", "root": "x", "size": 3}, r"\.size: 'folder' has no such setting; it has root, include"),
        ({"name": "dtd", "root": "x"}, r"\.name: 'dtd' is no source of kind face, but of texture, background"),
    ):
        with pytest.raises(UserError, match=r"data\.faces\.main" + message):
            open_source(spec, REQUEST)
    assert open_source({"name": "drawn", "root": None, "weight": 2, "size": 32, "max_items": 3}, REQUEST)


def encoded(suffix: str, array: np.ndarray) -> bytes:
    return cv2.imencode(suffix, array)[1].tobytes()


def test_decoding_copes_with_masks_as_they_come() -> None:
    rgb = encoded(".png", np.full((8, 6, 3), (30, 20, 10), np.uint8))
    mask = np.zeros((16, 12), np.uint8)
    mask[:8] = 1
    for stored in (mask, mask * 255, np.repeat(mask[..., None], 3, axis=2)):
        item = {"rgb": rgb, "alpha": encoded(".png", stored), "key": "a", "kind": "face"}
        picture = decode(item, "main")
        assert picture.rgb[0, 0].tolist() == [10, 20, 30] and picture.category == "main"
        np.testing.assert_array_equal(picture.alpha, np.repeat([[255], [0]], 4, axis=0) * np.ones((1, 6)))
    noise = np.full((8, 6), 5, np.uint8)
    for alpha, message in ((encoded(".png", noise), "it is empty"), (encoded(".png", mask)[:60], "cut short")):
        with pytest.raises(UserError, match=rf"a \(mask\): .*{message}"):
            decode({"rgb": rgb, "alpha": alpha, "key": "a", "kind": "face"}, "main")
    with pytest.raises(UserError, match="a: the picture has no alpha"):
        decode({"rgb": rgb, "alpha": None, "key": "a", "kind": "occluder"}, "main")


def item(rgb: bytes, alpha: bytes | None = None, kind: str = "face") -> dict[str, Any]:
    return {"rgb": rgb, "alpha": alpha, "key": "a", "kind": kind}


def palette_png(colours: list[int], index: np.ndarray) -> bytes:
    stream = io.BytesIO()
    picture = Image.fromarray(index, "P")
    picture.putpalette(colours)
    picture.save(stream, "PNG")
    return stream.getvalue()


def test_palette_masks() -> None:
    rgb = encoded(".png", np.zeros((8, 6, 3), np.uint8))
    index = np.zeros((8, 6), np.uint8)
    index[:4] = 1
    for colours in ([0, 0, 0, 128, 0, 0], [0, 0, 0, 255, 255, 255], [0, 0, 0, 1, 1, 1]):
        np.testing.assert_array_equal(decode(item(rgb, palette_png(colours, index)), "").alpha, index * 255)
    grey = [level for value in range(256) for level in (value, value, value)]
    np.testing.assert_array_equal(decode(item(rgb, palette_png(grey, index * 100)), "").alpha, index * 100)


def header_of(width: int, height: int) -> bytes:
    """A small PNG whose header claims another size."""
    data = encoded(".png", np.zeros((4, 4), np.uint8))
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


@pytest.mark.parametrize(
    ("rgb", "alpha", "message"),
    [
        (b"", None, "not a picture"),
        (b"<html>", b"", "not a picture"),
        (header_of(0, 8), None, "not a picture"),
        (header_of(20_000, 20_000), None, "absurdly large"),
        (header_of(400_000, 400_000), None, "absurdly large"),
        (header_of(0, 8)[:18], None, "cut short"),
        (header_of(8, 8)[:33] + b"\x7f" + header_of(8, 8)[34:], None, "cut short or damaged"),  # a chunk of 2 GB
        (encoded(".jpg", np.zeros((9, 9), np.uint8))[:4], None, "not a picture, or cut short"),
        (encoded(".bmp", np.zeros((2, 17_000), np.uint8)), None, "absurdly large"),
        (encoded(".jpg", np.zeros((20, 20_000), np.uint8)), None, r"absurdly large \(20000×20 pixels\)"),
        (encoded(".png", np.zeros((3, 40, 3), np.uint8)), None, "40×3 pixels show nothing"),
        (np.zeros((8, 6, 4), np.uint8), None, r"uint8 of shape \(8, 6, 4\) is no RGB picture"),
        (encoded(".png", np.zeros((8, 6, 3), np.uint8)), header_of(30_000, 9), r"\(mask\): .*absurdly large"),
        (encoded(".png", np.zeros((80, 60, 3), np.uint8)), encoded(".png", np.full((60, 80), 255, np.uint8)),
         r"\(mask\): 80×60 pixels for a picture of 60×80"),
    ],
)  # fmt: skip
def test_absurd_pictures(rgb: bytes, alpha: bytes | None, message: str) -> None:
    with pytest.raises(UserError, match=rf"^a.*{message}"):
        decode(item(rgb, alpha, "face" if alpha else "texture"), "main")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_any_number_of_channels(channels: int, depth: type[np.uint8] | type[np.uint16]) -> None:
    picture = np.full((8, 6, channels), np.iinfo(depth).max, depth)
    decoded = decode(item(encoded(".png", picture), encoded(".png", picture)), "main")
    assert decoded.rgb.shape == (8, 6, 3) and (decoded.rgb == 255).all() and (decoded.alpha == 255).all()


def make_pool(root: Path, bad: BadRecords) -> Pool:
    spec = {"name": "folder", "root": str(root)}
    pool = open_pool(
        {"main": spec, "off": {"name": "?", "weight": 0}}, "face", "data.faces", split="train", resolution=8, bad=bad
    )
    assert pool is not None
    return pool


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Five pictures: 1 is cut short, 2 has an empty mask, 4 none."""
    write(tmp_path / "img", *(f"{i}.jpg" for i in range(5)), channels=3)
    write(tmp_path / "mask", *(f"{i}.png" for i in range(4)))
    write(tmp_path / "mask", "2.png", value=0)
    path = tmp_path / "img/1.jpg"
    path.write_bytes(path.read_bytes()[:-20])
    return tmp_path


def test_the_next_good_record_takes_the_place_of_a_bad_one(damaged: Path, caplog: pytest.LogCaptureFixture) -> None:
    bad = BadRecords(0.6)
    pool = make_pool(damaged, bad)
    assert bad.count("data.faces.main") == 1 and len(pool) == 4
    assert [pool.load(0, index).key for index in (0, 1, 2, 3, 1)] == ["0", "3", "3", "3", "3"]
    assert bad.count() == 3
    named = [record.getMessage() for record in caplog.records]
    assert len(named) == 3  # each once
    for message, part in zip(
        named, ("4.jpg: no mask", "1: the picture is cut short", "2 (mask): it is empty"), strict=True
    ):
        assert message.startswith("data.faces.main: passing over") and part in message


def test_too_many_bad_records_end_the_run(damaged: Path) -> None:
    pool = make_pool(damaged, BadRecords(0.4))
    with pytest.raises(
        UserError, match=r"data\.faces\.main: 3 of 5 pictures .* data\.max_bad_share=0\.4 .* 2 \(mask\)"
    ):
        pool.load(0, 1)


def test_processes_count_bad_records_together(damaged: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    pools = [make_pool(damaged, BadRecords(0.6, shared)) for _ in range(2)]
    for pool in pools:
        pool.load(0, 1)
    assert [pool.bad.count() for pool in pools] == [3, 3]
    assert len(caplog.records) == 3


def test_sources_are_drawn_by_weight(tmp_path: Path) -> None:
    for name, value in (("a", 10), ("b", 20)):
        write(tmp_path / name / "img", "x.png", value=value, channels=3)
        write(tmp_path / name / "mask", "x.png")
    specs = {name: {"name": "folder", "root": str(tmp_path / name), "weight": w} for name, w in (("a", 1), ("b", 3))}
    pool = open_pool(specs, "occluder", "data.occluders", split="train", resolution=8, bad=BadRecords(0.5))
    assert pool is not None
    rng = np.random.default_rng(0)
    drawn = [pool.draw(rng).category for _ in range(400)]
    assert drawn.count("b") == pytest.approx(300, abs=30)
    assert (
        open_pool({"a": {"weight": 0}}, "face", "data.faces", split="train", resolution=8, bad=BadRecords(0.5)) is None
    )


def test_a_former_name_is_still_read(caplog: pytest.LogCaptureFixture) -> None:
    request = REQUEST._replace(where="data.faces.former")
    now, before = (open_source({"name": name, "size": 32, "max_items": 2}, request) for name in ("drawn", "procedural"))
    assert isinstance(now, ProceduralFaces) and isinstance(before, ProceduralFaces)
    np.testing.assert_array_equal(before[1]["rgb"], now[1]["rgb"])
    assert "data.faces.former.name: 'procedural' is now called 'drawn'" in caplog.text


def test_two_adapters_of_one_name_are_refused() -> None:
    def sim() -> None:
        pass

    with pytest.raises(ValueError, match="two adapters are called 'sim'"):
        adapter("Another", ("face",))(sim)
    assert ADAPTERS["sim"].title == "SIM (SIMD)"
