"""Draws the pictures of docs/model_card.md and of the README's first section:

    python scripts/draw_model_card.py --clip=carphone.mp4 --faces=real_faces

It mattes the frames of a clip, and the pictures of a benchmark of real faces, with a network (the package's own by
default), and sets input, alpha and cut-out below each other: docs/images/face.jpg has both, face_clip.jpg frames
from the whole clip, face_failures.jpg the pictures with the largest errors.
"""

from pathlib import Path

import numpy as np
from absl import flags

from rvm_jax import cli
from scripts import ROOT

_CHECKPOINT = flags.DEFINE_string("checkpoint", "face", "The network.")
_CLIP = flags.DEFINE_string("clip", None, "A clip of a person.")
_FACES = flags.DEFINE_string("faces", None, "Pictures <category>/img/<name> beside <category>/mask/<name>.png.")
_OUTPUT_DIR = flags.DEFINE_string("output_dir", str(ROOT / "docs/images"), "Where the pictures go.")
flags.mark_flags_as_required(["clip", "faces"])

_BOTH, _WHOLE_CLIP, _FAILURES = "face.jpg", "face_clip.jpg", "face_failures.jpg"
_SIDE = 144  # pixels of a tile
_FRAMES = 24  # of the clip's sheet
_SHOWN = 4  # of each in the README's picture
_WORST = 8
_PICTURES = ("object", "drawn", "bare")

Tile = tuple[np.ndarray, np.ndarray]


def main(_: list[str]) -> None:
    from rvm_jax.matting.make_backend import as_matter
    from rvm_jax.matting.options import Settings
    from rvm_jax.matting.weights import load_network, weights_paths
    from rvm_jax.media.pictures import write_picture
    from rvm_jax.media.video_reader import VideoReader
    from rvm_jax.output_paths import check_outputs

    output = Path(_OUTPUT_DIR.value)
    check_outputs(
        [output / name for name in (_BOTH, _WHOLE_CLIP, _FAILURES)],
        [str(_CLIP.value), *weights_paths(_CHECKPOINT.value)],
        below=[str(_FACES.value)],
    )
    matter = as_matter(load_network(_CHECKPOINT.value), Settings(engine="jax"))
    clip = [(rgb, _alpha(matter, rgb)) for rgb in VideoReader(str(_CLIP.value))]
    faces = _faces(matter)
    best = [tile for category in _PICTURES[:2] for _, tile in sorted(faces[category], key=_error)[: _SHOWN // 2]]
    worst = sorted((each for tiles in faces.values() for each in tiles), key=_error)[-_WORST:]
    write_picture(output / _BOTH, _sheet([_every(clip, _SHOWN) + best]))
    frames = _every(clip, _FRAMES)
    write_picture(output / _WHOLE_CLIP, _sheet([frames[i : i + _FRAMES // 3] for i in range(0, _FRAMES, _FRAMES // 3)]))
    write_picture(output / _FAILURES, _sheet([[tile for _, tile in worst]]))


def _alpha(matter: "rvm_jax.Matter", rgb: np.ndarray) -> np.ndarray:  # type: ignore[name-defined]  # noqa: F821
    return np.asarray(np.asarray(matter(rgb).pha) * 255 + 0.5).astype(np.uint8)


def _faces(matter: "rvm_jax.Matter") -> dict[str, list[tuple[float, Tile]]]:  # type: ignore[name-defined]  # noqa: F821
    """Returns each category's errors and tiles; every picture is a clip of its own."""
    from rvm_jax.media.masks import read_mask
    from rvm_jax.media.pictures import list_pictures, read_picture

    found: dict[str, list[tuple[float, Tile]]] = {}
    for category in _PICTURES:
        root = Path(str(_FACES.value)) / category
        for path in list_pictures(root / "img"):
            matter.reset()
            rgb = read_picture(path)
            alpha = _alpha(matter, rgb)
            truth = read_mask(root / "mask" / f"{path.stem}.png")
            error = float(np.abs(alpha[..., 0].astype(float) - truth).mean())
            found.setdefault(category, []).append((error, (rgb, alpha)))
    return found


def _error(each: tuple[float, Tile]) -> float:
    return each[0]


def _every(tiles: list[Tile], count: int) -> list[Tile]:
    return [tiles[i] for i in np.linspace(0, len(tiles) - 1, count).astype(int)]


def _sheet(rows: list[list[Tile]]) -> np.ndarray:
    from rvm_jax.media.composite import GREEN, composite
    from rvm_jax.media.sheets import grid, shrunk

    lines = []
    for row in rows:
        shown = [(rgb, np.repeat(alpha, 3, 2), composite(rgb, alpha, GREEN)) for rgb, alpha in row]
        lines += [[shrunk(part, _SIDE) for part in parts] for parts in zip(*shown, strict=True)]
    return grid(lines)


if __name__ == "__main__":
    cli.run(main)
