"""Writes operations.json: inputs, outputs and gradients of operations, computed by PyTorch.

Needs Python 3.10 and PyTorch 2 (any build for the processor):

    pip install torch
    python make_operation_fixtures.py

Each case holds the operation as a graph encodes it, its inputs, its outputs, and the gradients of
the mean squared difference of its first output from `target` by the inputs that have one. PyTorch
computes in double precision from inputs that are rounded first, so the numbers are good to the
seven digits that are written.
"""

import itertools
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(20)
cases = []


def random(*shape, low=-2.0, high=2.0):
    """Distinct enough that no two elements of a pooling window are equal."""
    values = low + (high - low) * torch.rand(*shape, dtype=torch.float64)
    return torch.round(values * 1e4) / 1e4


def numbers(tensor):
    tensor = tensor.detach()
    if not tensor.is_floating_point():
        return tensor.flatten().tolist()
    return [float(f"{value:.7g}") for value in tensor.flatten().tolist()]


def case(name, kind, attributes, function, *inputs, variables=None):
    """`variables` are the places of the inputs that the operation has a gradient by: all floating
    point ones unless said otherwise; none where there is no gradient."""
    if variables is None:
        variables = [i for i, tensor in enumerate(inputs) if tensor.is_floating_point()]
    inputs = [tensor.clone().requires_grad_(i in variables) for i, tensor in enumerate(inputs)]
    outputs = function(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    entry = {
        "name": name,
        "operation": {"kind": kind, "attributes": attributes},
        "inputs": [
            {
                "shape": list(tensor.shape),
                "type": "float32" if tensor.is_floating_point() else "int32",
                "values": numbers(tensor),
            }
            for tensor in inputs
        ],
        "outputs": [{"shape": list(o.shape), "values": numbers(o)} for o in outputs],
    }
    if variables:
        target = random(*outputs[0].shape)
        F.mse_loss(outputs[0], target).backward()
        entry["target"] = numbers(target)
        entry["gradients"] = [
            numbers(tensor.grad) if i in variables else None for i, tensor in enumerate(inputs)
        ]
    cases.append(entry)


# How the graph encodes padding.
def valid():
    return {"valid": {}}


def same():
    return {"same": {}}


def symmetric(amount):
    return {"symmetric": {"_0": amount}} if amount else valid()


def sides(*pairs):
    return [{"before": before, "after": after} for before, after in pairs]


def explicit(*pairs):
    return {"explicit": {"_0": sides(*pairs)}}


# Convolution. An operation's padding is named beside PyTorch's, where the two words differ.
def convolution(
    name, x, kernel, stride=1, dilation=1, padding=0, groups=1, bias=True, word=None
):
    axes = len(x) - 2
    attributes = {
        "strides": [stride] * axes,
        "dilations": [dilation] * axes,
        "padding": word or symmetric(padding),
        "groups": groups,
        "hasBias": bias,
        "fused": [],
    }
    function = F.conv2d if axes == 2 else F.conv1d
    inputs = [random(*x), random(*kernel)] + ([random(kernel[0])] if bias else [])
    case(
        name,
        "convolution",
        attributes,
        lambda x, k, b=None: function(x, k, b, stride, padding, dilation, groups),
        *inputs,
    )


convolution("3x3", [2, 3, 6, 5], [4, 3, 3, 3], padding=1)
convolution("stride 2, 2 groups", [1, 4, 7, 6], [6, 2, 3, 3], stride=2, padding=1, groups=2)
convolution("depthwise", [1, 5, 6, 6], [5, 1, 3, 3], padding=1, groups=5, bias=False)
convolution("dilation 2", [1, 3, 9, 8], [2, 3, 3, 3], dilation=2, padding=2)
convolution("stride above kernel", [2, 2, 9, 8], [3, 2, 2, 2], stride=3)
convolution("kernel above picture", [1, 2, 3, 2], [3, 2, 5, 5], padding=2)
convolution("same, even kernel", [1, 2, 5, 6], [3, 2, 4, 2], padding="same", word=same())
convolution("signal", [2, 3, 11], [4, 3, 3], stride=2, dilation=2, padding=2)


def transposed(
    name, x, kernel, stride=1, dilation=1, padding=0, output_padding=0, groups=1, bias=True
):
    axes = len(x) - 2
    attributes = {
        "strides": [stride] * axes,
        "dilations": [dilation] * axes,
        "padding": symmetric(padding),
        "outputPadding": [output_padding] * axes,
        "groups": groups,
        "hasBias": bias,
    }
    function = F.conv_transpose2d if axes == 2 else F.conv_transpose1d
    inputs = [random(*x), random(*kernel)] + ([random(kernel[1] * groups)] if bias else [])
    case(
        name,
        "transposedConvolution",
        attributes,
        lambda x, k, b=None: function(
            x, k, b, stride, padding, output_padding, groups, dilation
        ),
        *inputs,
    )


transposed("3x3", [2, 3, 4, 5], [3, 4, 3, 3])
transposed("stride 2, output padding", [1, 3, 4, 3], [3, 2, 3, 3], 2, 1, 1, 1)
transposed("2 groups, no bias", [1, 4, 4, 4], [4, 3, 3, 3], 2, 1, 1, groups=2, bias=False)
transposed("dilation 2", [1, 2, 4, 5], [2, 3, 3, 2], dilation=2, padding=1)
transposed("signal", [2, 3, 6], [3, 4, 4], 2, padding=1)

case(
    "7 to 5",
    "dense",
    {"hasBias": True, "fused": []},
    F.linear,
    random(3, 7),
    random(5, 7),
    random(5),
)

# Pooling: every combination of the words that frameworks disagree on. PyTorch refuses padding above
# half of the window.
geometries = [
    ([1, 2, 6, 7], [3, 2], [2, 2], 0),
    ([1, 2, 6, 8], [3, 3], [2, 3], 1),
    ([2, 1, 4, 4], [2, 2], [3, 3], 1),
    ([1, 1, 7, 8], [2, 2], [4, 5], 0),
    ([1, 2, 2, 3], [4, 4], [1, 1], 1),
]
for (shape, window, strides, padding), ceil in itertools.product(geometries, [False, True]):
    attributes = {
        "window": window,
        "strides": strides,
        "padding": symmetric(padding),
        "ceilMode": ceil,
    }
    name = f"{shape[2]}x{shape[3]} by {window[0]}x{window[1]}{', ceil' if ceil else ''}"
    case(
        name,
        "maxPooling",
        attributes | {"recordsIndices": False},
        lambda x: F.max_pool2d(x, window, strides, padding, ceil_mode=ceil),
        random(*shape),
    )
    for counts in [False, True]:
        case(
            name + (", counting padding" if counts else ""),
            "averagePooling",
            attributes | {"countIncludesPadding": counts},
            lambda x: F.avg_pool2d(x, window, strides, padding, ceil, counts),
            random(*shape),
        )
case(
    "picture",
    "globalPooling",
    {"reduction": "average"},
    lambda x: F.adaptive_avg_pool2d(x, 1),
    random(2, 3, 4, 5),
)
case(
    "picture",
    "globalPooling",
    {"reduction": "max"},
    lambda x: F.adaptive_max_pool2d(x, 1),
    random(2, 3, 4, 5),
)

# Batch normalization. PyTorch's momentum is one minus ours.
for form, shape in itertools.product(
    ["inference", "training"], [[3, 4, 3, 2], [5, 6], [2, 3, 5]]
):
    channels = shape[1]
    mean, variance = random(channels), random(channels, low=0.3, high=2)

    def normalize(x, scale, shift, mean, variance):
        y = F.batch_norm(x, mean, variance, scale, shift, form == "training", 0.1, 0.01)
        if form == "inference":
            return y
        axes = [axis for axis in range(x.ndim) if axis != 1]
        return y, x.mean(axes), x.var(axes, unbiased=False)

    case(
        f"{form}, {len(shape)} dimensions",
        "batchNormalization",
        {"epsilon": 0.01, "momentum": 0.9, "runningVariance": "sample", "form": form},
        normalize,
        random(*shape),
        random(channels, low=0.5, high=1.5),
        random(channels),
        mean,
        variance,
        variables=[0, 1, 2],
    )

x, running = random(4, 3, 2, 2), random(3, low=0.3, high=2)
after = running.clone()
F.batch_norm(x, torch.zeros(3, dtype=torch.float64), after, None, None, True, 0.1)
case(
    "PyTorch's running variance",
    "movingAverage",
    {"momentum": 0.9, "correction": 16 / 15},
    lambda old, new: after,
    running,
    torch.round(x.var([0, 2, 3], unbiased=False) * 1e6) / 1e6,
    variables=[],
)


# Local response normalization: PyTorch divides alpha by the size, and has no other region.
def response(name, function, convention, region, x):
    attributes = {
        "size": 5,
        "alpha": 0.5,
        "beta": 0.75,
        "bias": 1.5,
        "alphaConvention": convention,
        "region": region,
        "keepsWorkspace": False,
    }
    case(name, "localResponseNormalization", attributes, function, x)


def within(x, alpha):
    mean = F.avg_pool2d(x * x, 5, 1, 2)
    return x / (1.5 + alpha * mean) ** 0.75


for shape in [[2, 7, 2, 3], [1, 3, 5]]:
    name = f"{shape[1]} channels"
    response(
        name + ", mean",
        lambda x: F.local_response_norm(x, 5, 0.5, 0.75, 1.5),
        "mean",
        "acrossChannels",
        random(*shape),
    )
    response(
        name + ", sum",
        lambda x: F.local_response_norm(x, 5, 2.5, 0.75, 1.5),
        "sum",
        "acrossChannels",
        random(*shape),
    )
response("within, mean", lambda x: within(x, 0.5), "mean", "withinChannel", random(1, 2, 6, 4))
response("within, sum", lambda x: within(x, 12.5), "sum", "withinChannel", random(1, 2, 6, 4))

functions = {
    "relu": ({}, F.relu),
    "relu6": ({}, F.relu6),
    "leakyReLU": ({"slope": 0.1}, lambda x: F.leaky_relu(x, 0.1)),
    "elu": ({"alpha": 1.3}, lambda x: F.elu(x, 1.3)),
    "silu": ({}, F.silu),
    "gelu": ({}, F.gelu),
    "tanh": ({}, torch.tanh),
    "sigmoid": ({}, torch.sigmoid),
}
for name, (parameters, function) in functions.items():
    case(
        name,
        "activation",
        {"function": {name: parameters}},
        function,
        random(1, 3, 4, 5, low=-8, high=8),
    )

for factors, mode in itertools.product([[2, 2], [3, 1]], ["nearest", "bilinear"]):
    case(
        f"{mode} {factors[0]}x{factors[1]}",
        "upsample",
        {"factors": factors, "mode": mode},
        lambda x: F.interpolate(x, scale_factor=[float(f) for f in factors], mode=mode),
        random(1, 2, 3, 4),
    )

for mode, word in {"zero": "constant", "edge": "replicate", "reflect": "reflect"}.items():
    case(
        mode,
        "pad",
        {"sides": sides((2, 1), (0, 3)), "mode": mode},
        lambda x: F.pad(x, [0, 3, 2, 1], mode=word),
        random(1, 2, 4, 5),
    )

case(
    "channels last",
    "flatten",
    {"order": "channelsLast"},
    lambda x: x.permute(0, 2, 3, 1).flatten(1),
    random(2, 3, 2, 4),
)
case(
    "channels first",
    "flatten",
    {"order": "channelsFirst"},
    lambda x: x.flatten(1),
    random(2, 3, 2, 4),
)
case(
    "all axes",
    "transpose",
    {"permutation": [3, 0, 2, 1]},
    lambda x: x.permute(3, 0, 2, 1),
    random(2, 3, 2, 4),
)

case(
    "picture",
    "softmax",
    {"isLogarithmic": False},
    lambda x: F.softmax(x, 1),
    random(2, 5, 2, 3, low=-4, high=4),
)
case(
    "logarithm",
    "softmax",
    {"isLogarithmic": True},
    lambda x: F.log_softmax(x, 1),
    random(3, 6, low=-4, high=4),
)

for smoothing in [0, 0.1]:
    distributions = torch.round(F.softmax(random(4, 6), 1) * 1e4) / 1e4
    distributions[:, 0] += 1 - distributions.sum(1)
    for name, labels in {
        "classes": torch.tensor([5, 0, 3, 3]),
        "distributions": distributions,
    }.items():
        case(
            f"{name}, smoothing {smoothing}",
            "crossEntropy",
            {"labelSmoothing": smoothing},
            lambda x, l: (
                F.cross_entropy(x, l, label_smoothing=smoothing).reshape(1),
                F.softmax(x, 1),
            ),
            random(4, 6, low=-4, high=4),
            labels,
            variables=[0],
        )

case(
    "plain",
    "meanSquaredError",
    {"hasMask": False},
    lambda p, t: F.mse_loss(p, t).reshape(1),
    random(2, 3, 4),
    random(2, 3, 4),
)

weights = torch.tensor([0.5, 2, 1, 0.25, 3, 1.5], dtype=torch.float64)
for smoothing in [0, 0.1]:
    case(
        f"class weights, smoothing {smoothing}",
        "crossEntropy",
        {"labelSmoothing": smoothing, "classWeights": weights.tolist()},
        lambda x, l: (
            F.cross_entropy(x, l, weight=weights, label_smoothing=smoothing).reshape(1),
            F.softmax(x, 1),
        ),
        random(4, 6, low=-4, high=4),
        torch.tensor([5, 0, 3, 3]),
        variables=[0],
    )

case(
    "labels",
    "binaryCrossEntropy",
    {},
    lambda x, t: (
        F.binary_cross_entropy_with_logits(x, t).reshape(1),
        torch.sigmoid(x),
    ),
    random(4, 6, low=-8, high=8),
    torch.round(random(4, 6, low=0, high=1) * 10) / 10,
    variables=[0],
)

positive_weights = torch.tensor([0.5, 2, 1, 0.25, 30, 1.5], dtype=torch.float64)
case(
    "labels, positive weights",
    "binaryCrossEntropy",
    {"positiveWeights": positive_weights.tolist()},
    lambda x, t: (
        F.binary_cross_entropy_with_logits(x, t, pos_weight=positive_weights).reshape(1),
        torch.sigmoid(x),
    ),
    random(4, 6, low=-8, high=8),
    torch.round(random(4, 6, low=0, high=1) * 10) / 10,
    variables=[0],
)

# Pictures that were mixed: shares of two classes each. PyTorch divides the weighted loss of such by the number of examples, and
# that of classes by their weights; here both are divided by the weights of the labels, so that a label that is mixed with itself
# weighs as one that is not.
shares = torch.tensor([0.75, 0.5, 0.9375, 1], dtype=torch.float64)
mixed = torch.zeros(4, 6, dtype=torch.float64)
for row, (own, other) in enumerate([(5, 0), (2, 4), (1, 3), (4, 4)]):
    mixed[row, own] += shares[row]
    mixed[row, other] += 1 - shares[row]
for smoothing in [0, 0.1]:
    case(
        f"mixed labels, smoothing {smoothing}",
        "crossEntropy",
        {"labelSmoothing": smoothing},
        lambda x, t: (
            F.cross_entropy(x, t, label_smoothing=smoothing).reshape(1),
            F.softmax(x, 1),
        ),
        random(4, 6, low=-4, high=4),
        mixed,
        variables=[0],
    )
    case(
        f"mixed labels, class weights, smoothing {smoothing}",
        "crossEntropy",
        {"labelSmoothing": smoothing, "classWeights": weights.tolist()},
        lambda x, t: (
            F.cross_entropy(x, t, weight=weights, label_smoothing=smoothing).reshape(1)
            * (len(t) / (weights * t).sum()),
            F.softmax(x, 1),
        ),
        random(4, 6, low=-4, high=4),
        mixed,
        variables=[0],
    )

path = pathlib.Path(__file__).with_name("operations.json")
lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in cases)
path.write_text(f"[\n{lines}\n]\n")
print(f"{path}: {len(cases)} cases, {path.stat().st_size} bytes")
