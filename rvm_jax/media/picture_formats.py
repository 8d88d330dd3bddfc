"""The formats of still pictures: what is read and written, and the colour profile (OpenCV, Pillow)."""

import io
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from rvm_jax.errors import UserError
from rvm_jax.file_kinds import describe_start
from rvm_jax.notices import notice

WRITTEN_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
HAS_HEIF = find_spec("pillow_heif") is not None
_HEIF = (".heic", ".heif", ".hif")
# What is read; a GIF alone is a clip, in a folder a picture.
READ_SUFFIXES = (
    *WRITTEN_SUFFIXES,
    *(".jfif", ".jpe", ".avif", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"),
    *(_HEIF if HAS_HEIF else ()),
)
LISTED_SUFFIXES = (*READ_SUFFIXES, ".gif")
_HEIF_HELP = "is HEIC; `pip install pillow-heif` lets it be read, or convert it to JPEG"
_RAW = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2")
_UNREAD = {
    **({} if HAS_HEIF else dict.fromkeys(_HEIF, _HEIF_HELP)),
    **dict.fromkeys(_RAW, "is a camera's raw picture; develop it to PNG or JPEG"),
    **dict.fromkeys((".exr", ".psd", ".svg", ".jxl"), "is no picture that is read here; convert it to PNG"),
}
UNREAD_SUFFIXES = tuple(_UNREAD)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_MOST_PIXELS = 1 << 28
_ORIENTATION = 0x0112  # a tag of EXIF
_GIF_CONTROL = re.compile(rb"\x21\xf9\x04.{4}\x00", re.DOTALL)
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF", "TIFF")  # of JPEG the others are views or thumbnails


def refuse_unread(path: Path) -> None:
    """Raises UserError, saying what would help, if a suffix is of pictures that are not read."""
    if (why := _UNREAD.get(path.suffix.lower())) is not None:
        raise UserError(f"{path}: {why}")


def why_left_out(path: str) -> str:
    """Returns why a picture of one of `UNREAD_SUFFIXES` is not read."""
    return f"it {_UNREAD[Path(path).suffix.lower()]}"


def left_out(folder: Path, read: tuple[str, ...] = LISTED_SUFFIXES) -> list[Path]:
    """Returns the files of a folder, but hidden ones, that are passed over where its pictures are taken."""
    files = (path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
    return sorted(path for path in files if path.suffix.lower() not in read)


def left_out_line(files: list[Path], named: int = 5) -> str:
    """Returns what is said of files that were left out."""
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    names = ", ".join(path.name for path in files[:named]) + (" …" if len(files) > named else "")
    helps = sorted({_UNREAD[path.suffix.lower()] for path in files if path.suffix.lower() in _UNREAD})
    return f"{files[0].parent}: {count} left out ({names})" + "".join(f"; one {each}" for each in helps)


def check_header(data: bytes, name: str) -> None:
    """Reads the header alone: raises UserError if it claims more pixels than memory holds, numbers that are no levels,
    or an animation in GIF; of others the first frame is taken, with a word."""
    form = mode = None
    try:
        with _open(data) as picture:
            pixels, form, mode = picture.width * picture.height, picture.format, picture.mode
            frames = getattr(picture, "n_frames", 1) if form in _ANIMATED else 1
    except Image.DecompressionBombError as error:
        found = re.search(r"\((\d+) pixels", str(error))
        pixels, frames = int(found[1]) if found else _MOST_PIXELS + 1, 1
    except Exception:  # Pillow raises anything at what is damaged; the decoder says so
        return
    if pixels > _MOST_PIXELS:
        raise UserError(f"{name}: the picture is absurdly large ({pixels} pixels); scale it down")
    if mode == "F":
        raise UserError(f"{name}: holds fractions, whose white nobody knows; save it with 8 or 16 bits a channel")
    if frames > 1 and form == "GIF":
        raise UserError(f"{name}: is an animation of {frames} frames; give it alone, as a clip")
    if frames > 1:
        notice(f"{name}: holds {frames} pictures, of which the first is taken; make a video of an animation")


def shown_size(path: Path) -> tuple[int, int] | None:
    """Returns the (height, width) that a picture's header tells, after EXIF rotation; None where it tells none."""
    try:
        _register_heif()
        with Image.open(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
            return (width, height) if turned else (height, width)
    except Exception:  # Pillow raises anything at what is damaged
        return None


def has_frames_without_times(path: Path) -> bool:
    """Whether a GIF has more frames than blocks that say how long one is shown."""
    try:
        with Image.open(path) as picture:
            frames = getattr(picture, "n_frames", 1)
    except Exception:  # Pillow raises anything at what is damaged
        return False
    return frames > 1 and len(_GIF_CONTROL.findall(path.read_bytes())) < frames


def decode_by_pillow(data: bytes, flags: int) -> np.ndarray | None:
    """Returns the picture as OpenCV would have it by these flags; None if Pillow cannot read it."""
    try:
        with _open(data) as opened:
            upright = ImageOps.exif_transpose(opened)
            if flags == cv2.IMREAD_COLOR:
                return cv2.cvtColor(np.asarray(upright.convert("RGB")), cv2.COLOR_RGB2BGR)
            if upright.mode in ("L", "I;16"):
                return np.asarray(upright)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                return cv2.cvtColor(np.asarray(upright.convert("RGBA")), cv2.COLOR_RGBA2BGRA)
            return cv2.cvtColor(np.asarray(upright.convert("RGB")), cv2.COLOR_RGB2BGR)
    except Exception:  # Pillow raises anything at what is damaged
        return None


def read_profile(data: bytes) -> bytes | None:
    """Returns the ICC profile of a picture's RGB colours, None if there is none."""
    try:
        with _open(data) as picture:
            profile = picture.info.get("icc_profile")
    except Exception:  # Pillow raises anything at what is damaged
        return None
    # Others (CMYK, grey) are of colours that have become RGB by now.
    return bytes(profile) if profile and bytes(profile[16:20]) == b"RGB " else None


def why_unread(data: bytes) -> str:
    """Returns what messages say of bytes that no library reads."""
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS and not HAS_HEIF:
        return _HEIF_HELP
    what = describe_start(data[:512])
    return "not a picture that OpenCV can read" if what in (None, "a picture") else f"is {what}, not a picture"


def encode(suffix: str, picture: np.ndarray, options: list[int], profile: bytes | None) -> bytes | None:
    """Returns an encoded BGR or BGRA picture, with its profile if the format holds one; None if OpenCV cannot."""
    if profile is not None and picture.ndim == 3 and picture.shape[2] >= 3 and suffix in _PROFILED:
        metadata = [np.frombuffer(profile, np.uint8)]
        ok, encoded = cv2.imencodeWithMetadata(suffix, picture, [cv2.IMAGE_METADATA_ICCP], metadata, options)
    else:
        ok, encoded = cv2.imencode(suffix, picture, options)
    return encoded.tobytes() if ok else None


_PROFILED = (".png", ".jpg", ".jpeg", ".webp")


def _open(data: bytes) -> Image.Image:
    _register_heif()
    return Image.open(io.BytesIO(data))


@cache
def _register_heif() -> None:
    if HAS_HEIF:
        import pillow_heif

        pillow_heif.register_heif_opener()
