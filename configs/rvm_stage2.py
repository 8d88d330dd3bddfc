"""RVM's second stage: longer clips of 50 frames at half the rates, so that the recurrent state learns to last.

    python scripts/train.py --config=configs/rvm_stage2.py --workdir=work/rvm2 --config.network.start_from=work/rvm1

Everything else is as in rvm_stage1.py. Where the memory does not hold 50 frames, take --config.train.remat=True.
"""

from ml_collections import ConfigDict

from configs import _rvm

RATES = (("backbone.*", 5e-5), ("(aspp|decoder|project_mat|project_seg).*", 1e-4), (".*", None))


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` is "" or "tiny"."""
    return _rvm.recipe(arg, epochs=2, seq_length=50, rates=RATES)
