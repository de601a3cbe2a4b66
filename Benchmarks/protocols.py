"""Sets protocols of many views, `10-crop` and `dense`, beside the same with torchvision on PyTorch, in turn, in one run.

Both sides have the same photographs, weights, sizes and threads, and all is counted: reading, decoding, resizing, cropping, the
network, the mean. PyTorch is tried in its forms (eager, in the order of channels that its kernels like best, frozen by TorchScript, compiled by
Inductor), with and without workers that decode ahead, and the best counts. Starting and compiling is left out on both sides: ours is the
difference of a run on many pictures and one on few. Ratios above 1 are ours being faster.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy
import torch
from PIL import Image
from torch import nn

from peers.torchvision_models import models
from photographs import write_photographs
from torchvision import transforms

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NETWORKS = {"resnet18": "resnet18-torchvision", "vgg11": "vgg-a"}


class Dense(nn.Module):
    """A network with its dense layers as convolutions, its scores the means over positions."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        if not hasattr(network, "classifier"):
            self.body = network
            return
        layers: list[nn.Module] = [network.features]
        for layer in network.classifier:
            if isinstance(layer, nn.Linear):
                first = len(layers) == 1
                side, inputs = (7, 512) if first else (1, layer.in_features)
                convolution = nn.Conv2d(inputs, layer.out_features, side)
                convolution.weight.data = layer.weight.data.view(layer.out_features, inputs, side, side)
                convolution.bias.data = layer.bias.data
                layer = convolution
            layers.append(layer)
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.body(batch)


class Views(torch.utils.data.Dataset):
    """All views of a picture as one tensor, as torchvision makes them."""

    def __init__(self, paths: list[Path], protocol: str) -> None:
        self.paths = paths
        finish = [transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)]
        single = transforms.Compose(finish)
        if protocol == "10-crop":
            self.transform = transforms.Compose(
                [transforms.Resize(256), transforms.CenterCrop(256), transforms.TenCrop(224),
                 lambda crops: torch.stack([single(crop) for crop in crops])])  # fmt: skip
        else:
            resize = transforms.Resize(256)

            def dense(picture: Image.Image) -> torch.Tensor:
                whole = single(resize(picture))
                return torch.stack([whole, whole.flip(2)])

            self.transform = dense

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.transform(Image.open(self.paths[index]).convert("RGB"))


def forms(network: nn.Module, example: torch.Tensor) -> dict[str, nn.Module]:
    last = network.to(memory_format=torch.channels_last)
    result = {"eager": network, "channels last": last}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result["frozen"] = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, example)))
        except RuntimeError as error:
            print(f"  frozen: {error}", file=sys.stderr)
        try:
            compiled = torch.compile(network)
            compiled(example)
            result["compiled"] = compiled
        except Exception as error:  # noqa: BLE001 - a form that this machine has no compiler for
            print(f"  compiled: {type(error).__name__}", file=sys.stderr)
    return result


def theirs(network: nn.Module, form: str, protocol: str, paths: list[Path], workers: int, group: int) -> float:
    """Pictures a second."""
    loader = torch.utils.data.DataLoader(Views(paths, protocol), batch_size=group, num_workers=workers)
    start, count, sums = None, 0, []
    for batch in loader:
        views = batch.flatten(0, 1)
        if form == "channels last":
            views = views.contiguous(memory_format=torch.channels_last)
        sums.append(network(views).softmax(1).view(len(batch), -1, 1000).mean(1))
        if start is None:
            start = time.perf_counter()
        else:
            count += len(batch)
    return count / (time.perf_counter() - start)


def ours(command: str, model: Path, protocol: str, folders: tuple[Path, Path], threads: int) -> float:
    """Pictures a second: those that the larger folder has more, in the time that it takes more."""
    seconds, counts = [], []
    for folder in folders:
        start = time.perf_counter()
        done = subprocess.run(
            [command, "evaluate", model, "--data", folder, "--split", "1", "--protocol", protocol, "--preset", "imagenet",
             "--threads", str(threads), "--json", "--quiet"],
            capture_output=True, text=True, check=False)  # fmt: skip
        seconds.append(time.perf_counter() - start)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        counts.append(json.loads(done.stdout)["images"])
    return (counts[1] - counts[0]) / (seconds[1] - seconds[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--convnet", default=".build/release/convnet")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--count", type=int, default=48, help="photographs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = folder / "few", folder / "many"
        write_photographs(few, 8, classes=2)
        paths = write_photographs(many, arguments.count + 8, classes=2)
        print("| network | protocol | ConvNet | PyTorch | its form | ratio |\n|---|---|---|---|---|---|")
        for network in arguments.networks.split(","):
            torch.manual_seed(1)
            module = getattr(models, network)(weights=None).eval()
            torch.save(module.state_dict(), folder / f"{network}.pth")
            model = folder / f"{network}.safetensors"
            names = folder / "names.txt"
            names.write_text("\n".join(f"class{index}" for index in range(1000)))
            subprocess.run(
                [arguments.convnet, "convert", folder / f"{network}.pth", model, "--model", NETWORKS[network],
                 "--class-names", names, "--preset", "imagenet", "--quiet"], check=True, stdout=subprocess.DEVNULL)  # fmt: skip
            for protocol in ("10-crop", "dense"):
                own = Dense(module).eval() if protocol == "dense" else module
                group = 6 if protocol == "10-crop" else 8
                example = next(iter(torch.utils.data.DataLoader(Views(paths, protocol), batch_size=group))).flatten(0, 1)
                # A short race finds the form; then both take turns.
                best, winner = 0.0, None
                for form, variant in forms(own, example).items():
                    for workers in (0, 1):
                        rate = theirs(variant, form, protocol, paths[: 4 * group], workers, group)
                        if rate > best:
                            best, winner = rate, (form, variant, workers)
                form, variant, workers = winner
                pairs = []
                for _ in range(arguments.rounds):
                    left = ours(arguments.convnet, model, protocol, (few, many), arguments.threads)
                    pairs.append((left, theirs(variant, form, protocol, paths, workers, group)))
                left, right = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
                ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
                print(
                    f"| {network} | {protocol} | {left:.2f}/s | {right:.2f}/s | {form}, {workers} workers | {ratio:.2f} |",
                    flush=True)  # fmt: skip


if __name__ == "__main__":
    numpy.seterr(all="raise")
    main()
