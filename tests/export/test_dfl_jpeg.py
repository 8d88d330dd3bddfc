"""Masks in DeepFaceLab's facesets: what is written, what stays, and that no pickle of a stranger runs."""

import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rvm_jax.errors import UserError
from rvm_jax.export.dfl_jpeg import metadata, set_mask

ROOT = Path(__file__).resolve().parents[2]
TOLD: dict[str, Any] = {
    "face_type": "whole_face",
    "landmarks": np.arange(8, dtype=np.float32).reshape(4, 2).tolist(),
    "source_filename": "00001.png",
    "source_rect": (3, 4, 300, 70000),
    "image_to_face_mat": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "seg_ie_polys": {"polys": [{"type": 1, "pts": np.ones((3, 2), np.float32)}]},
    "xseg_mask": None,
    "eyebrows_expand_mod": 1.0,
}


def face(told: object, protocol: int = 3) -> bytes:
    """A JPEG with metadata as DeepFaceLab lays it in."""
    rng = np.random.default_rng(0)
    picture = cv2.imencode(".jpg", rng.integers(0, 256, (64, 64, 3), np.uint8))[1].tobytes()
    data = pickle.dumps(told, protocol)
    return picture[:2] + struct.pack(">BBH", 0xFF, 0xEF, len(data) + 2) + data + picture[2:]


def half() -> np.ndarray:
    alpha = np.zeros((512, 512), np.uint8)
    alpha[:, 256:] = 255
    return alpha


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_a_mask_is_added_and_all_else_stays(protocol: int) -> None:
    picture = face(TOLD, protocol)
    written = set_mask(set_mask(picture, 255 - half(), "a.jpg"), half(), "a.jpg")
    np.testing.assert_array_equal(
        cv2.imdecode(np.frombuffer(written, np.uint8), 1), cv2.imdecode(np.frombuffer(picture, np.uint8), 1)
    )
    told = metadata(written, "a.jpg")
    mask = cv2.imdecode(told.pop("xseg_mask"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, half()[::2, ::2])
    assert told.keys() == TOLD.keys() - {"xseg_mask"}
    np.testing.assert_array_equal(told["image_to_face_mat"], TOLD["image_to_face_mat"])
    np.testing.assert_array_equal(told["seg_ie_polys"]["polys"][0]["pts"], np.ones((3, 2)))
    same = ("face_type", "landmarks", "source_rect", "eyebrows_expand_mod")
    assert {key: told[key] for key in same} == {key: TOLD[key] for key in same}
    assert b"numpy._core" not in written


class Bad:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize("told", [{"face_type": Bad()}, Bad(), {"other": 1}, [1], {"landmarks": np.array([None])}])
def test_nothing_else_is_understood(told: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"a\.jpg: its metadata is not what DeepFaceLab writes"):
        set_mask(face(told), half(), "a.jpg")
    assert not Path("ran").exists()


def test_pictures_of_others_are_refused() -> None:
    plain = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    with pytest.raises(UserError, match="no metadata"):
        set_mask(plain, half(), "a.jpg")
    with pytest.raises(UserError, match="no whole JPEG"):
        set_mask(face(TOLD)[:100], half(), "a.jpg")


def test_a_faceset_is_copied_with_its_masks(tmp_path: Path) -> None:
    faceset, masks = tmp_path / "aligned", tmp_path / "masks"
    faceset.mkdir()
    masks.mkdir()
    for name in ("a", "b"):
        (faceset / f"{name}.jpg").write_bytes(face(TOLD))
    cv2.imwrite(str(masks / "a.png"), half())
    command = [sys.executable, str(ROOT / "integrations/deepfacelab/write_masks.py"), f"--faceset={faceset}"]
    result = subprocess.run(
        [*command, f"--masks={masks}", f"--output_dir={tmp_path / 'out'}"], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("1 faces with masks, 1 without")
    assert metadata((tmp_path / "out/a.jpg").read_bytes(), "a")["xseg_mask"] is not None
    assert (tmp_path / "out/b.jpg").read_bytes() == face(TOLD)
