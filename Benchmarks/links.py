"""Trains by two machines that a limited link joins, beside PyTorch's DistributedDataParallel on the same: `make benchmark-links`.

The machines are network namespaces of this one, with a processor each, and the link is a pair of virtual interfaces that `tc`
limits. Our pictures are grey and read from a file, PyTorch's have three channels and lie in memory. Needs root, iproute2 and Open
MPI. Prints the time of a step alone and by two over each link, beside what the formula of
docs/scaling.md expects, and the bytes that a machine sent beside the least that an all-reduce can send.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCHMARKS.parent / "Tests" / "Processes"))
from test_mpi import SETTINGS, write_data  # noqa: E402

ADDRESSES = ("10.77.0.1", "10.77.0.2")
MACHINES = ("convnet-machine-0", "convnet-machine-1")
# The network, the side of its pictures, and the samples of a machine's step.
CASES = {
    "resnet20": ("resnet20", 32, 64),
    "resnet18": ("resnet18-torchvision", 112, 16),
}
SAMPLES = {"resnet20": 2560, "resnet18": 320}
# Of a packet of 1,500 bytes on Ethernet, what Ethernet, IP and TCP add.
OVERHEAD = 1514 / 1448


def call(*line: str) -> str:
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(line)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def remove_machines() -> None:
    for machine in MACHINES:
        subprocess.run(["ip", "netns", "del", machine], capture_output=True, check=False)


@contextlib.contextmanager
def machines():
    """Two namespaces, and a link between them."""
    remove_machines()  # of a run that was killed
    try:
        for machine in MACHINES:
            call("ip", "netns", "add", machine)
        call("ip", "link", "add", "link0", "netns", MACHINES[0], "type", "veth", "peer", "name", "link1", "netns", MACHINES[1])
        for index, machine in enumerate(MACHINES):
            call("ip", "-n", machine, "address", "add", f"{ADDRESSES[index]}/24", "dev", f"link{index}")
            for device in (f"link{index}", "lo"):
                call("ip", "-n", machine, "link", "set", device, "up")
        yield
    finally:
        remove_machines()


def limit(rate: str) -> None:
    """Lets each side send so much: a rate as `tc` writes it."""
    for index, machine in enumerate(MACHINES):
        subprocess.run(["tc", "-n", machine, "qdisc", "del", "dev", f"link{index}", "root"], capture_output=True, check=False)
        call("tc", "-n", machine, "qdisc", "add", "dev", f"link{index}", "root", "tbf", "rate", rate, "burst", "128kb", "latency", "50ms")


def sent() -> int:
    """Bytes that the first machine has sent."""
    shown = json.loads(call("ip", "-n", MACHINES[0], "-s", "-json", "link", "show", "link0"))
    return shown[0]["stats64"]["tx"]["bytes"]


class ConvNet:
    def __init__(self, command: str, folder: Path) -> None:
        self.command, self.folder = str(Path(command).resolve()), folder
        self.environment = os.environ | SETTINGS | {"OMP_NUM_THREADS": "1"}
        # What mpirun calls instead of ssh: the address, then the command.
        self.agent = folder / "agent"
        self.agent.write_text(
            f"#!/bin/sh\nshift\nexec ip netns exec {MACHINES[1]} unshare --uts "
            f"sh -c 'hostname {MACHINES[1]}; exec taskset -c 1 sh -c \"$1\"' agent \"$*\"\n"
        )
        self.agent.chmod(0o755)

    def train(self, case: str, count: int) -> tuple[float, float]:
        """Seconds of a step in the last epoch, and bytes that a machine sent a step."""
        network, side, batch = CASES[case]
        start = ["taskset", "-c", "0"]
        if count > 1:
            start = ["ip", "netns", "exec", MACHINES[0], *start, "mpirun", "-n", str(count)]
            start += ["--host", ",".join(f"{address}:1" for address in ADDRESSES), "--bind-to", "none"]
            for name, value in (("plm_rsh_agent", str(self.agent)), ("btl", "tcp,self"), ("pml", "ob1")):
                start += ["--mca", name, value]
        output = self.folder / "run"
        shutil.rmtree(output, ignore_errors=True)
        epochs = 2
        line = [self.command, "train", "--quiet", "--model", network, "--input", f"{side}x{side}", "--data", str(self.folder / "bars")]
        line += ["--threads", "1", "--batch-size", str(batch), "--epochs", str(epochs), "--learning-rate", "0.001", "--tune", "off"]
        before = sent()
        done = subprocess.run(start + line + ["--output", str(output)], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
        entries = map(json.loads, (output / "metrics.jsonl").read_text().splitlines())
        rate = [entry for entry in entries if entry["kind"] == "epoch"][-1]["imagesPerSecond"]
        steps = epochs * SAMPLES[case] // (batch * count)
        return batch * count / rate, (sent() - before) / steps


def pytorch(python: str, case: str, folder: Path) -> float:
    """Seconds of a step of both machines, in the better order of channels."""
    network, side, batch = CASES[case]
    times = []
    for form in ("contiguous", "channels-last"):
        workers = []
        for rank, machine in enumerate(MACHINES):
            environment = os.environ | {
                "MASTER_ADDR": ADDRESSES[0], "MASTER_PORT": "29501", "RANK": str(rank), "WORLD_SIZE": str(len(MACHINES)),
                "GLOO_SOCKET_IFNAME": f"link{rank}", "OMP_NUM_THREADS": "1",
            }  # fmt: skip
            workers.append(
                subprocess.Popen(
                    ["ip", "netns", "exec", machine, "taskset", "-c", str(rank), Path(python).absolute(), str(BENCHMARKS / "links_pytorch.py"),
                     network, str(side), str(batch), form],
                    env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
            )  # fmt: skip
        said = [worker.communicate() for worker in workers]
        if any(worker.returncode for worker in workers):
            raise RuntimeError("\n".join(error for _, error in said))
        times.append(float(said[0][0]))
        time.sleep(0.5)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--convnet", required=True, help="built with MPI")
    parser.add_argument("--python", help="one with PyTorch; without it PyTorch is not measured")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--rates", default="100mbit,1gbit,10gbit")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("tc") or not shutil.which("mpirun"):
        sys.exit("network namespaces need root, iproute2 and Open MPI")
    with tempfile.TemporaryDirectory() as name, machines():
        folder = Path(name)
        convnet = ConvNet(options.convnet, folder)
        print("network  | link     | alone | expected | overlapped | two machines | sent, of the least | PyTorch | times as fast")
        print("---------|---------:|------:|---------:|-----------:|-------------:|-------------------:|--------:|-------------:")
        for case in options.cases.split(","):
            network, side, batch = CASES[case]
            shutil.rmtree(folder / "bars", ignore_errors=True)
            write_data(folder / "bars", 1, {"train": SAMPLES[case], "test": 10})
            size = parameter_bytes(options.convnet, network)
            alone = statistics.median(convnet.train(case, 1)[0] for _ in range(options.rounds))
            for rate in options.rates.split(","):
                limit(rate)
                ours, traffic, theirs = [], [], []
                for _ in range(options.rounds):
                    seconds, count = convnet.train(case, 2)
                    ours.append(seconds)
                    traffic.append(count)
                    if options.python:
                        theirs.append(pytorch(options.python, case, folder))
                # Two machines send all gradients once each: 2 (n - 1) / n.
                wire = size * OVERHEAD / bytes_a_second(rate)
                ratio = statistics.median(b / a for a, b in zip(ours, theirs)) if theirs else 0
                print(
                    f"{case:8} | {rate:>8} | {1e3 * alone:5.0f} | {1e3 * (alone + wire):8.0f} | {1e3 * max(alone, wire):10.0f} | "
                    f"{1e3 * statistics.median(ours):12.0f} | {statistics.median(traffic) / size:18.3f} | "
                    + (f"{1e3 * statistics.median(theirs):7.0f} | {ratio:.2f}" if theirs else "        |"),
                    flush=True,
                )


def bytes_a_second(rate: str) -> float:
    for unit, factor in (("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9)):
        if rate.endswith(unit):
            return float(rate.removesuffix(unit)) * factor / 8
    raise ValueError(f"{rate}: a rate ends with kbit, mbit or gbit")


def parameter_bytes(command: str, network: str) -> int:
    """Of the gradients: four bytes a parameter, with ten classes."""
    summary = json.loads(call(command, "summary", network, "--classes", "10", "--json"))
    return 4 * summary["parameters"]


if __name__ == "__main__":
    main()
