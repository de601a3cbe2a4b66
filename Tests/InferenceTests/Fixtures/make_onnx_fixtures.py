"""Writes onnx-operators.json: one small ONNX file an operator and convention, with inputs, and the outputs that ONNX Runtime
computes, or ONNX's reference implementation where it does not.

Made with onnx 1.23.2 and onnxruntime 1.32.0: python3 make_onnx_fixtures.py
"""

import base64
import json
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

onnxruntime.set_default_logger_severity(4)

random = np.random.default_rng(1)
cases = []
digits = 7


def numbers(*shape, low=-2.0, high=2.0):
    return random.uniform(low, high, shape).astype(np.float32)


def case(name, kind, inputs, version=18, outputs=1, constants=(), **attributes):
    """A node of one operator. Inputs at the places `constants` stand in the file, the others are given."""
    names = [f"i{index}" if value is not None else "" for index, value in enumerate(inputs)]
    given = [index for index, value in enumerate(inputs) if value is not None and index not in constants]
    results = [f"o{index}" for index in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node(kind, names, results, name="node", **attributes)], "case",
        [helper.make_tensor_value_info(names[index], helper.np_dtype_to_tensor_dtype(inputs[index].dtype),
                                       inputs[index].shape) for index in given],
        [helper.make_empty_tensor_value_info(result) for result in results],
        [numpy_helper.from_array(inputs[index], names[index]) for index in constants])
    add(f"{kind}: {name}", graph, version, {names[index]: inputs[index] for index in given})


def network(name, nodes, known, version=20):
    """Several nodes from a picture `x` to `y`: rows of operator, inputs, output and attributes."""
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output], **attributes) for kind, inputs, output, attributes in nodes], "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, picture.shape)], [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(value, name) for name, value in known.items()])
    add(name, graph, version, {"x": picture})


def add(name, graph, version, feeds):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=8)
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    try:
        if digits > 7:
            raise ValueError("ONNX Runtime gives the bits of short types")
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        expected = session.run(None, feeds)
    except Exception as error:
        if digits == 7:
            print(f"{name}: {str(error).splitlines()[0][-100:]}")
        expected = ReferenceEvaluator(model).run(None, feeds)
    cases.append({
        "name": name, "model": base64.b64encode(model.SerializeToString()).decode(),
        "inputs": [array(value) for value in feeds.values()], "outputs": [array(value) for value in expected],
    })


def array(value):
    value = np.asarray(value)
    for name in ("int4", "uint4", "int2", "uint2", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
                 "float8_e8m0fnu", "float4_e2m1fn"):
        if value.dtype == getattr(ml_dtypes, name):
            # Wider types have them all.
            value = value.astype(np.float32 if name[0] == "f" else np.uint8 if name[0] == "u" else np.int8)
    special = {"nan": "nan", "inf": "inf", "-inf": "-inf"}
    texts = [f"{number:.{digits}g}" for number in value.astype(np.float64).ravel()]
    return {"shape": list(value.shape), "type": value.dtype.name, "values": [special.get(text, float(text)) for text in texts]}


picture = numbers(2, 4, 5, 3)
integers = lambda *values: np.array(values, dtype=np.int64)
number = lambda value: np.array(value, dtype=np.float32)

# Convolutions
weights = numbers(6, 2, 3, 2)
case("groups, pads, strides", "Conv", [picture, weights, numbers(6)], constants=(1, 2), group=2, pads=[1, 0, 2, 1], strides=[2, 1])
case("same, lower", "Conv", [picture, numbers(3, 4, 4, 3)], constants=(1,), auto_pad="SAME_LOWER", strides=[2, 2])
case("same, upper, dilated", "Conv", [picture, numbers(3, 4, 2, 2)], constants=(1,), auto_pad="SAME_UPPER", dilations=[2, 1])
case("signal", "Conv", [numbers(1, 3, 9), numbers(2, 3, 4)], constants=(1,), pads=[2, 1])
case("weights given", "Conv", [picture, numbers(3, 4, 3, 3)])
case("transposed", "ConvTranspose", [numbers(1, 4, 3, 3), numbers(4, 2, 3, 3), numbers(2)], constants=(1, 2), strides=[2, 2], pads=[1, 0, 0, 1], output_padding=[1, 0])
case("transposed, wanted shape", "ConvTranspose", [numbers(1, 2, 3, 3), numbers(2, 2, 3, 3)], constants=(1,), strides=[3, 2], output_shape=[8, 6])
case("transposed, same", "ConvTranspose", [numbers(1, 2, 3, 3), numbers(2, 2, 3, 3)], constants=(1,), strides=[2, 2], auto_pad="SAME_UPPER")
# Poolings
case("ceil", "MaxPool", [picture], kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1, pads=[1, 0, 0, 1])
case("dilated", "MaxPool", [picture], kernel_shape=[2, 2], dilations=[3, 2])
case("signal", "MaxPool", [numbers(1, 2, 9)], kernel_shape=[3], strides=[2])
case("volume", "MaxPool", [numbers(1, 2, 4, 4, 4)], kernel_shape=[2, 3, 2], strides=[2, 1, 1], pads=[0, 1, 0, 0, 1, 0])
case("without padding", "AveragePool", [picture], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
case("with padding", "AveragePool", [picture], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1, strides=[2, 1])
case("dilated", "AveragePool", [picture], version=19, kernel_shape=[2, 2], dilations=[2, 2])
case("volume", "AveragePool", [numbers(1, 2, 3, 4, 4)], kernel_shape=[2, 2, 3], pads=[1, 0, 0, 0, 1, 1])
case("3", "LpPool", [picture], kernel_shape=[2, 2], strides=[2, 2], p=3)
case("all", "GlobalAveragePool", [picture])
case("all", "GlobalMaxPool", [picture])
case("1", "GlobalLpPool", [picture], p=1)
# Normalizations
four = lambda low=0.5: numbers(4, low=low, high=1.5)
case("inference", "BatchNormalization", [picture, four(), four(), four(), four()], version=15, constants=(1, 2, 3, 4), epsilon=0.01)
case("of instances", "InstanceNormalization", [picture, four(), four()], constants=(1, 2))
case("of layers", "LayerNormalization", [picture, numbers(5, 3), numbers(5, 3)], constants=(1, 2), axis=2, epsilon=0.01)
case("odd", "LRN", [picture], size=3, alpha=0.5, beta=0.75)
case("1", "LpNormalization", [picture], axis=2, p=1)
case("positions", "MeanVarianceNormalization", [picture], axes=[0, 2, 3])
# Activations
for kind, attributes in {
    "Relu": {}, "Tanh": {}, "Sigmoid": {}, "LeakyRelu": {"alpha": 0.2}, "Elu": {"alpha": 0.7}, "Selu": {}, "Celu": {"alpha": 0.5},
    "HardSigmoid": {"alpha": 0.3, "beta": 0.4}, "HardSwish": {}, "Mish": {}, "Softplus": {}, "Softsign": {},
    "ThresholdedRelu": {"alpha": 0.5}, "Shrink": {"lambd": 0.6, "bias": 0.2}, "LogSoftmax": {"axis": 2}, "Hardmax": {"axis": 1},
}.items():
    case("picture", kind, [picture], **attributes)
case("exact", "Gelu", [picture], version=20)
case("approximate", "Gelu", [picture], version=20, approximate="tanh")
case("slopes", "PRelu", [picture, numbers(4, 1, 1)], constants=(1,))
for axis in (0, 1, 3, -1):
    case(f"axis {axis}", "Softmax", [picture], axis=axis)
case("version 11", "Softmax", [picture], version=11, axis=2)
case("between", "Clip", [picture, number(-0.5), number(0.75)], constants=(1, 2))
case("from above", "Clip", [picture, None, number(0.75)], constants=(2,))
# Arithmetic
positive = numbers(2, 3, 4, low=0.3, high=2)
for kind in ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Mean", "Sum"):
    case("broadcast", kind, [positive, numbers(3, 1, low=0.5, high=2)])
case("one number", "Mul", [picture, number(0.25)], constants=(1,))
case("whole numbers", "Div", [integers(7, -7, 9), integers(2, 2, -4)])
case("floats", "Mod", [picture, numbers(2, 4, 5, 3, low=0.5, high=2)], fmod=1)
case("whole numbers", "Mod", [integers(7, -7, 9), integers(3, 3, -4)])
for kind in ("Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Reciprocal", "Exp", "Sin", "Cos", "Atan", "Sinh", "Cosh", "Asinh", "Erf"):
    case("picture", kind, [picture])
for kind in ("Sqrt", "Log"):
    case("positive", kind, [positive])
for kind in ("Tan", "Asin", "Acos", "Atanh"):
    case("small", kind, [numbers(3, 4, low=-0.9, high=0.9)])
case("above one", "Acosh", [numbers(3, 4, low=1.1, high=3)])
# Comparisons
other = np.round(numbers(2, 3, 4))
for kind in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
    case("broadcast", kind, [other, np.round(numbers(3, 1))])
for kind in ("And", "Or", "Xor"):
    case("truth", kind, [other > 0, numbers(3, 4) > 0])
case("truth", "Not", [other > 0])
case("broadcast", "Where", [other > 0, numbers(4), numbers(3, 1)])
special = np.array([1, np.nan, np.inf, -np.inf], dtype=np.float32)
# Products
case("layer", "Gemm", [numbers(3, 4), numbers(5, 4), numbers(5)], constants=(1, 2), transB=1, alpha=0.5, beta=2.0)
case("both transposed", "Gemm", [numbers(4, 3), numbers(5, 4), numbers(3, 1)], transA=1, transB=1)
case("layer", "MatMul", [numbers(2, 5, 4), numbers(4, 3)], constants=(1,))
case("pictures with channels last", "MatMul", [numbers(2, 3, 2, 4), numbers(4, 5)], constants=(1,))
case("broadcast", "MatMul", [numbers(2, 1, 3, 4), numbers(5, 4, 2)])
case("vectors", "MatMul", [numbers(4), numbers(2, 4, 3)])
# Shapes
case("open extent", "Reshape", [picture, integers(0, -1, 10)], constants=(1,))
case("batch too", "Reshape", [picture, integers(8, 15)], constants=(1,))
case("axis 2", "Flatten", [picture], axis=2)
case("axes", "Squeeze", [numbers(1, 3, 1, 2), integers(0, 2)], constants=(1,))
case("axes", "Unsqueeze", [numbers(3, 2), integers(0, -1)], constants=(1,))
case("order", "Transpose", [picture], perm=[0, 2, 3, 1])
case("axis 2", "Concat", [picture, numbers(2, 4, 1, 3)], axis=2)
case("uneven", "Split", [picture, integers(1, 3)], outputs=2, constants=(1,), axis=1)
case("parts", "Split", [numbers(5, 3)], outputs=2, axis=0, num_outputs=2)
case("broadcast", "Expand", [numbers(3, 1), integers(2, 1, 4)], constants=(1,))
case("repeats", "Tile", [numbers(2, 3), integers(2, 3)], constants=(1,))
case("truth", "Cast", [np.round(picture)], to=TensorProto.BOOL)
case("whole numbers", "Cast", [picture], to=TensorProto.INT32)
case("columns", "DepthToSpace", [numbers(1, 8, 2, 3)], blocksize=2, mode="CRD")
case("depth", "DepthToSpace", [numbers(1, 8, 2, 3)], blocksize=2)
case("blocks", "SpaceToDepth", [numbers(1, 2, 4, 6)], blocksize=2)
# Indexing
case("axis 1", "Gather", [picture, np.array([[0, -1], [2, 0]], dtype=np.int64)], constants=(1,), axis=1)
case("steps", "Slice", [picture, integers(-1, 1), integers(-9, 5), integers(2, 3), integers(-2, 2)], constants=(1, 2, 3, 4))
case("number", "Pad", [picture, integers(0, 1, 2, 0, 0, 0, 1, 3), number(1.5)], constants=(1, 2))
for mode in ("reflect", "edge", "wrap"):
    case(mode, "Pad", [picture, integers(0, 0, 2, 1, 0, 0, 1, 2)], version=19, constants=(1,), mode=mode)
case("less", "Pad", [picture, integers(0, 0, -1, 1, 0, 0, 0, -2)], constants=(1,))
# Reductions
for kind in ("ReduceSum", "ReduceMean", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"):
    case("axes", kind, [picture, integers(1, -1)], constants=(1,), keepdims=0)
case("all", "ReduceMean", [picture])
case("positive", "ReduceLogSum", [positive, integers(1)], constants=(1,))
case("last", "ArgMax", [np.round(picture)], axis=2, keepdims=0, select_last_index=1)
case("first", "ArgMin", [np.round(picture)], axis=1)
case("smallest", "TopK", [picture, integers(3)], outputs=2, constants=(1,), axis=2, largest=0)
case("reverse", "CumSum", [numbers(3, 4), np.array(1, dtype=np.int64)], constants=(1,), reverse=1, exclusive=1)
# Resamplings
for mode in ("nearest", "linear", "cubic"):
    for places in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"):
        case(f"{mode} {places}", "Resize", [numbers(1, 2, 4, 5), None, None, integers(1, 2, 7, 3)], version=19, constants=(3,), mode=mode,
             coordinate_transformation_mode=places)
case("nearest 2", "Resize", [numbers(1, 2, 3, 3), None, number([1, 1, 2, 3])], version=19, constants=(2,), nearest_mode="floor", coordinate_transformation_mode="asymmetric")
case("linear 2", "Resize", [numbers(1, 2, 3, 3), None, number([1, 1, 2, 2])], version=19, constants=(2,), mode="linear")
# Quantizations
point = np.array(3, dtype=np.uint8)
case("one scale", "QuantizeLinear", [picture, number(0.02), point], constants=(1, 2))
case("channels", "DequantizeLinear", [random.integers(-128, 127, (2, 4, 3)).astype(np.int8), numbers(4, low=0.1, high=1), np.array([0, 1, -2, 3], dtype=np.int8)], constants=(1, 2), axis=1)
# Volumes
case("volume", "Conv", [numbers(2, 2, 5, 4, 4), numbers(3, 2, 2, 3, 2), numbers(3)], constants=(1, 2), strides=[2, 1, 1], pads=[1, 1, 0, 0, 1, 1],
     dilations=[2, 1, 1])
case("volume, groups", "Conv", [numbers(1, 4, 3, 4, 3), numbers(6, 2, 3, 2, 2)], constants=(1,), group=2, auto_pad="SAME_UPPER")
case("volume, transposed", "ConvTranspose", [numbers(2, 2, 2, 3, 2), numbers(2, 3, 3, 2, 3), numbers(3)], constants=(1, 2), strides=[2, 2, 1],
     pads=[1, 0, 1, 0, 1, 0], output_padding=[1, 1, 0])
case("volume, transposed, groups", "ConvTranspose", [numbers(1, 4, 3, 2, 2), numbers(4, 1, 2, 2, 2)], constants=(1,), group=2, dilations=[2, 1, 1])
case("an extent alone", "Range", [np.array(2, dtype=np.int32), np.array(9, dtype=np.int32), np.array(3, dtype=np.int32)])
# Nothing, and all
nothing = np.zeros((2, 0, 3), dtype=np.float32)
for kind in ("ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceLogSumExp"):
    case("of nothing", kind, [nothing, integers(1)], version=20, constants=(1,), keepdims=0)
    case("all axes, none given", kind, [picture, integers()], version=20, constants=(1,))
case("nothing", "Add", [nothing, numbers(3)])
case("nothing", "Relu", [nothing])
case("no positions", "Slice", [picture, integers(7), integers(9), integers(2)], constants=(1, 2, 3))
case("beyond floats", "Add", [np.array([1e200, -3e300]), np.array([1e200, 2])])
case("nothing is dropped", "Dropout", [picture, number(0), np.array(True)], constants=(1, 2))
# Types of a byte and less, which are compared exactly
digits = 9
spread = np.concatenate([numbers(40, low=-500, high=500), numbers(40), numbers(20, low=-0.02, high=0.02),
                         np.array([0, 448, 464, 465, -1000, 240, 248, 7.5, 2.5, 0.25, 1.75, 5, np.inf, -np.inf, np.nan, 3e38], dtype=np.float32)])
for name in ("E4M3FN", "E4M3FNUZ", "E5M2", "E5M2FNUZ"):
    to = getattr(TensorProto, f"FLOAT8{name}")
    case(f"to float8 {name}", "Cast", [spread], version=19, to=to)
    case(f"to float8 {name}, beyond it", "Cast", [spread], version=19, to=to, saturate=0)
    codes = np.arange(256, dtype=np.uint8).view(helper.tensor_dtype_to_np_dtype(to))
    case(f"from float8 {name}", "Cast", [codes], version=19, constants=(0,), to=TensorProto.FLOAT)
case("to float4", "Cast", [spread[:-4]], version=23, to=TensorProto.FLOAT4E2M1)
case("from float4", "Cast", [np.arange(16, dtype=np.uint8).astype(ml_dtypes.uint4).view(np.uint8).view(ml_dtypes.float4_e2m1fn)], version=23, constants=(0,),
     to=TensorProto.FLOAT)
for mode in ("up", "down", "nearest"):
    case(f"to powers of two, {mode}", "Cast", [np.abs(spread[:-4])[:100] + 0.001], version=24, to=TensorProto.FLOAT8E8M0, round_mode=mode)
for name in ("INT4", "UINT4"):
    case(f"to {name}", "Cast", [integers(*range(-20, 20)).astype(np.int32)], version=21, to=getattr(TensorProto, name))
case("to int8, the lowest bits", "Cast", [integers(200, -200, 127, 128, -129, 1000).astype(np.int32)], to=TensorProto.INT8)
case("to uint8, the lowest bits", "Cast", [integers(200, -200, 255, 256, -1, 1000).astype(np.int32)], to=TensorProto.UINT8)
case("float8", "QuantizeLinear", [spread[:-4], number(0.75), np.array(0, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn)], version=19, constants=(1, 2))
case("int4 weights", "DequantizeLinear", [integers(*range(-8, 8)).astype(np.int8).astype(ml_dtypes.int4), number(0.5), np.array(-3, dtype=np.int8).astype(ml_dtypes.int4)],
     version=21, constants=(0, 1, 2))
# Axes in another order in between
digits = 7
last, first = {"perm": [0, 2, 3, 1]}, {"perm": [0, 3, 1, 2]}
network("Transpose: around normalization and dense layers", [
    ("Transpose", ["x"], "t", last), ("LayerNormalization", ["t", "scale", "shift"], "n", {"epsilon": 0.01}),
    ("MatMul", ["n", "up"], "a", {}), ("Add", ["a", "bias"], "b", {}), ("Gelu", ["b"], "c", {}), ("Mul", ["c", "half"], "d", {}),
    ("MatMul", ["d", "down"], "e", {}), ("Add", ["e", "t"], "f", {}), ("Transpose", ["f"], "g", first), ("Mul", ["factors", "g"], "y", {}),
], {"scale": four(), "shift": four(), "up": numbers(4, 6), "bias": numbers(6), "half": number([0.5]), "down": numbers(6, 4),
    "factors": numbers(4, 1, 1)})
network("Transpose: read in both orders", [
    ("Transpose", ["x"], "t", last), ("Tanh", ["t"], "a", {}), ("Softmax", ["t"], "b", {"axis": 1}), ("Mul", ["a", "b"], "c", {}),
    ("Transpose", ["c"], "d", {"perm": [2, 0, 1, 3]}), ("Transpose", ["d"], "e", {"perm": [1, 3, 2, 0]}), ("Relu", ["e"], "y", {}),
], {})
network("Transpose: terms that stand alike and otherwise", [
    ("Transpose", ["x"], "a", last), ("Sigmoid", ["x"], "s", {}), ("Transpose", ["s"], "b", last), ("Sub", ["a", "b"], "c", {}),
    ("Max", ["c", "bound"], "d", {}), ("Transpose", ["d"], "e", first), ("Mul", ["e", "e"], "f", {}), ("Div", ["f", "row"], "y", {}),
], {"bound": number([0.1]), "row": numbers(1, 1, 1, 3, low=1)})

path = Path(__file__).parent / "onnx-operators.json"
path.write_text("[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in cases) + "\n]\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")
