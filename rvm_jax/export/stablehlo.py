"""RVM and the networks for still pictures as StableHLO: one file for CPU, CUDA and TPU that JAX alone can run.

The program has the weights inside. A file is what `jax.export` serialises, so that those who have JAX but not this
project read it with `jax.export.deserialize(bytes).call`; `load_stablehlo` is no more than that.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import export

from rvm_jax.compilation import quick_to_compile
from rvm_jax.errors import UserError
from rvm_jax.export.form import BOUNDS, check_has_weights, guidance_of, has_state
from rvm_jax.matting.matter import AUTO_SIDE, auto_ratio
from rvm_jax.networks.api import CHANNELS, Network
from rvm_jax.networks.inference import divide_by_spectral_norm, fold_batch_norm
from rvm_jax.networks.layers.kernels import XLA, use_kernels
from rvm_jax.networks.rvm.model import MattingNetwork

PLATFORMS = ("cpu", "cuda", "tpu")
_SIZE = (512, 512)


class ExportedProgram(NamedTuple):
    """Says what was written: the file, its bytes, the largest difference from the network, None if unchecked."""

    path: Path
    size: int
    difference: float | None


def export_stablehlo(
    network: Network,
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    downsample_ratio: float | None = None,
    check: bool = True,
) -> ExportedProgram:
    """Writes a network as StableHLO, for any number of streams or pictures of one size.

    RVM's program takes `src` (B, H, W, 3), RGB in [0, 1], and the states (r1, r2, r3, r4), zeros at first, and gives
    (fgr or None, pha, (r1, r2, r3, r4)). Another network's takes the pictures, and the mask or trimap that it wants,
    and gives pha.

    Args:
        network: in evaluation mode; it stays untouched.
        path: the file, `*.stablehlo`; one that exists is replaced.
        size: (height, width) of the frames; by default 512×512.
        downsample_ratio: RVM's; by default by its rule.
        check: whether to run what was written beside the network on several frames.

    Raises:
        UserError: if the network cannot have the size or ratio, or differs by more than 1e-4; nothing is written then.
    """
    from rvm_jax.atomic_files import write_bytes

    path, size = Path(path), size or _SIZE
    if path.suffix != ".stablehlo":
        raise UserError(f"{path}: a StableHLO file ends in .stablehlo")
    check_has_weights(network)
    side = getattr(network, "auto_side", AUTO_SIDE)
    ratio = auto_ratio(*size, side) if downsample_ratio is None else downsample_ratio
    program, shapes = _program(network, size, ratio)
    (batch,) = export.symbolic_shape("batch")
    arguments = jax.tree.map(
        lambda shape: jax.ShapeDtypeStruct((batch, *shape), jnp.float32), shapes, is_leaf=_is_shape
    )
    data = bytes(export.export(jax.jit(program), platforms=PLATFORMS)(*arguments).serialize())
    difference = _difference(program, data, shapes) if check else None
    if difference is not None and not difference <= BOUNDS["float32"]:
        raise UserError(f"{path}: the file and the network differ by {difference:.1e}; nothing was written")
    write_bytes(path, data)
    return ExportedProgram(path, len(data), difference)


def load_stablehlo(path: str | os.PathLike[str]) -> Callable[..., Any]:
    """Returns the program of a file; it runs on JAX's device. Raises UserError if the file is none."""
    try:
        return export.deserialize(bytearray(Path(path).read_bytes())).call
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:  # flatbuffers' own
        raise UserError(f"{path}: is no StableHLO that this JAX can read; export it anew") from error


def _program(network: Network, size: tuple[int, int], ratio: float) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A function of arrays, and their shapes without the batch."""
    copy = nnx.clone(network)
    divide_by_spectral_norm(copy)
    fold_batch_norm(copy)
    use_kernels(copy, XLA)  # those of one device would be slow on the others
    graphdef, weights = nnx.split(copy)
    weights = jax.tree.map(np.asarray, weights)
    if has_state(network):

        def matte(
            src: jax.Array, rec: tuple[jax.Array, ...]
        ) -> tuple[jax.Array | None, jax.Array, tuple[jax.Array, ...]]:
            own: Any = nnx.merge(graphdef, weights)
            result = own(src, rec, ratio)
            return result.fgr, result.pha, tuple(result.rec)

        seen = [int(np.floor(side * ratio)) for side in size]
        states = jax.eval_shape(lambda: cast(MattingNetwork, network).initial_state(1, *seen))
        return matte, ((*size, 3), tuple(state.shape[1:] for state in states))
    kind, multiple = guidance_of(network), network.inputs.size_multiple
    if any(side % multiple for side in size) or ratio != 1:
        raise UserError(
            f"{network.name} sees sides that are multiples of {multiple}, at full size; give such a --size, no ratio"
        )

    def alpha(src: jax.Array, *guidance: jax.Array) -> jax.Array:
        own = nnx.merge(graphdef, weights)
        return own(own.normalise(src), *guidance).pha

    return alpha, ((*size, 3), *([(*size, CHANNELS[kind])] if kind else []))


def _is_shape(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(n, int) for n in value)


def _difference(program: Callable[..., Any], data: bytes, shapes: tuple[Any, ...]) -> float:
    rng, worst = np.random.default_rng(0), 0.0
    options = quick_to_compile() if jax.default_backend() == "cpu" else None
    both = [jax.jit(each, compiler_options=options) for each in (program, export.deserialize(bytearray(data)).call)]
    arguments = jax.tree.map(lambda shape: jnp.zeros((2, *shape)), shapes, is_leaf=_is_shape)
    for _ in range(2):
        src = jnp.asarray(rng.random(arguments[0].shape, np.float32))
        ours, theirs = (each(src, *arguments[1:]) for each in both)
        pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
        worst = max(worst, *(float(jnp.abs(a - b).max()) for a, b in pairs))
        if isinstance(ours, tuple):
            arguments = (src, ours[2])
    return worst
