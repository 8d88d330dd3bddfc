"""What computes in a lower precision if one is asked for, and what stays float32 whatever is asked for.

"float32" and "tensorfloat32" say how products multiply float32 numbers; "bfloat16" also has convolutions take and give
bfloat16. Batch norm, losses, recurrent states and what says `keep_float32` stay float32.
"""

from collections.abc import Iterator

from rvm_jax.errors import UserError
from rvm_jax.networks.layers.basic import Conv2d
from rvm_jax.networks.layers.kernels import modules_by_path
from rvm_jax.networks.layers.kernels.precision import PRECISIONS as PRECISIONS
from rvm_jax.networks.layers.kernels.precision import Precision as Precision


def check_precision(value: str, name: str = "precision") -> Precision:
    """Returns a precision.

    Args:
        value: what was given.
        name: what the setting is called.

    Raises:
        UserError: if it is none.
    """
    if value not in PRECISIONS:
        raise UserError(f"{name} '{value}' is unknown; use one of {', '.join(PRECISIONS)}")
    return value


def precision_or_dtype(precision: str | None, dtype: str | None) -> Precision | None:
    """Returns a precision that may be given by its former name `dtype`; None if neither is given.

    Raises:
        UserError: if one is unknown, or both are given and differ.
    """
    if dtype is not None:
        check_precision(dtype, "dtype")
        if precision is not None and precision != dtype:
            raise UserError(f"precision '{precision}' and its former name dtype '{dtype}' differ; leave dtype out")
    given = precision or dtype
    return None if given is None else check_precision(given)


def castable_convolutions(network: object) -> Iterator[tuple[str, Conv2d]]:
    """Yields the dotted path and the layer of each convolution that may compute in a lower precision.

    A module that says `keep_float32` keeps its own convolutions, and those within it, from that: differences of nearly
    equal numbers go through them.
    """
    for path, module, kept in modules_by_path(network):
        if isinstance(module, Conv2d) and not kept:
            yield path, module
