"""The whole way on embedded data: python scripts/quickstart.py [--workdir=work/quickstart]

Trains configs/quickstart.py, writes held-out clips, mattes them with the checkpoint, evaluates the alphas, and draws
what came out. Started again, it resumes where it was interrupted.
"""

import subprocess
import sys
import time
from pathlib import Path

from absl import flags

from rvm_jax import cli
from rvm_jax.errors import UserError
from scripts import ROOT

_WORKDIR = flags.DEFINE_string("workdir", "work/quickstart", "Where everything goes.")
_CONFIG = flags.DEFINE_string(
    "config", "configs/quickstart.py", "The recipe; configs/quickstart.py:tiny is a rehearsal."
)
_NUM_CLIPS = flags.DEFINE_integer("num_clips", 24, "Held-out clips to matte and evaluate.", lower_bound=1)


def main(_: list[str]) -> None:
    began = time.perf_counter()
    work = Path(_WORKDIR.value)
    heldout, predictions = work / "heldout", work / "predictions"
    config = f"--config={_CONFIG.value}"
    # Five times the length of the training's clips: the recurrent state must carry.
    clips = [f"--num_clips={_NUM_CLIPS.value}", "--split=test", "--config.data.seq_length=16"]

    _run("Training", "train", config, f"--workdir={work}")
    _run("Held-out clips", "generate_occlusions", config, *clips, f"--output_dir={heldout}")
    _run("Matting", "matte", f"--checkpoint={work}", f"--input_source={heldout}", f"--output_dir={predictions}")
    _run("Evaluation", "evaluate", f"--pred_dir={predictions}", f"--label_dir={heldout}")

    from eval.compare.gallery import comparison_video, contact_sheet

    sheet, video = work / "contact_sheet.png", work / "comparison.mp4"
    contact_sheet(heldout, predictions, sheet)
    comparison_video(heldout, predictions, video)
    print(f"\n{sheet}: input, true alpha, predicted alpha, cut-out of held-out clips")
    print(f"{video}: the same, moving")
    print(f"Done in {(time.perf_counter() - began) / 60:.1f} minutes.")


def _run(title: str, script: str, *arguments: str) -> None:
    print(f"\n== {title}", flush=True)
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *arguments]
    if subprocess.run(command, check=False).returncode:
        raise UserError(f"{title.lower()} failed; its message stands above")


if __name__ == "__main__":
    cli.run(main)
