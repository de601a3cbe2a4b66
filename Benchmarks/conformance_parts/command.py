"""`convnet run --cases`: many runs by one process."""

import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import ml_dtypes

# What .npy files have no type for, and what goes there in its place.
SHORT = {
    np.dtype(getattr(ml_dtypes, name)): wider
    for wider, names in {
        np.int8: ("int4", "int2"),
        np.uint8: ("uint4", "uint2"),
        np.float32: ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn"),
    }.items()
    for name in names
}


@dataclass
class Case:
    """A model, and what it is given."""

    name: str
    model: bytes | Path
    inputs: list
    names: list = field(default_factory=list)


@dataclass
class Outcome:
    """Outputs by name, or why there are none."""

    outputs: dict | None = None
    error: str | None = None


def plain(array) -> bool:
    """Whether an array is of real numbers."""
    return isinstance(array, np.ndarray) and (
        array.dtype.kind in "fiub" or array.dtype.name == "bfloat16" or array.dtype in SHORT)


def read(path, element_type: str):
    array = np.load(path)
    if element_type == "bfloat16":
        return array.view(ml_dtypes.bfloat16)
    for short, wider in SHORT.items():
        if element_type == short.name:
            numbers = array.astype(short)
            # What the type does not have is not rounded here, but shows as another type.
            is_exact = array.dtype == wider and np.array_equal(numbers.astype(wider), array, equal_nan=wider is np.float32)
            return numbers if is_exact else array
    return array


def run(convnet: str, cases: list[Case], threads: int | None = None) -> list[Outcome]:
    """Runs cases, and goes on behind one that ends the process."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        for number, case in enumerate(cases):
            place = Path(folder) / str(number)
            place.mkdir()
            model = case.model
            if isinstance(model, bytes):
                model = place / "model.onnx"
                model.write_bytes(case.model)
            inputs = []
            for index, array in enumerate(case.inputs):
                np.save(place / f"{index}.npy", array.astype(SHORT.get(array.dtype, array.dtype)))
                name = f"{case.names[index]}=" if case.names else ""
                inputs.append(f"{name}{place / f'{index}.npy'}")
            lines.append(json.dumps({"model": str(model), "inputs": inputs, "output": str(place / "results")}))
        while len(outcomes) < len(cases):
            listed = Path(folder) / "cases"
            listed.write_text("\n".join(lines[len(outcomes) :]) + "\n")
            command = [convnet, "run", "--cases", str(listed)]
            if threads:
                command += ["--threads", str(threads)]
            process = subprocess.run(command, capture_output=True, text=True)
            for line in process.stdout.splitlines():
                result = json.loads(line)
                if "error" in result:
                    outcomes.append(Outcome(error=result["error"]))
                else:
                    outputs = {one["name"]: read(one["file"], one["type"]) for one in result["outputs"]}
                    outcomes.append(Outcome(outputs=outputs))
            if len(outcomes) < len(cases):
                tail = process.stderr.strip().splitlines()[-1:] or ["no message"]
                outcomes.append(Outcome(error=f"the process ended with status {process.returncode}: {tail[0]}"))
    return outcomes
