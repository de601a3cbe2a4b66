"""Sets the optimizers' kernels beside PyTorch's optimizers and the memory's rate, on the parameters of ResNet-50.

`make benchmark-optimizers` compiles the program that measures ours. PyTorch runs its `foreach` and its `fused` form, and the
better one counts. Both take turns in one run; ratios above 1 are ours being faster.
"""

import argparse
import statistics
import subprocess
import time

import torch
from peers.torchvision_models import models



def seconds(make, parameters, runs=15):
    """The best of PyTorch's forms: (median seconds of an update, the form)."""
    best = (float("inf"), "none")
    for form in ("foreach", "fused"):
        try:
            optimizer = make(parameters, **{form: True})
            times = []
            for _ in range(runs):
                start = time.perf_counter()
                optimizer.step()
                times.append(time.perf_counter() - start)
        except (RuntimeError, TypeError, ValueError):
            continue
        best = min(best, (statistics.median(times[2:]), form))
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=".build/optimizer-benchmark")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    parameters = list(models.resnet50().parameters())
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter) * 1e-3
    sizes = "\n".join(str(parameter.numel()) for parameter in parameters)
    optim = torch.optim
    theirs = {
        "sgd": lambda p, **form: optim.SGD(p, 1e-3, momentum=0.9, weight_decay=1e-4, **form),
        "nesterov": lambda p, **form: optim.SGD(p, 1e-3, momentum=0.9, weight_decay=1e-4, nesterov=True, **form),
        "rmsprop": lambda p, **form: optim.RMSprop(p, 1e-3, alpha=0.9, momentum=0.9, eps=1, weight_decay=1e-4, **form),
        "adamw": lambda p, **form: optim.AdamW(p, 1e-3, weight_decay=0.01, **form),
    }
    count = sum(parameter.numel() for parameter in parameters)
    rows = {}
    copies = []
    for _ in range(3):
        output = subprocess.run(
            [arguments.program, str(arguments.threads)], input=sizes, text=True, capture_output=True, check=True
        ).stdout
        for line in output.splitlines():
            name, *numbers = line.split()
            if name == "copy":
                copies.append(float(numbers[0]))
            else:
                rows.setdefault(name, []).append((float(numbers[0]), int(numbers[1])))
        for name, make in theirs.items():
            rows[name][-1] += seconds(make, parameters)
    copy = statistics.median(copies)
    print(f"ResNet-50, {count:,} parameters, {arguments.threads} threads; copies {copy / 1e9:.1f} GB/s")
    print("optimizer     ms    GB/s  of copies  PyTorch ms  form     times as fast")
    for name, runs in rows.items():
        ours = statistics.median(run[0] for run in runs)
        rate = 4 * runs[0][1] * count / ours
        line = f"{name:12} {ours * 1e3:5.1f}  {rate / 1e9:5.1f}  {rate / copy:9.2f}"
        if len(runs[0]) > 2:
            other = statistics.median(run[2] for run in runs)
            line += f"  {other * 1e3:10.1f}  {runs[0][3]:7}  {other / ours:5.2f}"
        print(line)


if __name__ == "__main__":
    main()
