# resnext.arch, f3ef5b8a55b2
"""The networks of resnext.arch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ResNeXtBlock(nn.Module):
    """A bottleneck whose 3x3 convolution works in `groups` separate groups, `base` channels each in the first stage.
    Xie et al. 2017, arXiv:1611.05431, figure 3c.

    Shape: [in_channels, ...] -> [4 * width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int, groups: int, base: int, stride: int = 1) -> None:
        super().__init__()
        mid = width * base // 64 * groups
        out = 4 * width
        if mid % groups != 0:
            raise ValueError("groups must divide the width of the 3x3 convolution")
        self.conv1 = nn.Conv2d(in_channels, mid, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(mid)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(mid, mid, kernel_size=3, stride=stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(mid)
        self.conv3 = nn.Conv2d(mid, out, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != out:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out),
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

    Shape: [in_channels, ...] -> [4 * width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int, n: int, stride: int, groups: int, base: int) -> None:
        super().__init__()
        self.append(ResNeXtBlock(in_channels, width, groups, base, stride=stride))
        for _ in range(n - 1):
            self.append(ResNeXtBlock(4 * width, width, groups, base))


class ResNeXt(nn.Module):
    """ResNet's four stages with grouped bottlenecks, with torchvision's names.
    Xie et al. 2017, arXiv:1611.05431, table 1; initialisation as in section 4.

    Shape: [3, 224, 224] -> [classes], without the batch.
    """

    def __init__(
        self, depths: Sequence[int] = (3, 4, 6, 3), groups: int = 32, base: int = 4, classes: int = 1000
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = Stage(64, 64, depths[0], 1, groups, base)
        self.layer2 = Stage(256, 128, depths[1], 2, groups, base)
        self.layer3 = Stage(512, 256, depths[2], 2, groups, base)
        self.layer4 = Stage(1024, 512, depths[3], 2, groups, base)
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


def resnext(depths: Sequence[int] = (3, 4, 6, 3), groups: int = 32, base: int = 4, classes: int = 1000) -> ResNeXt:
    """ResNet's four stages with grouped bottlenecks, with torchvision's names.
    Xie et al. 2017, arXiv:1611.05431, table 1; initialisation as in section 4.
    """
    return ResNeXt(depths=depths, groups=groups, base=base, classes=classes)


def resnext50_32x4d(classes: int = 1000) -> ResNeXt:
    """Build ResNeXt50_32x4d."""
    return ResNeXt(depths=[3, 4, 6, 3], groups=32, base=4, classes=classes)


def resnext101_32x8d(classes: int = 1000) -> ResNeXt:
    """Build ResNeXt101_32x8d."""
    return ResNeXt(depths=[3, 4, 23, 3], groups=32, base=8, classes=classes)
