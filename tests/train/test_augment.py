"""Changes of images: what each keeps, and that a mask goes with its image."""

from __future__ import annotations

from math import cos, pi, sin

import pytest

torch = pytest.importorskip("torch")

from archdsl.train.parts import augment  # noqa: E402
from archdsl.train.parts.feeding import seed_draws  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded():
    seed_draws(7)


def images(n=64, channels=1, size=8):
    return torch.rand(n, channels, size, size)


def test_about_half_of_the_images_are_mirrored_and_none_is_changed_otherwise():
    x = images()
    y, _ = augment.flip(x, None)
    kept, turned = (y == x).flatten(1).all(1), (y == x.flip(-1)).flatten(1).all(1)

    assert bool((kept | turned).all())
    assert 16 < int(turned.sum()) < 48


def test_a_crop_shifts_each_image_by_itself():
    x = images()
    y, _ = augment.pad_crop(x, None, 2)
    padded = torch.nn.functional.pad(x, (2, 2, 2, 2))
    found = []
    for before, after in zip(padded, y, strict=True):
        shifts = [(t, v) for t in range(5) for v in range(5) if torch.equal(before[:, t : t + 8, v : v + 8], after)]
        assert len(shifts) == 1
        found += shifts

    assert len(set(found)) > 15


@pytest.mark.parametrize("change", ["flip", "pad_crop"])
def test_a_mask_moves_with_its_image(change):
    masks = torch.randint(1, 9, (32, 8, 8), dtype=torch.uint8)
    arguments = (2,) if change == "pad_crop" else ()
    x, moved = getattr(augment, change)(masks.unsqueeze(1).float(), masks, *arguments)
    inside = moved != 255

    assert torch.equal(x[:, 0][inside], moved[inside].float())
    assert bool((x[:, 0][~inside] == 0).all())


@pytest.mark.parametrize(("change", "strength"), [("resized_crop", 0.3), ("rotate", 30.0)])
def test_a_mask_is_resampled_like_its_image(change, strength, monkeypatch):
    masks = torch.randint(1, 9, (32, 8, 8), dtype=torch.uint8)
    warp = augment.warp
    monkeypatch.setattr(augment, "warp", lambda x, m, theta: warp(x, m, theta, "nearest"))
    x, moved = getattr(augment, change)(masks.unsqueeze(1).float(), masks, strength)
    inside = moved != 255

    assert torch.equal(x[:, 0][inside], moved[inside].float())
    assert not torch.equal(moved, masks)


def test_a_rotation_moves_a_point_along_its_circle(monkeypatch):
    """A bright point right of the centre of a wide image goes to where the angle says, in pixels."""
    monkeypatch.setattr(torch.Tensor, "uniform_", lambda self, low, high: self.fill_(high))
    x = torch.zeros(1, 1, 41, 81)
    x[0, 0, 20, 60] = 1  # 20 right of the centre (40, 20)
    y, _ = augment.rotate(x, None, 30.0)
    row, column = divmod(int(y.argmax()), 81)

    assert (column, row) in {
        (round(40 + 20 * cos(pi / 6)), round(20 - 20 * sin(pi / 6))),
        (round(40 + 20 * cos(pi / 6)), round(20 + 20 * sin(pi / 6))),
    }


def test_a_resized_crop_of_a_ramp_is_a_part_of_it():
    ramp = torch.linspace(0.1, 1, 32).expand(16, 1, 32, 32).contiguous()
    y, _ = augment.resized_crop(ramp, None, 0.25)

    assert bool((y.diff(dim=-1) >= -1e-5).all())
    assert float(y.min()) >= 0.05
    spans = (y[..., -1] - y[..., 0]).mean((1, 2)) / 0.9
    assert 0.4 < float(spans.min()) < float(spans.max()) <= 1.0


def test_colours_change_and_stay_colours():
    x = images(channels=3)
    y = augment.jitter(x, 0.4)
    assert float(y.min()) >= 0
    assert float(y.max()) <= 1
    assert bool((y != x).flatten(1).any(1).all())
    grey = augment.make_grey(x, 1.0)
    assert torch.equal(grey[:, 0], grey[:, 1])
    assert torch.allclose(grey[:, 0], 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2])
    one = images()
    assert torch.equal(augment.make_grey(one, 1.0), one)


def test_an_erased_box_has_the_size_that_is_said():
    x = images(n=200, size=32)
    y = augment.erase(x, 1.0)
    changed = y != x
    areas = changed.flatten(1).sum(1) / 32**2

    assert float(areas.max()) <= 0.40  # whole pixels: a little over a third
    for image in changed[:20, 0]:
        rows, columns = image.any(1).nonzero().flatten(), image.any(0).nonzero().flatten()
        assert bool(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all())  # a full rectangle
    untouched = (augment.erase(x, 0.25) == x).flatten(1).all(1)
    assert 120 < int(untouched.sum()) < 180


@pytest.mark.parametrize(("mixup", "cutmix"), [(1.0, 0.0), (0.0, 1.0), (0.2, 1.0)])
def test_mixed_targets_are_shares_that_sum_to_one(mixup, cutmix):
    for _ in range(8):
        _, soft = augment.mix(images(n=16), torch.arange(16) % 4, 4, mixup, cutmix)
        assert soft.sum(1).tolist() == pytest.approx([1.0] * 16)


def test_the_share_of_a_cut_box_is_its_area(monkeypatch):
    """Image i is filled with i + 1 and is class i, so pixels tell the shares."""
    x = torch.arange(1, 9).view(8, 1, 1, 1).expand(8, 1, 12, 12).float()
    for _ in range(20):
        y, soft = augment.mix(x, torch.arange(8), 8, 0.0, 1.0)
        for pixels, row in zip(y, soft, strict=True):
            shares = [float((pixels == c + 1).float().mean()) for c in range(8)]
            assert row.tolist() == pytest.approx(shares, abs=1e-6)


def test_mixup_mixes_pixels_as_targets():
    x = torch.eye(4).view(4, 4, 1, 1)
    y, soft = augment.mix(x, torch.arange(4), 4, 1.0, 0.0)

    assert torch.allclose(y.view(4, 4), soft)


def test_the_same_seed_draws_the_same():
    def all_of_it():
        seed_draws(3, 1)
        x, _ = augment.rotate(images(), None, 20)
        return augment.mix(augment.erase(augment.jitter(x, 0.3), 0.5), torch.arange(64) % 4, 4, 0.5, 0.5)

    first, second = all_of_it(), all_of_it()
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_rand_augment_is_torchvisions():
    pytest.importorskip("oracles.torchvision_models").torchvision()
    x = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)

    y = augment.rand_augment(x, 9)
    assert y.shape == x.shape
    assert y.dtype == torch.uint8
