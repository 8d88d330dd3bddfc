"""Compares sources of faces: a network trained on each, measured on real faces that have masks.

    python scripts/study_faces.py --config=configs/people_or_drawn.py --faces=real_faces --workdir=work/people_or_drawn

--faces holds <category>/img and <category>/mask, as benchmarks do (docs/evaluation.md). Renders each contender's data
once, trains all with equal budget from nothing, and prints and writes IoU and MAD by category. A study that was
interrupted is resumed; results.json and results.md hold what is done so far.
"""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from rvm_jax import cli
from rvm_jax.process import configure_process

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe: configs/people_or_drawn.py.", lock_config=True)
_FACES = flags.DEFINE_string("faces", None, "The folder of real faces.", required=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Where everything goes.", required=True)


def main(_: list[str]) -> None:
    from eval import report
    from eval.study import faces
    from rvm_jax.errors import UserError
    from rvm_jax.media.pictures import write_bytes
    from rvm_jax.output_paths import check_output_folders

    if _CONFIG.value is None or "study" not in _CONFIG.value:
        raise UserError("--config: give a recipe with a section `study`, such as configs/people_or_drawn.py")
    root, workdir = Path(str(_FACES.value)), Path(str(_WORKDIR.value))
    check_output_folders([workdir], [str(root)])
    found = faces.run(_CONFIG.value, workdir, root)
    tables = [
        ("IoU, higher is better; over categories with the least and greatest seed", faces.table(found, "iou")),
        ("MAD, times 1000, lower is better", faces.table(found, "mad")),
    ]
    text = "\n".join(f"{title}\n\n{report.markdown(cells)}" for title, cells in tables)
    write_bytes(workdir / "results.md", text.encode())
    print(text)
    print(f"written to {workdir}/results.{{md,json}}")


if __name__ == "__main__":
    configure_process("train")
    cli.run(main)
