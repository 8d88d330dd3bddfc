"""Accelerators as their makers describe them, and the least time that a program takes by these figures: a roofline."""

from collections.abc import Mapping
from typing import NamedTuple

from rvm_jax.networks.precision import Precision

# How many times slower products are than bfloat16's: a TPU takes passes of its bfloat16 units.
_ON_TPU: Mapping[Precision, float] = {"float32": 6, "tensorfloat32": 3, "bfloat16": 1}
_ON_H100: Mapping[Precision, float] = {"float32": 989 / 67, "tensorfloat32": 2, "bfloat16": 1}


class Chip(NamedTuple):
    """One accelerator: bfloat16 operations a second, its memory and its traffic, and that with its neighbours.

    `slower` is by how much products of other precisions are slower.
    """

    name: str
    flops: float
    memory_gib: float
    bytes_per_second: float
    link_bytes_per_second: float
    slower: Mapping[Precision, float] = _ON_TPU


# cloud.google.com/tpu/docs: v5e, v6e, v4 and v5p; the links are all of a chip's, one way.
TPUS = {
    "v5e": Chip("TPU v5e", 197e12, 16, 819e9, 200e9),
    "v6e": Chip("TPU v6e", 918e12, 32, 1640e9, 448e9),
    "v4": Chip("TPU v4", 275e12, 32, 1228e9, 300e9),
    "v5p": Chip("TPU v5p", 459e12, 95, 2765e9, 600e9),
}
# NVIDIA's data sheet of the SXM form, dense.
H100 = Chip("H100", 989e12, 80, 3350e9, 450e9, _ON_H100)


def roofline(
    chip: Chip, flops: float, bytes_moved: float, bytes_exchanged: float = 0.0, precision: Precision = "bfloat16"
) -> tuple[float, str]:
    """Returns the least seconds by the chip's figures, and what takes them.

    Args:
        chip: which.
        flops: of products, on one chip.
        bytes_moved: between its memory and its units.
        bytes_exchanged: with other chips, not overlapped with the rest.
        precision: of the products.
    """
    computing = flops * chip.slower[precision] / chip.flops
    moving = bytes_moved / chip.bytes_per_second
    what = "arithmetic" if computing > moving else "memory traffic"
    return max(computing, moving) + bytes_exchanged / chip.link_bytes_per_second, what
