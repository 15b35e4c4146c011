# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Which programs by others are to be had here: reads tests/peers.toml."""

import functools
import importlib.metadata
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

LIST = pathlib.Path(__file__).resolve().parent.parent / "peers.toml"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _go_version() -> tuple[int, ...]:
    if not shutil.which("go"):
        return (0,)
    answer = subprocess.run(["go", "version"], capture_output=True, text=True, check=True).stdout
    return _numbers(answer.split(" go", 1)[1])


def _node_version() -> tuple[int, ...]:
    if not shutil.which("node") or not shutil.which("npm"):
        return (0,)
    return _numbers(subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout)


@functools.cache
def _has_module(python: str, module: str) -> bool:
    """Whether another Python has a module, and what nacre needs to be imported there."""
    try:
        return subprocess.run([python, "-c", f"import {module}, _cffi_backend"], capture_output=True).returncode == 0
    except OSError:
        return False


def _has_runtime(peer: dict) -> bool:
    if peer["kind"] in ("python", "venv"):
        return sys.version_info[:2] >= _numbers(peer.get("python", "3.10"))
    if peer["kind"] == "wheel":
        return sys.platform == "linux" and platform.machine() == "x86_64"
    if peer["kind"] == "module":
        return _has_module(peer["program"], peer["module"])
    if peer["kind"] == "go":
        return _go_version() >= _numbers(peer["go"])
    if peer["kind"] == "node":
        return _node_version() >= _numbers(peer["node"])
    return shutil.which(peer["program"]) is not None


def _entries() -> list[dict]:
    return tomllib.loads(LIST.read_text())["peer"]


def names() -> set[str]:
    """Every peer that is listed."""
    return {peer["name"] for peer in _entries()}


def required() -> list[dict]:
    """For each peer the first entry whose runtime is found; peers without a runtime are left out."""
    found: dict[str, dict] = {}
    for peer in _entries():
        if peer["name"] not in found and _has_runtime(peer):
            found[peer["name"]] = peer
    return list(found.values())


def find_program(name: str) -> str | None:
    """Where a program lies: beside this Python, or on the path."""
    return shutil.which(name, path=f"{sys.prefix}/bin") or shutil.which(name)


def find_folder(name: str) -> pathlib.Path:
    """Where a peer of kind wheel is unpacked."""
    return pathlib.Path(sys.prefix) / "peers" / name


def find_python(name: str) -> str:
    """The Python that imports a peer of kind python, venv or module."""
    for peer in _entries():
        if peer["name"] == name:
            own = f"{sys.prefix}/peers/{name}/bin/python"
            return {"python": sys.executable, "venv": own, "module": peer.get("program", "")}[peer["kind"]]
    raise KeyError(f"{name} is not in {LIST.name}")


def is_installed(name: str) -> bool:
    """Whether the peer can be used now."""
    for peer in _entries():
        if peer["name"] != name:
            continue
        if peer["kind"] == "python":
            try:
                importlib.metadata.version(name)
                return True
            except importlib.metadata.PackageNotFoundError:
                return False
        if peer["kind"] == "wheel":
            return find_folder(name).exists()
        if peer["kind"] == "venv":
            return os.path.exists(find_python(name))
        if peer["kind"] == "module":
            return _has_runtime(peer)
        return find_program(peer.get("program", name)) is not None
    raise KeyError(f"{name} is not in {LIST.name}")


def must_have(name: str) -> bool:
    """Whether a missing peer is a failure rather than a skip."""
    return os.environ.get("NACRE_REQUIRE_ALL") == "1" and any(peer["name"] == name for peer in required())
