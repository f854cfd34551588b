# efficientnet.arch, 6c817c0f06c3
"""The networks of efficientnet.arch."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import accumulate

import torch
from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """Drop a whole sample, or with "batch" the whole batch, with probability `p` in training."""

    def __init__(self, p: float, mode: str = "row") -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        kept = 1.0 - self.p
        shape = (x.shape[0] if self.mode == "row" else 1, *[1] * (x.dim() - 1))
        noise = torch.empty(shape, dtype=x.dtype, device=x.device).bernoulli_(kept)
        return x * (noise.div_(kept) if kept > 0.0 else noise)


def round_to(value: float, divisor: int = 8) -> int:
    """Round to a multiple of `divisor`, never down by more than a tenth."""
    near = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * value else near


class ConvAct(nn.Sequential):
    """A convolution without bias, normalised, with SiLU behind it; odd kernels keep the size.

    Shape: [in_channels, ...] -> [c, ...], without the batch.
    """

    def __init__(
        self,
        in_channels: int,
        c: int,
        k: int,
        stride: int = 1,
        groups: int = 1,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__(
            nn.Conv2d(in_channels, c, kernel_size=k, stride=stride, padding=k // 2, groups=groups, bias=False),
            norm(c),
            nn.SiLU(inplace=True),
        )


class SqueezeExcite(nn.Module):
    """Weighs each channel by what the whole map holds. Hu et al. 2018, arXiv:1709.01507.

    Shape: [in_channels, ...] -> [in_channels, ...], without the batch.
    """

    def __init__(self, in_channels: int, squeeze: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(in_channels, squeeze, kernel_size=1)
        self.silu = nn.SiLU(inplace=True)
        self.fc2 = nn.Conv2d(squeeze, in_channels, kernel_size=1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        gate = self.avgpool(x)
        gate = self.silu(self.fc1(gate))
        gate = self.sigmoid(self.fc2(gate))
        out: Tensor = x * gate
        return out


class ConvBN(nn.Sequential):
    """A convolution without bias, normalised; odd kernels keep the size.

    Shape: [in_channels, ...] -> [c, ...], without the batch.
    """

    def __init__(self, in_channels: int, c: int, norm: Callable[[int], nn.Module] = nn.BatchNorm2d) -> None:
        super().__init__(
            nn.Conv2d(in_channels, c, kernel_size=1, bias=False),
            norm(c),
        )


class MBConv(nn.Module):
    """An inverted bottleneck with a depthwise convolution and squeeze-and-excitation.
    Sandler et al. 2018, arXiv:1801.04381; Tan & Le 2019, arXiv:1905.11946.

    Shape: [in_channels, ...] -> [out, ...], without the batch.
    """

    def __init__(
        self,
        in_channels: int,
        expand: int,
        k: int,
        out: int,
        stride: int = 1,
        drop: float = 0.0,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        block = nn.Sequential()
        channels = in_channels
        if expand != 1:
            block.append(ConvAct(channels, in_channels * expand, 1, norm=norm))
            channels = in_channels * expand
        block.append(ConvAct(channels, in_channels * expand, k, stride=stride, groups=in_channels * expand, norm=norm))
        block.append(SqueezeExcite(in_channels * expand, max(1, in_channels // 4)))
        block.append(ConvBN(in_channels * expand, out, norm=norm))
        self.block = block
        self.stochasticdepth: StochasticDepth | None = None
        if stride == 1 and in_channels == out:
            self.stochasticdepth = StochasticDepth(drop)

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        out: Tensor = y if self.stochasticdepth is None else x + self.stochasticdepth(y)
        return out


class EfficientNet(nn.Module):
    """Compound scaling of one net: `width` multiplies its channels, `depth` the blocks of its stages, and `size` is
    the image that goes with them. The drop rate of the residual branches rises with depth. Tan & Le 2019,
    arXiv:1905.11946, section 3.3 and table 1; channels are rounded to multiples of 8, blocks up. The sizes, the
    normalisation and the initialisation are torchvision's.

    Shape: [3, ..., ...] -> [classes], without the batch.
    """

    def __init__(
        self,
        width: float = 1.0,
        depth: float = 1.0,
        classes: int = 1000,
        dropout: float = 0.2,
        drop: float = 0.2,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        stages = [
            (1, 3, 1, 16),
            (6, 3, 2, 24),
            (6, 5, 2, 40),
            (6, 3, 2, 80),
            (6, 5, 1, 112),
            (6, 5, 2, 192),
            (6, 3, 1, 320),
        ]
        blocks = [
            math.ceil(depth),
            math.ceil(2 * depth),
            math.ceil(2 * depth),
            math.ceil(3 * depth),
            math.ceil(3 * depth),
            math.ceil(4 * depth),
            math.ceil(depth),
        ]
        features = nn.Sequential()
        features.append(ConvAct(3, round_to(32 * width, 8), 3, stride=2, norm=norm))
        in_channels = round_to(32 * width, 8)
        for (t, k, s, c), n, after in zip(stages, blocks, accumulate(blocks), strict=False):
            layers = nn.Sequential()
            for i in range(n):
                layers.append(
                    MBConv(
                        in_channels,
                        t,
                        k,
                        round_to(c * width, 8),
                        s if i == 0 else 1,
                        drop * (after - n + i) / sum(blocks),
                        norm,
                    )
                )
                in_channels = round_to(c * width, 8)
            features.append(layers)
        features.append(ConvAct(in_channels, 4 * round_to(320 * width, 8), 1, norm=norm))
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(4 * round_to(320 * width, 8), classes),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, image: Tensor) -> Tensor:
        x = self.features(image)
        x = torch.flatten(self.avgpool(x), 1)
        logits: Tensor = self.classifier(x)
        return logits


def efficientnet(
    width: float = 1.0, depth: float = 1.0, classes: int = 1000, dropout: float = 0.2, drop: float = 0.2
) -> EfficientNet:
    """Compound scaling of one net: `width` multiplies its channels, `depth` the blocks of its stages, and `size` is
    the image that goes with them. The drop rate of the residual branches rises with depth. Tan & Le 2019,
    arXiv:1905.11946, section 3.3 and table 1; channels are rounded to multiples of 8, blocks up. The sizes, the
    normalisation and the initialisation are torchvision's.
    """
    return EfficientNet(width=width, depth=depth, classes=classes, dropout=dropout, drop=drop)


def efficientnetb0(classes: int = 1000, drop: float = 0.2) -> EfficientNet:
    """Build EfficientNetB0."""
    return EfficientNet(width=1.0, depth=1.0, classes=classes, dropout=0.2, drop=drop)


def efficientnetb1(classes: int = 1000, drop: float = 0.2) -> EfficientNet:
    """Build EfficientNetB1."""
    return EfficientNet(width=1.0, depth=1.1, classes=classes, dropout=0.2, drop=drop)


def efficientnetb2(classes: int = 1000, drop: float = 0.2) -> EfficientNet:
    """Build EfficientNetB2."""
    return EfficientNet(width=1.1, depth=1.2, classes=classes, dropout=0.3, drop=drop)


def efficientnetb3(classes: int = 1000, drop: float = 0.2) -> EfficientNet:
    """Build EfficientNetB3."""
    return EfficientNet(width=1.2, depth=1.4, classes=classes, dropout=0.3, drop=drop)


def efficientnetb4(classes: int = 1000, drop: float = 0.2) -> EfficientNet:
    """Build EfficientNetB4."""
    return EfficientNet(width=1.4, depth=1.8, classes=classes, dropout=0.4, drop=drop)


def efficientnetb5(classes: int = 1000, drop: float = 0.2) -> EfficientNet:
    """Build EfficientNetB5."""
    return EfficientNet(
        width=1.6,
        depth=2.2,
        classes=classes,
        dropout=0.4,
        drop=drop,
        norm=partial(nn.BatchNorm2d, eps=0.001, momentum=0.01),
    )


def efficientnetb6(classes: int = 1000, drop: float = 0.2) -> EfficientNet:
    """Build EfficientNetB6."""
    return EfficientNet(
        width=1.8,
        depth=2.6,
        classes=classes,
        dropout=0.5,
        drop=drop,
        norm=partial(nn.BatchNorm2d, eps=0.001, momentum=0.01),
    )


def efficientnetb7(classes: int = 1000, drop: float = 0.2) -> EfficientNet:
    """Build EfficientNetB7."""
    return EfficientNet(
        width=2.0,
        depth=3.1,
        classes=classes,
        dropout=0.5,
        drop=drop,
        norm=partial(nn.BatchNorm2d, eps=0.001, momentum=0.01),
    )
