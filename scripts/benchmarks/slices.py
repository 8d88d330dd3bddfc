"""Slices of TPUs that are not there, for compiling alone."""

import os
from collections.abc import Sequence
from importlib.util import find_spec

import jax

from rvm_jax.errors import UserError
from scripts.benchmarks.chips import TPUS, Chip


def tpu_slice(topology: str) -> tuple[Chip, Sequence[jax.Device]]:
    """Returns the chip and the devices of a slice, for compiling alone.

    Raises:
        UserError: libtpu is missing, or does not know the slice.
    """
    kind = topology.partition(":")[0]
    if kind not in TPUS:
        raise UserError(f"--topology={topology}: there are {', '.join(TPUS)}, such as v5e:2x4")
    if find_spec("libtpu") is None:
        raise UserError("compiling for a TPU needs libtpu: .venv/bin/python -m pip install -e '.[aot]'")
    # There is no chip to ask, nor a cloud's metadata.
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
    os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")
    from jax.experimental import topologies

    try:
        described = topologies.get_topology_desc(platform="tpu", topology_name=topology)
    except (jax.errors.JaxRuntimeError, ValueError, NotImplementedError) as error:
        raise UserError(f"--topology={topology}: {str(error).splitlines()[0]}") from error
    return TPUS[kind], described.devices
