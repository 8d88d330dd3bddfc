"""What all recipes share: each section with the values that change nothing, so that a recipe says what is its own."""

from collections.abc import Iterable
from typing import Any

from rvm_jax.errors import UserError

# Patterns of parameters' names and their learning rates; the first match counts, None freezes.
Rates = tuple[tuple[str, float | None], ...]


def variants(arg: str, known: Iterable[str]) -> frozenset[str]:
    """Returns the variants of a recipe that an argument, as in `recipe.py:tiny,folders`, names.

    Args:
        arg: names joined by commas, or empty.
        known: those that the recipe has.

    Raises:
        UserError: if there is no such variant.
    """
    known, chosen = tuple(known), frozenset(arg.split(",")) - {""}
    if chosen - set(known):
        raise UserError(f"no variant '{arg}' of this recipe; there are {', '.join(known)}")
    return chosen


def network(**settings: Any) -> dict[str, Any]:
    """Returns which network it is, and what it starts from."""
    return {
        "variant": "mobilenetv3",
        "refiner": "deep_guided_filter",  # of the alpha alone: kept, as in the fork's files, but not used
        "foreground": False,
        "start_from": "",  # a checkpoint, a work directory, PyTorch weights, or "face", the package's own network
        "backbone": "",  # torchvision's ImageNet file
    } | settings


def embedded_data(technique: dict[str, Any], resolution: int, seq_length: int) -> dict[str, Any]:
    """Returns rendered faces and occluders, nothing to download, by one technique."""
    source = {"name": "drawn", "max_items": 4000, "weight": 1.0}
    return {
        "faces": {"main": dict(source)},
        "occluders": {"main": dict(source)},
        "techniques": {"main": technique},
        "resolution": resolution,
        "seq_length": seq_length,
        "trimap": False,
        "seed": 0,
        "workers": 0,
        "max_bad_share": 0.5,
    }


def train(**settings: Any) -> dict[str, Any]:
    """Returns how long it trains, on what, computed how, and what is kept of it."""
    return {
        "steps": 0,  # 0: as many as the epochs ask for
        "epochs": 0,
        "batch_size": 16,  # clips, on all devices together
        "loss": "alpha",  # see rvm_jax/train/losses/objectives.py
        "crop_sizes": (),  # (height, width) to choose from at random; none for whole frames
        "phases": {},  # further phases of a step; see rvm_jax/train/phases.py
        "seed": 0,
        "precision": "float32",  # of products; or tensorfloat32, bfloat16: faster on GPUs and TPUs
        "accumulate": 1,  # parts that a batch is taken in, where the memory does not hold it at once
        "remat": False,  # True: less memory for more time; see rvm_jax/train/step.py
        "average_decay": 0.0,  # of the weights' moving average, such as 0.999; it is then evaluated and kept
        "max_skipped_in_row": 5,  # updates that are not finite, before the run stops
        "checkpoint_every": 2000,
        "keep_checkpoints": 3,
        "keep_best": "",  # a metric, lower is better, such as valid/mad: the best network is kept in best/
    } | settings


def optimizer(rates: Rates, **settings: Any) -> dict[str, Any]:
    """Returns Adam with learning rates by patterns; see rvm_jax/train/optimizer.py."""
    return {
        "name": "adam",  # as optax calls it
        "kwargs": {},  # optax's own arguments, such as b1
        "rates": rates,
        "schedule": "constant",  # or cosine, linear: down to 0 at the last step
        "warmup_steps": 0,
        "clip_norm": 0.0,  # of all gradients together; 0 for none
        "weight_decay": 0.0,  # decoupled, of convolutions' weights
        "freeze": (),  # patterns of what stays as it is, such as ("backbone",) or (".*gru.*",)
    } | settings


def log(**settings: Any) -> dict[str, Any]:
    """Returns how often something is written."""
    return {"every": 20, "pictures_every": 0} | settings
