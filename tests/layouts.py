"""Three steps of a tiny network on some layout of devices, for test_layouts.py.

layouts.py WORKDIR 1,4,8    in one process, on so many of its devices, one after the other, each in WORKDIR/<count>
layouts.py WORKDIR slurm    as one of several hosts, which Slurm's variables tell
"""

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # JAX is imported once its flags are set
    from jax.sharding import Mesh

    from rvm_jax.train.phases import Batch, Batches

BATCH = 8


def batches_of(host: int = 0, hosts: int = 1) -> "Batches":
    """This host's share of clips that depend on the step alone."""
    import numpy as np

    @contextmanager
    def stream(start: int) -> "Iterator[Iterator[Batch]]":
        yield (
            {
                "src": rng.integers(0, 256, (BATCH, 2, 32, 32, 3), dtype=np.uint8)[host::hosts],
                "pha": rng.integers(0, 256, (BATCH, 2, 32, 32, 1), dtype=np.uint8)[host::hosts],
            }
            for rng in map(np.random.default_rng, itertools.count(start))
        )

    return stream


def train(folder: Path, steps: int = 3, mesh: "Mesh | None" = None) -> None:
    """Trains on a mesh, by default of all devices; host 0 leaves all that came out in final.npz."""
    import jax
    import numpy as np
    import tiny_network
    from flax import nnx

    from configs import quickstart
    from rvm_jax.train import loop

    config = tiny_network.use_it(quickstart.get_config("tiny"))
    config.train.update({"steps": steps, "batch_size": BATCH, "checkpoint_every": 100})
    config.optimizer.schedule = "constant"
    host = jax.process_index()
    network = tiny_network.TinyNetwork(rngs=nnx.Rngs(0))
    batches = batches_of(host, jax.process_count())
    state = loop.train(config, folder, batches, {}, network=network, mesh=mesh, objectives=tiny_network.LOSSES)
    if host == 0:
        # Adam's second moment is the gradients of all steps, squared; it tells them apart as weights do not.
        ((adam, _), _) = state.opt_state
        moments = {f"nu/{key}": x for key, x in adam.nu.items()}
        np.savez(folder / "final.npz", **jax.device_get(state.params | state.batch_stats | moments))


def main(workdir: str, layouts: str) -> None:
    import jax

    from rvm_jax.train.devices import connect_hosts, make_mesh

    if layouts == "slurm":
        connect_hosts()
        train(Path(workdir))
        return
    for count in map(int, layouts.split(",")):
        train(Path(workdir) / str(count), mesh=make_mesh(jax.devices()[:count]))


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(root), str(root / "tests")]
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={os.environ['FAKE_DEVICES']}"
    main(*sys.argv[1:])
