"""Conversion from the command line, both ways."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from golden_data import golden_state_dict

import rvm_jax
from rvm_jax.weights import files, torch_weights

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "convert.py"


def convert(source: Path, target: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), f"--input={source}", f"--output={target}", *flags]
    return subprocess.run(command, capture_output=True, text=True)


def test_weights_to_a_checkpoint_and_back(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    source, checkpoint, target = tmp_path / "face.pth", tmp_path / "checkpoint", tmp_path / "again.pth"
    tensors = {key: torch.from_numpy(tensor) for key, tensor in golden_state_dict("face").items()}
    torch.save(tensors, source)

    first = convert(source, checkpoint)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        f"{source}: mobilenetv3, deep_guided_filter, alpha alone, 380 tensors",
        f"written to {checkpoint}",
    ]
    assert convert(checkpoint, target).returncode == 0
    again = torch.load(target, weights_only=True)
    assert list(again) == list(tensors)
    assert all(torch.equal(again[key], tensor) for key, tensor in tensors.items())

    existing = convert(source, checkpoint)
    assert (existing.returncode, existing.stdout.count("written")) == (1, 0)
    assert existing.stderr.splitlines() == [f"error: {checkpoint}: exists already; remove it or choose another name"]


def test_another_refiner(tmp_path: Path) -> None:
    network = rvm_jax.MattingNetwork(rngs=None)
    rvm_jax.save_torch(network, tmp_path / "deep.safetensors")
    result = convert(tmp_path / "deep.safetensors", tmp_path / "fast.safetensors", "--refiner=fast_guided_filter")
    assert "mobilenetv3, fast_guided_filter, foreground and alpha, 365 tensors" in result.stdout
    fast = files.read_state_dict(tmp_path / "fast.safetensors")
    deep = torch_weights.state_dict(network)
    assert set(deep) - set(fast) == {key for key in deep if key.startswith("refiner.")}
    assert all(np.array_equal(deep[key], tensor) for key, tensor in fast.items())

    rvm_jax.save(network, tmp_path / "checkpoint")
    result = convert(tmp_path / "checkpoint", tmp_path / "out.pth", "--refiner=fast_guided_filter")
    assert result.returncode == 1
    assert result.stderr.startswith("error: --refiner is for PyTorch weights")
    assert not (tmp_path / "out.pth").exists()
