"""What a network costs on one frame, on this machine: the columns of a comparison beside the errors."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import numpy as np
from flax import nnx

from eval.threads import usable_cores
from rvm_jax import PictureMatter
from rvm_jax.matting.matter import Matter
from rvm_jax.matting.options import Ratio
from rvm_jax.networks.api import Network
from rvm_jax.networks.cost import multiply_adds, parameters
from rvm_jax.networks.layers.resizing import scaled_size
from rvm_jax.networks.precision import Precision

_WARM_UP, _TIMED = 2, 5  # calls


class Cost(NamedTuple):
    """Of a network alone, without reading and writing, on one frame of `size`, (height, width).

    Networks for still pictures see it padded or resized as their preparation says, and that is what counts; of those
    that see it at a downsample ratio, the refiner is not counted.
    """

    parameters: int
    multiply_adds: int
    frames_per_second: float
    size: tuple[int, int]
    device: str


def measure(
    network: Network,
    size: tuple[int, int],
    count: Callable[..., int] = multiply_adds,
    precision: Precision = "float32",
    ratio: Ratio = 1,
) -> Cost:
    """Counts and times a network; frames of clips carry the state of one that has any. It compiles for this size.

    Args:
      network: in evaluation mode.
      size: height and width of the frame.
      count: of the multiply-adds, from the network and the height and width that it sees.
      precision: of the network's products.
      ratio: at which a network with a state sees the frame.
    """
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    if network.inputs.state:
        seen, call = _streaming(cast(nnx.Module, network), picture, precision, ratio)
    else:
        seen, call = _one_by_one(network, picture, precision)
    return Cost(parameters(network), count(network, *seen), 1 / _seconds(call), size, device_name())


def device_name() -> str:
    """Returns what the networks run on."""
    kind = jax.devices()[0].device_kind
    return f"CPU, {usable_cores()} threads" if kind == "cpu" else kind


def _streaming(
    network: nnx.Module, picture: np.ndarray, precision: Precision, ratio: Ratio
) -> tuple[tuple[int, int], Callable[[], Any]]:
    """Returns the height and width that the network sees, and a call of it with the frame on the device."""
    matter, frame = Matter(network, ratio, precision=precision), jax.device_put(picture)
    height, width = picture.shape[:2]
    return scaled_size((height, width), matter.ratio(height, width)), lambda: matter(frame)


def _one_by_one(
    network: Network, picture: np.ndarray, precision: Precision
) -> tuple[tuple[int, int], Callable[[], Any]]:
    matter = PictureMatter(network, precision=precision)
    # Speed does not depend on what is in a mask or trimap.
    values = np.zeros(picture.shape[:2], np.uint8) if network.inputs.guidance else None
    inputs = jax.device_put(matter.inputs(picture, values))
    return inputs[0].shape[1:3], lambda: matter.run(*inputs)


def _seconds(call: Callable[[], Any]) -> float:
    """Returns the median over some calls."""
    seconds = []
    for _ in range(_WARM_UP + _TIMED):
        start = time.perf_counter()
        for array in jax.tree.leaves(call()):
            array.block_until_ready()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[_WARM_UP:]))
