# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""A raster that is being written while servers fail, the disk is full or the program is killed: the old object or the new
one is there, whole, and nothing else."""

from __future__ import annotations

import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.parse

import numpy as np
import pytest
import rasterio
from conftest import NACRE, Emulator, run_nacre
from edits import update

import nacre

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

QUICK = ["--config", "http.retry_delay=0.01", "--config", "http.stall_timeout=0.4"]
FAULTS = ["500", "503", "429", "reset", "cut", "lost", "novalidator", "changed-etag", "noprecondition"]
OLD = b"II*\0 what was there before"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Larger than a part of an upload."""
    path = tmp_path_factory.mktemp("source") / "a.tif"
    pixels = np.random.default_rng(1).integers(0, 255, (3, 1900, 1900), "uint8")
    with rasterio.open(path, "w", driver="GTiff", width=1900, height=1900, count=3, dtype="uint8", tiled=True) as dataset:
        dataset.write(pixels)
    return path


@pytest.fixture(scope="module")
def written(source: pathlib.Path) -> bytes:
    """What comes of it where nothing fails: the same bytes each time."""
    copy = source.with_name("copy.tif")
    assert run_nacre("convert", source, copy, "--co", "COMPRESS=NONE").returncode == 0
    return copy.read_bytes()


def environment(scheme: str, emulator: Emulator) -> dict[str, str]:
    keys = {"AWS_ENDPOINT_URL": emulator.s3_url, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x"}
    return {"gs": {"STORAGE_EMULATOR_HOST": emulator.url}, "s3": keys}[scheme]


def content(emulator: Emulator, key: str) -> bytes:
    answer = emulator.request("GET", f"/storage/v1/b/demo/o/{urllib.parse.quote(key, safe='')}?alt=media")
    assert answer.status == 200
    return answer.body


@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_a_conversion_among_faults(scheme: str, emulator: Emulator, source: pathlib.Path, written: bytes) -> None:
    for number, fault in enumerate(FAULTS):
        emulator.put("demo", f"{number}.tif", OLD)
        emulator.set_faults(f"{fault}:2")
        words = ["convert", source, f"{scheme}://demo/{number}.tif", "--co", "COMPRESS=NONE", "--overwrite", *QUICK]
        done = run_nacre(*words, timeout=60, **environment(scheme, emulator))
        emulator.set_faults()
        there = content(emulator, f"{number}.tif")
        assert there in (OLD, written), fault
        assert done.returncode in (0, 1) and (there == written or done.returncode == 1), fault
        assert done.returncode == 0 or re.fullmatch(r"nacre: \S+: [^\n]+\n", done.stderr), (fault, done.stderr)


def test_an_update_is_under_the_version_that_was_opened(
    emulator: Emulator, source: pathlib.Path, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.put("demo", "a.tif", written)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    edit, other = update("gs://demo/a.tif"), update("gs://demo/a.tif")
    edit.set_metadata("WHO", "one")
    other.set_metadata("WHO", "other")
    edit.commit()
    with pytest.raises(nacre.errors.ObjectChangedError):
        other.commit()
    edit.close()
    other.close()
    with nacre.open("gs://demo/a.tif") as dataset, rasterio.open(source) as before:
        assert dataset.tags()["WHO"] == "one"
        assert np.array_equal(dataset.read(), before.read())


def test_an_update_fetches_each_block_once(
    emulator: Emulator, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read and written once, in few requests: not a request for each block."""
    emulator.put("demo", "a.tif", written)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    edit = update("gs://demo/a.tif")
    edit.set_metadata("K", "V")
    emulator.take_log()
    edit.commit()
    edit.close()
    reads = [entry for entry in emulator.take_log() if entry["method"] == "GET"]
    assert sum(entry["bytes"] for entry in reads) <= len(written) + 200_000
    assert len(reads) <= 12


def test_killed_in_the_middle(emulator: Emulator, source: pathlib.Path, tmp_path: pathlib.Path) -> None:
    emulator.put("demo", "a.tif", OLD)
    local = tmp_path / "a.tif"
    local.write_bytes(OLD)
    for path in ("gs://demo/a.tif", str(local)):
        for wait in (0.05, 0.2, 0.4):
            variables = {**os.environ, **environment("gs", emulator)}
            words = [NACRE, "convert", source, path, "--overwrite", "--co", "COMPRESS=LZMA"]
            process = subprocess.Popen(words, env=variables, stderr=subprocess.DEVNULL)
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert content(emulator, "a.tif") == OLD
    assert local.read_bytes() == OLD


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["gs", "s3", "file"])
def test_killed_at_any_time(
    scheme: str, emulator: Emulator, source: pathlib.Path, written: bytes, tmp_path: pathlib.Path
) -> None:
    """From before the first byte to after the last one; what was there is there, or the new one is."""
    path = str(tmp_path / "a.tif") if scheme == "file" else f"{scheme}://demo/a.tif"
    words = [NACRE, "convert", source, path, "--overwrite", "--co", "COMPRESS=NONE"]
    variables = {**os.environ, **environment("gs" if scheme == "file" else scheme, emulator)}
    began = time.monotonic()
    subprocess.run(words, env=variables, check=True)
    whole, ends = time.monotonic() - began, set()
    for number in range(24):
        if scheme == "file":
            (tmp_path / "a.tif").write_bytes(OLD)
        else:
            emulator.put("demo", "a.tif", OLD)
        process = subprocess.Popen(words, env=variables, stderr=subprocess.DEVNULL)
        time.sleep(whole * 1.2 * number / 24)
        process.send_signal(signal.SIGKILL)
        process.wait()
        there = (tmp_path / "a.tif").read_bytes() if scheme == "file" else content(emulator, "a.tif")
        assert there in (OLD, written), number
        ends.add(there == written)
        assert scheme != "file" or sorted(os.listdir(tmp_path)) == ["a.tif", "buckets"]
    assert False in ends


UPDATE = """
import sys
import numpy as np
from edits import update
edit = update(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
edit.set_metadata("KEY", "value" * 100)
edit.write(np.full((3, 1900, 1900), 7, "uint8"))
edit.commit()
"""


def updating(path: pathlib.Path, **variables: str) -> subprocess.Popen:
    search = os.pathsep.join([str(pathlib.Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen([sys.executable, "-c", UPDATE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": search, **variables})  # fmt: skip
    assert process.stdout.readline() == "open\n"
    return process


def test_an_update_is_killed(source: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path, ends = tmp_path / "a.tif", set()
    for wait in (0.0, 0.05, 0.15):
        path.write_bytes(source.read_bytes())
        process = updating(path)
        process.stdin.write("\n")
        process.stdin.flush()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with rasterio.open(path) as dataset:
            is_new = "KEY" in dataset.tags()
            assert (dataset.read() == 7).all() == is_new
        assert is_new or path.read_bytes() == source.read_bytes()
        assert os.listdir(tmp_path) == ["a.tif"]
        ends.add(is_new)
    assert False in ends


def mounted(folder: pathlib.Path, size: str) -> list[str]:
    """Runs what follows where a file system of that size lies on the folder."""
    mount = ["unshare", *(["-m"] if os.geteuid() == 0 else ["-rm"])]
    words = [*mount, "sh", "-ec", f'mount -t tmpfs -o size={size} none "$0" && exec "$@"', str(folder)]
    if subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    return words


def test_no_space_where_bytes_are_put_aside(source: pathlib.Path, tmp_path: pathlib.Path) -> None:
    room, out = tmp_path / "room", tmp_path / "a.tif"
    room.mkdir()
    out.write_bytes(OLD)
    words = [*mounted(room, "1m"), NACRE, "convert", source, out, "--overwrite", "--size", "6000,6000", "--co", "COMPRESS=NONE"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, env={**os.environ, "TMPDIR": str(room)})
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert f"{room}: " in done.stderr and "No space left" in done.stderr
    assert out.read_bytes() == OLD and os.listdir(room) == []


def test_no_space_left_for_an_update(source: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """A file system that holds the file, and not another one beside it."""
    room = tmp_path / "room"
    room.mkdir()
    script = f'cp {source} "$1" && printf "\\n" | {sys.executable} -c "$0" "$1" || echo failed; cmp {source} "$1" && ls {room}'
    search = os.pathsep.join([str(pathlib.Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    size = f"{source.stat().st_size * 3 // 2 // 1024}k"
    words = [*mounted(room, size), "sh", "-c", script, UPDATE, room / "a.tif"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, env={**os.environ, "PYTHONPATH": search})
    assert done.stdout == "open\nfailed\na.tif\n", (done.stdout, done.stderr)
    assert f"{room}/a.tif: cannot write: No space left on device" in done.stderr


def test_no_space_left(source: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """A limit of the size of files is what a test can make of a full disk: first of the destination, then of what is put
    aside."""

    def limit(size: int) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    for size, part in [(1 << 20, r"nacre: .*: "), (17 << 20, r"nacre: .*: ")]:
        words = [NACRE, "convert", source, tmp_path / "a.tif", "--co", "COMPRESS=NONE", "--format", "GTiff"]
        if size > 1 << 20:
            words += ["--size", "6000,6000"]
        done = subprocess.run(words, capture_output=True, text=True, preexec_fn=lambda size=size: limit(size))
        assert done.returncode == 1 and re.match(part, done.stderr) and done.stderr.count("\n") == 1, done.stderr
        assert os.listdir(tmp_path) == []


def test_where_nothing_can_be_put_aside(source: pathlib.Path, tmp_path: pathlib.Path) -> None:
    words = ["convert", source, tmp_path / "a.tif", "--size", "6000,6000", "--co", "COMPRESS=NONE"]
    done = run_nacre(*words, TMPDIR=str(tmp_path / "none"))
    assert done.returncode == 1
    assert "none: cannot make a temporary file" in done.stderr, done.stderr
    assert os.listdir(tmp_path) == []
