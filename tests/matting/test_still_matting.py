"""Networks for still pictures on trees and clips, and where guided ones have their masks and trimaps from."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from echo_network import Echo
from flax import nnx
from leaky_network import LeakyNetwork, leaky_alphas

import rvm_jax
from rvm_jax import PictureMatter, UserError, guidance
from rvm_jax.matting import GuidanceSource, load_network, matte_pictures, matte_video
from rvm_jax.matting.weights import weights_stamp
from rvm_jax.media.face_tracks import read_faces
from rvm_jax.media.frame_folder import FrameFolder
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import write_picture
from rvm_jax.networks.api import Guidance
from rvm_jax.networks.modnet.model import MODNet

FRAMES = np.random.default_rng(0).integers(0, 256, (4, 32, 40, 3), dtype=np.uint8)
TRUTH = np.where(np.arange(40) < 10 + 5 * np.arange(4)[:, None, None], 255, np.zeros((4, 32, 40))).astype(np.uint8)
NAMES = ("hands/0", "hats/clip/0", "hats/clip/1", "hats/clip/2")
STATES = np.concatenate([leaky_alphas(FRAMES[:1]), leaky_alphas(FRAMES[1:])])[..., 0]  # the picture's, and the clip's


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A benchmark of a picture and a clip."""
    for name, frame, alpha in zip(NAMES, FRAMES, TRUTH, strict=True):
        category, _, rest = name.partition("/")
        for folder, values in (("img", frame), ("mask", alpha), ("trimap", guidance.derive("trimap", alpha))):
            write_picture(tmp_path / f"in/{category}/{folder}/{rest}.png", values)
    return tmp_path / "in"


def _matte(network: nnx.Module, source: Path, out: Path, **settings: Any) -> np.ndarray:
    matte_pictures(network, source, out, **{"progress": False, "seq_chunk": 2} | settings)
    return np.stack([read_mask(out / f"{name}.png", rescale=False) for name in NAMES])


def _written(folder: Path, values: np.ndarray) -> Path:
    for name, mask in zip(NAMES, values, strict=True):
        write_picture(folder / f"{name}.png", mask)
    return folder


def test_a_tree_frame_by_frame_in_full_size(tree: Path, tmp_path: Path) -> None:
    np.testing.assert_array_equal(_matte(Echo(preparation="published"), tree, tmp_path / "out"), FRAMES[..., 2])
    wide = np.random.default_rng(1).integers(0, 256, (8, 600, 3), dtype=np.uint8)  # RVM's rule would shrink it
    write_picture(tmp_path / "wide.png", wide)
    out = tmp_path / "wide"
    (path,) = matte_pictures(Echo(), tmp_path / "wide.png", out, alpha_bits=16, pad_to=64, progress=False)
    np.testing.assert_array_equal(read_mask(path), wide[..., 2])
    matte_pictures(Echo(), tmp_path / "wide.png", out, downsample_ratio=0.5, progress=False)
    assert read_mask(path).shape == (8, 600) and (read_mask(path) != wide[..., 2]).any()


def test_masks_and_trimaps_from_files(tree: Path, tmp_path: Path) -> None:
    moved = np.roll(TRUTH, 3, axis=2)
    folder = _written(tmp_path / "masks", moved)
    np.testing.assert_array_equal(
        _matte(Echo("mask"), tree, tmp_path / "out", guidance=GuidanceSource(files=folder)), moved
    )
    found = _matte(Echo("trimap"), tree, tmp_path / "out", guidance=GuidanceSource(files=tree))
    np.testing.assert_array_equal(found == 255, [guidance.derive("trimap", alpha) == 255 for alpha in TRUTH])
    one = matte_pictures(
        Echo("mask"),
        tree / "hands/img/0.png",
        tmp_path / "one",
        guidance=GuidanceSource(files=folder / "hats/clip/2.png"),
        progress=False,
    )
    np.testing.assert_array_equal(read_mask(one[0]), moved[3])


def test_masks_derived_from_the_truth_and_from_a_network_with_its_state(tree: Path, tmp_path: Path) -> None:
    source = GuidanceSource(alphas=tree)
    np.testing.assert_array_equal(_matte(Echo("mask"), tree, tmp_path / "out", guidance=source), TRUTH)
    source = GuidanceSource(network=LeakyNetwork())
    found = _matte(Echo("mask"), tree, tmp_path / "out", guidance=source)
    np.testing.assert_array_equal(found == 255, np.round(255 * STATES) >= 128)


def test_interrupted_guided_work_goes_on_in_a_clip(tree: Path, tmp_path: Path) -> None:
    source, out = GuidanceSource(network=LeakyNetwork()), tmp_path / "out"
    calls: list[str] = []

    def failing(path: Path, picture: np.ndarray) -> None:
        calls.append(path.relative_to(out).with_suffix("").as_posix())
        if calls[-1] == NAMES[3] and calls.count(NAMES[3]) == 1:
            raise UserError(f"{path}: cannot be written")
        write_picture(path, picture)

    with pytest.raises(UserError, match="cannot be written"):
        _matte(Echo("mask"), tree, out, guidance=source, write_file=failing)
    found = _matte(Echo("mask"), tree, out, guidance=source, write_file=failing)
    assert sorted(calls[:4]) == sorted(NAMES) and calls[4:] == [NAMES[3]]
    np.testing.assert_array_equal(found == 255, np.round(255 * STATES) >= 128)


@pytest.mark.parametrize(
    ("network", "settings", "said"),
    [
        (Echo("mask"), {}, r"echo needs a mask beside each picture or frame; give masks \(--guidance\), alphas"),
        (Echo("trimap"), {}, "echo needs a trimap beside each"),
        (Echo(), {"guidance": {"alphas": "in"}}, "echo takes the picture alone.*leave the guidance out"),
        (LeakyNetwork(), {"guidance": {"alphas": "in"}}, "leaky takes the picture alone"),
        (Echo("mask"), {"guidance": {"files": "absent"}}, "absent: no such file or folder"),
        (Echo("mask"), {"guidance": {"files": "in", "alphas": "in"}}, "guidance comes from one place"),
        (Echo("mask"), {"guidance": {"files": "in/hands/img/0.png"}}, "one mask cannot serve 4 pictures"),
        (Echo("mask"), {"guidance": {"network": Echo("trimap")}}, "echo needs a trimap itself"),
        (
            Echo("mask"),
            {"guidance": {"alphas": "in"}, "downsample_ratio": 0.5},
            "full size; leave downsample_ratio out",
        ),
        (LeakyNetwork(), {"faithful": True}, "faithful is how still-picture networks were run"),
        (Echo(), {"faithful": True, "alpha_bits": 16}, "as published have 8 bits"),
        (Echo(), {"preparation": "original"}, "preparation=original is for PyTorch files"),
    ],
)
def test_what_does_not_go_together(
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    network: Echo | LeakyNetwork,
    settings: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        if "guidance" in settings:
            settings = settings | {"guidance": GuidanceSource(**settings["guidance"])}
        _matte(network, tree, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_all_missing_masks_are_reported_at_once(tree: Path, tmp_path: Path) -> None:
    folder = _written(tmp_path / "masks", TRUTH)
    for name in NAMES[1:3]:
        (folder / f"{name}.png").unlink()
    with pytest.raises(UserError) as caught:
        _matte(Echo("mask"), tree, tmp_path / "out", guidance=GuidanceSource(files=folder))
    assert str(caught.value) == (
        f"{folder}: no mask for 2 of 4 pictures (hats/clip/0, hats/clip/1); it is looked for as hats/clip/0.png or "
        "hats/mask/clip/0.png there"
    )
    write_picture(tree / "hats/mask/clip/0.jpg", TRUTH[0])
    with pytest.raises(UserError, match=r"several alphas for 1 pictures \(hats/clip/0\)"):
        _matte(Echo("mask"), tree, tmp_path / "out", guidance=GuidanceSource(alphas=tree))
    assert not (tmp_path / "out").exists()
    folder = _written(tmp_path / "masks", TRUTH)
    with pytest.raises(UserError, match=r"0\.png: its result would replace it"):
        _matte(Echo("mask"), tree, folder, guidance=GuidanceSource(files=folder))


def test_masks_that_do_not_fit_are_named_after_the_others_are_matted(tree: Path, tmp_path: Path) -> None:
    folder = _written(tmp_path / "trimaps", TRUTH)
    write_picture(folder / "hands/0.png", TRUTH[0, :20])
    write_picture(folder / "hats/clip/1.png", np.full((32, 40), 77, np.uint8))
    with pytest.raises(UserError) as caught:
        _matte(Echo("trimap"), tree, tmp_path / "out", guidance=GuidanceSource(files=folder))
    text = str(caught.value)
    assert text.startswith("2 of 4 pictures could not be matted")
    assert "hands/0.png: the trimap is 20×40, but its picture is 32×40" in text
    assert "hats/clip/1.png: the trimap has the value 77; only 0, 128 and 255 mean something. Write it" in text
    np.testing.assert_array_equal(read_mask(tmp_path / "out/hats/clip/2.png"), TRUTH[3])


def _video(network: nnx.Module, source: Path, out: Path, **settings: Any) -> np.ndarray:
    result = matte_video(network, source, outputs={"alpha": out}, progress=False, seq_chunk=3, **settings)
    assert result.frames == 4
    return np.stack([read_mask(path, rescale=False) for path in sorted(out.iterdir())])


def test_clips(tmp_path: Path) -> None:
    for t, (frame, alpha) in enumerate(zip(FRAMES, TRUTH, strict=True)):
        write_picture(tmp_path / f"in/{t}.png", frame)
        write_picture(tmp_path / f"masks/{t}.png", alpha)
    source = tmp_path / "in"
    still = Echo(preparation="published")
    np.testing.assert_array_equal(_video(still, source, tmp_path / "still"), FRAMES[..., 2])
    alone = [PictureMatter(still)(frame)[..., 0] for frame in FRAMES]
    np.testing.assert_array_equal(_video(still, source, tmp_path / "again"), alone)

    def guided(name: str, kind: Guidance = "mask", **given: Any) -> np.ndarray:
        return _video(Echo(kind), source, tmp_path / name, guidance=GuidanceSource(**given))

    np.testing.assert_array_equal(guided("files", files=tmp_path / "masks"), TRUTH)
    np.testing.assert_array_equal(guided("alphas", "trimap", alphas=tmp_path / "masks/1.png").std(axis=0), 0)
    seen = np.round(255 * leaky_alphas(FRAMES)[..., 0]) >= 128
    np.testing.assert_array_equal(guided("network", network=LeakyNetwork()) == 255, seen)

    (tmp_path / "masks/3.png").unlink()
    with pytest.raises(UserError, match="masks: holds fewer masks than the input has frames"):
        guided("short", files=tmp_path / "masks")
    write_picture(tmp_path / "grey.png", np.full((32, 40), 77, np.uint8))
    with pytest.raises(UserError, match=r"grey\.png: frame 0: the trimap has the value 77"):
        guided("grey", "trimap", files=tmp_path / "grey.png")
    with pytest.raises(UserError, match="echo needs a mask beside each picture or frame"):
        _video(Echo("mask"), source, tmp_path / "none")
    (tmp_path / "faces.csv").write_text("frame,face,x,y,width,height\n0,a,4,4,20,20\n")
    with pytest.raises(UserError, match="guided by masks of whole frames; leave the faces out"):
        _video(
            Echo("mask"),
            source,
            tmp_path / "faces",
            faces=read_faces(tmp_path / "faces.csv"),
            guidance=GuidanceSource(files=tmp_path / "masks"),
        )


class _Stopping(FrameFolder):
    """A folder during whose matting the user presses Ctrl-C."""

    def frames(self) -> Iterator[Frame]:
        yield from islice(super().frames(), 3)
        raise KeyboardInterrupt


@pytest.mark.parametrize("network", [Echo(), Echo("mask")])
def test_interrupted_clips_go_on(tmp_path: Path, network: Echo | LeakyNetwork) -> None:
    for t, frame in enumerate(FRAMES):
        write_picture(tmp_path / f"in/{t}.png", frame)
    settings: dict[str, Any] = {"outputs": {"alpha": tmp_path / "out"}, "progress": False, "seq_chunk": 1}
    if network.inputs.guidance:
        settings["guidance"] = GuidanceSource(network=LeakyNetwork())
    with pytest.raises(KeyboardInterrupt):
        matte_video(network, _Stopping(tmp_path / "in"), **settings)
    (tmp_path / ".out.partial/0.png").write_bytes(b"mine")  # it is not written again
    assert matte_video(network, FrameFolder(tmp_path / "in"), **settings).frames == 4
    assert (tmp_path / "out/0.png").read_bytes() == b"mine"
    guided = np.where(np.round(255 * leaky_alphas(FRAMES)[..., 0]) >= 128, 255, 0)
    expected = guided if network.inputs.guidance else FRAMES[..., 2]
    for t in range(1, 4):
        np.testing.assert_array_equal(read_mask(tmp_path / f"out/{t}.png", rescale=False), expected[t])


def test_the_preparation_of_a_pytorch_file(tmp_path: Path) -> None:
    network = rvm_jax.create("modnet", rngs=None)
    rvm_jax.save_torch(network, tmp_path / "modnet.safetensors")
    loaded = load_network(tmp_path / "modnet.safetensors", "original")
    assert isinstance(loaded, MODNet) and loaded.preparation_name == "original"
    (tmp_path / "work").mkdir()
    with pytest.raises(UserError, match="work: is a checkpoint, which says its network's preparation itself"):
        load_network(tmp_path / "work", "original")


def test_a_training_that_goes_on_is_another_network(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    before = weights_stamp(tmp_path)
    (tmp_path / "checkpoints/10").mkdir()
    assert weights_stamp(tmp_path) != before
