"""What a contender takes to begin: seconds from its process's start to its first alpha, its memory, and its file.

Each runs in a process of its own that reads its file, as it would be deployed; twice, so that the second one finds what
the first has compiled or kept.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from scripts import ROOT

# Takes the file, a frame (H, W, 3) in [0, 1] and the ratio; returns what mattes the next frame.
Starter = Callable[[Path, np.ndarray, float], Callable[[], object]]

# In TorchScript's file, beside the module: the shapes of the states.
_SHAPES = "states.json"


class Beginning(NamedTuple):
    """Seconds to the first alpha in a first and a second process, resident megabytes, and the file's megabytes."""

    first: float
    second: float
    memory: float | None
    file: float


def columns(found: dict[str, Beginning | None]) -> dict[str, dict[str, str]]:
    """Returns what was found as columns of a table."""

    def column(text: Callable[[Beginning], str]) -> dict[str, str]:
        return {name: "-" if own is None else text(own) for name, own in found.items()}

    return {
        "first alpha s": column(lambda own: f"{own.first:.1f}"),
        "again": column(lambda own: f"{own.second:.1f}"),
        "file MB": column(lambda own: f"{own.file:.1f}"),
    }


def measure(names: list[str], frame: np.ndarray, ratio: float) -> dict[str, Beginning | None]:
    """Returns how each contender of the matting benchmark begins on the CPU; None where its process failed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        np.save(folder / "frame.npy", frame)
        files = _files(folder, frame, ratio)
        return {name: _begin(name, folder, files[_KINDS[name][0]], ratio) for name in names if name in _KINDS}


def _begin(name: str, folder: Path, file: Path, ratio: float) -> Beginning | None:
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(folder / f"kept by {name}")}
    found = []
    for _ in range(2):
        told = json.dumps([name, str(file), str(folder / "frame.npy"), ratio, time.time()])
        command = [sys.executable, "-m", "scripts.benchmarks.cold_start", told]
        result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
        if result.returncode:
            return None
        found.append(json.loads(result.stdout.splitlines()[-1]))
    (first, _), (second, memory) = found
    return Beginning(first, second, memory, file.stat().st_size / 1e6)


def _files(folder: Path, frame: np.ndarray, ratio: float) -> dict[str, Path]:
    """What each kind of contender reads."""
    import rvm_jax
    from scripts.benchmarks import export_contenders, twin_contenders

    files = {kind: folder / kind for kind in ("rvm.safetensors", "ours.onnx", "twin.onnx", "rvm.pth", "rvm.pt")}
    rvm_jax.save_torch(export_contenders.network(), files["rvm.safetensors"])
    twin, torch = twin_contenders.import_twin()
    torch.save(twin.golden_network("mobilenetv3").state_dict(), files["rvm.pth"])
    frozen, rec = twin_contenders.traced(frame, ratio)
    shapes = json.dumps([list(r.shape) for r in rec])
    torch.jit.save(frozen, str(files["rvm.pt"]), _extra_files={_SHAPES: shapes})
    files["ours.onnx"].write_bytes(export_contenders.model(frame, ratio))
    files["twin.onnx"].write_bytes(twin_contenders.exported(frame, ratio)[0])
    return files


def _jax(path: Path, frame: np.ndarray, ratio: float) -> Callable[[], object]:
    import rvm_jax

    matter = rvm_jax.Matter(rvm_jax.load_torch(path), ratio)
    return lambda: np.asarray(matter(frame).pha)


def _matter(engine: str, path: Path, frame: np.ndarray, ratio: float) -> Callable[[], object]:
    import rvm_jax
    from rvm_jax.matting.options import Settings
    from rvm_jax.matting.weights import loader_for

    loaded: Any = loader_for(Settings(engine=engine))(path)
    matter = rvm_jax.Matter(loaded, ratio, engine=engine)
    return lambda: matter(frame).pha


def _eager(path: Path, frame: np.ndarray, ratio: float) -> Callable[[], object]:
    return _torch_eager(path, frame, ratio, channels_last=False)


def _eager_channels_last(path: Path, frame: np.ndarray, ratio: float) -> Callable[[], object]:
    return _torch_eager(path, frame, ratio, channels_last=True)


def _torch_eager(path: Path, frame: np.ndarray, ratio: float, channels_last: bool) -> Callable[[], object]:
    from scripts.benchmarks import twin_contenders

    twin, torch = twin_contenders.import_twin()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = twin.MattingNetwork("mobilenetv3")
    network.load_state_dict(torch.load(path))
    network = network.eval().to(memory_format=layout)
    src = torch.from_numpy(frame.transpose(2, 0, 1)[None]).contiguous(memory_format=layout)
    return _torch_recurrent(torch, lambda *inputs: network(*inputs, downsample_ratio=ratio), src, [])


def _frozen(path: Path, frame: np.ndarray, ratio: float) -> Callable[[], object]:
    import torch

    del ratio
    from scripts.benchmarks.report import usable_cores

    torch.set_num_threads(usable_cores())
    extra = {_SHAPES: ""}
    network = torch.jit.load(str(path), _extra_files=extra)
    src = torch.from_numpy(frame.transpose(2, 0, 1)[None]).contiguous(memory_format=torch.channels_last)
    return _torch_recurrent(torch, network, src, [torch.zeros(shape) for shape in json.loads(extra[_SHAPES])])


def _torch_recurrent(torch: Any, network: Callable[..., Any], src: Any, rec: list[Any]) -> Callable[[], object]:
    def call() -> object:
        with torch.inference_mode():
            _, pha, *rec[:] = network(src, *rec)
        return pha

    return call


def _onnx(path: Path, frame: np.ndarray, ratio: float) -> Callable[[], object]:
    import onnxruntime

    from scripts.benchmarks.report import usable_cores

    del ratio
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs = {i.name: np.zeros(i.shape, np.float32) for i in session.get_inputs()}
    return _passing_states(lambda: session.run(None, inputs), inputs, frame)


def _openvino(path: Path, frame: np.ndarray, ratio: float) -> Callable[[], object]:
    from rvm_jax.export.runtimes import open_in_openvino
    from scripts.benchmarks.report import usable_cores

    del ratio
    compiled = open_in_openvino(str(path), usable_cores())
    inputs = {port.any_name: np.zeros(tuple(port.shape), np.float32) for port in compiled.inputs}
    return _passing_states(lambda: list(compiled(inputs).values()), inputs, frame)


def _passing_states(
    run: Callable[[], list[np.ndarray]], inputs: dict[str, np.ndarray], frame: np.ndarray
) -> Callable[[], object]:
    inputs["src"] = np.ascontiguousarray(frame.transpose(2, 0, 1)[None])

    def call() -> object:
        _, pha, *states = run()
        inputs.update(zip([name for name in inputs if name != "src"], states, strict=True))
        return pha

    return call


# By the names of the contenders: the kind of file, and what starts from it.
_KINDS: dict[str, tuple[str, Starter]] = {
    "rvm_jax Matter": ("rvm.safetensors", _jax),
    "rvm_jax Matter, ONNX Runtime": ("rvm.safetensors", partial(_matter, "onnxruntime")),
    "rvm_jax Matter, OpenVINO": ("rvm.safetensors", partial(_matter, "openvino")),
    "rvm_jax export, OpenVINO": ("ours.onnx", _openvino),
    "PyTorch eager": ("rvm.pth", _eager),
    "PyTorch eager channels_last": ("rvm.pth", _eager_channels_last),
    "PyTorch TorchScript frozen": ("rvm.pt", _frozen),
    "ONNX Runtime": ("twin.onnx", _onnx),
    "OpenVINO": ("twin.onnx", _openvino),
}


def _main() -> None:
    name, file, frame, ratio, begun = json.loads(sys.argv[1])
    call = _KINDS[name][1](Path(file), np.load(frame), ratio)
    call()
    seconds = time.time() - begun
    from scripts.benchmarks.memory import resident_peak

    print(json.dumps([seconds, resident_peak(call)]))


if __name__ == "__main__":
    _main()
