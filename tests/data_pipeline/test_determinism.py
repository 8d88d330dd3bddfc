"""Same seed, same clips, bit for bit: for any number of workers and hosts, resumed at any step, for every technique."""

from typing import Any

import numpy as np
import pytest

from data_pipeline.pipeline import make_batches, make_dataset
from data_pipeline.sources.listing import SECTIONS
from data_pipeline.techniques import TECHNIQUES
from rvm_jax.media.pictures import write_picture

SIDE, STEPS = 32, 4
Clips = list[dict[str, np.ndarray]]
# Most of what is drawn by chance happens in every second clip, so that a few clips see all of it.
OFTEN = {"jitter": 0.5, "flip": 0.5, "pause": 0.5, "noise": 0.5, "blur": 0.5, "sharpen": 0.5, "jpeg": 0.5}
TECHNIQUE_SPECS = {
    f"{name}, {preset}": {"name": name, "preset": preset, **OFTEN}
    for name, technique in TECHNIQUES.items()
    for preset in technique.presets
}


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Eight faces and six occluders of noise, so that no two clips are alike; faces are also foregrounds."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[8:24, 8:24] = 255
    for index in range(8):
        write_picture(root / f"faces/img/{index}.png", rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8))
        write_picture(root / f"faces/mask/{index}.png", mask)
    for index, category in enumerate(("hand", "cup", "glasses", "smoke", "leaf", "net")):
        write_picture(root / f"things/{category}/fg/{index}.png", rng.integers(0, 256, (20, 14, 3), np.uint8))
        write_picture(root / f"things/{category}/alpha/{index}.png", np.full((20, 14), 200, np.uint8))

    def section(folder: str) -> dict[str, Any]:
        return {"main": {"name": "folder", "root": str(root / folder)}}

    folders = {"occluders": "things", "textures": "faces/img", "backgrounds": "faces/img"}
    return {name: section(folders.get(name, "faces")) for name in SECTIONS}


@pytest.fixture
def data(sections: dict[str, Any]) -> dict[str, Any]:
    return {**sections, "techniques": TECHNIQUE_SPECS, "resolution": SIDE, "seq_length": 3, "trimap": True, "seed": 7}


def take(data: dict[str, Any], count: int, **options: Any) -> Clips:
    with make_batches(data, **options) as batches:
        return [{name: np.array(array) for name, array in next(batches).items()} for _ in range(count)]


def assert_same(first: Clips, second: Clips) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert list(one) == list(other)
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def occlusion_techniques(data: dict[str, Any]) -> dict[str, Any]:
    """All but those whose clips have other arrays: batches must be of one kind."""
    kept = {
        label: spec for label, spec in data["techniques"].items() if TECHNIQUES[spec["name"]].arrays == ("src", "pha")
    }
    return data | {"techniques": kept}


def test_workers_hosts_and_steps(data: dict[str, Any]) -> None:
    data = occlusion_techniques(data)
    whole = take(data, STEPS, batch_size=4, workers=0)
    assert_same(take(data, STEPS - 1, batch_size=4, workers=1, start_step=1), whole[1:])

    hosts = [
        take(data, STEPS - first, batch_size=2, process_index=host, process_count=2, workers=workers, start_step=first)
        for host, workers, first in ((0, 2, 0), (1, 4, 2))
    ]
    for step in range(STEPS):
        for name in ("src", "pha", "trimap"):
            np.testing.assert_array_equal(hosts[0][step][name], whole[step][name][0::2])
            if step >= 2:
                np.testing.assert_array_equal(hosts[1][step - 2][name], whole[step][name][1::2])


def test_every_step_can_be_resumed(data: dict[str, Any]) -> None:
    data = occlusion_techniques(data)
    whole = take(data, 6, batch_size=3, workers=0)
    for step in range(1, 6):
        assert_same(take(data, 6 - step, batch_size=3, workers=0, start_step=step), whole[step:])


@pytest.mark.parametrize("label", TECHNIQUE_SPECS)
def test_each_technique_is_decided_by_the_seed(data: dict[str, Any], label: str) -> None:
    data = data | {"techniques": {label: TECHNIQUE_SPECS[label]}}
    dataset, again = make_dataset(data), make_dataset(data)
    first = [dataset[index] for index in range(6)]
    # In another order, so that nothing can be carried over from clip to clip.
    assert_same([again[index] for index in reversed(range(6))][::-1], first)
    other = make_dataset(data, seed=8)
    assert any((other[index]["src"] != first[index]["src"]).any() for index in range(6))


def test_hosts_see_other_records_and_other_randomness(data: dict[str, Any]) -> None:
    data = data | {"techniques": {"main": TECHNIQUE_SPECS["published, repaired"]}}
    dataset = make_dataset(data, names=True)
    keys = [[dataset[index]["key"] for index in range(host, 8, 2)] for host in range(2)]
    assert not set(keys[0]) & set(keys[1]) and len(keys[0] + keys[1]) == 8
    # One face for all: whatever differs between the hosts' clips then is their randomness.
    data["faces"] = {"main": {**data["faces"]["main"], "max_items": 1}}
    hosts = [take(data, 2, batch_size=3, process_index=host, process_count=2, workers=0) for host in range(2)]
    clips = [clip for host in hosts for batch in host for clip in batch["src"]]
    assert all((a != b).any() for i, a in enumerate(clips) for b in clips[:i])
