"""Mattes rendered people whom no training saw, and prints how well by who they are and what covers them:

    python scripts/evaluate_people.py --clips=200 --output_dir=work/people_results

Clips of the test split of `people` are rendered and matted frame by frame; the table has the IoU of the visible face
and the MAD times 1000, by what covers the face, by skin tone, sex, age, pose, beard and occluder, with 95 % intervals
over clips. It is left as Markdown and as JSON. The network is the package's own unless --checkpoint names another.
"""

import json
from pathlib import Path

from absl import flags

from rvm_jax import cli

_CHECKPOINT = flags.DEFINE_string("checkpoint", "face", "The network.")
_CLIPS = flags.DEFINE_integer("clips", 200, "How many people.", lower_bound=1)
_FRAMES = flags.DEFINE_integer("frames", 8, "Frames of each clip.", lower_bound=1)
_SIZE = flags.DEFINE_integer("size", 256, "Height and width.", lower_bound=32)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The folder for the table.", required=True)


def main(_: list[str]) -> None:
    import numpy as np
    from tqdm import tqdm

    from data_pipeline.people.source import People
    from eval.by_trait import measure, rows
    from eval.report import estimate_json, estimate_text, markdown
    from rvm_jax.atomic_files import write_bytes
    from rvm_jax.matting.make_backend import as_matter
    from rvm_jax.matting.matter import Matter
    from rvm_jax.matting.options import Settings
    from rvm_jax.matting.weights import load_network, weights_paths
    from rvm_jax.output_paths import check_outputs

    output = Path(_OUTPUT_DIR.value)
    files = [output / "by_trait.md", output / "by_trait.json"]
    check_outputs(files, weights_paths(_CHECKPOINT.value))

    class Streaming:
        """A Matter as `eval.by_trait` wants it."""

        def __init__(self, matter: Matter):
            self.reset, self._matter = matter.reset, matter

        def alpha(self, rgb: np.ndarray) -> np.ndarray:
            """Returns the alpha (H, W) in [0, 1] of the next frame."""
            return np.asarray(self._matter(rgb).pha)[..., 0]

    matter = as_matter(load_network(_CHECKPOINT.value), Settings(engine="jax"))
    people = People(_SIZE.value, split="test", max_items=_CLIPS.value, frames=_FRAMES.value)
    clips = range(_CLIPS.value)
    table = rows(list(tqdm(measure(Streaming(matter), people, clips), total=len(clips), unit="clip")))
    cells = [["", "", "clips", "IoU", "MAD × 1000"]]
    cells += [[r.trait, r.label, str(r.clips), estimate_text(r.iou), estimate_text(r.mad)] for r in table]
    output.mkdir(parents=True, exist_ok=True)
    write_bytes(files[0], markdown(cells).encode())
    about = {"checkpoint": _CHECKPOINT.value, "size": _SIZE.value, "frames": _FRAMES.value}
    found = [
        {"trait": r.trait, "label": r.label, "clips": r.clips, "iou": estimate_json(r.iou), "mad": estimate_json(r.mad)}
        for r in table
    ]
    write_bytes(files[1], json.dumps({**about, "rows": found}, indent=1).encode() + b"\n")
    print(markdown(cells))


if __name__ == "__main__":
    cli.run(main)
