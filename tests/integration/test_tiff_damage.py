# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Damaged TIFFs: every read ends with an error that names the file, or with pixels; never with a crash, a false sparse
block, or more memory than the request justifies."""

from __future__ import annotations

import pathlib
import random
import resource
import struct
import zlib
from typing import Any, Callable, Iterator

import libtiff
import numpy as np
import pytest
from test_tiff_corpus import FORMS, by_gdal, by_libtiff
from tiffbytes import LONG, LONG8, SIZES, Writer, as_tiles, image

import nacre

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::nacre.errors.NotGeoreferencedWarning"),
]
WIDTH, HEIGHT, TILE = 40, 35, 16
MEMORY = 300 * 1024  # KiB that a damaged small file may add to the process


def pixels() -> np.ndarray:
    values: np.ndarray = np.arange(WIDTH * HEIGHT, dtype="uint32").reshape(HEIGHT, WIDTH) * 7919 % 60000 + 1
    return values.astype("uint16")


def tiles(order: str) -> list[bytes]:
    padded = np.pad(pixels(), ((0, -HEIGHT % TILE), (0, -WIDTH % TILE)), constant_values=1).astype(order + "u2")
    return [
        zlib.compress(padded[y : y + TILE, x : x + TILE].tobytes())
        for y in range(0, padded.shape[0], TILE)
        for x in range(0, padded.shape[1], TILE)
    ]


def small_file(big_endian: bool, big: bool, directory_first: bool) -> bytes:
    """Tiles of Deflate; the directory before or behind them."""
    blocks = tiles(">" if big_endian else "<")
    tags = as_tiles(image(WIDTH, HEIGHT, 16, compression=8), TILE, TILE)
    if not directory_first:
        writer = Writer(big_endian, big)
        writer.image(tags, blocks)
        return bytes(writer.content)
    kind, sizes = (LONG8 if big else LONG), [len(block) for block in blocks]
    writer = Writer(big_endian, big)
    writer.directory({**tags, 324: (kind, [0] * len(blocks)), 325: (kind, sizes)})
    begin = len(writer.content)
    places = [begin + sum(sizes[:i]) for i in range(len(sizes))]
    writer = Writer(big_endian, big)
    writer.directory({**tags, 324: (kind, places), 325: (kind, sizes)})
    return bytes(writer.content) + b"".join(blocks)


Shape = tuple[bool, bool, bool]
ALL = [(e, b, f) for e in (False, True) for b in (False, True) for f in (False, True)]
NAMES = [f"{'big' if e else 'little'} endian, {'BigTIFF' if b else 'classic'}, {'first' if f else 'last'}" for e, b, f in ALL]


def some(*quick: int) -> Any:
    """All shapes, of which those of the fast tier are named."""
    marks = [[] if i in quick else [pytest.mark.slow] for i in range(len(ALL))]
    return pytest.mark.parametrize("form", [pytest.param(*p[:1], marks=p[1], id=p[2]) for p in zip(ALL, marks, NAMES)])


def read(path: pathlib.Path) -> np.ndarray | None:
    """The pixels; None: a clear error."""
    try:
        with nacre.open(path) as dataset:
            if dataset.width * dataset.height < 1e8:
                return dataset.read(1)
            return dataset.read(1, window=((0, HEIGHT), (0, WIDTH)))  # the caller's own buffer would be huge
    except nacre.RasterioIOError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
        return None


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("form", ALL, ids=NAMES)
def test_an_undamaged_file_is_read(tmp_path: pathlib.Path, form: Shape) -> None:
    (tmp_path / "a.tif").write_bytes(small_file(*form))
    assert np.array_equal(read(tmp_path / "a.tif"), pixels())


def sweep(path: pathlib.Path, contents: Iterator[bytes], right: np.ndarray | None) -> int:
    """Reads every content, each under a name of its own so that no cache helps; with `right` only that or an error is
    legal. Gives the number of errors."""
    before, errors = peak(), 0
    for content in contents:
        path.write_bytes(content)
        got = read(path)
        errors += got is None
        assert got is None or right is None or np.array_equal(got, right)
    assert peak() - before < MEMORY
    return errors


@some(0, 1, 6, 7)
def test_a_file_cut_at_any_byte_never_shows_a_false_sparse_tile(
    tmp_path: pathlib.Path, form: Shape
) -> None:
    content = small_file(*form)
    cuts = (content[:size] for size in range(0, len(content), 7 if form[2] else 41))
    assert sweep(tmp_path / "a.tif", cuts, pixels()) > 20


def header_bytes(content: bytes, form: Shape) -> list[int]:
    """Places of the header, the directory and its values."""
    data = sum(len(block) for block in tiles("<"))
    return [*range(0, 16), *range(len(content) - data - 600, len(content))] if not form[2] else list(
        range(0, len(content) - data)
    )


@some(1, 7)
def test_each_header_byte_turned_over(tmp_path: pathlib.Path, form: Shape) -> None:
    content = small_file(*form)
    places = [at for at in header_bytes(content, form) if 0 <= at < len(content)]
    turned = (content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :] for at in places)
    assert sweep(tmp_path / "a.tif", turned, None) > 20


@pytest.mark.slow
@pytest.mark.parametrize("form", ALL, ids=NAMES)
def test_each_header_bit_turned_over(tmp_path: pathlib.Path, form: Shape) -> None:
    content = small_file(*form)
    places = [at for at in header_bytes(content, form) if 0 <= at < len(content)]
    turned = (
        content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :] for at in places for bit in range(8)
    )
    sweep(tmp_path / "a.tif", turned, None)


def huge_fields(content: bytes, big_endian: bool, big: bool) -> Iterator[bytes]:
    """Each tag's type, count and value, and each offset and count of tiles, made huge."""
    order, word = (">" if big_endian else "<"), ("Q" if big else "I")
    size = struct.calcsize(word)
    at = struct.unpack_from(order + word, content, 8 if big else 4)[0]
    count = struct.unpack_from(order + ("Q" if big else "H"), content, at)[0]
    entries = at + (8 if big else 2)
    fields = [8 if big else 4, entries + count * (20 if big else 12)]
    for number in range(count):
        entry = entries + number * (20 if big else 12)
        fields += [entry + 4, entry + 4 + size]
        kind, values = struct.unpack_from(order + "H" + word, content, entry + 2)
        if SIZES[kind] * values > size:
            begin = struct.unpack_from(order + word, content, entry + 4 + size)[0]
            fields += range(begin, begin + SIZES[kind] * values, SIZES[kind])
    values = [2 ** (8 * size) - 1, 2 ** (8 * size - 1), 2 ** (8 * size - 2), len(content), len(content) - 1, 0, 1]
    for field in fields:
        for value in values:
            if field + size <= len(content):
                yield content[:field] + struct.pack(order + word, value) + content[field + size :]


@some(1, 6)
def test_each_offset_and_count_made_huge(tmp_path: pathlib.Path, form: Shape) -> None:
    content = small_file(*form)
    assert sweep(tmp_path / "a.tif", huge_fields(content, form[0], form[1]), None) > 100


def cut_tiles(content: bytes, unseen: int = 0) -> Iterator[bytes]:
    """The byte count of the first tile made smaller, in a classic little-endian file."""
    at = struct.unpack_from("<I", content, 4)[0]
    for number in range(struct.unpack_from("<H", content, at)[0]):
        entry = at + 2 + 12 * number
        tag, kind, count, value = struct.unpack_from("<HHII", content, entry)
        if tag not in (279, 325):
            continue
        wide = SIZES[kind] * count > 4
        place = value if wide else entry + 8
        code = "<I" if kind == 4 else "<H"
        size = struct.unpack_from(code, content, place)[0]
        for cut in sorted({0, 1, 2, 3, size // 4, size // 2, 3 * size // 4, size - 9, size - 5, size - 2, size - 1}):
            if 0 <= cut < size - unseen:
                yield content[:place] + struct.pack(code, cut) + content[place + struct.calcsize(code) :]


# libtiff does not see that the last bytes of a Deflate stream are missing, where they hold little but its checksum.
UNSEEN = {"deflate": 5}


def simple_forms() -> list[tuple[str, Callable[[pathlib.Path], None]]]:
    tags = {256: 99, 257: 70, 258: 8, 262: 1, 277: 1, 284: 1, 278: 70, 339: 1}
    forms: list[tuple[str, Callable[[pathlib.Path], None]]] = []
    for name, number in [("none", 1), ("lzw", 5), ("deflate", 8), ("zstd", 50000), ("lzma", 34925), ("packbits", 32773)]:
        forms.append((name, by_libtiff({**tags, 259: number}, "wl")))
    for name, number in [("rle", 2), ("g3", 3), ("g4", 4)]:
        forms.append((name, by_libtiff({**tags, 258: 1, 259: number}, "wl")))
    layout = {"tiled": True, "blockxsize": 128, "blockysize": 80}
    for codec, dtype in [("jpeg", "uint8"), ("webp", "uint8"), ("lerc", "float32"), ("lerc_zstd", "int16")]:
        options = {"compress": codec, **layout, **({"webp_lossless": True} if codec == "webp" else {})}
        forms.append((codec, by_gdal(dtype, 3 if codec == "webp" else 1, options)))
    return forms


@pytest.mark.parametrize("form", simple_forms(), ids=lambda form: form[0])
def test_a_tile_that_is_cut_is_an_error_or_right(
    tmp_path: pathlib.Path, form: tuple[str, Callable[[pathlib.Path], None]]
) -> None:
    path = tmp_path / "a.tif"
    form[1](path)
    right = read(path)
    assert right is not None
    assert sweep(path, cut_tiles(path.read_bytes(), UNSEEN.get(form[0], 0)), right) >= 6


@pytest.mark.slow
def test_bytes_of_every_form_turned_over(tmp_path: pathlib.Path) -> None:
    """Ten damages each of a fifth of the corpus, anywhere in the file."""
    path, dice = tmp_path / "a.tif", random.Random(17)
    for _, write in dice.sample(FORMS, len(FORMS) // 5):
        write(path)
        content = path.read_bytes()
        damaged = []
        for _ in range(10):
            copy = bytearray(content)
            for _ in range(dice.randint(1, 4)):
                copy[dice.randrange(len(copy))] = dice.randrange(256)
            damaged.append(bytes(copy))
        sweep(path, iter(damaged), None)


def test_a_bomb_is_refused_by_a_limit(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    writer = Writer()
    writer.image(as_tiles(image(30000, 30000, compression=8), 30000, 30000), [zlib.compress(bytes(1 << 20))])
    path.write_bytes(bytes(writer.content))
    before = peak()
    with nacre.open(path) as dataset, pytest.raises(nacre.RasterioIOError, match=r"a\.tif: .*limit\.tile"):
        dataset.read(1, window=((0, 1), (0, 1)))
    assert peak() - before < 50 * 1024


def test_libtiff_can_be_asked_for_its_codecs() -> None:
    assert libtiff.is_codec(5) and not libtiff.is_codec(4711)
