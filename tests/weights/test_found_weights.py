"""Weights as they are found: wrapped, prefixed, averaged, pickled whole, in halves, in several files."""

import contextlib
import json
import os
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from golden_data import golden_state_dict
from safetensors.numpy import save_file
from still_golden import golden_weights
from weight_files import assert_same_bits, save_safetensors

import rvm_jax
from rvm_jax import UserError
from rvm_jax.notices import Notice
from rvm_jax.weights import files, torch_weights
from rvm_jax.weights.recognition import is_known

FACE = golden_state_dict("face")
OTHER = {key: tensor + 1 for key, tensor in FACE.items()}


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


def _tensors(torch: Any, tensors: Mapping[str, np.ndarray], prefix: str = "") -> dict[str, Any]:
    return {prefix + key: torch.from_numpy(np.array(tensor)) for key, tensor in tensors.items()}


def _found(path: Path) -> tuple[dict[str, np.ndarray], str]:
    found = files.find_state_dict(path, is_known)
    return dict(found.tensors), found.where


@pytest.mark.parametrize(
    ("wrappers", "prefix", "where"),
    [
        ((), "", ""),
        ((), "module.", "module."),
        ((), "_orig_mod.", "_orig_mod."),
        ((), "_orig_mod.module.", "_orig_mod.module."),
        ((), "module._orig_mod.", "module._orig_mod."),
        ((), "matting.student.net.", "matting.student.net."),
        (("state_dict",), "", "state_dict"),
        (("state_dict",), "model.", "state_dict model."),
        (("state_dict",), "net.", "state_dict net."),
        (("model",), "", "model"),
        (("net",), "", "net"),
        (("model_state_dict",), "module.", "model_state_dict module."),
        (("state_dict_ema",), "module.", "state_dict_ema module."),
        (("model_ema",), "", "model_ema"),
        (("params_ema",), "", "params_ema"),
        (("generator",), "", "generator"),
        (("checkpoint", "model", "weights"), "", "checkpoint.model.weights"),
    ],
)
def test_wrappers_and_prefixes(torch: Any, tmp_path: Path, wrappers: tuple[str, ...], prefix: str, where: str) -> None:
    content: dict[str, Any] = _tensors(torch, FACE, prefix) | ({"loss.weight": torch.ones(3)} if prefix else {})
    for wrapper in reversed(wrappers):
        content = {"epoch": 1, wrapper: content, "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}}}
    torch.save(content, tmp_path / "in.ckpt")
    found, place = _found(tmp_path / "in.ckpt")
    assert place == where
    assert_same_bits(found, FACE)


def test_a_network_comes_before_its_moving_average(torch: Any, tmp_path: Path) -> None:
    path = tmp_path / "in.pth"
    for plain, averaged in (("state_dict", "state_dict_ema"), ("params", "params_ema"), ("model", "ema")):
        torch.save({averaged: _tensors(torch, OTHER), plain: _tensors(torch, FACE)}, path)
        found, place = _found(path)
        assert place == plain
        assert_same_bits(found, FACE)
    both = _tensors(torch, OTHER, "ema_model.") | _tensors(torch, FACE, "online_model.") | {"step": torch.tensor(3)}
    torch.save(both, path)
    assert _found(path)[1] == "online_model."
    torch.save({"n_averaged": torch.tensor(3)} | _tensors(torch, FACE, "module."), path)
    assert_same_bits(_found(path)[0], FACE)


def test_several_networks_are_named(torch: Any, tmp_path: Path) -> None:
    path = tmp_path / "in.pth"
    torch.save({"teacher": _tensors(torch, FACE), "student": _tensors(torch, OTHER)}, path)
    with pytest.raises(
        UserError, match=r"in\.pth: holds several networks, at teacher, student; save the state dict of"
    ):
        rvm_jax.load_torch(path)
    torch.save({"model": _tensors(torch, FACE), "state_dict": _tensors(torch, FACE)}, path)  # one, twice
    assert_same_bits(_found(path)[0], FACE)


def test_errors_name_the_place(torch: Any, tmp_path: Path) -> None:
    path = tmp_path / "in.pth"
    cut = {key: tensor for key, tensor in FACE.items() if key != "project_seg.conv.bias"}
    torch.save({"state_dict": _tensors(torch, cut, "model.")}, path)
    with pytest.raises(UserError, match=r"in\.pth \(state_dict model\.\): the keys do not fit the network; 1 missing"):
        rvm_jax.load_torch(path)
    torch.save({"state_dict": {"head.conv.weight": torch.ones(1)}}, path)
    with pytest.raises(UserError, match=r"no network of this project, by its keys \(such as head\.conv\.weight\)"):
        rvm_jax.load_torch(path)


def test_what_lies_beside_the_weights_stays_asleep(torch: Any, tmp_path: Path) -> None:
    """Scalars of NumPy, paths and whole objects are no reason to refuse the tensors beside them."""
    path = tmp_path / "in.pth"
    beside = {"best": np.float64(0.1), "where": Path("x"), "args": _Trap(tmp_path)}
    content = {"state_dict": _tensors(torch, FACE), **beside}
    torch.save(content, path)
    assert_same_bits(_found(path)[0], FACE)
    assert not (tmp_path / "trapped").exists()


class _Trap:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder / "trapped"),)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_whole_pickled_module_gives_its_weights(torch: Any, tmp_path: Path, wrapped: bool) -> None:
    import torch_twin

    twin = torch_twin.MattingNetwork("mobilenetv3", foreground=False)
    twin.load_state_dict(_tensors(torch, FACE))
    twin.register_buffer("passing", torch.ones(3), persistent=False)
    module = torch.nn.DataParallel(twin) if wrapped else twin
    torch.save({"epoch": 3, "model": module} if wrapped else module, tmp_path / "whole.pth")
    said = pytest.warns(Notice, match=r"whole\.pth: the weights are those found at model module\.")
    with said if wrapped else contextlib.nullcontext():
        network = rvm_jax.load_torch(tmp_path / "whole.pth")
    assert_same_bits(torch_weights.state_dict(network), FACE)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_programs_are_said_to_be_programs(torch: Any, tmp_path: Path) -> None:
    module = torch.jit.trace(torch.nn.Conv2d(3, 3, 1), torch.zeros(1, 3, 4, 4))
    for name in ("rvm.torchscript", "rvm.pth"):
        torch.jit.save(module, str(tmp_path / name))
        with pytest.raises(
            UserError, match=rf"{name}: is a TorchScript archive, .*; give the \.pth or \.safetensors of"
        ):
            rvm_jax.load_torch(tmp_path / name)
    onnx = b"\x08\x08\x12\x07pytorch\x1a\x032.1" + bytes(200)
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 132\n"
    for name, data, said in (
        ("rvm.onnx", onnx, "is an ONNX model"),
        ("rvm.pth", onnx, "is an ONNX model"),
        ("rvm.pth", pointer, "is a Git LFS pointer, not the file that it stands for; fetch that with git lfs pull"),
        ("rvm.safetensors", pointer, "is a Git LFS pointer"),
        ("rvm.pth", b"<!DOCTYPE html><html>", "is a web page"),
        ("rvm.h5", b"\x89HDF\r\n\x1a\n" + bytes(90), "is an HDF5 file"),
        ("rvm.bin", b"GGUF" + bytes(90), "is a GGUF file"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=rf"{name}: {said}"):
            rvm_jax.load_torch(tmp_path / name)


@pytest.mark.parametrize("left_out", ["lr_branch.backbone.", "backbone."])
def test_tensors_that_are_one_may_be_there_once(tmp_path: Path, left_out: str) -> None:
    tensors = golden_weights("modnet")
    kept = {key: tensor for key, tensor in tensors.items() if not key.startswith(left_out)}
    assert len(tensors) - len(kept) == 312
    network = rvm_jax.load_torch(save_safetensors(tmp_path / "once.safetensors", kept))
    assert_same_bits(torch_weights.state_dict(network), tensors)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
def test_number_types_of_safetensors(tmp_path: Path, dtype: Any) -> None:
    tensors = {"a": np.array([[1.5, -2.25]], dtype), "n": np.array(7, np.int64), "b": np.array([True])}
    save_file(tensors, tmp_path / "in.safetensors")
    expected = {"a": np.array([[1.5, -2.25]], np.float32), "b": np.ones(1, np.float32), "n": np.array(7)}
    found = files.read_state_dict(tmp_path / "in.safetensors")
    assert_same_bits({key: found[key] for key in expected}, expected)
    (tmp_path / "in.safetensors").rename(tmp_path / "in.pth")  # what a file holds tells, not its name
    assert files.read_state_dict(tmp_path / "in.pth").keys() == expected.keys()


def test_several_files_with_and_without_their_index(tmp_path: Path) -> None:
    keys = list(FACE)
    names = [f"model-{number:05d}-of-00002.safetensors" for number in (1, 2)]
    for name, part in zip(names, (keys[:200], keys[200:]), strict=True):
        save_safetensors(tmp_path / name, {key: FACE[key] for key in part})
    index = tmp_path / "model.safetensors.index.json"
    for name in names:
        found = files.read_state_dict(tmp_path / name)
        assert_same_bits({key: found[key] for key in keys}, FACE)
    places = {key: names[place >= 200] for place, key in enumerate(keys)}
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    for given in (index, tmp_path / names[1]):
        assert_same_bits(torch_weights.state_dict(rvm_jax.load_torch(given)), FACE)
    (tmp_path / names[0]).unlink()
    with pytest.raises(UserError, match=r"index\.json: of its 2 files model-00001-of-00002\.safetensors are missing"):
        rvm_jax.load_torch(index)
    for text in ("{", "[]", '{"weight_map": 3}'):
        index.write_text(text)
        with pytest.raises(UserError, match=r"index\.json: not an index of weights"):
            rvm_jax.load_torch(index)


def test_an_encoder_below_wrappers(torch: Any, tmp_path: Path) -> None:
    encoder = {key.removeprefix("backbone."): x for key, x in FACE.items() if key.startswith("backbone.")}
    network = rvm_jax.create("rvm", rngs=None)
    torch.save({"state_dict": _tensors(torch, encoder, "module.")}, tmp_path / "encoder.pth")
    rvm_jax.load_backbone(network, tmp_path / "encoder.pth")
    assert_same_bits(torch_weights.state_dict(network.backbone), encoder)


def test_quantised_weights_are_no_weights(torch: Any, tmp_path: Path) -> None:
    whole = {key: np.array(tensor * 10, np.int8) for key, tensor in FACE.items()}
    save_file(whole, tmp_path / "in.safetensors")
    with pytest.raises(UserError, match=r"\(holds whole numbers, as quantised weights do\)"):
        rvm_jax.load_torch(tmp_path / "in.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch will drop them
        quantised = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
        beside = {"scale": quantised, "wave": torch.ones(2, dtype=torch.complex64)}
        torch.save(_tensors(torch, FACE) | beside, tmp_path / "in.pth")
    assert_same_bits(_found(tmp_path / "in.pth")[0], FACE)


def test_archives_and_folders_say_what_to_give(torch: Any, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(3)}, tmp_path / "in.pth")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(tmp_path / "in.pth", "in.pth")
    with pytest.raises(UserError, match=r"in\.zip: is a ZIP archive; unpack it"):
        files.find_state_dict(tmp_path / "in.zip")
    np.savez(tmp_path / "in.npz", a=np.ones(3))
    with pytest.raises(UserError, match=r"in\.npz: is an archive of NumPy arrays"):
        files.find_state_dict(tmp_path / "in.npz")
    with pytest.raises(UserError, match=r"holds no checkpoint; give the file in\.pth in it"):
        rvm_jax.load(tmp_path)
