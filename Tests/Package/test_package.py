"""Installs the Debian package in a bare root, trains, predicts and serves there: `make test-package`, as root.

The root is made by debootstrap from where this machine's own apt brings its packages. Nothing of this machine but the network is
seen from inside.
"""

import argparse
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from pathlib import Path

# Of installing and answering together; and of what is downloaded for it, the package and its libraries.
MOST_SECONDS = 60
MOST_BYTES = 80_000_000

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
}


def check(condition: bool, what: str) -> None:
    print(("ok      " if condition else "FAILED  ") + what, flush=True)
    if not condition:
        sys.exit(1)


def output(*line: str) -> str:
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(line)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def release() -> tuple[str, str]:
    """What this machine runs: Debian, bookworm."""
    lines = Path("/etc/os-release").read_text().splitlines()
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    return facts["ID"].strip('"').capitalize(), facts["VERSION_CODENAME"].strip('"')


def sources() -> list[tuple[str, str, str]]:
    """Address, suite and component of all that this machine's apt has of its own release."""
    origin, codename = release()
    found = []
    for line in output(
        "apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages"
    ).splitlines():
        of, *source = line.split("|")
        if of == origin and source[1].startswith(codename) and tuple(source) not in found:
            found.append(tuple(source))
    # The suite itself before its updates.
    found.sort(key=lambda source: (source[1] != codename, source[1]))
    if not found or found[0][1] != codename:
        sys.exit(f"apt has no lists of {origin} {codename}: apt-get update")
    return found


class Root:
    """A bare Debian below a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.has_proc = False

    def make(self) -> None:
        every = sources()
        subprocess.run(
            ["debootstrap", "--variant=minbase", every[0][1], str(self.folder), every[0][0]],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        apt = self.folder / "etc" / "apt"
        (apt / "sources.list").write_text("".join(f"deb {uri} {suite} {part}\n" for uri, suite, part in every))
        proxies = [line for line in output("apt-config", "dump").splitlines() if "::Proxy" in line and '""' not in line]
        (apt / "apt.conf.d" / "00proxy").write_text("\n".join(proxies) + "\n")
        for name in ["hosts", "resolv.conf"]:
            shutil.copy(Path("/etc") / name, self.folder / "etc" / name)
        if any(uri.startswith("https:") for uri, _, _ in every):
            shutil.copytree("/etc/ssl/certs", self.folder / "etc" / "ssl" / "certs", dirs_exist_ok=True)
        subprocess.run(["mount", "-t", "proc", "proc", str(self.folder / "proc")], check=True)
        self.has_proc = True

    def line(self, *line: str, user: str = "root") -> list[str]:
        return ["chroot", f"--userspec={user}", str(self.folder), *line]

    def run(self, *line: str, user: str = "root", status: int = 0) -> str:
        done = subprocess.run(self.line(*line, user=user), env=ENVIRONMENT, capture_output=True, text=True)
        if done.returncode != status:
            sys.exit(f"{' '.join(line)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def installed(self) -> dict[str, int]:
        """The bytes of every package."""
        lines = self.run("dpkg-query", "-W", "-f", "${Package} ${Installed-Size}\n").splitlines()
        return {name: 1024 * int(size) for name, size in map(str.split, lines)}

    def remove(self) -> None:
        if self.has_proc:
            subprocess.run(["umount", str(self.folder / "proc")], check=True)
        # What may still be mounted is another file system, and stays.
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.folder)], check=True)


def write_picture(path: Path, down: bool, phase: int) -> None:
    """Bright bars, down or across, as a grey PNG of 28 by 28."""
    rows = bytearray()
    for row in range(28):
        rows.append(0)
        for column in range(28):
            bright = ((column if down else row) + phase) // 4 % 2 == 0
            rows.append((200 if bright else 40) + (7 * row + 13 * column + 31 * phase) % 30)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(rows)))
        + chunk(b"IEND", b"")
    )


def serve(root: Root, picture: Path) -> str:
    """The class that a server, run by nobody in particular, gives a picture."""
    server = subprocess.Popen(
        root.line("convnet", "serve", "bars=/srv/run/model.safetensors", "--port", "0", "--json", user="65534:65534"),
        env=ENVIRONMENT | {"CONVNET_CACHE": "/tmp/convnet"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        address = json.loads(server.stdout.readline())["url"]
        with urllib.request.urlopen(f"{address}/v1/models/bars:classify", data=picture.read_bytes(), timeout=20) as answer:
            said = json.load(answer)["pictures"][0]["predictions"][0]["label"]
    finally:
        server.send_signal(signal.SIGTERM)
    check(server.wait(timeout=60) == 0, "the server stops when it is told to")
    return said


def examine(root: Root, package: Path) -> None:
    picture = root.folder / "srv" / "new.png"
    write_picture(picture, down=True, phase=1)
    for down in [False, True]:
        for phase in range(12):
            name = "down" if down else "across"
            write_picture(root.folder / "srv" / "bars" / name / f"{phase}.png", down, phase)
    shutil.copy(package, root.folder / "srv" / package.name)
    before = root.installed()
    # Of what the root is made of, nothing counts.
    root.run("apt-get", "clean")

    begin = time.monotonic()
    root.run("apt-get", "update", "-qq")
    root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", f"/srv/{package.name}")
    installed = time.monotonic()
    root.run(
        *["convnet", "train", "--model", "lenet5", "--data", "/srv/bars", "--split", "0.25", "--batch-size", "4"],
        *["--epochs", "10", "--seed", "1", "--output", "/srv/run", "--quiet"],
    )
    said = json.loads(root.run("convnet", "predict", "/srv/run/model.safetensors", "/srv/new.png", "--json"))
    end = time.monotonic()
    check(said[0]["predictions"][0]["label"] == "down", "a picture is predicted by a model that was trained there")
    check(
        end - begin < MOST_SECONDS,
        f"{installed - begin:.1f} s to install, {end - installed:.1f} s to train and predict; at most {MOST_SECONDS} s",
    )

    archives = [file.stat().st_size for file in (root.folder / "var/cache/apt/archives").glob("*.deb")]
    own = package.stat().st_size
    check(
        sum(archives) + own <= MOST_BYTES,
        f"{own / 1e6:.1f} MB, with its libraries {(sum(archives) + own) / 1e6:.1f} MB; at most {MOST_BYTES / 1e6:.0f} MB",
    )
    after = root.installed()
    new = {name: size for name, size in after.items() if name not in before}
    largest = sorted(new, key=lambda name: -new[name])[:4]
    print(
        f"        installed {sum(new.values()) / 1e6:.0f} MB in {len(new)} packages, "
        + ", ".join(f"{name} {new[name] / 1e6:.0f}" for name in largest)
    )

    check(serve(root, picture) == "down", "a server answers the same")
    files = root.run("dpkg", "-L", "convnet").split()
    for file in [
        "/usr/bin/convnet", "/usr/share/man/man1/convnet.1.gz", "/lib/systemd/system/convnet-serve@.service",
        "/usr/share/bash-completion/completions/convnet", "/usr/share/zsh/vendor-completions/_convnet",
        "/usr/share/fish/vendor_completions.d/convnet.fish", "/usr/share/doc/convnet/copyright",
        "/usr/share/doc/convnet/notices.gz",
    ]:
        check(file in files, f"there is {file}")
    check(root.run("dpkg", "--verify", "convnet") == "", "every file is as it was packed")
    root.run("apt-get", "purge", "-y", "-qq", "convnet")
    check(
        not any((root.folder / file.lstrip("/")).is_file() for file in files), "purged: no file is left"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    package = parser.parse_args().package.resolve()
    if os.getuid() != 0 or shutil.which("debootstrap") is None:
        sys.exit("error: a bare root is made by debootstrap, as root: apt-get install debootstrap")
    # What is mounted for the root is seen by nobody else, and what it runs ends with it.
    if os.environ.get("CONVNET_UNSHARED") is None:
        os.environ["CONVNET_UNSHARED"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--pid", "--fork", "--kill-child", sys.executable, *sys.argv])

    if shutil.which("lintian"):
        done = subprocess.run(
            ["lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", str(package)],
            capture_output=True,
            text=True,
        )
        check(done.returncode == 0, f"lintian has nothing to say {done.stdout}{done.stderr}".rstrip())
    else:
        print("        lintian is not there: apt-get install lintian")

    root = Root(Path(tempfile.mkdtemp(prefix="convnet-root-")))
    # Others than root go through it.
    root.folder.chmod(0o755)
    try:
        root.make()
        examine(root, package)
    finally:
        root.remove()


if __name__ == "__main__":
    main()
