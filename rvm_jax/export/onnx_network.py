"""An exported file in the place of a network: what matting asks of one, without weights in JAX."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.matting.engine import Frames
from rvm_jax.networks.api import InputSpec, Matte, Preprocessing, State

# RVM's rule, for files that say no other.
AUTO_SIDE = 512
_STATES = ("r1", "r2", "r3", "r4")


class OnnxNetwork:
    """RVM's ONNX contract as a network that `Matter` runs with ONNX Runtime; the file may be any tool's.

        matter = rvm_jax.Matter(OnnxNetwork("rvm.onnx"), engine="onnxruntime")

    Args:
        path: the file, with the inputs `src`, `r1i` to `r4i` and perhaps `downsample_ratio`, a frame a call.

    Raises:
        UserError: if it cannot be read, or has other inputs.
    """

    inputs = InputSpec(state=True)
    preprocessing = Preprocessing()

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        if not self.path.is_file():
            raise UserError(f"{self.path}: no such file")
        given, wanted = set(self._inputs), {"src", *(f"{name}i" for name in _STATES)}
        if not wanted <= given or given - wanted - {"downsample_ratio"} or len(self._inputs["src"].shape) != 4:
            raise UserError(
                f"{self.path}: has the inputs {', '.join(self._inputs)}; matting wants RVM's, a frame a call (--as=rvm)"
            )
        if any("16" in self._inputs[name].type for name in given):
            raise UserError(f"{self.path}: computes in float16, which is slower on a CPU; export it in float32")

    @property
    def name(self) -> str:
        """Returns the file's stem."""
        return self.path.stem

    @property
    def config(self) -> dict[str, Any]:
        """Returns what tells it from others."""
        return {"name": self.name}

    @property
    def foreground(self) -> bool:
        """Says whether it gives foregrounds beside alphas."""
        return "fgr" in self._outputs

    @property
    def auto_side(self) -> int:
        """Returns the longer side, in pixels, at which the network sees frames if no ratio is given."""
        told = self._metadata.get("auto_side", "")
        return int(told) if told.isdecimal() else AUTO_SIDE

    def fingerprint(self) -> list[np.ndarray]:
        """Returns the file's bytes."""
        return [np.frombuffer(self.path.read_bytes(), np.uint8)]

    def zero_state(self, clip: Frames, ratio: float) -> State:
        """States of clips (N, T, H, W, 3) that begin: of [1, 1, 1, 1], or of the size that a fixed file says."""
        del ratio
        shapes = [self._inputs[f"{name}i"].shape for name in _STATES]
        fixed = all(isinstance(n, int) for shape in shapes for n in shape)
        sizes = [(n, h, w, c) for n, c, h, w in shapes] if fixed else [(len(clip), 1, 1, 1)] * 4
        return cast(State, tuple(np.zeros(size, np.float32) for size in sizes))

    def __call__(self, clip: Frames, rec: State, ratio: float) -> Matte:
        """Mattes clips (N, T, H, W, 3), uint8 or float in [0, 1]; the results are NumPy arrays."""
        clip = np.asarray(clip)
        values = clip.astype(np.float32) / (np.float32(255) if clip.dtype == np.uint8 else np.float32(1))
        self._check(values.shape, ratio)
        state = {f"{name}i": as_maps(r) for name, r in zip(_STATES, rec, strict=True)}
        extra = {"downsample_ratio": np.array([ratio], np.float32)} if "downsample_ratio" in self._inputs else {}
        names, fgrs, phas = list(self._outputs), [], []
        for t in range(values.shape[1]):
            src = np.ascontiguousarray(values[:, t].transpose(0, 3, 1, 2))
            got = dict(zip(names, self._session.run(names, {"src": src, **state, **extra}), strict=True))
            state = {f"{name}i": got[f"{name}o"] for name in _STATES}
            phas.append(np.moveaxis(got["pha"], 1, -1))
            fgrs.append(np.moveaxis(got["fgr"], 1, -1) if "fgr" in got else None)
        fgr = None if fgrs[0] is None else np.stack([f for f in fgrs if f is not None], 1)
        results = fgr, np.stack(phas, 1), tuple(np.moveaxis(r, 1, -1) for r in state.values())
        return Matte(*cast(tuple[Any, Any, Any], results))

    def _check(self, shape: tuple[int, ...], ratio: float) -> None:
        streams, _, height, width, _ = shape
        fixed = {axis: n for axis, n in zip((0, 2, 3), self._src_sides, strict=True) if isinstance(n, int)}
        given = {0: streams, 2: height, 3: width}
        if any(given[axis] != n for axis, n in fixed.items()):
            wanted = f"{fixed.get(0, streams)} streams of {fixed.get(3, width)}x{fixed.get(2, height)}"
            raise UserError(
                f"{self.path}: takes {wanted} pixels, not {streams} of {width}x{height}; export it for these"
            )
        told = self._metadata.get("downsample_ratio", "")
        baked = float(told) if told.replace(".", "").isdigit() else ratio
        if abs(baked - ratio) > 1e-6:
            raise UserError(f"{self.path}: has the ratio {baked:g} baked in; leave downsample_ratio={ratio:g} out")

    @property
    def _src_sides(self) -> tuple[Any, ...]:
        batch, _, height, width = self._inputs["src"].shape
        return batch, height, width

    @cached_property
    def _session(self) -> Any:
        from rvm_jax.export.check import open_session

        return open_session(str(self.path))

    @property
    def _metadata(self) -> dict[str, str]:
        found: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found

    @cached_property
    def _inputs(self) -> dict[str, Any]:
        return {value.name: value for value in self._session.get_inputs()}

    @cached_property
    def _outputs(self) -> dict[str, Any]:
        return {value.name: value for value in self._session.get_outputs()}


def as_maps(state: Any) -> np.ndarray:
    """Returns a state (N, h, w, C) as (N, C, h, w); no copy where it came from one of these."""
    maps: np.ndarray = np.ascontiguousarray(np.moveaxis(np.asarray(state, np.float32), -1, 1))
    return maps
