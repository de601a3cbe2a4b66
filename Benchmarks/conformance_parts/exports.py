"""Classifiers of torchvision and timm, exported by PyTorch in both of its ways, beside ONNX Runtime on the same file."""

import contextlib
import io
import tempfile
import warnings
from pathlib import Path

import numpy as np

from . import command

TORCHVISION = """mobilenet_v2 mobilenet_v3_small mobilenet_v3_large efficientnet_b0 efficientnet_v2_s convnext_tiny
regnet_y_400mf regnet_x_400mf densenet121 shufflenet_v2_x1_0 mnasnet1_0 squeezenet1_0 squeezenet1_1 resnet18 resnet50
resnext50_32x4d wide_resnet50_2 vgg11_bn alexnet googlenet inception_v3""".split()
TIMM = """mobilenetv3_small_100 efficientnet_b0 efficientnet_lite0 convnext_atto regnety_002 densenet121 mnasnet_100
resnet18 repvgg_a0 ghostnet_100 tf_efficientnet_lite0 mixnet_s""".split()


def network(source: str, name: str):
    import torch

    torch.manual_seed(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if source == "torchvision":
            import torchvision

            options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
            model = torchvision.models.get_model(name, weights=None, **options)
        else:
            import timm

            model = timm.create_model(name, pretrained=False)
    # Statistics of their own, so that normalizations do something.
    generator = torch.Generator().manual_seed(11)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.05, generator=generator)
            module.running_var.uniform_(0.7, 1.3, generator=generator)
    return model.eval()


def export(model, path: Path, side: int, dynamo: bool) -> None:
    import torch

    example = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(3))
    silence = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        warnings.simplefilter("ignore")
        options = dict(input_names=["image"], output_names=["logits"])
        if dynamo:
            options["dynamic_shapes"] = ({0: torch.export.Dim("batch")},)
        else:
            options["dynamic_axes"] = {"image": {0: "batch"}, "logits": {0: "batch"}}
        torch.onnx.export(model, (example,), str(path), dynamo=dynamo, **options)


def run(options) -> int:
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    print("## Classifiers exported by PyTorch, beside ONNX Runtime\n")
    print("| network | exporter | largest difference of logits, relative to the largest |")
    print("|---|---|--:|")
    failures = 0
    for source, names in (("torchvision", TORCHVISION), ("timm", TIMM)):
        for name in names:
            if options.filter and options.filter not in name:
                continue
            side = 299 if name == "inception_v3" else 224
            for dynamo in (False, True):
                failures += compare(options, source, name, side, dynamo, onnxruntime)
    return failures


def compare(options, source, name, side, dynamo, onnxruntime) -> int:
    title = f"| {source} {name} | {'dynamo' if dynamo else 'tracing'} |"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        try:
            export(network(source, name), path, side, dynamo)
        except Exception as error:  # PyTorch's own
            print(f"{title} not exported: {str(error).splitlines()[0][:80]} |", flush=True)
            return 0
        picture = np.random.default_rng(5).normal(size=(3, 3, side, side)).astype(np.float32)
        expected = onnxruntime.InferenceSession(str(path)).run(None, {"image": picture})[0]
        case = command.Case(name, path, [picture], ["image"])
        outcome = command.run(options.convnet, [case])[0]
    if outcome.error is not None:
        print(f"{title} {outcome.error[:300]} |", flush=True)
        return 1
    difference = np.abs(outcome.outputs["logits"] - expected).max() / np.abs(expected).max()
    passes = difference < 1e-4
    print(f"{title} {difference:.1e}{'' if passes else ' FAILED'} |", flush=True)
    return not passes
