"""Reading ahead and writing behind in threads, with bounded queues: the memory does not grow with the length."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar, cast

from rvm_jax.media.frame_source import Frame
from rvm_jax.media.writer import Writer

Item = TypeVar("Item")
_END = object()


def read_ahead(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """Yields the items, which a thread of its own takes up to `depth` ahead; its exceptions appear here."""
    waiting: queue.Queue[tuple[object, BaseException | None]] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: object, error: BaseException | None = None) -> bool:
        while not stopped.is_set():
            try:
                waiting.put((item, error), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        error = None
        try:
            for item in items:
                if not put(item):
                    return
        except BaseException as caught:
            error = caught
        put(_END, error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield cast(Item, item)
    finally:
        stopped.set()
        thread.join()


class WriteBehind(Generic[Item]):
    """Makes something of items and hands it to a writer, in as many threads as the writer bears.

    Args:
      writer: where it goes.
      make: what becomes of an item.
      frame_of: the frame that an item was made of.
      in_order: whether `make` must see the items one after the other, in their order.

    Attributes:
      written: how many items, from the first, are written.
    """

    def __init__(
        self,
        writer: Writer[Any],
        make: Callable[[Item], Any],
        frame_of: Callable[[Item], Frame],
        in_order: bool = False,
    ):
        workers = 1 if in_order else writer.workers
        self.written = 0
        self._writer, self._make, self._frame_of = writer, make, frame_of
        self._pool = ThreadPoolExecutor(workers)
        self._depth = max(3, workers)
        self._waiting: deque[Future[None]] = deque()
        self._failed = threading.Event()

    def put(self, item: Item) -> None:
        """Queues an item; waits while the queue is full. Raises what an earlier one failed with."""
        while self._waiting and (len(self._waiting) >= self._depth or self._waiting[0].done()):
            self._take()
        self._waiting.append(self._pool.submit(self._write, item))

    def settle(self) -> None:
        """Waits until nothing is in flight, whatever becomes of it."""
        wait(self._waiting)
        while self._waiting and self._waiting[0].exception() is None:
            self._take()

    def close(self) -> None:
        """Finishes the writer after the last item. Raises what an item failed with."""
        while self._waiting:
            self._take()
        self._pool.submit(self._writer.close).result()
        self._pool.shutdown()

    def discard(self) -> None:
        """Gives the writer up, also after a `close` that failed; items that still wait are dropped."""
        self._failed.set()
        self._pool.shutdown(cancel_futures=True)
        self._writer.discard()

    def _take(self) -> None:
        self._waiting[0].result()
        self._waiting.popleft()
        self.written += 1

    def _write(self, item: Item) -> None:
        if self._failed.is_set():
            raise CancelledError
        try:
            self._writer.write(self._make(item), self._frame_of(item))
        except BaseException:
            self._failed.set()
            raise
