"""Compares the deep image prior with the same network in PyTorch: speed and memory in turn, and the quality of a fit.

    python Benchmarks/prior.py --convnet .build/release/convnet speed [--size 256] [--channels 128] [--rounds 5]
    python Benchmarks/prior.py --convnet .build/release/convnet denoise --picture photograph.png [--iterations 1000]
    python Benchmarks/prior.py pictures --output folder

`speed` measures pairs, ConvNet and then each variant of PyTorch, every one in a process of its own, so that what else the
machine does hits both. `denoise` adds Gaussian noise to a picture, takes one step in ConvNet, and goes on from that state in
both: the same network, parameters, Adam's memory and input. Only the numbers that are added to the input differ. `pictures` makes those of docs/experiments.md, of
photographs that scikit-image has.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def network_options(options):
    return ["--channels", str(options.channels), "--scales", str(options.scales)]


def run_convnet(options, picture, *arguments):
    """The JSON result of a fit, and the largest memory of its process in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        output = subprocess.run(
            [options.convnet, "prior", "denoise", picture, "--output", f"{folder}/o.png", "--json", "--quiet",
             "--patience", "0", "--threads", str(options.threads), *network_options(options), *arguments],
            check=True, capture_output=True, text=True,
        ).stdout
    return json.loads(output)


def torch_fit(options, target, state, iterations, form, reference=None, report=None):
    """Steps in this process: seconds a step, and the average of the outputs."""
    import torch

    sys.path.insert(0, HERE)
    from prior_network import PriorNetwork, input_noise

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    channels = [options.channels] * options.scales
    network = PriorNetwork(outputs=target.shape[1], down=channels, skip=[4] * options.scales)
    height, width = target.shape[2:]
    base = torch.from_numpy(input_noise(32, height, width, 0))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    average, first = None, 0
    if state is not None:
        network.load(state)
        # Adam's memory after ConvNet's first step.
        memory = {slot: PriorNetwork(outputs=target.shape[1], down=channels, skip=[4] * options.scales)
                  for slot in ["mean", "squares"]}
        for slot, values in memory.items():
            values.load(state, f"slot/{slot}/")
        kept = {slot: dict(values.named_parameters()) for slot, values in memory.items()}
        for name, parameter in network.named_parameters():
            optimizer.state[parameter] = {
                "step": torch.tensor(1.0), "exp_avg": kept["mean"][name].detach().clone(),
                "exp_avg_sq": kept["squares"][name].detach().clone(),
            }
        average, first = torch.from_numpy(np.asarray(state["average"])).reshape(target.shape), 1
    goal = torch.from_numpy(target)
    if "last" in form:
        network = network.to(memory_format=torch.channels_last)
        base = base.to(memory_format=torch.channels_last)
        goal = goal.to(memory_format=torch.channels_last)
    run = torch.compile(network) if "compiled" in form else network
    noise = torch.empty_like(base)
    times = []
    for iteration in range(first, iterations):
        begin = time.perf_counter()
        optimizer.zero_grad()
        output = run(base + noise.normal_() / 30)
        loss = ((output - goal) ** 2).mean()
        loss.backward()
        optimizer.step()
        output = output.detach()
        average = output if average is None else 0.99 * average + 0.01 * output
        times.append(time.perf_counter() - begin)
        if report and (iteration + 1) % 100 == 0:
            report(iteration + 1, average.numpy())
    return times, average.numpy()


def speed(options):
    from PIL import Image

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        picture = f"{folder}/p.png"
        Image.fromarray(rng.integers(0, 256, (options.size, options.size, 3), dtype=np.uint8)).save(picture)
        forms = options.forms.split(",")
        rates = {name: [] for name in ["convnet"] + forms}
        memory = {}
        for _ in range(options.rounds):
            result = run_convnet(options, picture, "--iterations", str(options.steps))
            rates["convnet"].append(result["iterationsPerSecond"])
            memory["convnet"] = result["peakMemoryBytes"]
            for form in forms:
                worker = subprocess.run(
                    [sys.executable, __file__, "--convnet", options.convnet, "--threads", str(options.threads), "worker",
                     "--form", form, "--size", str(options.size), "--channels", str(options.channels), "--scales",
                     str(options.scales), "--steps", str(options.steps)],
                    check=True, capture_output=True, text=True,
                )
                measured = json.loads(worker.stdout)
                rates[form].append(measured["rate"])
                memory[form] = measured["memory"]
            print({name: [round(rate, 3) for rate in values] for name, values in rates.items()}, flush=True)
    for form in forms:
        ratios = [a / b for a, b in zip(rates["convnet"], rates[form])]
        print(f"{form}: {statistics.median(rates[form]):.3f} steps/s, {memory[form] / 1e6:.0f} MB; ConvNet "
              f"{statistics.median(rates['convnet']):.3f} steps/s, {memory['convnet'] / 1e6:.0f} MB: "
              f"{statistics.median(ratios):.2f} times as fast (pairs {min(ratios):.2f} to {max(ratios):.2f}), "
              f"{memory['convnet'] / memory[form]:.2f} of the memory")


def worker(options):
    rng = np.random.default_rng(0)
    target = rng.random((1, 3, options.size, options.size), dtype=np.float32)
    times, _ = torch_fit(options, target, None, options.steps + 2, options.form)
    rate = 1 / statistics.median(times[2:])
    print(json.dumps({"rate": rate, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def denoise(options):
    from PIL import Image
    from safetensors.numpy import load_file

    truth = np.asarray(Image.open(options.picture).convert("RGB"))
    rng = np.random.default_rng(0)
    noisy = np.clip(np.round(truth + rng.normal(0, 25, truth.shape)), 0, 255).astype(np.uint8)
    clean = truth.astype(np.float32).transpose(2, 0, 1)[None] / 255
    psnr = lambda x: -10 * np.log10(np.mean((x.astype(np.float64) - clean) ** 2))
    target = noisy.astype(np.float32).transpose(2, 0, 1)[None] / 255
    print(f"noisy {psnr(target):.2f} dB", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        Image.fromarray(noisy).save(f"{folder}/noisy.png")
        state = f"{folder}/state"
        run_convnet(options, f"{folder}/noisy.png", "--iterations", "1", "--checkpoint", state)
        begun = load_file(state)
        if "convnet" in options.only:
            result = run_convnet(
                options, f"{folder}/noisy.png", "--iterations", str(options.iterations), "--checkpoint", state, "--resume",
                "--reference", options.picture)
            print(f"ConvNet {result['psnr']:.2f} dB after {result['iterations']} steps, best {result['bestPsnr']:.2f} at "
                  f"{result['bestIteration']}, {result['seconds']:.0f} s", flush=True)
        if "pytorch" in options.only:
            begin = time.time()
            _, average = torch_fit(
                options, target, begun, options.iterations, "plain",
                report=lambda at, x: print(f"PyTorch {psnr(x):.2f} dB after {at} steps", flush=True))
            print(f"PyTorch {psnr(average):.2f} dB after {options.iterations} steps, {time.time() - begin:.0f} s")


def pictures(options):
    import skimage.data
    from PIL import Image, ImageDraw, ImageFont

    os.makedirs(options.output, exist_ok=True)
    rng = np.random.default_rng(0)
    mask = Image.new("L", (256, 256), 255)
    draw, font = ImageDraw.Draw(mask), ImageFont.load_default(11)
    text = 2 * "the structure of a network is a prior of natural pictures and needs no other "
    for line, top in enumerate(range(6, 250, 19)):
        first = 13 * line % 70
        draw.text((3, top), text[first : first + 46], fill=0, font=font)
    mask = mask.point(lambda level: 0 if level < 128 else 255)
    mask.save(f"{options.output}/mask.png")
    for name, pixels in [("astronaut", skimage.data.astronaut()), ("chelsea", skimage.data.chelsea()[10:290, 110:390])]:
        picture = Image.fromarray(pixels).resize((256, 256), Image.LANCZOS)
        picture.save(f"{options.output}/{name}.png")
        picture.resize((64, 64), Image.LANCZOS).save(f"{options.output}/{name}-small.png")
        truth = np.asarray(picture)
        noisy = np.clip(np.round(truth + rng.normal(0, 25, truth.shape)), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(f"{options.output}/{name}-noisy.png")
        written = truth.copy()
        written[np.asarray(mask) == 0] = 255
        Image.fromarray(written).save(f"{options.output}/{name}-text.png")
        picture.resize((32, 32), Image.LANCZOS).save(f"{options.output}/{name}-tiny.png")
    # A square hole in the fur.
    hole = Image.new("L", (256, 256), 255)
    ImageDraw.Draw(hole).rectangle((150, 10, 213, 73), fill=0)
    hole.save(f"{options.output}/hole.png")
    pixels = np.asarray(Image.open(f"{options.output}/chelsea.png")).copy()
    pixels[np.asarray(hole) == 0] = 128
    Image.fromarray(pixels).save(f"{options.output}/chelsea-hole.png")
    # One scene in two lights, made of one photograph: a weak warm one from the left, in which the picture is noisy, and a flash.
    scene = np.asarray(Image.fromarray(skimage.data.coffee()[50:400, 120:470]).resize((256, 256), Image.LANCZOS)).astype(float)
    rows, columns = np.mgrid[0:256, 0:256] / 255
    warm = scene * np.array([0.9, 0.65, 0.4]) * (1 - 0.5 * columns)[:, :, None]
    flash = scene * np.array([0.95, 0.98, 1]) * (1.1 - 0.8 * ((rows - 0.5) ** 2 + (columns - 0.5) ** 2))[:, :, None]
    dark = warm + rng.normal(0, 25, warm.shape)
    for name, levels in [("warm", warm), ("flash", flash), ("dark", dark)]:
        Image.fromarray(np.clip(np.round(levels), 0, 255).astype(np.uint8)).save(f"{options.output}/coffee-{name}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--convnet", default=".build/release/convnet")
    parser.add_argument("--threads", type=int, default=2)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ["speed", "worker", "denoise"]:
        command = commands.add_parser(name)
        command.add_argument("--channels", type=int, default=128)
        command.add_argument("--scales", type=int, default=5)
        command.add_argument("--size", type=int, default=256)
        command.add_argument("--steps", type=int, default=6)
        command.add_argument("--rounds", type=int, default=3)
        command.add_argument("--forms", default="plain,channels-last")
        command.add_argument("--form", default="plain")
        command.add_argument("--picture")
        command.add_argument("--only", default="convnet,pytorch")
        command.add_argument("--iterations", type=int, default=1000)
    commands.add_parser("pictures").add_argument("--output", default="runs/prior")
    options = parser.parse_args()
    {"speed": speed, "worker": worker, "denoise": denoise, "pictures": pictures}[options.command](options)


if __name__ == "__main__":
    main()
