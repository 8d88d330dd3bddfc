"""Streaming: the state goes from call to call, and from nowhere else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from leaky_network import LeakyNetwork, leaky_alphas

from rvm_jax.errors import UserError
from rvm_jax.matter import Matter
from rvm_jax.networks.rvm import MattingNetwork

FRAMES = np.random.default_rng(0).integers(0, 256, (7, 6, 10, 3), dtype=np.uint8)
ALPHAS = leaky_alphas(FRAMES)


def _close(pha, expected):
    np.testing.assert_allclose(np.asarray(pha), expected, atol=1e-6)


def test_frames_and_chunks_give_the_same_alphas():
    matter = Matter(LeakyNetwork())
    _close(np.stack([matter(frame).pha for frame in FRAMES]), ALPHAS)
    matter.reset()
    _close(np.concatenate([matter(FRAMES[:1]).pha, matter(FRAMES[1:4]).pha, matter(FRAMES[4:]).pha]), ALPHAS)


def test_float_frames_equal_bytes():
    _close(Matter(LeakyNetwork())(FRAMES / np.float32(255)).pha, ALPHAS)


def test_foreground_has_the_shape_of_the_frames():
    matter = Matter(LeakyNetwork(foreground=True))
    _close(matter(FRAMES).fgr, 1 - FRAMES / 255)
    assert matter(FRAMES[0]).fgr.shape == (6, 10, 3)
    assert Matter(LeakyNetwork())(FRAMES[0]).fgr is None


def test_another_size_begins_a_new_stream():
    matter = Matter(LeakyNetwork())
    matter(FRAMES[:3])
    _close(matter(FRAMES[:, :4]).pha, ALPHAS[:, :4])
    _close(matter(FRAMES).pha, ALPHAS)


def test_ratio_reaches_the_network():
    _close(Matter(LeakyNetwork(), 0.25)(FRAMES).pha, ALPHAS * 0.25)
    for ratio in (0, -1, 1.5):
        with pytest.raises(UserError, match="downsample_ratio"):
            Matter(LeakyNetwork(), ratio)


@pytest.mark.parametrize("chunk", [1, 3, 7, 10])
def test_stream_yields_every_frame_once(chunk):
    matter = Matter(LeakyNetwork())
    matter(FRAMES)  # a state that the stream must not see
    pairs = list(matter.stream(iter(FRAMES), chunk))
    np.testing.assert_array_equal(np.concatenate([src for src, _ in pairs]), FRAMES)
    _close(np.concatenate([matte.pha for _, matte in pairs]), ALPHAS)
    _close(matter(FRAMES).pha, ALPHAS)  # nor does it leave one behind


def test_stream_changes_size_in_the_middle_of_a_chunk():
    frames = [*FRAMES[:4], *FRAMES[:4, :3], *FRAMES[:1]]
    mattes = [matte.pha for _, matte in Matter(LeakyNetwork(foreground=True)).stream(frames, 3)]
    assert [len(pha) for pha in mattes] == [3, 1, 3, 1, 1]
    for pha, expected in zip(
        mattes, [ALPHAS[:3], ALPHAS[3:4], ALPHAS[:3, :3], ALPHAS[3:4, :3], ALPHAS[:1]], strict=True
    ):
        _close(pha, expected)


def test_abandoned_stream_leaves_no_state():
    matter = Matter(LeakyNetwork())
    stream = matter.stream(FRAMES, 2)
    next(stream)
    stream.close()
    _close(matter(FRAMES).pha, ALPHAS)


def test_each_shape_compiles_once():
    traced = []

    class Counting(LeakyNetwork):
        def __call__(self, src, rec=None, downsample_ratio=1.0):
            if rec is not None:  # a trace without a state asks for the state's shapes alone
                traced.append(src.shape)
            return super().__call__(src, rec, downsample_ratio)

    matter = Matter(Counting())
    for _ in range(2):
        list(matter.stream(FRAMES, 3))
        list(matter.stream(FRAMES[:, :4], 3))
    assert traced == [(1, 3, 6, 10, 3), (1, 3, 4, 10, 3)]


def test_what_are_no_frames_is_named():
    for frames in (FRAMES[..., :1], FRAMES[0, 0], FRAMES[None]):
        with pytest.raises(UserError, match="frames have the shape"):
            Matter(LeakyNetwork())(frames)


def test_chunks_through_the_network_equal_the_network_at_once():
    abstract = nnx.eval_shape(lambda: MattingNetwork(foreground=False, rngs=nnx.Rngs(0)))
    graphdef, state = nnx.split(abstract)
    rng = np.random.default_rng(1)
    shapes = nnx.to_pure_dict(state)
    weights = jax.tree.map(lambda w: jnp.asarray(rng.uniform(-0.1, 0.2, w.shape) ** 2, w.dtype), shapes)
    network = nnx.merge(graphdef, weights)
    clip = rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    whole = jax.jit(lambda w, src: nnx.merge(graphdef, w)(src).pha[0])(weights, clip[None] / np.float32(255))
    chunks = np.concatenate([matte.pha for _, matte in Matter(network).stream(clip, 2)])
    assert chunks.std() > 0
    np.testing.assert_allclose(chunks, whole, atol=1e-5)
