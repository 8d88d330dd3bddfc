"""Contact sheets of rendered people: people, poses of hands, what is worn, a clip, and occluders, as tiles."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from data_pipeline.people.clip import Clip, Options
from data_pipeline.people.hair_styles import STYLES
from data_pipeline.people.hand_poses import HAND_POSES
from data_pipeline.people.motion import Visit
from data_pipeline.people.occluders import PeopleOccluders
from data_pipeline.people.performers import HandPart
from data_pipeline.people.veils import VEILS, VeilActor
from data_pipeline.people.wear import WEAR

SHEETS = ("people", "hands", "wear", "clip")
OCCLUDERS = "occluders"  # a sheet besides these, of what is pasted on other faces
_BEHIND = (np.array([96, 132, 108], np.float32), np.array([176, 190, 182], np.float32))  # occluders, in squares
_GREEN = np.array([70, 255, 90], np.float32)


def tiles(sheet: str, seed: int, size: int, count: int = 48) -> list[np.ndarray]:
    """Renders the tiles of a sheet, showing progress: uint8 (size, size, 3) each.

    Args:
        sheet: of `SHEETS`, or `OCCLUDERS`. `hands` has every pose, `wear` everything that is worn, twice, and what
            drifts before a face, both with the visible face in green; `clip` every third frame, then their alphas.
        seed: of everything.
        size: of the frames, in pixels.
        count: of the people, or the occluders.
    """
    if sheet == OCCLUDERS:
        source = PeopleOccluders(size, max_items=count, seed=seed)
        return [_on_squares(source[number], size) for number in tqdm(range(count), sheet)]
    if sheet == "people":
        clips = [_clip(seed, number, size, 0.35) for number in range(count)]
        return [clip.frame(10).rgb for clip in tqdm(clips, "people")]
    if sheet == "hands":
        clips = [_with_hand(seed, number, pose, size) for number, pose in enumerate(HAND_POSES)]
        return [_shown(clip) for clip in tqdm(clips, "hands")]
    if sheet == "wear":
        clips = [_wearing(seed, number, name, size) for number, name in enumerate([*WEAR, *WEAR])]
        clips += [_veiled(seed, number, name, size) for number, name in enumerate([*VEILS, "blown"])]
        return [_shown(clip) for clip in tqdm(clips, "wear")]
    clip = _clip(seed, 1000, size, 1.0)
    frames = [clip.frame(3 * number) for number in tqdm(range(12), "a clip")]
    alphas = [(frame.alpha * 255).astype(np.uint8) for frame in frames]
    return [*(frame.rgb for frame in frames), *(cv2.merge([a, a, a]) for a in alphas)]


def _on_squares(item: Mapping[str, Any], size: int) -> np.ndarray:
    height, width = item["alpha"].shape
    y, x = (size - height) // 2, (size - width) // 2
    rows, columns = np.mgrid[:size, :size] // max(size // 4, 1)
    tile = np.where(((rows + columns) % 2 == 0)[..., None], *_BEHIND)
    place = tile[y : y + height, x : x + width]
    place += (item["rgb"] - place) * (item["alpha"][..., None] / np.float32(255))
    return np.asarray(tile + 0.5, np.uint8)


def laid_out(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Puts tiles into rows, white where the last one ends early."""
    padded = [*pictures, *[np.full_like(pictures[0], 255)] * (-len(pictures) % columns)]
    return np.vstack([np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)])


def _clip(seed: int, number: int, size: int, hands: float) -> Clip:
    return Clip((seed, number), size, 40, Options(hands=hands))


def _with_hand(seed: int, number: int, pose: str, size: int) -> Clip:
    clip = _framed(_clip(seed, 2000 + number, size, 0.0), 1.8)
    present = Visit(-9.0, 0.1, 99.0, np.zeros(3))
    clip.wear, clip.hands = [], [HandPart(pose, number % 2 == 0, present, number % 7 == 0, (seed, number))]
    return clip


def _wearing(seed: int, number: int, name: str, size: int) -> Clip:
    clip = _framed(_clip(seed, 3000 + number, size, 0.0), 1.6)
    if STYLES[clip.traits.hair].volume > 0.2:
        clip.traits = replace(clip.traits, hair="short")
    clip.wear = [name]
    return clip


def _veiled(seed: int, number: int, name: str, size: int) -> Clip:
    clip = _framed(_clip(seed, 4000 + number, size, 0.0), 1.6)
    clip.wear = []
    if name == "blown":
        clip.traits, clip.blown = replace(clip.traits, hair="long wavy"), True
    else:
        clip.veil = VeilActor(np.random.default_rng((seed, number)), name, size)
    return clip


def _framed(clip: Clip, half: float) -> Clip:
    """Shows the whole head, for a sheet of what is on it."""
    clip.framing, clip.veil, clip.blown = replace(clip.framing, half=half, x=0.0, y=0.1), None, False
    return clip


def _shown(clip: Clip) -> np.ndarray:
    """A frame in which the visible face is green."""
    frame = clip.frame(10)
    share = 0.4 * frame.alpha[..., None]
    return np.asarray(frame.rgb * (1 - share) + _GREEN * share, np.uint8)
