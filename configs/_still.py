"""What the recipes of the networks for still pictures share: face_stage1.py's data, one frame a clip."""

from collections.abc import Iterable
from typing import Any

from ml_collections import ConfigDict

from configs import _defaults, face_stage1
from rvm_jax.errors import UserError

VARIANTS = ("folders", "as_published", "tiny")


def recipe(arg: str, network: dict[str, Any], parts: Iterable[str], *, loss: str) -> ConfigDict:
    """Returns a recipe.

    Args:
        arg: variants, joined by commas; those of face_stage1.py.
        network: what `rvm_jax.create` takes. Masks and trimaps that it wants are derived from the true alpha on the
            device, spoilt and widened at random; with `data.trimap=True` trimaps are the pipeline's.
        parts: the network's, for their learning rate; all have the same.
        loss: see rvm_jax/train/losses/still.py.

    Raises:
        UserError: a variant that there is not.
    """
    chosen = set(arg.split(",")) - {""}
    if chosen - set(VARIANTS):
        raise UserError(f"no variant '{arg}' of this recipe; there are {', '.join(VARIANTS)}")
    config = face_stage1.get_config(",".join(sorted(chosen - {"tiny"})))
    config.network = ConfigDict(network | {"start_from": "", "backbone": ""})
    config.data.seq_length = 1
    # The published image project: batches of 20 at 512², 25 epochs of its faces, Adam up to 1e-3 on a cosine.
    config.train = ConfigDict(_defaults.train(epochs=25, batch_size=20, loss=loss))
    rates = dict.fromkeys(parts, 1e-3)
    config.optimizer = ConfigDict(_defaults.optimizer(rates, schedule="cosine", warmup_steps=1000))
    config.eval = ConfigDict({"every": 2000, "num_clips": 60, "batch_size": 20})
    if "tiny" in chosen:
        face_stage1.make_tiny(config)
        config.optimizer.warmup_steps = 1
    return config
