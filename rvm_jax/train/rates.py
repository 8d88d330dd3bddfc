"""Learning rates by patterns of parameters' names."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rvm_jax.errors import UserError

# Pairs of a regular expression and a learning rate, None or 0 for parameters that never move; the first match counts.
Rates = Iterable[tuple[str, float | None]]
_ALL = ".*"


def resolve_rates(keys: Iterable[str], rates: Rates, freeze: Iterable[str] = ()) -> dict[str, float]:
    """Returns the learning rate of each parameter, 0 for one that is frozen.

    Args:
        keys: parameters' dotted names, such as "backbone.features.0.0.weight".
        rates: patterns and rates. A pattern is a regular expression that is as long as the name, or as that of a module
            around it: "backbone.*" and "backbone" both take the encoder, ".*" all that is left.
        freeze: patterns of parameters that are frozen whatever their rate.

    Raises:
        UserError: if a pattern is no regular expression or takes no parameter, or a parameter has no pattern.
    """
    keys = list(keys)
    frozen: set[str] = set()
    _check_pairs(rates)
    for pattern in freeze:
        found = {key for key in keys if _matches(pattern, key, "freeze")}
        if not found:
            raise UserError(f"optimizer.freeze: no parameter matches '{pattern}'; they are as {keys[0]}")
        frozen |= found
    pairs = [(str(pattern), 0.0 if rate is None else float(rate)) for pattern, rate in rates]
    resolved: dict[str, float] = {}
    for pattern, rate in pairs:
        found = {key for key in keys if key not in resolved and _matches(pattern, key, "rates")}
        if not found and pattern != _ALL:
            taken = any(_matches(pattern, key, "rates") for key in keys)
            why = "patterns before it take all that it matches" if taken else f"parameters are as {keys[0]}"
            raise UserError(f"optimizer.rates: no parameter is left for '{pattern}'; {why}")
        resolved |= dict.fromkeys(found, rate)
    missing = [key for key in keys if key not in resolved]
    if missing:
        raise UserError(
            f"optimizer.rates: no pattern takes {missing[0]} ({len(missing)} such parameters); end with "
            "('.*', rate), or ('.*', None) to freeze them"
        )
    return {key: 0.0 if key in frozen else resolved[key] for key in keys}


def _check_pairs(rates: Any) -> None:
    """Raises UserError, saying what to write, if a setting is no list of patterns and rates."""
    pairs = list(rates) if isinstance(rates, (list, tuple)) else []
    if not pairs or not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs):
        rate = rates if isinstance(rates, (int, float)) else 1e-4
        raise UserError(
            f"optimizer.rates={rates!r}: give pairs of a pattern and a learning rate, also where it is one: "
            f"optimizer.rates=\"(('.*', {rate}),)\""
        )
    for pattern, rate in pairs:
        if not isinstance(rate, (int, float, type(None))):
            raise UserError(f"optimizer.rates: the learning rate of '{pattern}' is {rate!r}; give a number, or None")


def frozen_keys(rates: Mapping[str, float]) -> frozenset[str]:
    """Returns the parameters whose rate is 0, of what `resolve_rates` returned."""
    return frozenset(key for key, rate in rates.items() if rate == 0)


def rate_names(rates: Rates) -> dict[str, float]:
    """Returns the rates that are not 0 by the names that they are logged under, such as `backbone` of "backbone.*"."""
    named = {}
    for pattern, rate in rates:
        if rate:
            short = pattern.removesuffix(_ALL).removesuffix(r"\.")
            named[short or "others"] = float(rate)
    return {"all": named["others"]} if list(named) == ["others"] else named


def same_rates(old: Any, new: Any) -> bool:
    """Returns whether two lists of patterns and rates give all parts that either of them names the same rates."""
    if not isinstance(old, list) or not isinstance(new, list):
        return False
    names = {name for rates in (old, new) for pattern, _ in rates for name in re.findall(r"\w+", pattern)} | {"_"}

    def rate(rates: list[tuple[str, float | None]], name: str) -> float | None:
        return next((value or None for pattern, value in rates if re.fullmatch(pattern, name)), None)

    return all(rate(old, name) == rate(new, name) for name in names)


def _matches(pattern: str, key: str, setting: str) -> bool:
    """Returns whether a pattern is as long as the key, or as one of the names of modules that it begins with."""
    names = key.split(".")
    try:
        return any(re.fullmatch(pattern, ".".join(names[:count])) for count in range(len(names), 0, -1))
    except re.error as error:
        raise UserError(f"optimizer.{setting}: '{pattern}' is no regular expression ({error})") from error
