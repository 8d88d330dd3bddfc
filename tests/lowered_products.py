"""The precision of each matrix product and convolution in a lowered program, as its StableHLO text has it."""

import re
from collections import Counter

import jax

_PRODUCT = re.compile(r"stablehlo\.(?:dot_general|convolution|dot)\b.*")
_PRECISION = re.compile(r"\b(DEFAULT|HIGHEST|HIGH)\b")
_ELEMENT = re.compile(r"-> tensor<(?:\d+x)*(\w+)>")


def products(lowered: jax.stages.Lowered) -> Counter[tuple[str, str]]:
    """Counts products by (element type of the result, precision); one that states none counts as DEFAULT."""
    found: Counter[tuple[str, str]] = Counter()
    for line in _PRODUCT.findall(lowered.as_text()):
        element = _ELEMENT.search(line)
        assert element, line
        found[element[1], "/".join(sorted(set(_PRECISION.findall(line)) or {"DEFAULT"}))] += 1
    return found
