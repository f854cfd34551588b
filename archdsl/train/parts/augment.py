"""Changes of a batch of images on its device, drawn anew each time; masks move with their images.

All is drawn from the global generators, which a run seeds at each step.
"""

from __future__ import annotations

import math
import random

import torch
from torch import Tensor
from torch.nn import functional

from archdsl.train.parts.data import IGNORED
from archdsl.train.parts.libraries import installed
from archdsl.train.parts.losses import one_hot
from archdsl.train.parts.options import Options
from archdsl.train.parts.problems import RunError

Masks = Tensor | None


def augment(images: Tensor, masks: Masks, options: Options) -> tuple[Tensor, Masks]:
    """Return images, N × C × H × W from 0 to 1, and their masks, N × H × W, changed as the options say."""
    if options.flip:
        images, masks = flip(images, masks)
    if options.zoom:
        images, masks = resized_crop(images, masks, options.zoom)
    if options.rotate:
        images, masks = rotate(images, masks, options.rotate)
    if options.crop:
        images, masks = pad_crop(images, masks, options.crop)
    if options.jitter:
        images = jitter(images, options.jitter)
    if options.grey:
        images = make_grey(images, options.grey)
    if options.erase:
        images = erase(images, options.erase)
    return images, masks


def _chosen(images: Tensor, share: float) -> Tensor:
    return torch.rand(len(images), 1, 1, 1, device=images.device) < share


def flip(images: Tensor, masks: Masks) -> tuple[Tensor, Masks]:
    """Mirror each image left to right with a chance of one half."""
    turned = _chosen(images, 0.5)
    images = torch.where(turned, images.flip(-1), images)
    return images, None if masks is None else torch.where(turned[:, 0], masks.flip(-1), masks)


def pad_crop(images: Tensor, masks: Masks, pixels: int) -> tuple[Tensor, Masks]:
    """Shift each image by up to `pixels` along both axes; what comes in is black, and ignored in a mask."""
    n, device = len(images), images.device
    top, left = torch.randint(0, 2 * pixels + 1, (2, n), device=device)
    which, padding = torch.arange(n, device=device), (pixels,) * 4

    def shifted(padded: Tensor, axis: int) -> Tensor:
        # All shifts as views of one tensor, so that whole rows are copied, and not one pixel after another.
        h, w = images.shape[-2:]
        return padded.unfold(axis, h, 1).unfold(axis + 1, w, 1)

    images = shifted(functional.pad(images, padding), 2)[which, :, top, left]
    if masks is not None:
        masks = shifted(functional.pad(masks, padding, value=IGNORED), 1)[which, top, left]
    return images, masks


def resized_crop(images: Tensor, masks: Masks, least: float) -> tuple[Tensor, Masks]:
    """Enlarge a part of each image to the whole: between `least` and all of its area, with sides from 3:4 to 4:3.

    Szegedy et al. 2015, arXiv:1409.4842, section 6, in one resampling.
    """
    n, device = len(images), images.device
    area = torch.empty(n, device=device).uniform_(least, 1)
    ratio = torch.empty(n, device=device).uniform_(-math.log(4 / 3), math.log(4 / 3)).exp()
    wide, high = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(n, 2, 3, device=device)
    theta[:, 0, 0], theta[:, 1, 1] = wide, high
    theta[:, 0, 2] = (1 - wide) * torch.empty(n, device=device).uniform_(-1, 1)
    theta[:, 1, 2] = (1 - high) * torch.empty(n, device=device).uniform_(-1, 1)
    return warp(images, masks, theta)


def rotate(images: Tensor, masks: Masks, degrees: float) -> tuple[Tensor, Masks]:
    """Turn each image about its centre by up to so many degrees; what comes in is black, and ignored in a mask."""
    n, _, h, w = images.shape
    angle = torch.empty(n, device=images.device).uniform_(-degrees, degrees) * (math.pi / 180)
    cosine, sine = angle.cos(), angle.sin()
    nothing = torch.zeros_like(angle)
    rows = (cosine, -sine * h / w, nothing, sine * w / h, cosine, nothing)
    return warp(images, masks, torch.stack(rows, dim=1).view(n, 2, 3))


def warp(images: Tensor, masks: Masks, theta: Tensor, mode: str = "bilinear") -> tuple[Tensor, Masks]:
    """Resample images by affine maps, N × 2 × 3 as `functional.affine_grid` takes them, and masks by the same."""
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    changed = functional.grid_sample(images, grid, mode=mode, padding_mode="zeros", align_corners=False)
    if masks is None:
        return changed, None
    shifted = (masks.float() - IGNORED).unsqueeze(1)  # so that what comes in is ignored
    moved = functional.grid_sample(shifted, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    return changed, (moved.squeeze(1) + IGNORED).round().to(masks.dtype)


def luminance(images: Tensor) -> Tensor:
    """Return the brightness of colour images, one channel: ITU-R BT.601."""
    red, green, blue = images.unbind(1)
    return (0.299 * red + 0.587 * green + 0.114 * blue).unsqueeze(1)


def jitter(images: Tensor, strength: float) -> Tensor:
    """Change brightness, contrast and, in colour images, saturation, each by a factor within 1 ± `strength`."""

    def factor() -> Tensor:
        return torch.empty(len(images), 1, 1, 1, device=images.device).uniform_(1 - strength, 1 + strength)

    images = images * factor()
    mean = images.mean((1, 2, 3), keepdim=True)
    images = mean + (images - mean) * factor()
    if images.shape[1] == 3:
        images = torch.lerp(luminance(images).expand_as(images), images, factor().expand_as(images))
    return images.clamp(0, 1)


def make_grey(images: Tensor, share: float) -> Tensor:
    """Take the colour from a share of the images; images of one channel stay."""
    if images.shape[1] != 3:
        return images
    return torch.where(_chosen(images, share), luminance(images), images)


def erase(images: Tensor, share: float) -> Tensor:
    """Fill a box of a share of the images with their mean: 2 to 33 % of the area, with sides from 3:10 to 10:3.

    Zhong et al. 2020, arXiv:1708.04896.
    """
    n, _, h, w = images.shape
    device = images.device
    area = torch.empty(n, device=device).uniform_(0.02, 0.33) * h * w
    ratio = torch.empty(n, device=device).uniform_(math.log(0.3), math.log(1 / 0.3)).exp()
    high, wide = (area * ratio).sqrt().clamp(max=h), (area / ratio).sqrt().clamp(max=w)
    top = ((h - high) * torch.rand(n, device=device)).view(n, 1, 1, 1)
    left = ((w - wide) * torch.rand(n, device=device)).view(n, 1, 1, 1)
    rows, columns = torch.arange(h, device=device).view(1, 1, h, 1), torch.arange(w, device=device).view(1, 1, 1, w)
    inside = (rows >= top) & (rows < top + high.view(n, 1, 1, 1))
    inside = inside & (columns >= left) & (columns < left + wide.view(n, 1, 1, 1))
    return torch.where(inside & _chosen(images, share), images.mean((1, 2, 3), keepdim=True), images)


def mix(images: Tensor, targets: Tensor, classes: int, mixup: float, cutmix: float) -> tuple[Tensor, Tensor]:
    """Mix each image of a batch with another: as a whole by MixUp, or a box by CutMix; targets become shares.

    Where both are on, one of them is drawn for each batch. Zhang et al. 2018, arXiv:1710.09412; Yun et al. 2019,
    arXiv:1905.04899: the share of the second image is the area of its box after it is cut at the border.
    """
    soft = targets if targets.is_floating_point() else one_hot(targets, classes)
    if not mixup and not cutmix:
        return images, soft
    boxes = bool(cutmix) and (not mixup or random.random() < 0.5)
    alpha = cutmix if boxes else mixup
    kept = random.betavariate(alpha, alpha)
    order = torch.randperm(len(images), device=images.device)
    if not boxes:
        return torch.lerp(images[order], images, kept), torch.lerp(soft[order], soft, kept)
    h, w = images.shape[-2:]
    middle, side = (random.randrange(h), random.randrange(w)), math.sqrt(1 - kept)
    top, left = max(0, middle[0] - int(h * side) // 2), max(0, middle[1] - int(w * side) // 2)
    bottom, right = min(h, middle[0] + int(h * side) // 2), min(w, middle[1] + int(w * side) // 2)
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[order, :, top:bottom, left:right]
    kept = 1 - (bottom - top) * (right - left) / (h * w)
    return mixed, torch.lerp(soft[order], soft, kept)


def rand_augment(images: Tensor, magnitude: int) -> Tensor:
    """Change each image, of bytes, by torchvision's RandAugment: Cubuk et al. 2020, arXiv:1909.13719.

    Raises:
        RunError: torchvision is not installed.
    """
    transforms = installed("torchvision.transforms.v2")
    if transforms is None:
        raise RunError(
            "--randaugment needs torchvision, which is not installed or does not load: pip install torchvision", 3
        )
    change = transforms.RandAugment(num_ops=2, magnitude=magnitude)
    return torch.stack([change(image) for image in images])
