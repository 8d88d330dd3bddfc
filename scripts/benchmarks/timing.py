"""Fair timing of several contenders in one process."""

import time
from collections.abc import Callable, Mapping

import numpy as np
from tqdm import tqdm


def interleave(
    contenders: Mapping[str, Callable[[], object]],
    rounds: int,
    calls: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, np.ndarray]:
    """Times each contender `calls` times in each of `rounds` rounds; returns its seconds per call, (rounds * calls,).

    All take their turn in every round, so that a machine that slows down or is shared for a while slows all of them;
    every other round runs backwards, so that nobody always follows the same neighbour. The first call of a turn is not
    counted: the neighbour's threads may still spin, and the caches hold its weights.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    with tqdm(total=rounds * len(names), desc="measuring", unit="turn", leave=False) as bar:
        for index in range(rounds):
            for name in names if index % 2 == 0 else reversed(names):
                contenders[name]()
                for _ in range(calls):
                    start = clock()
                    contenders[name]()
                    seconds[name].append(clock() - start)
                bar.update()
    return {name: np.array(values) for name, values in seconds.items()}


def middle_and_spread(seconds: np.ndarray) -> tuple[float, float, float]:
    """Returns the median and the 10th and 90th percentile, in milliseconds."""
    median, low, high = np.percentile(1e3 * seconds, [50, 10, 90])
    return float(median), float(low), float(high)
