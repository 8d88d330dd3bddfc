"""ResNet18's U-Net against the numbers of the original."""

import jax.numpy as jnp
import numpy as np
from still_golden import check_evaluation

from rvm_jax.networks.resnet18_unet.model import UNetResult


def test_evaluation() -> None:
    result = check_evaluation("resnet18_unet")
    np.testing.assert_array_equal(result.pha, result.out)  # these lie within [0, 1]


def test_the_alpha_is_clipped_but_not_what_a_loss_sees() -> None:
    out = np.array([-0.5, 0.25, 1.5], np.float32)
    result = UNetResult(jnp.asarray(out))
    np.testing.assert_array_equal(result.pha, [0, 0.25, 1])
    np.testing.assert_array_equal(result.supervised, out)
