"""The PyTorch twin against numbers that the original networks and losses gave."""

import functools
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch_twin  # noqa: E402
import torch_twin_losses as losses  # noqa: E402

NETWORKS = ("mobilenetv3", "resnet50", "face")
RATIOS = {  # of the cases whose ratio is not 1
    "downsample_deep_guided_filter": 0.5,
    "downsample_fast_guided_filter": 0.5,
    "downsample_0.375": 0.375,
}
CASES = ("clip", "odd_size", "single_frame", *RATIOS)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny frames gain nothing from threads, and test processes that run side by side lose by them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@functools.cache
def network_of(name: str) -> Any:
    return torch_twin.golden_network(name)


@functools.cache
def golden_of(name: str) -> Any:
    with np.load(torch_twin.GOLDEN / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays.files}


def run_case(name: str, case: str, **options: Any) -> Any:
    """Runs a golden case; returns the outputs by name and what they should be."""
    golden = {key.removeprefix(f"{case}/"): x for key, x in golden_of(name).items() if key.startswith(f"{case}/")}
    network = torch_twin.golden_network(name, "fast_guided_filter") if "fast" in case else network_of(name)
    rec = [golden.get(f"r{i}_in") for i in (1, 2, 3, 4)]
    with torch.inference_mode():
        outputs = network(golden["src"].float() / 255, *rec, downsample_ratio=RATIOS.get(case, 1.0), **options)
    heads = ["seg"] if "segmentation_pass" in options else ["fgr", "pha"] if network.foreground else ["pha"]
    return dict(zip([*heads, "r1", "r2", "r3", "r4"], outputs, strict=True)), golden


def assert_near(actual: Any, expected: Any, atol: float, rtol: float = 0.0) -> None:
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", NETWORKS)
def test_state_dict_has_the_published_keys_order_and_shapes(name: str) -> None:
    published = torch_twin.golden_state_dict(name)
    ours = network_of(name).state_dict()
    assert list(ours) == list(published)
    assert all(ours[key].shape == published[key].shape for key in published)
    assert all(ours[key].dtype == published[key].dtype for key in published)


@pytest.mark.parametrize(
    ("variant", "foreground", "count"),
    [("mobilenetv3", True, 3_748_633), ("mobilenetv3", False, 3_748_582), ("resnet50", True, 26_890_461)],
)
def test_parameter_count(variant: str, foreground: bool, count: int) -> None:
    with torch.device("meta"):
        network = torch_twin.MattingNetwork(variant, foreground=foreground)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize(("name", "case"), [*itertools.product(("mobilenetv3", "resnet50"), CASES), ("face", "clip")])
def test_matte(name: str, case: str) -> None:
    outputs, golden = run_case(name, case)
    expected = {key for key in golden if key in ("fgr", "pha", "r1", "r2", "r3", "r4")}
    assert "pha" in expected
    for key in expected:
        error = (outputs[key] - golden[key]).abs()
        if "fast" in case:
            # Where the guide is nearly flat (a variance of 1.4e-5), this filter amplifies rounding a hundredfold: with
            # one thread in place of two, or AVX2 in place of AVX-512, PyTorch itself is off by 2e-5 at one pixel.
            assert (error > 1e-5).sum() <= 2
            assert error.max() < 5e-5
        else:
            assert error.max() < 1e-5


@pytest.mark.parametrize("name", ["mobilenetv3", "resnet50"])
def test_segmentation_logits(name: str) -> None:
    outputs, golden = run_case(name, "segmentation", segmentation_pass=True)
    assert_near(outputs["seg"], golden["seg"], atol=1e-5)


@pytest.mark.parametrize("name", ["mobilenetv3", "resnet50"])
def test_features_inside(name: str) -> None:
    network = network_of(name)
    maps: dict[Any, Any] = {}
    hooks = [
        network.backbone.register_forward_hook(lambda _, __, out: maps.update(enumerate(out, 1))),
        network.aspp.register_forward_hook(lambda _, __, out: maps.update(aspp=out)),
    ]
    _, golden = run_case(name, "clip")
    for hook in hooks:
        hook.remove()
    assert len(maps) == 5
    for key, x in maps.items():
        expected = golden["aspp_mean_std" if key == "aspp" else f"f{key}_mean_std"]
        assert_near(torch.stack([x.mean(), x.std()]), expected, atol=1e-5)


def test_frames_one_by_one_are_the_clip() -> None:
    network, src = network_of("mobilenetv3"), golden_of("mobilenetv3")["clip/src"].float() / 255
    with torch.inference_mode():
        _, pha, *rec = network(src)
        state: Any = []
        frames = []
        for t in range(src.shape[1]):
            _, frame, *state = network(src[:, t], *state)
            frames.append(frame)
    assert_near(torch.stack(frames, 1), pha, atol=1e-6)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(state, rec, strict=True))


def test_alpha_alone_is_brought_to_full_size_as_the_fast_filter_does() -> None:
    """The same weights in RVM with its fast filter give the alpha that the alpha-only network has to give."""
    face, rvm = network_of("face"), torch_twin.golden_network("mobilenetv3", "fast_guided_filter")
    shared = {key: x for key, x in face.state_dict().items() if not key.startswith(("project_mat.", "refiner."))}
    rvm.load_state_dict(shared, strict=False)
    rvm_bias, face_bias = rvm.project_mat.conv.bias, face.project_mat.conv.bias
    assert rvm_bias is not None and face_bias is not None
    with torch.no_grad():
        rvm.project_mat.conv.weight[3:].copy_(face.project_mat.conv.weight)
        rvm_bias[3:].copy_(face_bias)
        src = golden_of("mobilenetv3")["downsample_0.375/src"].float() / 255
        pha, *_ = face(src, downsample_ratio=0.375)
        _, expected, *_ = rvm(src, downsample_ratio=0.375)
    assert pha.shape == (1, 1, 1, 140, 202)
    assert pha.std() > 0.01
    assert_near(pha, expected, atol=1e-4)  # the filter amplifies rounding, see test_matte


@pytest.mark.parametrize("name", ["alpha", "matting", "trimap"])
def test_losses(name: str) -> None:
    golden = golden_of("losses")
    pred, true = golden["pred_pha"] / 255, golden["true_pha"] / 255
    if name == "alpha":
        parts = losses.alpha_loss(pred, true)
    elif name == "matting":
        parts = losses.matting_loss(pred, true, golden["pred_fgr"] / 255, golden["true_fgr"] / 255)
    else:  # the original does not crop the mask, so its sides had to divide by 32
        corner = (..., slice(96), slice(128))
        parts = losses.trimap_loss(pred[corner], true[corner], golden["trimap"][corner])
    expected = {key.removeprefix(f"{name}/"): x for key, x in golden.items() if key.startswith(f"{name}/")}
    assert set(parts) == set(expected)
    for key in expected:
        assert_near(parts[key], expected[key], atol=1e-6)


def test_a_single_frame_has_no_coherence_and_any_size_a_trimap_loss() -> None:
    golden = golden_of("losses")
    pred, true, trimap = (golden[key][:, :1] for key in ("pred_pha", "true_pha", "trimap"))
    parts = losses.trimap_loss(pred / 255, true / 255, trimap)
    assert parts["pha_coherence"] == 0
    assert torch.isfinite(parts["total"])
    assert losses.alpha_loss(pred / 255, true / 255)["pha_coherence"] == 0


@pytest.mark.parametrize("name", losses.STEPS)
def test_four_adam_steps(name: str) -> None:
    golden = golden_of("training")
    network = torch_twin.golden_network("face" if name.startswith("face") else "mobilenetv3")
    optimizer = losses.adam(network)
    history = []
    for i in range(4):
        batch = {key: golden[key][i] / 255 for key in ("src", "fgr", "pha")}
        batch |= {"trimap": golden["trimap"][i], "seg": (batch["pha"] > 0.5).float()}
        history.append(losses.train_step(network, optimizer, losses.STEPS[name], batch))
        if i == 0:
            check_first_step(network, {k: x for k, x in golden.items() if k.startswith(f"{name}/")}, name)
    for key in history[0]:
        assert_near(torch.stack([parts[key] for parts in history]), golden[f"{name}/{key}"], atol=0, rtol=1e-5)


def check_first_step(network: Any, golden: Any, name: str) -> None:
    norms = {key.split("/grad/")[1]: x for key, x in golden.items() if "/grad/" in key}
    largest = max(float(norm) for norm, _ in norms.values())
    parameters = dict(network.named_parameters())
    assert set(parameters) == set(norms)
    for key, parameter in parameters.items():
        norm = 0.0 if parameter.grad is None else float(parameter.grad.norm())
        assert norm == pytest.approx(float(norms[key][0]), abs=1e-4 * largest), key
    buffers = dict(network.named_buffers())
    statistics = {key.split("/after_step_1/")[1]: x for key, x in golden.items() if "/after_step_1/" in key}
    assert len(statistics) == 6
    for key, expected in statistics.items():
        assert_near(buffers[key], expected, atol=1e-5)
