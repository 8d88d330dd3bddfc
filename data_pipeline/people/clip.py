"""A clip: one person in one place, moving; every frame is a function of its number alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from data_pipeline.people.camera import Camera, draw_camera
from data_pipeline.people.expression import Expression, Talk, add, blend, blinking, draw_expression, looking
from data_pipeline.people.frame import Frame, Scene, expose, finish
from data_pipeline.people.geometry import Floats, floats
from data_pipeline.people.hair_styles import STYLES
from data_pipeline.people.hand_poses import HAND_POSES
from data_pipeline.people.identity import draw_traits
from data_pipeline.people.light import Light, draw_exposure, draw_light, falling
from data_pipeline.people.motion import Glances, Sway
from data_pipeline.people.performers import HandActor, draw_hands
from data_pipeline.people.person import Person
from data_pipeline.people.posing import Pose
from data_pipeline.people.regions import FACE, Region
from data_pipeline.people.rig import HeadTurn
from data_pipeline.people.surfaces import background, pictures_from
from data_pipeline.people.truth import Truth, find_truth
from data_pipeline.people.veils import VeilActor, draw_veil
from data_pipeline.people.wear import draw_wear

RATE = 25.0  # frames a second
_MARGIN = 1.12  # of the background about the frame, within which the camera shakes
_SHUTTER = 0.5  # of the time between frames
_SHARP = 0.015  # a motion of this share of the frame's height within the shutter needs no blur
_DETAIL_FROM = 384  # frames this large get textures of full size


@dataclass(frozen=True)
class Options:
    """Says which traits clips have; each can be left out.

    Attributes:
        hands: the share of clips with hands.
        shadows: whether the key light casts shadows.
        camera: whether lens blur, motion blur and noise are added.
        hair: whether people have hair and beards.
        wear: whether they wear and hold things.
        beard: whether a beard counts as face.
        frames: whether the frames of glasses count as face.
        lenses: whether clear lenses count as occluders; dark ones always do.
        samples: a pixel's, along each side.
        veils: the share of clips with smoke, a net, a glass or rain before the face.
        blown: the share of people with falling hair that have some of it blown over the face.
        backgrounds: a folder of pictures that are behind people, or None for drawn ones.
        surfaces: a folder of pictures that half the surfaces of things and clothes are cut from, or None.
    """

    hands: float = 0.6
    shadows: bool = True
    camera: bool = True
    hair: bool = True
    wear: bool = True
    beard: bool = True
    frames: bool = False
    lenses: bool = False
    samples: int = 2
    veils: float = 0.06
    blown: float = 0.1
    backgrounds: str | None = None
    surfaces: str | None = None


class Clip:
    """Renders one clip; nothing heavy is made before a frame is asked for.

    Args:
        seed: whole numbers that the clip is a function of.
        size: side of the frames, in pixels.
        frames: how many.
        options: which traits it has.

    Attributes:
        traits: of the person.
        hands: which hands come, and what they do.
        wear: what the person wears, names of `wear.WEAR`.
        veil: what is before the face and lets some of it through, or None.
        framing: the camera, but for its motion. These five may be set before the first frame.
    """

    def __init__(self, seed: Sequence[int], size: int, frames: int, options: Options):
        self.seed, self.size, self.options = tuple(seed), size, options
        duration = frames / RATE
        rng = np.random.default_rng(self.seed)
        self.traits = draw_traits(rng, with_hair=options.hair)
        self.hands = draw_hands(np.random.default_rng([*self.seed, 1]), duration, options.hands, options.wear)
        volume = STYLES[self.traits.hair].volume
        self.wear = draw_wear(np.random.default_rng([*self.seed, 7]), volume) if options.wear else []
        self.framing = draw_camera(rng)
        self.veil: VeilActor | None = draw_veil(np.random.default_rng([*self.seed, 8]), options.veils, size)
        windy = np.random.default_rng([*self.seed, 9]).random() < options.blown
        self.blown = windy and STYLES[self.traits.hair].flow == "fall"
        shake = 0.004 * float(rng.choice([0, 1, 3], p=[0.4, 0.4, 0.2])) * self.framing.half
        self._shake = Sway(rng, np.zeros(2), shake, 2.5)
        leaves = rng.random() < 0.12  # the face drifts out of the frame and back
        self._pan = Sway(rng, np.zeros(2), self.framing.half * (0.5 if leaves else 0.05), 0.3)
        lively = float(rng.choice([0.3, 1.0, 2.0], p=[0.3, 0.5, 0.2]))
        mean = np.array([rng.normal(0, 0.28), rng.normal(0, 0.10), rng.normal(0, 0.07)])
        self._turn = Sway(rng, mean, np.array([0.12, 0.05, 0.04]) * lively, 0.5)
        self._glances = Glances(rng, duration)
        self._moods = [draw_expression(rng), draw_expression(rng)]
        self._mood = Sway(rng, np.full(1, 0.5), 0.5, 0.25)
        self._talk = Talk(rng, duration) if rng.random() < 0.55 else None
        gaps = rng.exponential(2.8, int(duration) + 3) + 0.3
        self._blinks = tuple(float(time) for time in np.cumsum(gaps) - 1.5)

    @property
    def category(self) -> str:
        """What covers the face, the first of these that is there: "object", "hand", one of `veils.VEILS`, "wear",
        "hair" or "bare"."""
        if self.hands:
            return "object" if any(HAND_POSES[hand.pose].holds for hand in self.hands) else "hand"
        if self.veil is not None:
            return self.veil.name
        if self.wear:
            return "wear"
        return "hair" if self.blown or "fringe" in self.traits.hair or "eye" in self.traits.hair else "bare"

    @cached_property
    def person(self) -> Person:
        """Returns the person, with what they hold."""
        detail = 512 if self.size < _DETAIL_FROM else 768
        other = any(hand.other for hand in self.hands)
        makers = [hand.make for hand in self.hands]
        with pictures_from(self.options.surfaces):
            rng = np.random.default_rng([*self.seed, 2])
            return Person(rng, self.traits, makers, self.wear, other, detail, self.blown)

    @cached_property
    def _actors(self) -> list[HandActor]:
        held = self.person.held
        return [HandActor(self.person, hand, thing) for hand, thing in zip(self.hands, held, strict=True)]

    @cached_property
    def _background(self) -> Floats:
        side = round(self.size * _MARGIN)
        return background(np.random.default_rng([*self.seed, 3]), side, self.options.backgrounds)

    @cached_property
    def _light(self) -> Light:
        return draw_light(np.random.default_rng([*self.seed, 4]), self._background)

    @cached_property
    def _exposure(self) -> float:
        """From the light that falls on a face, not from what is seen, so that frames do not depend on each other."""
        return draw_exposure(np.random.default_rng([*self.seed, 5]), self.person.skin, self._falling)

    @cached_property
    def _falling(self) -> Floats:
        """The light (3,) that falls on the face."""
        return falling(self._light)

    def frame(self, number: int) -> Frame:
        """Renders a frame."""
        time = number / RATE
        instants = self._instants(time)
        exposed = [self._expose(instant) for instant in instants]
        count = np.float32(len(exposed))
        linear = sum((light for light, _, _ in exposed[1:]), start=exposed[0][0]) / count
        regions = sorted({region for _, shares, _ in exposed for region in shares})
        blank = np.zeros((self.size, self.size), np.float32)
        shares = {r: sum((s.get(r, blank) for _, s, _ in exposed), start=blank) / count for r in regions}
        noise = np.random.default_rng([*self.seed, 6, number])
        return finish(linear, shares, exposed[len(exposed) // 2][2], self._scene(time), self.framing, noise)

    def pose(self, time: float) -> Pose:
        """Returns what the person does at a time in seconds."""
        gaze = self._glances.at(time)
        mood = float(np.clip(self._mood.at(time)[0], 0, 1))
        expression: Expression = blend(self._moods[0], self._moods[1], mood)
        if self._talk is not None:
            expression = add({unit: weight * 0.6 for unit, weight in expression.items()}, self._talk.at(time))
        closed = blinking(time, self._blinks)
        if closed:
            expression = add(expression, {"eyeBlinkLeft": closed, "eyeBlinkRight": closed})
        expression = add(expression, looking(*gaze))
        turn = HeadTurn(*(float(angle) for angle in np.clip(self._turn.at(time), -1.1, 1.1)))
        hands = tuple(hand for hand in (actor.at(time) for actor in self._actors) if hand is not None)
        return Pose(turn, gaze, expression, hands)

    def truth(self, number: int) -> Truth:
        """Returns what else is known of a frame: the whole face, landmarks, and the head's pose."""
        time = number / RATE
        scene = self._scene(time)
        return find_truth(self.person, self.pose(time), self.camera(time), scene.face, self.size, self.options.samples)

    def camera(self, time: float) -> Camera:
        """Returns the camera at a time in seconds."""
        x, y = self._pan.at(time) + self._shake.at(time)
        return replace(self.framing, x=self.framing.x + float(x), y=self.framing.y + float(y))

    def _expose(self, time: float) -> tuple[Floats, dict[Region, Floats], Floats]:
        pose, options = self.pose(time), self.options
        return expose(self.person, self._scene(time), self.camera(time), pose, self.size, options.samples)

    def _scene(self, time: float) -> Scene:
        options = self.options
        face = tuple(region for region in FACE if options.beard or region != Region.BEARD)
        face += (Region.GLASSES,) if options.frames else ()
        behind = self._behind(time)
        veil = None if self.veil is None else self.veil.at(time, self._falling)
        return Scene(self._light, behind, self._exposure, face, options.lenses, options.shadows, options.camera, veil)

    def _behind(self, time: float) -> Floats:
        """The part of the background that the camera sees: what is far away hardly moves."""
        slack = (len(self._background) - self.size) / 2
        shift = (self._pan.at(time) * 0.15 + self._shake.at(time)) * self.size / (2 * self.framing.half)
        x, y = np.clip(np.array([shift[0], -shift[1]]), -slack, slack) + slack
        matrix = floats([[1, 0, x], [0, 1, y]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return floats(cv2.warpAffine(self._background, matrix, (self.size, self.size), flags=flags))

    def _instants(self, time: float) -> list[float]:
        """The times within the shutter that a frame is the mean of: more than one where something is fast."""
        if not self.options.camera:
            return [time]
        opening = _SHUTTER / RATE
        motion = max((actor.speed(time) for actor in self._actors), default=0.0)
        blurred = motion * opening / (2 * self.framing.half)
        count = int(np.clip(np.ceil(blurred / _SHARP), 1, 3))
        return [time + opening * (index / count) for index in range(count)]
