"""Slices of TPUs that are not there, for compiling alone."""

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import jax
from jax.experimental.compilation_cache import compilation_cache

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
    os.environ.setdefault("TPU_WORKER_HOSTNAMES", "localhost")
    os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")
    from jax.experimental import topologies

    try:
        described = topologies.get_topology_desc(platform="tpu", topology_name=topology)
    except (jax.errors.JaxRuntimeError, ValueError, NotImplementedError) as error:
        raise UserError(f"--topology={topology}: {str(error).splitlines()[0]}") from error
    return TPUS[kind], described.devices


def compile_for_slice(lowered: jax.stages.Lowered) -> jax.stages.Compiled:
    """Compiles a program for devices that are not there, past the persistent cache, which only devices can read."""
    set_option: Callable[[str, bool], None] = jax.config.update  # JAX gives it no types
    enabled: bool = jax.config.values["jax_enable_compilation_cache"]
    forget: Callable[[], None] = compilation_cache.reset_cache  # whether there is one is asked once
    try:
        set_option("jax_enable_compilation_cache", False)
        forget()
        return lowered.compile()
    finally:
        set_option("jax_enable_compilation_cache", enabled)
        forget()
