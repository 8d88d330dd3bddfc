"""What may compute in bfloat16: convolutions, but for those that differences of nearly equal numbers go through."""

from collections.abc import Iterator
from typing import Any

from flax import nnx

from rvm_jax.networks.layers.basic import Conv2d

DTYPES = ("float32", "bfloat16")


def castable_convolutions(network: object) -> Iterator[tuple[str, Conv2d]]:
    """Yields the dotted path and the layer of each convolution that may compute in a lower precision.

    A module that says `keep_float32` keeps its own convolutions, and those within it, from that.
    """
    modules: list[tuple[tuple[Any, ...], Any]] = list(nnx.iter_modules(network))  # type: ignore[arg-type]
    keepers = [module for _, module in modules if getattr(module, "keep_float32", False)]
    kept = {id(inner) for keeper in keepers for _, inner in nnx.iter_modules(keeper)}
    for path, module in modules:
        if isinstance(module, Conv2d) and id(module) not in kept:
            yield ".".join(map(str, path)), module
