# unet.arch, 4db6bc74cf0b
"""The networks of unet.arch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def center_crop(x: Tensor, like: Tensor) -> Tensor:
    """Cut the centre of `x` to the size of `like`; an odd rest goes to the end."""
    for axis in range(2, x.dim()):
        size = like.shape[axis]
        x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
    return x


class DoubleConv(nn.Sequential):
    """Two 3x3 convolutions, each rectified.

    Shape: [in_channels, ...] -> [c, ...], without the batch.
    """

    def __init__(self, in_channels: int, c: int, padding: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, c, kernel_size=3, padding=padding),
            nn.ReLU(inplace=True),
            nn.Conv2d(c, c, kernel_size=3, padding=padding),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """U-Net with padding, so that the mask has the size of the image.
    Ronneberger, Fischer & Brox 2015, arXiv:1505.04597, with zero padding as is common today.

    Shape: [1, 256, 256] -> [classes, 256, 256], without the batch.
    """

    def __init__(self, channels: int = 1, classes: int = 2, base: int = 64, depth: int = 4, padding: int = 1) -> None:
        super().__init__()
        self.depth = depth
        self.down = nn.ModuleList()
        self.maxpool = nn.MaxPool2d(kernel_size=2)
        in_channels = channels
        for i in range(depth):
            self.down.append(DoubleConv(in_channels, base * 2**i, padding))
            in_channels = base * 2**i
        self.bottom = DoubleConv(in_channels, base * 2**depth, padding)
        self.up = nn.ModuleList()
        self.merge = nn.ModuleList()
        in_channels = base * 2**depth
        for i in reversed(range(depth)):
            self.up.insert(0, nn.ConvTranspose2d(in_channels, base * 2**i, kernel_size=2, stride=2))
            self.merge.insert(0, DoubleConv(2 * base * 2**i, base * 2**i, padding))
            in_channels = base * 2**i
        self.head = nn.Conv2d(in_channels, classes, kernel_size=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.xavier_normal_(self.head.weight, gain=0.3)

    def forward(self, x: Tensor) -> Tensor:
        skip: list[Tensor] = []
        for i in range(self.depth):
            skip.append(self.down[i](x))
            x = self.maxpool(skip[i])  # [base * 2**i, ...]
        x = self.bottom(x)  # [base * 2**depth, 16, 16]
        for i in reversed(range(self.depth)):
            up = self.up[i](x)  # [base * 2**i, ...]
            x = self.merge[i](torch.cat((skip[i], up), dim=1))  # [base * 2**i, ...]
        masks: Tensor = self.head(x)
        return masks


class UNetValid(nn.Module):
    """U-Net as published, without padding: skips are cropped, and the mask is smaller than the image.
    Ronneberger, Fischer & Brox 2015, arXiv:1505.04597, figure 1.

    Shape: [1, 572, 572] -> [classes, 388, 388], without the batch.
    """

    def __init__(self, classes: int = 2, base: int = 64, depth: int = 4) -> None:
        super().__init__()
        self.depth = depth
        self.down = nn.ModuleList()
        self.maxpool = nn.MaxPool2d(kernel_size=2)
        in_channels = 1
        for i in range(depth):
            self.down.append(DoubleConv(in_channels, base * 2**i, 0))
            in_channels = base * 2**i
        self.bottom = DoubleConv(in_channels, base * 2**depth, 0)
        self.up = nn.ModuleList()
        self.merge = nn.ModuleList()
        in_channels = base * 2**depth
        for i in reversed(range(depth)):
            self.up.insert(0, nn.ConvTranspose2d(in_channels, base * 2**i, kernel_size=2, stride=2))
            self.merge.insert(0, DoubleConv(2 * base * 2**i, base * 2**i, 0))
            in_channels = base * 2**i
        self.head = nn.Conv2d(in_channels, classes, kernel_size=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        skip: list[Tensor] = []
        for i in range(self.depth):
            skip.append(self.down[i](x))
            x = self.maxpool(skip[i])  # [base * 2**i, ...]
        x = self.bottom(x)  # [base * 2**depth, 28, 28]
        for i in reversed(range(self.depth)):
            up = self.up[i](x)  # [base * 2**i, ...]
            x = self.merge[i](torch.cat((center_crop(skip[i], up), up), dim=1))  # [base * 2**i, ...]
        masks: Tensor = self.head(x)
        return masks


def unet(channels: int = 1, classes: int = 2, base: int = 64, depth: int = 4, padding: int = 1) -> UNet:
    """U-Net with padding, so that the mask has the size of the image.
    Ronneberger, Fischer & Brox 2015, arXiv:1505.04597, with zero padding as is common today.
    """
    return UNet(channels=channels, classes=classes, base=base, depth=depth, padding=padding)


def unetvalid(classes: int = 2, base: int = 64, depth: int = 4) -> UNetValid:
    """U-Net as published, without padding: skips are cropped, and the mask is smaller than the image.
    Ronneberger, Fischer & Brox 2015, arXiv:1505.04597, figure 1.
    """
    return UNetValid(classes=classes, base=base, depth=depth)
