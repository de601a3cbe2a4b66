"""The nine light networks of the `onnx` package, whose weights are constants."""

from pathlib import Path

import numpy as np

from . import command


def run(options) -> int:
    import onnx
    import onnx.backend.test
    from onnx import numpy_helper

    folder = Path(onnx.backend.test.__file__).parent / "data" / "light"
    cases, expected, names = [], [], []
    for path in sorted(folder.glob("light_*.onnx")):
        if options.filter and options.filter not in path.stem:
            continue
        model = onnx.load(path)
        constants = {tensor.name for tensor in model.graph.initializer}
        given = [value for value in model.graph.input if value.name not in constants]
        inputs = []
        for value in given:
            shape = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
            count = int(np.prod(shape))
            # As the package's own runner makes them.
            inputs.append((np.arange(count).reshape(shape) / count).astype(np.float32))
        tensor = onnx.TensorProto()
        tensor.ParseFromString((folder / f"{path.stem}_output_0.pb").read_bytes())
        cases.append(command.Case(path.stem, path, inputs, [value.name for value in given]))
        expected.append(numpy_helper.to_array(tensor))
        names.append(model.graph.output[0].name)
    print("## The light networks of the onnx package\n")
    print("| network | largest difference |")
    print("|---|--:|")
    failures = 0
    for case, outcome, wanted, name in zip(cases, command.run(options.convnet, cases), expected, names):
        if outcome.error is not None:
            failures += 1
            print(f"| {case.name[6:]} | {outcome.error} |")
            continue
        actual = outcome.outputs[name]
        passes = actual.shape == wanted.shape and np.allclose(actual, wanted, rtol=1e-3, atol=1e-7)
        failures += not passes
        text = f"{np.abs(actual - wanted).max():.2g}" if actual.shape == wanted.shape else f"shape {actual.shape}"
        print(f"| {case.name[6:]} | {text}{'' if passes else ' FAILED'} |")
    return failures
