"""Stage 2 of the face-matting fork of RVM: stage 1's network, now with the losses over the trimap's unknown region.

    python scripts/train.py --config=configs/face_stage2.py --workdir=work/stage2 \
        --config.network.start_from=work/stage1

The published recipe by its documented intent: epochs 20 to 24 (16 of ours, see stage 1), batch 8, trimap-weighted
losses. What the published config computed is `:as_published`: trimaps were left off, so its losses run over all
pixels; its occluder was not pasted onto the face but lies over the whole frame; whether it does was decided once for a
whole batch; and its label, mask minus occluder alpha, was not clipped and reaches -1.

Variants, joined by commas: :folders and :tiny as in stage 1, :as_published.
"""

from ml_collections import ConfigDict

from configs import _defaults, face_stage1


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins any of `face_stage1.VARIANTS` by commas."""
    chosen = _defaults.variants(arg, face_stage1.VARIANTS)
    config = face_stage1.recipe(chosen)
    config.train.update({"epochs": 16, "batch_size": 8})
    config.eval.batch_size = 8
    if "as_published" in chosen:
        options = {"name": "published_stage2", "weight": 1.0, "occlusion": 1.0}
        config.data.techniques = ConfigDict({"published": options})
        config.train.loss = "alpha_composed"
        config.train.batch_occlusion = 0.25  # of the batches have their occluder
    else:
        config.data.trimap = True
        config.train.loss = "trimap"
    if "tiny" in chosen:
        face_stage1.make_tiny(config)
    return config
