"""Drawn faces or rendered people: a network for each, of equal budget, and people with one trait left out at a time.

    python scripts/study_faces.py --config=configs/people_or_drawn.py --faces=real_faces --workdir=work/people_or_drawn

Every network starts from nothing; techniques and occluders are the same for all. Each contender's faces are rendered
once, as many frames of each, and read by all its seeds. A variant for each contender, joined by commas, chooses some:

    :drawn               faces drawn in two dimensions, each frame another
    :people              clips of people, with everything
    :without_hands       the same people without hands (and what they hold),
    :without_shadows     without the shadows of the key light,
    :without_camera      with neither the scene's lens, motion blur and noise nor the technique's camera,
    :without_hair        bald and shaven
    :short               64², 400 steps, little data, 2 seeds, 1 where a trait is left out: half an hour of one core
    :tiny                a few steps, for tests

Without `short` each has 700 steps at 128², 17 minutes of one core; drawn and people have 3 seeds, the others 1.
`--config.study.contenders.drawn.seeds=2` is how often one is trained.
"""

from typing import Any

from ml_collections import ConfigDict

from configs import _defaults

_LEFT_OUT: dict[str, dict[str, Any]] = {
    "without_hands": {"hands": 0.0},
    "without_shadows": {"shadows": False},
    "without_camera": {"camera": False},
    "without_hair": {"hair": False},
}
_NAMES = ("drawn", "people", *_LEFT_OUT)
_SIZES = {
    "full": {"side": 128, "frames": 3, "batch": 6, "steps": 700, "clips": 600, "length": 8, "seeds": 3, "others": 1},
    "short": {"side": 64, "frames": 2, "batch": 4, "steps": 400, "clips": 60, "length": 4, "seeds": 2, "others": 1},
    "tiny": {"side": 64, "frames": 2, "batch": 2, "steps": 2, "clips": 2, "length": 2, "seeds": 1, "others": 1},
}


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins names of contenders, all where there are none, and short or tiny."""
    chosen = _defaults.variants(arg, (*_NAMES, "short", "tiny"))
    sizes = _SIZES["tiny" if "tiny" in chosen else "short" if "short" in chosen else "full"]
    config = ConfigDict()
    config.network = _defaults.network()
    config.data = _defaults.embedded_data({}, resolution=sizes["side"], seq_length=sizes["frames"])
    config.data.occluders = {"drawn": {"name": "drawn", "surfaces": 0.5, "max_items": sizes["clips"]}}
    config.data.techniques = _techniques(camera=0.5)
    config.train = _defaults.train(
        steps=sizes["steps"], batch_size=sizes["batch"], checkpoint_every=100, keep_checkpoints=1, average_decay=0.98
    )
    config.optimizer = _defaults.optimizer(
        ((".*", 2e-3),), schedule="cosine", warmup_steps=min(20, sizes["steps"] // 2), clip_norm=1.0
    )
    config.eval = {"every": sizes["steps"]}
    config.log = _defaults.log()
    contenders = {name: _contender(name, sizes) for name in _NAMES if name in chosen or not chosen & set(_NAMES)}
    config.study = {"contenders": contenders}
    return config


def _contender(name: str, sizes: dict[str, int]) -> dict[str, Any]:
    """Returns how often it is trained, and what it has in place of the common `data`."""
    if name == "drawn":
        faces = {"name": "drawn", "surfaces": 0.5, "max_items": sizes["clips"] * sizes["length"]}
        return {"seeds": sizes["seeds"], "faces": {"main": faces}}
    left_out = _LEFT_OUT.get(name, {})
    people = {"name": "people", "max_items": sizes["clips"], "frames": sizes["length"], **left_out}
    contender = {"seeds": sizes["others"] if left_out else sizes["seeds"], "faces": {"main": people}}
    return contender | ({"techniques": _techniques(camera=0.0)} if name == "without_camera" else {})


def _techniques(camera: float) -> dict[str, Any]:
    common = {"weight": 1.0, "occlusion": 0.6, "camera": {"probability": camera}}
    return {"published": {"name": "published", "preset": "repaired", **common}, "natocc": {"name": "natocc", **common}}
