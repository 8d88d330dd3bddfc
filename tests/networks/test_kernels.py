"""Both sets of kernels compute the same in all networks, and which of them is chosen, not guessed while tracing."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx
from lively_network import lively_network
from quick_compilation import QUICK_TO_COMPILE, QUICK_TO_RUN
from still_golden import check_inference, check_training

import rvm_jax
from rvm_jax.networks import functional, names
from rvm_jax.networks.cost import multiply_adds
from rvm_jax.networks.inference import for_inference
from rvm_jax.networks.layers.kernels import CPU, TPU, XLA, Kernels, kernels_for, kernels_of, use_kernels

# In float64: noise of 3e-8 of the weights, less than float32 rounds, moves MGMatting's gradients by 1.5e-3 of the
# largest. In float32 they are off by 1e-3 to 6e-3, as the program is compiled (PyTorch's own by 4e-3).
MGMATTING: dict[str, Any] = {"wider": "mgmatting_guided", "dtype": "float64", "share": 1e-6, "atol": 1e-4}
# How near to the originals' numbers a training pass is; the golden data have none of the network with a trimap.
TRAINING: dict[str, dict[str, Any]] = {
    "aematter": {"share": 1e-4, "atol": 2e-5},
    "mgmatting": MGMATTING,
    "mgmatting_guided": MGMATTING,
    "modnet": {},
    "resnet18_unet": {},
}


@pytest.mark.parametrize("kernels", [CPU, XLA], ids=lambda kernels: kernels.name)
@pytest.mark.parametrize("name", names())
def test_all_networks_compute_the_same_by_both(name: str, kernels: Kernels) -> None:
    """The copy for inference, and a training pass with its gradients."""
    if name == "rvm":
        check_rvm(kernels)
        return
    check_inference(name, kernels)
    if name in TRAINING:
        check_training(name, **TRAINING[name], kernels=kernels)


def check_rvm(kernels: Kernels) -> None:
    """RVM, whose golden data have no gradients, beside its plain graph, in which no kernel takes part."""
    if kernels is XLA:
        pytest.skip("it is the plain graph")
    network = lively_network()
    for program, near in ((_folded, 2e-5), (_gradients, 1e-9)):
        own, plain = program(network, kernels), program(network, XLA)
        assert own[0].pha.std() > 0.03
        for (path, expected), actual in zip(jax.tree.leaves_with_path(plain), jax.tree.leaves(own), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=0, atol=near * max(1, abs(expected).max()), err_msg=path)


def _clip() -> np.ndarray:
    return np.random.default_rng(0).random((1, 2, 36, 136, 3), np.float32)  # odd sides in the decoder at half size


def _folded(network: nnx.Module, kernels: Kernels) -> Any:
    graphdef, state = nnx.split(for_inference(network, kernels=kernels))
    return (_run(lambda state, clip: nnx.merge(graphdef, state)(clip, None, 0.5), state, _clip()),)


def _gradients(network: nnx.Module, kernels: Kernels) -> Any:
    """The result, the gradients and the statistics of a training pass, in float64."""
    use_kernels(network, kernels)
    graphdef, *tensors = functional.split(nnx.view(network, use_running_average=False))

    def loss(params: Any, stats: Any, clip: jax.Array) -> Any:
        view: Any = functional.merge(graphdef, params, stats)
        matte = view(clip, None, 0.5)
        return ((matte.pha - 0.5) ** 2).sum() + (matte.fgr**2).sum(), (matte, functional.batch_stats(view))

    with jax.enable_x64(True):
        wide = jax.tree.map(lambda x: np.asarray(x, np.float64 if x.dtype == np.float32 else x.dtype), tensors)
        options = QUICK_TO_RUN if kernels is XLA else QUICK_TO_COMPILE
        gradients, (matte, stats) = _run(jax.grad(loss, has_aux=True), *wide, np.float64(_clip()), options=options)
    return matte, gradients, stats


def _run(program: Callable[..., Any], *args: Any, options: Any = QUICK_TO_COMPILE) -> Any:
    return jax.device_get(jax.jit(program).lower(*args).compile(options)(*args))


def test_kernels_are_those_of_the_devices_that_run_them() -> None:
    tpu: Any = SimpleNamespace(platform="tpu")
    assert kernels_for(jax.devices("cpu")) is CPU
    assert kernels_for([tpu, tpu]) is TPU
    assert kernels_for([SimpleNamespace(platform="cuda")]) is XLA
    with jax.default_device(jax.devices("cpu")[1]):
        assert kernels_for() is CPU
    network = rvm_jax.create("resnet18_unet", rngs=None)
    assert kernels_of(network) is kernels_for()
    assert kernels_of(for_inference(network, kernels=XLA)) is XLA
    assert kernels_of(network) is kernels_for()


@pytest.mark.parametrize(("kernels", "grouped"), [(CPU, False), (XLA, True)])
def test_a_program_is_traced_for_the_kernels_it_was_given(kernels: Kernels, grouped: bool) -> None:
    """Whatever the default device is: also one that is exported for another."""
    network = rvm_jax.MattingNetwork(rngs=None, kernels=kernels)
    program = str(jax.make_jaxpr(network)(np.zeros((1, 3, 32, 64, 3), np.float32)))
    assert ("feature_group_count=16" in program) is grouped
    assert f"unroll={min(3, kernels.max_unroll)}" in program


@pytest.mark.parametrize("kernels", [CPU, XLA], ids=lambda kernels: kernels.name)
def test_multiply_adds_do_not_depend_on_the_machine(kernels: Kernels) -> None:
    network = rvm_jax.create("rvm", rngs=None, kernels=kernels)
    assert round(multiply_adds(network, 512, 512) / 1e9, 3) == 7.991
