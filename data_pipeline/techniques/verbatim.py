"""The face-matting fork's synthesis verbatim: every step of its own, resampling each time, bugs included.

It is the reference beside which `published` is measured, in speed and in what training makes of it. What is kept: two
to three bilinear warps one after the other, each rounded to bytes; a filter of its own for each resize, colour and
mask apart; straight colours, with what surrounds the occluder in its crop, on a black canvas whose centre is pasted;
easing at t / 25; torchvision's colour jitter with a saturation that follows the brightness and a contrast about the
mean of the black canvas; mask − occluder; a trimap that takes 0..255 for 0..1 where there is no occluder.

What is not, because it belongs to the fork's dataset and not to a clip: one occluder per face for the whole run. Where
the fork divides by zero, ends the process or makes pictures of any size (an occluder that has left its canvas), the
clip shows the bare face, and an enlargement ends at four.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from data_pipeline.easing import draw_easing
from data_pipeline.motion import Affine, affine_matrix, draw_affine, pause, pixel_matrix
from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.layers import stills
from data_pipeline.techniques.options import TechniqueOptions
from data_pipeline.trimap import RESIZE_FILTERS, make_trimap_published

_FRAMES_OF_MOTION = 25
_LARGEST = 4.0
_LUMA = np.array([0.2989, 0.587, 0.114], np.float32)
Frames = list[np.ndarray]


def synthesize_verbatim(
    face: Picture | Video, occluders: Sequence[Picture], rng: np.random.Generator, settings: TechniqueOptions
) -> Clip:
    """Makes a clip as the fork does; of several occluders it takes the first, of a video face the first frame."""
    clock = np.arange(settings.seq_length) / _FRAMES_OF_MOTION
    heads, hands = moved_layers(face, occluders, rng, settings, clock, clock)
    src, pha = heads
    pasted = _pasted(rng, src, pha, *hands) if hands else None
    if pasted is not None:
        src, pha = pasted
    clip = {"src": np.stack(src), "pha": np.stack(pha)[..., None]}
    if settings.trimap:
        make = make_trimap_published if pasted is not None else _trimap_of_bytes
        clip["trimap"] = make(clip["pha"], rng)
    return clip


def moved_layers(
    face: Picture | Video,
    occluders: Sequence[Picture],
    rng: np.random.Generator,
    settings: TechniqueOptions,
    clock: np.ndarray,
    jitter_clock: np.ndarray,
) -> tuple[list[Frames], list[Frames]]:
    """Moves layers as the fork does: colours and mask of the face, colours and alpha of the occluder (or none).

    The clocks (T,) say how far a movement and a change of colours have come.
    """
    side, frames = settings.resolution, settings.seq_length
    still = stills(face)[0]
    layers: list[Frames] = [[_square(still.rgb, side)] * frames, [_square(still.alpha, side)] * frames]
    if occluders:
        layers += [[array] * frames for array in _canvas(rng, occluders[0], side)]
    hands, heads = layers[2:], layers[:2]

    if rng.random() < 0.95:
        hands = _moved(rng, clock, hands, side)
    if rng.random() < 0.15:
        heads = _moved(rng, clock, heads, side)
    if rng.random() < 0.15:
        moved = _moved(rng, clock, heads + hands, side)
        heads, hands = moved[:2], moved[2:]
    hands = _warped(hands, [affine_matrix(draw_affine(rng, side, scale=(0.5, 1.0)), side)] * frames)
    heads = _warped(heads, [affine_matrix(draw_affine(rng, side, scale=(1.0, 1.5)), side)] * frames)
    hands, heads = ([[frame.astype(np.float32) / 255 for frame in array] for array in part] for part in (hands, heads))
    if rng.random() < 0.5:
        hands = [[frame[:, ::-1] for frame in array] for array in hands]
    if rng.random() < 0.5:
        heads = [[frame[:, ::-1] for frame in array] for array in heads]
    for part in (hands, heads):
        if rng.random() < 0.3 and part:
            part[0] = _jittered(rng, jitter_clock, part[0])
    if rng.random() < 0.03:
        order = pause(rng, np.arange(frames))
        hands, heads = ([[array[t] for t in order] for array in part] for part in (hands, heads))

    return [_bytes(array) for array in heads], [_bytes(array) for array in hands]


def _square(array: np.ndarray, side: int) -> np.ndarray:
    return array if array.shape[:2] == (side, side) else cv2.resize(array, (side, side), interpolation=cv2.INTER_AREA)


def _canvas(rng: np.random.Generator, occluder: Picture, side: int) -> list[np.ndarray]:
    """The occluder and its alpha, cut to the alpha's bounding box, at a random place of black canvases."""
    left, top, width, height = cv2.boundingRect(occluder.alpha)
    scale = np.sqrt(side * side * rng.uniform(0.3, 0.7) / (width * height))
    size = (max(int(width * scale), 1), max(int(height * scale), 1))
    start = [int(rng.integers(max(length - side, 0) + 1)) for length in size]  # a window, where it is too long
    shown = [min(length, side) for length in size]
    place = [int(rng.integers(side - length + 1)) for length in shown]
    canvases = []
    for array in (occluder.rgb, occluder.alpha):
        part = array[top : top + height, left : left + width]
        part = cv2.resize(part, size, interpolation=int(rng.choice(RESIZE_FILTERS)))
        canvas = np.zeros((side, side, *array.shape[2:]), np.uint8)
        canvas[place[1] : place[1] + shown[1], place[0] : place[0] + shown[0]] = part[
            start[1] : start[1] + shown[1], start[0] : start[0] + shown[0]
        ]
        canvases.append(canvas)
    return canvases


def _moved(rng: np.random.Generator, clock: np.ndarray, arrays: list[Frames], side: int) -> list[Frames]:
    start, end = np.array(draw_affine(rng, side)), np.array(draw_affine(rng, side))
    easing = draw_easing(rng)
    way = [easing(u) for u in clock]
    return _warped(arrays, [affine_matrix(Affine(*(start * (1 - p) + end * p)), side) for p in way])


def _warped(arrays: list[Frames], path: Sequence[np.ndarray]) -> list[Frames]:
    return [
        [cv2.warpAffine(frame, pixel_matrix(m), frame.shape[1::-1]) for frame, m in zip(array, path, strict=True)]
        for array in arrays
    ]


def _jittered(rng: np.random.Generator, clock: np.ndarray, frames: Frames) -> Frames:
    """Brightness, contrast, saturation and hue one after the other, clipped after each, as torchvision does."""
    start, end = rng.normal(0, 0.1, (2, 4))
    strength, easing = rng.uniform(0, 0.2), draw_easing(rng)
    out = []
    for frame, u in zip(frames, clock, strict=True):
        way = easing(u) * strength
        brightness, contrast, _, hue = start * (1 - way) + end * way
        factor = max(1 + brightness, 0.1)
        frame = np.clip(frame * factor, 0, 1)
        mean = (frame @ _LUMA).mean()
        frame = np.clip(mean + (frame - mean) * max(1 + contrast, 0.1), 0, 1)
        grey = (frame @ _LUMA)[..., None]
        frame = np.clip(grey + (frame - grey) * factor, 0, 1)
        hsv = cv2.cvtColor(frame.astype(np.float32), cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0] + 360 * np.clip(hue * 0.1, -0.5, 0.5)) % 360
        out.append(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))
    return out


def _bytes(frames: Frames) -> Frames:
    return [np.ascontiguousarray((np.clip(frame, 0, 1) * 255).astype(np.uint8)) for frame in frames]


def _pasted(
    rng: np.random.Generator, src: Frames, pha: Frames, colours: Frames, alphas: Frames
) -> tuple[Frames, Frames] | None:
    """The occluder's whole canvas resized, turned and pasted with its centre on a point of the face's box."""
    left, top, width, height = cv2.boundingRect(pha[0])
    *_, across, down = cv2.boundingRect(alphas[0])
    if width * height == 0 or across * down == 0:
        return None
    scale = min(np.sqrt(width * height / (across * down) * rng.uniform(0.3, 0.7)), _LARGEST)
    x, y = rng.uniform(left, left + width), rng.uniform(top, top + height)
    angle = np.rad2deg(np.arctan2(x - (left + width / 2), top + height / 2 - y))
    frames, masks = [], []
    for face, mask, colour, alpha in zip(src, pha, colours, alphas, strict=True):
        size = (max(int(colour.shape[1] * scale), 1), max(int(colour.shape[0] * scale), 1))
        colour, alpha = (
            _turned(cv2.resize(array, size, interpolation=int(rng.choice(RESIZE_FILTERS))), angle)
            for array in (colour, alpha)
        )
        colour, alpha = (_put(array, face.shape[0], round(x), round(y)) for array in (colour, alpha))
        share = alpha[..., None].astype(np.float32) / 255
        frames.append((share * colour + (1 - share) * face).astype(np.uint8))
        masks.append(np.clip(mask.astype(np.int16) - alpha, 0, 255).astype(np.uint8))
    return frames, masks


def _turned(array: np.ndarray, degrees: float) -> np.ndarray:
    """Rotated clockwise, on a canvas that holds all of it."""
    height, width = array.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (int(height * sin + width * cos), int(height * cos + width * sin))
    matrix[:, 2] += (size[0] / 2 - width / 2, size[1] / 2 - height / 2)
    return cv2.warpAffine(array, matrix, (max(size[0], 1), max(size[1], 1)))


def _put(array: np.ndarray, side: int, x: int, y: int) -> np.ndarray:
    """A black frame with the array's centre at (x, y)."""
    frame = np.zeros((side, side, *array.shape[2:]), np.uint8)
    height, width = array.shape[:2]
    left, top = x - width // 2, y - height // 2
    rows, columns = slice(max(top, 0), min(top + height, side)), slice(max(left, 0), min(left + width, side))
    frame[rows, columns] = array[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return frame


def _trimap_of_bytes(pha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The fork's trimap of an alpha of 0..255 taken for one of 0..1: 1 alone is foreground, 0 alone background."""
    return make_trimap_published(pha, rng, scale=1.0)
