"""Shared by all tests: the CPU as two fake devices, and one compilation cache for all processes."""

import os
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from quick_compilation import QUICK_FLAGS

from rvm_jax.process import configure_process

_CACHE = Path(__file__).resolve().parents[1] / ".jax_cache"
# Set before JAX is imported, and inherited by the processes that tests start.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")
# Most programs of the suite run once or twice, so that what counts is how long they take to compile: RVM's a fifth. For
# the programs that users run: XLA_FLAGS=--xla_force_host_platform_device_count=2 scripts/check.sh
os.environ.setdefault("XLA_FLAGS", f"--xla_force_host_platform_device_count=2 {QUICK_FLAGS}")

# A process with OpenVINO in it, in which XLA has compiled, may end at a SIGTERM that a test sends it, by a segmentation
# fault: the suite does without, and tests/export/test_openvino.py runs what needs it in a process of its own.
if "RVM_JAX_TEST_OPENVINO" not in os.environ:
    sys.modules["openvino"] = cast(Any, None)  # as if it were not installed

# Most of all compiling is done in these, one to a process; begun last, they would leave the other process idle.
_LONGEST = ("test_kernels.py", "test_training_parity.py")


def pytest_configure(config: pytest.Config) -> None:
    configure_process("worker")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in _LONGEST)
