"""RVM's first stage (Lin et al. 2021, section 5.2): foreground and alpha at low resolution, clips of 15 frames.

    python scripts/train.py --config=configs/rvm_stage1.py --workdir=work/rvm1 \
        --config.network.backbone=mobilenet_v3_large-8738ca79.pth

The published training: VideoMatte240K over background videos and pictures, 512² randomly cropped to 256 and more, Adam
with rates 1e-4 for the encoder and 2e-4 for the rest, batch 4. After each matting step comes a segmentation step, on
YouTubeVIS clips and on COCO and Supervisely pictures in turns, so that the network keeps to what persons are. Data:
docs/data.md. Later stages start from the former's work directory: rvm_stage2.py, rvm_stage3.py, rvm_stage4.py.

Crops are drawn from a few sizes, not from all: each size compiles once. `:tiny` is embedded data and four small steps.
"""

from ml_collections import ConfigDict

from configs import _rvm

RATES = (
    ("backbone.*", 1e-4),
    ("(aspp|decoder|project_mat|project_seg).*", 2e-4),
    (".*", None),
)  # the refiner learns later


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` is "" or "tiny"."""
    return _rvm.recipe(arg, epochs=20, seq_length=15, rates=RATES)
