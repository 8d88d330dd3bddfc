"""Measures how soon a face is back after something hid it wholly:

    python scripts/measure_return.py --faces=real_faces

Every picture of <faces>/bare/img becomes a clip that stands still but for a camera's noise. In its midst a drawn
surface covers the whole face for a second and leaves at once. The table has the IoU of the visible face before, on the
first frames after, and the share of the hidden face that is still taken for visible meanwhile (0 is right).
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from absl import flags

from rvm_jax import cli

if TYPE_CHECKING:
    from rvm_jax.matting.matter import Matter

_FACES = flags.DEFINE_string("faces", None, "A benchmark with bare/img and bare/mask.", required=True)
_CHECKPOINT = flags.DEFINE_string("checkpoint", "face", "The network.")
_HIDDEN = flags.DEFINE_integer("hidden", 25, "Frames for which the face is hidden.", lower_bound=1)
_EVERY = flags.DEFINE_integer("every", 3, "Takes every so manyth picture.", lower_bound=1)
_AROUND = 4  # frames before and after
_NOISE = 4.0  # levels of 255: a camera indoors
_MARGIN = 0.15  # of the face's sides, by which the surface is larger


def main(_: list[str]) -> None:
    from tqdm import tqdm

    from eval.report import markdown
    from rvm_jax.matting.make_backend import as_matter
    from rvm_jax.matting.options import Settings
    from rvm_jax.matting.weights import load_network
    from rvm_jax.media.masks import read_mask
    from rvm_jax.media.pictures import list_pictures, read_picture

    matter = as_matter(load_network(_CHECKPOINT.value), Settings(engine="jax"))
    root = Path(str(_FACES.value)) / "bare"
    pictures = list_pictures(root / "img")[:: _EVERY.value]
    before, hidden, after = [], [], []
    for index, path in enumerate(tqdm(pictures, unit="clip")):
        rng = np.random.default_rng(index)
        picture, face = read_picture(path), read_mask(root / "mask" / f"{path.stem}.png") > 127
        covered = _cover(rng, picture, face)
        matter.reset()
        shown = [_found(matter, rng, picture) for _ in range(_AROUND)]
        before.append(_iou(shown[-1], face))
        away = [_found(matter, rng, covered) for _ in range(_HIDDEN.value)]
        hidden.append(float(np.mean([(found & face).sum() / face.sum() for found in away])))
        after.append([_iou(_found(matter, rng, picture), face) for _ in range(_AROUND)])
    ious = [f"{value:.3f}" for value in np.mean(after, axis=0)]
    titles = ["faces", "IoU before", "hidden face taken for visible", *(f"IoU {k + 1} after" for k in range(_AROUND))]
    cells = [str(len(pictures)), f"{np.mean(before):.3f}", f"{np.mean(hidden):.3f}", *ious]
    print(markdown([titles, cells]), end="")


def _cover(rng: np.random.Generator, picture: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Returns a picture whose face lies wholly behind a drawn surface."""
    from data_pipeline.surfaces.painting import painted

    rows, columns = np.nonzero(face.any(1))[0], np.nonzero(face.any(0))[0]
    margin = int(_MARGIN * max(np.ptp(rows), np.ptp(columns)))
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    covered = picture.copy()
    part = covered[top : rows[-1] + margin, left : columns[-1] + margin]
    height, width = part.shape[:2]
    surface = np.clip(painted(rng, max(height, width)) * 255, 0, 255).astype(np.uint8)
    part[:] = surface[:height, :width]
    return covered


def _found(matter: "Matter", rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Returns where the network sees a face in the next frame, a picture with a camera's noise."""
    noisy = picture + rng.normal(0, _NOISE, picture.shape)
    frame = np.clip(noisy + 0.5, 0, 255).astype(np.uint8)
    found: np.ndarray = np.asarray(matter(frame).pha)[..., 0] > 0.5
    return found


def _iou(found: np.ndarray, face: np.ndarray) -> float:
    return float((found & face).sum() / (found | face).sum())


if __name__ == "__main__":
    cli.run(main)
