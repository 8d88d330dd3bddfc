"""Threads beside the program: a map that stays a bounded way ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from rvm_jax.process import usable_cores as usable_cores

In = TypeVar("In")
Out = TypeVar("Out")


def map_ahead(
    function: Callable[[In], Out],
    items: Iterable[In],
    *,
    threads: int | None = None,
    ahead: int | None = None,
    at_once: int = 1,
) -> Iterator[Out]:
    """Yields `function(item)` in the order of the items, from threads that work on the next ones meanwhile.

    Args:
      function: what waits for files, or works without Python's lock as NumPy, OpenCV and JAX do.
      items: taken as they are needed, so that memory stays bounded.
      threads: how many; by default one for each usable core.
      ahead: how many items are under way or wait to be yielded; by default four for each thread, times `at_once`.
      at_once: how many items a thread takes. To hand one over takes 0.1 ms, mostly with Python's lock held: several
        together share that. Where one fails, so do those that were taken with it.
    """
    threads = threads or usable_cores()
    most = (ahead or 4 * threads * at_once) // at_once
    left = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        futures: deque[Future[list[Out]]] = deque()
        try:
            while taken := list(islice(left, at_once)):
                futures.append(pool.submit(lambda some: [function(item) for item in some], taken))
                if len(futures) > most:
                    yield from futures.popleft().result()
            while futures:
                yield from futures.popleft().result()
        finally:
            for future in futures:  # where an item failed, or nobody takes the rest
                future.cancel()
