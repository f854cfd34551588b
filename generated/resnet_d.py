# resnet_d.arch, b59a1ca99d22
"""The networks of resnet_d.arch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class BottleneckD(nn.Module):
    """A bottleneck whose projected shortcut averages before it convolves, so that no pixel goes unread.
    He et al. 2019, arXiv:1812.01187, figure 2c; stride in the 3x3 convolution as in figure 2a.

    Shape: [in_channels, ...] -> [4 * width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != 4 * width:
            downsample = nn.Sequential()
            if stride != 1:
                downsample.append(nn.AvgPool2d(kernel_size=2, stride=stride, ceil_mode=True, count_include_pad=False))
            else:
                downsample.append(nn.Identity())
            downsample.append(nn.Conv2d(in_channels, 4 * width, kernel_size=1, bias=False))
            downsample.append(nn.BatchNorm2d(4 * width))
            self.downsample = downsample

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

    Shape: [in_channels, ...] -> [4 * width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int, n: int, stride: int) -> None:
        super().__init__()
        self.append(BottleneckD(in_channels, width, stride=stride))
        for _ in range(n - 1):
            self.append(BottleneckD(4 * width, width))


class ResNetD(nn.Module):
    """ResNet with a stem of three 3x3 convolutions and averaging shortcuts, with timm's names.
    He et al. 2019, arXiv:1812.01187, "Bag of Tricks", section 4; initialisation as in He et al. 2016.

    Shape: [3, 224, 224] -> [classes], without the batch.
    """

    def __init__(self, depths: Sequence[int] = (3, 4, 6, 3), classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 32, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, kernel_size=3, padding=1, bias=False),
        )
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = Stage(64, 64, depths[0], 1)
        self.layer2 = Stage(256, 128, depths[1], 2)
        self.layer3 = Stage(512, 256, depths[2], 2)
        self.layer4 = Stage(1024, 512, depths[3], 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(image)))  # [64, 112, 112]
        x = self.maxpool(x)  # [64, 56, 56]
        x = self.layer1(x)  # [256, 56, 56]
        x = self.layer2(x)  # [512, 28, 28]
        x = self.layer3(x)  # [1024, 14, 14]
        x = self.layer4(x)  # [2048, 7, 7]
        x = torch.flatten(self.avgpool(x), 1)  # [2048]
        logits: Tensor = self.fc(x)
        return logits


def resnetd(depths: Sequence[int] = (3, 4, 6, 3), classes: int = 1000) -> ResNetD:
    """ResNet with a stem of three 3x3 convolutions and averaging shortcuts, with timm's names.
    He et al. 2019, arXiv:1812.01187, "Bag of Tricks", section 4; initialisation as in He et al. 2016.
    """
    return ResNetD(depths=depths, classes=classes)


def resnet50d(classes: int = 1000) -> ResNetD:
    """Build ResNet50D."""
    return ResNetD(depths=[3, 4, 6, 3], classes=classes)
