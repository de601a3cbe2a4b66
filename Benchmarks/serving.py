"""Measures `convnet serve` beside FastAPI with PyTorch and FastAPI with ONNX Runtime, on the same JPEG bodies, over loopback.

    make benchmark-serving ARGUMENTS="--model resnet18 --seconds 20"

Saturation is measured by `wrk`, which keeps so many connections busy; the latency at a share of that by requests that are sent at
their times, whether or not earlier ones were answered, so that a slow server cannot slow its own load (G. Tene calls the other
"coordinated omission"). Servers run in turn, alone, with the same threads, and with the weights of the same file.
"""

import argparse
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

# The name of torchvision's network here, by its name there.
NETWORKS = {"resnet18": "resnet18-torchvision", "resnet50": "resnet50-v1.5"}

FASTAPI = '''
import io, os, sys
import numpy, torch, torchvision
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image

kind, network, weights, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
mean = numpy.array([0.485, 0.456, 0.406], numpy.float32)
deviation = numpy.array([0.229, 0.224, 0.225], numpy.float32)

def prepared(body):
    image = Image.open(io.BytesIO(body)).convert("RGB")
    width, height = image.size
    scale = 256 / min(width, height)
    image = image.resize((max(256, int(width * scale)), max(256, int(height * scale))), Image.BILINEAR)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    pixels = numpy.asarray(image.crop((left, top, left + 224, top + 224)), numpy.float32) / 255
    return ((pixels - mean) / deviation).transpose(2, 0, 1)[None]

model = getattr(torchvision.models, network)()
model.load_state_dict(torch.load(weights))
model.eval()
if kind == "pytorch":
    torch.set_num_threads(threads)
    model = model.to(memory_format=torch.channels_last)
    def scores(pixels):
        with torch.inference_mode():
            return model(torch.from_numpy(pixels).to(memory_format=torch.channels_last)).numpy()[0]
else:
    import onnxruntime
    path = weights + ".onnx"
    if not os.path.exists(path):
        torch.onnx.export(model, torch.zeros(1, 3, 224, 224), path, input_names=["x"], dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    def scores(pixels):
        return session.run(None, {"x": pixels})[0][0]

app = FastAPI()

def classify(body):
    logits = scores(prepared(body))
    shares = numpy.exp(logits - logits.max())
    shares /= shares.sum()
    return [{"index": int(index), "probability": float(shares[index])} for index in shares.argsort()[::-1][:5]]

@app.post("/classify")
async def answer(request: Request):
    body = await request.body()
    return {"predictions": await run_in_threadpool(classify, body)}

import uvicorn
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[5]), log_level="warning")
'''


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def running(command, port, environment=None):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, **(environment or {})})
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {process.returncode}")
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(60)


def ask(port, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, body)
    answer = connection.getresponse()
    value = answer.read()
    connection.close()
    return answer.status, value


def saturation(port, path, bodies, folder, connections, seconds):
    """Requests a second that are answered 200, with so many connections busy."""
    script = folder / "post.lua"
    names = []
    for index, body in enumerate(bodies):
        (folder / f"{index}.jpg").write_bytes(body)
        names.append(f'"{folder}/{index}.jpg"')
    script.write_text(
        "local bodies, turn = {}, 0\n"
        f"for _, name in ipairs({{{', '.join(names)}}}) do\n"
        '  local file = io.open(name, "rb")\n  bodies[#bodies + 1] = file:read("*a")\n  file:close()\nend\n'
        "function request()\n  turn = turn % #bodies + 1\n"
        f'  return wrk.format("POST", "{path}", {{["Content-Type"] = "image/jpeg"}}, bodies[turn])\nend\n')
    output = subprocess.run(["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "60s", "--latency",
                             "-s", str(script), f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True,
                            check=True).stdout
    if "Non-2xx" in output:
        raise RuntimeError(f"some were refused: {output}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])


def latencies(port, path, bodies, rate, seconds):
    """Seconds from the time at which each request was to be sent to its answer, in ascending order."""
    draws = random.Random(1)
    times, when = [], 0.0
    while when < seconds:
        times.append(when)
        when += draws.expovariate(rate)
    start = time.monotonic() + 0.2
    local = threading.local()

    def one(item):
        place, when = item
        time.sleep(max(0, start + when - time.monotonic()))
        for attempt in range(2):
            if not hasattr(local, "connection"):
                local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                local.connection.request("POST", path, bodies[place % len(bodies)])
                answer = local.connection.getresponse()
                answer.read()
                break
            except (ConnectionError, http.client.HTTPException):
                # Servers close connections that were idle; another is made once.
                del local.connection
                if attempt == 1:
                    raise
        return time.monotonic() - start - when if answer.status == 200 else float("inf")

    with concurrent.futures.ThreadPoolExecutor(128) as pool:
        return sorted(pool.map(one, enumerate(times)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--convnet", required=True)
    parser.add_argument("--model", default="resnet18", choices=NETWORKS)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--loads", default="0.25,0.5,0.75,0.9", help="shares of each server's own saturation")
    parser.add_argument("--servers", default="convnet,pytorch,onnxruntime")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("error: wrk is missing; on Debian: apt-get install wrk")
    import numpy
    import torch
    import torchvision
    from PIL import Image

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        torch.manual_seed(1)
        weights = folder / f"{options.model}.pth"
        torch.save(getattr(torchvision.models, options.model)().state_dict(), weights)
        model = folder / f"{options.model}.safetensors"
        subprocess.run([options.convnet, "convert", weights, model, "--model", NETWORKS[options.model], "--preset", "imagenet"],
                       check=True, stdout=subprocess.DEVNULL)
        (folder / "peer.py").write_text(FASTAPI)
        draws = numpy.random.default_rng(1)
        bodies = []
        for index in range(16):
            path = folder / "made.jpg"
            small = draws.integers(0, 256, (20, 25, 3), dtype=numpy.uint8)
            Image.fromarray(small).resize((500, 375), Image.BICUBIC).save(path, quality=90)
            bodies.append(path.read_bytes())
        rate = json.loads(subprocess.run(
            [options.convnet, "benchmark", model, "--batch", "8", "--threads", str(options.threads), "--json"],
            check=True, capture_output=True, text=True).stdout)["imagesPerSecond"]["median"]
        print(f"{options.model}, {options.threads} threads, bodies of {sum(map(len, bodies)) // len(bodies)} bytes; "
              f"the network alone at batch 8: {rate:.1f} pictures/s")
        print("| server | pictures/s at saturation | load | p50 ms | p99 ms |\n|---|---|---|---|---|")
        for server in options.servers.split(","):
            port = free_port()
            if server == "convnet":
                command = [options.convnet, "serve", f"{options.model}={model}", "--port", str(port), "--quiet", "--threads",
                           str(options.threads), "--queue-limit", "256"]
                path = f"/v1/models/{options.model}:classify"
            else:
                command = [sys.executable, str(folder / "peer.py"), server, options.model, str(weights), str(options.threads),
                           str(port)]
                path = "/classify"
            with running(command, port, {"OMP_NUM_THREADS": str(options.threads)}):
                for body in bodies:
                    status, value = ask(port, path, body)
                    if status != 200:
                        raise RuntimeError(f"{server} answers {status}: {value[:200]}")
                most = saturation(port, path, bodies, folder, options.connections, options.seconds)
                for share in map(float, options.loads.split(",")):
                    times = latencies(port, path, bodies, share * most, options.seconds)
                    half, most_of = (times[int(len(times) * part)] * 1000 for part in (0.5, 0.99))
                    print(f"| {server} | {most:.1f} | {share:.0%} = {share * most:.1f}/s | {half:.1f} | {most_of:.1f} |", flush=True)


main()
