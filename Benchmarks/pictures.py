"""Compares decoding and resizing with Pillow: `make parity` their results, `make benchmark-pictures` their speed.

Parity: pictures of random extents are decoded (JPEG of every kind) and resized (all filters, parts between pixels,
grey, color, alpha, floating point). Everything must be equal, floating point within 1e-3 of 255. The exit code is 1
where something is not.

Speed: one thread on either side, in turn, some rounds; the medians of all repetitions are compared. Photographs are
made from a seed: smooth noise of many scales, edges, and grain. Both sides read the file each time, and neither
keeps pixels between the repetitions.

Needs: a release build of ConvNet, `pip install pillow numpy`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy
import PIL
from PIL import Image, ImageFile

from photographs import photograph

ROOT = Path(__file__).resolve().parents[1]
FILTERS = {
    "box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS,
}
# Pillow writes progressive files at once, and must have room for them.
ImageFile.MAXBLOCK = 1 << 24


class ConvNet:
    """The process that does the jobs of this side."""

    def __init__(self, command: Path) -> None:
        self.process = subprocess.Popen([command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> ConvNet:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait()

    def run(self, **job: object) -> dict:
        self.process.stdin.write(json.dumps(job, default=str) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process failed at {job}")
        return json.loads(answer)

    def pixels(self, folder: Path, **job: object) -> numpy.ndarray:
        output = folder / "result"
        answer = self.run(**job, decodes=False, repeats=1, output=output)
        values = numpy.fromfile(output, dtype="<f4" if job.get("isFloat") else "u1")
        return values.reshape(answer["height"], answer["width"], answer["channels"])


def as_array(picture: Image.Image) -> numpy.ndarray:
    values = numpy.asarray(picture)
    return values if values.ndim == 3 else values[..., None]


def check_resizing(us: ConvNet, folder: Path, generator: numpy.random.Generator, count: int) -> int:
    """Returns how many differ."""
    failures = 0
    for index in range(count):
        height, width, new_height, new_width = (int(n) for n in generator.integers(1, 300, 4))
        mode = ["RGB", "L", "RGBA", "F"][index % 4]
        name = list(FILTERS)[index // 4 % 4]
        channels = {"RGB": 3, "RGBA": 4}.get(mode, 1)
        values = generator.integers(0, 256, (height, width, channels)).astype(numpy.uint8)
        picture = Image.fromarray(values if channels > 1 else values[..., 0])
        source = folder / "picture.png"
        picture.save(source, compress_level=0)
        box = None
        if index % 3 == 0:
            # Quarters of pixels are exact in every precision.
            left, top = generator.integers(0, 2 * width) / 4, generator.integers(0, 2 * height) / 4
            right = width - generator.integers(0, 2 * width - 1) / 4
            bottom = height - generator.integers(0, 2 * height - 1) / 4
            box = (float(left), float(top), float(right), float(bottom))
        theirs = as_array(picture.convert(mode).resize((new_width, new_height), FILTERS[name], box=box))
        ours = us.pixels(
            folder, file=source, height=new_height, width=new_width, filter=name, box=box, isFloat=mode == "F")
        gap = numpy.abs(ours.astype(numpy.float64) - theirs).max() if ours.shape == theirs.shape else numpy.inf
        if not gap <= (1e-3 if mode == "F" else 0):
            print(f"{mode} {name} {height}x{width} to {new_height}x{new_width}, box {box}: differs by {gap}")
            failures += 1
    return failures


def check_decoding(us: ConvNet, folder: Path, generator: numpy.random.Generator, count: int) -> int:
    """Returns how many differ."""
    failures = 0
    for index in range(count):
        height, width = (int(n) for n in generator.integers(1, 400, 2))
        picture = Image.fromarray(photograph(generator, height, width))
        mode = ["RGB", "RGB", "L", "CMYK"][index % 4]
        options = {
            "quality": int(generator.integers(20, 100)), "subsampling": index % 3, "progressive": index % 2 == 1,
            "restart_marker_blocks": 3 * (index % 5 == 0),
        }
        source = folder / "picture.jpg"
        picture.convert(mode).save(source, **options)
        theirs = Image.open(source)
        theirs = as_array(theirs.convert("RGB") if mode == "CMYK" else theirs)
        ours = us.pixels(folder, file=source)
        left, top = int(generator.integers(0, width)), int(generator.integers(0, height))
        right, bottom = int(generator.integers(left, width)) + 1, int(generator.integers(top, height)) + 1
        part = us.pixels(folder, file=source, part=(left, top, right, bottom))
        same = numpy.array_equal(ours, theirs) and numpy.array_equal(part, theirs[top:bottom, left:right])
        if not same:
            print(f"JPEG {mode} {height}x{width} {options}: differs")
            failures += 1
    return failures


def parity(us: ConvNet, count: int) -> int:
    generator = numpy.random.default_rng(42)
    failures = 0
    with tempfile.TemporaryDirectory(prefix="convnet-pictures-") as name:
        folder = Path(name)
        for what, check in (("resized pictures", check_resizing), ("decoded JPEG files", check_decoding)):
            failed = check(us, folder, generator, count)
            print(f"{count} {what}, Pillow {PIL.__version__}: {failed} differ")
            failures += failed
    return 1 if failures else 0


def repeated(work: Callable[[], object], repeats: int) -> list[float]:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def opened(path: Path, draft: tuple[int, int] | None = None) -> Image.Image:
    picture = Image.open(path)
    if draft:
        picture.draft("RGB", draft)
    picture.load()
    return picture


def benchmark(us: ConvNet, rounds: int, repeats: int) -> int:
    generator = numpy.random.default_rng(7)
    rows: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory(prefix="convnet-pictures-") as name:
        small, large, lossless = (Path(name) / file for file in ("small.jpg", "large.jpg", "small.png"))
        picture = Image.fromarray(photograph(generator, 400, 500))
        picture.save(small, quality=90)
        picture.save(lossless)
        Image.fromarray(photograph(generator, 2000, 3000)).save(large, quality=90)

        def compare(title: str, theirs: Callable[[], object], share: int = 1, **job: object) -> None:
            ours_seconds: list[float] = []
            their_seconds: list[float] = []
            for _ in range(rounds):
                ours_seconds += us.run(**job, repeats=max(repeats // share, 3))["seconds"]
                their_seconds += repeated(theirs, max(repeats // share, 3))
            rows.append((title, statistics.median(ours_seconds), statistics.median(their_seconds)))

        for kind in FILTERS:
            compare(
                f"resize 500x400 to 320x256, {kind}",
                lambda kind=kind: picture.resize((320, 256), FILTERS[kind]),
                file=lossless, decodes=False, height=256, width=320, filter=kind)
        compare(
            "resize a part of 300x250 to 224x224, bilinear",
            lambda: picture.resize((224, 224), FILTERS["bilinear"], box=(90, 70, 390, 320)),
            file=lossless, decodes=False, height=224, width=224, filter="bilinear", box=(90, 70, 390, 320))
        compare(
            "resize 500x400 to 1000x800, bicubic", lambda: picture.resize((1000, 800), FILTERS["bicubic"]), 4,
            file=lossless, decodes=False, height=800, width=1000, filter="bicubic")
        compare("decode JPEG 500x400", lambda: opened(small), file=small, decodes=True)
        compare("decode PNG 500x400", lambda: opened(lossless), file=lossless, decodes=True)
        compare(
            "decode a part of 250x200 of JPEG 500x400", lambda: opened(small).crop((120, 90, 370, 290)),
            file=small, decodes=True, part=(120, 90, 370, 290))
        compare(
            "decode JPEG 500x400, resize to 256", lambda: opened(small).resize((320, 256), FILTERS["bilinear"]),
            file=small, decodes=True, shorterSide=256, filter="bilinear")
        compare(
            "decode JPEG 3000x2000, resize to 256",
            lambda: opened(large).resize((384, 256), FILTERS["bilinear"]), 20,
            file=large, decodes=True, shorterSide=256, filter="bilinear")
        compare(
            "the same, decoded at a part of its size",
            lambda: opened(large, (768, 512)).resize((384, 256), FILTERS["bilinear"]), 20,
            file=large, decodes=True, shorterSide=256, filter="bilinear", shrinks=True)
        print(f"one thread, Pillow {PIL.__version__}; photographs of {small.stat().st_size // 1000} and "
              f"{large.stat().st_size // 1000} kB")
    print(f"{'':<48}  {'ConvNet':>10}  {'Pillow':>10}  {'ratio':>5}")
    for title, ours, theirs in rows:
        print(f"{title:<48}  {ours * 1e3:>7.3f} ms  {theirs * 1e3:>7.3f} ms  {theirs / ours:>5.1f}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("what", choices=["parity", "benchmark"])
    parser.add_argument("--jobs", type=Path, default=ROOT / ".build" / "release" / "PictureJobs")
    parser.add_argument("--count", type=int, default=400, help="pictures to compare")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=40, help="repetitions of a round")
    arguments = parser.parse_args()
    if not arguments.jobs.exists():
        parser.error(f"{arguments.jobs} does not exist: run `make build` first")
    with ConvNet(arguments.jobs) as us:
        if arguments.what == "parity":
            return parity(us, arguments.count)
        return benchmark(us, arguments.rounds, arguments.repeats)


if __name__ == "__main__":
    sys.exit(main())
