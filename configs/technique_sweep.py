"""Which occlusion technique trains the best matte: one small network for each, of equal budget, on one benchmark.

    python scripts/sweep.py --config=configs/technique_sweep.py --workdir=work/sweep

On the embedded data, at a size that two CPU cores finish in half an hour: clips of 2 frames at 64², two seeds. For each
seed a network first learns bare faces; every contender starts from it. `:tiny` is the same in a minute, for tests.
On real data give the sources and the size of a full recipe:

    python scripts/sweep.py --config=configs/technique_sweep.py:full --workdir=work/study
"""

from ml_collections import ConfigDict

from configs import _defaults, face_stage1
from data_pipeline.techniques import TECHNIQUES

_NAMES = [name for name, technique in TECHNIQUES.items() if technique.occludes]


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` is "", "tiny" or "full"."""
    chosen = _defaults.variants(arg, ("tiny", "full"))
    if "full" in chosen:
        config = face_stage1.get_config()
        config.train.update({"steps": 20_000, "keep_checkpoints": 1})
    else:
        config = _small()
    techniques = {name: {"name": name, "occlusion": 0.8} for name in _NAMES}
    config.sweep = {
        # What each contender trains on: a config's `data.techniques`.
        "contenders": {
            "bare": {"main": {"name": "published", "occlusion": 0.0}},
            **{name: {"main": technique} for name, technique in techniques.items()},
            "mixture": {name: {**technique, "weight": 1.0} for name, technique in techniques.items()},
        },
        "start": "bare",  # the contender whose data a network learns before; "" for none, or network.start_from's
        "seeds": 2,
        "benchmark": {"pictures": 32, "clips": 16, "frames": 6, "seed": 0},
    }
    if "tiny" in chosen:
        config.sweep.contenders = {name: config.sweep.contenders[name].to_dict() for name in ("bare", "mixture")}
        config.sweep.update({"seeds": 1})
        config.train.update({"steps": 4, "checkpoint_every": 4})
        config.optimizer.warmup_steps = 1
        config.sweep.benchmark.update({"pictures": 2, "clips": 2, "frames": 2})
    if "full" in chosen:
        config.sweep.start = ""
        config.sweep.benchmark.update({"pictures": 200, "clips": 40, "frames": 24})
    return config


def _small() -> ConfigDict:
    config = ConfigDict()
    config.network = _defaults.network()
    # Each contender has techniques of its own.
    config.data = _defaults.embedded_data({"name": "published"}, resolution=64, seq_length=2)
    config.train = _defaults.train(steps=220, batch_size=4, checkpoint_every=220, keep_checkpoints=1)
    config.optimizer = _defaults.optimizer(((".*", 2e-3),), schedule="cosine", warmup_steps=20)
    config.eval = {"every": 220, "num_clips": 4, "batch_size": 4}
    config.log = _defaults.log()
    return config
