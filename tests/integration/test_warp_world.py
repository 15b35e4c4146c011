# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""World rasters: across 180 degrees, around the poles, in Mercator: beside what is warped, and beside GDAL."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from conftest import need, need_newest_rasterio

AREAS = "average mode max min med q1 q3 rms".split()
POINTS = "nearest bilinear cubic cubic_spline lanczos".split()
RES = 1.0
# CRS, left and top edge, pixel size, width and height. Pixels lie across 180 degrees, or end there; a pole is inside a
# pixel, in its centre, between four of them, on an edge.
GRIDS = {
    "mercator": ("EPSG:3857", -20037508.342789244, 15e6, 200375.08342789244, 200, 150),
    "pacific": ("EPSG:3832", -8e6, 8e6, 160e3, 100, 100),
    "degrees": ("EPSG:4326", 90, 90, 1.6, 112, 112),
    "arctic": ("EPSG:3413", -4.03e6, 4.04e6, 100e3, 80, 80),
    "arctic, corners": ("EPSG:3413", -4e6, 4e6, 100e3, 80, 80),
    "arctic, edge": ("EPSG:3413", -4.03e6, 4e6, 100e3, 80, 80),
    "antarctic, centre": ("EPSG:3031", -4.05e6, 4.05e6, 100e3, 81, 81),
}


@pytest.fixture(autouse=True)
def _peers() -> None:
    need("rasterio")


def field(lon: Any, lat: Any) -> Any:
    """Smooth over the sphere: a plane through space, and a wave."""
    import numpy as np

    lon, lat = np.radians(lon), np.radians(lat)
    x, y, z = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    return 1000 * (5 + x + 0.7 * y + 0.5 * z + 0.2 * np.sin(3 * x + 2 * y))


def world(path: pathlib.Path, left: float, north_of: float = -90) -> float:
    """The field once around from a longitude on, 0 south of a latitude; its sum."""
    import numpy as np
    import rasterio
    from rasterio.transform import Affine

    width, height = int(360 / RES), int(180 / RES)
    lon, lat = left + (np.arange(width) + 0.5) * RES, (90 - (np.arange(height) + 0.5) * RES)[:, None]
    values = np.where(lat > north_of, field(lon, lat), 0)
    with rasterio.open(path, "w", driver="GTiff", width=width, height=height, count=1, dtype="float64", crs="EPSG:4326",
                       transform=Affine(RES, 0, left, 0, -RES, 90)) as file:
        file.write(values, 1)
    return float(values.sum())


def warped(path: pathlib.Path, grid: str, resampling: str) -> Any:
    """Ours, NaN where there is nothing; in one window, which others must equal."""
    import numpy as np
    from affine import Affine

    import nacre
    from nacre.enums import Resampling
    from nacre.vrt import WarpedVRT

    crs, left, top, size, width, height = GRIDS[grid]
    transform = Affine(size, 0, left, 0, -size, top)
    with nacre.open(path) as source, WarpedVRT(
        source, crs=crs, transform=transform, width=width, height=height, resampling=Resampling[resampling],
        src_nodata=-9999, nodata=-9999,
    ) as view:
        whole = view.read(1)
        windows = [((0, 37), (0, 53)), ((37, height), (0, 53)), ((0, 37), (53, width)), ((37, height), (53, width))]
        for rows, columns in windows:
            part = view.read(1, window=(rows, columns))
            assert np.array_equal(part, whole[slice(*rows), slice(*columns)]), (grid, resampling)
    return np.where(whole == -9999, np.nan, whole)


def truth(grid: str) -> tuple[Any, Any]:
    """The field at the centres, and by how much it changes over a pixel of the grid and one of the source."""
    import numpy as np
    from rasterio.warp import transform

    crs, left, top, size, width, height = GRIDS[grid]

    def at(dx: float, dy: float) -> Any:
        x, y = np.meshgrid(left + (np.arange(width) + 0.5 + dx) * size, top - (np.arange(height) + 0.5 + dy) * size)
        lon, lat = transform(crs, "EPSG:4326", x.ravel(), y.ravel())
        return field(np.reshape(lon, x.shape), np.reshape(lat, x.shape))

    change = sum(np.abs(at(dx, dy) - at(0, 0)) for dx, dy in [(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)])
    return at(0, 0), change + 1000 * 4 * np.radians(RES)


@pytest.mark.parametrize("left", [-180, 0])
@pytest.mark.parametrize("grid", GRIDS)
def test_every_pixel_has_what_lies_under_it(tmp_path: pathlib.Path, grid: str, left: float) -> None:
    """No pixel is without data, and none is further off than its field changes; area methods have no seam."""
    import numpy as np

    world(tmp_path / "world.tif", left)
    true, change = truth(grid)
    for resampling in POINTS + AREAS:
        pixels = warped(tmp_path / "world.tif", grid, resampling)
        bound = change if resampling in AREAS or resampling == "nearest" else 60
        assert not np.isnan(pixels).any(), resampling
        assert (np.abs(pixels - true) <= bound).all(), resampling


@pytest.mark.parametrize("grid", GRIDS)
def test_pixels_do_not_depend_on_where_the_source_is_cut(tmp_path: pathlib.Path, grid: str) -> None:
    """The same earth from -180 and from 0 degrees on."""
    import numpy as np

    world(tmp_path / "west.tif", -180)
    world(tmp_path / "east.tif", 0)
    for resampling in ["nearest", "average", "rms", "sum"]:
        west, east = (warped(tmp_path / name, grid, resampling) for name in ("west.tif", "east.tif"))
        # Two pixels share a source pixel whose parts are summed in another order, and ties of nearest.
        assert np.isclose(west, east, rtol=2e-3, atol=1e-6).mean() > 0.999, resampling


@pytest.mark.parametrize("left", [-180, 0])
@pytest.mark.parametrize("grid", ["arctic", "arctic, corners", "arctic, edge"])
def test_sums_around_a_pole_are_kept(tmp_path: pathlib.Path, grid: str, left: float) -> None:
    import numpy as np

    total = world(tmp_path / "world.tif", left, north_of=65)
    assert np.nansum(warped(tmp_path / "world.tif", grid, "sum")) == pytest.approx(total, rel=1e-5)


def test_sums_in_degrees_and_mercator_are_kept(tmp_path: pathlib.Path) -> None:
    import numpy as np

    for left in (-180, 0):
        total = world(tmp_path / "world.tif", left, north_of=0)
        mercator = warped(tmp_path / "world.tif", "mercator", "sum")
        # The grid ends at 79.1 degrees north.
        assert total * 0.85 < np.nansum(mercator) < total
        assert np.nansum(mercator[75:]) == 0
    rows = np.nansum(mercator, axis=1)
    assert (rows[5:70] > 0).all() and np.abs(np.diff(rows[5:70])).max() < 0.2 * rows.max()


@pytest.mark.parametrize("grid", ["mercator", "degrees"])
def test_area_methods_are_gdals_where_nothing_is_cut(tmp_path: pathlib.Path, grid: str) -> None:
    """GDAL knows no seam in the middle of a grid, so its source is cut elsewhere."""
    import numpy as np
    import rasterio
    from affine import Affine
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    need_newest_rasterio()  # modes of floats were others
    world(tmp_path / "world.tif", -180 if grid == "mercator" else 0)
    crs, left, top, size, width, height = GRIDS[grid]
    for resampling in AREAS:
        theirs = np.full((height, width), np.nan)
        with rasterio.open(tmp_path / "world.tif") as source:
            reproject(source.read(1), theirs, src_transform=source.transform, src_crs=source.crs, dst_crs=crs,
                      dst_transform=Affine(size, 0, left, 0, -size, top), resampling=Resampling[resampling],
                      tolerance=0, dst_nodata=np.nan, src_nodata=-9999, warp_mem_limit=2000)
        ours = warped(tmp_path / "world.tif", grid, resampling)
        assert np.isclose(ours, theirs, rtol=1e-9, atol=0, equal_nan=True).mean() > 0.999, resampling


def test_points_without_an_inverse_are_nodata(tmp_path: pathlib.Path) -> None:
    """An orthographic view sees half of the earth: what lies beside the disc is nodata for every method."""
    import numpy as np

    world(tmp_path / "world.tif", -180)
    size = 150e3
    GRIDS["ball"] = ("+proj=ortho +lat_0=60 +lon_0=170 +R=6371000", -50 * size, 50 * size, size, 100, 100)
    try:
        x, y = np.meshgrid((np.arange(100) - 49.5) * size, (np.arange(100) - 49.5) * size)
        inside, outside = np.hypot(x, y) < 6371000 - 1.5 * size, np.hypot(x, y) > 6371000 + 1.5 * size
        for resampling in [*POINTS, *AREAS, "sum"]:
            pixels = warped(tmp_path / "world.tif", "ball", resampling)
            assert np.isnan(pixels[outside]).all() and not np.isnan(pixels[inside]).any(), resampling
            if resampling != "sum":
                assert 3000 < pixels[inside].min() and pixels[inside].max() < 7000, resampling
    finally:
        del GRIDS["ball"]
