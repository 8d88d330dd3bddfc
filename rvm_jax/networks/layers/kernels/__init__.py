"""How layers compute, by device: the same numbers, a set of kernels for CPUs, one for TPUs, one that leaves all to XLA.

Nothing here looks at a device while a program is traced: a network carries its `Kernels`, chosen when it is built
(`rvm_jax.create`, by the device that its weights go to) or compiled (`for_inference`, `use_kernels`).
"""

from rvm_jax.networks.layers.kernels.choice import (
    CPU,
    TPU,
    XLA,
    Kernels,
    kernels_for,
    kernels_of,
    modules_by_path,
    use_kernels,
)
from rvm_jax.networks.layers.kernels.precision import PRECISIONS, Precision

__all__ = [
    "CPU",
    "PRECISIONS",
    "TPU",
    "XLA",
    "Kernels",
    "Precision",
    "kernels_for",
    "kernels_of",
    "modules_by_path",
    "use_kernels",
]
