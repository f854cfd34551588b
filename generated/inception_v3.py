# inception_v3.arch, 126e3aa5059a
"""The networks of inception_v3.arch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class ConvBN(nn.Sequential):
    """A convolution without bias, normalised and rectified.

    Shape: [in_channels, ...] -> [c, ...], without the batch.
    """

    def __init__(self, in_channels: int, c: int, k: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, c, kernel_size=k, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(c, eps=0.001)
        self.append(nn.ReLU(inplace=True))


class InceptionA(nn.Module):
    """Two 3x3 convolutions in a row see what one of 5x5 sees; the other branch keeps its 5x5, as in torchvision.
    Szegedy et al. 2016, arXiv:1512.00567, figure 5.

    Shape: [in_channels, ...] -> [224 + pool, ...], without the batch.
    """

    def __init__(self, in_channels: int, pool: int) -> None:
        super().__init__()
        self.branch1x1 = ConvBN(in_channels, 64, 1)
        self.branch5x5_1 = ConvBN(in_channels, 48, 1)
        self.branch5x5_2 = ConvBN(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = ConvBN(in_channels, 64, 1)
        self.branch3x3dbl_2 = ConvBN(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvBN(96, 96, 3, padding=1)
        self.avgpool = nn.AvgPool2d(kernel_size=3, stride=1, padding=1)
        self.branch_pool = ConvBN(in_channels, pool, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            (
                self.branch1x1(x),
                self.branch5x5_2(self.branch5x5_1(x)),
                self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
                self.branch_pool(self.avgpool(x)),
            ),
            dim=1,
        )


class ReductionA(nn.Module):
    """Halves the map by convolutions and pooling side by side, so that no information waits at a narrow place.
    Szegedy et al. 2016, arXiv:1512.00567, figure 10.

    Shape: [in_channels, ...] -> [480 + in_channels, ...], without the batch.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch3x3 = ConvBN(in_channels, 384, 3, stride=2)
        self.branch3x3dbl_1 = ConvBN(in_channels, 64, 1)
        self.branch3x3dbl_2 = ConvBN(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvBN(96, 96, 3, stride=2)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            (self.branch3x3(x), self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))), self.maxpool(x)),
            dim=1,
        )


class LongBN(nn.Sequential):
    """The same with a kernel that is long in one direction; the map keeps its size.

    Shape: [in_channels, ...] -> [c, ...], without the batch.
    """

    def __init__(self, in_channels: int, c: int, rows: int, columns: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, c, kernel_size=(rows, columns), padding=(rows // 2, columns // 2), bias=False
        )
        self.bn = nn.BatchNorm2d(c, eps=0.001)
        self.append(nn.ReLU(inplace=True))


class InceptionC(nn.Module):
    """A 7x7 convolution as one along the rows and one along the columns. Figure 6, with n = 7.

    Shape: [in_channels, ...] -> [768, ...], without the batch.
    """

    def __init__(self, in_channels: int, c7: int) -> None:
        super().__init__()
        self.branch1x1 = ConvBN(in_channels, 192, 1)
        self.branch7x7_1 = ConvBN(in_channels, c7, 1)
        self.branch7x7_2 = LongBN(c7, c7, 1, 7)
        self.branch7x7_3 = LongBN(c7, 192, 7, 1)
        self.branch7x7dbl_1 = ConvBN(in_channels, c7, 1)
        self.branch7x7dbl_2 = LongBN(c7, c7, 7, 1)
        self.branch7x7dbl_3 = LongBN(c7, c7, 1, 7)
        self.branch7x7dbl_4 = LongBN(c7, c7, 7, 1)
        self.branch7x7dbl_5 = LongBN(c7, 192, 1, 7)
        self.avgpool = nn.AvgPool2d(kernel_size=3, stride=1, padding=1)
        self.branch_pool = ConvBN(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            (
                self.branch1x1(x),
                self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
                self.branch7x7dbl_5(
                    self.branch7x7dbl_4(self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x))))
                ),
                self.branch_pool(self.avgpool(x)),
            ),
            dim=1,
        )


class ReductionB(nn.Module):
    """Halves the map once more, with a factored 7x7 in one branch.

    Shape: [in_channels, ...] -> [512 + in_channels, ...], without the batch.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch3x3_1 = ConvBN(in_channels, 192, 1)
        self.branch3x3_2 = ConvBN(192, 320, 3, stride=2)
        self.branch7x7x3_1 = ConvBN(in_channels, 192, 1)
        self.branch7x7x3_2 = LongBN(192, 192, 1, 7)
        self.branch7x7x3_3 = LongBN(192, 192, 7, 1)
        self.branch7x7x3_4 = ConvBN(192, 192, 3, stride=2)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            (
                self.branch3x3_2(self.branch3x3_1(x)),
                self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))),
                self.maxpool(x),
            ),
            dim=1,
        )


class InceptionE(nn.Module):
    """On the smallest maps the two halves of a 3x3 stand side by side, which makes more channels. Figure 7.

    Shape: [in_channels, ...] -> [2048, ...], without the batch.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch3x3_1 = ConvBN(in_channels, 384, 1)
        self.branch3x3dbl_1 = ConvBN(in_channels, 448, 1)
        self.branch3x3dbl_2 = ConvBN(448, 384, 3, padding=1)
        self.branch1x1 = ConvBN(in_channels, 320, 1)
        self.branch3x3_2a = LongBN(384, 384, 1, 3)
        self.branch3x3_2b = LongBN(384, 384, 3, 1)
        self.branch3x3dbl_3a = LongBN(384, 384, 1, 3)
        self.branch3x3dbl_3b = LongBN(384, 384, 3, 1)
        self.avgpool = nn.AvgPool2d(kernel_size=3, stride=1, padding=1)
        self.branch_pool = ConvBN(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.branch3x3_1(x)
        b = self.branch3x3dbl_1(x)
        b = self.branch3x3dbl_2(b)
        return torch.cat(
            (
                self.branch1x1(x),
                self.branch3x3_2a(a),
                self.branch3x3_2b(a),
                self.branch3x3dbl_3a(b),
                self.branch3x3dbl_3b(b),
                self.branch_pool(self.avgpool(x)),
            ),
            dim=1,
        )


class AuxHead(nn.Module):
    """A classifier on the last 17x17 map, which only training uses. Figure 8.

    Shape: [in_channels, ...] -> [classes], without the batch.
    """

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.avgpool = nn.AvgPool2d(kernel_size=5, stride=3)
        self.conv0 = ConvBN(in_channels, 128, 1)
        self.conv1 = ConvBN(128, 768, 5)
        self.avgpool_2 = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(768, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(x)
        x = self.conv0(x)
        x = self.conv1(x)
        x = torch.flatten(self.avgpool_2(x), 1)
        out: Tensor = self.fc(x)
        return out


class InceptionV3Output(NamedTuple):
    """What `InceptionV3` gives in training."""

    logits: Tensor
    aux: Tensor


class InceptionV3(nn.Module):
    """Inception v3 as in torchvision, with its names and its initialisation.
    Szegedy et al. 2016, arXiv:1512.00567, section 6 and table 1; the parameters published for it have the inner
    classifier in them, the multiplications have not.

    Shape: [3, 299, 299] -> [classes], without the batch.
    """

    def __init__(self, classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvBN(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = ConvBN(32, 32, 3)
        self.Conv2d_2b_3x3 = ConvBN(32, 64, 3, padding=1)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Conv2d_3b_1x1 = ConvBN(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvBN(80, 192, 3)
        self.Mixed_5b = InceptionA(192, 32)
        self.Mixed_5c = InceptionA(256, 64)
        self.Mixed_5d = InceptionA(288, 64)
        self.Mixed_6a = ReductionA(288)
        self.Mixed_6b = InceptionC(768, 128)
        self.Mixed_6c = InceptionC(768, 160)
        self.Mixed_6d = InceptionC(768, 160)
        self.Mixed_6e = InceptionC(768, 192)
        self.Mixed_7a = ReductionB(768)
        self.Mixed_7b = InceptionE(1280)
        self.Mixed_7c = InceptionE(2048)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(p=dropout)
        self.fc = nn.Linear(2048, classes)
        self.AuxLogits = AuxHead(768, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.1, a=-2, b=2)

    def forward(self, image: Tensor) -> Tensor | InceptionV3Output:
        a = self.Conv2d_1a_3x3(image)  # [32, 149, 149]
        a = self.Conv2d_2a_3x3(a)  # [32, 147, 147]
        a = self.Conv2d_2b_3x3(a)  # [64, 147, 147]
        a = self.maxpool(a)  # [64, 73, 73]
        a = self.Conv2d_3b_1x1(a)  # [80, 73, 73]
        a = self.Conv2d_4a_3x3(a)  # [192, 71, 71]
        a = self.maxpool(a)  # [192, 35, 35]
        a = self.Mixed_5b(a)  # [256, 35, 35]
        a = self.Mixed_5c(a)  # [288, 35, 35]
        a = self.Mixed_5d(a)  # [288, 35, 35]
        a = self.Mixed_6a(a)  # [768, 17, 17]
        a = self.Mixed_6b(a)  # [768, 17, 17]
        a = self.Mixed_6c(a)  # [768, 17, 17]
        a = self.Mixed_6d(a)  # [768, 17, 17]
        a = self.Mixed_6e(a)  # [768, 17, 17]
        x = self.Mixed_7a(a)  # [1280, 8, 8]
        x = self.Mixed_7b(x)  # [2048, 8, 8]
        x = self.Mixed_7c(x)  # [2048, 8, 8]
        x = torch.flatten(self.dropout(self.avgpool(x)), 1)  # [2048]
        logits: Tensor = self.fc(x)  # [classes]
        if self.training:
            return InceptionV3Output(logits, self.AuxLogits(a))
        return logits


def inceptionv3(classes: int = 1000, dropout: float = 0.5) -> InceptionV3:
    """Inception v3 as in torchvision, with its names and its initialisation.
    Szegedy et al. 2016, arXiv:1512.00567, section 6 and table 1; the parameters published for it have the inner
    classifier in them, the multiplications have not.
    """
    return InceptionV3(classes=classes, dropout=dropout)
