"""The network that comes with the package: the visible face, from nothing, on rendered and drawn data alone.

    python scripts/prepare_data.py --name=people --split=train --max_items=2000 --resolution=256 --option=frames=16 \
        --output_dir=work/face_data
    python scripts/prepare_data.py --name=people --kind=occluder --split=train --max_items=2500 --resolution=256 \
        --output_dir=work/face_data/things
    python scripts/train.py --config=configs/face.py --workdir=work/face/stage1
    python scripts/train.py --config=configs/face.py:stage2 --workdir=work/face/stage2
    python scripts/train.py --config=configs/face.py:stage3 --workdir=work/face/stage3

Rendering is slower than training reads: people, and hands and things that cover faces, are rendered once, at the last
stage's size, and read by every stage. Each stage starts from the one before (to train the shipped network on, give a
stage --config.network.start_from=face); all resume when they are started again. `:gpu` in place of a number is the same
at 512² for one GPU; `:tiny` (with a stage) a few small steps on little data, for tests.

What it chooses, and why:

- RVM MobileNetV3, alpha only, weights drawn: no dataset's licence, not ImageNet's either.
- Sizes and lengths grow, 96² T 2, 128² T 3, 256² T 8: what a face is can be learned small, where a step costs a tenth;
  edges need the size, and bringing a face back after an occlusion the length. A network of clips of three frames finds
  0.74 of a face (IoU) on the first frame after something hid it for half a second; 1,650 steps more on clips of eight
  bring that to 0.90, at the same size, and cost nothing elsewhere (docs/model_card.md; 0.81 by longer training alone).
- In the last stage seven of ten occluders come and go within a clip.
- Rendered people (3-D hands, hair, wear, shadows; four parts) and drawn ones (three parts) complement each other: in
  pilots of 900 steps the former alone left holes at beards and glasses (IoU 0.79 on bare real faces), the latter alone
  took photographed cups for faces (0.48 behind them).
- Three of five occluders are drawn objects, half of those cups and bowls, mostly with a drink in them, a sixth
  animals; a seventh are rendered hands and things. Coffee in a cup and a cat's head pasted on a face were taken for it,
  and still are, if less (docs/model_card.md).
- Three quarters of the drawn things have surfaces like photographs (`surfaces`), for the same reason, and three in ten
  of these the tone of a skin.
- All techniques are mixed; three of five clips are occluded, on top of what rendered hands and things hide.
- Six of ten clips go through the camera: exposure, balance, noise, defocus, JPEG, H.264.
- Adam at 1.5e-3 without ImageNet's start, gradients clipped at norm 1, and a moving average over about 500 updates,
  which is what is evaluated and shipped: batches are as small as a CPU's memory and patience.
- On a CPU float32, on a GPU (`:gpu`) bfloat16, for speed: half the memory, and several times float32's multiplications.
"""

from ml_collections import ConfigDict

from configs import _defaults

_STAGES = {
    "stage1": {"resolution": 96, "seq_length": 2, "batch_size": 8, "steps": 4000, "rate": 2e-3},
    "stage2": {"resolution": 128, "seq_length": 3, "batch_size": 5, "steps": 8000, "rate": 1.5e-3},
    "stage3": {"resolution": 256, "seq_length": 8, "batch_size": 2, "steps": 8000, "rate": 5e-4},
    "gpu": {"resolution": 512, "seq_length": 12, "batch_size": 8, "steps": 40_000, "rate": 1e-3},
}
_LONG = 8  # frames of a clip from which occluders come and go within it
_TECHNIQUES = {"published": 2.0, "natocc": 2.0, "randocc": 1.5, "faceocc": 0.7, "matting": 0.7}


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins one of stage1 (the default), stage2, stage3 and gpu, and tiny, by commas."""
    chosen = _defaults.variants(arg, (*_STAGES, "tiny"))
    stage = next((name for name in _STAGES if name in chosen), "stage1")
    sizes = _STAGES[stage]
    config = ConfigDict()
    before = {"stage2": "work/face/stage1", "stage3": "work/face/stage2"}
    config.network = _defaults.network(start_from="" if "tiny" in chosen else before.get(stage, ""))
    config.data = _data(int(sizes["resolution"]), int(sizes["seq_length"]), 8 if stage == "gpu" else 1)
    config.train = _defaults.train(
        steps=sizes["steps"],
        batch_size=sizes["batch_size"],
        checkpoint_every=200,
        average_decay=0.998,
        keep_best="valid/mad",
        precision="bfloat16" if stage == "gpu" else "float32",
    )
    config.optimizer = _defaults.optimizer(((".*", sizes["rate"]),), schedule="cosine", warmup_steps=50, clip_norm=1.0)
    config.eval = {"every": 1000, "num_clips": 32, "batch_size": 4}
    config.log = _defaults.log(pictures_every=500)
    if "tiny" in chosen:
        _make_tiny(config)
    return config


def _data(resolution: int, seq_length: int, workers: int) -> dict[str, object]:
    drawn = {"name": "drawn", "surfaces": 0.75, "max_items": 100_000, "weight": 3.0}
    prepared = {"name": "people", "prepared": True}
    people = prepared | {"root": "work/face_data/people", "frames": 16, "weight": 4.0}
    things = prepared | {"root": "work/face_data/things/people", "max_items": 2500, "weight": 0.7}
    objects = drawn | {"include": ["object", "dish", "animal", "mug", "cup"], "weight": 3.0}
    common: dict[str, object] = {"occlusion": 0.6, "camera": {"probability": 0.6}, "motion_blur": 0.15}
    if seq_length >= _LONG:
        common |= {"visits": 0.7, "motion_span": (0, 2 * seq_length)}
    generated = {"drawn": drawn, "people": {"name": "people", "max_items": 100, "frames": 16, "weight": 4.0}}
    return {
        "faces": {"drawn": drawn, "people": people},
        "occluders": {"drawn": drawn | {"weight": 1.0}, "objects": objects, "people": things},
        "textures": {"surfaces": {"name": "surfaces", "max_items": 100_000, "weight": 1.0}},
        "techniques": {name: {"name": name, "weight": weight, **common} for name, weight in _TECHNIQUES.items()},
        # Rendered as they are asked for: a prepared set has one split.
        "valid": {"faces": generated, "occluders": {"drawn": drawn, "objects": objects}},
        "resolution": resolution,
        "seq_length": seq_length,
        "trimap": False,
        "seed": 0,
        "workers": workers,
        "max_bad_share": 0.05,
    }


def _make_tiny(config: ConfigDict) -> None:
    config.data.faces = ConfigDict({"drawn": config.data.faces.drawn.to_dict()})
    config.data.occluders = ConfigDict({"drawn": config.data.occluders.drawn.to_dict()})
    config.data.valid = ConfigDict({"faces": {"drawn": config.data.faces.drawn.to_dict()}})
    config.data.update({"resolution": 64, "seq_length": 2, "workers": 0})
    config.train.update({"steps": 4, "batch_size": 2, "checkpoint_every": 2})
    config.eval.update({"every": 4, "num_clips": 2, "batch_size": 2})
    config.optimizer.warmup_steps = 1
    config.log.update({"every": 1, "pictures_every": 0})
