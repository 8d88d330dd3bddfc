"""AEMatter: the image alone, as in the published comparison, or with a trimap, as in its paper (`:trimap`).

    python scripts/train.py --config=configs/aematter.py --workdir=work/aematter

Faces, occluders and the other variants (`:folders`, `:as_published`, `:tiny`) are face_stage1.py's, one frame each.
With a trimap it has the paper's dropout and stochastic depth, without it none, as in the comparison. It starts from
random weights, as there; the paper starts its encoder from Swin's ImageNet file, which
`--config.network.backbone=swin_tiny_patch4_window7_224.pth` reads. The losses are the comparison's L1, Laplacian
pyramid and composition, of the alpha before it is clipped (see `AEMatterResult`); the schedule is one cosine in place
of its restarts, the rate a tenth of the others', and Adam's first beta 0.9.
"""

from ml_collections import ConfigDict

from configs import _still

PARTS = (
    *("start_conv0", "start_conv", "trans", "apptrans", "emb", "embdp", "h2l", "trans1", "trans2", "trans3"),
    *("conv1", "conv2", "conv3", "conv4", "conv5", "convo", "ctran0", "ctran1", "ctran2", "ctran3"),
)


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins "trimap" and any of `_still.VARIANTS` by commas."""
    chosen = set(arg.split(",")) - {""}
    trimap = "trimap" in chosen
    network = {
        "name": "aematter_trimap" if trimap else "aematter",
        "preparation": "original" if trimap else "published",
        "regularised": trimap,
    }
    config = _still.recipe(",".join(sorted(chosen - {"trimap"})), network, PARTS, loss="picture")
    config.optimizer.rates = ConfigDict(dict.fromkeys(PARTS, 1e-4))
    return config
