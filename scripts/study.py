"""Which occlusion technique trains the best matte: python scripts/study.py --config=configs/study.py --phase=pilot

Trains every contender from one bare start, several seeds each, and measures it on real faces and rendered ones;
docs/study.md has the design. A run that has a result is not run again. --phase=tables makes the tables from the results
alone, in a minute: of the techniques, of what was left out, and of the networks.
"""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from eval.study.design import PHASES
from rvm_jax import cli
from rvm_jax.process import configure_process

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe: configs/study.py.", lock_config=True)
_WORKDIR = flags.DEFINE_string("workdir", "work/study", "Of data and trainings.")
_RESULTS = flags.DEFINE_string("results", None, "Of the results and tables; <workdir>/results where not given.")
_PHASE = flags.DEFINE_enum("phase", None, [*PHASES, "tables"], "What to do.", required=True)
_REAL_FACES = flags.DEFINE_string("real_faces", None, "Real faces to measure on: <category>/{img,mask}.")
_CONTENDERS = flags.DEFINE_list("contenders", [], "Of the tables; all that have results where not given.")


def main(_: list[str]) -> None:
    from rvm_jax.errors import UserError
    from rvm_jax.output_paths import check_output_folders

    config = _CONFIG.value
    if config is None or "study" not in config:
        raise UserError("--config: give a recipe with a section `study`, such as configs/study.py")
    workdir = Path(str(_WORKDIR.value))
    results = Path(_RESULTS.value) if _RESULTS.value else workdir / "results"
    if _PHASE.value != "tables":
        from eval.study import networks
        from eval.study.run import Study

        real = Path(_REAL_FACES.value) if _REAL_FACES.value else None
        check_output_folders([workdir, *([results] if workdir not in results.parents else [])], [real] if real else [])
        study = Study(config, workdir, results, real)
        if _PHASE.value == networks.PHASE:
            networks.train_networks(study)
        else:
            study.run(str(_PHASE.value))
    from eval.study.tables import write_tables

    for text in write_tables(config, results, _CONTENDERS.value or []):
        print(text)


if __name__ == "__main__":
    configure_process("train")
    cli.run(main)
