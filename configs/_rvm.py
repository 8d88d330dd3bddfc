"""What RVM's four stages have in common (Lin et al. 2021, section 5, and its published training code's settings)."""

from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from configs import _defaults

# In place of every height and width from 256 to 511: each size compiles once.
_CROPS = ((256, 256), (288, 448), (448, 288), (352, 352), (384, 480), (480, 384))
_SAMPLES = Path(__file__).resolve().parents[1] / "docs" / "samples"


def recipe(
    arg: str,
    *,
    epochs: int,
    seq_length: int,
    rates: _defaults.Rates,
    high_resolution: bool = False,
    stills: bool = False,
) -> ConfigDict:
    """Returns a stage's recipe.

    Args:
        arg: "" or "tiny".
        epochs: how often each foreground is shown.
        seq_length: frames of the low-resolution clips.
        rates: patterns of parameters' names and their learning rates.
        high_resolution: whether a step has the phase at 2048², too.
        stills: whether foregrounds are ImageMatte's pictures in place of VideoMatte240K's clips.

    Raises:
        UserError: if there is no such variant.
    """
    chosen = _defaults.variants(arg, ("tiny",))
    config = ConfigDict()
    config.network = _defaults.network(foreground=True)
    config.data = {
        "foregrounds": {"main": _foregrounds(stills, "SD")},
        "backgrounds": {
            "videos": {"name": "background_videos", "root": "datasets/background_videos", "weight": 0.5},
            "pictures": {"name": "background_images", "root": "datasets/background_images", "weight": 0.5},
        },
        "techniques": {"main": {"name": "rvm", "preset": "imagematte" if stills else "videomatte"}},
        "valid": {"techniques": {"main": {"name": "rvm", "preset": "still"}}},
        "resolution": 512,
        "seq_length": seq_length,
        "trimap": False,
        "seed": 0,
        "workers": 8,
        "max_bad_share": 0.05,
    }
    phases: dict[str, Any] = {}
    if high_resolution:
        phases["high"] = {
            "loss": "matting",
            "downsample_ratio": 0.25,
            "batch_size": 4,
            "crop_sizes": tuple((4 * height, 4 * width) for height, width in _CROPS),
            "data": {"foregrounds": {"main": _foregrounds(stills, "HD")}, "resolution": 2048, "seq_length": 6},
        }
    config.train = _defaults.train(
        epochs=epochs,
        batch_size=4,
        loss="matting",
        crop_sizes=_CROPS,
        phases=phases | _segmentation(seq_length),
        keep_best="valid/mad",
    )
    config.optimizer = _defaults.optimizer(rates)
    config.eval = {"every": 2000, "num_clips": 16, "batch_size": 4}
    config.log = _defaults.log(pictures_every=500)
    if "tiny" in chosen:
        _make_tiny(config)
    return config


def _segmentation(seq_length: int) -> dict[str, Any]:
    """Returns the phases of segmentation: clips in the odd steps, pictures in the even ones.

    There are as many pictures as a batch of clips has frames.
    """
    # Images of persons, about: the two sets are drawn from as if they were one.
    coco, supervisely = 64_000, 5_700
    return {
        "video": {
            "loss": "segmentation",
            "every": 2,
            "first": 1,
            "batch_size": 4,
            "crop_sizes": _CROPS,
            "data": {
                "techniques": {"main": {"name": "segmentation", "preset": "video"}},
                "segmentation": {"main": {"name": "youtubevis2021", "root": "datasets/youtubevis2021"}},
            },
        },
        "images": {
            "loss": "segmentation",
            "every": 2,
            "first": 2,
            "batch_size": 4 * seq_length,
            "crop_sizes": _CROPS,
            "data": {
                "techniques": {"main": {"name": "segmentation", "preset": "images"}},
                "segmentation": {
                    "coco": {"name": "coco_panoptic", "root": "datasets/coco_panoptic", "weight": coco},
                    "supervisely": {"name": "supervisely", "root": "datasets/supervisely", "weight": supervisely},
                },
                "seq_length": 1,
            },
        },
    }


def _foregrounds(stills: bool, quality: str) -> dict[str, Any]:
    if stills:
        return {"name": "imagematte", "root": "datasets/imagematte"}
    return {"name": "videomatte240k", "root": f"datasets/VideoMatte240K_JPEG_{quality}"}


def _make_tiny(config: ConfigDict) -> None:
    """Takes the checkout's few sample pictures, and four steps of two clips of 64² (the Laplacian pyramid needs 64)."""
    person = {"name": "folder", "root": str(_SAMPLES / "faces")}
    config.data.foregrounds = ConfigDict({"main": person})
    config.data.backgrounds = ConfigDict({"main": {"name": "background_images", "root": str(_SAMPLES / "textures")}})
    config.data.update({"resolution": 64, "seq_length": 2, "workers": 0})
    config.train.update({"steps": 4, "batch_size": 2, "crop_sizes": ((64, 64),), "checkpoint_every": 2})
    for name, section in config.train.phases.items():
        section.update({"batch_size": 2, "crop_sizes": ()})
        if name == "high":
            section.update({"downsample_ratio": 0.5, "crop_sizes": ((128, 128),)})
            section.data.update({"foregrounds": ConfigDict({"main": person}), "resolution": 128, "seq_length": 2})
        else:
            section.data.segmentation = ConfigDict({"main": person})
    config.eval.update({"every": 4, "num_clips": 2, "batch_size": 2})
    config.log.update({"every": 1, "pictures_every": 0})
