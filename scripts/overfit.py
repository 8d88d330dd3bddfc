"""Overfit a network on four embedded pictures: python scripts/overfit.py --network=modnet

What can learn at all comes near to an error of 0 here, in minutes; what cannot shows it. Takes any network of the
project (`rvm` too, as a clip of one frame each), with the loss that it declares. Adam's rate falls on a cosine, so that
batch norm's running statistics, which evaluation takes, come to rest. Exits with 1 where the mean absolute error of the
alphas, in evaluation mode, does not come below --target.
"""

import sys

from absl import flags

from rvm_jax import cli
from rvm_jax.process import configure_process

_NETWORK = flags.DEFINE_string("network", None, "The network's name, as rvm_jax.create takes it.", required=True)
_STEPS = flags.DEFINE_integer("steps", 300, "Updates at most.", lower_bound=1)
_SIZE = flags.DEFINE_integer("size", 96, "The pictures' sides: a multiple of 32, and 64 or more.", lower_bound=64)
_RATE = flags.DEFINE_float("rate", None, "Adam's learning rate; by default as it suits the network.", lower_bound=0.0)
_TARGET = flags.DEFINE_float("target", 0.02, "The mean absolute error to come below.", lower_bound=0.0)
_EVERY = flags.DEFINE_integer("every", 25, "Steps between two looks at the error.", lower_bound=1)


def main(_: list[str]) -> None:
    import jax
    import numpy as np
    import optax
    from flax import nnx
    from tqdm import tqdm

    import rvm_jax
    from configs import face_stage1
    from data_pipeline.pipeline import make_batches
    from rvm_jax.guidance.jax_ops import network_inputs
    from rvm_jax.networks import declaration_of, functional
    from rvm_jax.networks.functional import Tensors
    from rvm_jax.train.losses.objectives import make_objective
    from rvm_jax.train.losses.terms import Batch

    name = _NETWORK.value
    declaration = declaration_of(name)
    network = rvm_jax.create(name, **declaration.overfit_settings)
    config = face_stage1.get_config("tiny")
    config.data.update({"resolution": _SIZE.value, "seq_length": 1, "trimap": True})
    with make_batches(config.data, batch_size=4, num_clips=4, workers=0) as stream:
        batch = {key: np.array(values) for key, values in next(iter(stream)).items()}

    objective = make_objective({"loss": network.default_loss})
    graphdef, params, batch_stats = functional.split(network)
    training = functional.split(nnx.view(network, use_running_average=False))[0]
    rate = _RATE.value or declaration.overfit_rate
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, _STEPS.value, alpha=0.01))

    def loss_of(params: Tensors, batch_stats: Tensors, batch: Batch, key: jax.Array) -> tuple[jax.Array, Tensors]:
        view = functional.merge(training, params, batch_stats)
        return objective(view, batch, key)["total"], functional.batch_stats(view)

    @jax.jit
    def step(
        params: Tensors, batch_stats: Tensors, opt_state: optax.OptState, batch: Batch, key: jax.Array
    ) -> tuple[Tensors, Tensors, optax.OptState, jax.Array]:
        (loss, batch_stats), gradients = jax.value_and_grad(loss_of, has_aux=True)(params, batch_stats, batch, key)
        updates, opt_state = optimizer.update(gradients, opt_state)
        return optax.apply_updates(params, updates), batch_stats, opt_state, loss

    @jax.jit
    def error_of(params: Tensors, batch_stats: Tensors, batch: Batch) -> jax.Array:
        own = functional.merge(graphdef, params, batch_stats)
        error: jax.Array = abs(own(*network_inputs(own, batch)).pha - batch["pha"] / 255.0).mean()
        return error

    opt_state, error = optimizer.init(params), float("inf")
    with tqdm(range(1, _STEPS.value + 1), desc=name, unit="step") as progress:
        for index in progress:
            key = jax.random.fold_in(jax.random.key(0), index)
            params, batch_stats, opt_state, loss = step(params, batch_stats, opt_state, batch, key)
            if index % _EVERY.value == 0 or index == _STEPS.value:
                error = float(error_of(params, batch_stats, batch))
                progress.set_postfix_str(f"loss {float(loss):.4f}, error {error:.4f}")
                if error < _TARGET.value:
                    break
    print(f"{name}: mean absolute error {error:.4f} after {index} steps on four pictures of {_SIZE.value}²")
    if error >= _TARGET.value:
        sys.exit(1)


if __name__ == "__main__":
    configure_process("train")
    cli.run(main)
