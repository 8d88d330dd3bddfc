"""Devices and hosts: one mesh of all of them, and this host's share of a batch on it."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding

from rvm_jax.errors import UserError


def connect_hosts(coordinator: str = "", num_hosts: int = 0, host_id: int = -1) -> None:
    """Joins the processes of a run; to be called before anything else of JAX.

    Args:
        coordinator: address and port of host 0; without it JAX finds all out itself, on a TPU pod slice, under Slurm
            and under Open MPI (`jax.distributed.initialize`).
        num_hosts, host_id: how many processes there are, and which this one is; with `coordinator`.

    Raises:
        UserError: they cannot find each other.
    """
    given: dict[str, Any] = {}
    if coordinator:
        if not 0 <= host_id < num_hosts:
            raise UserError(f"--host_id={host_id} is none of --num_hosts={num_hosts} hosts, which count from 0")
        given = {"coordinator_address": coordinator, "num_processes": num_hosts, "process_id": host_id}
    try:
        jax.distributed.initialize(**given)
    except (ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise UserError(
            f"the hosts cannot be joined ({reason}); outside of Slurm, Open MPI and TPU slices give --coordinator, "
            "--num_hosts and --host_id"
        ) from error


def make_mesh(batch_sizes: Iterable[int]) -> Mesh:
    """A mesh of all devices on one axis, `data`. Raises UserError where they do not divide a batch.

    Args:
        batch_sizes: clips that are computed at a time, by all devices together.
    """
    count = jax.device_count()
    for size in batch_sizes:
        if size % count:
            raise UserError(
                f"{size} clips at a time (train.batch_size / train.accumulate) cannot be dealt to {count} devices; "
                f"use a multiple of {count}"
            )
    return jax.make_mesh((count,), ("data",), axis_types=(AxisType.Auto,))


def global_batch(batch: Mapping[str, np.ndarray], sharding: NamedSharding, batch_size: int) -> dict[str, jax.Array]:
    """This host's share of the batch, spread over its devices as a part of the global one."""
    return {
        name: jax.make_array_from_process_local_data(sharding, values, (batch_size, *values.shape[1:]))
        for name, values in batch.items()
    }


def memory_in_use() -> dict[str, float]:
    """The peak of memory taken on this host's first device, as `device_memory_gib`; empty where it does not tell."""
    stats = jax.local_devices()[0].memory_stats() or {}
    peak = stats.get("peak_bytes_in_use")
    return {} if peak is None else {"device_memory_gib": peak / 2**30}
