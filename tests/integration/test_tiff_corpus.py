# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""A corpus of TIFFs over types, codecs, predictors, layouts and byte orders, written by libtiff and GDAL and read equal
to GDAL. A sample of it runs in the fast tier, all of it in the slow shard."""

from __future__ import annotations

import itertools
import pathlib
import random
import re
import zlib
from typing import Any, Callable

import libtiff
import numpy as np
import pytest
import rasterio
from conftest import ROOT, need
from test_tiff import assert_same_description, assert_same_pixels
from tiffbytes import as_tiles, image, tiff

import nacre

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::nacre.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
WIDTH, HEIGHT = 99, 70
SAMPLE = 60
MODES = ["wl", "wb", "wl8", "wb8"]  # byte order, and BigTIFF
CODECS = {"none": 1, "lzw": 5, "deflate": 8, "old deflate": 32946, "zstd": 50000, "lzma": 34925, "packbits": 32773}
FAX = {"rle": (2, {}), "g3": (3, {}), "g3 2d": (3, {292: 1}), "g3 fill": (3, {292: 4}),
       "g4": (4, {})}  # fmt: skip
TYPES = [(8, 1), (8, 2), (16, 1), (16, 2), (32, 1), (32, 2), (64, 1), (64, 2), (16, 3), (24, 3), (32, 3), (64, 3)]
LAYOUTS: dict[str, dict[int, int]] = {"tiles": {322: 32, 323: 48}, "strips": {278: 16}, "strip": {278: HEIGHT}}
Form = tuple[str, Callable[[pathlib.Path], None]]


def predictors(codec: str, bits: int, kind: int) -> list[int]:
    if codec in ("none", "packbits"):
        return [1]
    integers = [] if bits == 24 else [2]
    return [1, *integers, 3] if kind == 3 else [1, *integers]


def by_libtiff(tags: dict[int, int], mode: str) -> Callable[[pathlib.Path], None]:
    def write(path: pathlib.Path) -> None:
        path.unlink(missing_ok=True)
        libtiff.write(path, tags, libtiff.smooth(np.random.default_rng(len(tags))), mode)

    return write


def by_gdal(dtype: str, count: int, options: dict[str, Any]) -> Callable[[pathlib.Path], None]:
    def write(path: pathlib.Path) -> None:
        path.unlink(missing_ok=True)
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
        pixels = np.array([(np.sin(x / 9 + band) * np.cos(y / 7) + 1) * 50 + band * 3 for band in range(count)])
        with rasterio.open(
            path, "w", driver="GTiff", width=WIDTH, height=HEIGHT, count=count, dtype=dtype, **options
        ) as dataset:
            dataset.write(pixels.astype(dtype))

    return write


def libtiff_forms() -> list[Form]:
    forms: list[Form] = []
    modes = itertools.cycle(MODES)
    for (bits, kind), codec, layout in itertools.product(TYPES, CODECS, LAYOUTS):
        for predictor, (planar, samples) in itertools.product(predictors(codec, bits, kind), [(1, 3), (2, 3), (1, 1)]):
            mode = next(modes)
            tags = {256: WIDTH, 257: HEIGHT, 258: bits, 259: CODECS[codec], 262: 1, 277: samples, 284: planar,
                    339: kind, **LAYOUTS[layout]}  # fmt: skip
            if predictor > 1:
                tags[317] = predictor
            name = f"{codec} p{predictor} {bits}/{kind} x{samples} planar{planar} {layout} {mode}"
            forms.append((name, by_libtiff(tags, mode)))
    return forms


def bit_forms() -> list[Form]:
    """Fax, and bits from the lowest of each byte on (FillOrder 2)."""
    forms: list[Form] = []
    for codec, mode, layout, fill, photometric in itertools.product(FAX, MODES, LAYOUTS, (1, 2), (0, 1)):
        number, options = FAX[codec]
        tags = {256: WIDTH, 257: HEIGHT, 258: 1, 259: number, 262: photometric, 266: fill, 277: 1, 284: 1, **options,
                **LAYOUTS[layout]}  # fmt: skip
        forms.append((f"{codec} fill{fill} photometric{photometric} {layout} {mode}", by_libtiff(tags, mode)))
    for codec, (bits, samples), mode in itertools.product(CODECS, [(8, 3), (16, 1), (12, 2), (1, 1)], MODES):
        tags = {256: WIDTH, 257: HEIGHT, 258: bits, 259: CODECS[codec], 262: 1, 266: 2, 277: samples, 284: 1, 278: 16}
        forms.append((f"{codec} fill2 {bits} x{samples} {mode}", by_libtiff(tags, mode)))
    return forms


def gdal_forms() -> list[Form]:
    forms: list[Form] = []
    layouts: list[dict[str, Any]] = [{"tiled": True, "blockxsize": 32, "blockysize": 32}, {"blockysize": 16}]
    lerc = [("uint8", 3), ("int8", 1), ("uint16", 3), ("int16", 1), ("uint32", 2), ("int32", 1), ("float32", 3), ("float64", 2)]
    for codec, (dtype, count), layout, interleave, error in itertools.product(
        ["lerc", "lerc_deflate", "lerc_zstd"], lerc, layouts, ["pixel", "band"], [0, 0.5]
    ):
        options = {"compress": codec, "interleave": interleave, "max_z_error": error, **layout}
        forms.append((f"{codec} {dtype} x{count} {options}", by_gdal(dtype, count, options)))
    for count, layout, lossless in itertools.product([3, 4], layouts, [True, False]):
        options = {"compress": "webp", "webp_lossless": lossless, **layout}
        forms.append((f"webp x{count} {options}", by_gdal("uint8", count, options)))
    for count, layout, interleave, tables, order in itertools.product(
        [1, 3, 4], layouts, ["pixel", "band"], [0, 1, 2, 3], ["little", "big"]
    ):
        options = {"compress": "jpeg", "interleave": interleave, "jpegtablesmode": tables, "endianness": order, **layout}
        forms.append((f"jpeg x{count} {options}", by_gdal("uint8", count, options)))
    return forms


FORMS = libtiff_forms() + bit_forms() + gdal_forms()
QUICK = random.Random(6).sample(FORMS, SAMPLE)


def assert_reads_as_gdal(path: pathlib.Path) -> None:
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        assert_same_description(ours, theirs)
        assert_same_pixels(ours, theirs)


def test_the_corpus_has_about_a_thousand_forms() -> None:
    assert len(FORMS) > 1000
    assert len({name for name, _ in FORMS}) == len(FORMS)


@pytest.mark.parametrize("form", QUICK, ids=lambda form: form[0])
def test_a_form_reads_as_with_gdal(tmp_path: pathlib.Path, form: Form) -> None:
    form[1](tmp_path / "a.tif")
    assert_reads_as_gdal(tmp_path / "a.tif")


@pytest.mark.slow
def test_every_form_reads_as_with_gdal(tmp_path: pathlib.Path) -> None:
    wrong = []
    for name, write in FORMS:
        write(tmp_path / "a.tif")
        try:
            assert_reads_as_gdal(tmp_path / "a.tif")
        except Exception as error:
            wrong.append(f"{name}: {error}"[:300])
    assert not wrong, f"{len(wrong)} of {len(FORMS)}: " + "\n".join(wrong[:20])


# --- Codecs that few writers have ---


def old_lzw(content: bytes) -> bytes:
    """LZW as libtiff wrote it before 1988: codes from the lowest bit on, and their width grows one code later."""
    bits, used, width, codes = 0, 0, 9, {bytes([i]): i for i in range(256)}
    next_code, out = 258, bytearray()

    def put(code: int) -> None:
        nonlocal bits, used
        bits |= code << used
        used += width
        while used >= 8:
            out.append(bits & 255)
            bits >>= 8
            used -= 8

    put(256)
    text = b""
    for i in range(len(content)):
        longer = text + content[i : i + 1]
        if longer in codes:
            text = longer
            continue
        put(codes[text])
        codes[longer] = next_code
        next_code += 1
        if next_code > 1 << width:
            width += 1
        text = content[i : i + 1]
        if next_code == 4094:
            put(256)
            width, next_code, codes = 9, 258, {bytes([j]): j for j in range(256)}
    put(codes[text])
    put(257)
    if used:
        out.append(bits & 255)
    return bytes(out)


@pytest.mark.parametrize("kind", ["smooth", "noise"])
def test_old_lzw(tmp_path: pathlib.Path, kind: str) -> None:
    random_bytes = np.random.default_rng(3)
    content = libtiff.smooth(random_bytes)(4000) if kind == "smooth" else random_bytes.bytes(4000)
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(image(80, 50, compression=5), [old_lzw(content)]))
    with nacre.open(path) as ours:
        assert ours.read(1).tobytes() == content
    assert_reads_as_gdal(path)


def test_next(tmp_path: pathlib.Path) -> None:
    """Two bits, from literal rows."""
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(image(16, 2, 2, compression=32766), [b"\x00\x1b\x2c\x3d\x4e" + b"\x00\xff\x00\xaa\x55"]))
    assert_reads_as_gdal(path)


@pytest.mark.parametrize(("bits", "samples"), [(8, 1), (16, 3)])
def test_pixarlog(tmp_path: pathlib.Path, bits: int, samples: int) -> None:
    tags = {256: WIDTH, 257: HEIGHT, 258: bits, 259: 32909, 262: 1, 277: samples, 278: 16, 284: 1}
    by_libtiff(tags, "wl")(tmp_path / "a.tif")
    assert_reads_as_gdal(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("compression", "name"),
    [(6, "old-style jpeg"), (34712, "jp2000"), (50002, "jxl"), (52546, "jxl"), (34661, "jbig"), (32771, "ccittrlew"), (32809, "thunderscan"), (4711, "unknown")],
)
def test_codecs_that_are_not_supported_are_named(tmp_path: pathlib.Path, compression: int, name: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(image(16, 16, compression=compression), [bytes(100)]))
    with pytest.raises(nacre.RasterioIOError, match=rf"a\.tif: compression {compression} \({name}\) is not supported"):
        nacre.open(path)


def test_a_tile_that_inflates_to_more_than_it_holds_is_cut(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    tags = as_tiles(image(16, 16, compression=8), 16, 16)
    path.write_bytes(tiff(tags, [zlib.compress(bytes(range(256)) * 4000)]))
    with nacre.open(path) as ours:
        assert ours.read(1).tobytes() == bytes(range(256))


def test_a_tile_over_the_limit_is_refused_before_it_is_allocated(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(as_tiles(image(65536, 65536, compression=8), 65536, 65536), [zlib.compress(bytes(1000))]))
    with nacre.open(path) as ours, pytest.raises(nacre.RasterioIOError, match=r"limit\.tile"):
        ours.read(1, window=((0, 1), (0, 1)))


def test_float16_in_tifffile_s_form(tmp_path: pathlib.Path) -> None:
    """A file of a writer that is neither libtiff nor GDAL, planar and with a description of its own."""
    need("tifffile")
    import tifffile

    values = np.arange(3 * 20 * 30).reshape(3, 20, 30).astype("float16")
    tifffile.imwrite(tmp_path / "a.tif", values, planarconfig="separate", photometric="minisblack", byteorder=">")
    assert_reads_as_gdal(tmp_path / "a.tif")


def test_the_page_tells_of_each_codec_whether_it_is_read() -> None:
    """The table of docs/guide/geotiff.md is that of the source."""
    page = (ROOT / "docs/guide/geotiff.md").read_text().partition("## Codecs\n")[2].partition("\n## ")[0]
    told = {name: read == "yes" for name, read in re.findall(r"^\| ([\w -]+?) \| (yes|no)\b", page, re.M)}
    source = (ROOT / "src/tiff/codec.c").read_text()
    known = re.findall(r'^    \{\w+, "([^"]+)", (?:"\w+"|NULL), (true|false),', source, re.M)
    assert len(known) > 20 and told == {name: read == "true" for name, read in known}
