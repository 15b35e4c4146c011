# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""gdal_contract.py for any libgdal, without a Rasterio that was built with it: `gdal_ctypes.py ROOT [CASE...]`.

NACRE_TEST_LIBGDAL names the library. What the contract uses of Rasterio is done here by GDAL's C interface.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import types

import numpy as np

gdal = ctypes.CDLL(os.environ["NACRE_TEST_LIBGDAL"], ctypes.RTLD_LOCAL)
P, I, D, S = ctypes.c_void_p, ctypes.c_int, ctypes.c_double, ctypes.c_char_p
for name, result, arguments in (
    ("GDALOpenEx", P, [S, ctypes.c_uint, P, P, P]), ("GDALClose", None, [P]), ("GDALGetRasterXSize", I, [P]),
    ("GDALGetRasterYSize", I, [P]), ("GDALGetRasterCount", I, [P]), ("GDALGetRasterBand", P, [P, I]),
    ("GDALRasterIO", I, [P, I, I, I, I, I, P, I, I, I, I, I]), ("GDALGetDriverByName", P, [S]),
    ("GDALCreate", P, [P, S, I, I, I, I, P]), ("GDALCreateCopy", P, [P, S, P, I, P, P, P]), ("GDALDeleteDataset", I, [P, S]),
    ("GDALVersionInfo", S, [S]), ("GDALWarpAppOptionsNew", P, [P, P]), ("GDALWarpAppOptionsFree", None, [P]),
    ("GDALWarp", P, [S, P, I, P, P, P]), ("GDALSetGeoTransform", I, [P, P]), ("CPLSetErrorHandler", P, [P]),
):  # fmt: skip
    function = getattr(gdal, name)
    function.restype, function.argtypes = result, arguments

said: list[str] = []


@ctypes.CFUNCTYPE(None, I, I, S)
def take_error(level: int, _number: int, text: bytes) -> None:
    """GDAL's error handler."""
    if level >= 3:
        said.append(text.decode("utf-8", "replace"))


class RasterioIOError(OSError):
    """What GDAL told of a call that failed."""


def checked(result, failed=None):
    """The result of a call; raises what GDAL said where it is the failed one, or 0 for a pointer."""
    if result is None if failed is None else result == failed:
        raise RasterioIOError(" < ".join(said) or "failed without a word")
    return result


class Dataset:
    """Of GDAL, as Rasterio's."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.count = gdal.GDALGetRasterCount(handle)
        self.shape = gdal.GDALGetRasterYSize(handle), gdal.GDALGetRasterXSize(handle)

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *_) -> None:
        gdal.GDALClose(self.handle)

    def _io(self, write: int, band: int, window: tuple, pixels: np.ndarray) -> None:
        said.clear()
        handle = gdal.GDALGetRasterBand(self.handle, band)
        x, y, width, height = window
        checked(gdal.GDALRasterIO(handle, write, x, y, width, height, pixels.ctypes.data, width, height, 1, 0, 0), failed=3)

    def read(self, band: int, window: tuple | None = None) -> np.ndarray:
        """A band as bytes."""
        window = window or (0, 0, self.shape[1], self.shape[0])
        pixels = np.empty((window[3], window[2]), "uint8")
        self._io(0, band, window, pixels)
        return pixels

    def write(self, pixels: np.ndarray) -> None:
        """All bands."""
        for band in range(self.count):
            self._io(1, band + 1, (0, 0, self.shape[1], self.shape[0]), np.ascontiguousarray(pixels[band]))


def open_dataset(path: str, mode: str = "r", driver: str = "GTiff", width: int = 0, height: int = 0, count: int = 1, **_) -> Dataset:
    """rasterio.open."""
    said.clear()
    if mode == "r":
        return Dataset(checked(gdal.GDALOpenEx(path.encode(), 0x42, None, None, None)))
    handle = checked(gdal.GDALCreate(gdal.GDALGetDriverByName(driver.encode()), path.encode(), width, height, count, 1, None))
    return Dataset(handle)


def warped(source: Dataset, crs: str, add_alpha: bool = False) -> Dataset:
    """rasterio.vrt.WarpedVRT."""
    said.clear()
    words = [b"-of", b"VRT", b"-t_srs", crs.encode()] + ([b"-dstalpha"] if add_alpha else [])
    listed = (S * (len(words) + 1))(*words, None)
    options = checked(gdal.GDALWarpAppOptionsNew(listed, None))
    view = gdal.GDALWarp(b"", None, 1, ctypes.byref(P(source.handle)), options, None)
    gdal.GDALWarpAppOptionsFree(options)
    return Dataset(checked(view))


def copy(source: Dataset, path: str, driver: str) -> None:
    """rasterio.shutil.copy."""
    said.clear()
    handle = gdal.GDALGetDriverByName(driver.encode())
    gdal.GDALClose(checked(gdal.GDALCreateCopy(handle, path.encode(), source.handle, 0, None, None, None)))


def delete(path: str) -> None:
    """rasterio.shutil.delete."""
    said.clear()
    checked(gdal.GDALDeleteDataset(None, path.encode()), failed=3)


def module(name: str, **members) -> types.ModuleType:
    """A module of that name, as if it had been imported."""
    sys.modules[name] = found = types.ModuleType(name)
    vars(found).update(members)
    return found


module(
    "rasterio",
    open=open_dataset, Env=lambda **_: contextlib.nullcontext(),
    __gdal_version__=gdal.GDALVersionInfo(b"RELEASE_NAME").decode(),
    errors=module("rasterio.errors", RasterioIOError=RasterioIOError), shutil=module("rasterio.shutil", copy=copy, delete=delete),
    transform=module("rasterio.transform", from_origin=lambda *numbers: numbers), vrt=module("rasterio.vrt", WarpedVRT=warped),
    windows=module("rasterio.windows", Window=lambda *numbers: numbers),
)  # fmt: skip

if __name__ == "__main__":
    gdal.GDALAllRegister()
    gdal.CPLSetErrorHandler(take_error)
    import gdal_contract

    gdal_contract.main()
