"""scripts/train.py, sent a signal when it has taken a batch: killed_run.py SIGNAL NUMBER-OF-THE-BATCH FLAGS…"""

import os
import runpy
import signal
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


def main():
    name, until = sys.argv.pop(1), int(sys.argv.pop(1))
    from rvm_jax.train import loop as training

    global_batch, taken = training.global_batch, []

    def signalling(batch, *layout):
        taken.append(batch)
        if len(taken) == until:
            os.kill(os.getpid(), getattr(signal, name))
        return global_batch(batch, *layout)

    training.global_batch = signalling
    sys.path.insert(0, str(SCRIPTS))
    sys.argv[0] = str(SCRIPTS / "train.py")
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
