"""ONNX Runtime: all of its optimizations, sequential execution, the batch fixed in the graph."""

from __future__ import annotations

import sys
from pathlib import Path

from peers.onnx_export import export, onnx_file
from peers.peer import Case, Peer, has_no_more, run


class ONNXRuntime(Peer):
    key = "onnxruntime"
    name = "ONNX Runtime"
    package = "onnxruntime"
    module = "onnx_runtime"

    def variants(self, case: Case) -> list[str]:
        if case.trains:
            return []
        if case.instructions and not has_no_more(case.instructions):
            return []
        return ["model", "optimized model"] if case.starts else ["all optimizations"]

    def prepare(self, case: Case) -> None:
        export(case)
        if case.starts and not optimized_file(case).exists():
            run([sys.executable, "-m", "peers.onnx_runtime", "--optimize",
                 str(onnx_file(case)), str(optimized_file(case))], case.threads)

    def start_command(self, case: Case, variant: str) -> list[str]:
        is_optimized = variant == "optimized model"
        program = START.format(
            path=optimized_file(case) if is_optimized else onnx_file(case),
            level="ORT_DISABLE_ALL" if is_optimized else "ORT_ENABLE_ALL",
            image=case.image, threads=case.threads)
        return [sys.executable, "-c", program]


def optimized_file(case: Case) -> Path:
    """The graph as ONNX Runtime's optimizations leave it on this machine."""
    return onnx_file(case).with_suffix(".optimized.onnx")


START = """
import numpy
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = {threads}
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.{level}
session = onnxruntime.InferenceSession("{path}", options, providers=["CPUExecutionProvider"])
picture = numpy.random.randint(256, size=(1, *{image})).astype(numpy.float32) / 255
print(int(session.run(None, {{"images": picture}})[0].argmax()), flush=True)
"""


def work() -> None:
    import numpy
    import onnxruntime
    from peers.worker import Request

    request = Request.from_arguments()
    case = request.case
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = case.threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_free_dimension_override_by_name("batch", case.batch)
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    session = onnxruntime.InferenceSession(
        str(onnx_file(case)), options, providers=["CPUExecutionProvider"])
    # Bound once, so that a run neither copies nor allocates input and output.
    images = numpy.random.rand(case.batch, *case.image).astype(numpy.float32)
    logits = numpy.zeros((case.batch, case.classes), numpy.float32)
    binding = session.io_binding()
    binding.bind_ortvalue_input("images", onnxruntime.OrtValue.ortvalue_from_numpy(images))
    binding.bind_ortvalue_output("logits", onnxruntime.OrtValue.ortvalue_from_numpy(logits))
    request.measure(lambda: session.run_with_iobinding(binding))


def optimize(source: str, destination: str) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_free_dimension_override_by_name("batch", 1)
    options.optimized_model_filepath = destination
    # Says that the file fits this machine only, which is what is wanted.
    options.log_severity_level = 3
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    print(destination)


if __name__ == "__main__":
    if sys.argv[1] == "--optimize":
        optimize(sys.argv[2], sys.argv[3])
    else:
        work()
