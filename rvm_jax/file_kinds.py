"""What a file is that is not what it should be, told by its first bytes: for messages that help."""

import os
import zipfile
from pathlib import Path

_STARTS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file that it stands for; fetch that with git lfs pull"),
    (b"\x89HDF", "an HDF5 file (Keras)"),
    (b"GGUF", "a GGUF file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"%PDF", "a PDF"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_HTML = (b"<!doctype html", b"<html", b"<?xml")


def describe(path: str | os.PathLike[str]) -> str | None:
    """Returns what a file is, as the end of a sentence that begins with "is", or None if it is nothing known."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(512)
    except OSError:
        return None
    if (what := describe_start(start)) is not None:
        return what
    if start[4:8] == b"TFL3":
        return "a TensorFlow Lite model"
    if is_onnx(path, start):
        return "an ONNX model"
    names = _names(path)
    if _has_code(names):
        return "a TorchScript archive"
    if names and all(name.endswith(".npy") for name in names):
        return "an archive of NumPy arrays"
    if names and not any(name.endswith("data.pkl") for name in names):  # PyTorch's has its tensors' index there
        return "a ZIP archive; unpack it"
    return None


def describe_start(start: bytes) -> str | None:
    """Returns what a file with these first bytes is, as `describe` does, as far as they tell."""
    for magic, what in _STARTS:
        if start.startswith(magic):
            return what
    if start.lstrip().lower().startswith(_HTML):
        return "a web page, not the download; open the address in a browser and save the file itself"
    return None


def is_onnx(path: str | os.PathLike[str], start: bytes) -> bool:
    """Whether a file is an ONNX model, by its suffix or its first field: the version of the format, 1 to 15."""
    named = Path(path).suffix.lower() == ".onnx"
    return named or (len(start) > 3 and start[0] == 0x08 and 1 <= start[1] <= 15 and start[2] in (0x12, 0x3A, 0x42))


def is_torchscript(path: str | os.PathLike[str]) -> bool:
    """Whether a file is what `torch.jit.save` wrote: an archive that holds code beside its tensors."""
    return _has_code(_names(path))


def _has_code(names: list[str]) -> bool:
    return any("/code/" in name or name.endswith("/constants.pkl") for name in names)


def _names(path: str | os.PathLike[str]) -> list[str]:
    """Returns the names of an archive's files, none of what is no ZIP archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError):
        return []
