# lite.arch, 57281e225d08
"""The networks of lite.arch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class VGGSmall(nn.Module):
    """Six 3x3 convolutions in pairs, each pair halved by pooling, and two linear layers.
    After Simonyan & Zisserman 2015, arXiv:1409.1556, with batch normalisation.

    Shape: [1, 28, 28] -> [classes], without the batch.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128),
        hidden: int = 256,
        dropout: float = 0.5,
        channels: int = 1,
        classes: int = 10,
    ) -> None:
        super().__init__()
        features = nn.Sequential()
        in_channels = channels
        for width in widths:
            features.append(nn.Conv2d(in_channels, width, kernel_size=3, padding=1, bias=False))
            features.append(nn.BatchNorm2d(width))
            features.append(nn.ReLU(inplace=True))
            features.append(nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False))
            features.append(nn.BatchNorm2d(width))
            features.append(nn.ReLU(inplace=True))
            features.append(nn.MaxPool2d(kernel_size=2))
            in_channels = width
        self.features = features
        self.classifier = nn.Sequential(
            nn.Linear(in_channels * 3 * 3, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(hidden, classes),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.flatten(self.features(image), 1)  # [1152]
        logits: Tensor = self.classifier(x)
        return logits


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


class Stage(nn.Sequential):
    """The first block of a stage takes its stride; the others keep the size.

    Shape: [in_channels, ...] -> [width, ...], without the batch.
    """

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.append(BlockB(in_channels, width, stride=stride))
        for _ in range(2):
            self.append(BlockB(width, width))


class CifarResNet(nn.Module):
    """The nets of 6n + 2 layers for small images: three stages of n blocks, with 16, 32 and 64 channels.
    He et al. 2016, arXiv:1512.03385, section 4.2; initialisation as there, He et al. 2015, arXiv:1502.01852.
    `stride` is that of the first convolution: 2 makes a net for larger images, or a faster one.

    Shape: [1, 28, 28] -> [classes], without the batch.
    """

    def __init__(self, width: int = 16, stride: int = 1, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = Stage(width, width, 1)
        self.layer2 = Stage(width, width * 2, 2)
        self.layer3 = Stage(width * 2, width * 4, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(width * 4, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.normal_(self.fc.weight, std=0.01)

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(image)))  # [width, ...]
        x = self.layer1(x)  # [width, ...]
        x = self.layer2(x)  # [width * 2, ...]
        x = self.layer3(x)  # [width * 4, ...]
        x = torch.flatten(self.avgpool(x), 1)  # [width * 4]
        logits: Tensor = self.fc(x)
        return logits


class DenseLayer(nn.Module):
    """A 3x3 convolution whose output joins its input, with `bottleneck` behind one of 1x1 that narrows to four times
    as many channels. Huang et al. 2017, arXiv:1608.06993, section 3.

    Shape: [in_channels, ...] -> [in_channels + 12, ...], without the batch.
    """

    def __init__(self, in_channels: int, bottleneck: bool) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv1: nn.Conv2d | None = None
        if bottleneck:
            self.conv1 = nn.Conv2d(in_channels, 48, kernel_size=1, bias=False)
            self.norm2 = nn.BatchNorm2d(48)
        self.conv2 = nn.Conv2d(48 if bottleneck else in_channels, 12, kernel_size=3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        new = self.relu(self.norm1(x))
        if self.conv1 is not None:
            new = self.relu(self.norm2(self.conv1(new)))
        new = self.conv2(new)
        return torch.cat((x, new), dim=1)


class DenseBlock(nn.Sequential):
    """Layers that each see what all before them made.

    Shape: [in_channels, ...] -> [in_channels + n * 12, ...], without the batch.
    """

    def __init__(self, in_channels: int, n: int, bottleneck: bool) -> None:
        super().__init__()
        for i in range(n):
            self.add_module(f"denselayer{i + 1}", DenseLayer(in_channels, bottleneck))
            in_channels += 12


class Transition(nn.Module):
    """Halves the size, and with `compress` the channels too.

    Shape: [in_channels, ...] -> [in_channels // 2 if compress else in_channels, ...], without the batch.
    """

    def __init__(self, in_channels: int, compress: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(in_channels, in_channels // 2 if compress else in_channels, kernel_size=1, bias=False)
        self.avgpool = nn.AvgPool2d(kernel_size=2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(x))
        x = self.conv(x)
        out: Tensor = self.avgpool(x)
        return out


class CifarDenseNet(nn.Module):
    """The nets for small images: three dense blocks of equal length. `bc` is for bottlenecks and compression by
    half, and begins with twice the growth rate. Huang et al. 2017, arXiv:1608.06993, section 3 and table 2;
    initialisation as in section 4.2. `stride` is that of the first convolution: 2 makes a faster net.

    Shape: [1, 28, 28] -> [classes], without the batch.
    """

    def __init__(self, bc: bool = True, classes: int = 10) -> None:
        super().__init__()
        layers = 6 if bc else 3
        if 18 % layers != 0:
            raise ValueError("depth is 4 and a multiple of 3, with bottlenecks of 6")
        features = nn.Sequential()
        features.add_module("conv0", nn.Conv2d(1, 24 if bc else 16, kernel_size=3, stride=2, padding=1, bias=False))
        in_channels = 24 if bc else 16
        for i in range(3):
            features.add_module(f"denseblock{i + 1}", DenseBlock(in_channels, 18 // layers, bc))
            in_channels += 18 // layers * 12
            if i < 2:
                features.add_module(f"transition{i + 1}", Transition(in_channels, bc))
                in_channels = in_channels // 2 if bc else in_channels
        features.add_module("norm", nn.BatchNorm2d(in_channels))
        self.features = features
        self.relu = nn.ReLU(inplace=True)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(in_channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.features(image))  # [c, 3, 3]
        x = torch.flatten(self.avgpool(x), 1)
        logits: Tensor = self.classifier(x)
        return logits


class ConvBN(nn.Sequential):
    """A convolution, normalised and rectified; odd kernels keep the size.

    Shape: [in_channels, ...] -> [c, ...], without the batch.
    """

    def __init__(self, in_channels: int, c: int, k: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, c, kernel_size=k, padding=k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c)
        self.append(nn.ReLU(inplace=True))


class Inception(nn.Module):
    """Four views of one map side by side. Szegedy et al. 2015, arXiv:1409.4842, figure 2b, with batch normalisation.

    Shape: [in_channels, ...] -> [c1 + c3 + c5 + proj, ...], without the batch.
    """

    def __init__(self, in_channels: int, c1: int, r3: int, c3: int, r5: int, c5: int, proj: int) -> None:
        super().__init__()
        self.branch1 = ConvBN(in_channels, c1, 1)
        self.branch2 = nn.Sequential(
            ConvBN(in_channels, r3, 1),
            ConvBN(r3, c3, 3),
        )
        self.branch3 = nn.Sequential(
            ConvBN(in_channels, r5, 1),
            ConvBN(r5, c5, 5),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1),
            ConvBN(in_channels, proj, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)), dim=1)


class InceptionLite(nn.Module):
    """Modules 3a, 3b, 4a, 4c and 4e of GoogLeNet with a quarter of their channels.
    After Szegedy et al. 2015, arXiv:1409.4842, table 1.

    Shape: [1, 28, 28] -> [classes], without the batch.
    """

    def __init__(self, dropout: float = 0.2, channels: int = 1, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = ConvBN(channels, 32, 3)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
        self.inception3a = Inception(32, 16, 24, 32, 4, 8, 8)
        self.inception3b = Inception(64, 32, 32, 48, 8, 24, 16)
        self.inception4a = Inception(120, 48, 24, 52, 4, 12, 16)
        self.inception4c = Inception(128, 32, 32, 64, 6, 16, 16)
        self.inception4e = Inception(128, 64, 40, 80, 8, 32, 32)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(p=dropout)
        self.fc = nn.Linear(208, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        x = self.conv1(image)  # [32, 28, 28]
        x = self.maxpool(x)  # [32, 14, 14]
        x = self.inception3a(x)  # [64, 14, 14]
        x = self.inception3b(x)  # [120, 14, 14]
        x = self.maxpool(x)  # [120, 7, 7]
        x = self.inception4a(x)  # [128, 7, 7]
        x = self.inception4c(x)  # [128, 7, 7]
        x = self.inception4e(x)  # [208, 7, 7]
        x = self.dropout(torch.flatten(self.avgpool(x), 1))  # [208]
        logits: Tensor = self.fc(x)
        return logits


class ConvAct(nn.Sequential):
    """A convolution, normalised and followed by SiLU; odd kernels keep the size.

    Shape: [in_channels, ...] -> [c, ...], without the batch.
    """

    def __init__(self, in_channels: int, c: int, k: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, c, kernel_size=k, stride=stride, padding=k // 2, groups=groups, bias=False),
            nn.BatchNorm2d(c),
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


class MBConv(nn.Module):
    """An inverted bottleneck with squeeze-and-excitation. Tan & Le 2019, arXiv:1905.11946.

    Shape: [in_channels, ...] -> [out, ...], without the batch.
    """

    def __init__(self, in_channels: int, k: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out = out
        self.stride = stride
        self.block = nn.Sequential(
            ConvAct(in_channels, in_channels * 4, 1),
            ConvAct(in_channels * 4, in_channels * 4, k, stride=stride, groups=in_channels * 4),
            SqueezeExcite(in_channels * 4, in_channels // 4),
            nn.Sequential(
                nn.Conv2d(in_channels * 4, out, kernel_size=1, bias=False),
                nn.BatchNorm2d(out),
            ),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        out: Tensor = x + y if self.stride == 1 and self.in_channels == self.out else y
        return out


class EfficientNetLite(nn.Module):
    """Three stages of EfficientNet-B0, two blocks each, that expand by four.
    After Tan & Le 2019, arXiv:1905.11946, table 1.

    Shape: [1, 28, 28] -> [classes], without the batch.
    """

    def __init__(self, channels: int = 1, classes: int = 10) -> None:
        super().__init__()
        features = nn.Sequential()
        features.append(ConvAct(channels, 16, 3))
        in_channels = 16
        for c, k in [(24, 3), (40, 5), (80, 3)]:
            features.append(MBConv(in_channels, k, c, stride=2))
            features.append(MBConv(c, k, c))
            in_channels = c
        features.append(ConvAct(in_channels, 160, 1))
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(160, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, image: Tensor) -> Tensor:
        x = self.features(image)  # [160, 4, 4]
        x = torch.flatten(self.avgpool(x), 1)  # [160]
        logits: Tensor = self.classifier(x)
        return logits


class DigitsNet(nn.Module):
    """Six layers for the 8x8 digits of scikit-learn: one residual block of 16 channels and one of 32.
    After He et al. 2016, arXiv:1512.03385, section 4.2.

    Shape: [1, 8, 8] -> [classes], without the batch.
    """

    def __init__(self, width: int = 16, channels: int = 1, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = BlockB(width, width)
        self.layer2 = BlockB(width, 2 * width, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2 * width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(image)))  # [width, 8, 8]
        x = self.layer1(x)  # [width, 8, 8]
        x = self.layer2(x)  # [2 * width, 4, 4]
        x = torch.flatten(self.avgpool(x), 1)  # [2 * width]
        logits: Tensor = self.fc(x)
        return logits


class DoubleConv(nn.Sequential):
    """Two 3x3 convolutions, each normalised and rectified.

    Shape: [in_channels, ...] -> [c, ...], without the batch.
    """

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, c, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(c),
            nn.ReLU(inplace=True),
            nn.Conv2d(c, c, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(c),
            nn.ReLU(inplace=True),
        )


class UNetLite(nn.Module):
    """A U-Net of base width 16 with batch normalisation, for scenes of 11 classes.
    After Ronneberger, Fischer & Brox 2015, arXiv:1505.04597.

    Shape: [1, 64, 64] -> [classes, 64, 64], without the batch.
    """

    def __init__(self, base: int = 16, depth: int = 2, channels: int = 1, classes: int = 11) -> None:
        super().__init__()
        self.depth = depth
        self.down = nn.ModuleList()
        self.maxpool = nn.MaxPool2d(kernel_size=2)
        in_channels = channels
        for i in range(depth):
            self.down.append(DoubleConv(in_channels, base * 2**i))
            in_channels = base * 2**i
        self.bottom = DoubleConv(in_channels, base * 2**depth)
        self.up = nn.ModuleList()
        self.merge = nn.ModuleList()
        in_channels = base * 2**depth
        for i in reversed(range(depth)):
            self.up.insert(0, nn.ConvTranspose2d(in_channels, base * 2**i, kernel_size=2, stride=2))
            self.merge.insert(0, DoubleConv(2 * base * 2**i, base * 2**i))
            in_channels = base * 2**i
        self.head = nn.Conv2d(in_channels, classes, kernel_size=1)
        nn.init.xavier_normal_(self.head.weight, gain=0.3)

    def forward(self, image: Tensor) -> Tensor:
        x = image
        skip: list[Tensor] = []
        for i in range(self.depth):
            skip.append(self.down[i](x))
            x = self.maxpool(skip[i])  # [base * 2**i, ...]
        x = self.bottom(x)  # [base * 2**depth, ...]
        for i in reversed(range(self.depth)):
            up = self.up[i](x)  # [base * 2**i, ...]
            x = self.merge[i](torch.cat((skip[i], up), dim=1))  # [base * 2**i, ...]
        masks: Tensor = self.head(x)
        return masks


def vggsmall(
    widths: Sequence[int] = (32, 64, 128), hidden: int = 256, dropout: float = 0.5, channels: int = 1, classes: int = 10
) -> VGGSmall:
    """Six 3x3 convolutions in pairs, each pair halved by pooling, and two linear layers.
    After Simonyan & Zisserman 2015, arXiv:1409.1556, with batch normalisation.
    """
    return VGGSmall(widths=widths, hidden=hidden, dropout=dropout, channels=channels, classes=classes)


def resnet20lite(width: int = 16, stride: int = 1, classes: int = 10) -> CifarResNet:
    """ResNet-20 with projected shortcuts. He et al. 2016, arXiv:1512.03385, section 4.2."""
    return CifarResNet(width=width, stride=stride, classes=classes)


def resnet20litefast(width: int = 16, classes: int = 10) -> CifarResNet:
    """The same with a first convolution of stride 2, for a quarter of the work."""
    return CifarResNet(width=width, stride=2, classes=classes)


def densenetlite(bc: bool = True, classes: int = 10) -> CifarDenseNet:
    """DenseNet-BC of 22 layers behind a first convolution of stride 2. Huang et al. 2017, arXiv:1608.06993, section
    3.
    """
    return CifarDenseNet(bc=bc, classes=classes)


def inceptionlite(dropout: float = 0.2, channels: int = 1, classes: int = 10) -> InceptionLite:
    """Modules 3a, 3b, 4a, 4c and 4e of GoogLeNet with a quarter of their channels.
    After Szegedy et al. 2015, arXiv:1409.4842, table 1.
    """
    return InceptionLite(dropout=dropout, channels=channels, classes=classes)


def efficientnetlite(channels: int = 1, classes: int = 10) -> EfficientNetLite:
    """Three stages of EfficientNet-B0, two blocks each, that expand by four.
    After Tan & Le 2019, arXiv:1905.11946, table 1.
    """
    return EfficientNetLite(channels=channels, classes=classes)


def digitsnet(width: int = 16, channels: int = 1, classes: int = 10) -> DigitsNet:
    """Six layers for the 8x8 digits of scikit-learn: one residual block of 16 channels and one of 32.
    After He et al. 2016, arXiv:1512.03385, section 4.2.
    """
    return DigitsNet(width=width, channels=channels, classes=classes)


def unetlite(base: int = 16, depth: int = 2, channels: int = 1, classes: int = 11) -> UNetLite:
    """A U-Net of base width 16 with batch normalisation, for scenes of 11 classes.
    After Ronneberger, Fischer & Brox 2015, arXiv:1505.04597.
    """
    return UNetLite(base=base, depth=depth, channels=channels, classes=classes)


def unetlite1(base: int = 16, channels: int = 1, classes: int = 11) -> UNetLite:
    """Build UNetLite1."""
    return UNetLite(base=base, depth=1, channels=channels, classes=classes)


def unetlite2(base: int = 16, channels: int = 1, classes: int = 11) -> UNetLite:
    """Build UNetLite2."""
    return UNetLite(base=base, depth=2, channels=channels, classes=classes)


def unetlite3(base: int = 16, channels: int = 1, classes: int = 11) -> UNetLite:
    """Build UNetLite3."""
    return UNetLite(base=base, depth=3, channels=channels, classes=classes)


def unetlite1wide(channels: int = 1, classes: int = 11) -> UNetLite:
    """The equal-parameter control: as many parameters as depth 2, and no more than depth 1 sees."""
    return UNetLite(base=34, depth=1, channels=channels, classes=classes)
