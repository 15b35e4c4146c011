# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Google's interface with servers and clients by others: what one writes the other reads, and 412 is decided there."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import peers
import pytest
from conftest import need, run_nacre, worked
from servers import free_port

SIZES = {"empty": 0, "small": 1000, "a put": 300_000, "an upload": 9_000_001}


def bytes_of(size: int) -> bytes:
    return bytes((i * 7 + i // 251) % 256 for i in range(size))


# --- gcsemulator decides ifGenerationMatch. ---


@pytest.fixture(scope="module")
def gcsemulator() -> Iterator[str]:
    """The URL of gcsemulator, by others: in memory, a bucket comes with its first object."""
    need("gcsemulator")
    port = free_port()
    program = peers.find_program("gcsemulator")
    process = subprocess.Popen([program, "-host", "127.0.0.1", "-port", str(port), "-verbose=false"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"{url}/storage/v1/b/none/o")
            break
        except urllib.error.HTTPError:
            break
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline, "gcsemulator does not answer"
            time.sleep(0.05)
    yield url
    process.terminate()
    process.wait(20)


@pytest.fixture
def gs(gcsemulator: str) -> Callable[..., Any]:
    return lambda *words, **more: run_nacre(*words, STORAGE_EMULATOR_HOST=gcsemulator, **more)


def version_of(gs: Callable[..., Any], path: str) -> str:
    text = worked(gs("stat", path)).decode()
    return next(line.split()[1] for line in text.splitlines() if line.split()[0] == "version")


def test_absence_is_a_condition(gs: Callable[..., Any]) -> None:
    path = "gs://cond/absent"
    worked(gs("cp", "-q", "-n", "-", path, stdin=b"first"))
    done = gs("cp", "-q", "-n", "-", path, stdin=b"second")
    assert (done.returncode, done.stderr) == (1, f"nacre: {path}: exists already\n")
    assert worked(gs("cat", path)) == b"first"


def test_a_version_is_a_condition(gs: Callable[..., Any]) -> None:
    path = "gs://cond/version"
    worked(gs("cp", "-q", "-", path, stdin=b"first"))
    old = version_of(gs, path)
    worked(gs("cp", "-q", "--if-match", old, "-", path, stdin=b"second"))
    done = gs("cp", "-q", "--if-match", old, "-", path, stdin=b"third")
    assert done.returncode == 1 and old in done.stderr and version_of(gs, path) in done.stderr
    assert worked(gs("cat", path)) == b"second"


def test_what_is_there_is_overwritten_and_deleted_without_a_condition(gs: Callable[..., Any]) -> None:
    path = "gs://cond/plain"
    for content in (b"first", b"second", b"x" * 300_000):
        worked(gs("cp", "-q", "-", path, stdin=content))
        assert worked(gs("cat", path)) == content
    worked(gs("mv", path, "gs://cond/moved"))
    assert gs("stat", path).returncode == 1
    worked(gs("rm", "gs://cond/moved"))
    assert "not found (404)" in gs("rm", "gs://cond/moved").stderr


# --- Official clients, on both of the other servers. ---


@pytest.mark.parametrize("size", SIZES)
def test_googles_client_and_nacre_read_each_other(bucket: Any, size: str) -> None:
    content = bytes_of(SIZES[size])
    environment = {"STORAGE_EMULATOR_HOST": bucket.client._connection.API_BASE_URL}
    worked(run_nacre("cp", "-q", "-", f"gs://{bucket.name}/d/by nacre.bin", stdin=content, **environment))
    assert bucket.blob("d/by nacre.bin").download_as_bytes() == content  # its client checks the checksum too
    bucket.blob("d/by google.bin").upload_from_string(content)
    assert worked(run_nacre("cat", f"gs://{bucket.name}/d/by google.bin", **environment)) == content
    listed = worked(run_nacre("ls", "-r", f"gs://{bucket.name}/d/", **environment)).decode().splitlines()
    assert listed == [f"gs://{bucket.name}/d/{blob.name[2:]}" for blob in bucket.list_blobs(prefix="d/")]


def filesystem(url: str) -> Any:
    need("gcsfs")
    os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"  # would ask Google itself what kind the bucket is of
    import gcsfs

    return gcsfs.GCSFileSystem(token="anon", endpoint_url=url, skip_instance_cache=True, use_listings_cache=False)


@pytest.mark.parametrize("size", SIZES)
def test_gcsfs_and_nacre_read_each_other(bucket: Any, size: str) -> None:
    content = bytes_of(SIZES[size])
    url = bucket.client._connection.API_BASE_URL
    files = filesystem(url)
    worked(run_nacre("cp", "-q", "-", f"gs://{bucket.name}/by nacre.bin", stdin=content, STORAGE_EMULATOR_HOST=url))
    assert files.cat_file(f"{bucket.name}/by nacre.bin") == content
    assert files.info(f"{bucket.name}/by nacre.bin")["size"] == len(content)
    files.pipe_file(f"{bucket.name}/by gcsfs.bin", content)
    assert worked(run_nacre("cat", f"gs://{bucket.name}/by gcsfs.bin", STORAGE_EMULATOR_HOST=url)) == content
