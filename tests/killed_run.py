"""scripts/train.py, sent a signal when it has taken a batch: killed_run.py SIGNAL NUMBER-OF-THE-BATCH FLAGS…"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rvm_jax import cli
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

    cli.run(lambda argv: train.main(argv, around=signalling))


if __name__ == "__main__":
    main()
