"""Checks rendered people: python scripts/check_people.py --exact=200, or python scripts/check_people.py --memory=10000

--exact compares the alphas of so many random frames with those of a brute-force rendering, 6×6 samples a pixel, and
prints the mean difference in levels of 255: over all pixels, and over those of the face's edge. --memory renders so
many frames, one clip after the other as a training's worker does, and prints the resident memory after every tenth.
"""

from pathlib import Path

from absl import flags

from rvm_jax import cli
from rvm_jax.errors import UserError
from rvm_jax.process import configure_process

_EXACT = flags.DEFINE_integer("exact", 0, "Frames to compare with brute force.", lower_bound=0)
_MEMORY = flags.DEFINE_integer("memory", 0, "Frames over which to watch the memory.", lower_bound=0)
_SIZE = flags.DEFINE_integer("size", 64, "Side of the frames, in pixels.", lower_bound=32)
_SEED = flags.DEFINE_integer("seed", 5, "Of the people.")

_SAMPLES = 6
_LENGTH = 16  # frames of a clip
_MOST = 2.0  # levels


def main(_: list[str]) -> None:
    if not (_EXACT.value or _MEMORY.value):
        raise UserError("say what to check: --exact=200 (frames against brute force) or --memory=10000 (frames)")
    if _EXACT.value:
        _compare(_EXACT.value)
    if _MEMORY.value:
        _watch(_MEMORY.value)


def _compare(frames: int) -> None:
    from dataclasses import replace

    import numpy as np
    from tqdm import tqdm

    from data_pipeline.people.clip import Options
    from data_pipeline.people.source import People

    plain = Options()
    sources = [
        People(_SIZE.value, "test", frames, _LENGTH, _SEED.value, replace(plain, samples=samples))
        for samples in (plain.samples, _SAMPLES)
    ]
    numbers = np.random.default_rng(_SEED.value).integers(_LENGTH, size=frames)
    means, edges = [], []
    for index, number in enumerate(tqdm(numbers, "frames")):
        alpha, exact = (source.clip(index).frame(int(number)).alpha for source in sources)
        difference = np.abs(alpha - exact) * 255
        means.append(difference.mean())
        edges.append(difference[(exact > 0.01) & (exact < 0.99)])
    mean, edge = float(np.mean(means)), float(np.concatenate(edges).mean())
    print(
        f"{frames} frames of {_SIZE.value}², {plain.samples}×{plain.samples} beside {_SAMPLES}×{_SAMPLES} samples a "
        f"pixel: mean difference {mean:.2f} of 255 levels ({edge:.1f} where the face has an edge), "
        f"of the worst frame {max(means):.2f}"
    )
    if mean > _MOST:
        raise UserError(f"the alphas differ by more than {_MOST:g} levels in the mean")


def _watch(frames: int) -> None:
    from tqdm import tqdm

    from data_pipeline.people.source import People

    step = max(1, frames // 10)
    source = People(_SIZE.value, "train", -(-frames // _LENGTH), _LENGTH, _SEED.value)
    for number in tqdm(range(frames), "frames"):
        source.read(number // _LENGTH, [number % _LENGTH])
        if (number + 1) % step == 0:
            print(f"{number + 1} frames of {_SIZE.value}²: {_resident_mebibytes():.0f} MiB", flush=True)


def _resident_mebibytes() -> float:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError as error:
        raise UserError("--memory needs /proc, which only Linux has") from error
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


if __name__ == "__main__":
    configure_process("worker")
    cli.run(main)
