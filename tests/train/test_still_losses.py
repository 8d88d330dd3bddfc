"""What the image networks are given in training, and what they minimise."""

from typing import Any, NamedTuple

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from quick_compilation import QUICK_TO_COMPILE

from rvm_jax.guidance.jax_ops import coarse_mask, derived_trimap, network_inputs, one_hot
from rvm_jax.networks.api import Guidance, InputSpec, Preprocessing
from rvm_jax.networks.layers.resampling import shrink
from rvm_jax.train.losses import still as still_losses

KEY = jax.random.key(0)
Clips = dict[str, np.ndarray]


class Constant:
    """A network whose result does not depend on what it sees, but which remembers that."""

    def __init__(self, result: Any = None, guidance: Guidance | None = None) -> None:
        self.result, self.inputs, self.seen = result, InputSpec(guidance=guidance), tuple[Any, ...]()

    def normalise(self, src: jax.Array) -> jax.Array:
        return Preprocessing(mean=(0.5,) * 3, std=(0.5,) * 3).normalise(src)

    def __call__(self, *inputs: Any, key: jax.Array | None = None) -> Any:
        self.seen = inputs
        return self.result


class Scales(NamedTuple):
    alpha_os1: jax.Array
    alpha_os4: jax.Array
    alpha_os8: jax.Array


class Branches(NamedTuple):
    semantic: jax.Array
    detail: jax.Array
    matte: jax.Array

    @property
    def supervised(self) -> jax.Array:
        return self.matte


@pytest.fixture(scope="module")
def batch() -> Clips:
    rng = np.random.default_rng(0)
    pha = np.zeros((2, 1, 64, 64, 1), np.uint8)
    pha[:, :, 16:48, 20:44] = 255
    pha[:, :, 16:48, 44:46] = 90
    return {"src": rng.integers(0, 256, (2, 1, 64, 64, 3)).astype(np.uint8), "pha": pha}


def components_of(objective: Any, result: Any, batch: Clips) -> dict[str, float]:
    """The objective's components for a network that gives `result`."""
    step: Any = jax.jit(lambda result, *args: objective(Constant(result), *args))
    program = step.lower(result, batch, KEY).compile(QUICK_TO_COMPILE)
    return {key: float(value) for key, value in program(result, batch, KEY).items()}


def true_alpha(batch: Clips) -> jax.Array:
    return jnp.asarray(batch["pha"], jnp.float32) / 255


def test_inputs_are_normalised_and_guidance_is_derived(batch: Clips) -> None:
    (src,) = network_inputs(Constant(), batch)
    np.testing.assert_allclose(src, batch["src"] / 127.5 - 1, atol=1e-6)
    _, mask = network_inputs(Constant(guidance="mask"), batch)
    np.testing.assert_array_equal(mask, batch["pha"] >= 128)
    _, trimap = network_inputs(Constant(guidance="trimap"), batch)
    np.testing.assert_array_equal(trimap, one_hot(derived_trimap(jnp.asarray(batch["pha"]))))


def test_guidance_of_the_pipeline_comes_first(batch: Clips) -> None:
    given = np.full((2, 1, 64, 64, 1), 128, np.uint8)
    _, mask = network_inputs(Constant(guidance="mask"), batch | {"mask": given}, KEY)
    assert (np.asarray(mask) == 1).all()
    _, trimap = network_inputs(Constant(guidance="trimap"), batch | {"trimap": given}, KEY)
    np.testing.assert_array_equal(np.unique(np.asarray(trimap).reshape(-1, 3), axis=0), [[0, 1, 0]])


def test_derived_trimaps(batch: Clips) -> None:
    trimap = np.asarray(jax.jit(derived_trimap)(batch["pha"]))[0, 0, 32, :, 0]
    assert set(trimap) == {0, 128, 255}
    assert (trimap[18], trimap[19], trimap[20], trimap[21]) == (0, 128, 128, 255)  # 7 pixels of 640 are 1 of 64
    larger = batch["pha"].repeat(10, 2).repeat(10, 3)
    trimap = np.asarray(jax.jit(derived_trimap)(larger))[0, 0, 320, :, 0]
    assert (trimap[192], trimap[193], trimap[206], trimap[207]) == (0, 128, 128, 255)
    draw = jax.jit(lambda pha, seed: (derived_trimap(pha, jax.random.key(seed)) == 128).sum())
    assert len({int(draw(larger, seed)) for seed in range(6)}) > 3


def test_perturbed_masks(batch: Clips) -> None:
    true = jnp.pad(true_alpha(batch), ((0, 0), (0, 0), (288, 288), (288, 288), (0, 0)))  # up to 14 pixels of 640
    draw = jax.jit(lambda seed: coarse_mask(true, jax.random.key(seed)))
    sizes = [float(draw(seed).mean()) for seed in range(12)]
    assert min(sizes) < float(true.mean()) * 0.8
    assert max(sizes) > float(true.mean()) * 1.2
    assert set(np.unique(draw(0))) == {0.0, 1.0}


def test_a_perfect_result_costs_nothing(batch: Clips) -> None:
    true = true_alpha(batch)
    semantic = still_losses.blurred(shrink(true[:, 0], 16))[:, None]
    for objective, result in (
        (still_losses.modnet, Branches(semantic, true, true)),
        (still_losses.mgmatting, Scales(true, true, true)),
    ):
        components = components_of(objective, result, batch)
        assert all(abs(value) < 1e-7 for value in components.values()), components


def test_picture_is_l1_pyramid_and_composition(batch: Clips) -> None:
    true = true_alpha(batch)
    components = components_of(still_losses.picture, Branches(true, true, true + 0.25), batch)
    assert components["pha_l1"] == pytest.approx(0.25)
    assert components["composition"] == pytest.approx(0.25 * batch["src"].mean() / 255, rel=1e-4)
    assert components["total"] == pytest.approx(sum(components.values()) / 2)


def test_modnets_terms(batch: Clips) -> None:
    true = true_alpha(batch)
    semantic = still_losses.blurred(shrink(true[:, 0], 16))[:, None]
    trimap = np.zeros((2, 1, 64, 64, 1), np.uint8)
    trimap[:, :, :16] = 128  # a quarter
    components = components_of(
        still_losses.modnet, Branches(semantic + 0.5, true + 0.4, true), batch | {"trimap": trimap}
    )
    assert components["semantic"] == pytest.approx(10 * 0.5, rel=1e-5)
    assert components["detail"] == pytest.approx(10 * 0.4 / 4, rel=1e-5)
    assert components["pha_l1"] < 1e-7


def test_mgmattings_finer_scales_count_where_the_coarser_is_undecided(batch: Clips) -> None:
    true = true_alpha(batch)
    wrong = 1 - true
    decided = components_of(still_losses.mgmatting, Scales(wrong, wrong, jnp.round(true)), batch)
    assert max(decided["os4"], decided["os1"]) < 1e-7
    undecided = components_of(still_losses.mgmatting, Scales(wrong, wrong, jnp.full_like(true, 0.5)), batch)
    assert undecided["os4"] > undecided["os8"] > 0


def test_blur_is_opencvs() -> None:
    x = np.random.default_rng(0).random((4, 6), np.float32)
    expected = cv2.GaussianBlur(x, (3, 3), 0.8, borderType=cv2.BORDER_REFLECT_101)
    np.testing.assert_allclose(still_losses.blurred(jnp.asarray(x)[None, ..., None])[0, ..., 0], expected, atol=1e-6)
