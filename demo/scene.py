# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""A seeded, realistic scene: terrain with relief shading, three bands, in UTM.

The terrain is spectral synthesis: random phases under a power law of amplitudes, as eroded relief has; the picture
is that relief, tinted by height and lit from the north-west. It is written as a plain GeoTIFF with nothing but
numpy, so that what nacre then reads was not written by nacre.
"""

from __future__ import annotations

import pathlib
import struct

import numpy as np

PIXEL = 30.0  # metres
ORIGIN = (399_960.0, 5_300_040.0)  # upper left corner in UTM 33 N
EPSG = 32633


def terrain(size: int, seed: int) -> np.ndarray:
    """Heights in metres, float32, of shape (size, size)."""
    random = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = np.inf
    amplitude = frequency**-2.1
    spectrum = amplitude * np.exp(2j * np.pi * random.random(amplitude.shape))
    heights = np.fft.irfft2(spectrum, s=(size, size))
    heights = (heights - heights.min()) / np.ptp(heights)
    return (heights**1.6 * 2800 + 120).astype(np.float32)


def picture(heights: np.ndarray, light: float = 1.0) -> np.ndarray:
    """Three bands of uint8, of shape (3, rows, columns): tint by height, shade by slope. `light` darkens a copy."""
    stops = np.array([120, 500, 1000, 1600, 2200, 2920], np.float32)
    tints = np.array(
        [[70, 110, 60], [120, 150, 80], [170, 160, 105], [150, 120, 90], [190, 180, 175], [250, 250, 252]], np.float32
    )
    down, right = np.gradient(heights, PIXEL)
    shade = (1 + 0.7 * (down - right)) / np.sqrt(1 + down**2 + right**2) / np.sqrt(2) + 0.35
    bands = [np.interp(heights, stops, tints[:, band]) * shade * light for band in range(3)]
    return np.clip(np.stack(bands), 0, 255).astype(np.uint8)


def _entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")


def write_geotiff(path: pathlib.Path, bands: np.ndarray) -> None:
    """A plain, uncompressed, pixel-interleaved, striped GeoTIFF of uint8 bands."""
    count, rows, columns = bands.shape
    rows_per_strip = 64
    strips = -(-rows // rows_per_strip)
    keys = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, EPSG]
    blobs = [
        (258, 3, struct.pack(f"<{count}H", *[8] * count)),
        (33550, 12, struct.pack("<3d", PIXEL, PIXEL, 0)),
        (33922, 12, struct.pack("<6d", 0, 0, 0, *ORIGIN, 0)),
        (34735, 3, struct.pack(f"<{len(keys)}H", *keys)),
    ]
    row_bytes = columns * count
    sizes = [min(rows_per_strip, rows - strip * rows_per_strip) * row_bytes for strip in range(strips)]
    entries_end = 8 + 2 + 15 * 12 + 4
    at = entries_end
    placed = {}
    for tag, kind, blob in blobs:
        placed[tag] = (kind, len(blob) // {3: 2, 12: 8}[kind], at)
        at += len(blob)
    offsets_at, counts_at = at, at + 4 * strips
    data_at = counts_at + 4 * strips
    offsets = [data_at + sum(sizes[:strip]) for strip in range(strips)]

    def short(tag: int, value: int) -> bytes:
        return _entry(tag, 3, 1, struct.pack("<H", value))

    def long(tag: int, value: int, count: int = 1) -> bytes:
        return _entry(tag, 4, count, struct.pack("<I", value))

    def far(tag: int) -> bytes:
        kind, number, offset = placed[tag]
        return _entry(tag, kind, number, struct.pack("<I", offset))

    entries = [
        long(256, columns), long(257, rows), far(258), short(259, 1), short(262, 2), long(273, offsets_at, strips),
        short(274, 1), short(277, count), long(278, rows_per_strip), long(279, counts_at, strips), short(284, 1),
        short(339, 1), far(33550), far(33922), far(34735),
    ]  # fmt: skip
    with open(path, "wb") as file:
        file.write(b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + b"".join(entries) + b"\0" * 4)
        for _, _, blob in blobs:
            file.write(blob)
        file.write(np.array(offsets, "<u4").tobytes() + np.array(sizes, "<u4").tobytes())
        file.write(np.ascontiguousarray(np.moveaxis(bands, 0, 2)).tobytes())
