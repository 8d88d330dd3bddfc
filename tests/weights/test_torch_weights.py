"""PyTorch weights into networks and back, and what is said to files that are no such weights."""

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flax import nnx
from golden_data import golden_network, golden_state_dict
from weight_files import assert_same_bits, save_safetensors

import rvm_jax
from rvm_jax import MattingNetwork, UserError
from rvm_jax.networks import functional
from rvm_jax.notices import Notice
from rvm_jax.weights import files, torch_weights

NAMES = ("mobilenetv3", "resnet50", "face")


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


def save_pth(torch: Any, path: Path, tensors: Any) -> Path:
    torch.save({key: torch.from_numpy(np.array(tensor)) for key, tensor in tensors.items()}, path)
    return path


def counted(name: str) -> dict[str, np.ndarray]:
    """Golden weights whose counters have counted."""
    tensors = golden_state_dict(name)
    return {key: np.array(7 + len(key)) if key.endswith("tracked") else tensor for key, tensor in tensors.items()}


@pytest.mark.parametrize("name", NAMES)
def test_round_trip_is_bit_equal_in_order_and_loads_strictly(torch: Any, tmp_path: Path, name: str) -> None:
    import torch_twin

    tensors = counted(name)
    network = rvm_jax.load_torch(save_pth(torch, tmp_path / "in.pth", tensors))
    variant = "mobilenetv3" if name == "face" else name
    assert network.config == {"variant": variant, "refiner": "deep_guided_filter", "foreground": name != "face"}
    rvm_jax.save_torch(network, tmp_path / "out.pth")
    state = torch.load(tmp_path / "out.pth", weights_only=True)
    assert_same_bits({key: tensor.numpy() for key, tensor in state.items()}, tensors)
    assert all(tensor.is_contiguous() for tensor in state.values())
    torch_twin.MattingNetwork(variant, foreground=name != "face").load_state_dict(state, strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_keys_keep_their_order_where_flax_sorts_attributes(tmp_path: Path, name: str) -> None:
    tensors, network = golden_state_dict(name), golden_network(name)
    rvm_jax.save(network, tmp_path / "checkpoint")
    for copy in (
        functional.merge(*functional.split(network)),
        nnx.clone(network),
        nnx.view(network, use_running_average=False),
        rvm_jax.load(tmp_path / "checkpoint"),
    ):
        assert_same_bits(torch_weights.state_dict(copy), tensors)


def test_safetensors(tmp_path: Path) -> None:
    tensors = counted("face")
    network = rvm_jax.load_torch(save_safetensors(tmp_path / "in.safetensors", tensors))
    rvm_jax.save_torch(network, tmp_path / "out.safetensors")
    found = files.read_state_dict(tmp_path / "out.safetensors")  # a format that keeps an order of its own
    assert_same_bits({key: found.pop(key) for key in tensors}, tensors)
    assert not found


def test_wrapped_and_prefixed_keys(torch: Any, tmp_path: Path) -> None:
    tensors = {f"module.{key}": torch.from_numpy(np.array(tensor)) for key, tensor in counted("face").items()}
    torch.save({"epoch": 3, "state_dict": tensors}, tmp_path / "in.pt")
    with pytest.warns(Notice, match=r"in\.pt: the weights are those found at state_dict module\."):
        network = rvm_jax.load_torch(tmp_path / "in.pt")
    assert_same_bits(torch_weights.state_dict(network), counted("face"))


def test_halves_and_parameters_are_read_too(torch: Any, tmp_path: Path) -> None:
    tensors = {"a": torch.tensor([1.5], dtype=torch.bfloat16), "b": torch.nn.Parameter(torch.tensor([2.5]).double())}
    torch.save(tensors, tmp_path / "in.pth")
    assert_same_bits(
        files.read_state_dict(tmp_path / "in.pth"), {"a": np.array([1.5], np.float32), "b": np.array([2.5], np.float32)}
    )


def test_the_refiner_is_read_off_the_keys_or_given(tmp_path: Path) -> None:
    tensors = golden_state_dict("mobilenetv3")
    path = save_safetensors(tmp_path / "deep.safetensors", tensors)
    network = rvm_jax.load_torch(path, refiner="fast_guided_filter")
    assert network.refiner_name == "fast_guided_filter"
    without = {key: tensor for key, tensor in tensors.items() if not key.startswith("refiner.")}
    assert len(without) == 365
    assert_same_bits(torch_weights.state_dict(network), without)

    path = save_safetensors(tmp_path / "fast.safetensors", without)
    assert rvm_jax.load_torch(path).refiner_name == "fast_guided_filter"
    with pytest.raises(UserError, match=r"15 missing: refiner\.box_filter\.weight, "):
        rvm_jax.load_torch(path, refiner="deep_guided_filter")
    with pytest.raises(UserError, match="refiner 'guided' is unknown"):
        rvm_jax.load_torch(path, refiner="guided")


def test_all_faults_of_the_keys_in_one_error(tmp_path: Path) -> None:
    tensors = golden_state_dict("mobilenetv3")
    del tensors["aspp.aspp1.0.weight"], tensors["decoder.decode0.conv.1.bias"]
    tensors["aspp.aspp3.weight"] = np.zeros(1, np.float32)
    tensors["project_seg.conv.weight"] = np.zeros((2, 16, 1, 1), np.float32)
    tensors["project_seg.conv.bias"] = np.zeros((), np.float32)
    with pytest.raises(UserError) as caught:
        rvm_jax.load_torch(save_safetensors(tmp_path / "odd.safetensors", tensors))
    assert str(caught.value) == (
        f"{tmp_path}/odd.safetensors: the keys do not fit the network; "
        "2 missing: aspp.aspp1.0.weight, decoder.decode0.conv.1.bias; 1 unexpected: aspp.aspp3.weight; "
        "2 misshapen: project_seg.conv.weight (is [2, 16, 1, 1], must be [1, 16, 1, 1]), "
        "project_seg.conv.bias (is [], must be [1])"
    )


def test_a_refused_state_dict_leaves_the_network_as_it_was() -> None:
    network = golden_network("face")
    tensors = {key: tensor + 1 for key, tensor in golden_state_dict("face").items()}
    del tensors["project_seg.conv.bias"]
    with pytest.raises(UserError, match="1 missing"):
        torch_weights.set_state_dict(network, tensors, "some.pth")
    assert_same_bits(torch_weights.state_dict(network), golden_state_dict("face"))


class Intruder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("by", ["pickle", "torch"])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(torch: Any, tmp_path: Path, by: str) -> None:
    path = tmp_path / "trap.pth"
    content = {"backbone.features.0.0.weight": Intruder(tmp_path / "intruded")}
    if by == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(UserError, match=r"trap\.pth: refused, .* could run code; save the bare state dict"):
        rvm_jax.load_torch(path)
    assert not (tmp_path / "intruded").exists()


def test_a_damaged_file(torch: Any, tmp_path: Path) -> None:
    whole = save_pth(torch, tmp_path / "whole.pth", {"a": np.arange(1000.0)}).read_bytes()
    path = tmp_path / "cut.pth"
    for data in (b"", whole[:100], whole[:-20]):
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"cut\.pth: not a readable PyTorch file; download"):
            rvm_jax.load_torch(path)
    for data in (b"<html>not found</html>", bytes(range(48, 100))):
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"cut\.pth: "):
            rvm_jax.load_torch(path)

    whole = save_safetensors(tmp_path / "whole.safetensors", {"a": np.arange(1000.0)}).read_bytes()
    path = tmp_path / "cut.safetensors"
    for data in (b"", whole[:20], whole[:-20]):
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"cut\.safetensors: not a readable safetensors file"):
            rvm_jax.load_torch(path)


def test_files_that_hold_no_network(torch: Any, tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    for content in ([torch.zeros(2)], {"epoch": 3}, {0: torch.zeros(2)}, {"a": torch.eye(2).to_sparse()}):
        torch.save(content, path)
        with pytest.raises(UserError, match="holds no state dict"):
            rvm_jax.load_torch(path)
    for tensors in ({}, {"encoder.weight": np.zeros(2)}):
        with pytest.raises(UserError, match="no network of this project"):
            rvm_jax.load_torch(save_pth(torch, path, tensors))
    with pytest.raises(UserError, match=r"absent\.pth: no such weights file"):
        rvm_jax.load_torch(tmp_path / "absent.pth")
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(UserError, match=r"clip\.mp4: holds no PyTorch weights; give a file of torch\.save or a \.safe"):
        rvm_jax.load_torch(tmp_path / "clip.mp4")
    with pytest.raises(UserError, match=r"end in \.pth, \.pt or \.safetensors"):
        rvm_jax.save_torch(golden_network("face"), tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


def test_without_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_safetensors(tmp_path / "in.safetensors", golden_state_dict("face"))
    monkeypatch.setitem(sys.modules, "torch", None)
    network = rvm_jax.load_torch(path)
    rvm_jax.save_torch(network, tmp_path / "out.safetensors")
    (tmp_path / "in.pth").touch()
    for attempt in (
        lambda: rvm_jax.load_torch(tmp_path / "in.pth"),
        lambda: rvm_jax.save_torch(network, tmp_path / "out.pth"),
    ):
        with pytest.raises(UserError, match=r"need PyTorch; install it with pip install 'rvm-jax\[torch\]'"):
            attempt()
    assert not (tmp_path / "out.pth").exists()


def torchvision_file(name: str) -> dict[str, np.ndarray]:
    """The encoder's tensors as torchvision's ImageNet files have them, with a classifier."""
    tensors = golden_state_dict(name)
    encoder = {key.removeprefix("backbone."): x for key, x in tensors.items() if key.startswith("backbone.")}
    classifier = ("classifier.0", "classifier.3") if name == "mobilenetv3" else ("fc",)
    return encoder | {f"{key}.weight": np.zeros((10, 8), np.float32) for key in classifier}


@pytest.mark.parametrize("name", ["mobilenetv3", "resnet50"])
@pytest.mark.parametrize("counters", [True, False])
def test_backbone_alone(tmp_path: Path, name: str, counters: bool) -> None:
    tensors = torchvision_file(name)
    if not counters:  # as in files from before PyTorch 0.4.1
        tensors = {key: tensor for key, tensor in tensors.items() if not key.endswith("num_batches_tracked")}
    network = MattingNetwork(name, rngs=nnx.Rngs(0))
    before = torch_weights.state_dict(network)
    rvm_jax.load_backbone(network, save_safetensors(tmp_path / "imagenet.safetensors", tensors))
    golden = golden_state_dict(name)
    expected = {key: golden[key] if key.startswith("backbone.") else tensor for key, tensor in before.items()}
    assert_same_bits(torch_weights.state_dict(network), expected)


def test_an_encoders_file_in_the_wrong_place(tmp_path: Path) -> None:
    path = save_safetensors(tmp_path / "imagenet.safetensors", torchvision_file("resnet50"))
    with pytest.raises(UserError, match=r"holds an encoder alone; use rvm_jax\.load_backbone"):
        rvm_jax.load_torch(path)
    network = MattingNetwork("mobilenetv3", rngs=None)
    whole = save_safetensors(tmp_path / "rvm.safetensors", golden_state_dict("mobilenetv3"))
    for other in (path, whole):
        with pytest.raises(UserError, match=r"holds no mobilenetv3 encoder .* such as features\.0\.0\.weight$"):
            rvm_jax.load_backbone(network, other)
    odd = torchvision_file("mobilenetv3") | {"features.17.0.weight": np.zeros(1, np.float32)}
    with pytest.raises(UserError, match=r"odd.safetensors: .* 1 unexpected: features\.17\.0\.weight$"):
        rvm_jax.load_backbone(network, save_safetensors(tmp_path / "odd.safetensors", odd))
