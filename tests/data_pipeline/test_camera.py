"""A camera's effects: shapes, one result by generator, alphas that move with the picture, off is off."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from data_pipeline.camera import OFF, Camera, apply, apply_all, codecs, lens, light, processing, read_camera, sensor
from data_pipeline.sources.base import Picture
from data_pipeline.techniques import open_technique
from rvm_jax.errors import UserError

EFFECTS = (
    "distortion", "defocus", "exposure", "balance", "tone", "vignette", "noise", "rescale", "halos", "jpeg", "h264",
)  # fmt: skip
NONE = dict.fromkeys(EFFECTS, 0.0)


def clip(frames: int = 3, height: int = 33, width: int = 46) -> tuple[np.ndarray, np.ndarray]:
    """A coloured slope with a bright square, which is the alpha, too."""
    pha = np.zeros((frames, height, width, 1), np.uint8)
    pha[:, height // 3 : height // 2, width // 4 : width // 2] = 255
    slope = np.linspace(20, 120, width).astype(np.uint8)[None, None, :, None] + np.array([0, 30, 60], np.uint8)
    return np.where(pha > 0, np.uint8(200), np.broadcast_to(slope, (frames, height, width, 3))), pha


@pytest.mark.parametrize(
    "effect",
    [light.expose, light.balance, light.tone, light.vignette, sensor.add_noise, processing.rescale, processing.sharpen,
     codecs.jpeg, codecs.h264],
)  # fmt: skip
def test_effects_of_the_picture_alone(effect: Callable[..., np.ndarray]) -> None:
    for shape in ((1, 17, 24), (3, 33, 46)):
        before, _ = clip(*shape)
        kept = before.copy()
        after = effect(before, np.random.default_rng(1))
        assert after.shape == before.shape and after.dtype == np.uint8
        assert np.array_equal(after, effect(before, np.random.default_rng(1)))
        assert not np.array_equal(after, before) and np.array_equal(before, kept)
        assert np.abs(after.astype(int) - before).mean() < 90


def test_off_is_bit_equal_and_draws_nothing() -> None:
    src, pha = clip()
    rng = np.random.default_rng(3)
    shot, alpha = apply(src, pha, rng, OFF)
    assert shot is src and alpha is pha and rng.random() == np.random.default_rng(3).random()
    shot, alpha = apply(src, pha, rng, read_camera(NONE))
    assert np.array_equal(shot, src) and np.array_equal(alpha, pha)


def test_everything_at_once_is_one_clip_by_generator() -> None:
    src, pha = clip()
    for seed in range(4):
        one, other = (apply(src, pha, np.random.default_rng(seed), read_camera(1.0)) for _ in range(2))
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    every = read_camera(dict.fromkeys(EFFECTS, 1.0))
    shot, alpha = apply(src, pha, np.random.default_rng(0), every)
    assert shot.shape == src.shape and alpha.shape == pha.shape and shot.dtype == alpha.dtype == np.uint8


@pytest.mark.parametrize("bend", [-0.3, 0.2])
def test_the_lens_moves_the_alpha_with_the_picture(bend: float) -> None:
    _, pha = clip(height=64, width=64)
    settings = read_camera({**NONE, "distortion": 1.0, "bend": (bend, bend)})
    labels = {"src": np.repeat(pha, 3, -1), "pha": pha, "trimap": pha // 2}
    shot = apply_all(labels, np.random.default_rng(0), settings)
    assert np.array_equal(shot["src"], np.repeat(shot["pha"], 3, -1)) and not np.array_equal(shot["pha"], pha)
    assert set(np.unique(shot["trimap"])) == {0, 127}  # labels are not mixed
    places = lens.lens_map(np.random.default_rng(0), 64, 48, (bend, bend))
    assert places.shape == (64, 48, 2) and places.min() >= 0 and places[..., 0].max() <= 47


def test_defocus_keeps_the_subject_sharp() -> None:
    rng = np.random.default_rng(0)
    src = rng.integers(0, 256, (2, 96, 96, 3), np.uint8)
    pha = np.zeros((2, 96, 96, 1), np.uint8)
    pha[0, 40:60, 40:60] = 255
    after = lens.defocus(src, pha, rng, (0.03, 0.03))
    assert np.array_equal(after[0][pha[0, ..., 0] > 0], src[0][pha[0, ..., 0] > 0])
    assert after[0, :8].std() < 0.6 * src[0, :8].std()
    assert np.array_equal(after[1], src[1])  # nobody there


def test_noise_has_no_bias_and_is_new_in_every_frame() -> None:
    grey = np.full((2, 128, 128, 3), 128, np.uint8)
    noise = sensor.add_noise(grey, np.random.default_rng(0), (0.03, 0.03)).astype(float) - 128
    assert abs(noise.mean()) < 0.5 and 4 < noise.std() < 20 and (noise[0] != noise[1]).any()


def test_a_stronger_compression_is_farther_from_the_original() -> None:
    src = np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), np.uint8)
    for effect, mild, strong in ((codecs.h264, (20, 20), (38, 38)), (codecs.jpeg, (95, 95), (30, 30))):
        errors = [np.abs(effect(src, np.random.default_rng(0), r).astype(int) - src).mean() for r in (mild, strong)]
        assert errors[0] < errors[1]


def test_reading_settings() -> None:
    assert read_camera(0.3) == Camera(probability=0.3) and read_camera(0) == OFF
    assert read_camera({"noise": 0.1, "crf": [20, 30], "jpeg": None}) == Camera(1.0, noise=0.1, crf=(20.0, 30.0))
    assert set(EFFECTS) < {field.name for field in fields(Camera)}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.5, r"^x\.camera: 1\.5 is no probability"),
        ("much", r"^x\.camera: 'much' is no probability"),
        ({"noise": 2}, r"^x\.camera\.noise: 2 is no probability"),
        ({"grain": 1}, r"^x\.camera\.grain: the camera has no such setting; it has probability, distortion"),
        ({"crf": 30}, r"^x\.camera\.crf: 30 should be two numbers from 1 to 51"),
        ({"crf": (40, 30)}, r"^x\.camera\.crf: \(40, 30\) should be two numbers"),
    ],
)
def test_wrong_settings(value: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_camera(value, "x.camera")


def test_the_camera_is_an_option_of_the_techniques() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    alpha = np.zeros((40, 40), np.uint8)
    alpha[8:32, 8:32] = 255
    face = Picture(rgb, alpha, "key", "face")

    def made(**settings: Any) -> dict[str, np.ndarray]:
        technique = open_technique(
            {"name": "published", "preset": "repaired", **settings}, "here", resolution=32, seq_length=2, trimap=True
        )
        return technique(face, [], np.random.default_rng(5))

    plain, off, on = made(), made(camera=0), made(camera={"distortion": 1, "crf": [30, 38]})
    assert all(np.array_equal(plain[name], off[name]) for name in plain)
    assert all(on[name].shape == plain[name].shape and on[name].dtype == np.uint8 for name in plain)
    assert not np.array_equal(on["src"], plain["src"]) and not np.array_equal(on["pha"], plain["pha"])
    assert set(np.unique(on["trimap"])) <= {0, 128, 255}
    with pytest.raises(UserError, match=r"here\.camera: the clips of 'rvm' are layers"):
        open_technique({"name": "rvm", "camera": 0.5}, "here", resolution=32, seq_length=2, trimap=True)
    with pytest.raises(UserError, match=r"here\.camera: 7 is no probability"):
        made(camera=7)
