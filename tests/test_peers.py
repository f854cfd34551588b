"""Where other tools are wrong: the smallest network that shows it, and the right numbers, worked out by hand."""

import pytest

from archdsl import analyze, load, loads


def net(pipeline, before=""):
    return f"{before}model M {{\n  {pipeline}\n}}\n"


PARAMS_AND_MACS = [
    # what goes wrong elsewhere program params  MACs
    (
        "a transposed convolution counted by its output",
        net("input x: [3, 2, 2]  output x -> up: ConvTranspose2d(1, 2, stride=2)"),
        13,
        48,
    ),
    (
        "groups of a transposed convolution forgotten",
        net(
            "input x: [4, 8, 8]  output x -> up: ConvTranspose2d(4, 3, stride=2, padding=1, output_padding=1, groups=4)"
        ),
        4 * 9 + 4,
        2_304,
    ),
    (
        "biases counted among multiply-adds",
        net("input x: [16, 28, 28]  output x -> conv: Conv2d(32, 3, groups=4)"),
        1_184,
        778_752,
    ),
    (
        "depthwise kernels divided twice",
        net("input x: [32, 56, 56]  output x -> conv: Conv2d(32, 3, padding=1, groups=32, bias=false)"),
        288,
        903_168,
    ),
    (
        "norms without a rule counted as nothing",
        net(
            "input x: [8, 6, 6]  output x -> a: GroupNorm(4) -> b: LayerNorm -> c: LayerNorm2d -> d: RMSNorm(dims=1)\n"
            "    -> e: PReLU(8) -> f: InstanceNorm2d(affine=true)"
        ),
        2 * 8 + 2 * 288 + 2 * 8 + 6 + 8 + 2 * 8,
        0,
    ),
    (
        "one axis and three axes are convolutions too",
        net("input x: [2, 10]  output x -> a: Conv1d(3, 3) -> Unflatten(1, (3, 1, 1)) -> b: Conv3d(4, (1, 1, 3))"),
        2 * 3 * 3 + 3 + 3 * 4 * 3 + 4,
        8 * 2 * 3 * 3 + 6 * 3 * 4 * 3,
    ),
    ("a norm counted as a convolution", net("input x: [64, 112, 112]  output x -> bn: BatchNorm2d"), 128, 0),
    (
        "a shared layer counted once a call",
        net(
            "input x: [1, 8, 8]  share f = Conv2d(1, 3, padding=1, bias=false)\n"
            "  output (x -> f) + (x -> f) + (x -> f) + (x -> f)"
        ),
        9,
        4 * 576,
    ),
    (
        "a shared layer's cost counted once",
        net("input x: [100]  share f = Linear(100, bias=false)  output x -> f -> f -> f"),
        10_000,
        30_000,
    ),
    (
        "one activation among three blocks",
        net(
            "input x: [4]  output x -> a: B -> b: B -> c: B",
            "block B { input x  output x -> l1: Linear(4) -> ReLU -> l2: Linear(4) }\n",
        ),
        120,
        96,
    ),
    (
        "dead ends of a Sequential left out",
        net("input x: [3, 8, 8]  a = x -> a: Conv2d(2, 1)  b = x -> b: Conv2d(2, 1)  output a  output second = b"),
        16,
        768,
    ),
]


@pytest.mark.parametrize(
    ("text", "params", "macs"), [row[1:] for row in PARAMS_AND_MACS], ids=[row[0] for row in PARAMS_AND_MACS]
)
def test_parameters_and_macs_are_right_where_others_err(text, params, macs):
    totals = analyze(loads(text)).totals

    assert (totals.params, totals.macs, totals.flops) == (params, macs, 2 * macs)


def test_the_original_u_net_has_its_up_convolutions_counted(request):
    analysis = analyze(load(request.config.rootpath / "specs" / "unet.arch", "UNetValid"))
    ups = sum(layer.macs for layer in analysis.layers if layer.op == "ConvTranspose2d")

    assert analysis.totals.params == 31_030_658
    assert analysis.totals.macs == 150_428_424_448
    assert analysis.graph.outputs["masks"].output.shape == (2, 388, 388)
    # by level: 28²·1024·512·4, 52²·512·256·4, 100²·256·128·4, 196²·128·64·4
    assert ups == 4 * (28**2 * 1024 * 512 + 52**2 * 512 * 256 + 100**2 * 256 * 128 + 196**2 * 128 * 64)


CEIL = [
    # pool                                                           n   out
    ("AvgPool2d(4, 4, 2, ceil_mode=true)",                            9, 3),
    ("MaxPool2d(1, stride=2, ceil_mode=true)",                       32, 16),
    ("MaxPool2d(2, stride=2, padding=1, ceil_mode=true)",             5, 3),
    ("MaxPool2d(3, stride=3, padding=1, ceil_mode=true)",             5, 2),
    ("MaxPool2d(2, ceil_mode=true)",                                 25, 13),
    ("MaxPool2d(3, stride=4, ceil_mode=true)",                        8, 2),
]  # fmt: skip


@pytest.mark.parametrize(("pool", "n", "out"), CEIL)
def test_the_last_window_of_ceil_mode_starts_inside_the_input_or_its_left_padding(pool, n, out):
    network = loads(net(f"input x: [1, {n}, {n}]  output x -> {pool}"))

    assert network.graph.outputs["output"].output.shape == (1, out, out)


def test_the_stem_of_googlenet_is_rounded_up(request):
    analysis = analyze(load(request.config.rootpath / "specs" / "googlenet.arch", "GoogLeNet"))
    pools = [layer.output[1] for layer in analysis.layers if layer.path.startswith("maxpool")]

    assert [analysis.layer("conv1.conv").output[1], *pools] == [112, 56, 28, 14, 7]


def test_batch_norms_keep_their_statistics_apart_from_the_parameters(request):
    totals = analyze(load(request.config.rootpath / "specs" / "resnet.arch", "ResNet50")).totals

    # 53 norms with 26,560 channels: two statistics a channel, and a count of batches each
    assert totals.buffers == 2 * 26_560 + 53
    assert totals.params == 25_557_032


FIELDS = [
    # file       model         layer       size  stride  start
    ("resnet",   "ResNet50",   "layer4",    427, 32, -213),
    ("resnet",   "ResNet50V1", "layer4",    483, 32, -241),
    ("resnet",   "ResNet152",  "layer4",   1451, 32, -725),
    ("vgg",      "VGG16",      "features",  212, 32,  -90),
    ("vgg",      "VGG11",      "features",  150, 32,  -59),
    ("densenet", "DenseNet121", "features", 2071, 32, -1021),
    ("unet",     "UNet",       "bottom",    140, 16, None),
]  # fmt: skip


@pytest.mark.parametrize(("file", "model", "layer", "size", "stride", "start"), FIELDS)
def test_published_receptive_fields_and_effective_paddings(file, model, layer, size, stride, start, request):
    analysis = analyze(load(request.config.rootpath / "specs" / f"{file}.arch", model))
    last = [one for one in analysis.layers if one.path.startswith(layer + ".")][-1]
    (field,) = last.receptive_field.values()

    assert field.size == (size, size)
    assert field.stride == (stride, stride)
    if start is not None:
        assert field.start == (start, start)


def test_a_kernel_of_two_lengths_is_followed_along_each_axis():
    text = net("input x: [1, 64, 64]  output x -> a: Conv2d(1, (3, 5), stride=2) -> b: Conv2d(1, (3, 1), stride=2)")
    (field,) = analyze(loads(text)).layers[-1].receptive_field.values()

    assert field.size == (7, 5)
    assert field.stride == (4, 4)
