"""Draws the picture of docs/people.md: python scripts/draw_people.py

Rows of people; of the poses of hands and the things in them, beside their alphas; of what is worn; and of a clip.
"""

from absl import flags

from rvm_jax import cli
from rvm_jax.process import configure_process
from scripts import ROOT

_OUTPUT = flags.DEFINE_string("output", str(ROOT / "docs/images/people.jpg"), "The picture to write.")
_SEED = flags.DEFINE_integer("seed", 21, "Of all that is drawn.")
_SIDE = flags.DEFINE_integer("side", 112, "Of the tiles, in pixels.", lower_bound=32)
_PEOPLE = flags.DEFINE_integer("people", 48, "How many people to show.", lower_bound=1)

_COLUMNS = 12
_RENDERED = 256  # side of the frames
_QUALITY = 86


def main(_: list[str]) -> None:
    import cv2
    import numpy as np

    from rvm_jax.media.pictures import write_picture
    from scripts import _people_sheets

    configure_process("worker")
    side = _SIDE.value
    gap = np.full((side // 10, _COLUMNS * side, 3), 255, np.uint8)
    sheets = []
    for sheet in _people_sheets.SHEETS:
        tiles = _people_sheets.tiles(sheet, _SEED.value, _RENDERED, _PEOPLE.value)
        small = [cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA) for tile in tiles]
        sheets += [_people_sheets.laid_out(small, _COLUMNS), gap]
    write_picture(_OUTPUT.value, np.vstack(sheets[:-1]), jpeg_quality=_QUALITY)
    print(f"{_OUTPUT.value}: {_PEOPLE.value} people, the poses of hands, what is worn, and a clip")


if __name__ == "__main__":
    cli.run(main)
