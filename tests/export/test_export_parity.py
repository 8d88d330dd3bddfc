"""Exported files beside JAX: every network, recurrent frames, odd sizes and ratios."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from lively_network import lively_network
from still_golden import evaluate, golden_still, inputs

from rvm_jax.export.check import largest_difference, open_session
from rvm_jax.export.contracts import CONTRACTS
from rvm_jax.export.form import RUNTIMES, Form
from rvm_jax.export.onnx_file import build
from rvm_jax.networks import names

_RVM: dict[str, dict[str, Any]] = {
    "deep": {},
    "fast": {"refiner": "fast_guided_filter"},
    "alpha alone": {"foreground": False},
}


def exported(network: Any, contract: str, form: Form) -> tuple[bytes, Form]:
    form = CONTRACTS[contract].form(network, form)
    return build(network, CONTRACTS[contract], form, {})[0], form


def difference(network: Any, contract: str, form: Form, **where: Any) -> float:
    model, form = exported(network, contract, form)
    return largest_difference(network, model, CONTRACTS[contract], form, **where)


@pytest.mark.parametrize("kind", _RVM)
def test_rvm_of_any_size_and_ratio(kind: str) -> None:
    network = lively_network(**_RVM[kind])
    model, form = exported(network, "rvm", Form())
    for size, ratio in (((61, 86), 1.0), ((97, 130), 0.37)):
        assert largest_difference(network, model, CONTRACTS["rvm"], form, size=size, ratio=ratio) < 2e-5


def test_resnet50() -> None:
    assert difference(lively_network("resnet50"), "rvm", Form(), size=(45, 62), ratio=0.8) < 2e-5


def test_fixed_size_with_the_ratio_baked_in() -> None:
    assert difference(lively_network(), "rvm", Form((90, 118), 0.6)) < 2e-5


@pytest.mark.parametrize(
    ("kind", "size", "ratio", "chunk"),
    [
        ("deep", (96, 124), 0.25, 1),  # a row becomes four
        ("fast", (90, 118), 0.6, 1),  # three rows become five
        ("alpha alone", (96, 130), 0.5, 2),
        ("deep", (97, 130), 0.37, 1),  # no groups of rows
        ("deep", (64, 50), 1.0, 2),
    ],
)
def test_the_arrangement_for_openvino_computes_the_same(
    kind: str, size: tuple[int, int], ratio: float, chunk: int
) -> None:
    network = lively_network(**_RVM[kind])
    frames = list(np.random.default_rng(0).random((2 * chunk, 1, *size, 3), np.float32))
    results = []
    for runtime in RUNTIMES:
        model, form = exported(network, "rvm", Form(size, ratio, frames=chunk, runtime=runtime))
        results.append(CONTRACTS["rvm"].run(open_session(model), frames, None, form, ratio))
    for ours, theirs in zip(*results, strict=True):
        for name, value in ours.items():
            np.testing.assert_allclose(value, theirs[name], atol=2e-5)


def test_a_chunk_of_several_streams_is_its_frames_in_turn() -> None:
    assert difference(lively_network(), "rvm", Form((64, 48), 1.0, batch=2, frames=3)) < 2e-5
    assert difference(lively_network(), "rvm", Form(frames=2), size=(50, 66), ratio=1.0) < 2e-5


def test_float16_keeps_filter_and_states_in_float32() -> None:
    network = lively_network()
    model, form = exported(network, "rvm", Form(dtype="float16"))
    assert largest_difference(network, model, CONTRACTS["rvm"], form, size=(66, 50), ratio=0.5) < 5e-3
    inputs = {i.name: i.type for i in open_session(model).get_inputs()}
    assert inputs["src"] == "tensor(float16)"
    assert {inputs[name] for name in ("r1i", "r4i", "downsample_ratio")} == {"tensor(float)"}


@pytest.mark.parametrize("name", names()[1:])
def test_still_picture_networks(name: str) -> None:
    """On the pictures of their golden data, whose program other tests compile too."""
    network = golden_still(name)
    image, *guidance = inputs(network, "a")
    size = (image.shape[1], image.shape[2]) if name.startswith("aematter") else None
    model, form = exported(network, "picture", Form(size))
    (result,) = CONTRACTS["picture"].run(
        open_session(model), [_undone(network, image)], guidance[0] if guidance else None, form, 1.0
    )
    pha = np.asarray(evaluate(network, image, *guidance).pha)
    assert np.mean((pha > 0.01) & (pha < 0.99)) > 0.05
    np.testing.assert_allclose(result["pha"], pha, atol=2e-5)


def _undone(network: Any, image: np.ndarray) -> np.ndarray:
    """The picture that a network's normalisation makes `image` of."""
    preprocessing = network.preprocessing
    return (image * np.float32(preprocessing.std) + np.float32(preprocessing.mean)).astype(np.float32)


@pytest.mark.parametrize("contract", ["facefusion", "visomaster", "visomaster_xseg", "deepfacelab"])
def test_face_programs_see_rvm_at_the_first_frame(contract: str) -> None:
    assert difference(lively_network(), contract, Form()) < 2e-5


def test_the_alphas_of_rvm_are_neither_empty_nor_full() -> None:
    src = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    model, form = exported(lively_network(), "rvm", Form())
    (result,) = CONTRACTS["rvm"].run(open_session(model), [src], None, form, 1.0)
    assert np.mean((result["pha"] > 0.01) & (result["pha"] < 0.99)) > 0.5
