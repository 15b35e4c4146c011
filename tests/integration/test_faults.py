# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Rasters over HTTP whose server fails: right pixels or one clear error, never a wrong one."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import nacre
import numpy as np
import pytest
from conftest import need, run_nacre
from faulty import Faulty

QUICK = {"http.retry_delay": "0.01", "http.stall_timeout": "0.3", "http.retries": "6"}

# What comes of an open and a read of a raster whose server strikes with each fault: at every third request, and always.
# "" is right pixels; other texts stand in the error.
FAULTS = {
    "reset": ("", "connection broken off before an answer came"),
    "reset in head": ("", "connection broken off before an answer came"),
    "reset after head": ("", "connection broken off"),
    "reset in body": ("", "connection broken off"),
    "cut": ("", "connection broken off"),
    "500": ("", "the server failed (500)"),
    "502": ("", "the server failed (502)"),
    "503": ("", "the server failed (503)"),
    "504": ("", "the server failed (504)"),
    "429": ("", "too many requests (429)"),
    "503 after": ("", None),
    "429 after": ("", None),
    "stall": ("", "connection stalled"),
    "drip": ("", ""),
    "whole": ("", ""),
    "wrong range": ("server sent another range", "server sent another range"),
    "longer range": ("server sent another range", "server sent another range"),
    "length too long": (None, None),
    "length too short": ("server sent another range", "server sent another range"),
    "gzip": ("encoded with gzip", "encoded with gzip"),
    "etag changes": ("changed since it was opened", "changed since it was opened"),
    "etag vanishes": (None, ""),  # at each request: it has none, and is read whole
}


@pytest.fixture(scope="module")
def raster() -> tuple[bytes, np.ndarray]:
    """256 tiles of noise, which no codec shrinks: beyond the first read of the header."""
    need("rasterio")
    import rasterio

    values = np.random.default_rng(1).integers(0, 255, (1, 512, 512), "uint8")
    memory = io.BytesIO()
    with rasterio.open(memory, "w", driver="GTiff", width=512, height=512, count=1, dtype="uint8", tiled=True,
                       blockxsize=32, blockysize=32, crs="EPSG:32631", transform=rasterio.Affine(10, 0, 500000, 0, -10, 0)) as to:  # fmt: skip
        to.write(values)
    return memory.getvalue(), values


@pytest.fixture
def serve(raster: tuple[bytes, np.ndarray]) -> Iterator[Callable[..., Faulty]]:
    started: list[Faulty] = []

    def start(**options: Any) -> Faulty:
        started.append(Faulty(raster[0], **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def read(url: str, **options: str) -> np.ndarray:
    """Opens and reads all of it in windows of a column of tiles, as a viewer does: many requests."""
    nacre.cache.invalidate_all()
    with nacre.Env(**{**QUICK, **options}), nacre.open(url) as source:
        parts = [source.read(window=nacre.windows.Window(x, 0, 64, 512)) for x in range(0, 512, 64)]
    return np.concatenate(parts, axis=2)


def check(server: Faulty, values: np.ndarray, expected: str | None, **options: str) -> str:
    """Reads; the error's text, "" where there is none. Wrong pixels fail the test, whatever is expected."""
    try:
        got = read(f"{server.url}/a.tif", **options)
    except (OSError, ValueError, nacre.errors.RasterioError) as error:
        text = str(error)
        assert text.startswith(f"{server.url}/a.tif: ") and "\n" not in text, text
    else:
        assert np.array_equal(got, values), "wrong pixels"
        text = ""
    if expected is not None:
        assert (text == "") if expected == "" else expected in text, text
    return text


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_now_and_then(fault: str, serve: Callable[..., Faulty], raster: tuple[bytes, np.ndarray]) -> None:
    server = serve()
    server.fault, server.every = fault, 3
    if fault.endswith("after"):
        server.left = 2  # each is waited for a second
    check(server, raster[1], FAULTS[fault][0])
    assert server.struck > 0


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if FAULTS[fault][1] is not None])
def test_a_fault_at_each_request(fault: str, serve: Callable[..., Faulty], raster: tuple[bytes, np.ndarray]) -> None:
    server = serve()
    server.fault = fault
    check(server, raster[1], FAULTS[fault][1], **{"http.retries": "2"})
    assert server.struck > 0
    server.fault = None
    check(server, raster[1], "")  # failures are not kept


@pytest.mark.parametrize("etag", ['W/"v1"', None])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_without_a_strong_validator(
    fault: str, etag: str | None, serve: Callable[..., Faulty], raster: tuple[bytes, np.ndarray]
) -> None:
    server = serve(etag=etag)
    server.fault, server.every = fault, 2
    if fault.endswith("after"):
        server.left = 1
    check(server, raster[1], None)


def test_one_request_in_two_fails(serve: Callable[..., Faulty], raster: tuple[bytes, np.ndarray]) -> None:
    """The whole of it, 256 tiles, with all faults that pass mixed."""
    server = serve()
    passing = [fault for fault, (text, _) in FAULTS.items() if text == "" and fault not in ("stall", "drip", "whole")]
    passing = [fault for fault in passing if not fault.endswith("after")]
    server.every = 2
    due = server._due

    def mixed() -> str | None:
        server.fault = passing[server.struck % len(passing)]
        return due()

    server._due = mixed  # type: ignore[method-assign]
    check(server, raster[1], "", **{"http.connections": "8"})
    assert server.struck >= 5


def test_a_dead_server_ends_by_the_deadline(serve: Callable[..., Faulty], raster: tuple[bytes, np.ndarray]) -> None:
    server = serve()
    server.fault = "stall"
    began = time.monotonic()
    text = check(server, raster[1], None, timeout="1", **{"http.stall_timeout": "60"})
    assert text and time.monotonic() - began < 30


def test_nobody_there_is_told(serve: Callable[..., Faulty], raster: tuple[bytes, np.ndarray]) -> None:
    server = serve()
    server.stop()
    check(server, raster[1], "cannot connect to 127.0.0.1:")
    done = run_nacre("cat", "http://nobody.invalid/a", "--config", "http.retries=1")
    assert (done.returncode, done.stdout) == (1, b"")
    assert "http://nobody.invalid/a: cannot find the address of nobody.invalid" in done.stderr


# How a server tells its versions, and what reading the raster twice costs: requests of the first open and read of a tile, of a
# read of that tile again, and of the second open and read.
VALIDATORS = {
    "strong": ({"etag": '"v1"'}, (2, 0, 1)),
    "date": ({"etag": None, "modified": "Tue, 01 Jan 2030 00:00:00 GMT"}, (2, 0, 1)),
    "young date": ({"etag": None, "modified": "Wed, 02 Jan 2030 00:00:00 GMT"}, (2, 0, 2)),
    "weak": ({"etag": 'W/"v1"'}, (2, 0, 2)),
    "none": ({"etag": None}, (2, 0, 2)),
}


@pytest.mark.parametrize("kind", VALIDATORS)
def test_each_validator_costs_what_it_must(
    kind: str, serve: Callable[..., Faulty], raster: tuple[bytes, np.ndarray]
) -> None:
    options, expected = VALIDATORS[kind]
    server = serve(etag=options["etag"])
    server.modified = options.get("modified")
    window = nacre.windows.Window(480, 480, 32, 32)
    nacre.cache.invalidate_all()
    counts = []

    def count(do: Callable[[], Any]) -> Any:
        before = server.requests
        result = do()
        counts.append(server.requests - before)
        return result

    def tile(source: Any) -> np.ndarray:
        return source.read(window=window)

    def first() -> Any:
        source = nacre.open(f"{server.url}/a.tif")
        tile(source)
        return source

    with nacre.Env(sidecars="never"):
        source = count(first)
        count(lambda: tile(source))
        again = count(first)
        assert np.array_equal(tile(again), raster[1][:, 480:, 480:])
        source.close()
        again.close()
    assert tuple(counts) == expected
    for seen in server.headers_seen:
        pinned = "if-match" in seen or "if-unmodified-since" in seen
        assert pinned or seen.get("cache-control") == "no-cache", seen
        assert "W/" not in seen.get("if-match", "") + seen.get("if-none-match", ""), seen
