# cifar_resnet.arch, 4b782e811049
"""The networks of cifar_resnet.arch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PadChannels(nn.Module):
    """Put channels of zeros before and after those of a tensor."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before = before
        self.after = after

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pad(x, (0, 0) * (x.dim() - 2) + (self.before, self.after))


class BlockA(nn.Module):
    """Two 3x3 convolutions beside a shortcut without parameters: where the shape changes, every second pixel is
    taken and zero channels are added on both sides. He et al. 2016, arXiv:1512.03385, section 3.3, option A.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.avgpool: nn.AvgPool2d | None = None
        if stride != 1 or in_channels != width:
            self.avgpool = nn.AvgPool2d(kernel_size=1, stride=stride)
            self.padchannels = PadChannels((width - in_channels) // 2, width - in_channels - (width - in_channels) // 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.avgpool is not None:
            skip = self.avgpool(x)
            skip = self.padchannels(skip)
        else:
            skip = x
        y += skip
        out: Tensor = self.relu(y)
        return out


class BlockB(nn.Module):
    """The same with a 1x1 convolution where the shape changes. Section 3.3, option B.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

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


class PlainBlock(nn.Sequential):
    """The same without a shortcut.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=True)


class Stage(nn.Sequential):
    """The first block of a stage takes its stride; the others keep the size.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

    def __init__(
        self, in_channels: int, unit: type[BlockA | BlockB | PlainBlock], width: int, n: int, stride: int
    ) -> None:
        super().__init__()
        self.append(unit(in_channels, width, stride=stride))
        for _ in range(n - 1):
            self.append(unit(width, width))


class CifarResNet(nn.Module):
    """The nets of 6n + 2 layers for small images: three stages of n blocks, with 16, 32 and 64 channels.
    He et al. 2016, arXiv:1512.03385, section 4.2; initialisation as there, He et al. 2015, arXiv:1502.01852.
    `stride` is that of the first convolution: 2 makes a net for larger images, or a faster one.

    Shape: [3, 32, 32] -> [classes], without the batch.
    """

    def __init__(
        self,
        unit: type[BlockA | BlockB | PlainBlock] = BlockA,
        n: int = 3,
        width: int = 16,
        stride: int = 1,
        channels: int = 3,
        classes: int = 10,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = Stage(width, unit, width, n, 1)
        self.layer2 = Stage(width, unit, width * 2, n, 2)
        self.layer3 = Stage(width * 2, unit, width * 4, n, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(width * 4, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.normal_(self.fc.weight, std=0.01)

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(image)))  # [width, 32, 32]
        x = self.layer1(x)  # [width, 32, 32]
        x = self.layer2(x)  # [width * 2, 16, 16]
        x = self.layer3(x)  # [width * 4, 8, 8]
        x = torch.flatten(self.avgpool(x), 1)  # [width * 4]
        logits: Tensor = self.fc(x)
        return logits


def cifarresnet(n: int = 3, width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarResNet:
    """The nets of 6n + 2 layers for small images: three stages of n blocks, with 16, 32 and 64 channels.
    He et al. 2016, arXiv:1512.03385, section 4.2; initialisation as there, He et al. 2015, arXiv:1502.01852.
    `stride` is that of the first convolution: 2 makes a net for larger images, or a faster one.
    """
    return CifarResNet(n=n, width=width, stride=stride, channels=channels, classes=classes)


def resnet20(width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarResNet:
    """Build ResNet20."""
    return CifarResNet(unit=BlockA, n=3, width=width, stride=stride, channels=channels, classes=classes)


def resnet32(width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarResNet:
    """Build ResNet32."""
    return CifarResNet(unit=BlockA, n=5, width=width, stride=stride, channels=channels, classes=classes)


def resnet44(width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarResNet:
    """Build ResNet44."""
    return CifarResNet(unit=BlockA, n=7, width=width, stride=stride, channels=channels, classes=classes)


def resnet56(width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarResNet:
    """Build ResNet56."""
    return CifarResNet(unit=BlockA, n=9, width=width, stride=stride, channels=channels, classes=classes)


def resnet110(width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarResNet:
    """Build ResNet110."""
    return CifarResNet(unit=BlockA, n=18, width=width, stride=stride, channels=channels, classes=classes)


def resnet20b(width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarResNet:
    """Build ResNet20B."""
    return CifarResNet(unit=BlockB, n=3, width=width, stride=stride, channels=channels, classes=classes)


def resnet56b(width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarResNet:
    """Build ResNet56B."""
    return CifarResNet(unit=BlockB, n=9, width=width, stride=stride, channels=channels, classes=classes)


def resnet110b(width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarResNet:
    """Build ResNet110B."""
    return CifarResNet(unit=BlockB, n=18, width=width, stride=stride, channels=channels, classes=classes)


def plain20(width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarResNet:
    """Build Plain20."""
    return CifarResNet(unit=PlainBlock, n=3, width=width, stride=stride, channels=channels, classes=classes)


def plain56(width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> CifarResNet:
    """Build Plain56."""
    return CifarResNet(unit=PlainBlock, n=9, width=width, stride=stride, channels=channels, classes=classes)
