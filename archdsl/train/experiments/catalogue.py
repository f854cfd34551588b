"""The experiments by name and question. Nothing heavy is loaded to list them."""

from __future__ import annotations

QUESTIONS = {
    "activations": "Do ReLUs die of a high learning rate or of bad biases, and what brings them back?",
    "batchnorm": "What does batch normalisation use in training, what in evaluation, and what does `momentum` mean?",
    "compare": "How far do LeNet, VGG, ResNet, DenseNet, Inception and EfficientNet come on one budget?",
    "degradation": "Does a deeper plain network train worse, and do shortcuts mend it?",
    "efficiency": "Does DenseNet-BC make more of its parameters than ResNet?",
    "erf": "How much of its receptive field does a network use, before and after training?",
    "features": "What do the first filters of a trained network look for?",
    "gradients": "How do gradients change with depth, with and without shortcuts and normalisation?",
    "identity": "Does a residual block with weights near 0 pass its input on?",
    "init": "What do initialisations do to activations and gradients, layer by layer?",
    "landscape": "Is the loss smoother around a network with shortcuts?",
    "mlp-vs-cnn": "What does a small CNN gain over an MLP, and with how many parameters?",
    "receptive-field": "Does a U-Net segment better once it sees as much as an object needs?",
    "small-kernels": "Are three 3x3 convolutions better than one of 7x7?",
    "upsampling": "When does a transposed convolution interpolate, and when does it leave a checkerboard?",
}
"""Name -> what it asks. The module of an experiment has its name, with `_` for `-`."""
