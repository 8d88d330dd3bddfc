"""Stage 1 of the face-matting fork of RVM: alpha of the visible face, 4 frames of 512², batch 16.

    python scripts/train.py --config=configs/face_stage1.py --workdir=work/stage1 \
        --config.network.backbone=mobilenet_v3_large-8738ca79.pth

The published recipe by its documented intent: Adam, rates 1e-4 for the encoder and 2e-4 for the rest, alpha losses
over all pixels, ImageNet encoder, 20 epochs. One published epoch showed each of its 24,602 faces 4 times; here an epoch
shows each once, so there are 80. The published pipeline's bugs are fixed (docs/techniques.md); `:as_published`
follows them where they are choices: a quarter of the clips occluded, hardly any motion, the canvas off its centre.

Faces are CelebAMask-HQ with the NatOcc project's corrected masks and list of unoccluded faces; occluders SIM, HIU-DMTL
and AM-2k in the published shares, and random shapes with DTD's textures (docs/data.md). Variants, joined by commas:

    :folders       your own: datasets/{faces,occluders,textures}, pictures beside their masks
    :as_published  see above
    :tiny          embedded data and a few small steps, for tests
"""

from typing import Any

from ml_collections import ConfigDict

from configs import _defaults

VARIANTS = ("folders", "as_published", "tiny")
# Of the encoder, and of the rest but the refiner, which an alpha at full size does not go through.
RATES = (("backbone.*", 1e-4), ("(aspp|decoder|project_mat|project_seg).*", 2e-4), (".*", None))


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins any of `VARIANTS` by commas."""
    return recipe(_defaults.variants(arg, VARIANTS))


def recipe(chosen: frozenset[str]) -> ConfigDict:
    """Returns the recipe in some of `VARIANTS`."""
    config = ConfigDict()
    config.network = _defaults.network()
    config.data = {
        "faces": _faces(),
        "occluders": _occluders(),
        "textures": {"main": {"name": "dtd", "root": "datasets/dtd"}},
        "techniques": _techniques("published" if "as_published" in chosen else "repaired"),
        "resolution": 512,
        "seq_length": 4,
        "trimap": False,
        "seed": 0,
        "workers": 8,
        "max_bad_share": 0.05,
    }
    config.train = _defaults.train(epochs=80, batch_size=16)
    config.optimizer = _defaults.optimizer(RATES)
    config.eval = {"every": 2000, "num_clips": 64, "batch_size": 16}
    config.log = _defaults.log(pictures_every=500)
    if "folders" in chosen:
        use_folders(config)
    if "tiny" in chosen:
        make_tiny(config)
    return config


def use_folders(config: ConfigDict) -> None:
    """Takes the user's own folders in place of the datasets."""
    for kind in ("faces", "occluders", "textures"):
        config.data[kind] = ConfigDict({"main": {"name": "folder", "root": f"datasets/{kind}", "weight": 1.0}})
    config.data.max_bad_share = 0.5


def make_tiny(config: ConfigDict) -> None:
    """Takes embedded data and four steps of two clips of 64² (the Laplacian pyramid needs 64)."""
    for kind in ("faces", "occluders"):
        config.data[kind] = ConfigDict({"main": {"name": "drawn", "max_items": 100, "weight": 1.0}})
    config.data.textures = ConfigDict()
    config.data.update({"resolution": 64, "seq_length": 2, "workers": 0})
    config.train.update({"steps": 4, "batch_size": 2, "checkpoint_every": 2})
    config.eval.update({"every": 4, "num_clips": 2, "batch_size": 2})
    config.log.update({"every": 1, "pictures_every": 0})


def _faces() -> dict[str, Any]:
    return {
        "main": {
            "name": "celebamask_hq",
            "root": "datasets/CelebAMask-HQ",
            "masks": "CelebAMask-HQ-masks_corrected",
            "split": "CelebAMask-HQ-WO-train.txt",
            "weight": 1.0,
        }
    }


def _occluders() -> dict[str, Any]:
    # The published lists, drawn from uniformly: about 726 of SIM, 200 of HIU-DMTL, 1,000 of AM-2k (200 random shapes).
    return {
        "sim": {"name": "sim", "root": "datasets/SIMD", "weight": 726.0},
        "hiu": {"name": "hiu_dmtl", "root": "datasets/hiu_dmtl", "max_items": 200, "weight": 200.0},
        "am2k": {"name": "am2k", "root": "datasets/AM-2k", "max_items": 1000, "weight": 1000.0},
    }


def _techniques(preset: str) -> dict[str, Any]:
    occlusion = 0.25 if preset == "published" else 0.8
    return {
        "published": {"name": "published", "preset": preset, "weight": 1926.0, "occlusion": occlusion},
        "randocc": {"name": "randocc", "weight": 200.0, "occlusion": occlusion},
    }
