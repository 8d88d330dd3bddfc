"""The networks of the published table on a technique of the study: each from nothing, for about the same time."""

from itertools import product

from tqdm import tqdm

from eval.compilation_cache import keep_compilations
from eval.study.design import contenders, network_config, seeds
from eval.study.run import STUDY, Steps, Study, check_settings
from rvm_jax.train.initial_network import initial_network

PHASE = "networks"  # and the folder of its results, below the study's


def train_networks(study: Study) -> None:
    """Trains and measures all networks of `study.networks` that have no result yet, showing progress.

    Raises:
      UserError: if a setting does not work, or the folders hold another study.
    """
    config, results = study.config, study.results / PHASE
    (technique,) = contenders(config, PHASE)
    check_settings(config, study.results / STUDY)
    keep_compilations(study.workdir / "compiled")
    own = study._replace(workdir=study.workdir / PHASE, results=results)
    sets, items = study.prepare(config, study.workdir / "data", PHASE), study.items()
    steps = Steps(config.study.start.seed)
    todo = list(product(seeds(config, PHASE), config.study.networks.of))
    for seed, name in tqdm(todo, desc=PHASE, unit="run"):
        if not (results / f"{name}_{seed}.json").exists():
            recipe = network_config(config, name, seed, technique, sets)
            own.train_and_measure(name, recipe, initial_network(recipe.network, seed), steps, items)
