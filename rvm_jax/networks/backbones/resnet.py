"""ResNet encoders (He et al. 2015) as torchvision names them: ResNet50 as RVM uses it, ResNet18 as U-Nets do."""

import jax
from flax import nnx

from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.initializers import kaiming_fan_out
from rvm_jax.networks.layers.resampling import max_pool3


class ResNet50(nnx.Module):
    """Pictures (B, H, W, 3) to features at 1/2, 1/4, 1/8 and 1/16 with 64, 256, 512 and 2048 channels.

    It is torchvision's v1.5 with the last stage dilated, not strided. The input is not normalised: RVM's
    ResNet50 was trained without.
    """

    CHANNELS = (64, 256, 512, 2048)

    def __init__(self, *, rngs: nnx.Rngs | None):
        self.conv1 = Conv2d(3, 64, 7, stride=2, bias=False, init=kaiming_fan_out, rngs=rngs)
        self.bn1 = BatchNorm2d(64)
        self.layer1 = _stage(64, 64, 3, rngs=rngs)
        self.layer2 = _stage(256, 128, 4, stride=2, rngs=rngs)
        self.layer3 = _stage(512, 256, 6, stride=2, rngs=rngs)
        self.layer4 = _stage(1024, 512, 3, dilation=2, rngs=rngs)

    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        f1 = jax.nn.relu(self.bn1(self.conv1(x)))
        pooled = max_pool3(f1)
        f2 = self.layer1(pooled)
        f3 = self.layer2(f2)
        f4 = self.layer4(self.layer3(f3))
        return f1, f2, f3, f4


class ResNet18(nnx.Module):
    """Pictures (B, H, W, 3) to features at 1/2, 1/4, 1/8, 1/16 and 1/32 with 64, 64, 128, 256 and 512 channels."""

    CHANNELS = (64, 64, 128, 256, 512)

    def __init__(self, *, rngs: nnx.Rngs | None):
        self.conv1 = Conv2d(3, 64, 7, stride=2, bias=False, init=kaiming_fan_out, rngs=rngs)
        self.bn1 = BatchNorm2d(64)
        self.layer1 = _basic_stage(64, 64, rngs=rngs)
        self.layer2 = _basic_stage(64, 128, stride=2, rngs=rngs)
        self.layer3 = _basic_stage(128, 256, stride=2, rngs=rngs)
        self.layer4 = _basic_stage(256, 512, stride=2, rngs=rngs)

    def __call__(self, x: jax.Array) -> tuple[jax.Array, ...]:
        f1 = jax.nn.relu(self.bn1(self.conv1(x)))
        f2 = self.layer1(max_pool3(f1))
        f3 = self.layer2(f2)
        f4 = self.layer3(f3)
        return f1, f2, f3, f4, self.layer4(f4)


class BasicBlock(nnx.Module):
    """3×3 (which strides), 3×3, plus the input."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, rngs: nnx.Rngs | None):
        self.conv1 = Conv2d(inputs, outputs, 3, stride=stride, bias=False, init=kaiming_fan_out, rngs=rngs)
        self.bn1 = BatchNorm2d(outputs)
        self.conv2 = Conv2d(outputs, outputs, 3, bias=False, init=kaiming_fan_out, rngs=rngs)
        self.bn2 = BatchNorm2d(outputs)
        self.downsample = _shortcut(inputs, outputs, stride, rngs=rngs) if stride > 1 else None

    def __call__(self, x: jax.Array) -> jax.Array:
        y = jax.nn.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return jax.nn.relu(y + (x if self.downsample is None else self.downsample(x)))


def _basic_stage(inputs: int, outputs: int, *, stride: int = 1, rngs: nnx.Rngs | None) -> Sequential:
    first = BasicBlock(inputs, outputs, stride=stride, rngs=rngs)
    return Sequential([first, BasicBlock(outputs, outputs, stride=1, rngs=rngs)])


class Bottleneck(nnx.Module):
    """1×1, 3×3 (which strides or dilates), 1×1 to four times the width, plus the input."""

    def __init__(self, inputs: int, width: int, *, stride: int, dilation: int, rngs: nnx.Rngs | None):
        outputs = 4 * width
        self.conv1 = Conv2d(inputs, width, 1, bias=False, init=kaiming_fan_out, rngs=rngs)
        self.bn1 = BatchNorm2d(width)
        self.conv2 = Conv2d(
            width, width, 3, stride=stride, dilation=dilation, bias=False, init=kaiming_fan_out, rngs=rngs
        )
        self.bn2 = BatchNorm2d(width)
        self.conv3 = Conv2d(width, outputs, 1, bias=False, init=kaiming_fan_out, rngs=rngs)
        self.bn3 = BatchNorm2d(outputs)
        self.downsample = _shortcut(inputs, outputs, stride, rngs=rngs) if stride > 1 or inputs != outputs else None

    def __call__(self, x: jax.Array) -> jax.Array:
        y = jax.nn.relu(self.bn1(self.conv1(x)))
        y = jax.nn.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return jax.nn.relu(y + (x if self.downsample is None else self.downsample(x)))


def _shortcut(inputs: int, outputs: int, stride: int, *, rngs: nnx.Rngs | None) -> Sequential:
    projection = Conv2d(inputs, outputs, 1, stride=stride, bias=False, init=kaiming_fan_out, rngs=rngs)
    return Sequential([projection, BatchNorm2d(outputs)])


def _stage(
    inputs: int, width: int, blocks: int, *, stride: int = 1, dilation: int = 1, rngs: nnx.Rngs | None
) -> Sequential:
    # A dilated stage keeps its first block undilated, as torchvision's replace_stride_with_dilation does.
    first = Bottleneck(inputs, width, stride=stride, dilation=1, rngs=rngs)
    others = [Bottleneck(4 * width, width, stride=1, dilation=dilation, rngs=rngs) for _ in range(blocks - 1)]
    return Sequential([first, *others])
