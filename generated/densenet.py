# densenet.arch, e73d5e6d74e9
"""The networks of densenet.arch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class DenseLayer(nn.Module):
    """A bottleneck of 1x1 and a 3x3 convolution, each behind norm and ReLU, whose output joins its input.
    Huang et al. 2017, arXiv:1608.06993, section 3.

    Shape: [in_channels, ...] -> [in_channels + growth, ...], without the batch.
    """

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, 4 * growth, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        new = self.relu(self.norm1(x))
        new = self.relu(self.norm2(self.conv1(new)))
        new = self.conv2(new)
        return torch.cat((x, new), dim=1)


class DenseBlock(nn.Sequential):
    """Layers that each see what all before them made.

    Shape: [in_channels, ...] -> [in_channels + n * growth, ...], without the batch.
    """

    def __init__(self, in_channels: int, n: int, growth: int) -> None:
        super().__init__()
        for i in range(n):
            self.add_module(f"denselayer{i + 1}", DenseLayer(in_channels, growth))
            in_channels += growth


class Transition(nn.Module):
    """Halves the channels by a 1x1 convolution and the size by average pooling.

    Shape: [in_channels, ...] -> [in_channels // 2, ...], without the batch.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(in_channels, in_channels // 2, kernel_size=1, bias=False)
        self.avgpool = nn.AvgPool2d(kernel_size=2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(x))
        x = self.conv(x)
        out: Tensor = self.avgpool(x)
        return out


class DenseNet(nn.Module):
    """Dense blocks with transitions between them. Huang et al. 2017, arXiv:1608.06993, table 1.

    Shape: [3, 224, 224] -> [classes], without the batch.
    """

    def __init__(
        self, growth: int = 32, depths: Sequence[int] = (6, 12, 24, 16), stem: int = 64, classes: int = 1000
    ) -> None:
        super().__init__()
        features = nn.Sequential()
        features.add_module("conv0", nn.Conv2d(3, stem, kernel_size=7, stride=2, padding=3, bias=False))
        features.add_module("norm0", nn.BatchNorm2d(stem))
        features.add_module("relu0", nn.ReLU(inplace=True))
        features.add_module("pool0", nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
        in_channels = stem
        for i, n in enumerate(depths):
            features.add_module(f"denseblock{i + 1}", DenseBlock(in_channels, n, growth))
            in_channels += n * growth
            if i < len(depths) - 1:
                features.add_module(f"transition{i + 1}", Transition(in_channels))
                in_channels //= 2
        features.add_module("norm5", nn.BatchNorm2d(in_channels))
        self.features = features
        self.relu = nn.ReLU(inplace=True)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(in_channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.features(image))  # [c, 7, 7]
        x = torch.flatten(self.avgpool(x), 1)
        logits: Tensor = self.classifier(x)
        return logits


def densenet(
    growth: int = 32, depths: Sequence[int] = (6, 12, 24, 16), stem: int = 64, classes: int = 1000
) -> DenseNet:
    """Dense blocks with transitions between them. Huang et al. 2017, arXiv:1608.06993, table 1."""
    return DenseNet(growth=growth, depths=depths, stem=stem, classes=classes)


def densenet121(classes: int = 1000) -> DenseNet:
    """Build DenseNet121."""
    return DenseNet(growth=32, depths=[6, 12, 24, 16], stem=64, classes=classes)


def densenet161(classes: int = 1000) -> DenseNet:
    """Build DenseNet161."""
    return DenseNet(growth=48, depths=[6, 12, 36, 24], stem=96, classes=classes)


def densenet169(classes: int = 1000) -> DenseNet:
    """Build DenseNet169."""
    return DenseNet(growth=32, depths=[6, 12, 32, 32], stem=64, classes=classes)


def densenet201(classes: int = 1000) -> DenseNet:
    """Build DenseNet201."""
    return DenseNet(growth=32, depths=[6, 12, 48, 32], stem=64, classes=classes)
