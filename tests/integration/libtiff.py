# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Writes TIFFs through the system's libtiff, which has forms that GDAL does not offer."""

from __future__ import annotations

import ctypes
import ctypes.util
import pathlib
from typing import Any, Callable

import numpy as np

_LONGS = {256, 257, 278, 292, 293, 322, 323}


def _library() -> Any:
    library = ctypes.CDLL(ctypes.util.find_library("tiff") or "libtiff.so.6")
    library.TIFFOpen.restype = ctypes.c_void_p
    for name in ("TIFFTileSize64", "TIFFVStripSize64"):
        getattr(library, name).restype = ctypes.c_uint64
    for name in ("TIFFWriteEncodedTile", "TIFFWriteEncodedStrip"):
        getattr(library, name).restype = ctypes.c_ssize_t
    handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
    library.quiet = handler(lambda module, text, arguments: None)
    library.TIFFSetWarningHandler.restype = ctypes.c_void_p
    library.TIFFSetWarningHandler(library.quiet)
    return library


LIBRARY = _library()


def smooth(random: np.random.Generator) -> Callable[[int], bytes]:
    """Bytes that compress, with a little noise."""

    def make(size: int) -> bytes:
        values = (np.arange(size) // 7 % 64 * 4).astype(np.uint8)
        values[random.integers(0, size, size // 20 + 1)] ^= 1
        return values.tobytes()

    return make


def is_codec(number: int) -> bool:
    """Whether the library was built with a codec."""
    return bool(LIBRARY.TIFFIsCODECConfigured(ctypes.c_uint16(number)))


def write(
    path: pathlib.Path, tags: dict[int, int], make: Callable[[int], bytes], mode: str = "wl"
) -> None:
    """An image with such tags, whose blocks are made by their size; mode as TIFFOpen's."""
    handle = ctypes.c_void_p(LIBRARY.TIFFOpen(str(path).encode(), mode.encode()))
    assert handle.value
    for number, value in tags.items():
        kind = ctypes.c_uint32 if number in _LONGS else ctypes.c_uint
        assert LIBRARY.TIFFSetField(handle, ctypes.c_uint32(number), kind(value)), number
    planes = tags[277] if tags.get(284) == 2 else 1
    if 322 in tags:
        for number in range(LIBRARY.TIFFNumberOfTiles(handle)):
            block = make(LIBRARY.TIFFTileSize64(handle))
            size = ctypes.c_ssize_t(len(block))
            assert LIBRARY.TIFFWriteEncodedTile(handle, ctypes.c_uint32(number), block, size) == len(block)
    else:
        strips = LIBRARY.TIFFNumberOfStrips(handle)
        for number in range(strips):
            rows = min(tags[278], tags[257] - number % (strips // planes) * tags[278])
            block = make(LIBRARY.TIFFVStripSize64(handle, ctypes.c_uint32(rows)))
            size = ctypes.c_ssize_t(len(block))
            assert LIBRARY.TIFFWriteEncodedStrip(handle, ctypes.c_uint32(number), block, size) == len(block)
    LIBRARY.TIFFClose(handle)
