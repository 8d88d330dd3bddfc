"""All networks on one picture: milliseconds, and multiply-adds a second beside RVM's, which has a PyTorch twin.

python scripts/benchmark.py networks --json=work/networks.json

A network whose multiply-adds run as fast as RVM's is not slowed down by its own kind of layer (attention, grouped and
transposed convolutions); how RVM's compare with PyTorch's, `scripts/benchmark.py matting` says.
"""

from collections.abc import Callable

import numpy as np
from absl import flags

from rvm_jax.errors import UserError
from scripts.benchmarks import timing
from scripts.benchmarks.report import Row, table, usable_cores

_PICTURE_SIDE = flags.DEFINE_integer("picture_side", 512, "Height and width of the picture.", lower_bound=64)
_NETWORKS = flags.DEFINE_list("networks", [], "Which networks; by default all.")
_TURNS = flags.DEFINE_integer("turns", 3, "How often each network has its turn.", lower_bound=1)
_PICTURES_A_TURN = flags.DEFINE_integer("pictures_a_turn", 2, "Pictures that are timed in a turn.", lower_bound=1)

_REFERENCE = "rvm"


def measure() -> list[Row]:
    """Prints a table and returns its rows. Raises UserError for an unknown network."""
    import rvm_jax
    from rvm_jax.networks.cost import multiply_adds, parameters
    from rvm_jax.networks.registry import NAMES

    unknown = set(_NETWORKS.value) - set(NAMES)
    if unknown:
        raise UserError(f"--networks: '{min(unknown)}' is unknown; use {', '.join(NAMES)}")
    side = _PICTURE_SIDE.value
    names = [name for name in NAMES if name in (_REFERENCE, *(_NETWORKS.value or NAMES))]
    contenders, counts = {}, {}
    for name in names:
        network = rvm_jax.create(name)
        counts[name] = (parameters(network), multiply_adds(network, side, side))
        contenders[name] = _contender(network, side)
        contenders[name]()  # compiles
    seconds = timing.interleave(contenders, _TURNS.value, _PICTURES_A_TURN.value)

    speeds, lines, rows = {}, [], []
    for name in names:
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
        peer = None if name == _REFERENCE else _REFERENCE
        rows.append(Row(f"network {name} {side}x{side}", speeds[name], "GMAC/s", peer, relative if peer else None))
    print(f"\nOne picture of {side}x{side}, float32, threads: {usable_cores()}")
    header = ("", "parameters (M)", "multiply-adds (G)", "median ms", "10 to 90 %", "GMAC/s", "beside RVM's")
    print(table(header, lines))
    return rows


def _contender(network, side: int) -> Callable[[], np.ndarray]:
    """A call of the network alone, with its inputs on the device."""
    import jax
    from flax import nnx

    from rvm_jax.networks.inference import for_inference
    from rvm_jax.networks.interface import CHANNELS

    rng = np.random.default_rng(0)
    inputs = [rng.random((1, side, side, 3), np.float32)]
    if network.wants.guidance:
        guidance = np.zeros((1, side, side, CHANNELS[network.wants.guidance]), np.float32)
        guidance[:, side // 4 : -side // 4, side // 4 : -side // 4, -1] = 1
        guidance[..., 0] = 1 - guidance[..., -1] if guidance.shape[-1] > 1 else guidance[..., 0]
        inputs.append(guidance)
    graphdef, state = nnx.split(for_inference(network))
    weights = nnx.to_pure_dict(state)
    run = jax.jit(lambda weights, *args: nnx.merge(graphdef, weights)(*args).pha)
    device_inputs = jax.device_put(inputs)
    return lambda: np.asarray(run(weights, *device_inputs))
