"""What the processes that load training data import does not load JAX, and the command's --help neither."""

import subprocess
import sys
from pathlib import Path

import pytest

from rvm_jax import media

ROOT = Path(__file__).resolve().parents[2]
MEDIA = sorted(f"rvm_jax.media.{path.stem}" for path in Path(media.__path__[0]).glob("[!_]*.py"))


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (["rvm_jax"], ["jax", "numpy", "absl"]),
        (["rvm_jax.matting.command"], ["jax", "numpy", "cv2", "av"]),
        (MEDIA, ["jax", "flax"]),
    ],
    ids=["package", "command", "media"],
)
def test_what_an_import_does_not_load(modules: list[str], absent: list[str]) -> None:
    code = f"import sys, {', '.join(modules)}; print([name for name in {absent} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ended.stdout == "[]\n"
