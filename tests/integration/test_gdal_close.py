# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Which program tells that the upload at close has failed: the table in docs/guide/gdal.md. nacre says it always."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import pytest
from conftest import ROOT, Emulator, need
from gdal_hosts import Google, run_program, says
from test_contract import geotiff

POINT = {"type": "Feature", "properties": {"n": 1}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
# The upload's session can be opened; what is sent afterwards fails.
AT_CLOSE = [{"kind": "500", "every": 1, "method": "PUT"}, {"kind": "500", "every": 1, "method": "POST", "skip": 1}]
FROM_THE_START = [{"kind": "500", "every": 1, "method": method} for method in ("PUT", "POST")]

# In words of the page; SRC is a local raster, FEATURES a local file of features, OLD an object that is there.
PROGRAMS = {
    "`gdal_translate`, `-of COG` too": [["gdal_translate", "SRC", "NEW.tif"], ["gdal_translate", "-of", "COG", "SRC", "NEW.tif"]],
    "`gdal_translate -of PNG`": [["gdal_translate", "-of", "PNG", "SRC", "NEW.png"]],
    "`gdal_translate -of VRT`, `gdalbuildvrt`": [["gdal_translate", "-of", "VRT", "SRC", "NEW.vrt"], ["gdalbuildvrt", "NEW.vrt", "SRC"]],
    "`gdalwarp`": [["gdalwarp", "-t_srs", "EPSG:3857", "SRC", "NEW.tif"]],
    "`gdaladdo`": [["gdaladdo", "OLD", "2"]],
    "`gdal_edit.py`": [["gdal_edit.py", "-mo", "A=B", "OLD"]],
    "`ogr2ogr` to GeoJSON, FlatGeobuf": [["ogr2ogr", "NEW.geojson", "FEATURES"], ["ogr2ogr", "NEW.fgb", "FEATURES"]],
}  # fmt: skip
RASTERIO = {
    '`rasterio.open(..., "w")`, GTiff': """
with rasterio.open(f"{ROOT}/new.tif", "w", driver="GTiff", width=9, height=9, count=1, dtype="uint8") as target:
    target.write(np.ones((1, 9, 9), "uint8"))
""",
    "`rasterio.shutil.copy` to GTiff, COG": 'rasterio.shutil.copy(SRC, f"{ROOT}/new.tif", driver="COG")',
    "`rasterio.shutil.copy` to VRT": 'rasterio.shutil.copy(SRC, f"{ROOT}/new.vrt", driver="VRT")',
}


def table() -> dict[str, list[str]]:
    """The page's table: program -> [what it does at close, what it does at the start]."""
    page = (ROOT / "docs/guide/gdal.md").read_text().split("## Which program tells")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", page, re.M)]
    return {row[0]: row[1:] for row in rows[2:]}


def test_the_page_lists_what_is_held_here() -> None:
    assert list(table()) == [*PROGRAMS, *RASTERIO]


@pytest.mark.parametrize("row", PROGRAMS)
@pytest.mark.parametrize(("column", "faults"), [(0, AT_CLOSE), (1, FROM_THE_START)], ids=["at close", "from the start"])
def test_what_gdals_programs_notice(
    gdal_store: Google, emulator: Emulator, data: pathlib.Path, tmp_path: pathlib.Path, row: str, column: int, faults: list
) -> None:
    (tmp_path / "p.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [POINT]}))
    old = geotiff(1, 256)
    for words in PROGRAMS[row]:
        gdal_store.put("old.tif", old)
        named = {"SRC": data / "byte.tif", "OLD": f"{gdal_store.root}/old.tif", "FEATURES": tmp_path / "p.geojson"}
        command = [named.get(word, re.sub(r"^NEW", f"{gdal_store.root}/new", word)) for word in words]
        emulator.set_faults(*faults)
        done = run_program(gdal_store, *command, NACRE_HTTP_RETRIES="0")
        emulator.set_faults()
        assert table()[row][column] == f"exit status {done.returncode}", (words, done.stderr)
        assert done.stderr.count("the server failed (500)") == 1, done.stderr  # whatever the program does
        assert not any(gdal_store.exists(f"new.{end}") for end in ("tif", "png", "vrt", "geojson", "fgb"))
        assert gdal_store.get("old.tif") == old


@pytest.mark.parametrize("row", RASTERIO)
@pytest.mark.parametrize("host", ["rasterio", "rasterio-1.4", "rasterio-debian"])
def test_what_rasterio_notices(gdal_store: Google, emulator: Emulator, data: pathlib.Path, row: str, host: str) -> None:
    need(host)
    code = f"""
import logging; logging.disable(logging.CRITICAL)
import numpy as np, rasterio, rasterio.shutil, nacre.gdal
SRC = {str(data / "byte.tif")!r}
nacre.gdal.install()
try:
    exec({RASTERIO[row]!r})
    told = "nothing"
except Exception as error: told = "raises"
try:
    nacre.gdal.check()
    checked = ""
except nacre.errors.RasterioIOError as error: checked = str(error)
print(json.dumps([told, checked]))
"""
    seen: list[Any] = []
    for faults in (AT_CLOSE, FROM_THE_START):
        emulator.set_faults(*faults)
        told, checked = says(code, gdal_store, host, is_loud=True, NACRE_HTTP_RETRIES="0")
        emulator.set_faults()
        assert told == "raises" or "the server failed (500)" in checked, checked
        assert "the server failed (500)" in checked or faults is FROM_THE_START
        seen.append(told)
    assert seen == table()[row]
