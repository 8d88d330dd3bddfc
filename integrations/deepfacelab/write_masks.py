"""python integrations/deepfacelab/write_masks.py --faceset=aligned --masks=alphas --output_dir=aligned_masked

Copies a faceset of DeepFaceLab with masks of the visible face in it, as "XSeg: apply" writes them (docs/export.md).
"""

import shutil
import sys
from pathlib import Path

import cv2
from absl import flags
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rvm_jax import cli
from rvm_jax.atomic_files import write_bytes
from rvm_jax.errors import UserError
from rvm_jax.export.dfl_jpeg import set_mask
from rvm_jax.output_paths import check_output_folders

_FACESET = flags.DEFINE_string("faceset", None, "The folder of a faceset's JPEGs (aligned).", required=True)
_MASKS = flags.DEFINE_string("masks", None, "The folder of alphas, PNG, with the names of the JPEGs.", required=True)
_OUTPUT = flags.DEFINE_string("output_dir", None, "Where the JPEGs with masks go.", required=True)


def main(_: list[str]) -> None:
    faceset, masks, target = Path(_FACESET.value), Path(_MASKS.value), Path(_OUTPUT.value)
    pictures = sorted(faceset.glob("*.jpg"))
    if not pictures:
        raise UserError(f"{faceset}: holds no JPEGs (*.jpg) of a faceset")
    check_output_folders([target], [faceset, masks])
    target.mkdir(parents=True, exist_ok=True)
    without = 0
    for picture in tqdm(pictures, desc=faceset.name, unit="face"):
        mask = masks / f"{picture.stem}.png"
        if not mask.is_file():
            without += 1
            shutil.copyfile(picture, target / picture.name)
            continue
        alpha = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE)
        if alpha is None:
            raise UserError(f"{mask}: cannot be read as a picture")
        write_bytes(target / picture.name, set_mask(picture.read_bytes(), alpha, str(picture)))
    print(f"{len(pictures) - without} faces with masks, {without} without, in {target}")


if __name__ == "__main__":
    cli.run(main)
