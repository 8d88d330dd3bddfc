"""ResNet18's U-Net against the numbers of the original."""

import numpy as np
from still_golden import check_evaluation, check_training

from rvm_jax.networks.resnet18_unet.model import UNetResult


def test_evaluation():
    result = check_evaluation("resnet18_unet")
    np.testing.assert_array_equal(result.pha, result.out)  # these lie within [0, 1]


def test_training():
    check_training("resnet18_unet")


def test_the_alpha_is_clipped_but_not_what_a_loss_sees():
    out = np.array([-0.5, 0.25, 1.5], np.float32)
    result = UNetResult(out)
    np.testing.assert_array_equal(result.pha, [0, 0.25, 1])
    np.testing.assert_array_equal(result.supervised, out)
