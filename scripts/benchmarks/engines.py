"""What the matting benchmark says of `engine="auto"`, and of our graphs in each runtime."""

from collections.abc import Mapping

from scripts.benchmarks.contenders import OURS
from scripts.benchmarks.export_contenders import MATTER, MATTER_OPENVINO, OPENVINO
from scripts.benchmarks.report import Row

# In the same runtime: ours, and PyTorch's export of the same network.
PAIRS = {MATTER: "ONNX Runtime", OPENVINO: "OpenVINO"}
_AUTO = (MATTER_OPENVINO, MATTER, OURS)  # what `auto` takes, by what is installed


def rows(title: str, medians: Mapping[str, float]) -> list[Row]:
    """Returns a row for each pair, and one of `auto` beside the fastest of those that are not ours.

    Args:
        title: what they are called.
        medians: milliseconds of each contender, by its name.
    """
    found = [
        Row(f"{title}, {ours}", medians[ours], "ms", peer, medians[peer] / medians[ours])
        for ours, peer in PAIRS.items()
        if ours in medians and peer in medians
    ]
    auto = next(name for name in _AUTO if name in medians)
    others = {name: own for name, own in medians.items() if not name.startswith("rvm_jax")}
    peer = min(others, key=others.__getitem__)
    name = f"{title}, engine=auto ({auto.removeprefix('rvm_jax Matter, ')})"
    return [*found, Row(name, medians[auto], "ms", f"the fastest other, {peer}", others[peer] / medians[auto])]
