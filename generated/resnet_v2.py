# resnet_v2.arch, 0363fc230081
"""The networks of resnet_v2.arch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn


class PreActBottleneck(nn.Module):
    """A bottleneck with norm and ReLU before each convolution, so that the shortcut is an identity and nothing
    follows the addition. He et al. 2016, arXiv:1603.05027, figure 4e; the stride in the 3x3 convolution, as in
    timm.

    Shape: [in_channels, ...] -> [4 * width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, kernel_size=1, bias=False)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != 4 * width:
            self.downsample = nn.Sequential(
                OrderedDict([("conv", nn.Conv2d(in_channels, 4 * width, kernel_size=1, stride=stride, bias=False))])
            )

    def forward(self, x: Tensor) -> Tensor:
        a = self.relu(self.norm1(x))
        y: Tensor = self.relu(self.norm2(self.conv1(a)))
        y = self.relu(self.norm3(self.conv2(y)))
        y = self.conv3(y)
        skip = x if self.downsample is None else self.downsample(a)
        y += skip
        return y


class Stage(nn.Sequential):
    """The first block of a stage takes its stride and projects its shortcut; the others keep the size.

    Shape: [in_channels, ...] -> [4 * width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int, n: int, stride: int) -> None:
        super().__init__()
        blocks = nn.Sequential()
        blocks.append(PreActBottleneck(in_channels, width, stride=stride))
        for _ in range(n - 1):
            blocks.append(PreActBottleneck(4 * width, width))
        self.blocks = blocks


class PreActResNet(nn.Module):
    """Residual blocks whose shortcuts are identities: no norm in the stem, and a norm and ReLU at the end.
    He et al. 2016, arXiv:1603.05027; names and the 1x1 convolution that classifies as in timm's `resnetv2_50`.

    Shape: [3, 224, 224] -> [classes], without the batch.
    """

    def __init__(self, depths: Sequence[int] = (3, 4, 6, 3), classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            OrderedDict(
                [
                    ("conv", nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)),
                    ("pool", nn.MaxPool2d(kernel_size=3, stride=2, padding=1)),
                ]
            )
        )
        stages = nn.Sequential()
        in_channels = 64
        for i, n in enumerate(depths):
            stages.append(Stage(in_channels, 64 * 2**i, n, 1 if i == 0 else 2))
            in_channels = 4 * (64 * 2**i)
        self.stages = stages
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Sequential(
            OrderedDict(
                [
                    ("0", nn.AdaptiveAvgPool2d(1)),
                    ("fc", nn.Conv2d(in_channels, classes, kernel_size=1)),
                    ("2", nn.Flatten()),
                ]
            )
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        x = self.stem(image)  # [64, 56, 56]
        x = self.relu(self.norm(self.stages(x)))  # [2048, 7, 7]
        logits: Tensor = self.head(x)
        return logits


def preactresnet(depths: Sequence[int] = (3, 4, 6, 3), classes: int = 1000) -> PreActResNet:
    """Residual blocks whose shortcuts are identities: no norm in the stem, and a norm and ReLU at the end.
    He et al. 2016, arXiv:1603.05027; names and the 1x1 convolution that classifies as in timm's `resnetv2_50`.
    """
    return PreActResNet(depths=depths, classes=classes)


def preactresnet50(classes: int = 1000) -> PreActResNet:
    """Build PreActResNet50."""
    return PreActResNet(depths=[3, 4, 6, 3], classes=classes)


def preactresnet101(classes: int = 1000) -> PreActResNet:
    """Build PreActResNet101."""
    return PreActResNet(depths=[3, 4, 23, 3], classes=classes)
