"""Shows what the network will see: python scripts/preview_data.py --config=configs/quickstart.py --output=preview.png

The sheet has the frames of each clip in a row, their alphas beneath (or the masks of persons), and their trimaps where
the config has them.
"""

from absl import flags
from ml_collections import config_flags
from tqdm import tqdm

from rvm_jax import cli
from rvm_jax.process import configure_process

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe whose data is shown.", lock_config=True)
_SPLIT = flags.DEFINE_enum("split", "train", ["train", "valid", "test"], "The split to show.")
_NUM_CLIPS = flags.DEFINE_integer("num_clips", 8, "How many clips to show.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", None, "Of the stream; the config's where not given.")
_WIDTH = flags.DEFINE_integer("width", 256, "Frames wider than that are shown at that width.", lower_bound=16)
_OUTPUT = flags.DEFINE_string("output", "preview.png", "The sheet to write.")
flags.mark_flag_as_required("config")


def main(_: list[str]) -> None:
    import cv2

    from data_pipeline.pipeline import make_dataset
    from data_pipeline.sources.listing import source_roots
    from rvm_jax.media.pictures import write_picture
    from rvm_jax.media.sheets import grid
    from rvm_jax.output_paths import check_outputs

    data = _CONFIG.value.data
    check_outputs([_OUTPUT.value], below=source_roots(data.to_dict()))
    clips = make_dataset(data, split=_SPLIT.value, seed=_SEED.value, num_clips=_NUM_CLIPS.value, names=True)
    rows, titles = [], []
    for index in tqdm(range(_NUM_CLIPS.value), "clips"):
        clip = clips[index]
        for name in ("src", "pha", "seg", "trimap"):
            if name in clip:
                height, width = clip[name].shape[1:3]
                size = (min(width, _WIDTH.value), round(height * min(1, _WIDTH.value / width)))
                rows.append([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in clip[name]])
                titles.append(f"{clip['key']}, occluder: {clip['category']}" if name == "src" else "")
    write_picture(_OUTPUT.value, grid(rows, titles=titles))
    print(f"{_OUTPUT.value}: {_NUM_CLIPS.value} clips of the split '{_SPLIT.value}'")


if __name__ == "__main__":
    configure_process("worker")
    cli.run(main)
