"""How exactly matrix products and convolutions are computed: stated for each, as devices' defaults differ.

Left unsaid, a TPU multiplies float32 in bfloat16, and a GPU may in TF32.
"""

from typing import Literal, get_args

import jax

Precision = Literal["float32", "tensorfloat32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

EXACT = jax.lax.Precision.HIGHEST
_OF_XLA = {
    "float32": EXACT,
    "tensorfloat32": jax.lax.Precision.HIGH,  # on a TPU three passes in bfloat16, which are as near
    "bfloat16": jax.lax.Precision.DEFAULT,
}


def lax_precision(precision: Precision) -> jax.lax.Precision:
    """Returns what JAX's products take as `precision`."""
    return _OF_XLA[precision]
