"""How well a network mattes rendered people whom it never saw, by who they are and what covers them."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from data_pipeline.people.clip import Clip
from data_pipeline.people.hand_poses import HAND_POSES
from data_pipeline.people.source import People
from data_pipeline.people.truth import Truth
from eval.metrics.statistics import Estimate, estimate
from eval.metrics.visible import visible_iou

_TONES = ((1.5, "light"), (3.0, "medium"), (4.5, "brown"), (math.inf, "dark"))  # positions in colour.SKIN_TONES
_AGES = ((0.45, "child"), (0.7, "adult"), (math.inf, "old"))  # on MakeHuman's scale, see Traits.age
_TURNS = ((15.0, "frontal, to 15°"), (35.0, "turned, to 35°"), (math.inf, "profile"))
_SHARES = ((0.3, "under 0.3"), (0.6, "0.3 to 0.6"), (0.9, "0.6 to 0.9"), (math.inf, "over 0.9"))


class StreamMatter(Protocol):
    """What mattes the frames of a clip in their order, such as `rvm_jax.Matter`."""

    def reset(self) -> None:
        """Begins a new clip."""

    def alpha(self, rgb: np.ndarray) -> np.ndarray:
        """Returns the alpha (H, W) in [0, 1] of the next frame (H, W, 3) uint8."""


class Seen(NamedTuple):
    """A clip with the truth of its middle frame, and the share of the face that is visible there."""

    clip: Clip
    truth: Truth
    visible: float


class Measured(NamedTuple):
    """A clip's errors.

    Attributes:
        labels: what it counts for, by trait.
        iou: of the visible face, mean over frames; a frame in which neither has any face counts as 1.
        mad: mean absolute difference of the alphas, times 1000.
    """

    labels: Mapping[str, Sequence[str]]
    iou: float
    mad: float


def _below(bounds: Sequence[tuple[float, str]], value: float) -> list[str]:
    return [next(label for bound, label in bounds if value < bound)]


def _occluders(seen: Seen) -> list[str]:
    held = [HAND_POSES[hand.pose].holds or "bare hand" for hand in seen.clip.hands]
    return list(dict.fromkeys([*held, *seen.clip.wear])) or ["none"]


TRAITS: dict[str, Callable[[Seen], list[str]]] = {
    "covered by": lambda seen: [seen.clip.category],
    "visible share of the face": lambda seen: _below(_SHARES, seen.visible),
    "skin tone": lambda seen: _below(_TONES, seen.clip.traits.tone),
    "sex": lambda seen: ["female" if seen.clip.traits.gender < 0.5 else "male"],
    "age": lambda seen: _below(_AGES, seen.clip.traits.age),
    "head pose": lambda seen: _below(_TURNS, math.degrees(abs(seen.truth.yaw))),
    "beard": lambda seen: ["none" if seen.clip.traits.beard == "none" else "beard"],
    "occluder or wear": _occluders,
}


def measure(matter: StreamMatter, people: People, clips: Iterable[int]) -> Iterator[Measured]:
    """Mattes clips of rendered people and yields the errors of each.

    Args:
        matter: the network.
        people: the source, of a split that no training takes ("test").
        clips: which of its clips.
    """
    for index in clips:
        clip, length = people.clip(index), people.frames(index)
        matter.reset()
        frames = [clip.frame(number) for number in range(length)]
        alphas, faces = np.stack([matter.alpha(frame.rgb) for frame in frames]), np.stack([f.alpha for f in frames])
        ious = visible_iou(_bytes(alphas), _bytes(faces), np.full((length, 2), faces.shape[1:], np.int32))
        truth = clip.truth(length // 2)
        visible = min(1.0, float(faces[length // 2].sum()) / max(float(truth.face.sum()), 1.0))
        seen = Seen(clip, truth, visible)
        labels = {trait: label(seen) for trait, label in TRAITS.items()}
        yield Measured(labels, float(ious.mean()), 1000 * float(np.abs(alphas - faces).mean()))


def _bytes(alphas: np.ndarray) -> np.ndarray:
    return (alphas * 255 + 0.5).astype(np.uint8)


class TraitRow(NamedTuple):
    """A line of the table: clips with one label of a trait."""

    trait: str
    label: str
    clips: int
    iou: Estimate
    mad: Estimate


def rows(measured: Sequence[Measured]) -> list[TraitRow]:
    """Returns the means, with 95 % intervals by bootstrap over clips, of all clips and by each label of each trait."""
    chosen = [("all", "", list(measured))]
    for trait in TRAITS:
        labels = sorted({label for each in measured for label in each.labels[trait]})
        chosen += [(trait, label, [each for each in measured if label in each.labels[trait]]) for label in labels]
    return [
        TraitRow(
            trait,
            label,
            len(those),
            estimate([np.array([each.iou for each in those])]),
            estimate([np.array([each.mad for each in those])]),
        )
        for trait, label, those in chosen
    ]
