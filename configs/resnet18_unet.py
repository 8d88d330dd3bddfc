"""The published comparison's "ResNet18": a U-Net that sees the image alone.

    python scripts/train.py --config=configs/resnet18_unet.py --workdir=work/resnet18_unet \
        --config.network.backbone=resnet18-f37072fd.pth

Faces, occluders and variants (`:folders`, `:as_published`, `:tiny`) are face_stage1.py's, one frame each. The file is
torchvision's ImageNet encoder, as in the comparison. L1, Laplacian pyramid and composition loss and Adam (0.5, 0.999)
are the comparison's; the schedule is one cosine in place of its restarts.
"""

from ml_collections import ConfigDict

from configs import _defaults, _still


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins any of `_still.VARIANTS` by commas."""
    return _still.recipe(
        _defaults.variants(arg, _still.VARIANTS), {"name": "resnet18_unet", "preparation": "published"}, loss="picture"
    )
