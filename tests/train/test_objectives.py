"""Losses and networks that fit together, and what is said of those that do not."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rvm_jax import UserError, create
from rvm_jax.networks import InputSpec, Matte, Preprocessing
from rvm_jax.train.losses import rvm
from rvm_jax.train.losses.objectives import OBJECTIVES, make_objective
from rvm_jax.train.losses.terms import unit

KEY = jax.random.key(0)
BATCH = {
    "src": np.random.default_rng(0).integers(0, 256, (1, 2, 64, 64, 3), dtype=np.uint8),
    "pha": np.full((1, 2, 64, 64, 1), 255, np.uint8),
    "trimap": np.full((1, 2, 64, 64, 1), 128, np.uint8),
    "occluder": np.zeros((1, 2, 64, 64, 4), np.uint8),
}


class Looking:
    """A network that remembers what it was given."""

    name, default_loss, config, parts = "looking", "alpha", {"name": "looking"}, ()
    preprocessing = Preprocessing(mean=(0.5,) * 3, std=(0.5,) * 3)

    def __init__(self, inputs: InputSpec) -> None:
        self.inputs, self.seen = inputs, tuple[Any, ...]()

    def normalise(self, src: jax.Array) -> jax.Array:
        return self.preprocessing.normalise(src)

    def __call__(self, src: Any, /, *guidance: Any, **options: Any) -> Matte:
        self.seen = (src, *guidance)
        return Matte(None, jnp.ones((*src.shape[:-1], 1)), ())


@pytest.mark.parametrize("loss", ["alpha", "trimap", "alpha_composed"])
def test_the_network_is_trained_on_what_it_is_evaluated_with(loss: str) -> None:
    objective = make_objective({"loss": loss, "batch_occlusion": 0.0})
    network = Looking(InputSpec(guidance="trimap"))
    assert float(objective(network, BATCH, KEY)["total"]) == 0
    src, trimap = network.seen
    np.testing.assert_allclose(src, BATCH["src"] / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(trimap[..., 1], 1)
    plain = Looking(InputSpec())
    objective(plain, BATCH, KEY)
    assert len(plain.seen) == 1


@pytest.mark.parametrize(
    ("name", "loss", "said"),
    [
        (
            "rvm",
            "picture",
            r"train\.loss=picture does not fit the network rvm .*'key'.*; its own is train\.loss=matting",
        ),
        ("modnet", "matting", r"train\.loss=matting needs a network with a foreground"),
        ("modnet", "segmentation", r"train\.loss=segmentation does not fit the network modnet .*train\.loss=modnet"),
        ("resnet18_unet", "mgmatting", r"train\.loss=mgmatting does not fit the network resnet18_unet"),
    ],
)
def test_a_loss_that_does_not_fit_is_one_sentence(name: str, loss: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        make_objective({"loss": loss}).check(create(name, rngs=None))


@pytest.mark.parametrize("loss", ["alpha", "trimap", "modnet"])
def test_losses_that_fit(loss: str) -> None:
    make_objective({"loss": loss}).check(create("modnet", rngs=None))


def test_options() -> None:
    with pytest.raises(UserError, match=r"train\.loss 'alfa' is unknown; use one of alpha, .*, alpha_composed"):
        make_objective({"loss": "alfa"})
    with pytest.raises(UserError, match=r"train\.loss 'alpha' takes no downsample_ratio"):
        make_objective({"loss": "alpha", "downsample_ratio": 0.25})
    with pytest.raises(UserError, match=r"train\.loss 'alpha_composed' needs train\.batch_occlusion"):
        make_objective({"loss": "alpha_composed"})
    assert make_objective({"loss": "alpha"}).loss is OBJECTIVES["alpha"] is rvm.alpha
    own = make_objective({"loss": "own"}, {"own": lambda network, batch, key: {"total": unit(batch["pha"]).mean()}})
    assert float(own(Looking(InputSpec()), BATCH, KEY)["total"]) == 1
