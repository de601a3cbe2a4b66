"""Trains by one process of two threads and by two processes of one, in turn: `make benchmark-scaling`.

Prints images a second of the last epoch, pair by pair, and the median of their ratios. The pictures are synthetic, in memory, and cost
next to nothing to read.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Tests" / "Processes"))
from test_mpi import Processes, write_data  # noqa: E402

# The network, further options, and samples of a step of all processes together.
CASES = [
    ("lenet5", [], 256, 2),
    ("resnet20", [], 128, 2),
    ("resnet18", ["--input", "112x112"], 32, 1),
]


def rate(trainings: Processes, processes: int, threads: int, case) -> float:
    """Images a second."""
    network, options, batch, epochs = case
    output = f"{network}-{processes}"
    shutil.rmtree(trainings.folder / output, ignore_errors=True)
    trainings.environment["OMP_NUM_THREADS"] = str(threads)
    arguments = ["--model", network, *options, "--data", "bars", "--threads", str(threads)]
    arguments += ["--batch-size", str(batch // processes), "--epochs", str(epochs)]
    trainings.run(processes, *arguments, "--learning-rate", "0.001", "--output", output)
    return trainings.history(output)[-1]["imagesPerSecond"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--convnet", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder / "bars", 1, {"train": 2005, "test": 40})
        trainings = Processes(options.convnet, folder)
        print("network    1 process, 2 threads   2 processes, 1 thread   ratio")
        for case in CASES:
            ratios = []
            for _ in range(options.rounds):
                alone = rate(trainings, 1, 2, case)
                together = rate(trainings, 2, 1, case)
                ratios.append(together / alone)
                print(f"{case[0]:10} {alone:20,.0f} {together:23,.0f} {ratios[-1]:7.2f}", flush=True)
            print(f"{case[0]:10} median of the ratios {statistics.median(ratios):.2f}", flush=True)


if __name__ == "__main__":
    main()
