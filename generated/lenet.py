# lenet.arch, 366121f994eb
"""The networks of lenet.arch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LeNet5(nn.Module):
    """LeNet-5 as it is built today: plain average pooling and a full second convolution.
    LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition".

    Shape: [1, 32, 32] -> [classes], without the batch.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5)
        self.tanh = nn.Tanh()
        self.avgpool = nn.AvgPool2d(kernel_size=2)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.tanh(self.conv1(image))  # [6, 28, 28]
        x = self.avgpool(x)  # [6, 14, 14]
        x = self.tanh(self.conv2(x))  # [16, 10, 10]
        x = torch.flatten(self.avgpool(x), 1)  # [400]
        x = self.tanh(self.fc1(x))  # [120]
        x = self.tanh(self.fc2(x))  # [84]
        logits: Tensor = self.fc3(x)
        return logits


def lenet5(classes: int = 10) -> LeNet5:
    """LeNet-5 as it is built today: plain average pooling and a full second convolution.
    LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition".
    """
    return LeNet5(classes=classes)
