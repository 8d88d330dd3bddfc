"""Finding the one state dict in what a file holds: below dictionaries, modules, and prefixes of its keys."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.networks.api import StateDict
from rvm_jax.weights.inert_pickle import Inert
from rvm_jax.weights.safetensors_files import standard

_DEEPEST = 3  # dictionaries in dictionaries
_LONGEST = 4  # parts of a prefix
# What wrappers put before all keys; of anything else a part of a network may be called so.
_WRAPPERS = {"module", "_orig_mod", "model", "net", "network", "ema", "ema_model", "model_ema", "generator"}
_AVERAGED = re.compile(r"(^|[._ ])(ema|swa|shadow|averaged)\d*([._ ]|$)", re.IGNORECASE)

IsWanted = Callable[[Mapping[str, np.ndarray]], bool]


class Found(NamedTuple):
    """A state dict, and where it was: the keys of dictionaries, then the prefix; "" if it was there bare."""

    tensors: StateDict
    where: str

    @property
    def is_averaged(self) -> bool:
        """Whether its place says that it is a moving average of another one."""
        return bool(_AVERAGED.search(self.where))


def find_state_dicts(content: object, tensor_type: type) -> list[Found]:
    """Returns all state dicts in what `torch.load` gave, the outermost first.

    Args:
        content: dictionaries, and modules as `Inert`.
        tensor_type: PyTorch's.
    """
    return list(_walk(content, tensor_type, (), 0))


def choose(found: list[Found], source: str, is_wanted: IsWanted | None, *, any_prefix: bool) -> Found:
    """Returns the one that is meant, without the prefix of its keys.

    Of a network and its moving average that is the network; what is neither unwrapped nor wanted is returned as it is,
    for its reader to say what is wrong with it.

    Args:
        found: at least one.
        source: names the file in errors.
        is_wanted: whether tensors are what is looked for; None for anything.
        any_prefix: whether prefixes may be other than those of wrappers.

    Raises:
        UserError: if there are several.
    """
    fitting = [each for one in found for each in _without_prefix(one, is_wanted, any_prefix)]
    plain = [each for each in fitting if not each.is_averaged] or fitting
    distinct = [each for number, each in enumerate(plain) if not any(_same(each, other) for other in plain[:number])]
    if len(distinct) > 1 and is_wanted is not None:
        places = ", ".join(each.where or "the file itself" for each in distinct)
        raise UserError(
            f"{source}: holds several networks, at {places}; save the state dict of the one that is meant by torch.save"
        )
    return distinct[0] if distinct else max(found, key=lambda one: len(one.tensors))


def _walk(content: object, tensor_type: type, place: tuple[str, ...], depth: int) -> Iterator[Found]:
    if isinstance(content, Inert):
        held = content.held
        if isinstance(held, Mapping) and "_modules" in held:
            content = dict(_of_module(held, ""))
        else:
            content = held
    if not isinstance(content, Mapping):
        return
    named = {key: value for key, value in content.items() if isinstance(key, str)}
    tensors = {key: _array(value) for key, value in named.items() if _is_dense(value, tensor_type)}
    if tensors or not (content or place):
        yield Found(tensors, ".".join(place))
    if depth < _DEEPEST:
        for key, value in named.items():
            yield from _walk(value, tensor_type, (*place, key), depth + 1)


def _of_module(held: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    """Yields the tensors of a pickled module by the keys of its state dict."""
    passing = held.get("_non_persistent_buffers_set")
    for kind in ("_parameters", "_buffers"):
        values = held.get(kind)
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if value is not None and not (kind == "_buffers" and isinstance(passing, set) and name in passing):
                yield f"{prefix}{name}", value
    modules = held.get("_modules")
    for name, module in modules.items() if isinstance(modules, Mapping) else ():
        if isinstance(module, Inert) and isinstance(module.held, Mapping):
            yield from _of_module(module.held, f"{prefix}{name}.")


def _is_dense(value: object, tensor_type: type) -> bool:
    if not isinstance(value, tensor_type) or str(getattr(value, "layout", "")) != "torch.strided":
        return False
    return not (getattr(value, "is_quantized", False) or str(getattr(value, "dtype", "")).startswith("torch.complex"))


def _array(tensor: Any) -> np.ndarray:
    return standard((tensor.float() if tensor.is_floating_point() else tensor).detach().numpy())


def _without_prefix(found: Found, is_wanted: IsWanted | None, any_prefix: bool) -> list[Found]:
    """Returns what is wanted below the shortest prefixes that there are; without a wish what wrappers left."""
    for length in range(_LONGEST + 1):
        below: dict[str, StateDict] = {}
        for key, tensor in found.tensors.items():
            parts = key.split(".")
            if len(parts) > length and (any_prefix or _WRAPPERS.issuperset(parts[:length])):
                below.setdefault(".".join(parts[:length]), {})[".".join(parts[length:])] = tensor
        if is_wanted is None:
            (prefix, tensors), *others = below.items() if below else [("", found.tensors)]
            first = next(iter(tensors), "").partition(".")[0]
            is_wrapped = first in _WRAPPERS and all(key.startswith(f"{first}.") for key in tensors)
            fitting = [] if others or is_wrapped else [(prefix, tensors)]
        else:
            fitting = [(prefix, tensors) for prefix, tensors in below.items() if is_wanted(tensors)]
        if fitting:
            return [Found(tensors, _joined(found.where, prefix)) for prefix, tensors in fitting]
    return []


def _joined(where: str, prefix: str) -> str:
    return " ".join(filter(None, (where, f"{prefix}." if prefix else "")))


def _same(one: Found, other: Found) -> bool:
    return one.tensors.keys() == other.tensors.keys() and all(
        np.array_equal(tensor, other.tensors[key]) for key, tensor in one.tensors.items()
    )
