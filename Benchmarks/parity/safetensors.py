"""The format: an eight-byte length, a JSON table of types, shapes and offsets, and the bytes."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy


def write(tensors: dict[str, numpy.ndarray], path: Path) -> None:
    header: dict[str, dict] = {}
    parts: list[bytes] = []
    offset = 0
    for name, tensor in tensors.items():
        data = numpy.ascontiguousarray(tensor, dtype="<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        offset += len(data)
        parts.append(data)
    table = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(table)) + table + b"".join(parts))


def read(path: Path) -> tuple[dict[str, numpy.ndarray], dict[str, str]]:
    """The tensors, all of float32, and the metadata."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = numpy.frombuffer(data[first:last], dtype="<f4").reshape(entry["shape"])
    return tensors, metadata
