"""What the recipes of the image networks share: face_stage1.py's data, one frame a clip."""

from typing import Any

from ml_collections import ConfigDict

from configs import _defaults, face_stage1

VARIANTS = face_stage1.VARIANTS


def recipe(chosen: frozenset[str], network: dict[str, Any], *, loss: str, rate: float = 1e-3) -> ConfigDict:
    """Returns a recipe.

    Args:
        chosen: some of `VARIANTS`; others are the caller's.
        network: what `rvm_jax.create` takes. Masks and trimaps that it wants are derived from the true alpha on the
            device, perturbed and widened at random; with `data.trimap=True` trimaps are the pipeline's.
        loss: see rvm_jax/train/losses/still.py.
        rate: Adam's learning rate, of all parameters.
    """
    config = face_stage1.recipe(chosen & {"folders", "as_published"})
    config.network = ConfigDict(network | {"start_from": "", "backbone": ""})
    config.data.seq_length = 1
    # The published image project: batches of 20 at 512², 25 epochs of its faces, Adam (0.5, 0.999) up to 1e-3 on a
    # cosine, whose restarts are left out.
    config.train = ConfigDict(_defaults.train(epochs=25, batch_size=20, loss=loss))
    betas = {"b1": 0.5, "b2": 0.999}
    config.optimizer = ConfigDict(
        _defaults.optimizer(((".*", rate),), kwargs=betas, schedule="cosine", warmup_steps=1000)
    )
    config.eval = ConfigDict({"every": 2000, "num_clips": 60, "batch_size": 20})
    if "tiny" in chosen:
        face_stage1.make_tiny(config)
        config.optimizer.warmup_steps = 1
    return config
