"""Which occlusion technique trains the best matte: one bare start, equal updates, many seeds; see docs/study.md.

    python scripts/study.py --config=configs/study.py --workdir=work/study --phase=pilot --real_faces=real_faces
    python scripts/study.py --config=configs/study.py --workdir=work/study --phase=main --real_faces=real_faces
    python scripts/study.py --config=configs/study.py --workdir=work/study --phase=leave_out --real_faces=real_faces
    python scripts/study.py --config=configs/study.py --workdir=work/study --phase=networks --real_faces=real_faces
    python scripts/study.py --config=configs/study.py --workdir=work/study --phase=tables

The default is for some two hours of two idle cores. Variants: `:hour`, the smallest form, for what a shared
core has left in an hour; `:gpu`, the same question at 256²; `:tiny`, a rehearsal for tests.
"""

from typing import Any

from ml_collections import ConfigDict

from configs import _defaults, five_networks
from rvm_jax.errors import UserError

_DRAWN = {"name": "drawn", "max_items": 2000, "surfaces": 0.75, "seed": 0}
PASTED = ("published", "natocc", "randocc", "faceocc", "matting")


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` is "", or one of hour, gpu and tiny."""
    chosen = _defaults.variants(arg, ("hour", "gpu", "tiny"))
    if len(chosen) > 1:
        raise UserError(f"configs/study.py:{arg}: give one variant, hour, gpu or tiny")
    config = ConfigDict()
    config.network = _defaults.network()
    config.data = {"resolution": 96, "seq_length": 2, "trimap": False, "seed": 0, "workers": 0, "max_bad_share": 0.05}
    config.train = _defaults.train(steps=150, batch_size=8, checkpoint_every=150, keep_checkpoints=1)
    config.optimizer = _defaults.optimizer(((".*", 1e-3),), schedule="cosine", warmup_steps=20, clip_norm=1.0)
    config.eval = {"every": 10**9, "num_clips": 8, "batch_size": 8}
    config.log = _defaults.log()
    config.study = _study()
    if "hour" in chosen:
        _make_short(config)
    if "gpu" in chosen:
        _make_large(config)
    if "tiny" in chosen:
        _make_tiny(config)
    return config


def _study() -> dict[str, Any]:
    single = {name: {"techniques": (name,), "in_depth": False} for name in PASTED}
    both = {f"people_{name}": {"techniques": (name,), "in_depth": True} for name in PASTED}
    contenders = {
        "none": {"techniques": (), "in_depth": False},
        **single,
        "people": {"techniques": (), "in_depth": True},
        **both,
        "all": {"techniques": PASTED, "in_depth": True},
    }
    # people_natocc without one thing each; without depth it is natocc, without pasting people.
    whole = both["people_natocc"]
    left_out = {
        "without_soft_edge": {**whole, "options": {"edges": False}},
        "without_colour_transfer": {**whole, "options": {"colour_transfer": 0.0}},
        "without_motion": {**whole, "options": {"visits": 0.0, "motion_span": (10**9, 10**9)}},
        "without_shadows": {**whole, "traits": {"shadows": False}},
        "without_hands": {**whole, "traits": {"hands": 0.0}},  # in depth, where what is worn is left
    }
    return {
        "contenders": {**contenders, **left_out},
        "share": 0.6,  # of the clips that have an occluder
        # What all contenders start from: a network that learns bare faces; with 0 steps network.start_from itself.
        # Its seed is no contender's: they have 0, 1, 2, … without it.
        "start": {"steps": 3000, "batch_size": 8, "rate": 2e-3, "warmup_steps": 50, "seed": 5},
        "pilot": {"contenders": ("none", "natocc", "people"), "seeds": 3},
        "main": {"contenders": tuple(contenders), "seeds": 5},
        "leave_out": {"contenders": ("people_natocc", *left_out, "natocc", "people"), "seeds": 5},
        # The networks of the published table, from nothing, for some three minutes of one core each, on one technique.
        "networks": {"contenders": ("people_natocc",), "seeds": 2, "of": _networks()},
        # Rendered or drawn once. What is pasted is what people in depth have before them: hands and things.
        "people": {"max_items": 1000, "frames": 8, "seed": 0},
        "occluders": {"name": "people", "max_items": 2000, "seed": 0},
        "textures": {"name": "surfaces", "max_items": 500, "seed": 0},
        "test": {
            "pictures": 24,  # of each kind that is pasted
            "clips": 12,  # of each kind, pasted and in depth
            "frames": 12,
            "held": 3,  # frames that a picture is held for
            # What no contender has seen is before rendered faces, too: smoke, nets, drawn hands and things.
            "occluders": dict(_DRAWN),
            "real_every": 1,  # picture or clip of the real faces that is measured
            "seed": 0,
        },
    }


def _networks() -> dict[str, Any]:
    """Returns each network's settings, loss and rate, as configs/five_networks.py has them, and its steps.

    RVM sees the contenders' clips of two frames, the others as many single frames a step.
    """
    steps = {"rvm": 290, "resnet18_unet": 180, "mgmatting": 88, "aematter": 36, "modnet": 175}
    found = {}
    for name, network in five_networks.NETWORKS.items():
        how = {"settings": network.settings, "loss": network.loss, "rate": network.rate, "steps": steps[name]}
        found[name] = how | (
            {"seq_length": 2, "batch_size": 8} if name == "rvm" else {"seq_length": 1, "batch_size": 16}
        )
    return found


def _make_short(config: ConfigDict) -> None:
    config.data.resolution = 64
    # No time for a start of its own. At one rate, with averaged weights, all trainings are one program to compile.
    config.network.start_from = "face"
    config.train.update({"steps": 30, "batch_size": 4, "checkpoint_every": 30, "average_decay": 0.95})
    config.optimizer.update({"schedule": "constant", "warmup_steps": 10})
    study = config.study
    study.start.steps = 0
    study.people.update({"max_items": 120, "frames": 4})
    # This form has been run, with drawn occluders alone.
    study.occluders = ConfigDict(_DRAWN | {"max_items": 200})
    del study.test.occluders
    study.textures.max_items = 60
    study.main.contenders = study.pilot.contenders
    study.test.update({"pictures": 4, "clips": 3, "real_every": 3})


def _make_large(config: ConfigDict) -> None:
    config.data.update({"resolution": 256, "seq_length": 6, "workers": 8})
    config.train.update({"steps": 4000, "batch_size": 16, "checkpoint_every": 1000, "precision": "bfloat16"})
    config.optimizer.warmup_steps = 100
    config.study.start.update({"steps": 20_000, "batch_size": 16})
    config.study.people.update({"max_items": 4000, "frames": 16})
    config.study.test.update({"pictures": 100, "clips": 40, "frames": 24})


def _make_tiny(config: ConfigDict) -> None:
    config.data.resolution = 64
    config.train.update({"steps": 3, "batch_size": 2, "checkpoint_every": 3})
    config.optimizer.warmup_steps = 1
    study = config.study
    study.start.update({"steps": 3, "batch_size": 2, "warmup_steps": 1})
    study.people.update({"max_items": 2, "frames": 2})
    study.occluders.max_items, study.textures.max_items = 4, 2
    study.pilot.update({"contenders": ("none", "people"), "seeds": 2})
    study.main.update({"contenders": ("none", "people", "all"), "seeds": 2})
    study.networks.of = ConfigDict(
        {name: study.networks.of[name].to_dict() | {"steps": 2, "batch_size": 2} for name in ("rvm", "resnet18_unet")}
    )
    study.test.update({"pictures": 1, "clips": 1, "frames": 4})
