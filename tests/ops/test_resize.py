"""Resizing, shuffles and pads: worked numbers, and what does not fit."""

from __future__ import annotations

import pytest

from archdsl.ops import OPS, ShapeError
from archdsl.sizes import symbol
from archdsl.tensors import TensorType

Upsample, PixelShuffle, PixelUnshuffle = OPS["Upsample"], OPS["PixelShuffle"], OPS["PixelUnshuffle"]
ZeroPad2d, ReflectionPad2d, ReplicationPad2d = OPS["ZeroPad2d"], OPS["ReflectionPad2d"], OPS["ReplicationPad2d"]
PadChannels, ChannelShuffle, PReLU = OPS["PadChannels"], OPS["ChannelShuffle"], OPS["PReLU"]
Unflatten, Softmax = OPS["Unflatten"], OPS["Softmax"]

# fmt: off
CASES = [
    # name, input, layer, output
    ("twice as large",                (64, 28, 28),   Upsample(scale_factor=2),                                 (64, 56, 56)),
    ("half as large",                 (64, 7, 7),     Upsample(scale_factor=0.5, mode="bilinear"),              (64, 3, 3)),
    ("half as large again, rounded",  (3, 5, 7),      Upsample(scale_factor=1.5, mode="bicubic"),               (3, 7, 10)),
    ("a factor for each axis",        (3, 5, 7),      Upsample(scale_factor=(1, 3)),                            (3, 5, 21)),
    ("to a size",                     (21, 28, 28),   Upsample(224, mode="bilinear", align_corners=False),      (21, 224, 224)),
    ("to a size for each axis",       (21, 28, 28),   Upsample((56, 14), mode="area"),                          (21, 56, 14)),
    ("one axis",                      (8, 100),       Upsample(scale_factor=4, mode="linear"),                  (8, 400)),
    ("three axes",                    (8, 4, 4, 4),   Upsample(scale_factor=2, mode="trilinear"),               (8, 8, 8, 8)),
    ("ESPCN's last layer",            (27, 17, 17),   PixelShuffle(3),                                          (3, 51, 51)),
    ("and back",                      (3, 51, 51),    PixelUnshuffle(3),                                        (27, 17, 17)),
    ("pads of all sides",             (3, 224, 224),  ZeroPad2d(3),                                             (3, 230, 230)),
    ("left, right, top, bottom",      (3, 10, 20),    ZeroPad2d((1, 2, 3, 4)),                                  (3, 17, 23)),
    ("a negative pad cuts off",       (3, 10, 20),    ZeroPad2d((-1, 0, 0, -2)),                                (3, 8, 19)),
    ("a mirror image",                (3, 10, 20),    ReflectionPad2d((0, 0, 9, 9)),                            (3, 28, 20)),
    ("a border repeated",             (3, 1, 1),      ReplicationPad2d(5),                                      (3, 11, 11)),
    ("channels of zeros",             (16, 16, 16),   PadChannels(8, 8),                                        (32, 16, 16)),
    ("channels dealt out",            (24, 7, 7),     ChannelShuffle(3),                                        (24, 7, 7)),
    ("a vector as a map",             (6272,),        Unflatten(1, (128, 7, 7)),                                (128, 7, 7)),
    ("what is left",                  (6272,),        Unflatten(-1, (128, 7, -1)),                              (128, 7, 7)),
    ("probabilities",                 (1000,),        Softmax(),                                                (1000,)),
]
# fmt: on


@pytest.mark.parametrize(("shape", "layer", "output"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_the_shape_is_the_one_worked_by_hand(shape, layer, output):
    x = TensorType(shape)
    y = layer.output(x)

    assert y.shape == output
    assert layer.weights(x) == layer.buffers(x) == {}
    assert layer.macs((x,), y) == 0


# fmt: off
REFUSED = [
    # layer, input, argument, message
    (Upsample(scale_factor=2, mode="bilinear"),   (8, 100),      "mode",              '"bilinear" works on 2 spatial axes, but gets [8, 100]'),
    (Upsample(scale_factor=2, mode="linear"),     (8, 10, 10),   "mode",              '"linear" works on 1 spatial axis, but gets [8, 10, 10]'),
    (Upsample(scale_factor=2),                    (8,),          None,                "`Upsample` works on one to three spatial axes, but gets [8]"),
    (Upsample(scale_factor=(2, 2)),               (8, 100),      "scale_factor",      "`scale_factor` has 2 numbers, but the input 1 spatial axis"),
    (Upsample(scale_factor=0.25),                 (8, 8, 3),     "scale_factor",      "3 columns times 0.25 leaves nothing"),
    (PixelShuffle(2),                             (6, 4, 4),     "upscale_factor",    "the 6 channels are no multiple of 2² = 4"),
    (PixelUnshuffle(2),                           (6, 4, 5),     "downscale_factor",  "the 5 columns are no multiple of 2"),
    (ReflectionPad2d(3),                          (6, 4, 3),     "padding",           "a mirror image of 3 needs at least 4 columns, but the input has 3"),
    (ZeroPad2d(-2),                               (6, 9, 4),     "padding",           "the padding -2 and -2 of 4 columns leaves nothing"),
    (ChannelShuffle(4),                           (6, 4, 4),     "groups",            "4 groups do not divide the 6 channels"),
    (PReLU(3),                                    (6, 4, 4),     "num_parameters",    "`num_parameters` is 1 or the 6 channels of [6, 4, 4], not 3"),
    (Unflatten(1, (8, 7, 7)),                     (400,),        "unflattened_size",  "cannot split the 400 of [400] into 8 · 7 · 7 = 392"),
    (Unflatten(1, (3, -1)),                       (400,),        "unflattened_size",  "cannot split the 400 of [400] into 3 · -1"),
    (Softmax(0),                                  (400,),        "dim",               "`dim` 0 is the batch, whose samples do not depend on each other"),
    (Softmax(2),                                  (400,),        "dim",               "`dim` 2 does not exist in [400], whose axes are 1 (the channels) to 1"),
]
# fmt: on


@pytest.mark.parametrize(("layer", "shape", "argument", "message"), REFUSED, ids=[str(c[0]) for c in REFUSED])
def test_what_does_not_fit_is_refused_with_the_argument_to_blame(layer, shape, argument, message):
    with pytest.raises(ShapeError) as refusal:
        layer.output(TensorType(shape))

    assert str(refusal.value) == message
    assert refusal.value.argument == argument


def test_a_factor_that_is_no_short_fraction_wants_a_number():
    height = symbol("H")
    third = Upsample(scale_factor=0.3)

    assert third.output(TensorType((1, 10, 10))).shape == (1, 3, 3)
    with pytest.raises(ShapeError) as refusal:
        third.output(TensorType((1, height, 10)))
    assert refusal.value.rule == "size-needed"


def test_an_unshuffle_states_what_the_size_must_be_a_multiple_of():
    height = symbol("H")
    PixelUnshuffle(4).output(TensorType((1, height, 8)))

    assert [n for n in range(1, 20) if height.domain.requirement.holds(n)] == [4, 8, 12, 16]
