"""What training makes small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from archdsl.train.parts.data import IGNORED


def first_output(outputs: Tensor | Sequence[Tensor]) -> Tensor:
    """Return what a model says; what follows it in a tuple are auxiliary heads."""
    return outputs if isinstance(outputs, Tensor) else outputs[0]


def match_masks(logits: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Bring logits and masks to one size: a valid network's smaller map is compared with the centre of the mask.

    A map of at most half the size is coarse, not cropped, and is enlarged.
    """
    (h, w), (mask_h, mask_w) = logits.shape[-2:], masks.shape[-2:]
    if (h, w) == (mask_h, mask_w):
        return logits, masks
    if h <= mask_h < 2 * h and w <= mask_w < 2 * w:
        top, left = (mask_h - h) // 2, (mask_w - w) // 2
        return logits, masks[..., top : top + h, left : left + w]
    return functional.interpolate(logits, size=(mask_h, mask_w), mode="bilinear", align_corners=False), masks


def one_hot(targets: Tensor, classes: int) -> Tensor:
    """Return classes as a distribution in dimension 1; ignored pixels get none. One class is a yes or no."""
    if classes == 1:
        return (targets == 1).unsqueeze(1).float()
    values = torch.arange(classes, device=targets.device).view(1, -1, *[1] * (targets.dim() - 1))
    return (targets.unsqueeze(1) == values).float()


def dice_loss(logits: Tensor, masks: Tensor, smooth: float = 1.0) -> Tensor:
    """Return 1 − the mean over classes of 2 |P ∩ T| / (|P| + |T|), soft, over all pixels of the batch.

    Milletari, Navab & Ahmadi 2016, arXiv:1606.04797, without the squares.
    """
    classes = logits.shape[1]
    chances = logits.sigmoid() if classes == 1 else logits.softmax(dim=1)
    counted = (masks != IGNORED).unsqueeze(1)
    chances, truth = chances * counted, one_hot(masks, classes) * counted
    axes = [axis for axis in range(logits.dim()) if axis != 1]
    both, sizes = (chances * truth).sum(axes), (chances + truth).sum(axes)
    return 1 - ((2 * both + smooth) / (sizes + smooth)).mean()


def binary_loss(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Return the cross-entropy of a yes or no for each class; smoothing draws both towards one half."""
    wanted = targets.float() if targets.is_floating_point() else one_hot(targets, logits.shape[1])
    wanted = wanted * (1 - smoothing) + smoothing / 2
    losses = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    if targets.is_floating_point() or targets.dim() == 1:
        return losses.mean()
    counted = (targets != IGNORED).unsqueeze(1).expand_as(losses)
    return (losses * counted).sum() / counted.sum().clamp(min=1)


def cross_entropy(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Return the cross-entropy with classes, masks or distributions; smoothing mixes in the uniform distribution.

    Szegedy et al. 2016, arXiv:1512.00567, section 7.
    """
    if targets.is_floating_point() or targets.dim() == 1:
        return functional.cross_entropy(logits, targets, label_smoothing=smoothing)
    if torch.are_deterministic_algorithms_enabled():  # CUDA has no such loss of maps, but one of single answers
        logits, targets = logits.movedim(1, -1).flatten(0, -2), targets.flatten()
    losses = functional.cross_entropy(
        logits, targets.long(), ignore_index=IGNORED, label_smoothing=smoothing, reduction="sum"
    )
    return losses / (targets != IGNORED).sum().clamp(min=1)


@dataclass(frozen=True)
class Objective:
    """A loss of outputs and targets: terms joined by `+`, and auxiliary heads beside the last with a weight."""

    terms: str = "ce"
    smoothing: float = 0.0
    aux_weight: float = 0.4

    def __call__(self, outputs: Tensor | Sequence[Tensor], targets: Tensor) -> Tensor:
        """Return the loss of a batch, in float32."""
        if isinstance(outputs, Tensor):
            return self._single(outputs, targets)
        loss = self._single(outputs[0], targets)
        for auxiliary in outputs[1:]:
            loss = loss + self.aux_weight * self._single(auxiliary, targets)
        return loss

    def _single(self, logits: Tensor, targets: Tensor) -> Tensor:
        logits = logits.float()
        if logits.dim() == 4:
            logits, targets = match_masks(logits, targets)
        parts = [self._term(term, logits, targets) for term in self.terms.split("+")]
        return torch.stack(parts).sum()

    def _term(self, term: str, logits: Tensor, targets: Tensor) -> Tensor:
        if term == "dice":
            return dice_loss(logits, targets)
        if term == "bce":
            return binary_loss(logits, targets, self.smoothing)
        return cross_entropy(logits, targets, self.smoothing)
