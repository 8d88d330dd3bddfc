"""RVM's fourth stage: image mattes (Distinctions-646 and Adobe's, persons alone) for finer detail.

    python scripts/train.py --config=configs/rvm_stage4.py --workdir=work/rvm4 --config.network.start_from=work/rvm3

As rvm_stage3.py, but the foregrounds are stills that move, the decoder's rate is 5e-5, and there are 5 epochs.
"""

from ml_collections import ConfigDict

from configs import _rvm

RATES = (("(backbone|aspp).*", 1e-5), ("(decoder|project_mat|project_seg).*", 5e-5), (".*", 2e-4))


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` is "" or "tiny"."""
    return _rvm.recipe(arg, epochs=5, seq_length=40, rates=RATES, high_resolution=True, stills=True)
