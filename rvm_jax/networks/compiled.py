"""A network's call outside of `jit`: compiled once for each shape, in the form for inference.

Operation by operation, as JAX runs what is not jitted, a first call takes most of a minute, and others several
times as long as it must. Under `jit`, `grad`, `vmap` or export, and in the view for training, whose batch norm changes
its statistics, a call is what its class says.
"""

import inspect
from collections.abc import Callable
from functools import lru_cache, partial, wraps
from typing import Any, NamedTuple, TypeVar, cast
from weakref import WeakKeyDictionary

import jax
import numpy as np
from flax import nnx
from jax.extend.core import get_opaque_trace_state

from rvm_jax.compilation import FirstCalls
from rvm_jax.networks.inference import for_inference

C = TypeVar("C", bound=Callable[..., Any])
_NUMBERS = "fiub"


class _Form(NamedTuple):
    """A network's form for inference, made of its structure and its weights as they were then."""

    structure: Any
    weights: list[Any]
    program: Callable[..., Any] | None  # None in the view for training
    own_weights: Any


_forms: "WeakKeyDictionary[nnx.Module, _Form]" = WeakKeyDictionary()
_first_calls = FirstCalls()


def compiled(call: C) -> C:
    """Makes a method of a network one that compiles itself where nothing else does, as a decorator.

    Arguments that are numbers, booleans or strings are part of what is compiled; all others are arrays, or trees of
    them, whose first gives its size to what is said where compiling takes long.
    """
    signature = inspect.signature(call)

    @wraps(call)
    def compiling(self: nnx.Module, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        given = dict(list(bound.arguments.items())[1:])
        static = {name: value for name, value in given.items() if isinstance(value, (bool, int, float, str))}
        arrays = {name: value for name, value in given.items() if name not in static}
        leaves = jax.tree.leaves(arrays)
        form = _form(self, call) if _is_eager() and all(map(_is_numeric, leaves)) else None
        if form is None or form.program is None:
            return call(self, *args, **kwargs)
        settings = tuple(sorted(static.items()))
        kind = (id(form.program), settings, *((leaf.shape, str(leaf.dtype)) for leaf in leaves))
        src = next(iter(arrays.values()), None)
        height, width = src.shape[-3:-1] if isinstance(src, (np.ndarray, jax.Array)) and src.ndim > 3 else (0, 0)
        with _first_calls.of(kind, f"{width}x{height}"):
            return form.program(settings, form.own_weights, arrays)

    return cast(C, compiling)


def _is_eager() -> bool:
    with jax.ensure_compile_time_eval():
        eager = get_opaque_trace_state(convention="nnx")
    return bool(get_opaque_trace_state(convention="nnx") == eager)


def _is_numeric(value: Any) -> bool:
    is_array = isinstance(value, (np.ndarray, jax.Array)) and not isinstance(value, jax.core.Tracer)
    return is_array and value.dtype.kind in _NUMBERS


def _form(network: nnx.Module, call: Callable[..., Any]) -> _Form | None:
    """Returns the network's form for inference, made anew if a weight or anything else of it is another."""
    structure, state = nnx.split(network)
    weights = jax.tree.leaves(state)
    if any(isinstance(weight, jax.core.Tracer) for weight in weights):
        return None
    form = _forms.get(network)
    # JAX's arrays never change: a weight that was set is another array.
    if (
        form is None
        or len(form.weights) != len(weights)
        or any(old is not new for old, new in zip(form.weights, weights, strict=True))
        or form.structure != structure
    ):
        form = _forms[network] = _made(network, call, structure, weights)
    return form


def _made(network: nnx.Module, call: Callable[..., Any], structure: Any, weights: list[Any]) -> _Form:
    modules = [module for _, module in nnx.iter_modules(network)]
    if any(not getattr(module, "use_running_average", True) for module in modules):
        return _Form(structure, weights, None, None)
    # Folded weights are float32: those of another precision stay as they are.
    fold = all(weight.dtype == np.float32 for weight in weights if weight.dtype.kind == "f")
    graphdef, state = nnx.split(for_inference(network, fold=fold))
    make = _program if _is_hashable(graphdef) else _program.__wrapped__
    return _Form(structure, weights, make(call, graphdef), nnx.to_pure_dict(state))


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:  # a list or dictionary among a network's settings
        return False
    return True


# Networks of one structure share what is compiled, and so does one whose weights were set anew.
@lru_cache(maxsize=32)
def _program(call: Callable[..., Any], graphdef: Any) -> Callable[..., Any]:
    return jax.jit(partial(_run, call, graphdef), static_argnums=0)


def _run(call: Callable[..., Any], graphdef: Any, settings: Any, weights: Any, arrays: dict[str, Any]) -> Any:
    return call(nnx.merge(graphdef, weights), **arrays, **dict(settings))
