"""RVM in PyTorch, written from the paper (arXiv 2108.11515): the peer for parity tests and benchmarks.

Keys, order and shapes of the state dict are those of the published networks, so weights load with `strict=True`. The
encoders are in `torch_twin_backbones.py`, losses and training step in `torch_twin_losses.py`; `test_torch_twin.py`
holds all of it to the golden data.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from golden import weights
from torch import Tensor, nn
from torch_twin_backbones import MobileNetV3, ResNet50

Memory = tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]  # r1..r4, None for zeros
GOLDEN = Path(__file__).resolve().parent / "golden" / "rvm"


def golden_state_dict(name: str) -> dict[str, Tensor]:
    """Returns the stand-in weights of "mobilenetv3", "resnet50" or "face" as tensors, in the published order."""
    return {key: torch.from_numpy(array) for key, array in weights.state_dict(GOLDEN / f"{name}.json").items()}


def golden_network(name: str, refiner: str = "deep_guided_filter") -> "MattingNetwork":
    """Returns the network of a golden manifest with its stand-in weights, in evaluation mode."""
    variant = "mobilenetv3" if name == "face" else name
    network = MattingNetwork(variant, refiner, foreground=name != "face")
    state = golden_state_dict(name)
    if refiner == "fast_guided_filter":  # it owns no tensors
        state = {key: value for key, value in state.items() if not key.startswith("refiner.")}
    network.load_state_dict(state, strict=True)
    return network.eval()


class MattingNetwork(nn.Module):
    """Encoder, LR-ASPP, recurrent decoder, heads and refiner.

    Args:
        variant: "mobilenetv3" or "resnet50".
        refiner: "deep_guided_filter" or "fast_guided_filter", used at a downsample ratio other than 1.
        foreground: False for alpha alone (the face-matting fork), which owns a refiner's tensors without using them.
    """

    def __init__(self, variant: str = "mobilenetv3", refiner: str = "deep_guided_filter", foreground: bool = True):
        super().__init__()
        assert variant in ("mobilenetv3", "resnet50")
        assert refiner in ("deep_guided_filter", "fast_guided_filter")
        self.foreground = foreground
        if variant == "mobilenetv3":
            self.backbone: nn.Module = MobileNetV3()
            self.aspp = LRASPP(960, 128)
            self.decoder = RecurrentDecoder([16, 24, 40, 128], [80, 40, 32, 16])
        else:
            self.backbone = ResNet50()
            self.aspp = LRASPP(2048, 256)
            self.decoder = RecurrentDecoder([64, 256, 512, 256], [128, 64, 32, 16])
        self.project_mat = Projection(16, 4 if foreground else 1)
        self.project_seg = Projection(16, 1)
        self.refiner: nn.Module = DeepGuidedFilter() if refiner == "deep_guided_filter" else FastGuidedFilter()

    def forward(
        self,
        src: Tensor,
        r1: Tensor | None = None,
        r2: Tensor | None = None,
        r3: Tensor | None = None,
        r4: Tensor | None = None,
        downsample_ratio: float = 1.0,
        segmentation_pass: bool = False,
    ) -> tuple[Tensor, ...]:
        """Mattes a clip (B, T, 3, H, W) or a frame (B, 3, H, W) in [0, 1]; r1..r4: (B, C, h, w), None for zeros.

        Returns:
            (fgr, pha, r1, r2, r3, r4); without fgr when alpha-only; (seg, r1, r2, r3, r4) for the segmentation pass,
            whose logits have the size of the downsampled src.
        """
        is_clip = src.ndim == 5
        batch = src.shape[0]
        # Time-major: a frame is then a contiguous slice, and splitting and joining frames keeps channels_last.
        frames = src.transpose(0, 1).flatten(0, 1) if is_clip else src

        def unfold(x: Tensor) -> Tensor:
            return x.unflatten(0, (-1, batch)).transpose(0, 1) if is_clip else x

        small = frames
        if downsample_ratio != 1:
            small = F.interpolate(frames, scale_factor=downsample_ratio, mode="bilinear", recompute_scale_factor=False)
        f1, f2, f3, f4 = self.backbone(small)
        hidden, rec = self.decoder(small, f1, f2, f3, self.aspp(f4), (r1, r2, r3, r4), batch)
        if segmentation_pass:
            return unfold(self.project_seg(hidden)), *rec

        matte = self.project_mat(hidden)
        if not self.foreground:
            if downsample_ratio != 1:
                matte = fast_guided_filter(frames.mean(1, keepdim=True), small.mean(1, keepdim=True), matte)
            return unfold(matte.clamp(0, 1)), *rec
        if downsample_ratio != 1:
            matte = self.refiner(with_mean(frames), with_mean(small), matte, hidden)
        residual, pha = matte.split([3, 1], 1)
        return unfold((residual + frames).clamp(0, 1)), unfold(pha.clamp(0, 1)), *rec


class LRASPP(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.aspp1 = nn.Sequential(conv(inputs, outputs, 1), nn.BatchNorm2d(outputs), nn.ReLU(True))
        self.aspp2 = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv(inputs, outputs, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.aspp1(x) * self.aspp2(x)


class RecurrentDecoder(nn.Module):
    """Paper, section 3.2. `features` and `outputs` are channels: fine to coarse, and coarse to fine."""

    def __init__(self, features: Sequence[int], outputs: Sequence[int]):
        super().__init__()
        f1, f2, f3, f4 = features
        o3, o2, o1, o0 = outputs
        self.decode4 = BottleneckBlock(f4)
        self.decode3 = UpsamplingBlock(f4 + f3 + 3, o3)
        self.decode2 = UpsamplingBlock(o3 + f2 + 3, o2)
        self.decode1 = UpsamplingBlock(o2 + f1 + 3, o1)
        self.decode0 = OutputBlock(o1 + 3, o0)

    def forward(
        self, src: Tensor, f1: Tensor, f2: Tensor, f3: Tensor, f4: Tensor, rec: Memory, batch: int
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor, Tensor]]:
        """All maps are folded time-major, (T * batch, C, H, W). Returns (hidden, (r1, r2, r3, r4))."""
        s1 = F.avg_pool2d(src, 2, ceil_mode=True, count_include_pad=False)
        s2 = F.avg_pool2d(s1, 2, ceil_mode=True, count_include_pad=False)
        s3 = F.avg_pool2d(s2, 2, ceil_mode=True, count_include_pad=False)
        x, r4 = self.decode4(f4, rec[3], batch)
        x, r3 = self.decode3(upsample_and_join(x, f3, s3), rec[2], batch)
        x, r2 = self.decode2(upsample_and_join(x, f2, s2), rec[1], batch)
        x, r1 = self.decode1(upsample_and_join(x, f1, s1), rec[0], batch)
        return self.decode0(upsample_and_join(x, src)), (r1, r2, r3, r4)


class BottleneckBlock(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.gru = ConvGRU(channels // 2)

    def forward(self, x: Tensor, h: Tensor | None, batch: int) -> tuple[Tensor, Tensor]:
        return recur_on_half(self.gru, x, h, batch)


class UpsamplingBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = nn.Sequential(conv(inputs, outputs, 3), nn.BatchNorm2d(outputs), nn.ReLU(True))
        self.gru = ConvGRU(outputs // 2)

    def forward(self, x: Tensor, h: Tensor | None, batch: int) -> tuple[Tensor, Tensor]:
        return recur_on_half(self.gru, self.conv(x), h, batch)


class OutputBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = nn.Sequential(
            conv(inputs, outputs, 3),
            nn.BatchNorm2d(outputs),
            nn.ReLU(True),
            conv(outputs, outputs, 3),
            nn.BatchNorm2d(outputs),
            nn.ReLU(True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class ConvGRU(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.ih = nn.Sequential(nn.Conv2d(2 * channels, 2 * channels, 3, padding=1), nn.Sigmoid())
        self.hh = nn.Sequential(nn.Conv2d(2 * channels, channels, 3, padding=1), nn.Tanh())

    def forward(self, x: Tensor, h: Tensor | None, batch: int) -> tuple[Tensor, Tensor]:
        """Returns all hidden states, folded like x (T * batch, C, H, W), and the last one."""
        h = x.new_zeros(batch, *x.shape[1:]) if h is None else h
        states = []
        for frame in x.split(batch):
            r, z = self.ih(torch.cat([frame, h], 1)).chunk(2, 1)
            h = (1 - z) * h + z * self.hh(torch.cat([frame, r * h], 1))
            states.append(h)
        return (torch.cat(states) if len(states) > 1 else h), h


class Projection(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class DeepGuidedFilter(nn.Module):
    """Brings [foreground residual, alpha] to full size; the coefficient A comes from three 1x1 convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.box_filter = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
        nn.init.constant_(self.box_filter.weight, 1 / 9)
        self.conv = nn.Sequential(
            conv(2 * 4 + 16, 16, 1),
            nn.BatchNorm2d(16),
            nn.ReLU(True),
            conv(16, 16, 1),
            nn.BatchNorm2d(16),
            nn.ReLU(True),
            nn.Conv2d(16, 4, 1),
        )

    def forward(self, fine: Tensor, guide: Tensor, matte: Tensor, hidden: Tensor) -> Tensor:
        mean_x, mean_y, variance, covariance = local_moments(self.box_filter, guide, matte)
        slope = self.conv(torch.cat([covariance, variance, hidden], 1))
        return apply_slope(fine, slope, mean_y - slope * mean_x)


class FastGuidedFilter(nn.Module):
    def forward(self, fine: Tensor, guide: Tensor, matte: Tensor, hidden: Tensor) -> Tensor:
        return fast_guided_filter(fine, guide, matte)


def fast_guided_filter(fine: Tensor, guide: Tensor, matte: Tensor) -> Tensor:
    """He and Sun, arXiv 1505.00996, channel by channel: `matte`, of the guide's size, brought to the size of `fine`."""

    def box_filter(x: Tensor) -> Tensor:
        # Rows, then columns, as in RVM: where the guide is nearly flat, var + 1e-5 amplifies the rounding of these
        # sums to 3e-4 in alpha, so that any other order of summation fails to give its numbers.
        third = x.new_full((x.shape[1], 1, 1, 3), 1 / 3)
        x = F.conv2d(x, third, padding=(0, 1), groups=x.shape[1])
        return F.conv2d(x, third.transpose(2, 3), padding=(1, 0), groups=x.shape[1])

    mean_x, mean_y, variance, covariance = local_moments(box_filter, guide, matte)
    slope = covariance / (variance + 1e-5)
    return apply_slope(fine, slope, mean_y - slope * mean_x)


def local_moments(
    box_filter: Callable[[Tensor], Tensor], x: Tensor, y: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    mean_x, mean_y = box_filter(x), box_filter(y)
    return mean_x, mean_y, box_filter(x * x) - mean_x * mean_x, box_filter(x * y) - mean_x * mean_y


def apply_slope(fine: Tensor, slope: Tensor, offset: Tensor) -> Tensor:
    size = fine.shape[2:]
    return F.interpolate(slope, size, mode="bilinear") * fine + F.interpolate(offset, size, mode="bilinear")


def with_mean(src: Tensor) -> Tensor:
    return torch.cat([src, src.mean(1, keepdim=True)], 1)


def upsample_and_join(x: Tensor, *skips: Tensor) -> Tensor:
    """Doubles x, crops it to the size of the skips (an odd size was rounded up when halved) and joins them all."""
    height, width = skips[0].shape[2:]
    x = F.interpolate(x, scale_factor=2, mode="bilinear")[:, :, :height, :width]
    return torch.cat([x, *skips], 1)


def recur_on_half(gru: ConvGRU, x: Tensor, h: Tensor | None, batch: int) -> tuple[Tensor, Tensor]:
    still, moving = x.chunk(2, 1)
    moving, h = gru(moving, h, batch)
    return torch.cat([still, moving], 1), h


def conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
