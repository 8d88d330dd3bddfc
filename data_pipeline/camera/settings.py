"""How often a clip has which effect of a camera, and how strong it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from rvm_jax.errors import UserError

Range = tuple[float, float]


@dataclass(frozen=True)
class Camera:
    """Sets `apply`: probabilities per clip that goes through the camera, and ranges drawn from uniformly.

    Attributes:
        probability: of the camera at all; 0 leaves every clip as it is.
        distortion, defocus, exposure, balance, tone, vignette, noise, rescale, halos, jpeg, h264: of the effects.
        bend: the lens's distortion at the corners, a share of the radius; below 0 are barrels.
        blur: of the background, a share of the frame's side.
        stops: of over- and underexposure.
        warmth: log gain of red over blue.
        noise_level: deviation of the noise at middle grey, in [0, 1]; its logarithm is drawn.
        scale: side of the picture that was enlarged to the frame, a share.
        overshoot: strength of the sharpening.
        quality: of the JPEG.
        crf: of the H.264 stream; 18 looks perfect, 40 falls apart.
    """

    probability: float = 0.0
    distortion: float = 0.2
    defocus: float = 0.15
    exposure: float = 0.5
    balance: float = 0.5
    tone: float = 0.5
    vignette: float = 0.3
    noise: float = 0.6
    rescale: float = 0.3
    halos: float = 0.25
    jpeg: float = 0.2
    h264: float = 0.35

    bend: Range = (-0.2, 0.1)
    blur: Range = (0.004, 0.03)
    stops: Range = (-1.2, 0.8)
    warmth: Range = (-0.35, 0.35)
    noise_level: Range = (0.004, 0.06)
    scale: Range = (0.35, 0.95)
    overshoot: Range = (0.3, 1.8)
    quality: Range = (30, 95)
    crf: Range = (20, 38)


OFF = Camera()
_BOUNDS: dict[str, Range] = {
    "bend": (-0.5, 0.5), "blur": (0, 0.2), "stops": (-4, 4), "warmth": (-1, 1), "noise_level": (0, 0.3),
    "scale": (0.05, 1), "overshoot": (0, 5), "quality": (1, 100), "crf": (1, 51),
}  # fmt: skip


def read_camera(value: Any, where: str = "camera") -> Camera:
    """Reads a camera from a config: the probability alone, or a mapping of settings (whose probability is then 1).

    Args:
        value: a number in [0, 1], or a mapping of the fields of `Camera`; fields that are None count as not given.
        where: the config's key, for messages.

    Raises:
        UserError: if a setting is unknown or out of its range.
    """
    if isinstance(value, Camera):
        return value
    given = value if isinstance(value, Mapping) else {"probability": value}
    known = [field.name for field in fields(Camera)]
    settings: dict[str, Any] = {"probability": 1.0}
    for key, entry in given.items():
        if key not in known:
            raise UserError(f"{where}.{key}: the camera has no such setting; it has {', '.join(known)}")
        if entry is not None:
            name = f"{where}.{key}" if isinstance(value, Mapping) else where
            settings[key] = _range(entry, key, name) if key in _BOUNDS else _probability(entry, name)
    return Camera(**settings)


def _probability(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise UserError(f"{where}: {value!r} is no probability; give a number from 0 to 1")
    return float(value)


def _range(value: Any, key: str, where: str) -> Range:
    low, high = _BOUNDS[key]
    pair = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
    if not pair or not all(isinstance(v, int | float) for v in value) or not low <= value[0] <= value[1] <= high:
        raise UserError(f"{where}: {value!r} should be two numbers from {low:g} to {high:g}, the smaller one first")
    return float(value[0]), float(value[1])
