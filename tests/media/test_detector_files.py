"""What is said of a file that is no detector."""

from pathlib import Path

import pytest

from rvm_jax.errors import UserError
from rvm_jax.media.face_tracks import YuNetTracks


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:8f23\nsize 232589\n",
            "is a Git LFS pointer, not the",
        ),
        (b"<!DOCTYPE html>\n<html><body>404</body></html>", "is a web page, not the download"),
        (b"", r"not a YuNet model that this OpenCV, \d.*, can read"),
        (b"\x08\x08\x12\x07pytorch" + bytes(64), r"not a YuNet model that this OpenCV, \d.*, can read"),
    ],
)
def test_files_that_are_no_detector(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(UserError, match=rf"model\.onnx: {said}") as caught:
        YuNetTracks(tmp_path / "model.onnx")
    assert "face_detection_yunet_2023mar.onnx of OpenCV's model zoo" in str(caught.value)
