"""Networks for other programs: ONNX files, StableHLO, and ONNX Runtime as an engine."""

from rvm_jax.export.onnx_file import Exported, export_onnx

__all__ = ["Exported", "export_onnx"]
