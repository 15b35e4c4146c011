#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Writes tests/unit/warp/grids_golden.h: output grids as Rasterio's calculate_default_transform suggests them.

Usage: make_warp_grids.py > tests/unit/warp/grids_golden.h

The cases are the product of the sources and destinations below, less those that Rasterio cannot do and those whose
grids are beyond reason (a side above 100000 pixels: projections far outside their domain, where the version of PROJ
decides).
"""
import sys

import rasterio
from rasterio.transform import from_bounds
from rasterio.warp import calculate_default_transform

# name, CRS, width, height, left, bottom, right, top
SOURCES = [
    ("Landsat scene", "EPSG:32618", 791, 718, 101985, 2611485, 339315, 2826915),
    ("UTM 33N", "EPSG:32633", 1000, 800, 300000, 5000000, 400000, 5080000),
    ("Europe, equal area", "EPSG:3035", 900, 900, 3000000, 2000000, 5000000, 4000000),
    ("north pole inside", "EPSG:3413", 600, 600, -3000000, -3000000, 3000000, 3000000),
    ("Greenland", "EPSG:3413", 500, 400, -500000, -1500000, 500000, -700000),
    ("south pole inside", "EPSG:3031", 600, 600, -3000000, -3000000, 3000000, 3000000),
    ("world", "EPSG:4326", 720, 360, -180, -90, 180, 90),
    ("world from 0 to 360", "EPSG:4326", 720, 360, 0, -90, 360, 90),
    ("Alps in degrees", "EPSG:4326", 300, 200, 10, 45, 13, 47),
    ("across the antimeridian", "EPSG:4326", 300, 200, 175, -20, 185, -12),
    ("web map", "EPSG:3857", 512, 512, -20037508.342789244, -20037508.342789244, 20037508.342789244,
     20037508.342789244),
    ("web map tile", "EPSG:3857", 256, 256, 1252344.271424327, 5635549.221409474, 1408887.3053523675, 5792092.255337515),
    ("Britain", "EPSG:27700", 500, 700, 200000, 100000, 500000, 520000),
    ("an old datum", "EPSG:26716", 500, 300, 300000, 4000000, 400000, 4060000),
    ("Switzerland", "EPSG:2056", 800, 500, 2550000, 1100000, 2750000, 1225000),
    ("America, equal area", "EPSG:5070", 1000, 600, -2000000, 500000, 2000000, 2900000),
]

DESTINATIONS = ["EPSG:4326", "EPSG:3857", "EPSG:32618", "EPSG:32633", "EPSG:3035", "EPSG:5070", "EPSG:3413",
                "EPSG:3031", "EPSG:6933", "ESRI:54030", "ESRI:54009", "EPSG:4267"]

LARGEST = 100000


def main():
    print("/* SPDX-License-Identifier: MIT\n * Copyright the nacre authors */\n")
    print(f"/* Made by tests/golden/make_warp_grids.py with Rasterio {rasterio.__version__}, GDAL "
          f"{rasterio.__gdal_version__}, PROJ {rasterio.__proj_version__}. */\n")
    print("static const golden_grid golden_grids[] = {")
    for name, crs, width, height, *bounds in SOURCES:
        transform = from_bounds(*bounds, width, height)
        for dst in DESTINATIONS:
            try:
                t, w, h = calculate_default_transform(crs, dst, width, height, *bounds)
            except Exception:  # no place there
                continue
            if not w or not h or max(w, h) > LARGEST:
                continue
            print(f'    {{"{name}", "{crs}", {width}, {height}, {{{transform.a!r}, 0, {transform.c!r}, 0, '
                  f'{transform.e!r}, {transform.f!r}}},\n     "{dst}", {w}, {h}, '
                  f'{{{t.a!r}, 0, {t.c!r}, 0, {t.e!r}, {t.f!r}}}}},')
    print("};")


if __name__ == "__main__":
    sys.exit(main())
