"""MODNet against the numbers of the original."""

import numpy as np
import pytest
from still_golden import check_evaluation, check_training, golden_still, golden_weights

from rvm_jax import UserError, torch_weights
from rvm_jax.networks.modnet import shrink


def test_evaluation():
    result = check_evaluation("modnet")
    assert result.pha is result.matte


def test_training():
    check_training("modnet")


def test_the_encoders_two_copies_must_agree():
    network, tensors = golden_still("modnet"), dict(golden_weights("modnet"))
    key = "lr_branch.backbone.model.features.0.0.weight"
    tensors[key] = tensors[key] + 1
    with pytest.raises(UserError, match=r"backbone\.model\.features\.0\.0\.weight.* are one tensor of the network"):
        torch_weights.set_state_dict(network, tensors, "odd.pth")


@pytest.mark.parametrize("factor", [2, 4])
def test_shrink(factor):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).random((1, 16, 8, 3), np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(np.moveaxis(x, -1, 1)), scale_factor=1 / factor, mode="bilinear"
    )
    np.testing.assert_allclose(np.moveaxis(shrink(x, factor), -1, 1), expected, rtol=0, atol=1e-6)
