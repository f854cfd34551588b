# mobilenet_v2.arch, 5a57f8fb07ab
"""The networks of mobilenet_v2.arch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def round_to(value: float, divisor: int = 8) -> int:
    """Round to a multiple of `divisor`, never down by more than a tenth."""
    near = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * value else near


class ConvReLU6(nn.Sequential):
    """A convolution without bias, normalised and cut off at 6; odd kernels keep the size.

    Shape: [in_channels, ...] -> [c, ...], without the batch.
    """

    def __init__(self, in_channels: int, c: int, k: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, c, kernel_size=k, stride=stride, padding=k // 2, groups=groups, bias=False),
            nn.BatchNorm2d(c),
            nn.ReLU6(inplace=True),
        )


class InvertedResidual(nn.Module):
    """An inverted residual: widen, convolve each channel by itself, narrow without an activation.
    Sandler et al. 2018, arXiv:1801.04381, figure 3b and table 1.

    Shape: [in_channels, ...] -> [out, ...], without the batch.
    """

    def __init__(self, in_channels: int, expand: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out = out
        self.stride = stride
        conv = nn.Sequential()
        channels = in_channels
        if expand != 1:
            conv.append(ConvReLU6(channels, in_channels * expand, 1))
            channels = in_channels * expand
        conv.append(ConvReLU6(channels, in_channels * expand, 3, stride=stride, groups=in_channels * expand))
        conv.append(nn.Conv2d(in_channels * expand, out, kernel_size=1, bias=False))
        conv.append(nn.BatchNorm2d(out))
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        out: Tensor = x + y if self.stride == 1 and self.in_channels == self.out else y
        return out


class MobileNetV2(nn.Module):
    """Seventeen inverted residuals in seven stages, with torchvision's names and initialisation; `width` multiplies
    the channels. Sandler et al. 2018, arXiv:1801.04381, table 2.

    Shape: [3, 224, 224] -> [classes], without the batch.
    """

    def __init__(self, width: float = 1.0, classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        stages = [
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ]
        features = nn.Sequential()
        features.append(ConvReLU6(3, round_to(32 * width, 8), 3, stride=2))
        in_channels = round_to(32 * width, 8)
        for t, c, n, s in stages:
            features.append(InvertedResidual(in_channels, t, round_to(c * width, 8), stride=s))
            for _ in range(n - 1):
                features.append(InvertedResidual(round_to(c * width, 8), t, round_to(c * width, 8)))
            in_channels = round_to(c * width, 8)
        features.append(ConvReLU6(in_channels, round_to(1280 * max(1.0, width), 8), 1))
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(round_to(1280 * max(1.0, width), 8), classes),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)

    def forward(self, image: Tensor) -> Tensor:
        x = self.features(image)  # [1280, 7, 7]
        x = torch.flatten(self.avgpool(x), 1)  # [1280]
        logits: Tensor = self.classifier(x)
        return logits


def mobilenetv2(width: float = 1.0, classes: int = 1000, dropout: float = 0.2) -> MobileNetV2:
    """Seventeen inverted residuals in seven stages, with torchvision's names and initialisation; `width` multiplies
    the channels. Sandler et al. 2018, arXiv:1801.04381, table 2.
    """
    return MobileNetV2(width=width, classes=classes, dropout=dropout)
