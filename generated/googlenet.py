# googlenet.arch, b621fb116080
"""The networks of googlenet.arch."""

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


class Inception(nn.Module):
    """Four views of one map side by side: 1x1, two depths of 3x3, and pooling.
    Szegedy et al. 2015, arXiv:1409.4842, figure 2b.

    Shape: [in_channels, ...] -> [c1 + c3 + c5 + proj, ...], without the batch.
    """

    def __init__(self, in_channels: int, c1: int, r3: int, c3: int, r5: int, c5: int, proj: int) -> None:
        super().__init__()
        self.branch1 = ConvBN(in_channels, c1, 1)
        self.branch2 = nn.Sequential(
            ConvBN(in_channels, r3, 1),
            ConvBN(r3, c3, 3, padding=1),
        )
        self.branch3 = nn.Sequential(
            ConvBN(in_channels, r5, 1),
            ConvBN(r5, c5, 3, padding=1),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True),
            ConvBN(in_channels, proj, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)), dim=1)


class AuxHead(nn.Module):
    """A classifier on an inner map, which sends gradient there while the network trains.
    Szegedy et al. 2015, arXiv:1409.4842, section 5.

    Shape: [in_channels, ...] -> [classes], without the batch.
    """

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(4)
        self.conv = ConvBN(in_channels, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(p=0.7)
        self.fc2 = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(x)
        x = torch.flatten(self.conv(x), 1)
        x = self.dropout(self.relu(self.fc1(x)))
        out: Tensor = self.fc2(x)
        return out


class GoogLeNetOutput(NamedTuple):
    """What `GoogLeNet` gives in training."""

    logits: Tensor
    aux1: Tensor
    aux2: Tensor


class GoogLeNet(nn.Module):
    """GoogLeNet as in torchvision: normalised, and with 3x3 where the paper has 5x5 convolutions. Szegedy et al.
    2015, arXiv:1409.4842, table 1; the figures published for it leave the two inner classifiers out.

    Shape: [3, 224, 224] -> [classes], without the batch.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = ConvBN(3, 64, 7, stride=2, padding=3)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
        self.conv2 = ConvBN(64, 64, 1)
        self.conv3 = ConvBN(64, 192, 3, padding=1)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool_2 = nn.MaxPool2d(kernel_size=2, stride=2, ceil_mode=True)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(p=0.2)
        self.fc = nn.Linear(1024, classes)
        self.aux1 = AuxHead(512, classes)
        self.aux2 = AuxHead(528, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.01, a=-2, b=2)

    def forward(self, image: Tensor) -> Tensor | GoogLeNetOutput:
        a = self.conv1(image)  # [64, 112, 112]
        a = self.maxpool(a)  # [64, 56, 56]
        a = self.conv2(a)  # [64, 56, 56]
        a = self.conv3(a)  # [192, 56, 56]
        a = self.maxpool(a)  # [192, 28, 28]
        a = self.inception3a(a)  # [256, 28, 28]
        a = self.inception3b(a)  # [480, 28, 28]
        a = self.maxpool(a)  # [480, 14, 14]
        a = self.inception4a(a)  # [512, 14, 14]
        d = self.inception4b(a)  # [512, 14, 14]
        d = self.inception4c(d)  # [512, 14, 14]
        d = self.inception4d(d)  # [528, 14, 14]
        x = self.inception4e(d)  # [832, 14, 14]
        x = self.maxpool_2(x)  # [832, 7, 7]
        x = self.inception5a(x)  # [832, 7, 7]
        x = self.inception5b(x)  # [1024, 7, 7]
        x = self.dropout(torch.flatten(self.avgpool(x), 1))  # [1024]
        logits: Tensor = self.fc(x)  # [classes]
        if self.training:
            return GoogLeNetOutput(logits, self.aux1(a), self.aux2(d))
        return logits


class ConvReLU(nn.Sequential):
    """A convolution with bias, rectified and not normalised, as in 2014.

    Shape: [in_channels, ...] -> [c, ...], without the batch.
    """

    def __init__(self, in_channels: int, c: int, k: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, c, kernel_size=k, stride=stride, padding=padding)
        self.append(nn.ReLU(inplace=True))


class InceptionPaper(nn.Module):
    """The module as published: 1x1, 3x3, a true 5x5, and pooling. Szegedy et al. 2015, arXiv:1409.4842, figure 2b.

    Shape: [in_channels, ...] -> [c1 + c3 + c5 + proj, ...], without the batch.
    """

    def __init__(self, in_channels: int, c1: int, r3: int, c3: int, r5: int, c5: int, proj: int) -> None:
        super().__init__()
        self.branch1 = ConvReLU(in_channels, c1, 1)
        self.branch2 = nn.Sequential(
            ConvReLU(in_channels, r3, 1),
            ConvReLU(r3, c3, 3, padding=1),
        )
        self.branch3 = nn.Sequential(
            ConvReLU(in_channels, r5, 1),
            ConvReLU(r5, c5, 5, padding=2),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1),
            ConvReLU(in_channels, proj, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)), dim=1)


class AuxHeadPaper(nn.Module):
    """The inner classifier as published, behind a 5x5 average with stride 3. Section 5.

    Shape: [in_channels, ...] -> [classes], without the batch.
    """

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.avgpool = nn.AvgPool2d(kernel_size=5, stride=3)
        self.conv = ConvReLU(in_channels, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(p=0.7)
        self.fc2 = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(x)
        x = torch.flatten(self.conv(x), 1)
        x = self.dropout(self.relu(self.fc1(x)))
        out: Tensor = self.fc2(x)
        return out


class GoogLeNetPaperOutput(NamedTuple):
    """What `GoogLeNetPaper` gives in training."""

    logits: Tensor
    aux1: Tensor
    aux2: Tensor


class GoogLeNetPaper(nn.Module):
    """GoogLeNet as published: biases, no batch normalisation, true 5x5 convolutions, and local response
    normalisation around the second convolution. Szegedy et al. 2015, arXiv:1409.4842, table 1; initialisation as
    in the Caffe model. The 6,998,552 parameters that are cited for it (7 million) are those of the net that runs
    afterwards, and the default; `aux=true` adds the two inner classifiers of section 5, which only training uses.

    Shape: [3, 224, 224] -> [classes], without the batch.
    """

    def __init__(self, classes: int = 1000, aux: bool = False) -> None:
        super().__init__()
        self.conv1 = ConvReLU(3, 64, 7, stride=2, padding=3)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
        self.localresponsenorm = nn.LocalResponseNorm(5)
        self.conv2 = ConvReLU(64, 64, 1)
        self.conv3 = ConvReLU(64, 192, 3, padding=1)
        self.inception3a = InceptionPaper(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = InceptionPaper(256, 128, 128, 192, 32, 96, 64)
        self.inception4a = InceptionPaper(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = InceptionPaper(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = InceptionPaper(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = InceptionPaper(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = InceptionPaper(528, 256, 160, 320, 32, 128, 128)
        self.inception5a = InceptionPaper(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = InceptionPaper(832, 384, 192, 384, 48, 128, 128)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(p=0.4)
        self.fc = nn.Linear(1024, classes)
        self.aux1: AuxHeadPaper | None = None
        if aux:
            self.aux1 = AuxHeadPaper(512, classes)
            self.aux2 = AuxHeadPaper(528, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, image: Tensor) -> Tensor | GoogLeNetPaperOutput:
        a = self.conv1(image)  # [64, 112, 112]
        a = self.localresponsenorm(self.maxpool(a))  # [64, 56, 56]
        a = self.conv2(a)  # [64, 56, 56]
        a = self.localresponsenorm(self.conv3(a))  # [192, 56, 56]
        a = self.maxpool(a)  # [192, 28, 28]
        a = self.inception3a(a)  # [256, 28, 28]
        a = self.inception3b(a)  # [480, 28, 28]
        a = self.maxpool(a)  # [480, 14, 14]
        a = self.inception4a(a)  # [512, 14, 14]
        d = self.inception4b(a)  # [512, 14, 14]
        d = self.inception4c(d)  # [512, 14, 14]
        d = self.inception4d(d)  # [528, 14, 14]
        x = self.inception4e(d)  # [832, 14, 14]
        x = self.maxpool(x)  # [832, 7, 7]
        x = self.inception5a(x)  # [832, 7, 7]
        x = self.inception5b(x)  # [1024, 7, 7]
        x = self.dropout(torch.flatten(self.avgpool(x), 1))  # [1024]
        logits: Tensor = self.fc(x)  # [classes]
        if self.training and self.aux1 is not None:
            return GoogLeNetPaperOutput(logits, self.aux1(a), self.aux2(d))
        return logits


def googlenet(classes: int = 1000) -> GoogLeNet:
    """GoogLeNet as in torchvision: normalised, and with 3x3 where the paper has 5x5 convolutions. Szegedy et al.
    2015, arXiv:1409.4842, table 1; the figures published for it leave the two inner classifiers out.
    """
    return GoogLeNet(classes=classes)


def googlenetpaper(classes: int = 1000, aux: bool = False) -> GoogLeNetPaper:
    """GoogLeNet as published: biases, no batch normalisation, true 5x5 convolutions, and local response
    normalisation around the second convolution. Szegedy et al. 2015, arXiv:1409.4842, table 1; initialisation as
    in the Caffe model. The 6,998,552 parameters that are cited for it (7 million) are those of the net that runs
    afterwards, and the default; `aux=true` adds the two inner classifiers of section 5, which only training uses.
    """
    return GoogLeNetPaper(classes=classes, aux=aux)
