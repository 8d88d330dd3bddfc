"""MGMatting: the image alone, as in the published comparison, or with a coarse mask, as in its paper (`:guided`).

    python scripts/train.py --config=configs/mgmatting.py --workdir=work/mgmatting

Faces, occluders and the other variants (`:folders`, `:as_published`, `:tiny`) are face_stage1.py's, one frame each.
Masks are made of the true alpha and spoilt at random. The loss runs over all three scales with the paper's weights; the
schedule is one cosine, and Adam's first beta 0.9.
"""

from ml_collections import ConfigDict

from configs import _still

PARTS = ("encoder", "aspp", "decoder")


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins "guided" and any of `_still.VARIANTS` by commas."""
    chosen = set(arg.split(",")) - {""}
    guided = "guided" in chosen
    network = {
        "name": "mgmatting_guided" if guided else "mgmatting",
        "preparation": "original" if guided else "published",
    }
    return _still.recipe(",".join(sorted(chosen - {"guided"})), network, PARTS, loss="mgmatting")
