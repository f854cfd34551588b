# densenet_bc.arch, ebe39eafe9ff
"""The networks of densenet_bc.arch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DenseLayer(nn.Module):
    """A 3x3 convolution whose output joins its input, with `bottleneck` behind one of 1x1 that narrows to four times
    as many channels. Huang et al. 2017, arXiv:1608.06993, section 3.

    Shape: [in_channels, ...] -> [in_channels + growth, ...], without the batch.
    """

    def __init__(self, in_channels: int, growth: int, bottleneck: bool) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv1: nn.Conv2d | None = None
        if bottleneck:
            self.conv1 = nn.Conv2d(in_channels, 4 * growth, kernel_size=1, bias=False)
            self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth if bottleneck else in_channels, growth, kernel_size=3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        new = self.relu(self.norm1(x))
        if self.conv1 is not None:
            new = self.relu(self.norm2(self.conv1(new)))
        new = self.conv2(new)
        return torch.cat((x, new), dim=1)


class DenseBlock(nn.Sequential):
    """Layers that each see what all before them made.

    Shape: [in_channels, ...] -> [in_channels + n * growth, ...], without the batch.
    """

    def __init__(self, in_channels: int, n: int, growth: int, bottleneck: bool) -> None:
        super().__init__()
        for i in range(n):
            self.add_module(f"denselayer{i + 1}", DenseLayer(in_channels, growth, bottleneck))
            in_channels += growth


class Transition(nn.Module):
    """Halves the size, and with `compress` the channels too.

    Shape: [in_channels, ...] -> [in_channels // 2 if compress else in_channels, ...], without the batch.
    """

    def __init__(self, in_channels: int, compress: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(in_channels, in_channels // 2 if compress else in_channels, kernel_size=1, bias=False)
        self.avgpool = nn.AvgPool2d(kernel_size=2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(x))
        x = self.conv(x)
        out: Tensor = self.avgpool(x)
        return out


class CifarDenseNet(nn.Module):
    """The nets for small images: three dense blocks of equal length. `bc` is for bottlenecks and compression by
    half, and begins with twice the growth rate. Huang et al. 2017, arXiv:1608.06993, section 3 and table 2;
    initialisation as in section 4.2. `stride` is that of the first convolution: 2 makes a faster net.

    Shape: [3, 32, 32] -> [classes], without the batch.
    """

    def __init__(
        self, depth: int = 100, growth: int = 12, bc: bool = True, stride: int = 1, channels: int = 3, classes: int = 10
    ) -> None:
        super().__init__()
        layers = 6 if bc else 3
        if (depth - 4) % layers != 0:
            raise ValueError("depth is 4 and a multiple of 3, with bottlenecks of 6")
        features = nn.Sequential()
        features.add_module(
            "conv0", nn.Conv2d(channels, 2 * growth if bc else 16, kernel_size=3, stride=stride, padding=1, bias=False)
        )
        in_channels = 2 * growth if bc else 16
        for i in range(3):
            features.add_module(f"denseblock{i + 1}", DenseBlock(in_channels, (depth - 4) // layers, growth, bc))
            in_channels += (depth - 4) // layers * growth
            if i < 2:
                features.add_module(f"transition{i + 1}", Transition(in_channels, bc))
                in_channels = in_channels // 2 if bc else in_channels
        features.add_module("norm", nn.BatchNorm2d(in_channels))
        self.features = features
        self.relu = nn.ReLU(inplace=True)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(in_channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.features(image))  # [c, 8, 8]
        x = torch.flatten(self.avgpool(x), 1)
        logits: Tensor = self.classifier(x)
        return logits


def cifardensenet(
    depth: int = 100, growth: int = 12, bc: bool = True, stride: int = 1, channels: int = 3, classes: int = 10
) -> CifarDenseNet:
    """The nets for small images: three dense blocks of equal length. `bc` is for bottlenecks and compression by
    half, and begins with twice the growth rate. Huang et al. 2017, arXiv:1608.06993, section 3 and table 2;
    initialisation as in section 4.2. `stride` is that of the first convolution: 2 makes a faster net.
    """
    return CifarDenseNet(depth=depth, growth=growth, bc=bc, stride=stride, channels=channels, classes=classes)


def densenet_40_12(stride: int = 1, channels: int = 3, classes: int = 10) -> CifarDenseNet:
    """Build DenseNet_40_12."""
    return CifarDenseNet(depth=40, growth=12, bc=False, stride=stride, channels=channels, classes=classes)


def densenet_100_12(stride: int = 1, channels: int = 3, classes: int = 10) -> CifarDenseNet:
    """Build DenseNet_100_12."""
    return CifarDenseNet(depth=100, growth=12, bc=False, stride=stride, channels=channels, classes=classes)


def densenet_100_24(stride: int = 1, channels: int = 3, classes: int = 10) -> CifarDenseNet:
    """Build DenseNet_100_24."""
    return CifarDenseNet(depth=100, growth=24, bc=False, stride=stride, channels=channels, classes=classes)


def densenetbc_40_12(bc: bool = True, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarDenseNet:
    """Build DenseNetBC_40_12."""
    return CifarDenseNet(depth=40, growth=12, bc=bc, stride=stride, channels=channels, classes=classes)


def densenetbc_100_12(bc: bool = True, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarDenseNet:
    """Build DenseNetBC_100_12."""
    return CifarDenseNet(depth=100, growth=12, bc=bc, stride=stride, channels=channels, classes=classes)


def densenetbc_250_24(bc: bool = True, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarDenseNet:
    """Build DenseNetBC_250_24."""
    return CifarDenseNet(depth=250, growth=24, bc=bc, stride=stride, channels=channels, classes=classes)


def densenetbc_190_40(bc: bool = True, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarDenseNet:
    """Build DenseNetBC_190_40."""
    return CifarDenseNet(depth=190, growth=40, bc=bc, stride=stride, channels=channels, classes=classes)
