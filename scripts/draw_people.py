"""Draws the picture of docs/people.md: python scripts/draw_people.py

Rows of people; of the poses of hands and the things in them, beside their alphas; of what is worn; and of a clip.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from rvm_jax import cli
from rvm_jax.process import configure_process
from scripts import ROOT

if TYPE_CHECKING:
    import numpy as np

    from data_pipeline.people.clip import Clip

_OUTPUT = flags.DEFINE_string("output", str(ROOT / "docs/images/people.jpg"), "The picture to write.")
_SEED = flags.DEFINE_integer("seed", 21, "Of all that is drawn.")
_SIDE = flags.DEFINE_integer("side", 112, "Of the tiles, in pixels.", lower_bound=32)
_COLUMNS = flags.DEFINE_integer("columns", 12, "Tiles in a row.", lower_bound=1)
_PEOPLE = flags.DEFINE_integer("people", 48, "How many people to show.", lower_bound=1)

_QUALITY = 86


def main(_: list[str]) -> None:
    import cv2
    import numpy as np
    from tqdm import tqdm

    from data_pipeline.people.hand_poses import HAND_POSES
    from data_pipeline.people.wear import WEAR
    from rvm_jax.media.pictures import write_picture

    configure_process("worker")
    seed, columns = _SEED.value, _COLUMNS.value

    def rows(tiles: Sequence["np.ndarray"]) -> "np.ndarray":
        blank = np.full_like(tiles[0], 255)
        padded = [*tiles, *[blank] * (-len(tiles) % columns)]
        return np.vstack([np.hstack(padded[i : i + columns]) for i in range(0, len(padded), columns)])

    def gap() -> "np.ndarray":
        return np.full((_SIDE.value // 10, columns * _SIDE.value, 3), 255, np.uint8)

    people = [_frame(_clip(seed, number, 0.35)) for number in tqdm(range(_PEOPLE.value), "people")]
    hands = [_frame(_with_hand(seed, n, pose), shown=True) for n, pose in enumerate(tqdm(HAND_POSES, "hands"))]
    worn = [_frame(_wearing(seed, n, name), shown=True) for n, name in enumerate(tqdm([*WEAR, *WEAR], "wear"))]
    clip = _clip(seed, 1000, 1.0)
    frames = [clip.frame(3 * number) for number in tqdm(range(columns), "a clip")]
    moving = [cv2.resize(frame.rgb, (_SIDE.value,) * 2, interpolation=cv2.INTER_AREA) for frame in frames]
    alphas = [
        cv2.resize((frame.alpha * 255).astype(np.uint8), (_SIDE.value,) * 2, interpolation=cv2.INTER_AREA)
        for frame in frames
    ]
    sheets = [
        rows(people),
        gap(),
        rows(hands),
        gap(),
        rows(worn),
        gap(),
        rows(moving),
        rows([cv2.merge([a, a, a]) for a in alphas]),
    ]
    write_picture(_OUTPUT.value, np.vstack(sheets), jpeg_quality=_QUALITY)
    print(f"{_OUTPUT.value}: {len(people)} people, {len(hands)} poses, {len(worn)} times wear, and a clip")


def _clip(seed: int, number: int, hands: float) -> "Clip":
    from data_pipeline.people.clip import Clip, Options

    return Clip((seed, number), 256, 40, Options(hands=hands))


def _with_hand(seed: int, number: int, pose: str) -> "Clip":
    import numpy as np

    from data_pipeline.people.motion import Visit
    from data_pipeline.people.performers import HandPart

    clip = _framed(_clip(seed, 2000 + number, 0.0), 1.8)
    present = Visit(-9.0, 0.1, 99.0, np.zeros(3))
    clip.wear, clip.hands = [], [HandPart(pose, number % 2 == 0, present, number % 7 == 0, (seed, number))]
    return clip


def _wearing(seed: int, number: int, name: str) -> "Clip":
    from dataclasses import replace

    from data_pipeline.people.hair_styles import STYLES

    clip = _framed(_clip(seed, 3000 + number, 0.0), 1.6)
    if STYLES[clip.traits.hair].volume > 0.2:
        clip.traits = replace(clip.traits, hair="short")
    clip.wear = [name]
    return clip


def _framed(clip: "Clip", half: float) -> "Clip":
    """Shows the whole head, for a sheet of what is on it."""
    from dataclasses import replace

    clip.framing = replace(clip.framing, half=half, x=0.0, y=0.1)
    return clip


def _frame(clip: "Clip", shown: bool = False) -> "np.ndarray":
    """A frame as a tile; where the alpha is shown, the visible face is green in it."""
    import cv2
    import numpy as np

    frame = clip.frame(10)
    picture = frame.rgb.astype(np.float32)
    if shown:
        share = 0.4 * frame.alpha[..., None]
        picture = picture * (1 - share) + np.array([70, 255, 90], np.float32) * share
    return np.asarray(cv2.resize(picture.astype(np.uint8), (_SIDE.value,) * 2, interpolation=cv2.INTER_AREA))


if __name__ == "__main__":
    cli.run(main)
