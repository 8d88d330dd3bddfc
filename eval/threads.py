"""Threads beside the program: a map that stays a bounded way ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rvm_jax.process import usable_cores as usable_cores

In = TypeVar("In")
Out = TypeVar("Out")


def map_ahead(
    function: Callable[[In], Out], items: Iterable[In], *, threads: int | None = None, ahead: int | None = None
) -> Iterator[Out]:
    """Yields `function(item)` in the order of the items, from threads that work on the next ones meanwhile.

    Args:
      function: what waits for files, or works without Python's lock as NumPy, OpenCV and JAX do.
      items: taken as they are needed, so that memory stays bounded.
      threads: how many; by default one for each usable core.
      ahead: how many items are under way or wait to be yielded; by default four for each thread.
    """
    threads = threads or usable_cores()
    ahead = ahead or 4 * threads
    with ThreadPoolExecutor(threads) as pool:
        futures: deque[Future[Out]] = deque()
        try:
            for item in items:
                futures.append(pool.submit(function, item))
                if len(futures) > ahead:
                    yield futures.popleft().result()
            while futures:
                yield futures.popleft().result()
        finally:
            for future in futures:  # where an item failed, or nobody takes the rest
                future.cancel()
