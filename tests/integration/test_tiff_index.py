# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Files whose arrays of blocks are far larger than the first read: requests, rounds and bytes are exact. And the leaders
and trailers of GDAL's COG layout, right and wrong."""

from __future__ import annotations

import pathlib
import struct
from typing import Any, Callable

import numpy as np
import pytest
import rasterio
from conftest import Emulator
from test_rounds import counted
from tiffbytes import LONG, Writer, as_tiles, image

import nacre
from nacre.windows import Window

TILE, ACROSS = 16, 1000
PART = 1024  # values of an array that are read together
MARKER = (
    b"LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n"
)
WINDOW = Window(500 * TILE, 500 * TILE, 2 * TILE, 2 * TILE)  # four tiles

pytestmark = pytest.mark.filterwarnings("ignore::nacre.errors.NotGeoreferencedWarning")


def tile_of(number: int) -> bytes:
    return bytes((number + i) % 251 for i in range(TILE * TILE))


def wide_file(filled: range, marker: bytes = b"", led: bool = False, spoil: Callable[[int, bytes], bytes] | None = None,
              across: int = ACROSS) -> tuple[bytes, int]:  # fmt: skip
    """A TIFF of across x across tiles, those of `filled` stored, its directory and arrays before them; and where its
    data begin."""
    count = across * across
    writer = Writer()
    if marker:
        writer.add(b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(marker) + marker)
        writer.add(b"\0")
    tags = as_tiles(image(across * TILE, across * TILE), TILE, TILE)
    # A directory of the same size tells where the data begin.
    before = len(writer.content)
    writer.directory({**tags, 324: (LONG, [0] * count), 325: (LONG, [0] * count)})
    at = begin = len(writer.content)
    offsets, sizes, data = [0] * count, [0] * count, bytearray()
    for number in filled:
        block = tile_of(number)
        stored = struct.pack("<I", len(block)) + block + block[-4:] if led else block
        if spoil:
            stored = spoil(number, stored)
        offsets[number], sizes[number] = at + 4 * led, len(block)
        data += stored
        at += len(stored)
    del writer.content[before:]
    writer.link = 4
    writer.directory({**tags, 324: (LONG, offsets), 325: (LONG, sizes)})
    assert len(writer.content) == begin
    return bytes(writer.content + data), begin


def expected(filled: range, window: Any = WINDOW, across: int = ACROSS) -> np.ndarray:
    rows = []
    for y in range(int(window.row_off) // TILE, int(window.row_off + window.height) // TILE):
        row = []
        for x in range(int(window.col_off) // TILE, int(window.col_off + window.width) // TILE):
            number = y * across + x
            tile = tile_of(number) if number in filled else bytes(TILE * TILE)
            row.append(np.frombuffer(tile, np.uint8).reshape(TILE, TILE))
        rows.append(np.hstack(row))
    return np.vstack(rows)


@pytest.fixture
def put(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], str]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "any")
    monkeypatch.setenv("NACRE_SIDECARS", "never")

    def put_file(content: bytes) -> str:
        emulator.put("demo", "wide.tif", content)
        return "gs://demo/wide.tif"

    return put_file


FILLED = range(500 * ACROSS, 503 * ACROSS)


def test_of_a_million_tiles_only_the_places_that_are_needed_are_read(
    emulator: Emulator, put: Callable[[bytes], str]
) -> None:
    content, begin = wide_file(FILLED)
    assert begin > 8_000_000
    path = put(content)
    with counted(emulator) as cost:
        dataset = nacre.open(path)
    assert cost.requests == ["GET 206 bytes=0-32767"]
    with counted(emulator) as cost:
        pixels = dataset.read(1, window=WINDOW)
    assert np.array_equal(pixels, expected(FILLED))
    # Two parts of either array, which lie side by side; then two rows of two tiles.
    assert cost.rounds == 2
    assert len(cost.requests) == 4 and cost.received == 2 * (2 * PART * 4) + 4 * TILE * TILE
    with counted(emulator) as cost:
        dataset.read(1, window=WINDOW)
    assert cost.requests == []
    with counted(emulator) as cost:  # the parts are known
        dataset.read(1, window=Window(502 * TILE, 500 * TILE, TILE, TILE))
    assert len(cost.requests) == 1 and cost.rounds == 1 and cost.received == TILE * TILE
    with counted(emulator) as cost:
        nacre.open(path).read(1, window=Window(503 * TILE, 500 * TILE, TILE, TILE))
    assert cost.requests[0].startswith("GET 304") and len(cost.requests) == 2 and cost.received == TILE * TILE


def test_sparse_tiles_of_a_million_cost_one_round(emulator: Emulator, put: Callable[[bytes], str]) -> None:
    dataset = nacre.open(put(wide_file(FILLED)[0]))
    with counted(emulator) as cost:
        assert not dataset.read(1, window=Window(0, 0, TILE, TILE)).any()
    assert cost.rounds == 1 and cost.received <= 2 * PART * 4


def test_leaders_tell_sizes_so_that_byte_counts_are_not_read(emulator: Emulator, put: Callable[[bytes], str]) -> None:
    content, _ = wide_file(FILLED, MARKER, led=True)
    dataset = nacre.open(put(content))
    assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    with counted(emulator) as cost:
        pixels = dataset.read(1, window=WINDOW)
    assert np.array_equal(pixels, expected(FILLED))
    assert cost.rounds == 2
    # The offsets' two parts; two rows of two tiles with their leaders and trailers.
    assert len(cost.requests) == 3 and cost.received == 2 * PART * 4 + 4 * (TILE * TILE + 8)


def wrong_leader(number: int, stored: bytes) -> bytes:
    return struct.pack("<I", 5000) + stored[4:] if number == 500_501 else stored


def wrong_size(number: int, stored: bytes) -> bytes:
    return struct.pack("<I", 100) + stored[4:] if number == 500_501 else stored


def wrong_trailer(number: int, stored: bytes) -> bytes:
    return stored[:-4] + b"none" if number == 500_501 else stored


@pytest.mark.parametrize("spoil", [wrong_leader, wrong_size, wrong_trailer])
def test_a_wrong_leader_or_trailer_means_that_sizes_are_read(
    emulator: Emulator, put: Callable[[bytes], str], spoil: Any
) -> None:
    dataset = nacre.open(put(wide_file(FILLED, MARKER, led=True, spoil=spoil)[0]))
    with counted(emulator) as cost:
        pixels = dataset.read(1, window=WINDOW)
    assert np.array_equal(pixels, expected(FILLED))
    assert cost.rounds in (3, 4)


def test_leaders_beside_sparse_tiles_and_at_the_end(put: Callable[[bytes], str]) -> None:
    last = range(ACROSS * ACROSS - 3, ACROSS * ACROSS)
    window = Window((ACROSS - 4) * TILE, (ACROSS - 2) * TILE, 4 * TILE, 2 * TILE)
    dataset = nacre.open(put(wide_file(last, MARKER, led=True)[0]))
    assert np.array_equal(dataset.read(1, window=window), expected(last, window))
    one = range(500_500, 500_501)
    dataset = nacre.open(put(wide_file(one, MARKER, led=True)[0]))
    assert np.array_equal(dataset.read(1, window=WINDOW), expected(one))


@pytest.mark.parametrize(
    "marker",
    [
        MARKER.replace(b"EDITION=NO", b"EDITION=YES"),
        MARKER.replace(b"SIZE_AS_UINT4", b"SIZE_AS_UINT8"),
        MARKER.replace(b"ROW_MAJOR", b"SOMEHOW"),
        MARKER.replace(b"KNOWN_INCOMPATIBLE_EDITION=NO\n", b""),
    ],
)
def test_leaders_are_not_believed_without_the_whole_marker(
    emulator: Emulator, put: Callable[[bytes], str], marker: bytes
) -> None:
    dataset = nacre.open(put(wide_file(FILLED, marker, led=True)[0]))
    with counted(emulator) as cost:
        pixels = dataset.read(1, window=WINDOW)
    assert np.array_equal(pixels, expected(FILLED))
    assert len(cost.requests) == 4 and cost.received == 2 * (2 * PART * 4) + 4 * TILE * TILE + 2 * 8


def test_image_and_mask_of_a_cog_come_in_one_range(
    emulator: Emulator, put: Callable[[bytes], str], tmp_path: pathlib.Path
) -> None:
    import rasterio.shutil

    source, copy = tmp_path / "a.tif", tmp_path / "cog.tif"
    pixels = np.random.default_rng(5).integers(0, 255, (1, 1024, 1024), dtype="uint8")
    mask = np.zeros((1024, 1024), bool)
    mask[100:900, 200:] = True
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        with rasterio.open(source, "w", driver="GTiff", width=1024, height=1024, count=1, dtype="uint8") as dataset:
            dataset.write(pixels)
            dataset.write_mask(mask)
        rasterio.shutil.copy(source, copy, driver="COG", blocksize="256", compress="DEFLATE")
    assert b"MASK_INTERLEAVED_WITH_IMAGERY=YES" in copy.read_bytes()[:400]
    dataset = nacre.open(put(copy.read_bytes()))
    window = Window(256, 256, 256, 256)
    with counted(emulator) as cost:
        values = dataset.read(1, window=window)
    assert cost.rounds == 1 and len(cost.requests) == 1
    with counted(emulator) as cost:
        valid = dataset.read_masks(1, window=window)
    assert cost.requests == [] and cost.rounds == 0
    assert np.array_equal(values, pixels[0, 256:512, 256:512])
    assert np.array_equal(valid, mask[256:512, 256:512] * np.uint8(255))


def test_one_uncompressed_strip_is_read_in_parts(emulator: Emulator, put: Callable[[bytes], str]) -> None:
    values = np.random.default_rng(6).integers(0, 2**16, (4096, 1000), dtype="uint16")
    writer = Writer(big_endian=True)
    writer.image(image(1000, 4096, 16), [values.astype(">u2").tobytes()])
    dataset = nacre.open(put(bytes(writer.content)))
    with counted(emulator) as cost:
        assert np.array_equal(dataset.read(1, window=Window(3, 2000, 50, 1)), values[2000:2001, 3:53])
    assert len(cost.requests) == 1 and cost.received <= 256 * 1024
    assert np.array_equal(dataset.read(1), values)


def test_a_single_strip_that_is_cut_gives_the_rows_that_are_there(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    values = np.random.default_rng(6).integers(0, 256, (4096, 1000), dtype="uint8")
    writer = Writer()
    writer.image(image(1000, 4096), [values.tobytes()[:3_000_000]])
    path.write_bytes(bytes(writer.content))
    with nacre.open(path) as dataset:
        assert np.array_equal(dataset.read(1, window=Window(0, 0, 1000, 2500)), values[:2500])
        with pytest.raises(nacre.RasterioIOError, match=r"a\.tif: its strip has 3000000 bytes, fewer than"):
            dataset.read(1)
