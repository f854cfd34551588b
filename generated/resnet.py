# resnet.arch, 67ca9b079017
"""The networks of resnet.arch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is projected where the shape changes.
    He et al. 2016, arXiv:1512.03385, figure 5 left.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

    expansion: ClassVar[int] = 1

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, width, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(width),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        skip = x if self.downsample is None else self.downsample(x)
        y += skip
        out: Tensor = self.relu(y)
        return out


class Bottleneck(nn.Module):
    """A 3x3 convolution, which takes the stride, between two of 1x1 that narrow and widen.
    He et al. 2016, arXiv:1512.03385, figure 5 right; the stride as in torchvision.

    Shape: [in_channels, ...] -> [4 * width, ...], without the batch.
    """

    expansion: ClassVar[int] = 4

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, 4 * width, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(4 * width),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        skip = x if self.downsample is None else self.downsample(x)
        y += skip
        out: Tensor = self.relu(y)
        return out


class BottleneckV1(nn.Module):
    """The bottleneck as first published: the first 1x1 takes the stride, and three of four pixels are never read.

    Shape: [in_channels, ...] -> [4 * width, ...], without the batch.
    """

    expansion: ClassVar[int] = 4

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, 4 * width, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(4 * width),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        skip = x if self.downsample is None else self.downsample(x)
        y += skip
        out: Tensor = self.relu(y)
        return out


class WideBottleneck(nn.Module):
    """A bottleneck whose 3x3 convolution is twice as wide. Zagoruyko & Komodakis 2016, arXiv:1605.07146.

    Shape: [in_channels, ...] -> [4 * width, ...], without the batch.
    """

    expansion: ClassVar[int] = 4

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 2 * width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(2 * width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(2 * width, 2 * width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(2 * width)
        self.conv3 = nn.Conv2d(2 * width, 4 * width, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, 4 * width, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(4 * width),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        skip = x if self.downsample is None else self.downsample(x)
        y += skip
        out: Tensor = self.relu(y)
        return out


class Stage(nn.Sequential):
    """The first block of a stage takes its stride; the others keep the size.

    Shape: [in_channels, ...] -> [unit.expansion * width, ...], without the batch.
    """

    def __init__(
        self,
        in_channels: int,
        unit: type[BasicBlock | Bottleneck | BottleneckV1 | WideBottleneck],
        width: int,
        n: int,
        stride: int,
    ) -> None:
        super().__init__()
        self.append(unit(in_channels, width, stride=stride))
        for _ in range(n - 1):
            self.append(unit(unit.expansion * width, width))


class ResNet(nn.Module):
    """Four stages of residual blocks behind a 7x7 stem. He et al. 2016, arXiv:1512.03385, table 1.

    Shape: [3, 224, 224] -> [classes], without the batch.
    """

    def __init__(
        self,
        unit: type[BasicBlock | Bottleneck | BottleneckV1 | WideBottleneck] = BasicBlock,
        depths: Sequence[int] = (2, 2, 2, 2),
        classes: int = 1000,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = Stage(64, unit, 64, depths[0], 1)
        self.layer2 = Stage(unit.expansion * 64, unit, 128, depths[1], 2)
        self.layer3 = Stage(unit.expansion * 128, unit, 256, depths[2], 2)
        self.layer4 = Stage(unit.expansion * 256, unit, 512, depths[3], 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(unit.expansion * 512, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(image)))  # [64, 112, 112]
        x = self.maxpool(x)  # [64, 56, 56]
        x = self.layer1(x)  # [unit.expansion * 64, 56, 56]
        x = self.layer2(x)  # [unit.expansion * 128, 28, 28]
        x = self.layer3(x)  # [unit.expansion * 256, 14, 14]
        x = self.layer4(x)  # [unit.expansion * 512, 7, 7]
        x = torch.flatten(self.avgpool(x), 1)  # [unit.expansion * 512]
        logits: Tensor = self.fc(x)
        return logits


def resnet(depths: Sequence[int] = (2, 2, 2, 2), classes: int = 1000) -> ResNet:
    """Four stages of residual blocks behind a 7x7 stem. He et al. 2016, arXiv:1512.03385, table 1."""
    return ResNet(depths=depths, classes=classes)


def resnet18(classes: int = 1000) -> ResNet:
    """Build ResNet18."""
    return ResNet(unit=BasicBlock, depths=[2, 2, 2, 2], classes=classes)


def resnet34(classes: int = 1000) -> ResNet:
    """Build ResNet34."""
    return ResNet(unit=BasicBlock, depths=[3, 4, 6, 3], classes=classes)


def resnet50(classes: int = 1000) -> ResNet:
    """Build ResNet50."""
    return ResNet(unit=Bottleneck, depths=[3, 4, 6, 3], classes=classes)


def resnet101(classes: int = 1000) -> ResNet:
    """Build ResNet101."""
    return ResNet(unit=Bottleneck, depths=[3, 4, 23, 3], classes=classes)


def resnet152(classes: int = 1000) -> ResNet:
    """Build ResNet152."""
    return ResNet(unit=Bottleneck, depths=[3, 8, 36, 3], classes=classes)


def resnet50v1(classes: int = 1000) -> ResNet:
    """The stride in the first 1x1, as first published: fewer multiplications, a larger field, the same parameters."""
    return ResNet(unit=BottleneckV1, depths=[3, 4, 6, 3], classes=classes)


def wideresnet50_2(classes: int = 1000) -> ResNet:
    """Twice the width inside each bottleneck. Zagoruyko & Komodakis 2016, arXiv:1605.07146."""
    return ResNet(unit=WideBottleneck, depths=[3, 4, 6, 3], classes=classes)
