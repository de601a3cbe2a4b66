"""Keras's side: its applications, computed by PyTorch, their weights in one of the forms in which Keras writes them, or as `.npz`."""

from __future__ import annotations

import os
from pathlib import Path

import numpy


class Keras:
    """An application of Keras's with random weights, under Keras's own names and orders."""

    def __init__(self, name: str, form: str = ".npz") -> None:
        self.form = form
        os.environ["KERAS_BACKEND"] = "torch"
        import keras

        keras.utils.set_random_seed(42)
        keras.config.set_image_data_format("channels_last")
        self.model = getattr(keras.applications, name)(weights=None, classifier_activation=None)
        generator = numpy.random.default_rng(42)
        for weight in self.model.weights:
            kind = weight.path.rsplit("/", 1)[-1]
            if kind in ("moving_variance", "gamma"):
                weight.assign(generator.uniform(0.5, 1.5, weight.shape).astype("float32"))
            elif kind in ("moving_mean", "beta", "bias"):
                weight.assign(generator.normal(0, 0.1, weight.shape).astype("float32"))

    def write_weights(self, folder: Path) -> Path:
        path = folder / f"w{self.form}"
        match self.form:
            case ".npz":
                numpy.savez(path, **{weight.path: numpy.asarray(weight) for weight in self.model.weights})
            case ".weights.h5":
                self.model.save_weights(path)
            case _:
                # `.keras`, and `.h5` as Keras 2 has it.
                self.model.save(path)
        return path

    def logits(self, images: numpy.ndarray) -> numpy.ndarray:
        """Of pictures channels first, which Keras is given channels last."""
        import torch

        with torch.inference_mode():
            logits = self.model(images.transpose(0, 2, 3, 1).copy(), training=False)
        return logits.cpu().numpy()
