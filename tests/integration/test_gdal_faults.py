# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""A server that fails, through GDAL: right pixels or one clear error; a write is whole, or an error and nothing."""

from __future__ import annotations

import hashlib
import json
import pathlib
import signal
import subprocess
import time
from typing import Any

import pytest
from conftest import Emulator, need
from gdal_hosts import Amazon, Google, environment, run_program, says
from test_gdal_programs import PYTHON
from test_gdal_rasterio import noise

QUICK = {"NACRE_HTTP_RETRY_DELAY": "0.01", "NACRE_HTTP_STALL_TIMEOUT": "0.5", "NACRE_HTTP_RETRIES": "4"}
# What the server may do now and then without that it shows; the second: what may also be an error, always.
TRANSIENT = ["500", "502", "503", "504", "408", "429", "reset", "lost", "cut", "stall"]
FEW = ["500", "reset", "cut", "norange", "changed-etag"]  # of the fast tier
LASTING = ["norange", "wrongrange", "changed-etag", "novalidator", "noprecondition", "stale"]

START = """
import logging; logging.disable(logging.CRITICAL)
import hashlib, os, time, urllib.request
import numpy as np, rasterio, nacre.gdal, nacre.cache
nacre.gdal.install()
def faults(*rules):
    request = urllib.request.Request(os.environ["CPL_GS_ENDPOINT"] + "emulator/fault", json.dumps(rules).encode(), method="PUT")
    urllib.request.urlopen(request).read()
def whole(error):
    texts = []
    while error is not None and str(error) not in texts:
        texts.append(str(error)); error = error.__cause__ or error.__context__
    return texts
"""

READ = START + """
def read():
    nacre.cache.invalidate_all()
    try:
        with rasterio.open(f"{ROOT}/k.tif") as d:
            parts = [d.read(1, window=rasterio.windows.Window(x, 0, 64, 512)) for x in range(0, 512, 64)]
        return hashlib.md5(np.concatenate(parts, axis=1).tobytes()).hexdigest()
    except Exception as error: return whole(error)
seen = {}
for kind, every in CASES:
    faults({"kind": kind, "every": every})
    began = time.monotonic()
    result = read()
    faults()
    seen[f"{kind}:{every}"] = [result, time.monotonic() - began, read()]
print(json.dumps(seen))
"""


@pytest.mark.parametrize("kinds", [FEW, pytest.param(TRANSIENT + LASTING, marks=pytest.mark.slow)], ids=["few", "all"])
def test_reads_give_right_pixels_or_one_clear_error(gdal_store: Google, kinds: list[str]) -> None:
    need("rasterio")
    data, values = noise(512)
    gdal_store.put("k.tif", data)
    right = hashlib.md5(values[0].tobytes()).hexdigest()
    cases = [(kind, every) for kind in kinds for every in (3, 1) if (kind, every) != ("stall", 3)]
    seen = says(f"CASES = {cases!r}\n" + READ, gdal_store, timeout=500, **QUICK)
    assert len(seen) == len(cases)
    for case, (result, seconds, after) in seen.items():
        kind, every = case.split(":")
        assert after == right, (case, after)  # a failure is not remembered
        assert seconds < 60, case
        if isinstance(result, str):
            assert result == right, case
            continue
        assert not (kind in TRANSIENT and every == "3"), (case, result)
        told = [text for text in result if "k.tif: " in text and "band" not in text]
        assert len(told) == 1, (case, result)
        assert told[0].split(": ", 1)[0].endswith("/k.tif"), (case, told)


WRITE = START + """
values = np.random.default_rng(7).integers(0, 255, (1, 1800, 1800), "uint8")
def write(name, size):
    try:
        with rasterio.open(f"{ROOT}/{name}", "w", driver="GTiff", width=size, height=size, count=1, dtype="uint8") as target:
            target.write(values[:, :size, :size])
    except Exception as error: return whole(error)
    try: nacre.gdal.check()
    except nacre.errors.RasterioError as error: return [str(error)]
    return "written"
seen = {}
for kind, every in CASES:
    for size in (100, 1800):
        faults({"kind": kind, "every": every})
        result = write(f"{kind}-{every}-{size}.tif", size)
        faults()
        try: nacre.gdal.check()
        except nacre.errors.RasterioError: pass
        seen[f"{kind}-{every}-{size}"] = result
print(json.dumps([seen, hashlib.md5(values[0].tobytes()).hexdigest(), hashlib.md5(values[0, :100, :100].tobytes()).hexdigest()]))
"""


@pytest.mark.parametrize("kinds", [FEW[:2], pytest.param(TRANSIENT, marks=pytest.mark.slow)], ids=["few", "all"])
def test_writes_are_whole_or_an_error(gdal_store: Google, tmp_path: Any, kinds: list[str]) -> None:
    need("rasterio")
    import rasterio

    cases = [(kind, every) for kind in kinds for every in (4, 1) if kind not in ("stall", "cut")]
    code = f"CASES = {cases!r}\n" + WRITE
    seen, large, small = says(code, gdal_store, is_loud=True, timeout=500, **QUICK)
    assert len(seen) == 2 * len(cases)
    for name, result in seen.items():
        there = gdal_store.exists(f"{name}.tif")
        if there:
            path = tmp_path / f"{name}.tif"
            path.write_bytes(gdal_store.get(f"{name}.tif"))
            with rasterio.open(path) as written:
                assert hashlib.md5(written.read(1).tobytes()).hexdigest() == (large if "1800" in name else small), name
        if result == "written":
            assert there, name
        else:
            assert any(f"{name}.tif" in text for text in result), (name, result)
            assert "-4-" not in name or name.startswith("lost"), (name, result)


def test_a_server_that_is_gone_is_one_clear_error(gdal_store: Google) -> None:
    """Of GDAL; Rasterio raises its last error where a file cannot be created, and logs those before."""
    need("rasterio")
    code = START + """
logging.disable(logging.NOTSET)
class Log(logging.Handler):
    texts = []
    def emit(self, record): self.texts.append(record.getMessage())
logging.getLogger("rasterio").addHandler(Log()); logging.getLogger("rasterio").setLevel(logging.INFO)
def tried(work):
    Log.texts.clear()
    try: work(); return "worked"
    except Exception as error: return [whole(error), list(Log.texts)]
print(json.dumps([tried(lambda: rasterio.open(f"{ROOT}/k.tif")), tried(lambda: rasterio.open(f"{ROOT}/k.tif", "w", driver="GTiff", width=1, height=1, count=1, dtype="uint8"))]))
"""
    read, write = says(code, gdal_store, **{**QUICK, "NACRE_HTTP_RETRIES": "1", "CPL_GS_ENDPOINT": "http://127.0.0.1:1/"})
    assert sum("k.tif: " in text and "onnect" in text for text in read[0]) == 1, read
    told = [text for text in write[1] if "k.tif: " in text and "onnect" in text]
    assert told and len(set(told)) == 1, write  # by each thing that is tried: is it there, may it be written


@pytest.mark.parametrize("words", [["gdal_translate", "-outsize"], ["gdalwarp", "-ts"]])
def test_a_part_that_fails_ends_the_program(emulator: Emulator, data: pathlib.Path, words: list[str]) -> None:
    """While it writes: libtiff reads back what it wrote, and once followed the offsets in half of it for ever."""
    store = Amazon(emulator.s3_url, emulator)
    emulator.set_faults({"kind": "500", "every": 1, "method": "PUT"})
    command = [*words, "4500", "4500", "-q", "-co", "TILED=YES", data / "RGB.byte.tif", f"{store.root}/t.tif"]
    done = run_program(store, *command, seconds=60, NACRE_HTTP_RETRIES="0")
    emulator.set_faults()
    assert done.stderr.count("the store is busy with it (500") == 1, done.stderr  # whether it was in time for its status
    assert not store.exists("t.tif")


def test_what_is_lost_cannot_be_read_back(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    store = Amazon(emulator.s3_url, emulator)
    emulator.set_faults({"kind": "500", "every": 1, "method": "PUT"})
    code = """
import time
file = gdal.VSIFOpenL(f"{root}/k.bin", "wb+")
written = 0
while written < 1000 and gdal.VSIFWriteL(bytes(1 << 20), 1, 1 << 20, file): written += 1; time.sleep(0.01)
gdal.VSIFSeekL(file, 0, 0)
print(json.dumps([written, len(gdal.VSIFReadL(1, 4, file) or b""), tried(lambda: gdal.VSIFCloseL(file))]))
"""
    script = tmp_path / "script.py"
    script.write_text(PYTHON.replace("gdal.UseExceptions()", "") + code)
    done = run_program(store, "/usr/bin/python3", script, store.root, NACRE_HTTP_RETRIES="0")
    emulator.set_faults()
    assert done.returncode == 0 and done.stderr.count("(500") == 1, done.stderr
    written, read, closed = json.loads(done.stdout)
    assert 0 < written < 1000 and read == 0 and closed == -1 and not store.exists("k.bin")


@pytest.mark.slow
def test_a_part_that_fails_is_raised_while_a_window_is_written(emulator: Emulator) -> None:
    need("rasterio")
    store = Amazon(emulator.s3_url, emulator)
    emulator.set_faults({"kind": "500", "every": 1, "method": "PUT"})
    code = START + """
profile = dict(driver="GTiff", width=5000, height=15000, count=1, dtype="uint8", tiled=True)
try:
    with rasterio.open(f"{ROOT}/t.tif", "w", **profile) as target:
        for (_, column), window in target.block_windows(1):
            target.write(np.ones((1, window.height, window.width), "uint8"), window=window)
            if not column: time.sleep(0.02)
        told = "all were written"
except Exception as error: told = whole(error)
try: nacre.gdal.check()
except nacre.errors.RasterioError as error: lost = str(error)
print(json.dumps([told, lost]))
"""
    told, lost = says(code, store, is_loud=True, NACRE_HTTP_RETRIES="0", GDAL_CACHEMAX="4")
    emulator.set_faults()
    assert any("t.tif: the store is busy with it (500" in text for text in told), told
    assert lost.startswith(f"{store.root}/t.tif: ") and not store.exists("t.tif")


@pytest.mark.parametrize("place", ["while it reads", "while it writes"])
def test_ctrl_c_ends_a_program_at_once_and_leaves_nothing(
    emulator: Emulator, data: pathlib.Path, tmp_path: pathlib.Path, place: str
) -> None:
    """A server that hangs holds nobody; neither an object nor a temporary file is left."""
    need("gdal")
    store = Amazon(emulator.s3_url, emulator)
    store.put("k.tif", (data / "RGB.byte.tif").read_bytes())
    emulator.set_faults({"kind": "stall", "every": 1, "method": "GET" if place == "while it reads" else "PUT"})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    env = environment("", plugin=True, **store.options, TMPDIR=str(temporary), NACRE_HTTP_STALL_TIMEOUT="300")
    command = ["gdalwarp", "-q", "-ts", "4500", "4500", f"{store.root}/k.tif", f"{store.root}/new.tif"]
    child = subprocess.Popen(command, env=env)
    try:
        for _ in range(600):
            if emulator.request("GET", "/emulator/fault").json()[0]["seen"] or child.poll() is not None:
                break
            time.sleep(0.1)
        assert child.poll() is None
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == -signal.SIGINT
    finally:
        child.kill()
        child.wait()
        emulator.set_faults()
    assert not store.exists("new.tif") and list(temporary.iterdir()) == []
