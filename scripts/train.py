"""Trains a network: python scripts/train.py --config=configs/quickstart.py --workdir=work/quickstart

A run that was interrupted resumes from its last checkpoint when it is started again with the same command. Told to end
(SIGTERM), it saves first and ends with status 143. Any setting can be overridden:
--config.train.steps=100 --config.data.faces.main.root=pictures

Several hosts: --distributed under Slurm, Open MPI and on TPU slices; elsewhere with --coordinator, --num_hosts and
--host_id (docs/training.md).
"""

import functools
import hashlib
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from absl import flags
from ml_collections import ConfigDict, config_flags

from rvm_jax import cli
from rvm_jax.errors import UserError
from rvm_jax.process import configure_process
from rvm_jax.train.renamed import apply_renamed_flags, current_settings, take_renamed_flags

if TYPE_CHECKING:  # JAX is imported by `main`, once --help and mistakes in flags are handled
    from data_pipeline.pipeline import ClipBatches as Stream
    from rvm_jax.train.phases import Batches

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe, one of configs/*.py.", lock_config=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Where checkpoints, logs and pictures go; gs://… is possible.")
_ALLOW_CHANGES = flags.DEFINE_bool(
    "allow_changes", False, "Resume with other settings or data than the run began with."
)
_PROFILE = flags.DEFINE_integer("profile", 0, "Trace so many steps into WORKDIR/profile.", lower_bound=0)
_DISTRIBUTED = flags.DEFINE_bool("distributed", False, "This process is one of several hosts.")
_COORDINATOR = flags.DEFINE_string("coordinator", "", "host:port of host 0, if JAX cannot find it out itself.")
_NUM_HOSTS = flags.DEFINE_integer("num_hosts", 0, "With --coordinator: how many hosts there are.")
_HOST_ID = flags.DEFINE_integer("host_id", -1, "With --coordinator: which one this is, from 0.")
flags.mark_flags_as_required(["config", "workdir"])


def main(
    _: list[str],
    *,
    renamed: Iterable[tuple[str, str]] = (),
    around: "Callable[[Batches], Batches]" = lambda batches: batches,
) -> None:
    """Trains as the flags say.

    Args:
        renamed: what `take_renamed_flags` found.
        around: what is put around the batches of each phase.
    """
    from data_pipeline.sources.listing import source_roots
    from rvm_jax.train.initial_network import starting_paths
    from rvm_jax.train.workdir import check_workdir

    config = _CONFIG.value.to_dict()
    check_workdir(str(_WORKDIR.value), [*starting_paths(config.get("network") or {}), *source_roots(config)])
    import jax

    from eval.validation import Validation
    from rvm_jax.train.devices import connect_hosts
    from rvm_jax.train.loop import train
    from rvm_jax.train.phases import steps_of_epochs
    from rvm_jax.train.preemption import Preempted

    if _DISTRIBUTED.value or _COORDINATOR.value:
        connect_hosts(_COORDINATOR.value, _NUM_HOSTS.value, _HOST_ID.value)
    for sentence in apply_renamed_flags(_CONFIG.value, list(renamed)):
        print(sentence, file=sys.stderr)
    settings, sentences = current_settings(_CONFIG.value.to_dict())
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    config = ConfigDict(settings)
    if not config.train.steps:
        with _stream(config.data, jax.process_count(), 0) as stream:
            config.train.steps = steps_of_epochs(config.train, stream.epoch_size)
    data = {name: _data_of(config.data, section) for name, section in config.train.phases.items()}
    phases = {name: (data[name], section.batch_size) for name, section in config.train.phases.items()}
    try:
        train(
            config,
            str(_WORKDIR.value),
            around(_batches(config.data, config.train.batch_size)),
            {"valid": Validation(config.data, num_clips=config.eval.num_clips, batch_size=config.eval.batch_size)},
            phase_batches={name: around(_batches(*phase)) for name, phase in phases.items()},
            fingerprint=_fingerprint([config.data, *data.values()]),
            allow_changes=_ALLOW_CHANGES.value,
            profile_steps=_PROFILE.value,
        )
    except Preempted as preempted:
        print(f"{preempted}; start it again with the same command to resume", file=sys.stderr)
        sys.exit(143)


def _data_of(data: Any, section: Any) -> dict[str, Any]:
    """Returns the `data` section with what a phase has of its own."""
    return {**data.to_dict(), **ConfigDict(section.get("data", {})).to_dict()}


def _batches(data: Any, batch_size: int) -> "Batches":
    """Returns this host's share of batches of `batch_size` clips, from any batch on."""
    return functools.partial(_stream, data, batch_size)


def _stream(data: Any, batch_size: int, start: int) -> "Stream":
    import jax

    from data_pipeline.pipeline import make_batches

    hosts = jax.process_count()
    if batch_size % hosts:
        raise UserError(f"train.batch_size={batch_size} cannot be split across {hosts} hosts; use a multiple")
    return make_batches(
        data,
        batch_size=batch_size // hosts,
        start_step=start,
        process_index=jax.process_index(),
        process_count=hosts,
    )


def _fingerprint(sections: list[Any]) -> str:
    """Returns a digest of the data: how many clips each section has, and the names and arrays of its first one.

    Not its pixels: processors round apart, and a run may resume on another.
    """
    from data_pipeline.pipeline import make_batches, make_dataset

    digest = hashlib.sha256()
    for section in sections:
        with make_batches(section, batch_size=1, num_clips=1, workers=0) as stream:
            digest.update(str(stream.epoch_size).encode())
        for name, value in sorted(make_dataset(section, num_clips=1, names=True)[0].items()):
            digest.update(f"{name} {value if isinstance(value, str) else (value.shape, value.dtype)}".encode())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    configure_process("train")
    overrides = take_renamed_flags(sys.argv)
    cli.run(functools.partial(main, renamed=overrides))
