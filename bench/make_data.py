# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Makes every scene that a benchmark uses, seeded, into a folder: `python bench/make_data.py FOLDER`.

The COGs are written by GDAL's COG driver, so that no side reads what it wrote itself.
"""

import pathlib
import sys

import rasterio
import rasterio.shutil

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


if __name__ == "__main__":
    place = pathlib.Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    print(rgb_cog(place))
