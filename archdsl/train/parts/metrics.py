"""What a model gets right: counts that add up over batches and processes, and figures made of them."""

from __future__ import annotations

import torch
from torch import Tensor

from archdsl.train.parts.data import IGNORED
from archdsl.train.parts.losses import match_masks


class Tally:
    """Counts of right and wrong answers on a device; exact, because only counts are added."""

    def __init__(self, classes: int, device: torch.device) -> None:
        """Start from nothing, for answers of `classes` classes; one output of a network is a yes or no: two classes."""
        self.classes = max(2, classes)
        self.confusion = torch.zeros(self.classes, self.classes, dtype=torch.int64, device=device)
        self.in_five = torch.zeros((), dtype=torch.int64, device=device)
        self.labels = torch.zeros(3, dtype=torch.int64, device=device)
        wide = torch.float32 if device.type == "mps" else torch.float64
        self.loss = torch.zeros((), dtype=wide, device=device)
        self.samples = torch.zeros((), dtype=torch.int64, device=device)

    def add(self, logits: Tensor, targets: Tensor, loss: Tensor) -> None:
        """Count the answers of a batch; `loss` is its mean. Rows of the confusion matrix are the true classes."""
        samples = targets.shape[0]
        self.loss += loss.to(self.loss.dtype) * samples
        self.samples += samples
        if targets.is_floating_point():
            self._add_labels(logits, targets)
            return
        if logits.dim() == 4:
            logits, targets = match_masks(logits, targets)
        elif logits.shape[1] > 1:
            best = logits.topk(min(5, logits.shape[1]), dim=1).indices
            self.in_five += (best == targets.unsqueeze(1)).sum()
        guess = (logits > 0).squeeze(1).long() if logits.shape[1] == 1 else logits.argmax(dim=1)
        truth, guess = targets.reshape(-1).long(), guess.reshape(-1)
        counted = truth != IGNORED if logits.dim() == 4 else torch.ones_like(truth, dtype=torch.bool)
        cells = (truth * self.classes + guess)[counted]
        self.confusion += torch.bincount(cells, minlength=self.classes**2).view(self.classes, self.classes)

    def _add_labels(self, logits: Tensor, targets: Tensor) -> None:
        guess, truth = logits > 0, targets > 0.5
        self.labels += torch.stack([(guess & truth).sum(), (guess != truth).sum(), (guess == truth).all(1).sum()])

    def tensors(self) -> list[Tensor]:
        """Return all counts, to be summed over processes in place."""
        return [self.confusion, self.in_five, self.labels, self.loss, self.samples]

    def results(self, kind: str) -> dict[str, float]:
        """Return the figures for `classes`, `mask` or `labels`: shares from 0 to 1, and the mean loss of a sample."""
        samples = max(1, int(self.samples))
        found = {"loss": float(self.loss) / samples}
        if kind == "labels":
            both, wrong, exact = self.labels.tolist()
            return {**found, "f1": 2 * both / max(1, 2 * both + wrong), "exact": exact / samples}
        accuracy = float(self.confusion.diagonal().sum()) / max(1, int(self.confusion.sum()))
        if kind == "classes":
            five = {"top5": int(self.in_five) / samples} if self.classes > 5 else {}
            return {**found, "top1": accuracy, **five}
        return {**found, "pixels": accuracy, "miou": mean_iou(self.confusion), "dice": mean_dice(self.confusion)}


def mean_iou(confusion: Tensor) -> float:
    """Return the mean over classes of intersection over union; a class that is nowhere does not count."""
    confusion = confusion.cpu()
    both = confusion.diagonal().double()
    union = confusion.sum(0) + confusion.sum(1) - confusion.diagonal()
    return _mean_where_seen(both / union.clamp(min=1), union)


def mean_dice(confusion: Tensor) -> float:
    """Return the mean over classes of 2 |P ∩ T| / (|P| + |T|); a class that is nowhere does not count."""
    confusion = confusion.cpu()
    both = confusion.diagonal().double()
    sizes = confusion.sum(0) + confusion.sum(1)
    return _mean_where_seen(2 * both / sizes.clamp(min=1), sizes)


def _mean_where_seen(shares: Tensor, sizes: Tensor) -> float:
    seen = shares[sizes > 0]
    return float(seen.mean()) if seen.numel() else 0.0
