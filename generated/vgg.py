# vgg.arch, 3523e68c527d
"""The networks of vgg.arch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class VGG(nn.Module):
    """Configurations A, B, D and E: stages of 3x3 convolutions, each stage halved by pooling, then three linear
    layers; with `global_pool` their place is taken by the mean over the map and one linear layer (Lin et al.
    2014, arXiv:1312.4400, section 3.2), which leaves about a tenth of the parameters. Simonyan & Zisserman 2015,
    arXiv:1409.1556; dropout, names and initialisation as in torchvision.

    Shape: [3, 224, 224] -> [classes], without the batch.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[int]],
        norm: bool = False,
        global_pool: bool = False,
        classes: int = 1000,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        pooled = 1 if global_pool else 7
        features = nn.Sequential()
        in_channels = 3
        for widths in stages:
            for width in widths:
                features.append(nn.Conv2d(in_channels, width, kernel_size=3, padding=1))
                if norm:
                    features.append(nn.BatchNorm2d(width))
                features.append(nn.ReLU(inplace=True))
                in_channels = width
            features.append(nn.MaxPool2d(kernel_size=2))
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d(pooled)
        classifier = nn.Sequential()
        in_channels = in_channels * pooled * pooled
        if not global_pool:
            classifier.append(nn.Linear(in_channels, 4096))
            classifier.append(nn.ReLU(inplace=True))
            classifier.append(nn.Dropout(p=dropout))
            classifier.append(nn.Linear(4096, 4096))
            classifier.append(nn.ReLU(inplace=True))
            classifier.append(nn.Dropout(p=dropout))
            in_channels = 4096
        classifier.append(nn.Linear(in_channels, classes))
        self.classifier = classifier
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)

    def forward(self, image: Tensor) -> Tensor:
        x = self.features(image)  # [512, 7, 7]
        x = torch.flatten(self.avgpool(x), 1)
        logits: Tensor = self.classifier(x)
        return logits


def vgg(
    stages: Sequence[Sequence[int]],
    norm: bool = False,
    global_pool: bool = False,
    classes: int = 1000,
    dropout: float = 0.5,
) -> VGG:
    """Configurations A, B, D and E: stages of 3x3 convolutions, each stage halved by pooling, then three linear
    layers; with `global_pool` their place is taken by the mean over the map and one linear layer (Lin et al.
    2014, arXiv:1312.4400, section 3.2), which leaves about a tenth of the parameters. Simonyan & Zisserman 2015,
    arXiv:1409.1556; dropout, names and initialisation as in torchvision.
    """
    return VGG(stages=stages, norm=norm, global_pool=global_pool, classes=classes, dropout=dropout)


def vgg11(norm: bool = False, global_pool: bool = False, classes: int = 1000, dropout: float = 0.5) -> VGG:
    """Build VGG11."""
    return VGG(
        stages=[[64], [128], [256, 256], [512, 512], [512, 512]],
        norm=norm,
        global_pool=global_pool,
        classes=classes,
        dropout=dropout,
    )


def vgg13(norm: bool = False, global_pool: bool = False, classes: int = 1000, dropout: float = 0.5) -> VGG:
    """Build VGG13."""
    return VGG(
        stages=[[64, 64], [128, 128], [256, 256], [512, 512], [512, 512]],
        norm=norm,
        global_pool=global_pool,
        classes=classes,
        dropout=dropout,
    )


def vgg16(norm: bool = False, global_pool: bool = False, classes: int = 1000, dropout: float = 0.5) -> VGG:
    """Build VGG16."""
    return VGG(
        stages=[[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]],
        norm=norm,
        global_pool=global_pool,
        classes=classes,
        dropout=dropout,
    )


def vgg19(norm: bool = False, global_pool: bool = False, classes: int = 1000, dropout: float = 0.5) -> VGG:
    """Build VGG19."""
    return VGG(
        stages=[[64, 64], [128, 128], [256, 256, 256, 256], [512, 512, 512, 512], [512, 512, 512, 512]],
        norm=norm,
        global_pool=global_pool,
        classes=classes,
        dropout=dropout,
    )


def vgg11_bn(global_pool: bool = False, classes: int = 1000, dropout: float = 0.5) -> VGG:
    """Build VGG11_BN."""
    return VGG(
        stages=[[64], [128], [256, 256], [512, 512], [512, 512]],
        norm=True,
        global_pool=global_pool,
        classes=classes,
        dropout=dropout,
    )


def vgg13_bn(global_pool: bool = False, classes: int = 1000, dropout: float = 0.5) -> VGG:
    """Build VGG13_BN."""
    return VGG(
        stages=[[64, 64], [128, 128], [256, 256], [512, 512], [512, 512]],
        norm=True,
        global_pool=global_pool,
        classes=classes,
        dropout=dropout,
    )


def vgg16_bn(global_pool: bool = False, classes: int = 1000, dropout: float = 0.5) -> VGG:
    """Build VGG16_BN."""
    return VGG(
        stages=[[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]],
        norm=True,
        global_pool=global_pool,
        classes=classes,
        dropout=dropout,
    )


def vgg19_bn(global_pool: bool = False, classes: int = 1000, dropout: float = 0.5) -> VGG:
    """Build VGG19_BN."""
    return VGG(
        stages=[[64, 64], [128, 128], [256, 256, 256, 256], [512, 512, 512, 512], [512, 512, 512, 512]],
        norm=True,
        global_pool=global_pool,
        classes=classes,
        dropout=dropout,
    )


def vgg11_gap(classes: int = 1000, dropout: float = 0.5) -> VGG:
    """Build VGG11_GAP."""
    return VGG(
        stages=[[64], [128], [256, 256], [512, 512], [512, 512]],
        norm=True,
        global_pool=True,
        classes=classes,
        dropout=dropout,
    )


def vgg16_gap(classes: int = 1000, dropout: float = 0.5) -> VGG:
    """Build VGG16_GAP."""
    return VGG(
        stages=[[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]],
        norm=True,
        global_pool=True,
        classes=classes,
        dropout=dropout,
    )


def vgg19_gap(classes: int = 1000, dropout: float = 0.5) -> VGG:
    """Build VGG19_GAP."""
    return VGG(
        stages=[[64, 64], [128, 128], [256, 256, 256, 256], [512, 512, 512, 512], [512, 512, 512, 512]],
        norm=True,
        global_pool=True,
        classes=classes,
        dropout=dropout,
    )
