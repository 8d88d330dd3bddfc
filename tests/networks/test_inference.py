"""The copy of a network for inference: folded batch norm, bfloat16 convolutions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from lively_network import lively_network
from quick_compilation import QUICK_TO_COMPILE

from rvm_jax.networks.inference import fold_batch_norm, for_inference
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d
from rvm_jax.networks.layers.kernels import CPU
from rvm_jax.networks.layers.kernels.space_to_depth import pixels
from rvm_jax.networks.rvm.decoder import OutputBlock
from rvm_jax.networks.rvm.model import MattingNetwork
from rvm_jax.networks.rvm.polyphase import PolyphaseOutputBlock


def _matte(network: Any, src: Any) -> Any:
    graphdef, weights = nnx.split(network)
    program = jax.jit(lambda w, x: nnx.merge(graphdef, w)(x, None, 0.5)).lower(weights, src)
    return program.compile(QUICK_TO_COMPILE)(weights, src)


@pytest.mark.parametrize("variant", ["mobilenetv3", "resnet50"])
def test_no_batch_norm_is_left_and_the_network_itself_keeps_its_own(variant: str) -> None:
    network = MattingNetwork(variant, rngs=None)
    before = jax.tree.leaves(nnx.state(network))
    folded = for_inference(network)
    assert not any(isinstance(module, BatchNorm2d) for _, module in nnx.iter_modules(folded))
    assert all(a is b for a, b in zip(jax.tree.leaves(nnx.state(network)), before, strict=True))


def test_folding_and_bfloat16_change_the_alpha_as_little_as_they_may() -> None:
    network = lively_network()
    src = np.random.default_rng(0).random((1, 2, 66, 94, 3), np.float32)  # odd sides in the decoder at ratio 0.5
    whole = _matte(network, src)
    folded = _matte(for_inference(network), src)
    assert whole.pha.std() > 0.01
    np.testing.assert_allclose(folded.pha, whole.pha, atol=1e-5)
    np.testing.assert_allclose(folded.fgr, whole.fgr, atol=1e-5)

    half = for_inference(network, dtype="bfloat16")
    dtypes = {module.weight[...].dtype for _, module in nnx.iter_modules(half.refiner) if isinstance(module, Conv2d)}
    assert dtypes == {jnp.dtype("float32")}
    assert half.backbone.features[0][0].weight[...].dtype == jnp.bfloat16
    rough = _matte(half, src)
    assert all(r.dtype == jnp.float32 for r in rough.rec)
    assert rough.pha.dtype == jnp.float32
    assert 0 < np.abs(rough.pha - whole.pha).mean() < 0.02


@pytest.mark.parametrize(("height", "width"), [(1, 1), (9, 6)])
def test_the_output_block_of_the_cpu_is_the_same_at_every_edge(height: int, width: int) -> None:
    block = OutputBlock(8, 4, rngs=None)
    rng = np.random.default_rng(0)
    for _, convolution in nnx.iter_modules(block):
        if isinstance(convolution, Conv2d):
            convolution.weight[...] = jnp.asarray(rng.normal(size=convolution.weight.shape), jnp.float32)
    fold_batch_norm(block)
    x = jnp.asarray(rng.normal(size=(2, -(-height // 2), -(-width // 2), 8)), jnp.float32)
    src = jnp.asarray(rng.random((2, height, width, 3)), jnp.float32)
    expected = pixels(block(x, src))
    assert expected.shape == (2, height, width, 4) and float(expected.max()) > 1
    rewritten = block.for_inference(CPU)
    assert isinstance(rewritten, PolyphaseOutputBlock)
    np.testing.assert_allclose(rewritten(x, src), expected, atol=2e-5 * float(expected.max()))


def test_resnet_folds_to_the_same_features() -> None:
    encoder = lively_network("resnet50").backbone
    folded = for_inference(encoder)
    x = jnp.asarray(np.random.default_rng(0).random((1, 32, 32, 3), np.float32))
    for a, b in zip(
        *(jax.jit(lambda w, x, g=g: nnx.merge(g, w)(x))(w, x) for g, w in map(nnx.split, (encoder, folded))),
        strict=True,
    ):
        np.testing.assert_allclose(b, a, atol=2e-5 * float(jnp.abs(a).max()))
