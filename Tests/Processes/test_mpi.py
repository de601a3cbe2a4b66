"""Trains and measures by several processes that mpirun starts, and compares with one: `make test-mpi`.

Nothing but Python itself is needed. Synthetic pictures, LeNet-5: no statistics over a batch, so that the processes come to what one
comes to.
"""

import argparse
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Of Open MPI: as root, and more processes than processors. MPICH does not read them.
SETTINGS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
}


def write_data(folder: Path, seed: int, counts: dict[str, int]) -> None:
    """Writes pictures of bright bars, one place a class, as IDX files."""
    numbers = random.Random(seed)
    folder.mkdir()
    for part, count in counts.items():
        labels = bytes(index % 10 for index in range(count))
        pixels = bytearray()
        for label in labels:
            for _ in range(28):
                row = bytearray(numbers.randrange(60) for _ in range(28))
                row[2 * label + 3 : 2 * label + 6] = b"\xc8\xc8\xc8"
                pixels += row
        name = {"train": "train", "test": "t10k"}[part]
        (folder / f"{name}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 2051, count, 28, 28) + pixels
        )
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + labels)


def parameters(path: Path) -> dict[str, tuple[float, ...]]:
    """The tensors of a safetensors file of 32-bit floats."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = struct.unpack(f"<{(last - first) // 4}f", data[first:last])
    return tensors


def difference(one: Path, other: Path) -> float:
    """The largest of all parameters."""
    first, second = parameters(one), parameters(other)
    assert first.keys() == second.keys()
    return max(
        abs(x - y) for name, values in first.items() for x, y in zip(values, second[name])
    )


class Processes:
    def __init__(self, command: str, folder: Path):
        self.command = str(Path(command).resolve())
        self.folder = folder
        self.environment = os.environ | SETTINGS | {"OMP_NUM_THREADS": "1"}

    def line(self, count: int, arguments: list[str], program: list[str] | None = None, what="train") -> list[str]:
        start = ["mpirun", "-n", str(count)] if count > 1 else []
        command = what if isinstance(what, list) else [what]
        return start + (program or [self.command]) + [*command, *arguments]

    def run(self, count: int, *arguments: str, status: int | None = 0, program=None, what="train") -> str:
        done = subprocess.run(
            self.line(count, list(arguments), program, what),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        said = done.stdout + done.stderr
        if status is not None and done.returncode != status:
            sys.exit(f"{count} processes, {' '.join(arguments)}: status {done.returncode}\n{said}")
        if status is None and done.returncode == 0:
            sys.exit(f"{count} processes, {' '.join(arguments)}: should have failed\n{said}")
        return said

    def start(self, count: int, *arguments: str, what="train") -> subprocess.Popen:
        return subprocess.Popen(
            self.line(count, list(arguments), what=what),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def model(self, name: str) -> Path:
        return self.folder / name / "model.safetensors"

    def history(self, name: str) -> list[dict]:
        lines = (self.folder / name / "metrics.jsonl").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if entry["kind"] == "epoch"]


def workers(command: str, output: str) -> list[int]:
    """The processes that train into a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if (entry / "exe").resolve() == Path(command) and output.encode() in arguments:
                found.append(int(entry.name))
        except OSError:
            # It has ended, or is another user's.
            continue
    return sorted(found)


def check(condition: bool, what: str) -> None:
    print(("ok      " if condition else "FAILED  ") + what, flush=True)
    if not condition:
        sys.exit(1)


def wait_for(condition, what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited in vain for {what}")
        time.sleep(0.02)


def measure(processes: Processes, model: Path) -> None:
    """What one process measures, several do: the report, tables and numbers are the same bytes."""
    arguments = [str(model), "--data", "bars", "--threads", "1", "--compare", "single,10-crop", "--batch-size", "20"]
    written = ["--predictions", "predictions.csv", "--classes-csv", "classes.csv", "--confusion-csv", "confusion.csv"]
    outcomes = {}
    for count in [1, 2, 3]:
        said = processes.run(count, *arguments, *written, "--json", what="evaluate")
        outcomes[count] = [json.JSONDecoder().raw_decode(said, said.index("{"))[0]] + [
            (processes.folder / name).read_bytes() for name in written[1::2]
        ]
    check(outcomes[1][0] != {} and all(outcomes[1]), "one process measures")
    for count in [2, 3]:
        check(outcomes[count] == outcomes[1], f"{count} processes measure the same, to the byte")

    broken = processes.folder / "broken"
    broken.mkdir()
    (broken / "list.csv").write_text("".join(f"{n}.png,bar {n % 10}\n" for n in range(40)))
    said = processes.run(2, str(model), "--data", str(broken / "list.csv"), what="evaluate", status=None)
    check("broken" in said, "pictures that are not there: refused, and all end")


def draw(processes: Processes, model: Path) -> None:
    """The losses around a network's parameters are the same bytes, shared or not."""
    arguments = [str(model), "--data", "bars", "--threads", "1", "--pictures", "50", "--points", "5"]
    for count in [1, 3]:
        processes.run(count, *arguments, "--output", f"landscape{count}.svg", what=["visualize", "landscape"])
    for ending in ["csv", "svg"]:
        one, three = ((processes.folder / f"landscape{count}.{ending}").read_bytes() for count in [1, 3])
        check(one == three, f"3 processes draw the same landscape ({ending}), to the byte")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--convnet", required=True)
    command = parser.parse_args().convnet
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder / "bars", 1, {"train": 2005, "test": 401})
        write_data(folder / "others", 2, {"train": 2005, "test": 401})
        trainings = Processes(command, folder)
        base = ["--model", "lenet5", "--data", "bars", "--seed", "3", "--threads", "1"]

        trainings.run(1, *base, "--output", "one", "--batch-size", "48", "--epochs", "2")
        for count, size in [(2, 24), (3, 16)]:
            output = f"{count}"
            said = trainings.run(
                count, *base, "--output", output, "--batch-size", str(size), "--epochs", "2"
            )
            check(f"{count} processes by " in said, f"{count} processes: told, with the library")
            most = difference(trainings.model("one"), trainings.model(output))
            check(most < 2e-5, f"{count} processes: no weight differs by more than {most:.1e}")
            for own, other in zip(trainings.history("one"), trainings.history(output)):
                check(
                    all(
                        abs(own[key] - other[key]) < 1e-4
                        for key in ["trainingLoss", "trainingTop1", "validationLoss", "validationTop1"]
                    ),
                    f"{count} processes: the figures of epoch {own['epoch']} are the same",
                )

        trainings.run(2, *base, "--output", "again", "--batch-size", "24", "--epochs", "2")
        check(difference(trainings.model("2"), trainings.model("again")) == 0, "again: the same bytes")

        measure(trainings, trainings.model("one"))
        draw(trainings, trainings.model("one"))

        normalized = ["--model", "resnet20", "--data", "bars", "--seed", "3", "--threads", "1"]
        # At a rate that changes next to nothing: at others rounding grows from step to step, as between two algorithms.
        normalized += ["--epochs", "1", "--learning-rate", "0.000001"]
        trainings.run(1, *normalized, "--output", "alone", "--batch-size", "64")
        trainings.run(2, *normalized, "--output", "joint", "--batch-size", "32", "--sync-batchnorm")
        most = difference(trainings.model("alone"), trainings.model("joint"))
        check(most < 1e-4, f"--sync-batchnorm: no number of ResNet-20 differs by more than {most:.1e}")
        trainings.run(2, *normalized, "--output", "apart", "--batch-size", "32")
        most = difference(trainings.model("alone"), trainings.model("apart"))
        check(most > 1e-3, f"without it the running statistics differ by {most:.1e}")

        trainings.run(4, *base, "--output", "four", "--batch-size", "12", "--epochs", "1")
        said = trainings.run(2, "--resume", "--output", "four", "--epochs", "2", "--threads", "1")
        check("4 processes came so far, 2 go on" in said, "four, then two: told")
        most = difference(trainings.model("one"), trainings.model("four"))
        check(most < 2e-5, f"four, then two: no weight differs by more than {most:.1e}")
        trainings.run(1, "--resume", "--output", "four", "--epochs", "3", "--threads", "1")
        check(len(trainings.history("four")) == 3, "four, then two, then one: three epochs")

        said = trainings.run(2, *base, "--output", "four", "--batch-size", "24", status=None)
        check("--resume" in said, "a folder that is used: refused, and all end")

        script = folder / "differently.sh"
        script.write_text(
            '#!/bin/sh\nrank=${OMPI_COMM_WORLD_RANK:-$PMI_RANK}\n[ "$rank" = 0 ] || set -- "$@" $OTHER\nexec '
            + trainings.command
            + ' "$@"\n'
        )
        script.chmod(0o755)
        for other, words in [
            ("--data others", "the training data of process 1 is"),
            ("--seed 4", "the seed of process 1 is 4, of process 0 3"),
            ("--learning-rate 0.5", "the recipe of process 1 is"),
        ]:
            trainings.environment["OTHER"] = other
            arguments = [*base, "--output", "refused", "--batch-size", "24"]
            flag = other.split()[0]
            if flag in arguments:
                place = arguments.index(flag)
                first = arguments[place : place + 2]
                del arguments[place : place + 2]
                # The last of an option given twice would be an error.
                script.write_text(
                    '#!/bin/sh\nrank=${OMPI_COMM_WORLD_RANK:-$PMI_RANK}\nif [ "$rank" = 0 ]; then set -- "$@" '
                    + " ".join(first)
                    + '; else set -- "$@" $OTHER; fi\nexec '
                    + trainings.command
                    + ' "$@"\n'
                )
            said = trainings.run(2, *arguments, status=None, program=[str(script)])
            check(words in said, f"a process with {other}: refused")

        long = [*base, "--output", "killed", "--batch-size", "4", "--epochs", "400"]
        running = trainings.start(2, *long, "--checkpoint-every", "50")
        checkpoint = folder / "killed" / "checkpoint"
        wait_for(checkpoint.exists, "a checkpoint")
        processes = workers(trainings.command, "killed")
        os.kill(processes[-1], signal.SIGKILL)
        said, _ = running.communicate(timeout=60)
        check(running.returncode != 0, "a process is killed: all end")
        check("signal" in said.lower() or "killed" in said.lower(), "a process is killed: told which")
        epochs = len(trainings.history("killed")) + 1
        trainings.run(2, "--resume", "--output", "killed", "--epochs", str(epochs), "--threads", "1")
        check(len(trainings.history("killed")) == epochs, "a process is killed: the rest goes on")

        running = trainings.start(2, *base, "--output", "stopped", "--batch-size", "4", "--epochs", "400")
        wait_for((folder / "stopped" / "metrics.jsonl").exists, "the first steps")
        time.sleep(0.5)
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=60)
        check(
            (folder / "stopped" / "checkpoint").exists(), "stopped: the state is kept"
        )
        epochs = len(trainings.history("stopped")) + 1
        trainings.run(2, "--resume", "--output", "stopped", "--epochs", str(epochs), "--threads", "1")
        check(len(trainings.history("stopped")) == epochs, "stopped: goes on")


if __name__ == "__main__":
    main()
