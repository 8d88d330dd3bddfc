"""What `inspect_data.py` says of a dataset beside its counts."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from data_pipeline.inspection import inspect_source
from data_pipeline.shared_memory import batch_bytes, check_shared_memory
from data_pipeline.sources import ADAPTERS, open_source
from data_pipeline.sources.base import Request
from data_pipeline.sources.decode import decode
from rvm_jax.errors import UserError

MASK = np.zeros((30, 30), np.uint8)
MASK[10:20, 8:22] = 255


def _jpeg(shade: int, turned: int = 1, size: tuple[int, int] = (30, 30)) -> bytes:
    picture = np.full((*size, 3), shade, np.uint8)
    picture[:4, :4] = 255 - shade
    exif = Image.Exif()
    exif[274] = turned
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def _png(array: np.ndarray) -> bytes:
    return cv2.imencode(".png", array)[1].tobytes()


def _inspect(root: Path) -> list[str]:
    source = open_source({"name": "folder", "root": str(root)}, Request("face", "train", 64, "--name=folder"))
    return inspect_source(source, ADAPTERS["folder"], label="folder", sample=None).lines


def test_faults_of_a_folder_of_faces(tmp_path: Path) -> None:
    labels = np.zeros((30, 30), np.uint8)
    labels[5:15, 5:25], labels[15:25, 5:25] = 1, 17
    pictures = {
        "good": (_jpeg(10), MASK),
        "turned": (_jpeg(20, turned=6), MASK),
        "opaque": (_jpeg(30), np.full((30, 30), 255, np.uint8)),
        "inverted": (_jpeg(40), 255 - MASK),
        "zgood_again": (_jpeg(10), MASK),
        "labels": (_jpeg(60), labels),
        "oblong": (_jpeg(70, turned=6, size=(20, 40)), np.pad(MASK[:20], ((0, 0), (0, 10)))),
    }
    for name, (picture, mask) in pictures.items():
        for folder, suffix, data in (("img", "jpg", picture), ("mask", "png", _png(mask))):
            path = tmp_path / folder / f"{name}.{suffix}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
    lines = _inspect(tmp_path)
    said = [line.strip() for line in lines if "fault: " in line or "cannot be used" in line]
    assert said[:4] == [
        "fault: 1 alphas show the border and hide the middle; they may be inverted (inverted)",
        "fault: 1 alphas hide nothing at all; check that they are the masks (opaque)",
        "fault: 1 pictures are stored turned (EXIF), their masks are not; a mask must lie over its picture as that is "
        "shown (turned)",
        "fault: 1 pictures are there twice; one may be trained on and the other tested on (zgood_again)",
    ]
    assert "labels (mask): its largest value is 17, as in a map of labels" in said[4]
    assert "oblong (mask): it lies over the picture as it is stored, but its EXIF orientation turns that" in said[5]


def test_a_dataset_s_known_faults_are_told(tmp_path: Path) -> None:
    (tmp_path / "CelebA-HQ-img").mkdir()
    (tmp_path / "masks").mkdir()
    (tmp_path / "CelebA-HQ-img/0.jpg").write_bytes(_jpeg(10))
    (tmp_path / "masks/0.png").write_bytes(_png(MASK))
    spec = {"name": "celebamask_hq", "root": str(tmp_path), "masks": "masks"}
    source = open_source(spec, Request("face", "train", 64, "--name=celebamask_hq"))
    lines = inspect_source(source, ADAPTERS["celebamask_hq"], label="x", sample=None).lines
    assert any(line.startswith("  known faults: masks of occluded faces") for line in lines)


@pytest.mark.parametrize("turned", range(1, 9))
def test_colours_and_alpha_of_a_cut_out_stay_together(turned: int) -> None:
    rgba = np.zeros((20, 30, 4), np.uint8)
    rgba[2:8, 3:12] = 255
    exif = Image.Exif()
    exif[274] = turned
    stream = io.BytesIO()
    Image.fromarray(rgba).save(stream, "PNG", exif=exif)
    picture = decode({"rgb": stream.getvalue(), "alpha": None, "key": "a", "kind": "occluder"}, "main")
    np.testing.assert_array_equal(picture.alpha, picture.rgb[..., 0])


def test_workers_whose_batches_shared_memory_cannot_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_batch = batch_bytes(("src", "pha", "trimap"), 16, 4, 512)
    assert of_batch == 16 * 4 * 512 * 512 * 5

    class _Usage:
        total = 64 << 20  # Docker's

    monkeypatch.setattr("shutil.disk_usage", lambda _: _Usage)
    with pytest.raises(UserError, match=r"data\.workers=2: .* 640 MB of shared memory, .* 64 MB; .* --shm-size=1g"):
        check_shared_memory(of_batch, 2, tmp_path)
    check_shared_memory(of_batch, 0, tmp_path)  # threads share all memory
    check_shared_memory(of_batch // 16, 2, tmp_path)
    check_shared_memory(of_batch, 2, tmp_path / "none")  # no such place on this system
