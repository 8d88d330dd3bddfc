"""The shipped network's recipe for each of the five networks of the published comparison, for the same time.

    python scripts/train.py --config=configs/five_networks.py --workdir=work/five_networks/rvm
    python scripts/train.py --config=configs/five_networks.py:modnet --workdir=work/five_networks/modnet

and likewise `:resnet18_unet`, `:mgmatting` and `:aematter`.

Faces, occluders, techniques and camera are those of configs/face.py (its header says how people are prepared), at 128²,
from random weights, the alpha alone. RVM sees clips of three frames, the others as many single frames a step, each
with its own loss. The steps are about as many as ten to twenty minutes of one core allow (docs/model_card.md has the
times); all on one cosine. RVM's rate is the recipe's, the others' that of their own recipes. `:tiny` (with a network)
is a few small steps, for tests.
"""

from typing import Any, NamedTuple

from ml_collections import ConfigDict

from configs import _defaults, face


class _Network(NamedTuple):
    """How one differs from the others."""

    settings: dict[str, Any]
    loss: str
    rate: float
    steps: int


_FRAMES = 15  # of a step
NETWORKS = {
    "rvm": _Network(_defaults.network(), "alpha", 1.5e-3, 560),
    "resnet18_unet": _Network({"name": "resnet18_unet", "preparation": "published"}, "picture", 1e-3, 340),
    "mgmatting": _Network({"name": "mgmatting", "preparation": "published"}, "mgmatting", 1e-3, 150),
    "aematter": _Network({"name": "aematter", "preparation": "published", "regularised": False}, "picture", 1e-4, 70),
    "modnet": _Network({"name": "modnet", "preparation": "published"}, "modnet", 1e-3, 260),
}


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins one of the networks (rvm where there is none) and tiny, by commas."""
    chosen = _defaults.variants(arg, (*NETWORKS, "tiny"))
    name = next((name for name in NETWORKS if name in chosen), "rvm")
    network = NETWORKS[name]
    config = face.get_config("stage2,tiny" if "tiny" in chosen else "stage2")
    config.network = ConfigDict(network.settings | {"start_from": "", "backbone": ""})
    if name != "rvm":
        config.data.seq_length = 1
        config.train.batch_size = _FRAMES
        config.train.loss = network.loss
    config.optimizer.rates = ((".*", network.rate),)
    config.train.update({"average_decay": 0.98, "keep_best": ""})
    if "tiny" not in chosen:
        config.train.steps = network.steps
        config.eval.every = network.steps
        config.optimizer.warmup_steps = min(50, network.steps // 5)
    elif name != "rvm":
        config.data.seq_length, config.train.batch_size = 2, 2
    return config
