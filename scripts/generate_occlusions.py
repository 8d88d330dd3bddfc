"""Writes clips to disk: python scripts/generate_occlusions.py --config=configs/quickstart.py --output_dir=benchmark

They lie as an evaluation wants them, `<output_dir>/<category>/{img,mask}/<clip>/<frame>.png`, the category being the
occluder's. A run that was interrupted goes on where it stopped; clips that are there are kept.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import _checkout  # noqa: F401
from absl import flags
from ml_collections import config_flags
from tqdm import tqdm

from rvm_jax import cli
from rvm_jax.errors import UserError

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe whose data is written.", lock_config=True)
_SPLIT = flags.DEFINE_enum("split", "test", ["train", "valid", "test"], "The split to write.")
_NUM_CLIPS = flags.DEFINE_integer("num_clips", 100, "How many clips to write.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", None, "Of the stream; the split's own where not given.")
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The folder to write to.", required=True)
_CATEGORY = flags.DEFINE_string("category", None, "Puts all clips there, in place of the occluders' categories.")
flags.mark_flag_as_required("config")

_SETTINGS = "generated.json"


def main(_: list[str]) -> None:
    from data_pipeline.pipeline import make_dataset

    root = Path(_OUTPUT_DIR.value)
    data = _CONFIG.value.data
    clips = make_dataset(data, split=_SPLIT.value, seed=_SEED.value, num_clips=_NUM_CLIPS.value, names=True)
    content = {key: value for key, value in data.to_dict().items() if key != "workers"}
    settings = {"data": content, "split": _SPLIT.value, "seed": _SEED.value, "category": _CATEGORY.value}
    _check_settings(root / _SETTINGS, settings)
    written = 0
    for index in tqdm(range(_NUM_CLIPS.value), "clips"):
        name = f"{index:05d}"
        if not any(img.parents[1].joinpath("mask", name).is_dir() for img in root.glob(f"*/img/{name}")):
            clip = clips[index]
            _write_clip(root / (_CATEGORY.value or clip["category"]), name, clip)
            written += 1
    print(f"{root}: {written} clips written, {_NUM_CLIPS.value - written} were there")


def _check_settings(path: Path, settings: dict[str, Any]) -> None:
    """Keeps clips of different settings apart: raises UserError where the folder holds those of others."""
    from rvm_jax.media.pictures import write_bytes

    text = json.dumps(settings, indent=1, sort_keys=True)
    if not path.exists():
        if path.parent.exists() and any(path.parent.iterdir()):
            raise UserError(f"{path.parent}: the folder is not empty; give an --output_dir of its own")
        write_bytes(path, text.encode())
    elif path.read_text() != text:
        raise UserError(f"{path.parent}: it holds clips of other settings ({path.name}); give another --output_dir")


def _write_clip(category: Path, name: str, clip: dict[str, Any]) -> None:
    """Writes both folders beside their names, then renames them: whatever has its name is complete."""
    from rvm_jax.media.pictures import write_picture

    for folder, frames in (("mask", clip["pha"]), ("img", clip["src"])):
        partial, final = category / folder / f".{name}.partial", category / folder / name
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(final, ignore_errors=True)
        for index, frame in enumerate(frames):
            write_picture(partial / f"{index:05d}.png", frame)
        partial.rename(final)


if __name__ == "__main__":
    cli.run(main)
