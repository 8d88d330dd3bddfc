"""Shows what the network will see: python scripts/preview_data.py --config=configs/quickstart.py --output=preview.png

The sheet has the frames of each clip in a row, their alphas beneath (or the masks of persons), and their trimaps where
the config has them. With --people in place of a config it is a contact sheet of the rendered people, at any --width:

    python scripts/preview_data.py --people=hands --width=512 --output=hands.jpg
"""

from absl import flags
from ml_collections import config_flags
from tqdm import tqdm

from rvm_jax import cli
from rvm_jax.errors import UserError
from rvm_jax.process import configure_process

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe whose data is shown.", lock_config=True)
_PEOPLE = flags.DEFINE_enum(
    "people", None, ["people", "hands", "wear", "clip", "occluders"], "In place of a config: a rendered sheet."
)
_SPLIT = flags.DEFINE_enum("split", "train", ["train", "valid", "test"], "The split to show.")
_NUM_CLIPS = flags.DEFINE_integer("num_clips", None, "How many clips to show (8), or tiles (48).", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", None, "Of the stream; the config's where not given.")
_WIDTH = flags.DEFINE_integer(
    "width", 256, "Frames wider than that are shown at that width; rendered people have it.", lower_bound=32
)
_COLUMNS = flags.DEFINE_integer("columns", 8, "Of a sheet of rendered people.", lower_bound=1)
_OUTPUT = flags.DEFINE_string("output", "preview.png", "The sheet to write.")

_QUALITY = 90


def main(_: list[str]) -> None:
    if (_CONFIG.value is None) == (_PEOPLE.value is None):
        raise UserError("give either --config, a recipe whose data is shown, or --people, a sheet of rendered people")
    if _PEOPLE.value is None:
        _show_clips()
    else:
        _show_people()


def _show_people() -> None:
    from rvm_jax.media.pictures import write_picture
    from scripts import _people_sheets

    tiles = _people_sheets.tiles(str(_PEOPLE.value), _SEED.value or 21, _WIDTH.value, _NUM_CLIPS.value or 48)
    columns = 6 if _PEOPLE.value == "clip" else _COLUMNS.value
    write_picture(_OUTPUT.value, _people_sheets.laid_out(tiles, columns), jpeg_quality=_QUALITY)
    print(f"{_OUTPUT.value}: {len(tiles)} tiles of {_WIDTH.value}²")


def _show_clips() -> None:
    import cv2

    from data_pipeline.pipeline import make_dataset
    from data_pipeline.sources.listing import source_roots
    from rvm_jax.media.pictures import write_picture
    from rvm_jax.media.sheets import grid
    from rvm_jax.output_paths import check_outputs

    data, count = _CONFIG.value.data, _NUM_CLIPS.value or 8
    check_outputs([_OUTPUT.value], below=source_roots(data.to_dict()))
    clips = make_dataset(data, split=_SPLIT.value, seed=_SEED.value, num_clips=count, names=True)
    rows, titles = [], []
    for index in tqdm(range(count), "clips"):
        clip = clips[index]
        for name in ("src", "pha", "seg", "trimap"):
            if name in clip:
                height, width = clip[name].shape[1:3]
                size = (min(width, _WIDTH.value), round(height * min(1, _WIDTH.value / width)))
                rows.append([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in clip[name]])
                titles.append(f"{clip['key']}, occluder: {clip['category']}" if name == "src" else "")
    write_picture(_OUTPUT.value, grid(rows, titles=titles))
    print(f"{_OUTPUT.value}: {count} clips of the split '{_SPLIT.value}'")


if __name__ == "__main__":
    configure_process("worker")
    cli.run(main)
