"""ONNX Runtime or OpenVINO in the place of JAX: a network as graphs for the shapes that come, made when they come.

A graph for one shape has no shape arithmetic, no branch and no crop that is none, and takes uint8 frames as they are.
"""

from collections import OrderedDict
from contextlib import suppress
from functools import cached_property
from typing import Any, cast

import jax
import numpy as np
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.export import ops
from rvm_jax.export.form import Form, has_state
from rvm_jax.export.frame_by_frame import emit_frame_by_frame
from rvm_jax.export.graph import Graph
from rvm_jax.export.kept_graphs import KeptNetwork
from rvm_jax.export.layers import folded, name_layers
from rvm_jax.export.networks.rvm import emit_rvm
from rvm_jax.export.onnx_network import OnnxNetwork, as_maps
from rvm_jax.export.runtimes import PROGRAMS, Program
from rvm_jax.export.rvm_contract import state_shapes
from rvm_jax.matting.engine import Frames
from rvm_jax.networks.api import Matte, State
from rvm_jax.process import usable_cores

# Programs that are kept: each holds the weights once.
_KEPT = 6
_CLIP = "clip"  # the input that is no state


class GraphEngine:
    """Is an `Engine` by graphs on the CPU; its results are NumPy arrays, and a call waits for them.

    Args:
        network: RVM, `FrameByFrame`, an `OnnxNetwork` (which ONNX Runtime runs), or a `KeptNetwork`.
        runtime: "onnxruntime" or "openvino".
        threads: of the runtime; None for all cores that the process may use.
    """

    def __init__(
        self,
        network: nnx.Module | OnnxNetwork | KeptNetwork,
        runtime: str = "onnxruntime",
        threads: int | None = None,
    ):
        self._runtime = runtime
        self._file = network if isinstance(network, OnnxNetwork) else None
        self._kept = network if isinstance(network, KeptNetwork) else None
        self._folded = folded(network) if isinstance(network, nnx.Module) else None
        self._threads = threads or usable_cores()
        self._programs: OrderedDict[tuple[Any, ...], Program] = OrderedDict()

    def zero_state(self, clip: Frames, ratio: float) -> State:
        """Returns the state of a stream that begins, for frames (N, T, H, W, 3) of the size and type of `clip`."""
        if self._file:
            return self._file.zero_state(clip, ratio)
        shapes = self._program(_key(clip, ratio)).shapes
        states = [np.zeros(shape, np.float32) for name, shape in shapes.items() if name != _CLIP]
        return cast(State, tuple(np.moveaxis(state, 1, -1) for state in states))

    def fingerprint(self) -> list[np.ndarray]:
        """Returns the weights, or the file's bytes."""
        if self._file:
            return self._file.fingerprint()
        if self._kept:
            return self._kept.fingerprint()
        return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.to_pure_dict(nnx.state(self._network)))]

    def __call__(self, clip: Frames, rec: State, ratio: float, shown: np.ndarray | None = None) -> Matte:
        """Mattes frames (N, T, H, W, 3), RGB, uint8 or float in [0, 1], from the state `rec`."""
        assert shown is None, "make_engine gives padded frames another engine"
        if self._file:
            return self._file(clip, rec, ratio)
        clip = np.asarray(clip)
        if clip.dtype != np.uint8:
            clip = clip.astype(np.float32, copy=False)
        streams, frames, height, width, _ = clip.shape
        program = self._program(_key(clip, ratio))
        # All first frames before the second ones: of one stream, that is the order that there is.
        by_time = clip[0] if streams == 1 else clip.swapaxes(0, 1).reshape(-1, height, width, 3)
        feeds = {_CLIP: np.ascontiguousarray(by_time)}
        feeds |= {f"r{i}i": as_maps(r) for i, r in enumerate(rec, start=1)}
        got = program(feeds)

        def by_stream(x: np.ndarray) -> np.ndarray:
            return np.moveaxis(x.reshape(frames, streams, *x.shape[1:]).swapaxes(0, 1), 2, -1)

        fgr = by_stream(got["fgr"]) if "fgr" in got else None
        states = tuple(np.moveaxis(got[f"r{i}o"], 1, -1) for i in range(1, len(rec) + 1))
        return Matte(*cast(tuple[Any, Any, Any], (fgr, by_stream(got["pha"]), states)))

    def _program(self, key: tuple[Any, ...]) -> Program:
        if key not in self._programs:
            self._programs[key] = self._opened(key)
            if len(self._programs) > _KEPT:
                self._programs.popitem(last=False)
        self._programs.move_to_end(key)
        return self._programs[key]

    def _opened(self, key: tuple[Any, ...]) -> Program:
        open_program = PROGRAMS[self._runtime]
        if self._kept and (found := self._kept.find((*key, self._runtime))):
            with suppress(UserError):  # damaged: it is made anew
                return open_program(found, self._threads)
        model = self._model(*key)
        if self._kept:
            self._kept.keep((*key, self._runtime), model)
        return open_program(model, self._threads)

    @cached_property
    def _network(self) -> Any:
        """The folded copy of a MattingNetwork or FrameByFrame, which flax's copy does not say."""
        return self._folded or folded(cast(nnx.Module, self._kept.network if self._kept else None))

    def _model(self, streams: int, frames: int, height: int, width: int, ratio: float, dtype: str) -> bytes:
        """A graph from frames (T·N, H, W, 3), and the states of RVM, to mattes and states."""
        g = Graph(runtime=self._runtime)
        name_layers(g, self._network)
        src = ops.transpose(g, g.input(_CLIP, (frames * streams, height, width, 3), dtype), 0, 3, 1, 2)
        if dtype == "uint8":
            src = ops.div(g, ops.cast(g, src, "float32"), 255.0)
        if not has_state(self._network):
            g.output("pha", emit_frame_by_frame(g, self._network, src, ratio))
            return bytes(g.model({}).SerializeToString())
        shapes = state_shapes(self._network, Form((height, width), ratio, streams))
        rec = tuple(g.input(f"r{i}i", shape) for i, shape in enumerate(shapes, start=1))
        result = emit_rvm(g, self._network, src, rec, ratio, frames)
        if result.fgr is not None:
            g.output("fgr", result.fgr)
        g.output("pha", result.pha)
        for i, state in enumerate(result.rec, start=1):
            g.output(f"r{i}o", state)
        return bytes(g.model({}).SerializeToString())


def _key(clip: Frames, ratio: float) -> tuple[Any, ...]:
    """What a graph is for: streams, frames, height, width, ratio and dtype."""
    return *clip.shape[:4], ratio, "uint8" if clip.dtype == np.uint8 else "float32"
