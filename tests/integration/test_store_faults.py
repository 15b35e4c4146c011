# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Each operation on each store (those of the emulator, and Azurite behind a proxy), while every second request fails: done,
or one clear error; what is there is what was there before or what was meant, and nothing else."""

from __future__ import annotations

import os
import pathlib
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from azure_servers import ACCOUNT
from between import Between
from conftest import Emulator, need, run_nacre
from test_az import Azurite, _azurite, sas_of  # noqa: F401

OLD, NEW, LARGE = os.urandom(70_000), os.urandom(5_000), os.urandom(9 << 20)
QUICK = ["--config", "http.retry_delay=0.01", "--config", "http.stall_timeout=0.4"]

# Transport and statuses; what the store says that is wrong.
PASSING = ["500", "502", "503", "504", "408", "429", "reset", "cut", "stall"]
ALIKE = {"502", "504", "408", "429"}  # as 500 and 503, below all stores
FAULTS = [*PASSING, "lost", "norange", "wrongrange", "novalidator", "changed-etag", "noprecondition", "blind"]

# Operations: words, and the contents that may be there afterwards, by key; None: nothing. The first is what a command that
# ended well leaves. "{old}" is an object, "{new}" and "{large}" local files.
Contents = tuple[bytes | None, bytes | None]  # of a.bin, of b.bin
OPERATIONS: dict[str, tuple[list[str], list[Contents]]] = {
    "stat": (["stat", "{a}"], [(OLD, None)]),
    "list": (["ls", "-r", "{folder}/"], [(OLD, None)]),
    "read": (["cat", "{a}"], [(OLD, None)]),
    "read a range": (["cat", "--range", "40000-49999", "{a}"], [(OLD, None)]),
    "put": (["cp", "{new}", "{b}"], [(OLD, NEW), (OLD, None)]),
    "put where there is nothing": (["cp", "-n", "{new}", "{b}"], [(OLD, NEW), (OLD, None)]),
    "replace": (["cp", "{new}", "{a}"], [(NEW, None), (OLD, None)]),
    "upload": (["cp", "{large}", "{b}"], [(OLD, LARGE), (OLD, None)]),
    "copy": (["cp", "{a}", "{b}"], [(OLD, OLD), (OLD, None)]),
    "move": (["mv", "{a}", "{b}"], [(None, OLD), (OLD, OLD), (OLD, None)]),
    "delete": (["rm", "{a}"], [(None, None), (OLD, None)]),
}
READS = {"stat", "list", "read", "read a range"}
SINGLE = {"stat", "list", "put", "put where there is nothing"}  # of one request, so that the first one has to fail


@pytest.fixture
def local(tmp_path: pathlib.Path) -> dict[str, str]:
    (tmp_path / "new").write_bytes(NEW)
    (tmp_path / "large").write_bytes(LARGE)
    return {"new": str(tmp_path / "new"), "large": str(tmp_path / "large")}


class Emulated:
    """A bucket of the emulator by one of its interfaces."""

    def __init__(self, scheme: str, emulator: Emulator) -> None:
        keys = {"AWS_ENDPOINT_URL": emulator.s3_url, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x"}
        self.environment = {"gs": {"STORAGE_EMULATOR_HOST": emulator.url}, "s3": keys}[scheme]
        self.path, self.faults, self._emulator = f"{scheme}://demo", FAULTS, emulator

    def put(self, key: str, data: bytes) -> None:
        self._emulator.put("demo", key, data)

    def content(self, key: str) -> bytes | None:
        answer = self._emulator.request("GET", f"/storage/v1/b/demo/o/{urllib.parse.quote(key, safe='')}?alt=media")
        assert answer.status in (200, 404), answer.status
        return answer.body if answer.status == 200 else None

    def strike(self, fault: str | None, *, first: bool = False) -> None:
        rules = [{"kind": fault, "count": int(first)}, {"kind": fault, "every": 2}]
        self._emulator.set_faults(*(rules if fault else []))


class Proxied:
    """A container of Azurite's, asked with a signature in the URL, so that a proxy may take conditions away."""

    def __init__(self, azurite: Azurite, proxy: Between) -> None:
        self._container, self._proxy = azurite.client().create_container(f"c-{os.urandom(6).hex()}"), proxy
        self.path = f"az://{self._container.container_name}"
        self.faults = [fault for fault in FAULTS if fault not in ALIKE]
        self.environment = {
            "AZURE_STORAGE_BLOB_ENDPOINT": f"{proxy.url}/{ACCOUNT}",
            "AZURE_STORAGE_ACCOUNT": ACCOUNT,
            "AZURE_STORAGE_SAS_TOKEN": sas_of(self._container),
        }

    def put(self, key: str, data: bytes) -> None:
        self._container.upload_blob(key, data)

    def content(self, key: str) -> bytes | None:
        blob = self._container.get_blob_client(key)
        return blob.download_blob().readall() if blob.exists() else None

    def strike(self, fault: str | None, *, first: bool = False) -> None:
        self._proxy.restart(fault, first=first)


@pytest.fixture(params=["gs", "s3", "az"])
def place(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Each store in turn."""
    if request.param != "az":
        yield Emulated(request.param, request.getfixturevalue("emulator"))
        return
    need("azurite")
    proxy = Between(request.getfixturevalue("_azurite").url)
    yield Proxied(request.getfixturevalue("_azurite"), proxy)
    proxy.stop()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_among_faults(operation: str, place: Any, local: dict[str, str]) -> None:
    words, allowed = OPERATIONS[operation]
    for number, fault in enumerate(place.faults):
        folder = f"f{number}"
        place.put(f"{folder}/a.bin", OLD)
        path = f"{place.path}/{folder}"
        names = {"a": f"{path}/a.bin", "b": f"{path}/b.bin", "folder": path, **local}
        place.strike(fault, first=operation in SINGLE)
        done = run_nacre(*(word.format(**names) for word in words), *QUICK, timeout=60, **place.environment)
        place.strike(None)
        there = (place.content(f"{folder}/a.bin"), place.content(f"{folder}/b.bin"))
        what = (fault, done.returncode, done.stderr)
        assert done.returncode in (0, 1), what
        if done.returncode == 0:
            assert there == allowed[0], what
            assert done.stderr == "", what
        else:
            assert there in allowed, what
            assert re.fullmatch(r"nacre: \S+: [^\n]+\n", done.stderr), what
        if operation.startswith("read"):
            right = OLD if operation == "read" else OLD[40000:50000]
            assert done.stdout == right if done.returncode == 0 else right.startswith(done.stdout), what
        if operation in READS and fault in PASSING:
            assert done.returncode == 0, what


def test_the_next_operation_works(emulator: Emulator, local: dict[str, str]) -> None:
    """A server that fails at each request, and then no more."""
    emulator.put("demo", "a.bin", OLD)
    for fault in ("503", "reset", "cut"):
        emulator.set_faults(f"{fault}:1")
        done = run_nacre("cat", "gs://demo/a.bin", *QUICK, "--config", "http.retries=1", STORAGE_EMULATOR_HOST=emulator.url)
        assert done.returncode == 1 and "gs://demo/a.bin: " in done.stderr
        emulator.set_faults()
        done = run_nacre("cat", "gs://demo/a.bin", *QUICK, STORAGE_EMULATOR_HOST=emulator.url)
        assert done.stdout == OLD
