"""RVM's third stage: after each low-resolution step one at 2048² through the deep guided filter, which learns here.

    python scripts/train.py --config=configs/rvm_stage3.py --workdir=work/rvm3 --config.network.start_from=work/rvm2

Low resolution: 40 frames of 512²; high resolution: 6 frames of 2048² at ratio 0.25, cropped to 1024 and more; rates
1e-5, the refiner's 2e-4; one epoch. Everything else is as in rvm_stage1.py; the high-resolution clips are of
VideoMatte240K's HD set.
"""

from ml_collections import ConfigDict

from configs import _rvm

RATES = (("(backbone|aspp|decoder|project_mat|project_seg).*", 1e-5), (".*", 2e-4))


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` is "" or "tiny"."""
    return _rvm.recipe(arg, epochs=1, seq_length=40, rates=RATES, high_resolution=True)
