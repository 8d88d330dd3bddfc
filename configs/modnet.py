"""MODNet: the image alone, with its semantic and detail terms, and trimaps for these.

    python scripts/train.py --config=configs/modnet.py --workdir=work/modnet \
        --config.network.backbone=mobilenetv2_human_seg.ckpt

Faces, occluders and variants (`:folders`, `:as_published`, `:tiny`) are face_stage1.py's, one frame each. The file is
the authors' MobileNetV2, trained on human segmentation. The losses and Adam (0.5, 0.999) are the published
comparison's; the schedule is one cosine in place of its restarts.
"""

from ml_collections import ConfigDict

from configs import _defaults, _still


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins any of `_still.VARIANTS` by commas."""
    return _still.recipe(
        _defaults.variants(arg, _still.VARIANTS), {"name": "modnet", "preparation": "published"}, loss="modnet"
    )
