"""A clip goes through the camera: what it gets, in the order of lens, light, sensor, software and file."""

import numpy as np

from data_pipeline.camera import codecs, lens, light, processing, sensor
from data_pipeline.camera.settings import Camera

_LABELS = ("trimap", "seg")  # arrays whose values mean something, and are not to be mixed


def apply(
    clip: np.ndarray, pha: np.ndarray, rng: np.random.Generator, settings: Camera
) -> tuple[np.ndarray, np.ndarray]:
    """Shoots a clip with a camera of its own.

    Args:
        clip: uint8 (T, H, W, 3), RGB.
        pha: the alpha that belongs to it, uint8 (T, H, W, 1).
        rng: the generator; with a probability of 0 nothing is drawn from it.
        settings: how often and how strong the effects are.

    Returns:
        The clip, and its alpha, which the lens distorts in the same way; new arrays where something changed.
    """
    shot = apply_all({"src": clip, "pha": pha}, rng, settings)
    return shot["src"], shot["pha"]


def apply_all(arrays: dict[str, np.ndarray], rng: np.random.Generator, settings: Camera) -> dict[str, np.ndarray]:
    """Does what `apply` does for the array `src` of a clip and all labels (T, H, W, 1) beside it."""
    if settings.probability <= 0 or rng.random() >= settings.probability:
        return arrays
    # Each effect draws whether it comes, so that settings of one change nothing about the others' probabilities.
    distortion, defocus, exposure, balance, tone, vignette, noise, rescale, halos, jpeg, h264 = (
        rng.random(11)
        < (settings.distortion, settings.defocus, settings.exposure, settings.balance, settings.tone,
           settings.vignette, settings.noise, settings.rescale, settings.halos, settings.jpeg, settings.h264)
    )  # fmt: skip
    if distortion:
        height, width = arrays["src"].shape[1:3]
        places = lens.lens_map(rng, height, width, settings.bend)
        arrays = {name: lens.distort(array, places, name in _LABELS) for name, array in arrays.items()}
    clip = arrays["src"]
    if defocus and "pha" in arrays:
        clip = lens.defocus(clip, arrays["pha"], rng, settings.blur)
    if vignette:
        clip = light.vignette(clip, rng)
    if exposure:
        clip = light.expose(clip, rng, settings.stops)
    if balance:
        clip = light.balance(clip, rng, settings.warmth)
    if noise:
        clip = sensor.add_noise(clip, rng, settings.noise_level)
    if tone:
        clip = light.tone(clip, rng)
    if rescale:
        clip = processing.rescale(clip, rng, settings.scale)
    if halos:
        clip = processing.sharpen(clip, rng, settings.overshoot)
    if jpeg:
        clip = codecs.jpeg(clip, rng, settings.quality)
    if h264:
        clip = codecs.h264(clip, rng, settings.crf)
    return arrays | {"src": clip}
