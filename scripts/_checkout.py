"""Imported first by every script: puts the checkout on the path, since only `rvm_jax` is an installed package."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
