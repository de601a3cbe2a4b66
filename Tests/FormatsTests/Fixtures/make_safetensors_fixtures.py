"""Writes small safetensors files with the reference implementation.

Needs torch and safetensors. Run it in this directory.
"""

import torch
from safetensors.torch import save_file

values = torch.arange(6).reshape(2, 3)
kinds = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int64": torch.int64,
    "int32": torch.int32,
    "int16": torch.int16,
    "int8": torch.int8,
    "uint64": torch.uint64,
    "uint32": torch.uint32,
    "uint16": torch.uint16,
    "uint8": torch.uint8,
    "bool": torch.bool,
}
tensors = {name: values.to(kind) for name, kind in kinds.items()}
tensors["scalar"] = torch.tensor(7.5)
tensors["empty"] = torch.zeros(0, 3)
save_file(tensors, "all-types.safetensors", {"format": "pt", "ünï \"quoted\"\n\\": "Käse\t🧀"})
save_file({"x": values.to(torch.float8_e5m2)}, "float8.safetensors")
save_file({}, "nothing.safetensors")
