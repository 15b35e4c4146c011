# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Each operation on each store of the emulator, while every second request fails: done, or one clear error; what is there is
what was there before or what was meant, and nothing else."""

from __future__ import annotations

import os
import pathlib
import re
import urllib.parse

import pytest
from conftest import Emulator, run_nacre

OLD, NEW, LARGE = os.urandom(70_000), os.urandom(5_000), os.urandom(9 << 20)
QUICK = ["--config", "http.retry_delay=0.01", "--config", "http.stall_timeout=0.4"]

# Transport and statuses; what the store says that is wrong.
PASSING = ["500", "502", "503", "504", "408", "429", "reset", "cut", "stall"]
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


@pytest.fixture
def local(tmp_path: pathlib.Path) -> dict[str, str]:
    (tmp_path / "new").write_bytes(NEW)
    (tmp_path / "large").write_bytes(LARGE)
    return {"new": str(tmp_path / "new"), "large": str(tmp_path / "large")}


def content(emulator: Emulator, key: str) -> bytes | None:
    answer = emulator.request("GET", f"/storage/v1/b/demo/o/{urllib.parse.quote(key, safe='')}?alt=media")
    assert answer.status in (200, 404), answer.status
    return answer.body if answer.status == 200 else None


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_an_operation_among_faults(
    scheme: str, operation: str, emulator: Emulator, local: dict[str, str], tmp_path: pathlib.Path
) -> None:
    keys = {"AWS_ENDPOINT_URL": emulator.s3_url, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x"}
    environment = {"gs": {"STORAGE_EMULATOR_HOST": emulator.url}, "s3": keys}[scheme]
    words, allowed = OPERATIONS[operation]
    for number, fault in enumerate(FAULTS):
        folder = f"f{number}"
        emulator.put("demo", f"{folder}/a.bin", OLD)
        path = f"{scheme}://demo/{folder}"
        names = {"a": f"{path}/a.bin", "b": f"{path}/b.bin", "folder": path, **local}
        emulator.set_faults(f"{fault}:2")
        done = run_nacre(*(word.format(**names) for word in words), *QUICK, timeout=60, **environment)
        emulator.set_faults()
        there = (content(emulator, f"{folder}/a.bin"), content(emulator, f"{folder}/b.bin"))
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
