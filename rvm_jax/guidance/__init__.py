"""Masks and trimaps: their values and checks (`values`), as pictures (`numpy_ops`), and on the device (`jax_ops`)."""

from rvm_jax.guidance.numpy_ops import derive, encode, read_guidance
from rvm_jax.guidance.values import BACKGROUND, FOREGROUND, UNKNOWN, check_guidance

__all__ = ["BACKGROUND", "FOREGROUND", "UNKNOWN", "check_guidance", "derive", "encode", "read_guidance"]
