"""What a compiled program says of itself: the memory it needs, what it computes and moves, and what chips exchange."""

import math
import re
from collections import Counter
from typing import Any, NamedTuple

import jax

_COLLECTIVE = re.compile(r" = (.*?) (all-reduce|all-gather|reduce-scatter|collective-permute|all-to-all)(?:-start)?\(")
_ARRAY = re.compile(r"\b(pred|bf16|[suf](?:8|16|32|64))\[([\d,]*)\]")
_BYTES = {"pred": 1, "bf16": 2}


class Program(NamedTuple):
    """Of one device.

    Attributes:
        peak_bytes: arguments, results and what lies between, at the most.
        flops: as the compiler counts them; a loop's body once.
        bytes_moved: between memory and units, as the compiler estimates it; a loop's body once.
        collectives: how many there are of each kind.
        bytes_exchanged: of their results.
    """

    peak_bytes: int
    flops: float
    bytes_moved: float
    collectives: Counter[str]
    bytes_exchanged: int


def read(compiled: jax.stages.Compiled) -> Program:
    """Reads a compiled program."""
    memory: Any = compiled.memory_analysis()
    cost: Any = compiled.cost_analysis() or {}
    cost = cost[0] if isinstance(cost, list) else cost
    peak = memory.argument_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes
    peak += memory.temp_size_in_bytes + memory.generated_code_size_in_bytes
    collectives, exchanged = count_collectives(compiled.as_text() or "")
    return Program(peak, cost.get("flops", 0.0), cost.get("bytes accessed", 0.0), collectives, exchanged)


def count_collectives(text: str) -> tuple[Counter[str], int]:
    """Counts a program's collectives by kind, and the bytes of their results.

    Args:
        text: optimized HLO.
    """
    kinds: Counter[str] = Counter()
    total = 0
    for shapes, kind in _COLLECTIVE.findall(text):
        kinds[kind] += 1
        for element, sides in _ARRAY.findall(shapes):
            width = _BYTES.get(element) or int(element[1:]) // 8
            total += width * math.prod(int(side) for side in sides.split(",") if side)
    return kinds, total
