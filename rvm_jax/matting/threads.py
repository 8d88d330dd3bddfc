"""Reading ahead and writing behind in threads, with bounded queues: the memory does not grow with the length."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any, Protocol

_END = object()


def read_ahead(items: Iterable, depth: int) -> Generator:
    """Yields the items, which a thread of its own takes up to `depth` ahead; its exceptions appear here."""
    waiting: queue.Queue[Any] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: Any) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        end: tuple[Any, BaseException | None] = (_END, None)
        try:
            for item in items:
                if not put((item, None)):
                    return
        except BaseException as error:
            end = (_END, error)
        put(end)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stopped.set()
        thread.join()


class Writer(Protocol):
    """What ends in a file or a folder (or a window)."""

    def close(self) -> None:
        """Finishes it."""

    def discard(self) -> None:
        """Gives it up."""


class WriteBehind:
    """Hands items to `write` in a thread of its own, in order; the writer is finished or given up there too."""

    def __init__(self, writer: Writer, write: Callable[[Any], None], depth: int = 2):
        self.writer = writer
        self._write = write
        self._tasks: queue.Queue[Callable[[], None] | None] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def put(self, item: Any) -> None:
        """Queues an item; waits while the queue is full. Raises what an earlier one failed with."""
        self._tasks.put(partial(self._write, item))
        self._raise()

    def flush(self) -> None:
        """Waits until all items are written."""
        self._tasks.join()
        self._raise()

    def close(self) -> None:
        """Finishes the writer after the last item."""
        self._end(self.writer.close)
        self._raise()

    def discard(self) -> None:
        """Gives the writer up, also after a `close` that failed; items that still wait are dropped."""
        if not self._thread.is_alive():
            self.writer.discard()
            return
        self._error = self._error or RuntimeError("given up")
        self._end(self.writer.discard)

    def _end(self, last: Callable[[], None]) -> None:
        self._tasks.put(last)
        self._tasks.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                if self._error is None or task == self.writer.discard:
                    task()
            except BaseException as error:
                self._error = error
            finally:
                self._tasks.task_done()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
