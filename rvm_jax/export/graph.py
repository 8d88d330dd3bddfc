"""A small builder of ONNX graphs: names values, tracks their shapes, keeps each constant once, drops what nothing uses.

Maps are (B, C, H, W). A dimension is an int where it is known, a name where the caller names it, else None.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from rvm_jax.version import __version__

Dim = int | str | None
Attribute = int | float | str | Sequence[int] | Sequence[float] | onnx.GraphProto

# The IR version that came with each operator set, so that runtimes as old as the set read the file.
IR_VERSIONS = {13: 7, 18: 8}
OPSET = 18


@dataclass(frozen=True)
class Value:
    """Describes what a node gives: its name in the graph, its shape, and its NumPy dtype's name."""

    name: str
    shape: tuple[Dim, ...]
    dtype: str = "float32"

    @property
    def channels(self) -> int:
        """Returns the channels of a map (B, C, H, W)."""
        channels = self.shape[1]
        assert isinstance(channels, int)
        return channels

    @property
    def sides(self) -> tuple[Dim, Dim]:
        """Returns height and width of a map (B, C, H, W)."""
        return self.shape[2], self.shape[3]


class Graph:
    """Holds nodes in the order in which they were added, and their constants.

    Args:
        opset: the operator set, 18, or 13 for programs that stopped there.
        dtype: what convolutions compute in, "float32" or "float16".
        runtime: whose kernels emitters arrange it for, "onnxruntime" or "openvino".
    """

    def __init__(self, opset: int = OPSET, dtype: str = "float32", runtime: str = "onnxruntime"):
        self.opset, self.dtype, self.runtime = opset, dtype, runtime
        self.paths: dict[int, str] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, np.ndarray] = {}
        self._known: dict[tuple[str, tuple[int, ...], bytes], Value] = {}
        self._shapes: dict[tuple[str, int, int], Value] = {}
        self._taken: set[str] = set()
        self._inputs: list[Value] = []
        self._outputs: list[tuple[str, str]] = []
        self._output_values: list[Value] = []
        self._scope = ""

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Names what is added inside after the module that it comes from."""
        outer, self._scope = self._scope, name or self._scope
        try:
            yield
        finally:
            self._scope = outer

    @contextmanager
    def precision(self, dtype: str) -> Iterator[None]:
        """Convolutions that are added inside compute in `dtype`."""
        outer, self.dtype = self.dtype, dtype
        try:
            yield
        finally:
            self.dtype = outer

    def input(self, name: str, shape: Sequence[Dim], dtype: str = "float32") -> Value:
        """Declares an input of the model."""
        self._taken.add(name)
        value = Value(name, tuple(shape), dtype)
        self._inputs.append(value)
        return value

    def output(self, name: str, value: Value, shape: Sequence[Dim] | None = None) -> None:
        """Declares a value as the output `name`; `shape` names dimensions that are not known."""
        self._taken.add(name)
        self._outputs.append((name, value.name))
        self._output_values.append(Value(name, tuple(value.shape if shape is None else shape), value.dtype))

    def constant(self, array: np.ndarray | Sequence[int] | Sequence[float], name: str = "constant") -> Value:
        """Returns a constant; equal ones are one. Python's ints are int64."""
        array = np.ascontiguousarray(array)
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self._known:
            own = self.unique(name)
            self._constants[own] = array
            self._known[key] = Value(own, array.shape, array.dtype.name)
        return self._known[key]

    def scalar(self, value: float, dtype: str) -> Value:
        """Returns a constant without axes."""
        return self.constant(np.asarray(value, dtype))

    def array(self, value: Value) -> np.ndarray | None:
        """Returns what a constant holds; None for what is computed."""
        return self._constants.get(value.name)

    def node(
        self,
        op: str,
        inputs: Sequence[Value | None],
        shape: Sequence[Dim],
        dtype: str | None = None,
        **attributes: Attribute,
    ) -> Value:
        """Adds a node with one result and returns it; None is an optional input that is left out."""
        return self.nodes(op, inputs, [shape], dtype, **attributes)[0]

    def nodes(
        self,
        op: str,
        inputs: Sequence[Value | None],
        shapes: Sequence[Sequence[Dim]],
        dtype: str | None = None,
        **attributes: Attribute,
    ) -> list[Value]:
        """Adds a node with several results. They are of the first input's dtype unless `dtype` says another."""
        if dtype is None:
            first = inputs[0]
            assert first is not None
            dtype = first.dtype
        name = self.unique(f"{self._scope}/{op}" if self._scope else op)
        results = [Value(name if i == 0 else self.unique(f"{name}.{i}"), tuple(s), dtype) for i, s in enumerate(shapes)]
        names = ["" if value is None else value.name for value in inputs]
        self._nodes.append(
            helper.make_node(op, names, [value.name for value in results], name, **dict[str, Any](attributes))
        )
        return results

    def branch(self) -> "Graph":
        """Returns a graph for one side of an `If`; it sees this one's values and shares its constants."""
        inner = Graph(self.opset, self.dtype, self.runtime)
        for shared in ("paths", "_constants", "_known", "_taken"):
            setattr(inner, shared, getattr(self, shared))
        inner._scope = self._scope
        return inner

    def body(self, name: str) -> onnx.GraphProto:
        """Returns a branch as an attribute of `If`."""
        self._end_in_outputs()
        return helper.make_graph(self._nodes, name, [], [_described(value, bare=True) for value in self._output_values])

    def model(self, metadata: dict[str, str]) -> onnx.ModelProto:
        """Returns the finished, checked model; `metadata` becomes its properties."""
        self._end_in_outputs()
        nodes, used = _reachable(self._nodes, {name for name, _ in self._outputs})
        graph = helper.make_graph(
            nodes,
            "rvm_jax",
            [_described(value) for value in self._inputs],
            [_described(value) for value in self._output_values],
            [numpy_helper.from_array(array, name) for name, array in self._constants.items() if name in used],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", self.opset)],
            producer_name="rvm_jax",
            producer_version=__version__,
        )
        model.ir_version = IR_VERSIONS[self.opset]
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model)
        return model

    def _end_in_outputs(self) -> None:
        """Gives results that are outputs their names; what is no node's own result, or is two outputs, is copied."""
        own = {name for node in self._nodes for name in node.output}
        renamed: dict[str, str] = {}
        for name, source in self._outputs:
            if source in own and source not in renamed:
                renamed[source] = name
            else:
                self._nodes.append(helper.make_node("Identity", [source], [name], name=f"{name}/Identity"))
        for node in self._nodes:
            _rename(node, renamed)

    def unique(self, name: str) -> str:
        """Returns a name that nothing has yet, made from this one."""
        candidate, count = name, 1
        while candidate in self._taken:
            count += 1
            candidate = f"{name}_{count}"
        self._taken.add(candidate)
        return candidate


def _described(value: Value, bare: bool = False) -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
    return helper.make_tensor_value_info(value.name, kind, None if bare else list(value.shape))


def _reachable(nodes: list[onnx.NodeProto], wanted: set[str]) -> tuple[list[onnx.NodeProto], set[str]]:
    """The nodes that outputs depend on, in order, and the names that these use."""
    used, kept = set(wanted), []
    for node in reversed(nodes):
        if used.intersection(node.output):
            kept.append(node)
            used.update(_reads(node))
    return kept[::-1], used


def _reads(node: onnx.NodeProto) -> Iterable[str]:
    yield from node.input
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            for inner in attribute.g.node:
                yield from _reads(inner)


def _rename(node: onnx.NodeProto, names: dict[str, str]) -> None:
    node.input[:] = [names.get(name, name) for name in node.input]
    node.output[:] = [names.get(name, name) for name in node.output]
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            for inner in attribute.g.node:
                _rename(inner, names)
