"""The tiny recipe of the quickstart with the tiny network: what `scripts/train.py --config` reads."""

import tiny_network
from ml_collections import ConfigDict

from configs import quickstart


def get_config() -> ConfigDict:
    """Returns the recipe."""
    return tiny_network.use_it(quickstart.get_config("tiny"))
