"""Our network among the contenders of the matting benchmark."""

import numpy as np

from scripts.benchmarks import twin_contenders
from scripts.benchmarks.twin_contenders import Contender

OURS = "rvm_jax Matter"


def ours_contender(frame: np.ndarray, ratio: float, precision: str = "float32") -> Contender:
    """Returns our network with the twin's weights, through `Matter`."""
    import jax
    from flax import nnx

    import rvm_jax
    from rvm_jax.weights import torch_weights

    twin, _ = twin_contenders.import_twin()
    network = rvm_jax.MattingNetwork("mobilenetv3", refiner="deep_guided_filter", foreground=True, rngs=nnx.Rngs(0))
    tensors = {key: tensor.numpy() for key, tensor in twin.golden_network("mobilenetv3").state_dict().items()}
    torch_weights.set_state_dict(network, tensors, "the twin's weights")
    matter = rvm_jax.Matter(network, ratio, precision=precision)
    src = jax.device_put(frame)

    def call() -> tuple[np.ndarray, np.ndarray]:
        fgr, pha, _ = matter(src)
        return np.asarray(fgr), np.asarray(pha)

    return call
