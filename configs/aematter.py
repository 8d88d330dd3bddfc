"""AEMatter: the image alone, as in the published comparison, or with a trimap, as in its paper (`:trimap`).

    python scripts/train.py --config=configs/aematter.py --workdir=work/aematter

Faces, occluders and the other variants (`:folders`, `:as_published`, `:tiny`) are face_stage1.py's, one frame each.
With a trimap it has the paper's dropout and stochastic depth, without it none, as in the comparison. It starts from
random weights, as there; the paper starts its encoder from Swin's ImageNet file, which
`--config.network.backbone=swin_tiny_patch4_window7_224.pth` reads. The losses are the comparison's L1, Laplacian
pyramid and composition, of the alpha before it is clipped (see `AEMatterResult`); the optimizer is its Adam (0.5,
0.999) on one cosine in place of its restarts, at a tenth of the others' rate.
"""

from ml_collections import ConfigDict

from configs import _defaults, _still


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins "trimap" and any of `_still.VARIANTS` by commas."""
    chosen = _defaults.variants(arg, ("trimap", *_still.VARIANTS))
    trimap = "trimap" in chosen
    network = {
        "name": "aematter_trimap" if trimap else "aematter",
        "preparation": "original" if trimap else "published",
        "regularised": trimap,
    }
    return _still.recipe(chosen, network, loss="picture", rate=1e-4)
