# mnist.arch, 7d5feff55985
"""The networks of mnist.arch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MnistMLP(nn.Module):
    """The smallest network of a course: one hidden layer on the pixels.

    Shape: [1, 28, 28] -> [classes], without the batch.
    """

    def __init__(self, hidden: int = 128, classes: int = 10) -> None:
        super().__init__()
        self.fc1 = nn.Linear(1 * 28 * 28, hidden)
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Linear(hidden, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.flatten(image, 1)  # [784]
        x = self.relu(self.fc1(x))  # [hidden]
        logits: Tensor = self.fc2(x)
        return logits


class MnistCNN(nn.Module):
    """Two convolutions, each halved by pooling, and two linear layers.

    Shape: [1, 28, 28] -> [classes], without the batch.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=2)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3)
        self.fc1 = nn.Linear(64 * 5 * 5, 128)
        self.fc2 = nn.Linear(128, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.conv1(image))  # [32, 26, 26]
        x = self.maxpool(x)  # [32, 13, 13]
        x = self.relu(self.conv2(x))  # [64, 11, 11]
        x = torch.flatten(self.maxpool(x), 1)  # [1600]
        x = self.relu(self.fc1(x))  # [128]
        logits: Tensor = self.fc2(x)
        return logits


def mnistmlp(hidden: int = 128, classes: int = 10) -> MnistMLP:
    """The smallest network of a course: one hidden layer on the pixels."""
    return MnistMLP(hidden=hidden, classes=classes)


def mnistcnn(classes: int = 10) -> MnistCNN:
    """Two convolutions, each halved by pooling, and two linear layers."""
    return MnistCNN(classes=classes)
