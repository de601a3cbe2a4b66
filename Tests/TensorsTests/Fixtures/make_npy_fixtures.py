"""Writes small .npy files of every element type, byte order, memory order and format version.

Needs numpy. Run it in this directory.
"""

import numpy as np
from numpy.lib import format as npy

values = np.arange(24).reshape(2, 3, 4)
for name in ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1"]:
    np.save(f"little-{name}.npy", values.astype("<" + name))
for name in ["f8", "f4", "f2", "i8", "i2", "u4"]:
    np.save(f"big-{name}.npy", values.astype(">" + name))
np.save("bool.npy", values % 3 == 0)
np.save("fortran-f4.npy", np.asfortranarray(values.astype("<f4")))
np.save("fortran-big-i2.npy", np.asfortranarray(values.astype(">i2")))
np.save("scalar-f4.npy", np.float32(7))
np.save("vector-f4.npy", np.arange(5, dtype="<f4"))
np.save("empty-f4.npy", np.zeros((0, 3), "<f4"))
np.save("complex.npy", values.astype("<c8"))
np.save("text.npy", np.array(["a", "bc"]))
np.save("record.npy", np.zeros(2, dtype=[("x", "<f4"), ("y", "<i4")]))
for version in [(2, 0), (3, 0)]:
    with open(f"version-{version[0]}.npy", "wb") as file:
        npy.write_array(file, values.astype("<f4"), version=version)
