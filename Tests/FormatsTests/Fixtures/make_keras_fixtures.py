"""Writes the weights of one small network in every form in which Keras has written them, and numbers in the forms of HDF5.

Variable number i has the numbers 100 i, 100 i + 0.5, 100 i + 1, and so on.
Made with keras 3.15.1, torch 2.15.0 and h5py 3.14.0: python3 make_keras_fixtures.py
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import h5py
import keras
import numpy as np
from keras import layers
from keras.src.legacy.saving import legacy_h5_format

folder = Path(__file__).parent


def numbers(index, shape, dtype=np.float32):
    return (100 * index + 0.5 * np.arange(np.prod(shape))).reshape(shape).astype(dtype)


def network():
    model = keras.Sequential([
        keras.Input((4, 4, 1)), layers.Conv2D(2, 3, name="block1_conv1"), layers.BatchNormalization(name="bn"),
        layers.BatchNormalization(scale=False, name="bare_bn"), layers.Dropout(0.5), layers.Flatten(), layers.Dense(3, name="predictions"),
    ])
    for index, weight in enumerate(model.weights):
        if weight.dtype == "float32":
            weight.assign(numbers(index, weight.shape))
    return model


model = network()
model.save_weights(folder / "keras.weights.h5")
model.save(folder / "keras.keras")
with h5py.File(folder / "keras-legacy.h5", "w") as file:
    legacy_h5_format.save_weights_to_hdf5_group(file, model)
# As the first weights of VGG were written.
with h5py.File(folder / "keras-first.h5", "w") as file:
    for index, (layer, part, shape) in enumerate([("block1_conv1", "W", (3, 3, 1, 2)), ("block1_conv1", "b", (2,))]):
        file.create_dataset(f"{layer}/{layer}_{part}_1:0", data=numbers(index, shape))

# The newest forms of headers, which list members themselves; blocks that reach beyond the edges; every type.
with h5py.File(folder / "hdf5-new.h5", "w", libver=("v108", "v108")) as file:
    for index, dtype in enumerate(("float16", "float32", "float64")):
        file.create_dataset(f"group/{dtype}", data=numbers(index, (3, 5), dtype))
    file["group/whole"] = np.arange(3)
with h5py.File(folder / "hdf5-chunks.h5", "w") as file:
    file.create_dataset("plain", data=numbers(0, (5, 7)), chunks=(2, 3))
    file.create_dataset("deflated", data=numbers(1, (5, 7, 2)), chunks=(3, 4, 2), compression="gzip")
    file.create_dataset("shuffled", data=numbers(2, (40,)), chunks=(16,), compression="gzip", shuffle=True, fletcher32=True)
    file.create_dataset("doubles", data=numbers(3, (6, 2), np.float64), chunks=(4, 1), shuffle=True)
    file.create_dataset("scalar", data=np.float32(7.5))
for path in sorted(folder.glob("*.h5")) + sorted(folder.glob("*.keras")):
    print(path.name, path.stat().st_size)
