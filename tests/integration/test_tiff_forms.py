# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""TIFFs that few writers make, and that are a little wrong: read as GDAL reads them, or refused; where GDAL makes up
pixels (counts that are missing become sparse blocks), nacre says what is wrong."""

from __future__ import annotations

import pathlib
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import rasterio
from test_tiff import assert_same_description, assert_same_pixels
from tiffbytes import DOUBLE, LONG, SHORT, SIZES, Writer, as_tiles, image, tiff

import nacre

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::nacre.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
RANDOM = np.random.default_rng(17)
WIDTH, HEIGHT = 13, 5


def noise(size: int) -> bytes:
    return RANDOM.integers(0, 256, size, dtype=np.uint8).tobytes()


def assert_same(path: pathlib.Path) -> None:
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        assert_same_description(ours, theirs)
        assert_same_pixels(ours, theirs)


# --- Where blocks are ---


def with_arrays(tags: dict[int, tuple[int, Any]], blocks: list[bytes], **arrays: Any) -> bytes:
    """A file whose arrays of blocks are as told: offsets, counts (None: left out)."""
    writer = Writer()
    places = [writer.add(block) for block in blocks]
    tags = {**tags, 273: (LONG, arrays.get("offsets", places))}
    counts = arrays.get("counts", [len(block) for block in blocks])
    if counts is not None:
        tags[279] = (LONG, counts)
    writer.directory(tags)
    return bytes(writer.content)


PLAIN = WIDTH * HEIGHT


@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("counts", [None, [0], [PLAIN * 3], [10**6]])
def test_byte_counts_that_say_nothing(tmp_path: pathlib.Path, counts: list[int] | None, compression: int) -> None:
    """Of an uncompressed block its size follows from its pixels; a single one reaches at most to the end of the file."""
    pixels = noise(PLAIN)
    block = zlib.compress(pixels) if compression == 8 else pixels
    path = tmp_path / "a.tif"
    path.write_bytes(with_arrays(image(WIDTH, HEIGHT, compression=compression), [block], counts=counts))
    with nacre.open(path) as dataset:
        if compression == 8 and counts == [10**6]:
            with pytest.raises(nacre.RasterioIOError, match=r"a\.tif: block \(0, 0\) has \d+ bytes .* beyond the end"):
                dataset.read(1)
        else:
            assert dataset.read(1).tobytes() == pixels
            assert_same(path)


STRIPS = [b"\1" * 26, b"\2" * 26, b"\3" * 13]


def test_strips_without_byte_counts(tmp_path: pathlib.Path) -> None:
    """GDAL refuses them."""
    path = tmp_path / "a.tif"
    path.write_bytes(with_arrays(image(WIDTH, HEIGHT, rows=2), STRIPS, counts=None))
    with nacre.open(path) as dataset:
        assert dataset.read(1).tobytes() == b"".join(STRIPS)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [({"counts": [0, 0, 0]}, r"block \(0, 0\) has 0 bytes"), ({"counts": [26, 26]}, "2 byte counts for 3 blocks"),
     ({"offsets": [8, 34]}, "2 offsets for 3 blocks"), ({"counts": [26, 20, 13]}, r"block \(0, 1\) .* is damaged")],
)  # fmt: skip
def test_what_is_missing_never_becomes_a_sparse_block(
    tmp_path: pathlib.Path, arrays: dict[str, Any], message: str
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(with_arrays(image(WIDTH, HEIGHT, rows=2), STRIPS, **arrays))
    with nacre.open(path) as dataset, pytest.raises(nacre.RasterioIOError, match=rf"a\.tif: .*{message}"):
        dataset.read(1)


def test_arrays_of_other_types_and_lengths(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    for big in (False, True):
        writer = Writer(big=big)
        at = writer.add(noise(PLAIN))
        writer.directory({**image(WIDTH, HEIGHT), 273: (SHORT, [at]), 279: (SHORT, [PLAIN])})
        path.write_bytes(bytes(writer.content))
        assert_same(path)
    path.write_bytes(with_arrays(image(WIDTH, HEIGHT, rows=2), STRIPS, offsets=[8, 34, 60, 9], counts=[26, 26, 13, 4]))
    assert_same(path)


def entries(tags: list[tuple[int, int, Any]]) -> bytes:
    """A file whose directory has its entries in this order."""
    writer = Writer()
    at = writer.add(noise(PLAIN))
    tags = [*tags, (273, LONG, [at]), (279, LONG, [PLAIN])]
    start = writer.add(b"")
    writer.content[4:8] = struct.pack("<I", start)
    out = struct.pack("<H", len(tags))
    for number, kind, values in tags:
        raw = writer.values(kind, values)
        out += struct.pack("<HHI", number, kind, len(raw) // SIZES[kind]) + raw.ljust(4, b"\0")
    return bytes(writer.content + out + b"\0" * 4)


def test_directories_out_of_order(tmp_path: pathlib.Path) -> None:
    tags = [(number, kind, values) for number, (kind, values) in image(WIDTH, HEIGHT).items()]
    (tmp_path / "a.tif").write_bytes(entries(tags[::-1]))
    assert_same(tmp_path / "a.tif")
    (tmp_path / "b.tif").write_bytes(entries([*tags[:1], (256, LONG, [5]), *tags[1:]]))
    assert_same(tmp_path / "b.tif")  # the first of two counts


# --- Types of fields, and what may be left out ---


@pytest.mark.parametrize("kind", [1, 3, 4, 6, 8, 9])
def test_integers_of_any_type(tmp_path: pathlib.Path, kind: int) -> None:
    tags = {**image(WIDTH, HEIGHT), 256: (kind, [WIDTH]), 257: (kind, [HEIGHT]), 278: (kind, [HEIGHT])}
    (tmp_path / "a.tif").write_bytes(tiff(tags, [noise(PLAIN)]))
    assert_same(tmp_path / "a.tif")


@pytest.mark.parametrize("left_out", [258, 259, 262, 277, 278, 284])
def test_tags_with_defaults(tmp_path: pathlib.Path, left_out: int) -> None:
    tags = {k: v for k, v in image(WIDTH, HEIGHT).items() if k != left_out}
    (tmp_path / "a.tif").write_bytes(tiff(tags, [noise(PLAIN)]))
    assert_same(tmp_path / "a.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_changes_nothing(tmp_path: pathlib.Path, orientation: int) -> None:
    (tmp_path / "a.tif").write_bytes(tiff({**image(WIDTH, HEIGHT), 274: (SHORT, [orientation])}, [noise(PLAIN)]))
    assert_same(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "tags",
    [
        as_tiles(image(WIDTH, HEIGHT), 7, 3),
        as_tiles(image(WIDTH, HEIGHT), 64, 64),
        {**as_tiles(image(WIDTH, HEIGHT), 16, 16), 278: (LONG, [1])},
        {**image(WIDTH, HEIGHT), 278: (LONG, [2**32 - 1])},
        {**image(WIDTH, HEIGHT, 32), 339: (SHORT, [4])},
        {**image(WIDTH, HEIGHT, 16, 2), 339: (SHORT, [2])},
        {**image(WIDTH, HEIGHT, samples=3, photometric=2), 258: (SHORT, [8])},
        image(WIDTH, HEIGHT, samples=2, photometric=2),
        {**image(WIDTH, HEIGHT), 254: (LONG, [1])},
        {**image(WIDTH, HEIGHT), 255: (SHORT, [1])},
    ],
)
def test_layouts_of_few_writers(tmp_path: pathlib.Path, tags: dict[int, tuple[int, Any]]) -> None:
    size = tags[322][1][0] * tags[323][1][0] if 322 in tags else PLAIN * 8
    (tmp_path / "a.tif").write_bytes(tiff(tags, [noise(size)] * 4))
    assert_same(tmp_path / "a.tif")


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 50), (5000, 1)])
def test_lines_and_points(tmp_path: pathlib.Path, width: int, height: int) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(image(width, height), [noise(width * height)]))
    assert_same(tmp_path / "a.tif")


# --- Colours ---


@pytest.mark.parametrize("extra", [[0], [1], [2], [0, 0], [2, 1], [999]])
@pytest.mark.parametrize("photometric", [1, 2])
def test_extra_samples(tmp_path: pathlib.Path, photometric: int, extra: list[int]) -> None:
    """999 is what Corel wrote for alpha."""
    samples = (1 if photometric == 1 else 3) + len(extra)
    tags = {**image(WIDTH, HEIGHT, samples=samples, photometric=photometric), 338: (SHORT, extra)}
    (tmp_path / "a.tif").write_bytes(tiff(tags, [noise(PLAIN * samples)]))
    assert_same(tmp_path / "a.tif")


COLORS = [(i * 77) % 65536 for i in range(768)]


@pytest.mark.parametrize(("photometric", "colors"), [(1, COLORS), (3, COLORS), (3, COLORS[:30]), (3, None)])
def test_colour_maps_that_do_not_fit(tmp_path: pathlib.Path, photometric: int, colors: list[int] | None) -> None:
    tags = image(WIDTH, HEIGHT, photometric=photometric)
    if colors:
        tags[320] = (SHORT, colors)
    (tmp_path / "a.tif").write_bytes(tiff(tags, [noise(PLAIN)]))
    assert_same(tmp_path / "a.tif")


# --- Metadata ---

TEXTS = [269, 270, 305, 306, 315, 316, 33432]


def test_texts_and_numbers_of_tags(tmp_path: pathlib.Path) -> None:
    tags = {**image(WIDTH, HEIGHT), **{number: (2, f"text {number}\0".encode()) for number in TEXTS}, 280: (SHORT, [1]),
            281: (SHORT, [9]), 282: (11, [72.5]), 283: (DOUBLE, [3.5]), 296: (SHORT, [3])}  # fmt: skip
    (tmp_path / "a.tif").write_bytes(tiff(tags, [noise(PLAIN)]))
    assert_same(tmp_path / "a.tif")
    with nacre.open(tmp_path / "a.tif") as dataset:
        assert len(dataset.tags()) == len(TEXTS) + 5


NODATA = [b"1 2\0", b"-9999 \0", b"1.#QNAN\0", b"-1.#INF\0", b"nan\0", b"inf\0", b"0\0", b"0", b"\0", b"3.5\0", b"-1\0", b"256\0"]


@pytest.mark.parametrize("text", NODATA)
def test_nodata_as_others_write_it(tmp_path: pathlib.Path, text: bytes) -> None:
    is_finite = text[:3] not in (b"nan", b"inf") and b"#" not in text  # of integers of 64 bits GDAL makes 0 of others
    for bits, kind in [(8, 1), (16, 2), (32, 3), (64, 3), *([(64, 1), (64, 2)] if is_finite else [])]:
        path = tmp_path / f"{bits}{kind}.tif"
        path.write_bytes(tiff({**image(4, 4, bits, 1, kind), 42113: (2, text)}, [bytes(2 * bits)]))
        with nacre.open(path) as ours, rasterio.open(path) as theirs:
            assert [sum(f) for f in ours.mask_flag_enums] == [sum(f) for f in theirs.mask_flag_enums], (text, bits, kind)
            assert np.array_equal(ours.read_masks(), theirs.read_masks()), (text, bits, kind)


def test_a_nodata_text_that_is_no_number_masks_nothing(tmp_path: pathlib.Path) -> None:
    """GDAL takes it for 0."""
    path = tmp_path / "a.tif"
    path.write_bytes(tiff({**image(4, 4), 42113: (2, b"none\0")}, [bytes(16)]))
    with nacre.open(path) as dataset:
        assert dataset.nodata is None and (dataset.read_masks() == 255).all()


# --- Masks ---


@pytest.mark.parametrize(("bits", "photometric"), [(1, 4), (1, 1), (8, 4)])
def test_masks_of_bits_and_bytes(tmp_path: pathlib.Path, bits: int, photometric: int) -> None:
    """Those of bytes are given as they are."""
    writer = Writer()
    writer.image(image(WIDTH, HEIGHT), [noise(PLAIN)])
    tags = {**image(WIDTH, HEIGHT, bits, photometric=photometric), 254: (LONG, [4])}
    writer.image(tags, [noise((WIDTH * bits + 7) // 8 * HEIGHT)])
    (tmp_path / "a.tif").write_bytes(bytes(writer.content))
    assert_same(tmp_path / "a.tif")


@pytest.mark.parametrize("subfile", [4, 5])
def test_masks_of_another_size_are_none(tmp_path: pathlib.Path, subfile: int) -> None:
    writer = Writer()
    writer.image(image(WIDTH, HEIGHT), [noise(PLAIN)])
    writer.image({**image(7, 3, 1, photometric=4), 254: (LONG, [subfile])}, [noise(3)])
    (tmp_path / "a.tif").write_bytes(bytes(writer.content))
    assert_same(tmp_path / "a.tif")


def test_further_pages_are_no_overviews(tmp_path: pathlib.Path) -> None:
    writer = Writer()
    writer.image(image(WIDTH, HEIGHT), [noise(PLAIN)])
    writer.image(image(7, 3), [noise(21)])
    writer.image({**image(6, 3), 254: (LONG, [1])}, [noise(18)])
    (tmp_path / "a.tif").write_bytes(bytes(writer.content))
    assert_same(tmp_path / "a.tif")
