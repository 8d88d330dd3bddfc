"""Our network among the contenders of the matting benchmark."""

import numpy as np

from scripts.benchmarks import export_contenders
from scripts.benchmarks.twin_contenders import Contender

OURS = "rvm_jax Matter"


def ours_contender(frame: np.ndarray, ratio: float, precision: str = "float32") -> Contender:
    """Returns our network with the twin's weights, through `Matter`."""
    import jax

    import rvm_jax

    matter = rvm_jax.Matter(export_contenders.network(), ratio, precision=precision)
    src = jax.device_put(frame)

    def call() -> tuple[np.ndarray, np.ndarray]:
        fgr, pha, _ = matter(src)
        return np.asarray(fgr), np.asarray(pha)

    return call
