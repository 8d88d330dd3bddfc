"""scripts/train.py with the tiny network, sent a signal when it has taken a batch.

killed_run.py SIGNAL NUMBER-OF-THE-BATCH FLAGS…
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import tiny_network

from rvm_jax import cli
from rvm_jax.networks import register
from rvm_jax.train.losses.objectives import OBJECTIVES
from rvm_jax.train.phases import Batch, Batches
from scripts import train


def main() -> None:
    number, until = signal.Signals[sys.argv.pop(1)], int(sys.argv.pop(1))

    def signalling(batches: Batches) -> Batches:
        @contextmanager
        def stream(start: int) -> Iterator[Iterator[Batch]]:
            with batches(start) as own:
                yield counted(own)

        return stream

    def counted(batches: Iterator[Batch]) -> Iterator[Batch]:
        for taken, batch in enumerate(batches, 1):
            if taken == until:
                os.kill(os.getpid(), number)
            yield batch

    cast(dict[str, Any], OBJECTIVES)["tiny"] = tiny_network.loss  # of this process alone
    with register(tiny_network.DECLARATION):
        cli.run(lambda argv: train.main(argv, around=signalling))


if __name__ == "__main__":
    main()
