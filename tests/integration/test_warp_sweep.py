# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Every resampling between many CRSs, beside the newest GDAL with an exact transformer. Prints a table."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from conftest import need

RESAMPLINGS = "nearest bilinear cubic cubic_spline lanczos average mode max min med q1 q3 sum rms".split()
SIDE = 256
# Source CRS: left, top and pixel size there, and the CRSs it is warped to.
PAIRS = {
    "EPSG:32618": (400000, 4600000, 200, "EPSG:3857 EPSG:4326 EPSG:32617 EPSG:5070 EPSG:9311 EPSG:4269 EPSG:3395 EPSG:6933"),
    "EPSG:32633": (300000, 5400000, 500, "EPSG:3035 EPSG:4326 EPSG:3857 EPSG:25832 EPSG:4258 EPSG:3034 EPSG:31287 EPSG:32634"),
    "EPSG:4326": (5, 55, 0.03, "EPSG:3857 EPSG:32632 EPSG:3035 EPSG:3034 EPSG:2154 EPSG:27700 ESRI:54030 ESRI:54009 EPSG:6933 EPSG:8857"),
    "EPSG:3857": (-13000000, 5200000, 2000, "EPSG:4326 EPSG:32611 EPSG:5070 EPSG:3310 EPSG:102003"),
    "EPSG:3035": (4000000, 3200000, 1000, "EPSG:3857 EPSG:4326 EPSG:25832 EPSG:2056"),
    "EPSG:3413": (-1000000, -500000, 2000, "EPSG:3995 EPSG:4326 EPSG:3857 EPSG:6931"),
    "EPSG:3031": (500000, 1800000, 2000, "EPSG:3976 EPSG:4326 EPSG:6932"),
}
NAMES = {"EPSG:102003": "ESRI:102003"}
CASES = [(src, NAMES.get(dst, dst)) for src, place in PAIRS.items() for dst in place[3].split()]


@pytest.fixture(autouse=True)
def _peers() -> None:
    need("rasterio")


def texture() -> Any:
    """Smooth hills with noise and flat patches, and a hole without data."""
    import numpy as np

    y, x = np.mgrid[0:SIDE, 0:SIDE]
    noise = np.random.default_rng(7).integers(0, 400, (SIDE, SIDE))
    values = 3000 + 900 * np.sin(x / 17) + 700 * np.cos(y / 23) + np.where((x // 32 + y // 32) % 3, noise, 0)
    values[(x - 90) ** 2 + (y - 140) ** 2 < 400] = 0
    return values.astype("u2")[None]


@pytest.fixture(scope="module")
def rasters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    import rasterio
    from rasterio.transform import Affine

    folder, paths = tmp_path_factory.mktemp("sweep"), {}
    for crs, (left, top, size, _) in PAIRS.items():
        paths[crs] = folder / f"{crs.replace(':', '_')}.tif"
        transform = Affine(size, 0, left, 0, -size, top)
        with rasterio.open(paths[crs], "w", driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="uint16",
                           crs=crs, transform=transform, nodata=0) as file:
            file.write(texture())
    return paths


def ours(path: pathlib.Path, crs: str, resampling: str) -> tuple[Any, Any]:
    import nacre
    from nacre.enums import Resampling
    from nacre.vrt import WarpedVRT

    with nacre.open(path) as source, WarpedVRT(source, crs=crs, resampling=Resampling[resampling]) as view:
        return view.read(), view.transform


def theirs(path: pathlib.Path, crs: str, resampling: str, shape: tuple, transform: Any) -> Any:
    import numpy as np
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.transform import Affine
    from rasterio.warp import reproject

    destination = np.zeros(shape, "u2")
    with rasterio.open(path) as source:
        reproject(source.read(), destination, src_transform=source.transform, src_crs=source.crs,
                  dst_transform=Affine(*transform[:6]), dst_crs=crs, resampling=Resampling[resampling], src_nodata=0,
                  dst_nodata=0, tolerance=0, warp_mem_limit=2000, SRC_FILL_RATIO_HEURISTICS="NO")
    return destination


def compare(mine: Any, other: Any, resampling: str) -> tuple[float, float]:
    """Shares of valid pixels that are alike, and of pixels whose masks are."""
    import numpy as np

    both = (mine != 0) & (other != 0)
    distance = np.abs(mine.astype("i8") - other.astype("i8"))[both]
    # One unit; GDAL finds the shares of sums in the other plane, so they differ where edges are curved.
    bound = {"nearest": 0, "sum": 1 + 0.002 * other[both]}.get(resampling, 1)
    alike = (distance <= bound).mean() if distance.size else 1.0
    return float(alike), float(((mine != 0) == (other != 0)).mean())


def is_known(src: str, dst: str, resampling: str, shape: tuple) -> bool:
    """Differences that docs/internals/warp.md explains: around a pole there is no one scale; GDAL's cubic spline where
    an axis shrinks a little; GDAL's footprints, from corner to corner, are lines where the grid is turned by 45 degrees."""
    if (src, dst) == ("EPSG:3413", "EPSG:6931"):
        return resampling in ("average", "rms")
    if (src, dst) == ("EPSG:3031", "EPSG:3976"):
        return resampling == "sum"  # the source's own grid: what touches its edge by rounding is 0, or nothing
    if src in ("EPSG:3413", "EPSG:3031") and dst in ("EPSG:4326", "EPSG:3857"):
        return resampling != "nearest"
    return resampling == "cubic_spline" and any(0.75 < size / SIDE < 0.96 for size in shape[1:])


@pytest.mark.parametrize("src, dst", CASES)
def test_pixels_are_gdals(rasters: dict[str, pathlib.Path], src: str, dst: str) -> None:
    row, bad = [], []
    for resampling in RESAMPLINGS:
        mine, transform = ours(rasters[src], dst, resampling)
        alike, masks = compare(mine, theirs(rasters[src], dst, resampling, mine.shape, transform), resampling)
        row.append(f"{resampling} {100 * alike:.2f}/{100 * masks:.2f}")
        if (alike < 0.999 or masks < 0.999) and not is_known(src, dst, resampling, mine.shape):
            bad.append(row[-1])
    print(f"\n{src} to {dst}, {mine.shape[2]} x {mine.shape[1]}: {', '.join(row)}")
    assert not bad
