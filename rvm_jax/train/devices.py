"""Devices and hosts: one mesh of all of them, and this host's share of a batch on it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding

from rvm_jax.errors import UserError


def connect_hosts(
    coordinator: str = "",
    num_hosts: int = 0,
    host_id: int = -1,
    *,
    initialize: Callable[..., object] = jax.distributed.initialize,
) -> None:
    """Joins the processes of a run; to be called before anything else of JAX.

    Args:
        coordinator: address and port of host 0; without it JAX finds out all by itself, on a TPU pod slice, under Slurm
            and under Open MPI (`jax.distributed.initialize`).
        num_hosts, host_id: how many processes there are, and which this one is; with `coordinator`.
        initialize: what joins them.

    Raises:
        UserError: if they cannot find each other.
    """
    given: dict[str, Any] = {}
    if coordinator:
        if not 0 <= host_id < num_hosts:
            raise UserError(f"--host_id={host_id} is none of --num_hosts={num_hosts} hosts, which count from 0")
        given = {"coordinator_address": coordinator, "num_processes": num_hosts, "process_id": host_id}
    try:
        initialize(**given)
    except (ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise UserError(
            f"the hosts cannot be joined ({reason}); outside of Slurm, Open MPI and TPU slices give --coordinator, "
            "--num_hosts and --host_id"
        ) from error


def make_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """Returns a mesh on one axis, `data`.

    Args:
        devices: which; all of them by default.
    """
    devices = jax.devices() if devices is None else devices
    return jax.make_mesh((len(devices),), ("data",), axis_types=(AxisType.Auto,), devices=devices)


def check_divides(mesh: Mesh, batch_sizes: Iterable[int]) -> None:
    """Checks that a mesh's devices can share batches.

    Args:
        mesh: of one axis.
        batch_sizes: clips that are computed at a time, by all devices together.

    Raises:
        UserError: if they do not divide one.
    """
    for size in batch_sizes:
        if size % mesh.size:
            raise UserError(
                f"{size} clips at a time (train.batch_size / train.accumulate) cannot be split across {mesh.size} "
                f"devices; use a multiple of {mesh.size}"
            )


def global_batch(batch: Mapping[str, np.ndarray], sharding: NamedSharding, batch_size: int) -> dict[str, jax.Array]:
    """Returns this host's share of the batch, sharded across its devices as a part of the global one."""
    return {
        name: jax.make_array_from_process_local_data(sharding, values, (batch_size, *values.shape[1:]))
        for name, values in batch.items()
    }


def memory_in_use() -> dict[str, float]:
    """Returns the peak of memory in use on this host's first device, as `device_memory_gib`, or nothing if unknown."""
    stats = jax.local_devices()[0].memory_stats() or {}
    peak = stats.get("peak_bytes_in_use")
    return {} if peak is None else {"device_memory_gib": peak / 2**30}
