"""ComfyUI nodes: a trained network, mattes of video batches, mattes of frames that come one by one.

ComfyUI's conventions: an IMAGE is a torch tensor (B, H, W, 3), float32 RGB in [0, 1]; a MASK is (B, H, W), float32 in
[0, 1]. A mask here is the alpha, 1 where the face is seen. "Load Image" gives 1 - alpha and "Join Image with Alpha"
wants that, so that a node inverts.
"""

from typing import Any, ClassVar

import numpy as np
import torch

import rvm_jax
from rvm_jax.matting import load_network
from rvm_jax.matting.options import ENGINES

_CATEGORY = "rvm-jax"
_NETWORK = "RVM_JAX_NETWORK"
Inputs = dict[str, dict[str, tuple[Any, ...]]]


class LoadNetwork:
    """A checkpoint, PyTorch weights or an .onnx file to a network that mattes."""

    CATEGORY, FUNCTION = _CATEGORY, "load"
    RETURN_TYPES: ClassVar = (_NETWORK,)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        """What ComfyUI shows."""
        ratio = {"default": 0.0, "min": 0.0, "max": 1.0, "step": 0.05, "tooltip": "0: at most 512 pixels for RVM"}
        engines = (list(ENGINES),)
        return {
            "required": {"path": ("STRING", {"default": ""}), "downsample_ratio": ("FLOAT", ratio), "engine": engines}
        }

    def load(self, path: str, downsample_ratio: float, engine: str) -> tuple[rvm_jax.Matter]:
        """Returns a `Matter`; the same inputs are loaded once, by ComfyUI's own cache."""
        network: Any = load_network(path)
        recurrent = network.inputs.state
        ratio: Any = downsample_ratio or ("auto" if recurrent else 1.0)
        if not recurrent:
            network = rvm_jax.FrameByFrame(network)
        return (rvm_jax.Matter(network, ratio, engine=engine),)


class MatteVideo:
    """All frames of a video batch, the state passed from frame to frame, from a fresh one."""

    CATEGORY, FUNCTION = _CATEGORY, "matte"
    RETURN_TYPES: ClassVar = ("IMAGE", "MASK")
    RETURN_NAMES: ClassVar = ("foreground", "alpha")

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        """What ComfyUI shows."""
        chunk = {"default": 4, "min": 1, "max": 64, "tooltip": "frames at once; the alphas do not depend on it"}
        return {"required": {"network": (_NETWORK,), "image": ("IMAGE",), "chunk": ("INT", chunk)}}

    def matte(self, network: rvm_jax.Matter, image: torch.Tensor, chunk: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the foreground's colours, or the frames where the network gives none, and the alpha."""
        frames = image.cpu().numpy()
        mattes = [matte for _, matte in network.another().stream(iter(frames), chunk)]
        return _tensors(frames, mattes)


class MatteStream:
    """The next frames of a stream: the state stays in the node from one execution to the next."""

    CATEGORY, FUNCTION = _CATEGORY, "matte"
    RETURN_TYPES: ClassVar = ("IMAGE", "MASK")
    RETURN_NAMES: ClassVar = ("foreground", "alpha")

    def __init__(self) -> None:
        self._given: rvm_jax.Matter | None = None
        self._matter: rvm_jax.Matter | None = None

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        """What ComfyUI shows."""
        return {
            "required": {"network": (_NETWORK,), "image": ("IMAGE",), "begin_anew": ("BOOLEAN", {"default": False})}
        }

    @classmethod
    def IS_CHANGED(cls, **_: object) -> float:
        """Never the same: equal frames still move the state."""
        return float("nan")

    def matte(
        self, network: rvm_jax.Matter, image: torch.Tensor, begin_anew: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the foreground's colours, or the frames where the network gives none, and the alpha."""
        if self._matter is None or network is not self._given:
            self._given, self._matter = network, network.another()
        if begin_anew:
            self._matter.reset()
        frames = image.cpu().numpy()
        return _tensors(frames, [self._matter(frame[None]) for frame in frames])


class InvertMask:
    """1 - mask: between an alpha and what "Load Image" gives and "Join Image with Alpha" wants."""

    CATEGORY, FUNCTION = _CATEGORY, "invert"
    RETURN_TYPES: ClassVar = ("MASK",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        """What ComfyUI shows."""
        return {"required": {"mask": ("MASK",)}}

    def invert(self, mask: torch.Tensor) -> tuple[torch.Tensor]:
        """Returns the mask (B, H, W); one of a single picture may come as (H, W)."""
        return (1.0 - (mask if mask.ndim == 3 else mask[None]),)


def _tensors(frames: np.ndarray, mattes: list[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    alphas = np.concatenate([np.asarray(matte.pha)[..., 0] for matte in mattes])
    colours = frames
    if mattes[0].fgr is not None:
        colours = np.concatenate([np.asarray(matte.fgr) for matte in mattes])
    return torch.from_numpy(colours), torch.from_numpy(alphas)


NODE_CLASS_MAPPINGS = {
    "RvmJaxLoadNetwork": LoadNetwork,
    "RvmJaxMatteVideo": MatteVideo,
    "RvmJaxMatteStream": MatteStream,
    "RvmJaxInvertMask": InvertMask,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "RvmJaxLoadNetwork": "Load matting network (rvm-jax)",
    "RvmJaxMatteVideo": "Matte video (rvm-jax)",
    "RvmJaxMatteStream": "Matte stream (rvm-jax)",
    "RvmJaxInvertMask": "Invert mask (rvm-jax)",
}
