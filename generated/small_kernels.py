# small_kernels.arch, b2451884ff43
"""The networks of small_kernels.arch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ThreeOfThree(nn.Sequential):
    """Three small ones, each with a ReLU of its own.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.relu3 = nn.ReLU(inplace=True)


class OneOfSeven(nn.Sequential):
    """One large kernel.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, kernel_size=7, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)


class KernelNet(nn.Module):
    """A first convolution of stride 2, and two stages of one kind, with a pooling between them.

    Shape: [1, 28, 28] -> [classes], without the batch.
    """

    def __init__(
        self,
        unit: type[ThreeOfThree | OneOfSeven] = ThreeOfThree,
        width: int = 32,
        channels: int = 1,
        classes: int = 10,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.stage1 = unit(width, width)
        self.maxpool = nn.MaxPool2d(kernel_size=2)
        self.stage2 = unit(width, width)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(width, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(image)))  # [width, 14, 14]
        x = self.stage1(x)  # [width, 14, 14]
        x = self.maxpool(x)  # [width, 7, 7]
        x = self.stage2(x)  # [width, 7, 7]
        x = torch.flatten(self.avgpool(x), 1)  # [width]
        logits: Tensor = self.fc(x)
        return logits


def kernelnet(width: int = 32, channels: int = 1, classes: int = 10) -> KernelNet:
    """A first convolution of stride 2, and two stages of one kind, with a pooling between them."""
    return KernelNet(width=width, channels=channels, classes=classes)


def onelarge(width: int = 32, channels: int = 1, classes: int = 10) -> KernelNet:
    """Build OneLarge."""
    return KernelNet(unit=OneOfSeven, width=width, channels=channels, classes=classes)


def threesmall(width: int = 32, channels: int = 1, classes: int = 10) -> KernelNet:
    """Build ThreeSmall."""
    return KernelNet(unit=ThreeOfThree, width=width, channels=channels, classes=classes)


def threesmallwide(channels: int = 1, classes: int = 10) -> KernelNet:
    """As many parameters as `OneLarge`, to a tenth of a percent."""
    return KernelNet(unit=ThreeOfThree, width=43, channels=channels, classes=classes)
