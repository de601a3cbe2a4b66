"""ONNX's backend test suite: which of its cases pass."""

import re
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from . import command

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")

# What ConvNet says that it reads: a case made of nothing else must pass, or be one of LIMITS.
COVERED = set(
    """Conv ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool GlobalLpPool
    BatchNormalization InstanceNormalization LayerNormalization GroupNormalization RMSNormalization LRN LpNormalization
    MeanVarianceNormalization
    Relu Tanh Sigmoid LeakyRelu Elu Gelu Selu Celu PRelu HardSigmoid HardSwish Swish Mish Softplus Softsign ThresholdedRelu
    Shrink Clip Softmax LogSoftmax Hardmax Dropout
    Gemm MatMul Add Sub Mul Div Pow Mod Sum Max Min Mean Neg Abs Sign Floor Ceil Round Reciprocal Sqrt Exp Log Sin Cos Tan
    Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Erf
    Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor Not IsNaN IsInf Where
    Concat Split Slice Pad Resize Upsample ReduceSum ReduceMean ReduceProd ReduceMax ReduceMin ReduceL1 ReduceL2
    ReduceSumSquare ReduceLogSum ReduceLogSumExp Flatten Reshape Transpose Squeeze Unsqueeze Expand Tile Shape Size Gather
    Cast CastLike Identity Constant ConstantOfShape Range ArgMax ArgMin TopK CumSum DepthToSpace SpaceToDepth
    QuantizeLinear DequantizeLinear""".split()
)

# What is no part of networks here: the reason that is told, and how it is recognized.
LIMITS = [
    ("an operator that is not read", r"operators that are not read"),
    ("places of maxima", r"the places of maxima"),
    ("training mode", r"exported in training mode"),
    ("a type that is not read", r"(of|is|elements of) type \d+ of ONNX|is not read$|float8|is no tensor|type of .* inputs"),
    ("an empty tensor", r"empty|takes nothing|extents \[.*\b0\b|nothing of|1 to the 0 positions|would make a constant"),
    ("16-bit numbers, which are computed in 32 bits", r"^rounding of 16 bits$"),
    ("numbers beyond the range of 32 bits", r"^beyond 32 bits$"),
    ("a shape that depends on numbers", r"depend on what the network is given"),
    ("a version before 6", r"its operators are of version"),
]


def load():
    """The cases of each kind: name, model, data sets, tolerances."""
    import onnx
    from onnx import numpy_helper
    from onnx.backend.test.loader import load_model_tests

    def arrays(folder: Path, kind: str, values):
        result = []
        for index, value in enumerate(values):
            message = (folder / f"{kind}_{index}.pb").read_bytes()
            tensor = onnx.TensorProto()
            try:
                tensor.ParseFromString(message)
                result.append(numpy_helper.to_array(tensor) if value.type.HasField("tensor_type") else None)
            except Exception:
                result.append(None)
        return result

    def array(value):
        """Of values that some cases give as messages, and some as numbers alone."""
        if isinstance(value, onnx.TensorProto):
            return numpy_helper.to_array(value)
        return np.asarray(value) if isinstance(value, np.generic) else value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in KINDS:
            for case in load_model_tests(kind=kind):
                if case.model is not None:
                    sets = [tuple([array(value) for value in values] for values in one) for one in case.data_sets]
                    yield kind, case, case.model, sets
                    continue
                model = onnx.load(Path(case.model_dir) / "model.onnx")
                constants = {tensor.name for tensor in model.graph.initializer}
                given = [value for value in model.graph.input if value.name not in constants]
                sets = []
                for folder in sorted(Path(case.model_dir).glob("test_data_set_*")):
                    sets.append((arrays(folder, "input", given), arrays(folder, "output", model.graph.output)))
                yield kind, case, model, sets


def difference(expected, actual, case) -> str | None:
    """What is wrong with an output, or nothing."""
    if actual is None:
        return "an output is missing"
    if tuple(expected.shape) != tuple(actual.shape):
        return f"shape {actual.shape}, expected {expected.shape}"
    if expected.dtype != actual.dtype:
        return f"elements of {actual.dtype}, expected {expected.dtype}"
    is_short = expected.dtype.name == "bfloat16"
    if is_short or expected.dtype in command.SHORT:
        expected, actual = expected.astype(np.float32), actual.astype(np.float32)
    with np.errstate(all="ignore"):
        if np.allclose(actual, expected, rtol=case.rtol, atol=case.atol, equal_nan=True):
            return None
        if expected.dtype == np.float64 and np.abs(expected).max() > np.finfo(np.float32).max:
            return "beyond 32 bits"
        if is_short and np.allclose(actual, expected, rtol=2**-6, atol=2**-8):
            return "rounding of 16 bits"
        if expected.dtype.kind in "fc":
            return f"differs by {np.nanmax(np.abs(actual.astype(np.float64) - expected.astype(np.float64))):.3g}"
    return f"{np.sum(actual != expected)} of {expected.size} differ"


def run(options) -> int:
    runs, expectations = [], []
    results: dict[str, list] = defaultdict(list)
    for kind, case, model, data_sets in load():
        if options.filter and options.filter not in case.name:
            continue
        operators = {node.op_type for node in model.graph.node}
        is_covered = operators <= COVERED and not model.functions
        for inputs, outputs in data_sets:
            if any(not command.plain(array) for array in list(inputs) + list(outputs)):
                results[kind].append((case.name, "a type of an input or output", is_covered, ""))
                break
        else:
            constants = {tensor.name for tensor in model.graph.initializer}
            names = [value.name for value in model.graph.input if value.name not in constants]
            for inputs, outputs in data_sets:
                runs.append(command.Case(case.name, model.SerializeToString(), list(inputs), names))
                expectations.append((kind, case, [value.name for value in model.graph.output], outputs, is_covered))
    worst: dict[str, tuple] = {}
    for outcome, (kind, case, names, expected, is_covered) in zip(command.run(options.convnet, runs), expectations):
        if outcome.error is not None:
            reason = next((name for name, pattern in LIMITS if re.search(pattern, outcome.error)), "failed")
            verdict = (reason, outcome.error)
        else:
            problems = [
                difference(value, outcome.outputs.get(name), case) for name, value in zip(names, expected) if name
            ]
            problem = next((problem for problem in problems if problem), None)
            reason = next((name for name, pattern in LIMITS if problem and re.search(pattern, problem)), "failed")
            verdict = ("passed", "") if problem is None else (reason, problem)
        key = (kind, case.name)
        if key not in worst or worst[key][0] == "passed":
            worst[key] = (*verdict, is_covered)
    for (kind, name), (verdict, text, is_covered) in worst.items():
        results[kind].append((name, verdict, is_covered, text))
    print("## ONNX's backend test suite\n")
    print("| cases | all | passed | failed | not supported | share |")
    print("|---|--:|--:|--:|--:|--:|")
    total = Counter()
    for kind in KINDS:
        counts = Counter(
            verdict if verdict in ("passed", "failed") else "not supported" for _, verdict, _, _ in results[kind]
        )
        row(kind, counts)
        total.update(counts)
    row("**together**", total)
    everything = [one for kind in KINDS for one in results[kind]]
    print("\nNot supported:\n")
    reasons = Counter(verdict for _, verdict, _, _ in everything if verdict not in ("passed", "failed"))
    for reason, count in reasons.most_common():
        print(f"- {reason}: {count}")
    covered = [one for one in everything if one[2]]
    passed = sum(one[1] == "passed" for one in covered)
    print(f"\nOf the {len(covered)} cases made of nothing but operators that are read, {passed} pass.")
    for name, verdict, is_covered, text in sorted(everything):
        if verdict == "failed" or (options.verbose and verdict != "passed"):
            print(f"  {name}: {verdict}{' (covered)' if is_covered else ''}: {text[:300]}")
    return total["failed"]


def row(name, counts) -> None:
    count = sum(counts.values())
    share = f"{100 * counts['passed'] / count:.1f} %" if count else "-"
    print(f"| {name} | {count} | {counts['passed']} | {counts['failed']} | {counts['not supported']} | {share} |")
