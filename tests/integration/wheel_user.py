# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What a user does with an installed wheel: wheel_user.py RASTER URL, where both are the same raster.

Prints, as JSON, the version and the libraries that came into the process by it. Needs nothing of the tests.
"""

import asyncio  # noqa: F401  # what nacre imports of others is no library that it brings
import ctypes
import json
import pathlib
import re
import sys
import uuid  # noqa: F401

import _cffi_backend  # noqa: F401
import affine  # noqa: F401
import numpy as np


def libraries() -> set[str]:
    """Files of libraries that are mapped."""
    return set(re.findall(r"(/\S+\.so\S*)$", pathlib.Path("/proc/self/maps").read_text(), re.M))


before = libraries()

import nacre  # noqa: E402
import nacre.gdal  # noqa: E402
import nacre.shutil  # noqa: E402
from nacre.vrt import WarpedVRT  # noqa: E402


def write(dataset: nacre.DatasetReader, **options: str) -> np.ndarray:
    """The pixels of a copy."""
    nacre.shutil.copy(dataset, "mem://copy", **options)
    with nacre.open("mem://copy") as copied:
        return copied.read()


def main(raster: str, url: str) -> None:
    """Read, warp, write with each codec, read by https."""
    with nacre.open(raster) as dataset, WarpedVRT(dataset, crs="EPSG:3857") as view:
        pixels = dataset.read()
        assert view.read(1).any()
        nacre.shutil.copy(view, "mem://view.vrt", driver="VRT")
        for codec in ("deflate", "lzw", "zstd", "lzma", "lerc_zstd"):
            assert np.array_equal(write(dataset, driver="GTiff", compress=codec), pixels), codec
        for codec in ("jpeg", "webp"):
            near = write(dataset, driver="COG", compress=codec).astype(int) - pixels
            assert 0 < np.abs(near).mean() < 5, codec
        nacre.shutil.copy(dataset, "mem://copy.png", driver="PNG")
    assert nacre.open("mem://view.vrt").crs == "EPSG:3857"
    # By the tables of proj.db, without a grid.
    (x,), (y,) = nacre.warp.transform("EPSG:21781", "EPSG:2056", [600000.0], [200000.0])
    assert abs(x - 2600000) < 0.01 and abs(y - 1200000) < 0.01
    with nacre.open(url) as remote:
        assert np.array_equal(remote.read(), pixels)
    ctypes.CDLL(f"{nacre.gdal.plugin_folder()}/gdal_nacre.so")
    print(json.dumps({"version": nacre.__version__, "libraries": sorted(libraries() - before)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
