"""AEMatter, image only and with a trimap, against the numbers of the originals, and its dropout."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from still_golden import QUICK_TO_COMPILE, check_evaluation, check_training

from rvm_jax.networks.attention import drop_path, dropout
from rvm_jax.networks.strip_attention import StripAttention, pad_to_strips
from rvm_jax.networks.swin import SwinStage


def test_trimap_evaluation():
    """At a size where the strips of the attention are more than one in both directions."""
    result = check_evaluation("aematter_trimap", "c")
    assert result.pha is result.alpha


def test_training():
    """Image only. Nothing but dropout differs in training, so that this is its evaluation, too."""
    check_training("aematter", atol=2e-5)


def test_dropout_keeps_the_mean_and_drop_path_whole_samples():
    key, x = jax.random.key(0), jnp.ones((2000, 3, 1))
    dropped = dropout(x, 0.25, key)
    np.testing.assert_allclose(np.unique(dropped), [0, 4 / 3], rtol=1e-6)
    assert abs(dropped.mean() - 1) < 0.05
    paths = np.asarray(drop_path(x, 0.25, key)).reshape(2000, 3)
    assert (paths == paths[:, :1]).all()
    assert abs(paths.mean() - 1) < 0.05
    assert dropout(x, 0.25, None) is x
    assert drop_path(x, 0.0, key) is x


def test_blocks_draw_from_their_key():
    stage = SwinStage(16, 2, [0.5], rngs=nnx.Rngs(0))
    strips = StripAttention(16, 4, heads=2, rate=0.2, rngs=nnx.Rngs(0))
    first, second = jax.random.key(1), jax.random.key(2)

    @jax.jit
    def run(x, z, appearance):
        paths = stage(x, first), stage(x, second)
        return paths, (strips(z, appearance, None), strips(z, appearance, first))

    rng = np.random.default_rng(0)
    maps = [rng.random(shape, np.float32) for shape in ((2, 7, 7, 16), (1, 5, 10, 16), (1, 5, 10, 4))]
    for one, another in run.lower(*maps).compile(QUICK_TO_COMPILE)(*maps):
        assert not np.allclose(one, another)


def test_strips_are_filled_up_on_both_sides():
    x = jnp.ones((1, 6, 8, 1))
    padded, crop = pad_to_strips(x)
    assert padded.shape == (1, 10, 10, 1)
    assert (crop[1], crop[2]) == (slice(2, 8), slice(1, 9))
    np.testing.assert_array_equal(padded[crop], x)
    assert float(padded.sum()) == float(x.sum())
