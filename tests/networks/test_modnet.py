"""MODNet against the numbers of the original."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from still_golden import check_evaluation, golden_still, golden_weights

from rvm_jax import UserError
from rvm_jax.networks.layers.resampling import shrink
from rvm_jax.networks.registry import create
from rvm_jax.weights import torch_weights


def test_evaluation() -> None:
    result = check_evaluation("modnet")
    assert result.pha is result.matte


def test_the_encoders_two_copies_must_agree() -> None:
    network, tensors = golden_still("modnet"), dict(golden_weights("modnet"))
    key = "lr_branch.backbone.model.features.0.0.weight"
    tensors[key] = tensors[key] + 1
    with pytest.raises(UserError, match=r"backbone\.model\.features\.0\.0\.weight.* are one tensor of the network"):
        torch_weights.set_state_dict(network, tensors, "odd.pth")


def test_the_authors_encoder_is_read_as_it_is_downloaded(tmp_path: Path) -> None:
    """A .ckpt, and of before PyTorch 1.6: no zip archive."""
    torch = pytest.importorskip("torch")
    prefix, path = "backbone.model.", tmp_path / "mobilenetv2_human_seg.ckpt"
    encoder = {key.removeprefix(prefix): x for key, x in golden_weights("modnet").items() if key.startswith(prefix)}
    tensors = {key: torch.from_numpy(np.array(x)) for key, x in encoder.items()}
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    network = create("modnet", rngs=None)
    torch_weights.load_backbone(network, path)
    found = torch_weights.state_dict(network)
    for key, tensor in encoder.items():
        np.testing.assert_array_equal(found[prefix + key], tensor, err_msg=key)
    assert not found["f_branch.conv_f.0.layers.0.weight"].any()


@pytest.mark.parametrize("factor", [2, 4])
def test_shrink(factor: int) -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).random((1, 16, 8, 3), np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(np.moveaxis(x, -1, 1)), scale_factor=1 / factor, mode="bilinear"
    )
    np.testing.assert_allclose(
        np.moveaxis(np.asarray(shrink(jnp.asarray(x), factor)), -1, 1), expected, rtol=0, atol=1e-6
    )
