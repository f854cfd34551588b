# pieces.arch, c520e99ccab1
"""The networks of pieces.arch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Transposed(nn.Module):
    """A transposed convolution that doubles the size of a map. Dumoulin & Visin 2016, arXiv:1603.07285, chapter 4.
    Where the stride does not divide the kernel, some outputs get more taps of it than others.
    Odena, Dumoulin & Olah 2016, "Deconvolution and Checkerboard Artifacts", Distill.

    Shape: [8, 16, 16] -> [1, 32, 32], without the batch.
    """

    def __init__(self, k: int = 4, output_padding: int = 0, channels: int = 8) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(
            channels, 1, kernel_size=k, stride=2, padding=1, output_padding=output_padding, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.up(x)
        return y


class ResizeConv(nn.Module):
    """The nearest of the smaller map's pixels, then a convolution: the way without a checkerboard.

    Shape: [8, 16, 16] -> [1, 32, 32], without the batch.
    """

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.upsample = nn.Upsample(scale_factor=2)
        self.conv = nn.Conv2d(channels, 1, kernel_size=3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.upsample(x)  # [channels, 32, 32]
        y: Tensor = self.conv(x)
        return y


class Interpolation(nn.Module):
    """A transposed convolution of each channel for itself, of the size that a bilinear interpolation takes.
    Long, Shelhamer & Darrell 2015, arXiv:1411.4038, section 3.3.

    Shape: [3, 12, 12] -> [channels, 24, 24], without the batch.
    """

    def __init__(self, factor: int = 2, channels: int = 3) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(
            channels,
            channels,
            kernel_size=2 * factor - factor % 2,
            stride=factor,
            padding=factor // 2,
            groups=channels,
            bias=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.up(x)
        return y


class Stack(nn.Module):
    """Convolutions of 3x3 one after the other, with nothing between them or with ReLUs.

    Shape: [1, 64, 64] -> [8, 64, 64], without the batch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.ModuleList(
            [
                nn.Conv2d(1, 8, kernel_size=3, padding=1, bias=False),
                nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False),
                nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False),
                nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False),
                nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False),
                nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False),
                nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False),
                nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False),
                nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False),
                nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False),
            ]
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        image = self.conv[0](image)
        image = self.conv[1](image)
        image = self.conv[2](image)
        image = self.conv[3](image)
        image = self.conv[4](image)
        image = self.conv[5](image)
        image = self.conv[6](image)
        image = self.conv[7](image)
        image = self.conv[8](image)
        out: Tensor = self.conv[9](image)
        return out


class Pair(nn.Module):
    """Two convolutions of 3x3 with a ReLU between them, alone or beside a shortcut.

    Shape: [16, 16, 16] -> [width, 16, 16], without the batch.
    """

    def __init__(self, shortcut: bool = True, width: int = 16) -> None:
        super().__init__()
        self.shortcut = shortcut
        self.conv1 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        branch = self.relu(self.conv1(x))  # [width, 16, 16]
        branch = self.conv2(branch)  # [width, 16, 16]
        y: Tensor = x + branch if self.shortcut else branch
        return y


class BlockB(nn.Module):
    """The same with a 1x1 convolution where the shape changes. Section 3.3, option B.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Sequential | None = None
        if in_channels != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, width, kernel_size=1, bias=False),
                nn.BatchNorm2d(width),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        skip = x if self.downsample is None else self.downsample(x)
        y += skip
        out: Tensor = self.relu(y)
        return out


class ResidualBlock(nn.Module):
    """One block of a ResNet for small images, and the same without its shortcut.

    Shape: [16, 16, 16] -> [width, 16, 16], without the batch.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.block = BlockB(width, width)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x)
        return y


class PlainBlock(nn.Sequential):
    """The same without a shortcut.

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


class NormedPlainBlock(nn.Module):
    """The model `NormedPlainBlock`.

    Shape: [16, 16, 16] -> [width, 16, 16], without the batch.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.block = PlainBlock(width, width)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x)
        return y


class DeepMLP(nn.Module):
    """An MLP of several hidden layers, whose ReLUs may die, with what helps against it.

    Shape: [1, 28, 28] -> [classes], without the batch.
    """

    def __init__(
        self,
        hidden: int = 64,
        layers: int = 4,
        leaky: bool = False,
        norm: bool = False,
        channels: int = 1,
        classes: int = 10,
    ) -> None:
        super().__init__()
        self.layers = layers
        self.norm = norm
        self.leaky = leaky
        self.fc = nn.ModuleList()
        self.bn = nn.ModuleList()
        self.act = nn.ModuleList()
        in_channels = channels * 28 * 28
        for _ in range(layers):
            self.fc.append(nn.Linear(in_channels, hidden))
            if norm:
                self.bn.append(nn.BatchNorm1d(hidden))
            if leaky:
                self.act.append(nn.LeakyReLU(inplace=True))
            else:
                self.act.append(nn.ReLU(inplace=True))
            in_channels = hidden
        self.head = nn.Linear(in_channels, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.flatten(image, 1)  # [channels * 28 * 28]
        for i in range(self.layers):
            x = self.fc[i](x)  # [hidden]
            x = self.bn[i](x) if self.norm else x
            x = self.act[i](x)
        logits: Tensor = self.head(x)
        return logits


def transposed(k: int = 4, output_padding: int = 0, channels: int = 8) -> Transposed:
    """A transposed convolution that doubles the size of a map. Dumoulin & Visin 2016, arXiv:1603.07285, chapter 4.
    Where the stride does not divide the kernel, some outputs get more taps of it than others.
    Odena, Dumoulin & Olah 2016, "Deconvolution and Checkerboard Artifacts", Distill.
    """
    return Transposed(k=k, output_padding=output_padding, channels=channels)


def transposed3(channels: int = 8) -> Transposed:
    """Build Transposed3."""
    return Transposed(k=3, output_padding=1, channels=channels)


def transposed4(output_padding: int = 0, channels: int = 8) -> Transposed:
    """Build Transposed4."""
    return Transposed(k=4, output_padding=output_padding, channels=channels)


def resizeconv(channels: int = 8) -> ResizeConv:
    """The nearest of the smaller map's pixels, then a convolution: the way without a checkerboard."""
    return ResizeConv(channels=channels)


def interpolation(factor: int = 2, channels: int = 3) -> Interpolation:
    """A transposed convolution of each channel for itself, of the size that a bilinear interpolation takes.
    Long, Shelhamer & Darrell 2015, arXiv:1411.4038, section 3.3.
    """
    return Interpolation(factor=factor, channels=channels)


def stack() -> Stack:
    """Convolutions of 3x3 one after the other, with nothing between them or with ReLUs."""
    return Stack()


def pair(shortcut: bool = True, width: int = 16) -> Pair:
    """Two convolutions of 3x3 with a ReLU between them, alone or beside a shortcut."""
    return Pair(shortcut=shortcut, width=width)


def residualblock(width: int = 16) -> ResidualBlock:
    """One block of a ResNet for small images, and the same without its shortcut."""
    return ResidualBlock(width=width)


def normedplainblock(width: int = 16) -> NormedPlainBlock:
    """Build NormedPlainBlock."""
    return NormedPlainBlock(width=width)


def deepmlp(
    hidden: int = 64, layers: int = 4, leaky: bool = False, norm: bool = False, channels: int = 1, classes: int = 10
) -> DeepMLP:
    """An MLP of several hidden layers, whose ReLUs may die, with what helps against it."""
    return DeepMLP(hidden=hidden, layers=layers, leaky=leaky, norm=norm, channels=channels, classes=classes)
