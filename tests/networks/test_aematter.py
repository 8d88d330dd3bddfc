"""AEMatter, image only and with a trimap, against the numbers of the originals, and its dropout."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from quick_compilation import QUICK_TO_COMPILE
from still_golden import check_evaluation, golden_weights

from rvm_jax import UserError
from rvm_jax.networks.aematter.attention import StripAttention, pad_to_strips
from rvm_jax.networks.aematter.model import AEMatterResult
from rvm_jax.networks.backbones.swin import SwinStage
from rvm_jax.networks.layers.arithmetic import clamp
from rvm_jax.networks.layers.attention import drop_path, dropout
from rvm_jax.networks.registry import create
from rvm_jax.weights import torch_weights


def test_trimap_evaluation() -> None:
    """At a size where the strips of the attention are more than one in both directions."""
    result = check_evaluation("aematter_trimap", "c")
    assert result.pha is result.alpha


def test_evaluation() -> None:
    """By the other's program, which is compiled already: weights of zero take the trimap out of it."""
    tensors = dict(golden_weights("aematter"))
    for key in ("start_conv0.0.weight", "convo.0.weight"):
        tensors[key] = np.insert(tensors[key], [3, 3, 3], 0, axis=1)
    network = create("aematter_trimap", rngs=None)
    torch_weights.set_state_dict(network, tensors, "aematter")
    check_evaluation("aematter", "c", network)


def swins_file(torch: Any, path: Path) -> dict[str, np.ndarray]:
    """Writes the encoder's tensors as Swin's authors publish theirs; returns them."""
    trans = {key.removeprefix("trans."): x for key, x in golden_weights("aematter").items() if key.startswith("trans.")}
    own = ("patch_embed.proj.", "norm0.", "norm1.", "norm2.", "norm3.")
    encoder = {key: x for key, x in trans.items() if not key.startswith(own)}
    beside = {"patch_embed.proj.weight": (96, 3, 4, 4), "patch_embed.proj.bias": (96,), "head.weight": (10, 768)}
    beside |= {"norm.weight": (768,), "norm.bias": (768,), "layers.0.blocks.1.attn_mask": (64, 49, 49)}
    tensors = encoder | {key: np.ones(shape, np.float32) for key, shape in beside.items()}
    torch.save({"model": {key: torch.from_numpy(np.array(x)) for key, x in tensors.items()}}, path)
    return encoder


def test_swins_imagenet_file_sets_the_encoder_but_for_what_is_aematters(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "swin_tiny_patch4_window7_224.pth"
    encoder = swins_file(torch, path)
    network = create("aematter", rngs=None)
    before = torch_weights.state_dict(network)
    torch_weights.load_backbone(network, path)
    after = torch_weights.state_dict(network)
    assert len(encoder) == 179
    for key, tensor in after.items():
        expected = encoder.get(key.removeprefix("trans."), before[key])
        np.testing.assert_array_equal(tensor, expected, err_msg=key)

    del encoder["layers.3.blocks.1.mlp.fc2.bias"]
    torch.save({key: torch.from_numpy(np.array(x)) for key, x in encoder.items()}, path)
    with pytest.raises(UserError, match=r"224\.pth: .* 1 missing: layers\.3\.blocks\.1\.mlp\.fc2\.bias$"):
        torch_weights.load_backbone(network, path)


def test_the_alpha_is_clipped_but_not_what_a_loss_sees() -> None:
    raw = jnp.array([-0.5, 0.25, 1.5])
    result = AEMatterResult(clamp(raw, 0.0, 1.0), raw)
    np.testing.assert_array_equal(result.pha, [0, 0.25, 1])
    np.testing.assert_array_equal(result.supervised, raw)


def test_dropout_keeps_the_mean_and_drop_path_whole_samples() -> None:
    key, x = jax.random.key(0), jnp.ones((2000, 3, 1))
    dropped = dropout(x, 0.25, key)
    np.testing.assert_allclose(np.unique(dropped), [0, 4 / 3], rtol=1e-6)
    assert abs(dropped.mean() - 1) < 0.05
    paths = np.asarray(drop_path(x, 0.25, key)).reshape(2000, 3)
    assert (paths == paths[:, :1]).all()
    assert abs(paths.mean() - 1) < 0.05
    assert dropout(x, 0.25, None) is x
    assert drop_path(x, 0.0, key) is x


def test_blocks_draw_from_their_key() -> None:
    stage = SwinStage(16, 2, [0.5], rngs=nnx.Rngs(0))
    strips = StripAttention(16, 4, heads=2, rate=0.2, rngs=nnx.Rngs(0))
    first, second = jax.random.key(1), jax.random.key(2)

    @jax.jit
    def run(x: Any, z: Any, appearance: Any) -> Any:
        paths = stage(x, first), stage(x, second)
        return paths, (strips(z, appearance, None), strips(z, appearance, first))

    rng = np.random.default_rng(0)
    maps = [rng.random(shape, np.float32) for shape in ((2, 7, 7, 16), (1, 5, 10, 16), (1, 5, 10, 4))]
    for one, another in run.lower(*maps).compile(QUICK_TO_COMPILE)(*maps):
        assert not np.allclose(one, another)


def test_strips_are_filled_up_on_both_sides() -> None:
    x = jnp.ones((1, 6, 8, 1))
    padded, crop = pad_to_strips(x)
    assert padded.shape == (1, 10, 10, 1)
    assert (crop[1], crop[2]) == (slice(2, 8), slice(1, 9))
    np.testing.assert_array_equal(padded[crop], x)
    assert float(padded.sum()) == float(x.sum())
