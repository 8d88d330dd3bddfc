"""Compares occlusion techniques: python scripts/sweep.py --config=configs/technique_sweep.py --workdir=work/sweep

Trains one network for each technique and seed with equal budget, evaluates all on one benchmark, and prints and writes
the matrix technique × category with 95 % intervals. A sweep that was interrupted is resumed.
"""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from rvm_jax import cli
from rvm_jax.process import configure_process

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe: configs/technique_sweep.py.", lock_config=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Where everything goes.", required=True)


def main(_: list[str]) -> None:
    from eval import report
    from eval.study import sweep
    from rvm_jax.errors import UserError
    from rvm_jax.media.pictures import write_bytes

    if _CONFIG.value is None:
        raise UserError("--config: give the recipe, such as configs/technique_sweep.py")
    if "sweep" not in _CONFIG.value:
        raise UserError("--config: the recipe has no section `sweep`; use configs/technique_sweep.py, or one like it")
    workdir = Path(str(_WORKDIR.value))
    found = sweep.run(_CONFIG.value, workdir)
    matrix, seeds = sweep.matrix(found), sweep.seeds_table(found)
    files = {
        "matrix.md": report.markdown(matrix) + "\n" + report.markdown(seeds),
        "matrix.csv": report.comma_separated(matrix),
        "matrix.tex": report.latex(matrix),
        "matrix.json": sweep.as_json(found),
    }
    for name, text in files.items():
        write_bytes(workdir / name, text.encode())
    print("MAD, times 1000: lower is better; * marks what is not worse than the line's best by more than chance")
    print(report.aligned(matrix))
    print("\nThe mean over categories, by seed")
    print(report.markdown(seeds))
    print(f"written to {workdir}/matrix.{{md,csv,tex,json}}")


if __name__ == "__main__":
    configure_process("train")
    cli.run(main)
