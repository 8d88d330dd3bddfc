"""The memory settings that scripts/train.sh trains with on a CPU."""

import os
import sys
from pathlib import Path

from scripts._checkout import ROOT

_VARIABLE = "GLIBC_TUNABLES"


def keep_memory() -> None:
    """Starts this program again with glibc's settings of scripts/train.sh, which it reads when a process starts.

    Nothing happens with a GPU, where glibc is another C library, or where the environment has settings already.
    """
    if _VARIABLE in os.environ or not sys.platform.startswith("linux") or Path("/dev/nvidia0").exists():
        return
    os.environ[_VARIABLE] = (ROOT / "scripts" / "glibc_tunables").read_text().strip()
    os.execv(sys.executable, sys.orig_argv)
