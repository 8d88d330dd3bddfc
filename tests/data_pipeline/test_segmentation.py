"""The clips of the segmentation pass: what the warp does to a picture it does to its mask."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques.segmentation import TECHNIQUE, synthesize

SIDE = 48
PLAIN: dict[str, Any] = {"resolution": SIDE, "jitter": 0.0, "grey": 0.0}


def person(shift: int = 0, size: tuple[int, int] = (60, 90)) -> Picture:
    mask = np.zeros(size, np.uint8)
    cv2.circle(mask, (size[1] // 2 + shift, size[0] // 2), 18, 255, -1)
    return Picture(cv2.merge([mask] * 3), mask, "person", "persons")


@pytest.mark.parametrize("preset", TECHNIQUE.presets)
def test_picture_and_mask_stay_registered(preset: str) -> None:
    shapes = set()
    for seed in range(8):
        options = replace(TECHNIQUE.presets[preset], **PLAIN, seq_length=2)
        clip = synthesize(person(), [], np.random.default_rng(seed), options)
        assert clip["src"].shape == (2, SIDE, SIDE, 3) and clip["seg"].shape == (2, SIDE, SIDE, 1)
        np.testing.assert_array_equal(clip["seg"][..., 0], np.where(clip["src"][..., 0] > 127, 255, 0))
        np.testing.assert_array_equal(clip["seg"][0], clip["seg"][1])
        shapes.add(clip["seg"].tobytes())
    assert len(shapes) == 8


def test_the_whole_picture_without_affine_and_crop() -> None:
    options = replace(TECHNIQUE.presets["video"], **PLAIN, seq_length=1, crop=(1.0, 1.0), aspect=(1.0, 1.0), flip=0.0)
    clip = synthesize(person(), [], np.random.default_rng(0), options)
    expected = cv2.resize(person().rgb, (SIDE, SIDE))
    assert np.abs(clip["src"][0].astype(int) - expected).mean() < 2


def test_a_video_keeps_its_movement_under_one_crop() -> None:
    video = Video(tuple(person(shift) for shift in (-6, 0, 6)), "video", "persons")
    options = replace(TECHNIQUE.presets["video"], **PLAIN, seq_length=3, crop=(1.0, 1.0), aspect=(1.0, 1.0), flip=0.0)
    masks = synthesize(video, [], np.random.default_rng(0), options)["seg"][..., 0]
    middles = [np.average(np.arange(SIDE), weights=mask.sum(axis=0)) for mask in masks]
    assert np.diff(middles) == pytest.approx([6 * SIDE / 90] * 2, abs=0.3)


def test_colours_stay_within_the_strength() -> None:
    options = replace(TECHNIQUE.presets["images"], resolution=SIDE, seq_length=1, hue=0.0)
    grey = Picture(np.full((50, 50, 3), 100, np.uint8), np.full((50, 50), 255, np.uint8), "grey", "persons")
    means = [synthesize(grey, [], np.random.default_rng(seed), options)["src"].mean() for seed in range(20)]
    assert 89 <= min(means) < 95 and 105 < max(means) <= 111
