"""The whole way on embedded data: python scripts/quickstart.py [--workdir=work/quickstart]

Trains configs/quickstart.py, writes held-out clips, mattes them with the checkpoint, evaluates the alphas, and draws
what came out. Started again, it resumes where it was interrupted.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from absl import flags

from rvm_jax import cli
from rvm_jax.errors import UserError
from rvm_jax.train import time_spent
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

    spent = {
        "Training": _run("Training", "train", config, f"--workdir={work}"),
        "Held-out clips": _run("Held-out clips", "generate_occlusions", config, *clips, f"--output_dir={heldout}"),
        "Matting": _run(
            "Matting", "matte", f"--checkpoint={work}", f"--input_source={heldout}", f"--output_dir={predictions}"
        ),
        "Evaluation": _run("Evaluation", "evaluate", f"--pred_dir={predictions}", f"--label_dir={heldout}"),
    }

    from eval.compare.gallery import comparison_video, contact_sheet

    pictures_began = time.perf_counter()
    sheet, video = work / "contact_sheet.png", work / "comparison.mp4"
    contact_sheet(heldout, predictions, sheet)
    comparison_video(heldout, predictions, video)
    spent["Pictures"] = time.perf_counter() - pictures_began
    print(f"\n{sheet}: input, true alpha, predicted alpha, cut-out of held-out clips")
    print(f"{video}: the same, moving")
    print(f"\nWhat the time went into, in minutes:\n{time_table(spent, _time_spent(work))}")
    print(f"Done in {(time.perf_counter() - began) / 60:.1f} minutes.")


def time_table(spent: Mapping[str, float], of_training: Mapping[str, float]) -> str:
    """Returns a line for each stage, and below the training what its time went into.

    Args:
        spent: seconds of each stage.
        of_training: seconds of the training, by what they were spent on; what is missing went into its start.
    """
    lines = []
    for stage, seconds in spent.items():
        lines.append(f"{seconds / 60:6.1f}  {stage}")
        if stage == "Training" and of_training:
            parts = {**of_training, "starting the program": seconds - sum(of_training.values())}
            lines += [f"{part / 60:10.1f}  {name}" for name, part in parts.items()]
    return "\n".join(lines)


def _time_spent(work: Path) -> dict[str, float]:
    path = work / time_spent.FILE
    found: dict[str, float] = json.loads(path.read_text()) if path.is_file() else {}
    return found


def _run(title: str, script: str, *arguments: str) -> float:
    """Runs a script and returns its seconds."""
    print(f"\n== {title}", flush=True)
    began = time.perf_counter()
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *arguments]
    if subprocess.run(command, check=False).returncode:
        raise UserError(f"{title.lower()} failed; its message stands above")
    return time.perf_counter() - began


if __name__ == "__main__":
    cli.run(main)
