"""What other libraries and textbooks call the layers, for `did you mean`. PyTorch's names are the only ones taken."""

ELSEWHERE = {
    "Conv": "Conv2d", "Conv2D": "Conv2d", "Convolution": "Conv2d", "Convolution2D": "Conv2d", "conv": "Conv2d",
    "SeparableConv2D": "Conv2d(..., groups=c)", "DepthwiseConv2D": "Conv2d(c, k, groups=c)",
    "Conv2DTranspose": "ConvTranspose2d", "Deconv": "ConvTranspose2d", "Deconvolution2D": "ConvTranspose2d",
    "UpConv": "ConvTranspose2d", "Dense": "Linear", "FC": "Linear", "FullyConnected": "Linear", "fc": "Linear",
    "InnerProduct": "Linear", "BatchNorm": "BatchNorm2d", "BatchNormalization": "BatchNorm2d", "BN": "BatchNorm2d",
    "MaxPool": "MaxPool2d", "MaxPooling": "MaxPool2d", "MaxPooling2D": "MaxPool2d", "MaxPool2D": "MaxPool2d",
    "AvgPool": "AvgPool2d", "AveragePooling2D": "AvgPool2d", "AvgPool2D": "AvgPool2d", "Pool": "MaxPool2d",
    "GAP": "AdaptiveAvgPool2d(1)", "GlobalAveragePooling2D": "AdaptiveAvgPool2d(1)",
    "GlobalAvgPool": "AdaptiveAvgPool2d(1)", "GlobalAvgPool2d": "AdaptiveAvgPool2d(1)",
    "GlobalMaxPooling2D": "AdaptiveMaxPool2d(1)", "LRN": "LocalResponseNorm", "Swish": "SiLU", "Relu": "ReLU",
    "relu": "ReLU", "Activation": "ReLU", "Concatenate": "concat(a, b)", "Concat": "concat(a, b)",
    "Cat": "concat(a, b)", "Add": "a + b", "Sum": "a + b", "Multiply": "a * b", "Mul": "a * b",
    "DropPath": "StochasticDepth",
    "FlattenLayer": "Flatten", "Reshape": "Flatten", "SpatialDropout2D": "Dropout2d", "UpSampling2D": "Upsample",
}  # fmt: skip
