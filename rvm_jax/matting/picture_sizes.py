"""Pictures of many sizes: each size compiles, so that sizes are brought to few."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from rvm_jax.matting.options import Settings
from rvm_jax.media.picture_formats import shown_size
from rvm_jax.notices import notice

S = TypeVar("S", bound=Settings)

# From so many sizes on, sides are padded to multiples of this.
MANY_SIZES, BUCKET = 4, 64
_LOOKED_AT = 1000  # headers cost a fraction of a millisecond each


def settle_padding(how: S, pictures: Iterable[Path]) -> S:
    """Returns settings whose `pad_to` is a number: what was given; or 1 for few sizes and `BUCKET`, with a notice, for
    many."""
    if how.pad_to:
        return how
    sizes: set[tuple[int, int]] = set()
    if how.faces is None and how.input_resize is None:  # else the network sees one size
        for path in islice(pictures, _LOOKED_AT):
            if (size := shown_size(path)) is not None:
                sizes.add(size)
            if len(sizes) == MANY_SIZES:
                notice(
                    f"{path.parent}: pictures of {MANY_SIZES} sizes or more are padded to multiples of {BUCKET}, since "
                    "each size compiles for itself; pad_to=1 mattes them in their own size"
                )
                return replace(how, pad_to=BUCKET)
    return replace(how, pad_to=1)
