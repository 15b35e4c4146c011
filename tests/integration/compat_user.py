# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What programs do with rio-tiler, rioxarray and rio-cogeo. Usage: compat_user.py nacre|rasterio LIBRARY FOLDER

Reads FOLDER/*.tif; writes numbers, by the name of what was done, to FOLDER/LIBRARY-PACKAGE.npz.
"""

from __future__ import annotations

import pathlib
import sys
import warnings
from typing import Any

if sys.argv[1] == "nacre":
    import nacre.compat

    nacre.compat.install()

import numpy as np
import rasterio

Results = dict[str, Any]


def use_rio_tiler(folder: pathlib.Path, mine: pathlib.Path) -> Results:
    """Tiles, parts, previews, points and statistics."""
    from rio_tiler.io import Reader

    found: Results = {}
    with Reader(str(folder / "cog.tif")) as reader:
        box = list(reader.get_geographic_bounds("epsg:4326"))
        lon, lat = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        tile = next(iter(reader.tms.tiles(lon, lat, lon, lat, [reader.maxzoom])))
        images = {
            "tile": reader.tile(tile.x, tile.y, tile.z),
            "tile bilinear": reader.tile(tile.x, tile.y, tile.z, resampling_method="bilinear", tilesize=100),
            "tile above": reader.tile(tile.x // 4, tile.y // 4, tile.z - 2, indexes=1),
            "part": reader.part([lon, lat, box[2] + 0.01, box[3] + 0.01], dst_crs="epsg:4326", max_size=200),
            "part of its own": reader.part(reader.dataset.bounds, bounds_crs=reader.crs, indexes=(2, 1)),
            "preview": reader.preview(max_size=64),
            "expression": reader.preview(expression="b1+b2", max_size=100),
        }
        ring = [[lon, lat], [box[2], lat], [box[2], box[3]], [lon, lat]]
        images["feature"] = reader.feature({"type": "Polygon", "coordinates": [ring]}, max_size=128)
        for name, image in images.items():
            found[name] = image.array.filled(0)
            found[f"{name}: mask"] = np.ma.getmaskarray(image.array)
            found[f"{name}: bounds"] = np.array(image.bounds)
        found["png"] = np.array(len(images["tile"].render(img_format="PNG")) > 100)
        point = reader.point(lon, lat)
        found["point"] = point.array.filled(0)
        for band, statistics in reader.statistics().items():
            found[f"statistics {band}"] = np.array([statistics.min, statistics.max, statistics.mean, statistics.std])
        info = reader.info()
        found["info"] = np.array([info.width, info.height, info.count, *info.bounds])
        found["zooms"] = np.array([reader.minzoom, reader.maxzoom])
    return found


def use_rioxarray(folder: pathlib.Path, mine: pathlib.Path) -> Results:
    """Lazy reads, warps, clips and writes."""
    import rioxarray

    found: Results = {}
    lazy = rioxarray.open_rasterio(folder / "cog.tif", chunks={"x": 100, "y": 128})
    assert lazy.chunks is not None
    found["lazy"] = lazy.compute().values
    found["mean"] = lazy.mean(dim=("y", "x")).compute().values
    array = rioxarray.open_rasterio(folder / "cog.tif", masked=True)
    found["masked"] = array.values
    found["x"], found["y"] = array.x.values, array.y.values
    warped = array.rio.reproject("EPSG:4326")
    found["reproject"], found["reproject: x"] = warped.values, warped.x.values
    found["reproject: transform"] = np.array(warped.rio.transform())
    found["bilinear"] = array.rio.reproject("EPSG:3857", resolution=40, resampling=rasterio.enums.Resampling.bilinear).values
    found["match"] = array.rio.reproject_match(warped.isel(x=slice(0, 50))).values
    left, bottom, right, top = array.rio.bounds()
    part = array.rio.clip_box(left + 333, bottom + 222, right - 111, top - 111)
    found["clip_box"], found["clip_box: bounds"] = part.values, np.array(part.rio.bounds())
    ring = [(left, bottom), (right, bottom), (left, top), (left, bottom)]
    found["clip"] = array.rio.clip([{"type": "Polygon", "coordinates": [ring]}]).values
    found["pad_box"] = array.rio.pad_box(left - 100, bottom, right, top).values
    deflate = {"tiled": True, "compress": "deflate"}
    written = [(part, {}), (lazy, deflate), (warped, {"driver": "COG"}), (lazy, {"windowed": True})]
    for number, (source, options) in enumerate(written):
        path = mine / f"written{number}.tif"
        source.rio.to_raster(path, **options)
        with rasterio.open(path) as dataset:
            found[f"to_raster {number}"] = dataset.read()
            found[f"to_raster {number}: transform"] = np.array(dataset.transform)
            found[f"to_raster {number}: nodata"] = np.array([-1 if dataset.nodata is None else dataset.nodata])
            found[f"to_raster {number}: epsg"] = np.array(dataset.crs.to_epsg())
    return found


def use_rio_cogeo(folder: pathlib.Path, mine: pathlib.Path) -> Results:
    """COGs made and validated."""
    from rio_cogeo import cog_info, cog_translate, cog_validate
    from rio_cogeo.profiles import cog_profiles

    found: Results = {}
    for name in ("deflate", "lzw", "raw", "zstd"):
        path = mine / f"{name}.tif"
        cog_translate(folder / "strips.tif", path, cog_profiles.get(name), quiet=True, in_memory=name != "lzw")
        found[f"{name}: valid"] = np.array(cog_validate(path, strict=True, quiet=True)[0])
        found[name] = read(path)
        info = cog_info(path)
        found[f"{name}: info"] = np.array([info.COG, len(info.IFD), info.Profile.Width, info.Profile.Bands])
    path = mine / "web.tif"
    cog_translate(
        folder / "strips.tif", path, cog_profiles.get("deflate"), quiet=True, web_optimized=True, indexes=(1,),
        overview_level=2, overview_resampling="average", add_mask=True, nodata=0,
    )  # fmt: skip
    found["web"] = read(path)
    found["web: valid"] = np.array(cog_validate(path, quiet=True)[0])
    with rasterio.open(path) as dataset:
        found["web: mask"] = dataset.dataset_mask()
        found["web: grid"] = np.array([*dataset.transform, dataset.width, dataset.height])
        found["web: overviews"] = np.array(dataset.overviews(1))
        found["web: overview"] = dataset.read(out_shape=(1, dataset.height // 4, dataset.width // 4))
    with rasterio.open(folder / "strips.tif") as source, rasterio.MemoryFile() as memory:
        cog_translate(source, memory.name, cog_profiles.get("deflate"), quiet=True, forward_band_tags=True)
        with memory.open() as dataset:
            found["in memory"] = dataset.read()
    found["strips: valid"] = np.array(cog_validate(folder / "strips.tif", quiet=True)[0])
    return found


def read(path: pathlib.Path) -> Any:
    """All pixels."""
    with rasterio.open(path) as dataset:
        return dataset.read()


def main() -> None:
    """Run one library's use."""
    package, library, place = sys.argv[1:]
    assert rasterio.__name__ == package, rasterio
    folder = pathlib.Path(place)
    mine = folder / f"{library}-{package}"
    mine.mkdir()
    warnings.simplefilter("ignore")
    found = {"rio-tiler": use_rio_tiler, "rioxarray": use_rioxarray, "rio-cogeo": use_rio_cogeo}[library](folder, mine)
    np.savez(folder / f"{library}-{package}.npz", **{name: np.asarray(value) for name, value in found.items()})


main()
