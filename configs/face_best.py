"""Our own recipe for faces behind occluders: the best that we know how to combine.

    python scripts/train.py --config=configs/face_best.py --workdir=work/best \
        --config.network.start_from=rvm_mobilenetv3.pth

What it changes in face_stage1.py, and why. It follows from what is known of these parts; it has not been trained to its
end here, for want of a GPU and of the datasets.

- It starts from RVM's published weights, whose head is cut to the alpha: the recurrent decoder has then seen 240,000
  frames of matting, which no face set offers. (From ImageNet alone: network.start_from="", network.backbone=…)
- Techniques are mixed. Each fails in its own way (pasted edges, shapes alone, hands alone), and what they share is the
  occluder: three naturalistic clips to two of moving cut-outs and of soft and transparent things, one of shapes.
- 85 % of the clips are occluded. The published quarter teaches the face's outline, which RVM knows already; the rest
  keeps faces that nothing hides from being eaten.
- 12 frames, not 4, and half the techniques' clips come and go: a state that never saw an occluder leave does not learn
  to bring the face back.
- Occluders and colours of several at once, motion blur, noise and JPEG artefacts: what a camera adds.
- AdamW, warm-up, then a cosine to zero: from pretrained weights the first steps at a full rate undo more than they
  teach. Gradients are clipped at norm 1: the Laplacian's coarse levels make rare steps large.
- A moving average of the weights over about 1,000 updates is what is evaluated and kept: batches of 16 clips are noisy.
- Convolutions compute in bfloat16 (train.precision), for speed: half the memory on GPUs and TPUs, and several times
  float32's multiplications, with float32 weights, statistics and losses.
- The network with the lowest error on fixed clips is kept in best/.

Variants, joined by commas: :folders and :tiny as in face_stage1.py.
"""

from ml_collections import ConfigDict

from configs import _defaults, face_stage1

_CAMERA = {"noise": 0.1, "blur": 0.05, "jpeg": 0.2, "motion_blur": 0.3}


def get_config(arg: str = "") -> ConfigDict:
    """Returns the recipe; `arg` joins "folders" and "tiny" by commas."""
    chosen = _defaults.variants(arg, ("folders", "tiny"))
    config = face_stage1.recipe(chosen)
    common = {"occlusion": 0.85, **_CAMERA}
    config.data.techniques = ConfigDict(
        {
            "natocc": {"name": "natocc", "weight": 3.0, "occluders": (1, 2), **common},
            "moving": {"name": "published", "preset": "repaired", "weight": 1.0, "occluders": (1, 2), **common},
            "soft": {"name": "matting", "weight": 1.0, **common},
            "shapes": {"name": "randocc", "weight": 1.0, **common},
        }
    )
    config.data.seq_length = 12
    config.train.update(
        {"epochs": 60, "precision": "bfloat16", "average_decay": 0.999, "keep_best": "valid/mad", "remat": False}
    )
    config.optimizer.update({"schedule": "cosine", "warmup_steps": 1000, "clip_norm": 1.0, "weight_decay": 0.01})
    if "tiny" in chosen:
        face_stage1.make_tiny(config)
        config.optimizer.warmup_steps = 1
    return config
