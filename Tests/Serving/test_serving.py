"""Asks `convnet serve` by clients that are not ours, and by some that mean no good: `make test-serving`.

A small network is trained on pictures that are made here. Answers over HTTP are compared with those of `convnet predict` and
`convnet run`; the Open Inference Protocol is spoken by NVIDIA's client, tritonclient.
"""

import argparse
import concurrent.futures
import contextlib
import http.client
import io
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import numpy
import tritonclient.grpc
import tritonclient.http
from PIL import Image

CONVNET = "convnet"
SOAK = 0.0
FOLDER = pathlib.Path()


def command(*arguments):
    result = subprocess.run([CONVNET, *map(str, arguments)], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"convnet {arguments}: {result.stderr}")
    return result.stdout


def make_models():
    """Two trainings of one epoch, on pictures of two classes."""
    draws = numpy.random.default_rng(1)
    for kind, low, high in [("dark", 0, 100), ("light", 150, 256)]:
        folder = FOLDER / "pictures" / kind
        folder.mkdir(parents=True)
        for index in range(24):
            Image.fromarray(draws.integers(low, high, (28, 28), dtype=numpy.uint8)).save(folder / f"{index}.png")
    for name, seed in [("first", 1), ("second", 2)]:
        command("train", "--model", "lenet5", "--data", FOLDER / "pictures", "--epochs", 1, "--batch-size", 8,
                "--seed", seed, "--output", FOLDER / name, "--quiet", "--threads", 1)
    image = Image.fromarray(draws.integers(0, 256, (90, 120, 3), dtype=numpy.uint8))
    image.save(FOLDER / "photo.jpg")
    return [FOLDER / name / "model.safetensors" for name in ("first", "second")]


class Server:
    """A server at work."""

    def __init__(self, *arguments, environment=None):
        self.log = open(FOLDER / f"log-{time.monotonic_ns()}", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [CONVNET, "serve", "--port", "0", "--threads", "1", "--json", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env={**os.environ, **(environment or {})})
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            text = self.entries()
            self.process.stdout.close()
            self.log.close()
            raise RuntimeError(f"no server: {text}")
        told = json.loads(line)
        self.url, self.grpc = told["url"], told.get("grpc")
        self.port = int(self.url.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.stdout.close()
            self.log.close()

    def entries(self):
        self.log.seek(0)
        return self.log.read()

    def ask(self, path, body=None, headers=None, method=None, context=None):
        request = urllib.request.Request(self.url + path, data=body, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60, context=context) as answer:
                return answer.status, dict(answer.headers.lower_items() if hasattr(answer.headers, "lower_items")
                                           else [(name.lower(), value) for name, value in answer.headers.items()]), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def raw(self, text):
        """What is answered to some bytes, until the server closes."""
        with self.connect() as connection:
            connection.sendall(text)
            return everything(connection)

    def wait_for(self, words):
        for _ in range(400):
            if words in self.entries():
                return
            time.sleep(0.05)
        raise AssertionError(f"{words} is not in the log: {self.entries()}")


def everything(connection):
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def head(path, length, *more):
    lines = [f"POST {path} HTTP/1.1", "Host: here", f"Content-Length: {length}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Serving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.models = make_models()
        cls.photo = (FOLDER / "photo.jpg").read_bytes()
        cls.server = Server(*cls.models, "--timeout", "2", "--body-limit", "1", "--watch", "0").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    classify = "/v1/models/first:classify"

    def test_answers_are_those_of_predict(self):
        paths = sorted((FOLDER / "pictures" / "dark").iterdir())[:5] + [FOLDER / "photo.jpg"]
        rows = json.loads(command("predict", self.models[0], *paths, "--top", 2, "--json", "--threads", 1))
        for path, row in zip(paths, rows):
            status, headers, body = self.server.ask(self.classify + "?top=2", path.read_bytes(), {"X-Request-Id": "abc"})
            answer = json.loads(body)
            self.assertEqual((status, headers["x-request-id"]), (200, "abc"))
            for one, two in zip(answer["pictures"][0]["predictions"], row["predictions"], strict=True):
                self.assertEqual(one["label"], two["label"])
                self.assertAlmostEqual(one["probability"], two["probability"], places=5)

    def test_curl_sends_files(self):
        if not shutil.which("curl"):
            self.skipTest("there is no curl")
        photo = FOLDER / "photo.jpg"
        for arguments in (["--data-binary", f"@{photo}"], ["-F", f"a=@{photo}", "-F", f"b=@{photo}"],
                          ["-H", "Expect: 100-continue", "--data-binary", f"@{photo}"],
                          ["-H", "Transfer-Encoding: chunked", "--data-binary", f"@{photo}"]):
            output = subprocess.run(["curl", "-sS", "--max-time", "20", *arguments, self.server.url + self.classify],
                                    capture_output=True, check=True).stdout
            rows = json.loads(output)["pictures"]
            self.assertEqual(len(rows), 2 if "-F" in arguments else 1)
            self.assertTrue(all(row["predictions"] for row in rows))
        png = subprocess.run(["curl", "-sS", "-H", "Accept: image/png", "--data-binary", f"@{photo}",
                              self.server.url + self.classify + "?explain=grad-cam"], capture_output=True, check=True).stdout
        self.assertEqual(Image.open(io.BytesIO(png)).size, (224, 224))

    def test_triton_client(self):
        client = tritonclient.http.InferenceServerClient(f"127.0.0.1:{self.server.port}", concurrency=4)
        self.assertTrue(client.is_server_live() and client.is_server_ready() and client.is_model_ready("first"))
        self.assertFalse(client.is_model_ready("third"))
        self.assertEqual(client.get_server_metadata()["name"], "convnet")
        self.assertEqual([row["state"] for row in client.get_model_repository_index()], ["READY", "READY"])
        metadata = client.get_model_metadata("first")
        (given,), (told,) = metadata["inputs"], metadata["outputs"]
        self.assertEqual((given["datatype"], given["shape"]), ("FP32", [-1, 28, 28, 1]))
        values = numpy.random.default_rng(3).normal(size=(5, 28, 28, 1)).astype(numpy.float32)
        numpy.save(FOLDER / "x.npy", values.transpose(0, 3, 1, 2).copy())
        command("run", self.models[0], "--input", FOLDER / "x.npy", "--output", FOLDER / "y.npy", "--threads", 1)
        expected = numpy.load(FOLDER / "y.npy")
        for binary in (True, False):
            tensor = tritonclient.http.InferInput(given["name"], values.shape, "FP32")
            tensor.set_data_from_numpy(values, binary_data=binary)
            output = tritonclient.http.InferRequestedOutput(told["name"], binary_data=binary)
            for outputs in ([output], None):
                result = client.infer("first", [tensor], outputs=outputs, request_id="7")
                self.assertEqual(result.get_response()["id"], "7")
                numpy.testing.assert_allclose(result.as_numpy(told["name"]), expected, atol=1e-4)
            best = tritonclient.http.InferRequestedOutput(told["name"], binary_data=binary, class_count=1)
            rows = client.infer("first", [tensor], outputs=[best]).as_numpy(told["name"])
            for row, scores in zip(rows, expected):
                score, index, _ = (row[0].decode() if isinstance(row[0], bytes) else row[0]).split(":")
                self.assertEqual(int(index), int(scores.argmax()))
                self.assertAlmostEqual(float(score), float(scores.max()), places=3)
        pending = [client.async_infer("first", [tensor]) for _ in range(8)]
        for one in pending:
            numpy.testing.assert_allclose(one.get_result().as_numpy(told["name"]), expected, atol=1e-4)
        with self.assertRaises(tritonclient.http.InferenceServerException):
            tensor = tritonclient.http.InferInput(given["name"], (1, 3), "FP32")
            tensor.set_data_from_numpy(numpy.zeros((1, 3), numpy.float32))
            client.infer("first", [tensor])
        client.close()

    def test_triton_client_over_grpc(self):
        values = numpy.random.default_rng(4).normal(size=(5, 28, 28, 1)).astype(numpy.float32)
        numpy.save(FOLDER / "x.npy", values.transpose(0, 3, 1, 2).copy())
        command("run", self.models[0], "--input", FOLDER / "x.npy", "--output", FOLDER / "y.npy", "--threads", 1)
        expected = numpy.load(FOLDER / "y.npy")
        with Server(*self.models, "--grpc-port", "0", "--body-limit", "4") as server:
            client = tritonclient.grpc.InferenceServerClient(server.grpc)
            self.assertTrue(client.is_server_live() and client.is_server_ready() and client.is_model_ready("first"))
            self.assertEqual(client.get_server_metadata().name, "convnet")
            self.assertEqual([row.state for row in client.get_model_repository_index().models], ["READY", "READY"])
            metadata = client.get_model_metadata("second")
            (given,), (told,) = metadata.inputs, metadata.outputs
            self.assertEqual((given.datatype, list(given.shape)), ("FP32", [-1, 28, 28, 1]))
            tensor = tritonclient.grpc.InferInput(given.name, values.shape, "FP32")
            tensor.set_data_from_numpy(values)
            for version in ("", "1"):
                result = client.infer("first", [tensor], request_id="7", model_version=version)
                self.assertEqual((result.get_response().id, result.get_response().model_version), ("7", "1"))
                numpy.testing.assert_allclose(result.as_numpy(told.name), expected, atol=1e-4)
            best = tritonclient.grpc.InferRequestedOutput(told.name, class_count=1)
            rows = client.infer("first", [tensor], outputs=[best]).as_numpy(told.name)
            self.assertEqual([int(row[0].decode().split(":")[1]) for row in rows], list(expected.argmax(1)))
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                for result in pool.map(lambda _: client.infer("first", [tensor]), range(40)):
                    numpy.testing.assert_allclose(result.as_numpy(told.name), expected, atol=1e-4)
            wrong = tritonclient.grpc.InferInput(given.name, (1, 3), "FP32")
            wrong.set_data_from_numpy(numpy.zeros((1, 3), numpy.float32))
            for name, version, inputs, code in (("first", "", [wrong], "INVALID_ARGUMENT"), ("third", "", [tensor], "NOT_FOUND"),
                                                ("first", "9", [tensor], "NOT_FOUND")):
                with self.assertRaises(tritonclient.grpc.InferenceServerException) as caught:
                    client.infer(name, inputs, model_version=version)
                self.assertIn(code, caught.exception.status())
            long = tritonclient.grpc.InferInput(given.name, (2000, 28, 28, 1), "FP32")
            long.set_data_from_numpy(numpy.zeros((2000, 28, 28, 1), numpy.float32))
            with self.assertRaisesRegex(tritonclient.grpc.InferenceServerException, "longer than the 4194304 bytes") as caught:
                client.infer("first", [long])
            self.assertIn("RESOURCE_EXHAUSTED", caught.exception.status())
            self.assertIn('method="gRPC",route="infer",status="200"', server.ask("/metrics")[2].decode())
            # A stop ends, whoever is connected.
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(10), 0)
            client.close()
        with Server(self.models[0], "--grpc-port", "0", environment={"CONVNET_TOKEN": "s3cret"}) as server:
            client = tritonclient.grpc.InferenceServerClient(server.grpc)
            self.assertTrue(client.is_server_ready())
            with self.assertRaisesRegex(tritonclient.grpc.InferenceServerException, "token"):
                client.get_model_metadata("first")
            self.assertEqual(client.get_model_metadata("first", headers={"authorization": "Bearer s3cret"}).name, "first")
            client.close()

    def test_half_calls_over_grpc_end(self):
        with Server(self.models[0], "--grpc-port", "0", "--timeout", "1") as server:
            host, port = server.grpc.split(":")
            with socket.create_connection((host, int(port)), timeout=20) as silent, \
                    socket.create_connection((host, int(port)), timeout=20) as hostile:
                hostile.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                everything(hostile)
                # A connection that never says anything does not hold a stop either.
                time.sleep(0.2)
                server.process.send_signal(signal.SIGTERM)
                self.assertEqual(server.process.wait(10), 0)
                everything(silent)
        with self.assertRaisesRegex(RuntimeError, "cannot serve at"):
            Server(self.models[0], "--grpc-port", self.server.port)

    def test_who_is_slow_is_left_alone(self):
        whole = head(self.classify, len(self.photo)) + self.photo
        for sent in (b"", b"POST / HT", whole[:60], head(self.classify, 10), whole[:-1]):
            start = time.monotonic()
            with self.server.connect() as connection:
                connection.sendall(sent)
                answer = everything(connection)
            self.assertLess(time.monotonic() - start, 8, sent[:20])
            self.assertNotIn(b"200 OK", answer)

    def test_a_trickle_is_no_reason_to_wait(self):
        """A byte now and then keeps no connection beyond the time that a request has."""
        start = time.monotonic()
        with self.server.connect() as connection, contextlib.suppress(ConnectionError):
            connection.sendall(head(self.classify, 1000))
            while time.monotonic() - start < 10:
                connection.sendall(b"x")
                connection.settimeout(0.1)
                with contextlib.suppress(TimeoutError):
                    if connection.recv(1) == b"":
                        break
        self.assertLess(time.monotonic() - start, 6)

    def test_half_bodies_are_no_requests(self):
        for _ in range(20):
            with self.server.connect() as connection:
                connection.sendall(head(self.classify, len(self.photo)) + self.photo[: len(self.photo) // 2])
        with self.server.connect() as connection:
            connection.sendall(head(self.classify, len(self.photo)) + self.photo[:-1])
            connection.shutdown(socket.SHUT_WR)
            self.assertNotIn(b"200 OK", everything(connection))
        self.assertEqual(self.server.ask(self.classify, self.photo)[0], 200)

    def test_what_is_too_long_is_refused_and_told(self):
        # By its head alone, and where only its bytes tell.
        self.assertIn(b" 413 ", self.server.raw(head(self.classify, 1 << 40)))
        status, _, body = self.server.ask(self.classify, bytes(3 << 20))
        self.assertEqual(status, 413, body)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        with contextlib.suppress(ConnectionError):
            connection.request("POST", self.classify, iter([bytes(1 << 16)] * 40), encode_chunked=True)
        self.assertEqual(connection.getresponse().status, 413)
        connection.close()

    def test_bombs_cost_nothing(self):
        for bomb in (b"P6 30000 30000 255\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\2\0\0\0" + bytes(20)):
            start = time.monotonic()
            status, _, body = self.server.ask(self.classify, bomb)
            self.assertIn(status, (400, 413), body)
            self.assertLess(time.monotonic() - start, 2)

    def test_what_is_no_http_is_refused(self):
        for text in (b"\0\1\2\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + b"".join(b"A%d: b\r\n" % index for index in range(2000)) + b"\r\n",
                     head(self.classify, "-5"), head(self.classify, "1x"),
                     head(self.classify, 3, "Content-Length: 4") + b"abcd"):
            answer = self.server.raw(text)
            self.assertNotIn(b"200 OK", answer, text[:40])
        self.assertEqual(self.server.ask("/v2/health/live")[0], 200)

    def test_connections_are_kept_and_pipelined(self):
        one = b"GET /v2/health/live HTTP/1.1\r\nHost: here\r\n\r\n"
        with self.server.connect() as connection:
            connection.sendall(one * 3 + one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            self.assertEqual(everything(connection).count(b"200 OK"), 4)

    def test_many_connections(self):
        """More than there may be: they wait, and are answered."""
        with Server(self.models[0], "--connections", "8") as server, \
                concurrent.futures.ThreadPoolExecutor(40) as pool:
            statuses = list(pool.map(lambda _: server.ask(self.classify, self.photo)[0], range(200)))
        self.assertEqual(set(statuses), {200})

    def test_what_is_beyond_the_queue_is_refused(self):
        with Server(self.models[0], "--queue-limit", "1") as server, \
                concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: server.ask(self.classify, self.photo), range(200)))
            metrics = server.ask("/metrics")[2].decode()
        self.assertEqual({status for status, _, _ in answers}, {200, 503})
        for status, headers, _ in answers:
            if status == 503:
                self.assertIn(int(headers["retry-after"]), range(1, 61))
        refused = sum(status == 503 for status, _, _ in answers)
        self.assertIn(f'convnet_requests_total{{method="POST",route="classify",status="503"}} {refused}\n', metrics)

    def test_requests_become_batches(self):
        with Server(self.models[0], "--batch-delay", "20", "--batch-size", "4") as server, \
                concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: server.ask(self.classify, self.photo)[0], range(80)))
            metrics = server.ask("/metrics")[2].decode()
        runs = int(re.search(r'convnet_batch_size_count\{model="first"\} (\d+)', metrics)[1])
        self.assertLess(runs, 60)
        self.assertIn('convnet_batch_size_sum{model="first"} 80\n', metrics)

    def test_models_are_exchanged_without_losing_a_request(self):
        path = FOLDER / "served.safetensors"
        shutil.copy(self.models[0], path)
        with Server(path, "--watch", "0.2") as server:
            end, answers = threading.Event(), []

            def load():
                while not end.is_set():
                    status, _, body = server.ask("/v1/models/served:classify", self.photo)
                    answers.append((status, json.loads(body).get("version")))

            threads = [threading.Thread(target=load) for _ in range(4)]
            for thread in threads:
                thread.start()
            for version in range(2, 6):
                other = FOLDER / "other"
                shutil.copy(self.models[version % 2], other)
                other.replace(path)
                if version % 2:
                    server.process.send_signal(signal.SIGHUP)
                server.wait_for(f'"version":{version}')
            path.write_bytes(b"no model")
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("goes on")
            time.sleep(0.5)
            end.set()
            for thread in threads:
                thread.join()
            self.assertEqual({status for status, _ in answers}, {200})
            self.assertLessEqual({"1", "2", "5"}, {version for _, version in answers})
            self.assertEqual(server.ask("/v2/health/ready")[0], 200)

    def test_a_stop_ends_what_is_in_flight(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Server(self.models[0], "--batch-delay", "300") as server:
                with concurrent.futures.ThreadPoolExecutor(6) as pool:
                    pending = [pool.submit(server.ask, self.classify, self.photo) for _ in range(6)]
                    # Their bodies are there; the batch waits for others.
                    for _ in range(200):
                        if "convnet_queue_pictures 6\n" in server.ask("/metrics")[2].decode():
                            break
                        time.sleep(0.001)
                    server.process.send_signal(number)
                    self.assertEqual({one.result()[0] for one in pending}, {200})
                self.assertEqual(server.process.wait(10), 0)
                with self.assertRaises(OSError):
                    server.connect()

    def test_a_hanging_client_does_not_hold_a_stop(self):
        with Server(self.models[0], "--timeout", "1") as server, server.connect() as connection:
            connection.sendall(head(self.classify, 1000))
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(10)

    def test_a_token_is_asked_for(self):
        file = FOLDER / "token"
        file.write_text("s3cret\n")
        for arguments, environment in ((["--token-file", file], {}), ([], {"CONVNET_TOKEN": "s3cret"})):
            with Server(self.models[0], *arguments, environment=environment) as server:
                self.assertEqual(server.ask(self.classify, self.photo)[0], 401)
                self.assertEqual(server.ask("/")[0], 200)
                self.assertEqual(server.ask("/v2/health/ready")[0], 200)
                headers = {"Authorization": "Bearer s3cret"}
                self.assertEqual(server.ask(self.classify, self.photo, headers)[0], 200)
                # Nobody sends a long body to learn that they may not.
                self.assertIn(b" 401 ", server.raw(head(self.classify, 1 << 19)))

    def test_tls(self):
        if not shutil.which("openssl"):
            self.skipTest("there is no openssl")
        key, certificate = FOLDER / "key.pem", FOLDER / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        with Server(self.models[0], "--certificate", certificate, "--key", key) as server:
            self.assertTrue(server.url.startswith("https://"))
            context = ssl.create_default_context(cafile=certificate)
            self.assertEqual(server.ask(self.classify, self.photo, context=context)[0], 200)
            self.assertNotIn(b"200 OK", server.raw(b"GET / HTTP/1.1\r\n\r\n"))
        with Server(self.models[0], "--certificate", certificate, "--key", key, "--grpc-port", "0") as server:
            client = tritonclient.grpc.InferenceServerClient(server.grpc, ssl=True, root_certificates=str(certificate))
            self.assertTrue(client.is_model_ready("first"))
            client.close()
        with self.assertRaisesRegex(RuntimeError, "private key"):
            Server(self.models[0], "--certificate", certificate, "--key", certificate)

    def test_a_port_in_use_and_a_bad_file_are_errors(self):
        for arguments, words in (([self.models[0], "--port", self.server.port], "cannot serve at"),
                                 ([FOLDER / "photo.jpg"], "error: "), ([self.models[0], self.models[0]], "first="),
                                 ([FOLDER / "nothing.safetensors"], "nothing.safetensors")):
            result = subprocess.run([CONVNET, "serve", *map(str, arguments)], capture_output=True, text=True,
                                    timeout=60, check=False)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(words, result.stderr)

    def test_the_log_is_json(self):
        self.server.ask("/v1/models", headers={"X-Request-Id": "log-1"})
        self.server.wait_for("log-1")
        for line in self.server.entries().splitlines():
            self.assertIn("time", json.loads(line))

    def test_idle_takes_no_processor(self):
        def ticks():
            fields = pathlib.Path(f"/proc/{self.server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])

        if not pathlib.Path("/proc/self/stat").exists():
            self.skipTest("the system does not tell")
        self.server.ask(self.classify, self.photo)
        time.sleep(1)
        before = ticks()
        time.sleep(2)
        # In hundredths of a second.
        self.assertLessEqual(ticks() - before, 2)


class Soaking(unittest.TestCase):
    """Good requests among bad ones for long: `--soak 600`."""

    @classmethod
    def setUpClass(cls):
        if SOAK > 0 and not hasattr(Serving, "models"):
            Serving.models, Serving.photo = make_models(), (FOLDER / "photo.jpg").read_bytes()

    def test_no_accepted_request_is_lost(self):
        if SOAK <= 0:
            self.skipTest("--soak SECONDS asks for it")
        models, photo = Serving.models, Serving.photo
        path, classify = FOLDER / "soaked.safetensors", "/v1/models/soaked:classify"
        shutil.copy(models[0], path)
        draws = numpy.random.default_rng(5)
        statuses, residents, end = [], [], time.monotonic() + SOAK
        with Server(path, "--timeout", "2", "--watch", "0.5", "--body-limit", "1", "--quiet") as server:
            def good():
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
                while time.monotonic() < end:
                    connection.request("POST", classify, photo)
                    answer = connection.getresponse()
                    body = json.loads(answer.read())
                    statuses.append(answer.status if answer.status != 200 or body["pictures"][0]["predictions"] else 0)
                connection.close()

            def bad():
                hostile = [b"", b"\0" * 1000, b"P6 30000 30000 255\n", photo[:500], b"GIF89a" + bytes(50)]
                while time.monotonic() < end:
                    kind = draws.integers(0, 6)
                    with contextlib.suppress(OSError):
                        if kind < 3:
                            self.assertGreaterEqual(server.ask(classify, hostile[draws.integers(0, 5)])[0], 400)
                        elif kind == 3:
                            with server.connect() as connection:
                                connection.sendall(head(classify, len(photo)) + photo[: draws.integers(0, len(photo))])
                        elif kind == 4:
                            with server.connect() as connection:
                                connection.sendall(head(classify, 100))
                                everything(connection)
                        else:
                            server.raw(draws.bytes(200) + b"\r\n\r\n")

            def exchange():
                place = 0
                while time.monotonic() < end:
                    time.sleep(2)
                    place += 1
                    other = FOLDER / "exchanged"
                    other.write_bytes(b"bad" if place % 3 == 0 else models[place % 2].read_bytes())
                    other.replace(path)
                    fields = pathlib.Path(f"/proc/{server.process.pid}/statm")
                    if fields.exists():
                        residents.append(int(fields.read_text().split()[1]) * 4096)

            threads = [threading.Thread(target=one) for one in [good] * 4 + [bad] * 4 + [exchange]]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(server.process.returncode, 0)
        self.assertEqual(set(statuses), {200})
        print(f"{len(statuses)} requests, resident {[one >> 20 for one in residents[::max(1, len(residents) // 10)]]} MiB")
        if len(residents) > 20:
            early, late = max(residents[: len(residents) // 3]), max(residents[-len(residents) // 3:])
            self.assertLess(late, early * 1.2 + (16 << 20))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--convnet", required=True)
    parser.add_argument("--soak", type=float, default=0.0, help="seconds")
    options, rest = parser.parse_known_args()
    SOAK = options.soak
    CONVNET = str(pathlib.Path(options.convnet).resolve())
    with tempfile.TemporaryDirectory() as folder:
        FOLDER = pathlib.Path(folder)
        unittest.main(argv=[sys.argv[0], *rest])
