"""The two encoders of the PyTorch twin, keyed and initialised like torchvision's MobileNetV3-Large and ResNet50."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Paper, table 1 of MobileNetV3 (arXiv 1905.02244), the last stage dilated instead of strided as in RVM:
# (in, kernel, expanded, out, squeeze-excite, activation, stride, dilation)
Activation = type[nn.ReLU] | type[nn.Hardswish]
Block = tuple[int, int, int, int, bool, Activation, int, int]
MOBILENETV3_BLOCKS: tuple[Block, ...] = (
    (16, 3, 16, 16, False, nn.ReLU, 1, 1),
    (16, 3, 64, 24, False, nn.ReLU, 2, 1),
    (24, 3, 72, 24, False, nn.ReLU, 1, 1),
    (24, 5, 72, 40, True, nn.ReLU, 2, 1),
    (40, 5, 120, 40, True, nn.ReLU, 1, 1),
    (40, 5, 120, 40, True, nn.ReLU, 1, 1),
    (40, 3, 240, 80, False, nn.Hardswish, 2, 1),
    (80, 3, 200, 80, False, nn.Hardswish, 1, 1),
    (80, 3, 184, 80, False, nn.Hardswish, 1, 1),
    (80, 3, 184, 80, False, nn.Hardswish, 1, 1),
    (80, 3, 480, 112, True, nn.Hardswish, 1, 1),
    (112, 3, 672, 112, True, nn.Hardswish, 1, 1),
    (112, 5, 672, 160, True, nn.Hardswish, 1, 2),
    (160, 5, 960, 160, True, nn.Hardswish, 1, 2),
    (160, 5, 960, 160, True, nn.Hardswish, 1, 2),
)


class MobileNetV3(nn.Module):
    """MobileNetV3-Large up to its last 1x1 convolution; returns features at 1/2, 1/4, 1/8 and 1/16."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            ConvNormActivation(3, 16, 3, nn.Hardswish, stride=2),
            *(InvertedResidual(*block) for block in MOBILENETV3_BLOCKS),
            ConvNormActivation(160, 960, 1, nn.Hardswish),
        )
        # In float64, for trainings in that: rounded to float32, they move a loss by 1e-9.
        for name, values in (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225))):
            numbers = torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1)
            self.register_buffer(name, numbers, persistent=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = (x - self.mean.to(x)) / self.std.to(x)
        maps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in (1, 3, 6, 16):
                maps.append(x)
        return maps


class ConvNormActivation(nn.Sequential):
    """Convolution, batch norm (eps 1e-3, momentum 0.01: torchvision's for MobileNetV3) and activation."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        activation: Activation | None = None,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
    ):
        padding = (kernel - 1) // 2 * dilation
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
            nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01),
        ]
        super().__init__(*layers, *([activation(inplace=True)] if activation else []))


class InvertedResidual(nn.Module):
    def __init__(
        self,
        inputs: int,
        kernel: int,
        expanded: int,
        outputs: int,
        squeeze_excite: bool,
        activation: Activation,
        stride: int,
        dilation: int,
    ):
        super().__init__()
        layers: list[nn.Module] = []
        if expanded != inputs:
            layers.append(ConvNormActivation(inputs, expanded, 1, activation))
        layers.append(ConvNormActivation(expanded, expanded, kernel, activation, stride, dilation, groups=expanded))
        if squeeze_excite:
            layers.append(SqueezeExcite(expanded))
        layers.append(ConvNormActivation(expanded, outputs, 1))
        self.block = nn.Sequential(*layers)
        self.has_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x) if self.has_residual else self.block(x)


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        # MobileNetV3's rule: a quarter, to the nearest multiple of 8, one more if that lost over 10 %.
        squeezed = max(8, (channels // 4 + 4) // 8 * 8)
        if squeezed < 0.9 * (channels // 4):
            squeezed += 8
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale = self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        # F.hardsigmoid, whose own gradient is float32's sixth in float64 too: that would move gradients by 3e-8.
        return x * (F.relu6(scale + 3) / 6)


class ResNet50(nn.Module):
    """ResNet50 v1.5 with the last stage dilated; returns features at 1/2, 1/4, 1/8 and 1/16."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = self._stage(64, 64, 3)
        self.layer2 = self._stage(256, 128, 4, stride=2)
        self.layer3 = self._stage(512, 256, 6, stride=2)
        self.layer4 = self._stage(1024, 512, 3, dilation=2)

    @staticmethod
    def _stage(inputs: int, width: int, blocks: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
        # torchvision dilates a stage from its second block on.
        first = Bottleneck(inputs, width, stride, dilation=1, downsample=True)
        return nn.Sequential(first, *(Bottleneck(4 * width, width, 1, dilation) for _ in range(blocks - 1)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        f1 = F.relu(self.bn1(self.conv1(x)))
        f2 = self.layer1(F.max_pool2d(f1, 3, 2, 1))
        f3 = self.layer2(f2)
        return f1, f2, f3, self.layer4(self.layer3(f3))


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int, dilation: int, downsample: bool = False):
        super().__init__()
        outputs = 4 * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Sequential | None = None
        if downsample:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + identity)
