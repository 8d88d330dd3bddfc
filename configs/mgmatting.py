"""MGMatting: the image alone, as in the published comparison, or with a coarse mask, as in its paper (`:guided`).

    python scripts/train.py --config=configs/mgmatting.py --workdir=work/mgmatting

Faces, occluders and the other variants (`:folders`, `:as_published`, `:tiny`) are face_stage1.py's, one frame each.
Masks are made of the true alpha and perturbed at random. The loss runs over all three scales with the paper's weights;
the optimizer is the comparison's Adam (0.5, 0.999) on one cosine in place of its restarts.
"""

from ml_collections import ConfigDict

from configs import _defaults, _still


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins "guided" and any of `_still.VARIANTS` by commas."""
    chosen = _defaults.variants(arg, ("guided", *_still.VARIANTS))
    guided = "guided" in chosen
    network = {
        "name": "mgmatting_guided" if guided else "mgmatting",
        "preparation": "original" if guided else "published",
    }
    return _still.recipe(chosen, network, loss="mgmatting")
