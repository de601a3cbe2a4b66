"""Holds the reader of ONNX files to ONNX's own test suite, to the networks that its package carries, and to exports of PyTorch.

    conformance.py --convnet .build/release/convnet [--parts suite light exports photographs] [--filter TEXT] [--verbose]

`make conformance` makes the environment. Nothing is downloaded beside it.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from conformance_parts import exports, light, photographs, suite  # noqa: E402

PARTS = {"suite": suite.run, "light": light.run, "exports": exports.run, "photographs": photographs.run}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--convnet", default=".build/release/convnet")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--filter", default="", help="cases whose name has this text")
    parser.add_argument("--verbose", action="store_true", help="tell of every case that is not passed")
    options = parser.parse_args()
    failures = 0
    for part in options.parts:
        failures += PARTS[part](options)
        print(flush=True)
    if failures:
        print(f"{failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
