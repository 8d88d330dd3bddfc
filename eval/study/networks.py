"""The networks of the published table on a technique of the study: each from nothing, for about the same time."""

from itertools import product

from eval.study.design import contenders, network_config, seeds
from eval.study.run import Job, Study
from rvm_jax.errors import UserError
from rvm_jax.train.initial_network import initial_network

PHASE = "networks"  # and the folder of its results, below the study's


def train_networks(study: Study) -> None:
    """Trains and measures all networks of `study.networks` that have no result yet, showing progress.

    Raises:
      UserError: if a setting does not work, or the folders hold another study.
    """
    config = study.config
    techniques = contenders(config, PHASE)
    if len(techniques) != 1:
        raise UserError(f"study.networks.contenders: all networks train on one, not on {len(techniques)}")
    sets, items, steps = study.begin(PHASE)

    def job(name: str, seed: int) -> Job:
        recipe = network_config(config, name, seed, techniques[0], sets)
        return Job(name, seed, lambda: (recipe, initial_network(recipe.network, seed)))

    own = study._replace(workdir=study.workdir / PHASE, results=study.results / PHASE)
    jobs = [job(name, seed) for seed, name in product(seeds(config, PHASE), config.study.networks.of)]
    own.work_off(PHASE, jobs, items, steps)
