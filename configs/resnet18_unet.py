"""The published comparison's "ResNet18": a U-Net that sees the image alone.

    python scripts/train.py --config=configs/resnet18_unet.py --workdir=work/resnet18_unet \
        --config.network.backbone=resnet18-f37072fd.pth

Faces, occluders and variants (`:folders`, `:as_published`, `:tiny`) are face_stage1.py's, one frame each. The file is
torchvision's ImageNet encoder, as in the comparison. The losses are its L1, Laplacian pyramid and composition; the
schedule is one cosine in place of its restarts, and Adam's first beta 0.9 in place of 0.5.
"""

from ml_collections import ConfigDict

from configs import _still

PARTS = ("encoder", "decoder", "segmentation_head")


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins any of `_still.VARIANTS` by commas."""
    return _still.recipe(arg, {"name": "resnet18_unet", "preparation": "published"}, PARTS, loss="picture")
