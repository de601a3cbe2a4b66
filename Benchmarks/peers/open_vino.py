"""OpenVINO in float32, with its hint for latency or for throughput, whichever is faster.

Under the throughput hint it computes several requests at once, each of a whole batch; all their
images count. That answers no single request sooner, so at batch 1 it is kind to OpenVINO.
"""

from __future__ import annotations

import sys
from pathlib import Path

from peers.onnx_export import export, onnx_file
from peers.peer import MADE, Case, Peer, run


class OpenVINO(Peer):
    key = "openvino"
    name = "OpenVINO"
    package = "openvino"
    module = "open_vino"

    def variants(self, case: Case) -> list[str]:
        if case.trains:
            return []
        return ["model", "cached model"] if case.starts else ["latency", "throughput"]

    def prepare(self, case: Case) -> None:
        export(case)
        if case.starts and not converted_file(case).exists():
            run([sys.executable, "-m", "peers.open_vino", "--convert",
                 str(onnx_file(case)), str(converted_file(case))], case.threads)

    def start_command(self, case: Case, variant: str) -> list[str]:
        # The first measured start is after a trial, which fills the cache.
        cache = {"CACHE_DIR": str(MADE / "openvino" / "cache")} if variant == "cached model" else {}
        program = START.format(
            path=converted_file(case), image=case.image,
            settings=settings(case.threads, "LATENCY") | cache)
        return [sys.executable, "-c", program]


def converted_file(case: Case) -> Path:
    """The network in OpenVINO's own format."""
    return MADE / "openvino" / onnx_file(case).with_suffix(".xml").name


def settings(threads: int, hint: str) -> dict[str, str | int]:
    return {
        "PERFORMANCE_HINT": hint, "INFERENCE_NUM_THREADS": threads,
        # Else processors with bfloat16 compute in it, and not the same numbers.
        "INFERENCE_PRECISION_HINT": "f32",
    }


START = """
import numpy
import openvino
core = openvino.Core()
model = core.compile_model("{path}", "CPU", {settings})
picture = numpy.random.randint(256, size=(1, *{image})).astype(numpy.float32) / 255
print(int(model(picture)[0].argmax()), flush=True)
"""


def work() -> None:
    import numpy
    import openvino
    from peers.worker import Request

    request = Request.from_arguments()
    case = request.case
    core = openvino.Core()
    network = core.read_model(onnx_file(case))
    network.reshape([case.batch, *case.image])
    model = core.compile_model(network, "CPU", settings(case.threads, request.variant.upper()))
    images = numpy.random.rand(case.batch, *case.image).astype(numpy.float32)
    if request.variant == "latency":
        single = model.create_infer_request()
        single.set_input_tensor(openvino.Tensor(images, shared_memory=True))
        request.measure(single.infer)
        return
    queue = openvino.AsyncInferQueue(model)

    # Starting waits for a request that is idle: when all are busy, as many start as end.
    def step() -> None:
        for _ in range(len(queue)):
            queue.start_async({0: images}, share_inputs=True)

    request.measure(step, images=len(queue) * case.batch)
    queue.wait_all()


def convert(source: str, destination: str) -> None:
    import openvino

    network = openvino.Core().read_model(source)
    network.reshape([1, *list(network.input(0).partial_shape)[1:]])
    Path(destination).parent.mkdir(parents=True, exist_ok=True)
    openvino.save_model(network, destination, compress_to_fp16=False)
    print(destination)


if __name__ == "__main__":
    if sys.argv[1] == "--convert":
        convert(sys.argv[2], sys.argv[3])
    else:
        work()
