"""RVM on this device beside the numbers that the original network gave: the golden data, in every precision."""

import sys

import numpy as np

from rvm_jax.networks.precision import PRECISIONS
from scripts import ROOT
from scripts.benchmarks.report import Row, table

# What float32 may differ by: each device sums in an order of its own. The suite asks for 1e-5 on a CPU.
_TOLERANCE = 1e-4


def measure() -> list[Row]:
    """Prints the largest differences and returns the rows.

    Raises:
        RuntimeError: float32 is not the original's.
    """
    import jax

    from rvm_jax.matting.engine import JaxEngine

    sys.path.insert(0, str(ROOT / "tests"))
    from golden_data import golden_arrays, golden_network, unit

    golden = golden_arrays("mobilenetv3", "clip/")
    network, clip = golden_network("mobilenetv3"), unit(golden["src"])
    lines, rows = [], []
    for precision in PRECISIONS:
        engine = JaxEngine(network, precision=precision)
        matte = engine(clip, engine.zero_state(clip, 1.0), 1.0)
        given = {"pha": matte.pha, "fgr": matte.fgr, **{f"r{i}": r for i, r in enumerate(matte.rec, 1)}}
        largest = {
            name: float(np.abs(np.asarray(given[name]) - golden[name]).max()) for name in given if name in golden
        }
        lines.append((precision, *(f"{value:.1e}" for value in largest.values())))
        rows += [Row(f"parity, {precision}, {name}", value, "largest difference") for name, value in largest.items()]
        if precision == "float32" and max(largest.values()) > _TOLERANCE:
            raise RuntimeError(
                f"float32 differs from the original by {max(largest.values()):.1e} on {jax.devices()[0]}"
            )
    print(f"\nRVM beside the original's numbers, largest differences, on {jax.devices()[0].device_kind}")
    print(table(("precision", *largest), lines))
    return rows
