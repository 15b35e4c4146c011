# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Installs the peers that tests/peers.toml lists into the virtual environment that runs this script.

Does nothing when the list has not changed since the last time. A peer whose runtime is missing or too old is named,
not an error: the tests say what they skip.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration"))

try:
    import peers
except ModuleNotFoundError:  # Python 3.10 has no tomllib
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "tomli"], check=True)
    import peers


def install_python(wanted: list[dict]) -> None:
    names = []
    for peer in wanted:
        extras = f"[{peer['extras']}]" if "extras" in peer else ""
        names.append(f"{peer['name']}{extras}{peer['version']}")
    print("installing into .venv:", " ".join(names), file=sys.stderr)
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", *names], check=True)


def install_venv(peer: dict) -> None:
    """Another release of what this environment has, beside it."""
    python = peers.find_python(peer["name"])
    if os.path.exists(python):
        return
    folder = pathlib.Path(python).parent.parent
    print("making", folder, file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    try:
        subprocess.run([python, "-m", "pip", "install", "-q", *peer["packages"]], check=True)
    except subprocess.CalledProcessError:
        shutil.rmtree(folder)  # so that it is tried again
        raise


def install_wheel(peer: dict) -> None:
    """The libraries of a wheel that may be for another Python: unpacked, never imported."""
    folder = peers.find_folder(peer["name"])
    if folder.exists():
        return
    print("unpacking", peer["package"], file=sys.stderr)
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", place]
        for glibc in ("manylinux2014", "manylinux_2_12", "manylinux_2_17", "manylinux_2_28"):
            command += ["--platform", f"{glibc}_x86_64"]
        subprocess.run([*command, "--python-version", peer["wheel"], peer["package"]], check=True)
        (wheel,) = pathlib.Path(place).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(f"{folder}.part")
    os.rename(f"{folder}.part", folder)


def install_go(peer: dict) -> None:
    target = pathlib.Path(sys.prefix) / "bin"
    if (target / peer["name"]).exists():
        return
    name = peer.get("folder") or f"{peer['module']}@{peer['version']}"
    print("building", name, file=sys.stderr)
    environment = {**os.environ, "GOBIN": str(target), "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local"}
    if "folder" in peer:  # a program of the tree around a library of others
        command = ["go", "build", "-o", str(target / peer["name"]), "."]
        subprocess.run(command, check=True, env=environment, cwd=ROOT / peer["folder"])
        return
    subprocess.run(["go", "install", name], check=True, env=environment)


def install_node(peer: dict) -> None:
    if (pathlib.Path(sys.prefix) / "bin" / peer["program"]).exists():
        return
    name = f"{peer['name']}@{peer['version']}"
    print("installing", name, file=sys.stderr)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(["npm", "install", "--global", "--prefix", sys.prefix, *quiet, name], check=True)


def main() -> None:
    stamp = pathlib.Path(sys.prefix) / "peers.stamp"
    runtimes = f"{shutil.which('go')} {shutil.which('node')}"
    state = hashlib.sha256(peers.LIST.read_bytes() + runtimes.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == state:
        return
    required = peers.required()
    install_python([peer for peer in required if peer["kind"] == "python"])
    for peer in required:
        if peer["kind"] == "go":
            install_go(peer)
        elif peer["kind"] == "node":
            install_node(peer)
        elif peer["kind"] == "venv":
            install_venv(peer)
        elif peer["kind"] == "wheel":
            install_wheel(peer)
    for name in sorted(peers.names() - {peer["name"] for peer in required}):
        print(f"no runtime here for the peer {name}: tests that need it are skipped", file=sys.stderr)
    stamp.write_text(state)


if __name__ == "__main__":
    main()
