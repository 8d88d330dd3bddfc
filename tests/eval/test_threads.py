"""The map over threads: order, how far it runs ahead, and what becomes of failures; the cores of the process."""

import os
import threading
from collections.abc import Iterator

import pytest

from eval.threads import map_ahead, usable_cores


def test_results_come_in_order_and_the_way_ahead_is_bounded() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(20):
            taken.append(item)
            yield item

    first_may_end = threading.Event()

    def double(item: int) -> int:
        if item == 0:
            first_may_end.wait(10)
        return 2 * item

    results = map_ahead(double, items(), threads=2, ahead=3)
    threading.Timer(0.05, first_may_end.set).start()
    assert next(results) == 0
    assert taken == [0, 1, 2, 3]
    assert list(results) == [2 * item for item in range(1, 20)]


def test_a_failure_ends_the_map_where_it_belongs() -> None:
    results = map_ahead(lambda item: 1 // (2 - item), range(9), threads=2, ahead=1)
    assert next(results) == 0 and next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_cores_where_the_system_tells_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has no `sched_getaffinity`."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert usable_cores() == 3
