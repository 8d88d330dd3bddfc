"""`scripts/benchmark.py matting --network=all`: networks on one picture, in multiply-adds a second beside RVM's.

Only RVM has a PyTorch twin. A network whose multiply-adds run about as fast as RVM's is not slowed down by its own
kinds of layer (attention, dilated and transposed convolutions, other normalisations).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rvm_jax.errors import UserError
from scripts.benchmarks import timing
from scripts.benchmarks.report import Row, table, usable_cores

if TYPE_CHECKING:
    from rvm_jax.networks import Network

_REFERENCE = "rvm"


def measure(names: Sequence[str], side: int, *, rounds: int, calls: int, precision: str) -> list[Row]:
    """Prints a table and returns its rows.

    Args:
        names: of networks, as `rvm_jax.create` takes them, or "all"; RVM is measured in any case.
        side: of the square picture.
        rounds, calls: how often each network has its turn, and the pictures of a turn.
        precision: of products; see `for_inference`.

    Raises:
        UserError: if a name is unknown, or `side` is nothing that these networks take.
    """
    import rvm_jax
    from rvm_jax.networks import names as network_names
    from rvm_jax.networks.cost import multiply_adds, parameters

    unknown = [name for name in names if name not in (*network_names(), "all")]
    if unknown:
        raise UserError(f"--network: '{unknown[0]}' is unknown; use all, {', '.join(network_names())}")
    chosen = [name for name in network_names() if name in (_REFERENCE, *(network_names() if "all" in names else names))]
    contenders, counts = {}, {}
    for name in chosen:
        network = rvm_jax.create(name)
        if side % network.inputs.size_multiple:
            raise UserError(f"--size={side}: {name} needs a multiple of {network.inputs.size_multiple}")
        counts[name] = (parameters(network), multiply_adds(network, side, side))
        contenders[name] = _contender(network, side, precision)
        contenders[name]()  # compiles
    seconds = timing.interleave(contenders, rounds, calls)

    speeds, lines, rows = {}, [], []
    for name in chosen:
        median, low, high = timing.middle_and_spread(seconds[name])
        count, adds = counts[name]
        speeds[name] = adds / 1e6 / median
        relative = speeds[name] / speeds[_REFERENCE]
        lines.append(
            (
                name,
                f"{count / 1e6:.2f}",
                f"{adds / 1e9:.1f}",
                f"{median:.0f}",
                f"{low:.0f} to {high:.0f}",
                f"{speeds[name]:.1f}",
                f"{relative:.2f}",
            )
        )
        peer, ratio = (None, None) if name == _REFERENCE else (_REFERENCE, relative)
        rows.append(Row(f"matting {name} {side}x{side} picture", speeds[name], "GMAC/s", peer, ratio))
    timed = f"{rounds * calls} pictures each"
    print(f"\nOne picture of {side}x{side}, {precision}, threads: {usable_cores()}, {timed}")
    header = ("", "parameters (M)", "multiply-adds (G)", "median ms", "10 to 90 %", "GMAC/s", "beside RVM's")
    print(table(header, lines))
    return rows


def _contender(network: "Network", side: int, precision: str) -> Callable[[], Any]:
    """A call of the network alone, with its inputs on the device: noise, with a square in front."""
    import jax
    from flax import nnx

    from rvm_jax.guidance.jax_ops import network_inputs
    from rvm_jax.networks.inference import for_inference

    src = np.random.default_rng(0).integers(0, 256, (1, 1, side, side, 3), np.uint8)
    pha = np.zeros((1, 1, side, side, 1), np.uint8)
    inside = slice(side // 4, -(side // 4))
    pha[:, :, inside, inside] = 255
    inputs = jax.device_put([x[:, 0] for x in network_inputs(network, {"src": src, "pha": pha})])
    graphdef, state = nnx.split(for_inference(network, precision=precision))
    weights = nnx.to_pure_dict(state)
    # All outputs: XLA would leave out the layers that `pha` does not need, but they are counted.
    run = jax.jit(lambda weights, *args: nnx.merge(graphdef, weights)(*args))
    return lambda: jax.block_until_ready(run(weights, *inputs))
