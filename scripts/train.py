"""Trains a network: python scripts/train.py --config=configs/quickstart.py --workdir=work/quickstart

A run that was interrupted goes on where its last checkpoint stands when it is started again with the same command.
Any setting can be overridden: --config.train.steps=100 --config.data.faces.main.root=pictures
"""

import _checkout  # noqa: F401
from absl import flags
from ml_collections import config_flags

from rvm_jax import cli
from rvm_jax.errors import UserError

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe, one of configs/*.py.", lock_config=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Where checkpoints, logs and pictures go.")
flags.mark_flags_as_required(["config", "workdir"])


def main(_: list[str]) -> None:
    import jax

    from data_pipeline.pipeline import make_batches
    from eval.validation import Validation
    from rvm_jax.training import train

    config = _CONFIG.value
    hosts = jax.process_count()
    if config.train.batch_size % hosts:
        raise UserError(f"train.batch_size={config.train.batch_size} cannot be dealt to {hosts} hosts; use a multiple")

    def batches(start_step: int):
        return make_batches(
            config.data,
            batch_size=config.train.batch_size // hosts,
            start_step=start_step,
            process_index=jax.process_index(),
            process_count=hosts,
        )

    if not config.train.steps:
        with batches(0) as stream:
            config.train.steps = config.train.epochs * stream.epoch_size // config.train.batch_size
    validation = Validation(config.data, num_clips=config.eval.num_clips, batch_size=config.eval.batch_size)
    train(config, str(_WORKDIR.value), batches, {"valid": validation})


if __name__ == "__main__":
    cli.run(main)
