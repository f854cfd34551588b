# bare.arch, eedb879991ba
"""The networks of bare.arch."""

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


class BareBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut without parameters, and no normalisation.
    After He et al. 2016, arXiv:1512.03385, section 3.3, option A.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.avgpool: nn.AvgPool2d | None = None
        if stride != 1 or in_channels != width:
            self.avgpool = nn.AvgPool2d(kernel_size=1, stride=stride)
            self.padchannels = PadChannels((width - in_channels) // 2, width - in_channels - (width - in_channels) // 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.conv1(x))
        y = self.conv2(y)
        if self.avgpool is not None:
            skip = self.avgpool(x)
            skip = self.padchannels(skip)
        else:
            skip = x
        y += skip
        out: Tensor = self.relu(y)
        return out


class BarePlainBlock(nn.Sequential):
    """The same without a shortcut.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.relu2 = nn.ReLU(inplace=True)


class Stage(nn.Sequential):
    """The first block of a stage takes its stride; the others keep the size.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

    def __init__(
        self, in_channels: int, unit: type[BareBlock | BarePlainBlock], width: int, n: int, stride: int
    ) -> None:
        super().__init__()
        self.append(unit(in_channels, width, stride=stride))
        for _ in range(n - 1):
            self.append(unit(width, width))


class BareResNet(nn.Module):
    """The nets of 6n + 2 layers for small images without their normalisation.
    After He et al. 2016, arXiv:1512.03385, section 4.2.

    Shape: [3, 32, 32] -> [classes], without the batch.
    """

    def __init__(
        self,
        unit: type[BareBlock | BarePlainBlock] = BareBlock,
        n: int = 3,
        width: int = 16,
        stride: int = 1,
        channels: int = 3,
        classes: int = 10,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = Stage(width, unit, width, n, 1)
        self.layer2 = Stage(width, unit, width * 2, n, 2)
        self.layer3 = Stage(width * 2, unit, width * 4, n, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(width * 4, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.conv1(image))  # [width, 32, 32]
        x = self.layer1(x)  # [width, 32, 32]
        x = self.layer2(x)  # [width * 2, 16, 16]
        x = self.layer3(x)  # [width * 4, 8, 8]
        x = torch.flatten(self.avgpool(x), 1)  # [width * 4]
        logits: Tensor = self.fc(x)
        return logits


class DeepMLP(nn.Module):
    """Linear layers of one width, each with the same activation behind it. No layer has a bias, so that the sizes of
    signals follow from the weights alone.

    Shape: [1, 28, 28] -> [10], without the batch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 512, bias=False)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(512, 512, bias=False)
        self.fc3 = nn.Linear(512, 512, bias=False)
        self.fc4 = nn.Linear(512, 512, bias=False)
        self.fc5 = nn.Linear(512, 512, bias=False)
        self.fc6 = nn.Linear(512, 512, bias=False)
        self.fc7 = nn.Linear(512, 512, bias=False)
        self.fc8 = nn.Linear(512, 512, bias=False)
        self.fc9 = nn.Linear(512, 512, bias=False)
        self.fc10 = nn.Linear(512, 512, bias=False)
        self.fc11 = nn.Linear(512, 512, bias=False)
        self.fc12 = nn.Linear(512, 512, bias=False)
        self.fc13 = nn.Linear(512, 512, bias=False)
        self.fc14 = nn.Linear(512, 512, bias=False)
        self.fc15 = nn.Linear(512, 512, bias=False)
        self.fc16 = nn.Linear(512, 512, bias=False)
        self.fc17 = nn.Linear(512, 512, bias=False)
        self.fc18 = nn.Linear(512, 512, bias=False)
        self.fc19 = nn.Linear(512, 512, bias=False)
        self.fc20 = nn.Linear(512, 512, bias=False)
        self.fc21 = nn.Linear(512, 512, bias=False)
        self.fc22 = nn.Linear(512, 512, bias=False)
        self.fc23 = nn.Linear(512, 512, bias=False)
        self.fc24 = nn.Linear(512, 512, bias=False)
        self.fc25 = nn.Linear(512, 512, bias=False)
        self.fc26 = nn.Linear(512, 512, bias=False)
        self.fc27 = nn.Linear(512, 512, bias=False)
        self.fc28 = nn.Linear(512, 512, bias=False)
        self.fc29 = nn.Linear(512, 512, bias=False)
        self.fc30 = nn.Linear(512, 512, bias=False)
        self.head = nn.Linear(512, 10, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        image = torch.flatten(image, 1)
        image = self.relu(self.fc1(image))
        image = self.relu(self.fc2(image))
        image = self.relu(self.fc3(image))
        image = self.relu(self.fc4(image))
        image = self.relu(self.fc5(image))
        image = self.relu(self.fc6(image))
        image = self.relu(self.fc7(image))
        image = self.relu(self.fc8(image))
        image = self.relu(self.fc9(image))
        image = self.relu(self.fc10(image))
        image = self.relu(self.fc11(image))
        image = self.relu(self.fc12(image))
        image = self.relu(self.fc13(image))
        image = self.relu(self.fc14(image))
        image = self.relu(self.fc15(image))
        image = self.relu(self.fc16(image))
        image = self.relu(self.fc17(image))
        image = self.relu(self.fc18(image))
        image = self.relu(self.fc19(image))
        image = self.relu(self.fc20(image))
        image = self.relu(self.fc21(image))
        image = self.relu(self.fc22(image))
        image = self.relu(self.fc23(image))
        image = self.relu(self.fc24(image))
        image = self.relu(self.fc25(image))
        image = self.relu(self.fc26(image))
        image = self.relu(self.fc27(image))
        image = self.relu(self.fc28(image))
        image = self.relu(self.fc29(image))
        image = self.relu(self.fc30(image))
        out: Tensor = self.head(image)
        return out


class DeepReLU(nn.Module):
    """Linear layers of one width, each with the same activation behind it. No layer has a bias, so that the sizes of
    signals follow from the weights alone.

    Shape: [1, 28, 28] -> [10], without the batch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 512, bias=False)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(512, 512, bias=False)
        self.fc3 = nn.Linear(512, 512, bias=False)
        self.fc4 = nn.Linear(512, 512, bias=False)
        self.fc5 = nn.Linear(512, 512, bias=False)
        self.fc6 = nn.Linear(512, 512, bias=False)
        self.fc7 = nn.Linear(512, 512, bias=False)
        self.fc8 = nn.Linear(512, 512, bias=False)
        self.fc9 = nn.Linear(512, 512, bias=False)
        self.fc10 = nn.Linear(512, 512, bias=False)
        self.fc11 = nn.Linear(512, 512, bias=False)
        self.fc12 = nn.Linear(512, 512, bias=False)
        self.fc13 = nn.Linear(512, 512, bias=False)
        self.fc14 = nn.Linear(512, 512, bias=False)
        self.fc15 = nn.Linear(512, 512, bias=False)
        self.fc16 = nn.Linear(512, 512, bias=False)
        self.fc17 = nn.Linear(512, 512, bias=False)
        self.fc18 = nn.Linear(512, 512, bias=False)
        self.fc19 = nn.Linear(512, 512, bias=False)
        self.fc20 = nn.Linear(512, 512, bias=False)
        self.fc21 = nn.Linear(512, 512, bias=False)
        self.fc22 = nn.Linear(512, 512, bias=False)
        self.fc23 = nn.Linear(512, 512, bias=False)
        self.fc24 = nn.Linear(512, 512, bias=False)
        self.fc25 = nn.Linear(512, 512, bias=False)
        self.fc26 = nn.Linear(512, 512, bias=False)
        self.fc27 = nn.Linear(512, 512, bias=False)
        self.fc28 = nn.Linear(512, 512, bias=False)
        self.fc29 = nn.Linear(512, 512, bias=False)
        self.fc30 = nn.Linear(512, 512, bias=False)
        self.head = nn.Linear(512, 10, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        image = torch.flatten(image, 1)
        image = self.relu(self.fc1(image))
        image = self.relu(self.fc2(image))
        image = self.relu(self.fc3(image))
        image = self.relu(self.fc4(image))
        image = self.relu(self.fc5(image))
        image = self.relu(self.fc6(image))
        image = self.relu(self.fc7(image))
        image = self.relu(self.fc8(image))
        image = self.relu(self.fc9(image))
        image = self.relu(self.fc10(image))
        image = self.relu(self.fc11(image))
        image = self.relu(self.fc12(image))
        image = self.relu(self.fc13(image))
        image = self.relu(self.fc14(image))
        image = self.relu(self.fc15(image))
        image = self.relu(self.fc16(image))
        image = self.relu(self.fc17(image))
        image = self.relu(self.fc18(image))
        image = self.relu(self.fc19(image))
        image = self.relu(self.fc20(image))
        image = self.relu(self.fc21(image))
        image = self.relu(self.fc22(image))
        image = self.relu(self.fc23(image))
        image = self.relu(self.fc24(image))
        image = self.relu(self.fc25(image))
        image = self.relu(self.fc26(image))
        image = self.relu(self.fc27(image))
        image = self.relu(self.fc28(image))
        image = self.relu(self.fc29(image))
        image = self.relu(self.fc30(image))
        out: Tensor = self.head(image)
        return out


class DeepTanh(nn.Module):
    """Linear layers of one width, each with the same activation behind it. No layer has a bias, so that the sizes of
    signals follow from the weights alone.

    Shape: [1, 28, 28] -> [10], without the batch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 512, bias=False)
        self.tanh = nn.Tanh()
        self.fc2 = nn.Linear(512, 512, bias=False)
        self.fc3 = nn.Linear(512, 512, bias=False)
        self.fc4 = nn.Linear(512, 512, bias=False)
        self.fc5 = nn.Linear(512, 512, bias=False)
        self.fc6 = nn.Linear(512, 512, bias=False)
        self.fc7 = nn.Linear(512, 512, bias=False)
        self.fc8 = nn.Linear(512, 512, bias=False)
        self.fc9 = nn.Linear(512, 512, bias=False)
        self.fc10 = nn.Linear(512, 512, bias=False)
        self.fc11 = nn.Linear(512, 512, bias=False)
        self.fc12 = nn.Linear(512, 512, bias=False)
        self.fc13 = nn.Linear(512, 512, bias=False)
        self.fc14 = nn.Linear(512, 512, bias=False)
        self.fc15 = nn.Linear(512, 512, bias=False)
        self.fc16 = nn.Linear(512, 512, bias=False)
        self.fc17 = nn.Linear(512, 512, bias=False)
        self.fc18 = nn.Linear(512, 512, bias=False)
        self.fc19 = nn.Linear(512, 512, bias=False)
        self.fc20 = nn.Linear(512, 512, bias=False)
        self.fc21 = nn.Linear(512, 512, bias=False)
        self.fc22 = nn.Linear(512, 512, bias=False)
        self.fc23 = nn.Linear(512, 512, bias=False)
        self.fc24 = nn.Linear(512, 512, bias=False)
        self.fc25 = nn.Linear(512, 512, bias=False)
        self.fc26 = nn.Linear(512, 512, bias=False)
        self.fc27 = nn.Linear(512, 512, bias=False)
        self.fc28 = nn.Linear(512, 512, bias=False)
        self.fc29 = nn.Linear(512, 512, bias=False)
        self.fc30 = nn.Linear(512, 512, bias=False)
        self.head = nn.Linear(512, 10, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        image = torch.flatten(image, 1)
        image = self.tanh(self.fc1(image))
        image = self.tanh(self.fc2(image))
        image = self.tanh(self.fc3(image))
        image = self.tanh(self.fc4(image))
        image = self.tanh(self.fc5(image))
        image = self.tanh(self.fc6(image))
        image = self.tanh(self.fc7(image))
        image = self.tanh(self.fc8(image))
        image = self.tanh(self.fc9(image))
        image = self.tanh(self.fc10(image))
        image = self.tanh(self.fc11(image))
        image = self.tanh(self.fc12(image))
        image = self.tanh(self.fc13(image))
        image = self.tanh(self.fc14(image))
        image = self.tanh(self.fc15(image))
        image = self.tanh(self.fc16(image))
        image = self.tanh(self.fc17(image))
        image = self.tanh(self.fc18(image))
        image = self.tanh(self.fc19(image))
        image = self.tanh(self.fc20(image))
        image = self.tanh(self.fc21(image))
        image = self.tanh(self.fc22(image))
        image = self.tanh(self.fc23(image))
        image = self.tanh(self.fc24(image))
        image = self.tanh(self.fc25(image))
        image = self.tanh(self.fc26(image))
        image = self.tanh(self.fc27(image))
        image = self.tanh(self.fc28(image))
        image = self.tanh(self.fc29(image))
        image = self.tanh(self.fc30(image))
        out: Tensor = self.head(image)
        return out


def bareresnet(n: int = 3, width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> BareResNet:
    """The nets of 6n + 2 layers for small images without their normalisation.
    After He et al. 2016, arXiv:1512.03385, section 4.2.
    """
    return BareResNet(n=n, width=width, stride=stride, channels=channels, classes=classes)


def bareplain(n: int = 3, width: int = 16, stride: int = 1, channels: int = 3, classes: int = 10) -> BareResNet:
    """Build BarePlain."""
    return BareResNet(unit=BarePlainBlock, n=n, width=width, stride=stride, channels=channels, classes=classes)


def deepmlp() -> DeepMLP:
    """Linear layers of one width, each with the same activation behind it. No layer has a bias, so that the sizes of
    signals follow from the weights alone.
    """
    return DeepMLP()


def deeprelu() -> DeepReLU:
    """Build DeepReLU."""
    return DeepReLU()


def deeptanh() -> DeepTanh:
    """Build DeepTanh."""
    return DeepTanh()
