"""RVM MobileNetV3 by other means: the PyTorch twin as it is, frozen by TorchScript, and exported to ONNX Runtime."""

import copy
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rvm_jax.errors import UserError
from scripts import ROOT
from scripts.benchmarks.report import usable_cores

# A frame in evaluation mode, its state kept from call to call; returns fgr and pha, (H, W, C), once they are computed.
Contender = Callable[[], tuple[np.ndarray, np.ndarray]]


def import_twin() -> tuple[Any, Any]:
    """Returns the modules (torch_twin, torch). Raises UserError if PyTorch is not installed."""
    try:
        import torch
    except ImportError as error:
        raise UserError(
            "the matting benchmark compares with PyTorch, which is missing; install it with pip install -e '.[torch]'"
        ) from error
    sys.path.insert(0, str(ROOT / "tests"))
    import torch_twin

    torch.set_num_threads(usable_cores())  # as many as XLA takes
    return torch_twin, torch


def contenders(frame: np.ndarray, ratio: float, device: str) -> dict[str, Callable[[], Contender]]:
    """Returns what makes each contender for float frames (H, W, 3); `device` is "cpu" or "cuda"."""
    makers: dict[str, Callable[[], Contender]] = {
        "PyTorch eager": lambda: _eager(frame, ratio, device, channels_last=False),
        "PyTorch eager channels_last": lambda: _eager(frame, ratio, device, channels_last=True),
        "PyTorch TorchScript frozen": lambda: _frozen(frame, ratio, device),
    }
    if find_spec("onnx") and find_spec("onnxruntime"):
        makers["ONNX Runtime"] = lambda: _onnx(frame, ratio, device)
    if find_spec("onnx") and find_spec("openvino") and device == "cpu":
        makers["OpenVINO"] = lambda: _openvino(frame, ratio)
    return makers


def golden_weights() -> dict[str, np.ndarray]:
    """The weights of all contenders, as a state dict."""
    twin, _ = import_twin()
    return {key: tensor.numpy() for key, tensor in twin.golden_network("mobilenetv3").state_dict().items()}


def _prepared(frame: np.ndarray, device: str, channels_last: bool) -> tuple[Any, Any, Any]:
    twin, torch = import_twin()
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    network = copy.deepcopy(twin.golden_network("mobilenetv3")).to(device, memory_format=memory_format)
    src = torch.from_numpy(frame.transpose(2, 0, 1)[None]).to(device).contiguous(memory_format=memory_format)
    return torch, network, src


def _recurrent(torch: Any, network: Callable[..., Any], src: Any) -> Contender:
    rec: list[Any] = []

    def call() -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            fgr, pha, *rec[:] = network(src, *rec)
        return fgr[0].permute(1, 2, 0).cpu().numpy(), pha[0].permute(1, 2, 0).cpu().numpy()

    return call


def _eager(frame: np.ndarray, ratio: float, device: str, channels_last: bool) -> Contender:
    torch, network, src = _prepared(frame, device, channels_last)
    return _recurrent(torch, lambda src, *rec: network(src, *rec, downsample_ratio=ratio), src)


def _fixed_ratio(torch: Any, twin: Any, ratio: float) -> Any:
    module: Any = torch.nn.Module

    class FixedRatio(module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = twin

        def forward(self, src: Any, r1: Any, r2: Any, r3: Any, r4: Any) -> Any:
            return self.network(src, r1, r2, r3, r4, downsample_ratio=ratio)

    return FixedRatio().eval()


def _frozen(frame: np.ndarray, ratio: float, device: str) -> Contender:
    torch, network, src = _prepared(frame, device, channels_last=True)
    frozen, rec = _traced(torch, network, src, ratio)

    def first_or_next(src: Any, *given: Any) -> Any:
        return frozen(src, *(given or rec))

    return _recurrent(torch, first_or_next, src)


def traced(frame: np.ndarray, ratio: float) -> tuple[Any, list[Any]]:
    """Returns TorchScript's frozen module for frames of this size on the CPU, and the states of a first frame."""
    torch, network, src = _prepared(frame, "cpu", channels_last=True)
    return _traced(torch, network, src, ratio)


def _traced(torch: Any, twin: Any, src: Any, ratio: float) -> tuple[Any, list[Any]]:
    """The frozen module, and the states of a first frame."""
    with torch.inference_mode():
        rec = [torch.zeros_like(r) for r in twin(src, downsample_ratio=ratio)[2:]]
    with torch.no_grad():
        return torch.jit.freeze(torch.jit.trace(_fixed_ratio(torch, twin, ratio), (src, *rec))), rec


def exported(frame: np.ndarray, ratio: float) -> tuple[bytes, dict[str, np.ndarray]]:
    """PyTorch's own export, and its first inputs."""
    torch, network, src = _prepared(frame, "cpu", channels_last=False)
    with torch.no_grad():
        rec = [torch.zeros_like(r) for r in network(src, downsample_ratio=ratio)[2:]]
    names = ["src", "r1", "r2", "r3", "r4"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rvm.onnx"
        torch.onnx.export(
            _fixed_ratio(torch, network, ratio),
            (src, *rec),
            str(path),
            input_names=names,
            opset_version=18,
            dynamo=False,
        )
        model = path.read_bytes()
    return model, dict(zip(names, [src.numpy(), *(r.numpy() for r in rec)], strict=True))


def _onnx(frame: np.ndarray, ratio: float, device: str) -> Contender:
    import onnxruntime

    model, inputs = exported(frame, ratio)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    wanted = ["CUDAExecutionProvider"] if device == "cuda" else []
    session = onnxruntime.InferenceSession(model, options, providers=[*wanted, "CPUExecutionProvider"])
    return _passing_states(lambda: session.run(None, inputs), inputs)


def _openvino(frame: np.ndarray, ratio: float) -> Contender:
    from rvm_jax.export.runtimes import open_in_openvino

    model, inputs = exported(frame, ratio)
    compiled = open_in_openvino(model, usable_cores())
    return _passing_states(lambda: list(compiled(inputs).values()), inputs)


def _passing_states(run: Callable[[], list[np.ndarray]], inputs: dict[str, np.ndarray]) -> Contender:
    def call() -> tuple[np.ndarray, np.ndarray]:
        fgr, pha, *state = run()
        inputs.update(zip([name for name in inputs if name != "src"], state, strict=True))
        return fgr[0].transpose(1, 2, 0), pha[0].transpose(1, 2, 0)

    return call
