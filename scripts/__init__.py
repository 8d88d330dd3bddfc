"""The commands. They run from a checkout, whose root scripts/setup.sh puts on the path of `.venv`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
