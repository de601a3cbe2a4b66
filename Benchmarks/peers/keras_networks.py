"""The networks for Keras, channels-last, under ConvNet's names; each gives a list of logits.

Only the first are the network's own; the others are auxiliary classifiers', in training.
"""

from __future__ import annotations

from keras import Input, Model, layers


def convolution(x, channels: int, kernel: int, stride: int = 1, activates: bool = True):
    """Without bias, then batch normalization; padded symmetrically, as PyTorch does."""
    if stride > 1 and kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2)(x)
        padding = "valid"
    else:
        padding = "same"
    x = layers.Conv2D(channels, kernel, stride, padding=padding, use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return layers.ReLU()(x) if activates else x


def lenet5(x, classes: int) -> list:
    x = layers.Conv2D(6, 5, padding="same", activation="tanh")(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2D(16, 5, activation="tanh")(x)
    x = layers.Flatten()(layers.AveragePooling2D(2)(x))
    x = layers.Dense(84, activation="tanh")(layers.Dense(120, activation="tanh")(x))
    return [layers.Dense(classes)(x)]


def resnet20(x, classes: int) -> list:
    """He et al. 2015, section 4.2, with shortcuts without parameters (option A)."""
    x = convolution(x, 16, 3)
    for channels in (16, 32, 64):
        for block in range(3):
            stride = 2 if channels > 16 and block == 0 else 1
            shortcut = x
            if stride > 1:
                shortcut = layers.AveragePooling2D(pool_size=1, strides=2)(x)
                shortcut = layers.Concatenate()([shortcut, shortcut * 0])
            x = convolution(x, channels, 3, stride)
            x = layers.ReLU()(shortcut + convolution(x, channels, 3, activates=False))
    return [layers.Dense(classes)(layers.GlobalAveragePooling2D()(x))]


def resnet(x, classes: int, blocks: tuple[int, ...], has_bottlenecks: bool) -> list:
    """torchvision's: the stride of a bottleneck is in its 3x3 convolution."""
    x = convolution(x, 64, 7, 2)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for stage, count in enumerate(blocks):
        width = 64 << stage
        for block in range(count):
            stride = 2 if stage > 0 and block == 0 else 1
            outputs = 4 * width if has_bottlenecks else width
            shortcut = x
            if stride > 1 or x.shape[-1] != outputs:
                shortcut = convolution(x, outputs, 1, stride, activates=False)
            if has_bottlenecks:
                x = convolution(convolution(x, width, 1), width, 3, stride)
                x = convolution(x, outputs, 1, activates=False)
            else:
                x = convolution(x, width, 3, stride)
                x = convolution(x, width, 3, activates=False)
            x = layers.ReLU()(shortcut + x)
    return [layers.Dense(classes)(layers.GlobalAveragePooling2D()(x))]


def vgg16(x, classes: int) -> list:
    for channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            x = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dropout(0.5)(layers.Dense(4096, activation="relu")(x))
    return [layers.Dense(classes)(x)]


def googlenet(x, classes: int) -> list:
    """torchvision's, with its auxiliary classifiers."""

    def inception(x, one, reduce3, three, reduce5, five, pool):
        return layers.Concatenate()([
            convolution(x, one, 1),
            convolution(convolution(x, reduce3, 1), three, 3),
            convolution(convolution(x, reduce5, 1), five, 3),
            convolution(layers.MaxPooling2D(3, 1, padding="same")(x), pool, 1),
        ])

    def side(x):
        x = convolution(layers.AveragePooling2D(pool_size=5, strides=3)(x), 128, 1)
        x = layers.Dense(1024, activation="relu")(layers.Flatten()(x))
        return layers.Dense(classes)(layers.Dropout(0.7)(x))

    x = layers.MaxPooling2D(3, 2, padding="same")(convolution(x, 64, 7, 2))
    x = convolution(convolution(x, 64, 1), 192, 3)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = inception(x, 64, 96, 128, 16, 32, 32)
    x = inception(x, 128, 128, 192, 32, 96, 64)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = inception(x, 192, 96, 208, 16, 48, 64)
    sides = [side(x)]
    x = inception(x, 160, 112, 224, 24, 64, 64)
    x = inception(x, 128, 128, 256, 24, 64, 64)
    x = inception(x, 112, 144, 288, 32, 64, 64)
    sides.append(side(x))
    x = inception(x, 256, 160, 320, 32, 128, 128)
    x = layers.MaxPooling2D(2, 2, padding="same")(x)
    x = inception(x, 256, 160, 320, 32, 128, 128)
    x = inception(x, 384, 192, 384, 48, 128, 128)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return [layers.Dense(classes)(x), *sides]


MAKERS = {
    "lenet5": lenet5,
    "resnet20": resnet20,
    "resnet18-torchvision": lambda x, classes: resnet(x, classes, (2, 2, 2, 2), False),
    "resnet50-v1.5": lambda x, classes: resnet(x, classes, (3, 4, 6, 3), True),
    "vgg-d": vgg16,
    "googlenet-torchvision": googlenet,
}


def network(name: str, image: tuple[int, int, int], classes: int) -> Model:
    """`image` is channels, height, width; the model takes height, width, channels."""
    images = Input((*image[1:], image[0]))
    return Model(images, MAKERS[name](images, classes))
