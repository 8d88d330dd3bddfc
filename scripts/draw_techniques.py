"""Draws the pictures of docs/techniques.md: python scripts/draw_techniques.py

One sheet a technique: the frames of some clips in rows, their alphas beneath, from docs/samples and rendered data.
"""

from pathlib import Path
from typing import Any

from absl import flags
from tqdm import tqdm

from rvm_jax import cli
from rvm_jax.process import configure_process
from scripts import ROOT

_OUTPUT_DIR = flags.DEFINE_string("output_dir", str(ROOT / "docs/images"), "The folder to write technique_*.jpg to.")
_TECHNIQUES = flags.DEFINE_list("techniques", [], "Which to draw; all where empty.")
_SEED = flags.DEFINE_integer("seed", 5, "Of the clips.")
_NUM_CLIPS = flags.DEFINE_integer("num_clips", 4, "Clips on a sheet.", lower_bound=1)
_SIDE = flags.DEFINE_integer("side", 144, "Of the frames, in pixels.", lower_bound=32)

_FRAMES = 6
# What shows more of a technique on few clips: movements that are seen whole, and transparent shapes more often.
_SHOWN: dict[str, dict[str, Any]] = {"randocc": {"transparency": 0.5}}


def main(_: list[str]) -> None:
    import cv2

    from data_pipeline.pipeline import make_dataset
    from data_pipeline.techniques import TECHNIQUES
    from rvm_jax.media.pictures import write_picture
    from rvm_jax.media.sheets import grid
    from rvm_jax.output_paths import check_outputs

    # Where occluders lie beside the faces, for the trainer to compose, there is nothing to see.
    composed = [name for name, technique in TECHNIQUES.items() if "occluder" not in technique.arrays]
    chosen = _TECHNIQUES.value or composed
    sheets = {name: Path(_OUTPUT_DIR.value) / f"technique_{name}.jpg" for name in chosen}
    check_outputs(sheets.values(), below=[ROOT / "docs/samples"])
    for name in tqdm(chosen, "techniques"):
        clips = make_dataset(_data(name), seed=_SEED.value, num_clips=_NUM_CLIPS.value)
        rows = []
        for index in range(_NUM_CLIPS.value):
            clip = clips[index]
            half = (_SIDE.value, _SIDE.value // 2)
            rows.append(list(clip["src"]))
            rows.append(
                [
                    _beneath(cv2.resize(frame, half[1:] * 2, interpolation=cv2.INTER_AREA), half[0])
                    for frame in clip.get("pha", clip.get("seg"))
                ]
            )
        write_picture(sheets[name], grid(rows, pad=2), jpeg_quality=60)


def _beneath(alpha: Any, width: int) -> Any:
    """An alpha in the middle of a strip as wide as its frame."""
    import numpy as np

    strip = np.full((len(alpha), width), 255, np.uint8)
    left = (width - alpha.shape[1]) // 2
    strip[:, left : left + alpha.shape[1]] = alpha
    return strip


def _data(name: str) -> dict[str, Any]:
    from data_pipeline.techniques import TECHNIQUES

    samples = ROOT / "docs/samples"

    def real(folder: str, weight: float = 1.0) -> dict[str, Any]:
        return {"name": "folder", "root": str(samples / folder), "weight": weight}

    occludes = TECHNIQUES[name].draws in ("occluders", "textures")
    occlusion = {"occlusion": 1.0, "motion_span": (8, 16)} if occludes else {}
    return {
        "faces": {"rendered": {"name": "drawn", "weight": 3.0}, "real": real("faces")},
        "foregrounds": {"real": real("faces")},
        "segmentation": {"real": real("faces")},
        "occluders": {"rendered": {"name": "drawn", "weight": 3.0}, "real": real("occluders")},
        "textures": {"real": real("textures")},
        "backgrounds": {"real": real("occluders/fg")},
        "techniques": {"main": {"name": name, **occlusion, **_SHOWN.get(name, {})}},
        "resolution": _SIDE.value,
        "seq_length": _FRAMES,
    }


if __name__ == "__main__":
    configure_process("worker")
    cli.run(main)
