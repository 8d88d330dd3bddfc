"""Measures what --smooth does to a steady edge and to a moving one:

    python scripts/measure_smoothing.py --faces=real_faces

Stills: every picture of <faces>/bare/img becomes a clip that stands still but for a camera's noise; flicker is the
mean change of the alpha from frame to frame along the face's edge, times 1000. Clips: <faces>/moving, in which
occluders come and go; the error is the MAD of the alpha, times 1000, which grows if the edge trails.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from absl import flags

from rvm_jax import cli

if TYPE_CHECKING:
    from rvm_jax.matting.backends import Backend
    from rvm_jax.matting.matted import Matted
    from rvm_jax.media.frame_source import Frame
    from rvm_jax.networks.api import State

_FACES = flags.DEFINE_string("faces", None, "A benchmark with bare/img, moving/img and moving/mask.", required=True)
_CHECKPOINT = flags.DEFINE_string("checkpoint", "face", "The network.")
_FRAMES = flags.DEFINE_integer("frames", 12, "Frames of a still.", lower_bound=2)
_EVERY = flags.DEFINE_integer("every", 3, "Takes every so manyth picture and clip.", lower_bound=1)
_STRENGTHS = flags.DEFINE_list("strengths", ["0", "0.5", "0.8", "0.9"], "Of --smooth.")
_NOISE = 4.0  # levels of 255: a camera indoors
_LEAST, _MOST = 0.02, 0.98  # of the mean alpha along the edge


def main(_: list[str]) -> None:
    from tqdm import tqdm

    from eval.report import markdown
    from rvm_jax.matting.make_backend import make_backend
    from rvm_jax.matting.options import Settings
    from rvm_jax.matting.weights import load_network
    from rvm_jax.media.masks import read_mask
    from rvm_jax.media.pictures import list_pictures, read_picture

    backend = make_backend(load_network(_CHECKPOINT.value), Settings())
    root = Path(str(_FACES.value))
    strengths = [float(text) for text in _STRENGTHS.value]
    stills = list_pictures(root / "bare" / "img")[:: _EVERY.value]
    clips = sorted(path for path in (root / "moving" / "img").iterdir() if path.is_dir())[:: _EVERY.value]
    flicker: dict[float, list[float]] = {strength: [] for strength in strengths}
    error: dict[float, list[float]] = {strength: [] for strength in strengths}
    with tqdm(total=len(stills) + len(clips), unit="clip") as bar:
        for path in stills:
            picture = read_picture(path).astype(np.float32)
            rng = np.random.default_rng(len(path.name))
            frames = [picture + rng.normal(0, _NOISE, picture.shape) for _ in range(_FRAMES.value)]
            noisy = [np.clip(frame + 0.5, 0, 255).astype(np.uint8) for frame in frames]
            for strength, alphas in _alphas(backend, noisy, strengths).items():
                mean = alphas.mean(0)
                edge = (mean > _LEAST) & (mean < _MOST)
                flicker[strength].append(1000 * float(np.abs(np.diff(alphas, axis=0))[:, edge].mean()))
            bar.update()
        for clip in clips:
            files = list_pictures(clip)
            truth = [read_mask(root / "moving" / "mask" / clip.name / f"{each.stem}.png") / 255 for each in files]
            moving = [read_picture(each) for each in files]
            for strength, alphas in _alphas(backend, moving, strengths).items():
                error[strength].append(1000 * float(np.abs(alphas - np.stack(truth)).mean()))
            bar.update()
    cells = [["smooth", "flicker of stills × 1000", "MAD of moving clips × 1000"]]
    cells += [[f"{each:g}", f"{np.mean(flicker[each]):.2f}", f"{np.mean(error[each]):.2f}"] for each in strengths]
    print(markdown(cells), end="")


class _Done:
    """A backend whose frames are matted already."""

    has_state = True

    def __init__(self, matted: "list[Matted]"):
        self._matted = matted

    def matte(self, frames: "Iterable[Frame]", related: bool, rec: "State | None" = None) -> "Iterator[Matted]":
        """Yields them."""
        del frames, related, rec
        yield from self._matted


def _alphas(backend: "Backend", frames: Sequence[np.ndarray], strengths: Sequence[float]) -> dict[float, np.ndarray]:
    """Returns a clip's alphas (T, H, W) in [0, 1] by the strength of the smoothing."""
    from rvm_jax.matting.smoothing import Smoothed
    from rvm_jax.media.frame_source import Frame

    done = _Done(list(backend.matte([Frame(rgb, None) for rgb in frames], related=True)))
    return {
        strength: np.stack([each.pha[..., 0] for each in Smoothed(done, strength).matte([], related=True)]) / 255
        for strength in strengths
    }


if __name__ == "__main__":
    cli.run(main)
