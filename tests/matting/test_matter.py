"""Streaming: the state goes from call to call, and from nowhere else."""

import jax
import numpy as np
import pytest
from flax import nnx
from leaky_network import LeakyNetwork, leaky_alphas
from lively_network import lively_network

from rvm_jax.errors import UserError
from rvm_jax.matting.matter import Matter
from rvm_jax.networks.api import Matte

FRAMES = np.random.default_rng(0).integers(0, 256, (7, 6, 10, 3), dtype=np.uint8)
ALPHAS = leaky_alphas(FRAMES)


def _close(pha: jax.Array | np.ndarray | None, expected: np.ndarray) -> None:
    assert pha is not None
    np.testing.assert_allclose(np.asarray(pha), expected, atol=1e-6)


def _shape(fgr: jax.Array | None) -> tuple[int, ...] | None:
    return None if fgr is None else fgr.shape


def test_frames_and_chunks_give_the_same_alphas() -> None:
    matter = Matter(LeakyNetwork())
    _close(np.stack([matter(frame).pha for frame in FRAMES]), ALPHAS)
    matter.reset()
    _close(np.concatenate([matter(FRAMES[:1]).pha, matter(FRAMES[1:4]).pha, matter(FRAMES[4:]).pha]), ALPHAS)


def test_float_frames_equal_bytes() -> None:
    _close(Matter(LeakyNetwork())(FRAMES / np.float32(255)).pha, ALPHAS)


def test_foreground_has_the_shape_of_the_frames() -> None:
    matter = Matter(LeakyNetwork(foreground=True))
    _close(matter(FRAMES).fgr, 1 - FRAMES / 255)
    assert _shape(matter(FRAMES[0]).fgr) == (6, 10, 3)
    assert Matter(LeakyNetwork())(FRAMES[0]).fgr is None


def test_another_size_begins_a_new_stream() -> None:
    matter = Matter(LeakyNetwork())
    matter(FRAMES[:3])
    _close(matter(FRAMES[:, :4]).pha, ALPHAS[:, :4])
    _close(matter(FRAMES).pha, ALPHAS)


def test_ratio_reaches_the_network() -> None:
    _close(Matter(LeakyNetwork(), 0.25)(FRAMES).pha, ALPHAS * 0.25)
    for ratio in (0, -1, 1.5):
        with pytest.raises(UserError, match="downsample_ratio"):
            Matter(LeakyNetwork(), ratio)


@pytest.mark.parametrize("chunk", [1, 3, 7, 10])
def test_stream_yields_every_frame_once(chunk: int) -> None:
    matter = Matter(LeakyNetwork())
    matter(FRAMES)  # a state that the stream must not see
    pairs = list(matter.stream(iter(FRAMES), chunk))
    np.testing.assert_array_equal(np.concatenate([src for src, _ in pairs]), FRAMES)
    _close(np.concatenate([matte.pha for _, matte in pairs]), ALPHAS)
    _close(matter(FRAMES).pha, ALPHAS)  # nor does it leave one behind


def test_stream_changes_size_in_the_middle_of_a_chunk() -> None:
    frames = [*FRAMES[:4], *FRAMES[:4, :3], *FRAMES[:1]]
    mattes = [matte.pha for _, matte in Matter(LeakyNetwork(foreground=True)).stream(frames, 3)]
    assert [len(pha) for pha in mattes] == [3, 1, 3, 1, 1]
    for pha, expected in zip(
        mattes, [ALPHAS[:3], ALPHAS[3:4], ALPHAS[:3, :3], ALPHAS[3:4, :3], ALPHAS[:1]], strict=True
    ):
        _close(pha, expected)


def test_abandoned_stream_leaves_no_state() -> None:
    matter = Matter(LeakyNetwork())
    stream = matter.stream(FRAMES, 2)
    next(stream)
    stream.close()
    _close(matter(FRAMES).pha, ALPHAS)


def test_each_shape_compiles_once() -> None:
    traced = []

    class Counting(LeakyNetwork):
        def __call__(self, src: jax.Array, rec: tuple[jax.Array] | None = None, downsample_ratio: float = 1.0) -> Matte:
            if rec is not None:  # a trace without a state asks for the state's shapes alone
                traced.append(src.shape)
            return super().__call__(src, rec, downsample_ratio)

    matter = Matter(Counting())
    for _ in range(2):
        list(matter.stream(FRAMES, 3))
        list(matter.stream(FRAMES[:, :4], 3))
    assert traced == [(1, 3, 6, 10, 3), (1, 3, 4, 10, 3)]


def test_what_are_no_frames_is_named() -> None:
    for frames in (FRAMES[..., :1], FRAMES[0, 0], FRAMES[None]):
        with pytest.raises(UserError, match="frames have the shape"):
            Matter(LeakyNetwork())(frames)


def test_auto_ratio_follows_the_longer_side() -> None:
    matter = Matter(LeakyNetwork())
    assert [matter.ratio(512, 300), matter.ratio(1080, 1920), matter.ratio(3840, 2160)] == [1, 512 / 1920, 512 / 3840]
    assert Matter(LeakyNetwork(), pad_to=1024).ratio(300, 512) == 0.5  # that of the padded size
    assert Matter(LeakyNetwork(), 0.25).ratio(300, 512) == 0.25


def test_a_ratio_that_leaves_nothing_is_named() -> None:
    with pytest.raises(UserError, match=r"frames of 1x1 pixels leave nothing at downsample_ratio 0\.25"):
        Matter(LeakyNetwork(), 0.25)(FRAMES[0, :1, :1])


def test_streams_in_one_batch_have_states_of_their_own() -> None:
    matter = Matter(LeakyNetwork(foreground=True), streams=2)
    both = np.stack([FRAMES, FRAMES[::-1]])
    first = matter(both[:, :3])
    assert first.fgr is not None and first.fgr.shape == (2, 3, 6, 10, 3)
    matter.reset(1)
    second = np.stack([matter(both[:, t]).pha for t in range(3, 7)], axis=1)
    _close(np.concatenate([first.pha[0], second[0]]), ALPHAS)
    _close(second[1], leaky_alphas(FRAMES[::-1][3:]))
    for frames, message in ((FRAMES[0], "pass RGB frames"), (FRAMES[:3], "3 streams came to a Matter of 2")):
        with pytest.raises(UserError, match=message):
            matter(frames)


@pytest.mark.parametrize("chunk", [1, 4, 7])
def test_a_scene_cut_begins_a_new_stream(chunk: int) -> None:
    night, day = FRAMES[:3] // 4, 255 - FRAMES[:4] // 4
    mattes = Matter(LeakyNetwork(), scene_cut=10).stream([*night, *day], chunk)
    expected = np.concatenate([leaky_alphas(night), leaky_alphas(day)])
    _close(np.concatenate([matte.pha for _, matte in mattes]), expected)


def test_a_scene_cut_of_one_stream_leaves_the_others() -> None:
    night, day = FRAMES[:3] // 4, 255 - FRAMES[:4] // 4
    matter = Matter(LeakyNetwork(), scene_cut=10, streams=2)
    pha = matter(np.stack([np.concatenate([night, day]), FRAMES // 16])).pha
    _close(pha[0], np.concatenate([leaky_alphas(night), leaky_alphas(day)]))
    _close(pha[1], leaky_alphas(FRAMES // 16))


def test_padding_to_buckets_compiles_once_and_is_cut_away() -> None:
    shapes = []

    class Noting(LeakyNetwork):
        def __call__(self, src: jax.Array, rec: tuple[jax.Array] | None = None, downsample_ratio: float = 1.0) -> Matte:
            shapes.append(src.shape)
            return super().__call__(src, rec, downsample_ratio)

    matter = Matter(Noting(foreground=True), pad_to=16)
    for height, width in ((6, 10), (5, 9), (1, 1)):
        fgr, pha, _ = matter(FRAMES[0, :height, :width])
        _close(pha, ALPHAS[0, :height, :width])
        assert _shape(fgr) == (height, width, 3)
    assert set(shapes) == {(1, 1, 16, 16, 3)}


def test_another_shares_compilations_but_not_the_state() -> None:
    matter = Matter(LeakyNetwork())
    matter(FRAMES[:3])
    _close(matter.another()(FRAMES).pha, ALPHAS)
    _close(matter(FRAMES[3:]).pha, ALPHAS[3:])


def test_warm_up_leaves_no_state() -> None:
    matter = Matter(LeakyNetwork())
    matter.warm_up(6, 10, chunk=7)
    _close(matter(FRAMES).pha, ALPHAS)


def test_a_stream_goes_on_from_a_state() -> None:
    matter = Matter(LeakyNetwork())
    states = [matte.rec for _, matte in matter.stream(FRAMES[:4], 2)]
    rest = matter.stream(FRAMES[4:], 2, jax.tree.map(np.asarray, states[-1]))
    _close(np.concatenate([matte.pha for _, matte in rest]), ALPHAS[4:])


def test_settings_out_of_range_are_named() -> None:
    for settings in (
        {"streams": 0},
        {"pad_to": 0},
        {"scene_cut": 0},
        {"dtype": "float16"},
        {"precision": "float16"},
        {"precision": "float32", "dtype": "bfloat16"},
        {"downsample_ratio": "half"},
    ):
        with pytest.raises(UserError, match=next(iter(settings))):
            Matter(LeakyNetwork(), **settings)


def test_forty_frames_in_chunks_equal_the_network_at_once() -> None:
    """The reference is the network itself; the chunks go through the folded copy."""
    network = lively_network(foreground=False)
    clip = np.random.default_rng(1).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    graphdef, weights = nnx.split(network)
    whole = jax.jit(lambda w, src: nnx.merge(graphdef, w)(src).pha[0])(weights, clip[None] / np.float32(255))
    assert whole.std() > 0.01
    matter = Matter(network)
    for chunk in (1, 3, 8):
        chunks = np.concatenate([matte.pha for _, matte in matter.stream(clip, chunk)])
        np.testing.assert_allclose(chunks, whole, atol=1e-5)
