"""Three steps of a tiny network on some layout of devices, for test_layouts.py.

layouts.py WORKDIR 1,4,8    in one process, on so many of its devices, one after the other, each in WORKDIR/<count>
layouts.py WORKDIR slurm    as one of several hosts, which Slurm's variables tell
"""

import itertools
import os
import sys
from contextlib import contextmanager
from pathlib import Path

BATCH = 8


def batches(start, host=0, hosts=1):
    """This host's share of clips that depend on the step alone."""
    import numpy as np

    @contextmanager
    def stream():
        yield (
            {
                "src": rng.integers(0, 256, (BATCH, 2, 32, 32, 3), dtype=np.uint8)[host::hosts],
                "pha": rng.integers(0, 256, (BATCH, 2, 32, 32, 1), dtype=np.uint8)[host::hosts],
            }
            for rng in map(np.random.default_rng, itertools.count(start))
        )

    return stream()


def train(folder, steps=3):
    """Trains on all devices; host 0 leaves all that came out in final.npz."""
    import jax
    import numpy as np
    import tiny_network

    from configs import quickstart
    from rvm_jax.train import loop as training

    tiny_network.know_it()
    config = tiny_network.use_it(quickstart.get_config("tiny"))
    config.train.update({"steps": steps, "batch_size": BATCH, "checkpoint_every": 100})
    config.optimizer.schedule = "constant"
    host, hosts = jax.process_index(), jax.process_count()
    state = training.train(config, folder, lambda start: batches(start, host, hosts), {})
    if host == 0:
        # Adam's second moment is the gradients of all steps, squared; it tells them apart as weights do not.
        moments = {f"nu/{key}": x for key, x in state.opt_state[0].nu.items()}
        np.savez(folder / "final.npz", **jax.device_get(state.params | state.batch_stats | moments))


def main(workdir, layouts):
    import jax
    from jax.sharding import AxisType

    from rvm_jax.train import loop as training
    from rvm_jax.train.devices import connect_hosts

    if layouts == "slurm":
        connect_hosts()
        train(Path(workdir))
        return
    for count in map(int, layouts.split(",")):
        mesh = jax.make_mesh((count,), ("data",), axis_types=(AxisType.Auto,), devices=jax.devices()[:count])
        training.make_mesh = lambda batch_sizes, mesh=mesh: mesh
        train(Path(workdir) / str(count))


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(root), str(root / "tests")]
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={os.environ['FAKE_DEVICES']}"
    main(*sys.argv[1:])
