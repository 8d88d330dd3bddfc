"""The network against the numbers of the original ones, in evaluation mode."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_data import golden_arrays, golden_network, unit
from quick_compilation import AS_FOR_USERS

from rvm_jax import MattingNetwork, UserError
from rvm_jax.networks import functional
from rvm_jax.networks.rvm.refiner import FastGuidedFilter

VARIANTS = ("mobilenetv3", "resnet50")
OUTPUTS = ("fgr", "pha", "seg", "r1", "r2", "r3", "r4")


def program(
    network: Any, method: Any = lambda network, *args: network(*args), options: dict[str, Any] | None = None
) -> Any:
    """A jitted `method(network, …)`: one compilation, where calling the network itself would compile every layer."""
    graphdef, params, batch_stats = functional.split(network)
    compiled = jax.jit(
        lambda params, stats, *args: method(functional.merge(graphdef, params, stats), *args), compiler_options=options
    )
    return functools.partial(compiled, params, batch_stats)


def outputs_of(matte: Any) -> dict[str, Any]:
    return {"fgr": matte.fgr, "pha": matte.pha} | {f"r{i}": r for i, r in enumerate(matte.rec, 1)}


def assert_golden(outputs: Any, golden: Any, atol: float = 1e-5) -> None:
    expected = [key for key in golden if key in OUTPUTS]
    assert expected
    for key in expected:
        np.testing.assert_allclose(outputs[key], golden[key], rtol=0, atol=atol, err_msg=key)


def mean_std(features: Any) -> np.ndarray:
    return np.stack([np.mean(features), np.std(features, ddof=1)])


def _clip_with_insides(network: Any, src: Any) -> Any:
    frames = src.reshape(-1, *src.shape[2:])
    features = network.backbone(frames)
    return network(src), network(src, segmentation_pass=True), features, network.aspp(features[-1])


@pytest.mark.parametrize("name", VARIANTS)
def test_clip_its_features_and_the_segmentation_pass(name: str) -> None:
    golden, segmentation = golden_arrays(name, "clip/"), golden_arrays(name, "segmentation/")
    np.testing.assert_array_equal(golden["src"], segmentation["src"])  # so that one program serves both
    matte, seg, features, deep = program(golden_network(name), _clip_with_insides)(unit(golden["src"]))
    assert_golden(outputs_of(matte), golden)
    assert_golden({"seg": seg.seg}, segmentation)
    for key, values in {
        "f1": features[0],
        "f2": features[1],
        "f3": features[2],
        "f4": features[3],
        "aspp": deep,
    }.items():
        np.testing.assert_allclose(mean_std(values), golden[f"{key}_mean_std"], rtol=0, atol=1e-5, err_msg=key)
    for r, same in zip(matte.rec, seg.rec, strict=True):
        np.testing.assert_allclose(r, same, rtol=0, atol=1e-6)


def test_alpha_only_clip() -> None:
    golden = golden_arrays("face", "clip/")
    matte = program(golden_network("face"))(unit(golden["src"]))
    assert matte.fgr is None
    assert_golden(outputs_of(matte), golden)


@pytest.mark.parametrize("name", VARIANTS)
def test_sides_that_no_power_of_two_divides(name: str) -> None:
    golden = golden_arrays(name, "odd_size/")
    assert_golden(outputs_of(program(golden_network(name))(unit(golden["src"]))), golden)


@pytest.mark.parametrize("name", VARIANTS)
def test_single_frame_goes_on_from_a_state(name: str) -> None:
    golden = golden_arrays(name, "single_frame/")
    rec = tuple(golden[f"r{i}_in"] for i in (1, 2, 3, 4))
    assert_golden(outputs_of(program(golden_network(name))(unit(golden["src"]), rec)), golden)


@pytest.mark.parametrize("name", VARIANTS)
def test_refiners_at_half_size(name: str) -> None:
    golden = golden_arrays(name, "downsample_deep_guided_filter/")
    fast_golden = golden_arrays(name, "downsample_fast_guided_filter/")
    np.testing.assert_array_equal(golden["src"], fast_golden["src"])
    # One program for both, as they differ in the refiner alone.
    deep, fast = golden_network(name), golden_network(name, "fast_guided_filter")
    fast_graphdef, *fast_tensors = functional.split(fast)

    def both(network: Any, src: Any) -> Any:
        _, *tensors = functional.split(network)
        shared = [{key: own[key] for key in wanted} for own, wanted in zip(tensors, fast_tensors, strict=True)]
        return network(src, downsample_ratio=0.5), functional.merge(fast_graphdef, *shared)(src, downsample_ratio=0.5)

    deep_matte, fast_matte = program(deep, both, AS_FOR_USERS)(unit(golden["src"]))
    assert_golden(outputs_of(deep_matte), golden)
    # Where the guide is nearly flat, this filter divides by little more than its 1e-5 and makes rounding a hundred
    # times larger: the golden numbers themselves are 3e-4 from float64, and PyTorch with one thread in place of two is
    # 2e-5 from them at one pixel.
    for key in ("fgr", "pha"):
        error = np.abs(np.asarray(outputs_of(fast_matte)[key]) - fast_golden[key])
        assert (error > 1e-5).sum() <= 2, key
        assert error.max() < 5e-5, key


@pytest.mark.parametrize("name", VARIANTS)
def test_a_ratio_whose_product_with_the_sides_is_no_integer(name: str) -> None:
    golden = golden_arrays(name, "downsample_0.375/")
    network = program(golden_network(name), lambda network, src: network(src, downsample_ratio=0.375))
    assert_golden(outputs_of(network(unit(golden["src"]))), golden)


def test_alpha_alone_is_brought_to_full_size_by_the_channel_mean() -> None:
    rng = np.random.default_rng(0)
    fine, base, matte = (
        jnp.asarray(rng.random(shape), jnp.float32) for shape in ((1, 12, 16, 3), (1, 6, 8, 3), (1, 6, 8, 4))
    )
    alpha = FastGuidedFilter().refine_alpha(fine, base, matte[..., 3:])
    assert alpha.shape == (1, 12, 16, 1)
    np.testing.assert_array_equal(alpha, FastGuidedFilter()(fine, base, matte, matte)[1])


def test_alpha_only_network_at_a_ratio() -> None:
    torch = pytest.importorskip("torch")
    import torch_twin

    src = unit(golden_arrays("mobilenetv3", "downsample_0.375/")["src"])[:, 0, :64, :96]
    matte = program(golden_network("face"), lambda network, src: network(src, downsample_ratio=0.5))(src)
    with torch.inference_mode():
        pha, *rec = torch_twin.golden_network("face")(torch.from_numpy(np.moveaxis(src, -1, 1)), downsample_ratio=0.5)
    assert matte.fgr is None
    assert matte.pha.shape == (1, 64, 96, 1)
    assert np.std(matte.pha) > 0.01
    np.testing.assert_allclose(np.moveaxis(matte.pha, -1, 1), pha, rtol=0, atol=1e-4)  # amplified, as above
    for ours, theirs in zip(matte.rec, rec, strict=True):
        np.testing.assert_allclose(np.moveaxis(ours, -1, 1), theirs, rtol=0, atol=1e-5)


def test_frames_one_by_one_are_the_clip() -> None:
    golden = golden_arrays("mobilenetv3", "clip/")
    network = program(golden_network("mobilenetv3"))
    rec = tuple(np.zeros_like(golden[f"r{i}"]) for i in (1, 2, 3, 4))  # NumPy's, as a user may keep them
    frames = []
    for t in range(golden["src"].shape[1]):
        fgr, pha, rec = network(unit(golden["src"][:, t]), rec)
        frames.append({"fgr": fgr, "pha": pha})
    outputs = {key: np.stack([frame[key] for frame in frames], 1) for key in ("fgr", "pha")}
    assert_golden(outputs | {f"r{i}": r for i, r in enumerate(rec, 1)}, golden)


@pytest.mark.parametrize(
    ("src", "said"),
    [
        (np.zeros((1, 64, 64, 3), np.uint8), "src is uint8; pass float frames"),
        (np.zeros((64, 64, 3), np.float32), r"src has shape \(64, 64, 3\)"),
        (np.zeros((1, 3, 64, 64), np.float32), r"frames are \(B, H, W, 3\)"),
    ],
)
def test_frames_of_another_kind_are_refused(src: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        blank_network()(src)


def test_a_state_of_another_size_is_refused() -> None:
    network, src = blank_network(), np.zeros((1, 64, 64, 3), np.float32)
    with pytest.raises(UserError, match=r"recurrent state has shapes .* pass rec=None"):
        network(src, network.initial_state(1, 64, 96))
    with pytest.raises(UserError, match="recurrent state"):
        network(src, network.initial_state(1, 64, 64)[:3])


@pytest.mark.parametrize(("variant", "refiner"), [("resnet51", "deep_guided_filter"), ("resnet50", "guided")])
def test_unknown_variant_or_refiner(variant: str, refiner: str) -> None:
    with pytest.raises(UserError, match=r"is unknown; use one of"):
        MattingNetwork(variant, refiner=refiner, rngs=None)


@functools.cache
def blank_network() -> MattingNetwork:
    return MattingNetwork("mobilenetv3", rngs=None)
