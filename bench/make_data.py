# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Makes every scene that a benchmark uses, seeded, into a folder: `python bench/make_data.py FOLDER`.

The COGs are written by GDAL's COG driver, so that no side reads what it wrote itself.
"""

import pathlib
import sys

import numpy as np
import rasterio
import rasterio.shutil
import rasterio.transform
import rasterio.windows

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "demo"))
import scene


def rgb_cog(folder: pathlib.Path, size: int = 4096) -> pathlib.Path:
    """A pixel-interleaved COG of three bands of uint8 in UTM, Deflate, blocks of 512, with overviews."""
    target = folder / f"rgb_{size}.tif"
    if not target.exists():
        plain = folder / "plain.tif"
        scene.write_geotiff(plain, scene.picture(scene.terrain(size, seed=2)))
        options = {"compress": "DEFLATE", "blocksize": 512, "predictor": "YES", "overview_resampling": "average"}
        rasterio.shutil.copy(plain, target, driver="COG", **options)
        plain.unlink()
    return target


def uint16_cog(folder: pathlib.Path, size: int = 10980) -> pathlib.Path:
    """A COG of three bands of uint16 in UTM, as a satellite's scene: Deflate, blocks of 512, with overviews."""
    target = folder / f"uint16_{size}.tif"
    if target.exists():
        return target
    plain, partial = folder / f"plain_{size}.tif", folder / f"partial_{size}.tif"
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 3, "dtype": "uint16", "crs": "EPSG:32633"}
    profile |= {"transform": rasterio.transform.from_origin(400000, 5300000, 10, 10), "interleave": "pixel"}
    random = np.random.default_rng(3)
    with rasterio.open(plain, "w", bigtiff="IF_SAFER", **profile) as to:
        for top in range(0, size, 512):
            y, x = np.mgrid[top : min(top + 512, size), 0:size].astype("float32")
            smooth = [(np.sin(x / 97 + band) * np.cos(y / 71) + 1) * 1500 for band in range(3)]
            values = (np.stack(smooth) + random.integers(0, 40, (3, *x.shape))).astype("uint16")
            to.write(values, window=rasterio.windows.Window(0, top, size, x.shape[0]))
    options = {"compress": "DEFLATE", "blocksize": 512, "predictor": "YES", "overview_resampling": "average"}
    rasterio.shutil.copy(plain, partial, driver="COG", **options)
    partial.rename(target)  # whole, or not there
    plain.unlink()
    return target


def small_tiles(folder: pathlib.Path) -> pathlib.Path:
    """An uncompressed GeoTIFF of uint16 with blocks of 64, so that reading it is nothing but reading the file."""
    target = folder / "small_tiles.tif"
    if not target.exists():
        values = np.random.default_rng(4).integers(0, 4000, (1, 2048, 2048), "uint16")
        profile = {"driver": "GTiff", "width": 2048, "height": 2048, "count": 1, "dtype": "uint16", "tiled": True}
        profile |= {"crs": "EPSG:32633", "transform": rasterio.transform.from_origin(400000, 5300000, 10, 10)}
        with rasterio.open(target, "w", blockxsize=64, blockysize=64, **profile) as to:
            to.write(values)
    return target


def small_cog(folder: pathlib.Path) -> pathlib.Path:
    """One of very many: 1024 x 1024, one band of uint8, blocks of 256 of some 20 KB, with overviews."""
    target = folder / "small.tif"
    if not target.exists():
        noise = np.random.default_rng(6).integers(0, 4, (1024, 1024))
        heights = scene.terrain(1024, seed=6)
        values = (heights - heights.min()) / np.ptp(heights) * 200 + noise
        profile = {"width": 1024, "height": 1024, "count": 1, "dtype": "uint8", "crs": "EPSG:32633"}
        transform = rasterio.transform.from_origin(4e5, 5.2e6, 10, 10)
        options = {"compress": "DEFLATE", "blocksize": 256, "predictor": 2}
        with rasterio.open(target, "w", driver="COG", transform=transform, **profile, **options) as dataset:
            dataset.write(values.astype("uint8"), 1)
    return target


if __name__ == "__main__":
    place = pathlib.Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    print(rgb_cog(place))
    print(uint16_cog(place))
    print(small_cog(place))
    print(small_tiles(place))
