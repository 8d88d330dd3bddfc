"""Whether the input pipeline keeps up with an accelerator: real clips, and a device that only takes its time.

    python scripts/benchmark.py feed --config=configs/face_best.py --workers=0,2,8

A step sleeps for as long as arithmetic or memory traffic would take on the device: its speed estimated from above, and
so the pipeline's hardest case. Measured are clips a second and the share of the time in which a step waits for a batch,
for each number of workers; what a node needs follows from clips a second and worker.
"""

import math
from contextlib import closing

from absl import flags
from ml_collections import ConfigDict, config_flags

from data_pipeline.pipeline import make_batches
from rvm_jax.errors import UserError
from rvm_jax.networks.precision import check_precision
from rvm_jax.train.renamed import current_settings
from scripts.benchmarks.report import Row, table, usable_cores
from scripts.benchmarks.simulated_device import NODES, feed, frames_per_second

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe whose clips are made.", lock_config=True)
_WORKERS = flags.DEFINE_list("workers", ["0", "1", "2"], "Numbers of worker processes to try.")
_STEPS = flags.DEFINE_integer("steps", 8, "Steps that are timed, for each number of workers.", lower_bound=1)
_DEVICE = flags.DEFINE_float(
    "device_frames_per_second", None, "Frames a second of the simulated device; by default an H100's, estimated.", 1e-3
)
_KEEPS_UP = 0.05  # the share of waiting below which a device counts as busy


def measure() -> list[Row]:
    """Prints what each number of workers gives, and what nodes need; returns the rows.

    Raises:
        UserError: if a setting does not work, or the data cannot be read.
    """
    if _CONFIG.value is None:
        raise UserError("give the recipe whose clips are made: --config=configs/face_best.py")
    config = ConfigDict(current_settings(_CONFIG.value.to_dict())[0])
    precision = check_precision(config.train.precision, "train.precision")
    side, length, clips = config.data.resolution, config.data.seq_length, config.train.batch_size
    device = _DEVICE.value or frames_per_second(NODES[1]._replace(chips=1), side, precision)
    lines, rows, each = [], [], 0.0
    for number in _numbers():
        given = []
        for step_seconds in (0.0, clips * length / device):
            with closing(make_batches(config.data, batch_size=clips, workers=number)) as batches:
                given.append(feed(batches, clips, _STEPS.value, step_seconds))
        alone, beside = given
        keeps_up = "yes" if beside.waiting < _KEEPS_UP else "no"
        rates = f"{alone.clips_per_second:.2f}", f"{beside.clips_per_second:.2f}"
        lines.append((str(number), *rates, f"{beside.waiting:.0%}", keeps_up))
        rows.append(Row(f"feed, {number} workers", alone.clips_per_second, "clips/s"))
        each = max(each, alone.clips_per_second / max(min(number, usable_cores()), 1))
    print(f"\nBatches of {clips} clips of {length} frames of {side}x{side}; a device of {device:.0f} frames/s")
    print(table(("workers", "clips/s alone", "beside the device", "it waits", "keeps up"), lines))
    print(
        f"\nMeasured here: {each:.2f} clips/s a processor. Estimated, what nodes need at train.precision={precision}:"
    )
    needs = []
    for node in NODES:
        frames = frames_per_second(node, side, precision)
        workers = math.ceil(frames / length / each)
        needs.append((node.name, f"{frames:.0f}", f"{frames / length:.0f}", str(workers), str(node.processors)))
        rows.append(Row(f"feed, {node.name} needs (estimate)", workers, "workers"))
    print(table(("node", "frames/s at most", "clips/s", "workers", "its processors"), needs))
    return rows


def _numbers() -> list[int]:
    """Returns --workers. Raises UserError if it is no number."""
    if not all(text.isdecimal() for text in _WORKERS.value):
        raise UserError(f"--workers={','.join(_WORKERS.value)}: give whole numbers, such as 0,2,8")
    return [int(text) for text in _WORKERS.value]
