"""Each dataset of still pictures on a tree in the layout in which it is downloaded."""

import base64
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import trees
from trees import alpha, half, keys, masks, open_, pictures

from data_pipeline.sources.decode import decode
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_picture

ANNOTATIONS = "CelebAMask-HQ-mask-anno"


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    pictures(tmp_path / "CelebA-HQ-img", "0.jpg", "1.jpg", "2001.jpg")
    for number, folder in ((0, 0), (2001, 1)):
        masks(tmp_path / ANNOTATIONS / f"{folder}", f"{number:05d}_skin.png")
    eye = np.zeros(trees.SIZE, np.uint8)
    eye[2:6, 2:8] = 255
    masks(tmp_path / ANNOTATIONS / "0", "00000_eye_g.png", mask=np.repeat(eye[..., None], 3, axis=2))
    masks(tmp_path / ANNOTATIONS / "0", "00000_hat.png", mask=half(left=False))
    lines = ["idx orig_idx orig_file", "0   119613 119614.jpg", "1 162771 162772.jpg", "2001 182638  182639.jpg"]
    (tmp_path / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(lines))
    return tmp_path


def test_celebamask_hq_parts_and_policies(celeba: Path) -> None:
    source = open_("celebamask_hq", celeba, "face")
    assert keys(source) == ["0"]  # the official partition; 1 has no parts and is in another
    face = half()
    face[2:6, 2:8] = 0
    np.testing.assert_array_equal(alpha(source), face)
    np.testing.assert_array_equal(alpha(open_("celebamask_hq", celeba, "face", glasses="keep")), half())
    assert (alpha(open_("celebamask_hq", celeba, "face", hat="include", glasses="include")) == 255).all()
    with pytest.raises(UserError, match=r"data\.main\.glasses: 'off' is none of exclude, keep, include"):
        open_("celebamask_hq", celeba, "face", glasses="off")
    assert keys(open_("celebamask_hq", celeba, "face", "test")) == ["2001"]
    with pytest.raises(UserError, match=r"none of the 1 pictures .*no parts of the face"):
        open_("celebamask_hq", celeba, "face", "valid")


def test_celebamask_hq_with_the_masks_and_lists_of_natocc(celeba: Path) -> None:
    corrected = "CelebAMask-HQ-masks_corrected"
    masks(celeba / corrected, "0.png", "1.png", mask=np.repeat(half()[..., None], 3, axis=2))
    (celeba / "CelebAMask-HQ-WO-train.txt").write_text("1.jpg\n0.jpg\n")
    (celeba / "CelebAMask-HQ-WO-test.txt").write_text("2001.jpg\n")
    lists = {"train": "CelebAMask-HQ-WO-train.txt", "valid": "CelebAMask-HQ-WO-test.txt"}
    from data_pipeline.sources import open_source

    spec = {"name": "celebamask_hq", "root": str(celeba), "masks": corrected, "split": lists}
    source = open_source(spec, trees.request("face"))
    assert keys(source) == ["0", "1"]
    np.testing.assert_array_equal(alpha(source), half())
    with pytest.raises(UserError, match="none of the 1 pictures"):  # it has no mask
        open_source(spec, trees.request("face", "test"))


def test_realocc_masks_of_0_and_1(tmp_path: Path) -> None:
    pictures(tmp_path / "image", "a.b.jpg", "c.jpg")
    masks(tmp_path / "mask", "a.b.png", "c.png", mask=half(1))
    (tmp_path / "split").mkdir()
    (tmp_path / "split/val.txt").write_text("a.b\n")
    source = open_("realocc", tmp_path, "face", "test")
    assert keys(source) == ["a.b", "c"]
    np.testing.assert_array_equal(alpha(source), half())


def test_faceocc_faces_and_occluders(tmp_path: Path) -> None:
    rgba = np.dstack([np.full((*trees.SIZE, 3), 80, np.uint8), half(left=False)])
    for name in ("ffhq/00007.png", "CelebAHQ/12.png", "internet/cups/x.png"):
        write_picture(tmp_path / name, rgba)
    labels = np.ones(trees.SIZE, np.int64)
    labels[:4] = 17  # hair
    labels[4:6] = 4  # glasses: the alpha decides
    (tmp_path / "ffhqMask").mkdir()
    (tmp_path / "ffhqMask/00007.pkl").write_bytes(pickle.dumps(labels, protocol=2))
    pictures(tmp_path / "COFW_test/img", "1.jpg")
    masks(tmp_path / "COFW_test/mask", "1.png")
    source = open_("faceocc", tmp_path, "face")
    assert keys(source) == ["train/ffhq/00007"]
    expected = half()
    expected[:4] = 0
    np.testing.assert_array_equal(alpha(source), expected)
    assert keys(open_("faceocc", tmp_path, "face", "valid")) == ["test/COFW/1"]

    occluders = open_("faceocc_occluders", tmp_path, "occluder")
    assert {record.category for record in occluders.records} == {"ffhq", "CelebAHQ", "cups"}
    np.testing.assert_array_equal(alpha(occluders), half(left=False))


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('it ran')",))


@pytest.mark.parametrize("content", [pickle.dumps(_Runs()), pickle.dumps([1]), b"\x80\x05garbage"])
def test_a_pickle_runs_nothing(tmp_path: Path, content: bytes) -> None:
    write_picture(tmp_path / "ffhq/1.png", np.full((*trees.SIZE, 4), 9, np.uint8))
    (tmp_path / "ffhqMask").mkdir()
    (tmp_path / "ffhqMask/1.pkl").write_bytes(content)
    with pytest.raises(UserError, match=r"1\.pkl: not a pickled array"):
        open_("faceocc", tmp_path, "face")[0]


def test_sim_without_the_part_of_adobe(tmp_path: Path) -> None:
    for phase, category in (("train", "net"), ("train", "logo"), ("test", "fire")):
        pictures(tmp_path / phase / category / "fg", "a.1.jpg")
        masks(tmp_path / phase / category / "alpha", "a.1.jpg")
    masks(tmp_path / "train/sharp/alpha", "adobe.jpg")  # its picture is licensed apart
    source = open_("sim", tmp_path, "occluder")
    assert keys(source) == ["train/logo/a.1", "train/net/a.1"]  # an unknown class is a class
    assert list(source.skipped.values()) == ["a mask without its picture"]
    assert np.abs(alpha(source).astype(int) - half()).mean() < 3  # JPEG
    assert keys(open_("sim", tmp_path, "occluder", "valid")) == ["test/fire/a.1"]
    assert keys(open_("sim", tmp_path, "occluder", exclude=["lo*"])) == ["train/net/a.1"]


def test_am2k_takes_fg_where_it_is(tmp_path: Path) -> None:
    pictures(tmp_path / "train/original", "m_1.jpg", "m_2.jpg", value=10)
    pictures(tmp_path / "train/fg", "m_2.png", value=200)
    masks(tmp_path / "train/mask", "m_1.png", "m_2.png", mask=np.repeat(half(128)[..., None], 3, axis=2))
    pictures(tmp_path / "validation/original", "m_3.jpg")
    masks(tmp_path / "validation/mask", "m_3.png")
    pictures(tmp_path / "validation/trimap", "m_3.png")
    source = open_("am2k", tmp_path, "occluder")
    assert [decode(source[i], "").rgb[0, 0, 0] for i in range(2)] == [10, 200]
    np.testing.assert_array_equal(alpha(source), half(128))
    assert keys(open_("am2k", tmp_path, "occluder", "test")) == ["validation/m_3"]


def test_hands(tmp_path: Path) -> None:
    pictures(tmp_path / "11k/Hands", "Hand_0000002.jpg", "Hand_0000003.jpg")
    masks(tmp_path / "11k/11k-hands_masks", "Hand_0000003.png")
    source = open_("hands_11k", tmp_path / "11k", "occluder")
    assert keys(source) == ["Hand_0000003"] and source.skipped == {}

    inner = tmp_path / "hiu/to_cv_community"
    pictures(inner, "x.1.jpg", "y.jpg")
    masks(inner, "x.1_mask.png")
    (inner / "x.1.json").write_text("{}")
    source = open_("hiu_dmtl", tmp_path / "hiu", "occluder")
    assert keys(source) == ["x.1"] and list(source.skipped) == [f"{inner}/y.jpg"]


def test_coco_objects_and_dtd(tmp_path: Path) -> None:
    pictures(tmp_path / "object_image_sr", "1.jpeg", "2.jpg")
    masks(tmp_path / "object_mask_x4", "1.png", "2.png")
    assert keys(open_("coco_objects", tmp_path, "occluder")) == ["1", "2"]

    pictures(tmp_path / "images/banded", "banded_0001.jpg", "banded_0002.jpg")
    (tmp_path / "labels").mkdir()
    for name, line in (("train1", "banded/banded_0002.jpg"), ("val1", "banded/banded_0001.jpg"), ("train2", "x/y.jpg")):
        (tmp_path / f"labels/{name}.txt").write_text(line + "\n")
    source = open_("dtd", tmp_path, "texture")
    assert keys(source) == ["banded/banded_0002"] and source.records[0].category == "banded"
    assert (alpha(source) == 255).all()
    assert keys(open_("dtd", tmp_path, "texture", "valid")) == ["banded/banded_0001"]


def test_the_fork(tmp_path: Path) -> None:
    faces = tmp_path / "source/face"
    pictures(faces / "CelebAMask-HQ/CelebA-HQ-img-512", "0.jpg", "1.jpg")
    masks(faces / "CelebAMask-HQ-masks_corrected-512", "0.png", "1.png")
    (faces / "CelebAMask-HQ-WO-train.txt").write_text("1.jpg\n")
    assert keys(open_("fork", tmp_path, "face")) == ["1"]

    occluders = tmp_path / "occluders"
    for fg, mask in (
        ("sim/train/net/fg/a.jpg", "sim/train/net/alpha/a.jpg"), ("hiu/fg/7.jpg", "hiu/alpha/7_mask.png"),
        ("hiu/fg/8.jpg", "hiu/alpha/8_mask.png"), ("am2k/test/fg/m.jpg", "am2k/test/mask/m.png"),
        ("11k/Hands/h.jpg", "11k/11k-hands_masks/h.png"),
    ):  # fmt: skip
        pictures(occluders, fg)
        masks(occluders, mask)
    rand = tmp_path / "FM_dataset/CelebA-HQ-WO-train/rand"
    pictures(rand / "occlusion_img", "3.png")
    masks(rand / "occlusion_mask", "3.png")
    (occluders / "hiu/hiu_train.txt").write_text("7\n")
    assert keys(open_("fork", tmp_path, "occluder")) == ["11k/h", "hiu/7", "rand/train/3", "sim/train/net/a"]
    assert keys(open_("fork", tmp_path, "occluder", "test")) == ["11k/h", "am2k/test/m", "hiu/7", "hiu/8"]
    assert keys(open_("fork", tmp_path, "occluder", include=["sim", "rand"])) == ["rand/train/3", "sim/train/net/a"]


def test_imagematte_and_backgrounds(tmp_path: Path) -> None:
    for phase in ("train", "valid"):
        pictures(tmp_path / phase / "fgr", "a.jpg")
        masks(tmp_path / phase / "pha", "a.png")
    assert keys(open_("imagematte", tmp_path, "foreground")) == ["train/a"]
    assert keys(open_("imagematte", tmp_path, "foreground", "test")) == ["valid/a"]
    assert len(open_("background_images", tmp_path, "background")) == 4


def test_coco_panoptic(tmp_path: Path) -> None:
    pictures(tmp_path / "train2017", "000000000009.jpg", "000000000025.jpg")
    ids = np.full((*trees.SIZE, 3), (1, 2, 3), np.uint8)  # R + 256 G + 65536 B
    ids[:, 12:] = (9, 0, 0)
    write_picture(tmp_path / "panoptic_train2017/000000000009.png", ids)
    person = {"id": 1 + 256 * 2 + 65536 * 3, "category_id": 1}
    other = {"id": 9, "category_id": 50}
    annotations = [
        {"file_name": "000000000009.png", "segments_info": [person, other]},
        {"file_name": "000000000025.png", "segments_info": [other]},  # no person
    ]
    (tmp_path / "annotations").mkdir()
    path = tmp_path / "annotations/panoptic_train2017.json"
    path.write_text(json.dumps({"annotations": annotations}))
    source = open_("coco_panoptic", tmp_path, "segmentation")
    assert keys(source) == ["train2017/000000000009"]
    np.testing.assert_array_equal(alpha(source), half())
    path.write_text("{")
    with pytest.raises(UserError, match=r"panoptic_train2017\.json: not an annotation file"):
        open_("coco_panoptic", tmp_path, "segmentation")


def test_supervisely_as_the_project(tmp_path: Path) -> None:
    bits = np.full((4, 5), 255, np.uint8)
    data = base64.b64encode(zlib.compress(cv2.imencode(".png", bits)[1].tobytes())).decode()
    square = {"exterior": [[10, 2], [14, 2], [14, 6], [10, 6]], "interior": [[[12, 4], [12, 4], [12, 4]]]}
    objects = [
        {"classTitle": "person_bmp", "bitmap": {"data": data, "origin": [1, 2]}, "points": {}},
        {"classTitle": "person_poly", "bitmap": None, "points": square},
        {"classTitle": "neutral", "bitmap": {"data": data, "origin": [18, 10]}, "points": {}},
    ]
    annotation = {"size": {"height": trees.SIZE[0], "width": trees.SIZE[1]}, "objects": objects}
    pictures(tmp_path / "ds1/img", "p.jpg", "q.jpg")
    (tmp_path / "ds1/ann").mkdir()
    (tmp_path / "ds1/ann/p.jpg.json").write_text(json.dumps(annotation))
    source = open_("supervisely", tmp_path, "segmentation")
    expected = np.zeros(trees.SIZE, np.uint8)
    expected[2:6, 1:6] = 255
    expected[2:7, 10:15] = 255
    expected[4, 12] = 0
    np.testing.assert_array_equal(alpha(source), expected)
    assert list(source.skipped.values()) == ["it has no annotation"]


@pytest.mark.parametrize(("images", "seg", "suffix"), [("src", "msk", "jpg"), ("img", "seg", "png")])
def test_supervisely_as_rvm_writes_and_reads_it(tmp_path: Path, images: str, seg: str, suffix: str) -> None:
    pictures(tmp_path / "train" / images, "p.png")
    masks(tmp_path / "train" / seg, f"p.{suffix}")
    source = open_("supervisely", tmp_path, "segmentation")
    assert keys(source) == ["train/p"] and np.abs(alpha(source).astype(int) - half()).mean() < 3


def test_a_root_of_another_layout_names_the_layout(tmp_path: Path) -> None:
    pictures(tmp_path, "a.jpg")
    with pytest.raises(UserError, match=r"data\.main\.root: no pictures in .*layout is \{train,test\}/\{class\}"):
        open_("sim", tmp_path, "occluder")
    with pytest.raises(UserError, match=r"data\.main\.root: no such folder: .*CelebA-HQ-img"):
        open_("celebamask_hq", tmp_path, "face")


def test_london_draws_the_face_through_its_landmarks(tmp_path: Path) -> None:
    from data_pipeline.sources.london import LANDMARKS, OUTLINE, closed_spline

    points = np.full((LANDMARKS, 2), 3.0)
    turn = np.linspace(0, 2 * np.pi, len(OUTLINE), endpoint=False) + np.pi
    points[list(OUTLINE)] = np.stack([12 + 8 * np.cos(turn), 8 + 6 * np.sin(turn)], 1)
    pictures(tmp_path / "neutral_front", "001_03.jpg", "002_03.jpg", "003_03.jpg", "004_03.jpg")
    folder = tmp_path / "neutral_front"
    (folder / "001_03.tem").write_text(trees.landmarks(points, "# a comment"))
    (folder / "002_03.tem").write_text(trees.landmarks(points[:179]))
    (folder / "003_03.tem").write_text("no number\n1 2\n")
    source = open_("london", tmp_path, "face")
    assert keys(source) == ["neutral_front/001_03"] and source.records[0].category == "neutral_front"
    reasons = sorted(source.skipped.values())
    assert "has 179 landmarks" in reasons[0] + reasons[1] + reasons[2] and "it has no landmarks" in reasons
    mask = alpha(source)
    y, x = np.mgrid[: trees.SIZE[0], : trees.SIZE[1]] + 0.5
    inside = ((x - 12) / 8) ** 2 + ((y - 8) / 6) ** 2
    assert (mask[inside < 0.75] == 255).all() and (mask[inside > 1.35] == 0).all()
    assert abs((mask / 255).sum() - np.pi * 8 * 6) < 8  # OpenCV fattens by half a sample
    assert ((mask > 0) & (mask < 255)).any()
    spline = closed_spline(points[list(OUTLINE)])
    np.testing.assert_allclose(spline[::16], points[list(OUTLINE)], atol=1e-9)
    assert np.abs(((spline[:, 0] - 12) / 8) ** 2 + ((spline[:, 1] - 8) / 6) ** 2 - 1).max() < 0.01
