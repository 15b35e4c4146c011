# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""GDAL's programs as people use them, on a bucket through the plugin: the same as on local files, and seen by others."""

from __future__ import annotations

import json
import pathlib
import re
import sqlite3
import subprocess
from typing import Any

import pytest
from conftest import need
from gdal_hosts import Google, run_program
from test_contract import geotiff

pytestmark = pytest.mark.sanitized

POINTS = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "properties": {"n": n}, "geometry": {"type": "Point", "coordinates": [n, 50 + n / 10]}}
        for n in range(40)
    ],
}


def well(done: subprocess.CompletedProcess[str]) -> str:
    """It ended well and in silence; its standard output."""
    assert (done.returncode, done.stderr) == (0, ""), f"{done.args}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def facts(store: Google, path: Any, **more: str) -> dict[str, Any]:
    """What gdalinfo says of a raster, pixels too, but for its names."""
    told = json.loads(well(run_program(store, "gdalinfo", "-json", "-checksum", path, GDAL_PAM_ENABLED="YES", **more)))
    told.pop("description"), told.pop("files", None), told.get("metadata", {}).pop("DERIVED_SUBDATASETS", None)
    return told


def local_copy(store: Google, key: str, folder: pathlib.Path) -> pathlib.Path:
    """An object as another client sees it, as a file, with what GDAL wrote beside it."""
    path = folder / pathlib.Path(key).name
    path.write_bytes(store.get(key))
    if store.exists(f"{key}.aux.xml"):
        path.with_name(f"{path.name}.aux.xml").write_bytes(store.get(f"{key}.aux.xml"))
    return path


@pytest.mark.parametrize("name", ["RGB.byte.tif", "cogeo.tif", "float_nan.tif", "cog_gcps.tif", "cog_cmap.tif", "alpha.tif"])
def test_gdalinfo_says_the_same_as_of_a_file(gdal_store: Google, data: pathlib.Path, name: str) -> None:
    gdal_store.put(f"d/{name}", (data / name).read_bytes())
    assert facts(gdal_store, f"{gdal_store.root}/d/{name}") == facts(gdal_store, data / name)


@pytest.mark.parametrize(("name", "beside"), [("RGB2.byte.tif", ".msk"), ("red.tif", ".ovr")])
@pytest.mark.parametrize("readdir", [None, "FALSE", "TRUE", "EMPTY_DIR"])
def test_sidecars_are_found_as_the_option_says(
    gdal_store: Google, data: pathlib.Path, name: str, beside: str, readdir: str | None
) -> None:
    for end in ("", beside):
        gdal_store.put(f"d/{name}{end}", (data / f"{name}{end}").read_bytes())
    more = {"GDAL_DISABLE_READDIR_ON_OPEN": readdir} if readdir else {}
    here = facts(gdal_store, data / name, **more)
    assert facts(gdal_store, f"{gdal_store.root}/d/{name}", **more) == here
    band = here["bands"][0]
    assert ("mask" in band or "overviews" in band) == (readdir != "EMPTY_DIR" or "PER_DATASET" in str(band.get("mask", "")))


def test_sidecars_that_come_later_are_seen_by_the_next_program(gdal_store: Google, data: pathlib.Path) -> None:
    gdal_store.put("d/red.tif", (data / "red.tif").read_bytes())
    path = f"{gdal_store.root}/d/red.tif"
    assert "overviews" not in facts(gdal_store, path)["bands"][0]
    gdal_store.put("d/red.tif.ovr", (data / "red.tif.ovr").read_bytes())
    assert "overviews" in facts(gdal_store, path)["bands"][0]


@pytest.mark.parametrize("words", [[], ["-of", "COG"], ["-co", "TILED=YES", "-co", "COMPRESS=DEFLATE"], ["-of", "PNG"]])
def test_gdal_translate_writes_into_the_bucket(
    gdal_store: Google, data: pathlib.Path, tmp_path: pathlib.Path, words: list[str]
) -> None:
    well(run_program(gdal_store, "gdal_translate", "-q", *words, data / "RGB.byte.tif", f"{gdal_store.root}/out/t.tif"))
    well(run_program(gdal_store, "gdal_translate", "-q", *words, data / "RGB.byte.tif", tmp_path / "here.tif"))
    there = facts(gdal_store, local_copy(gdal_store, "out/t.tif", tmp_path))
    assert there == facts(gdal_store, tmp_path / "here.tif") == facts(gdal_store, f"{gdal_store.root}/out/t.tif")


def test_gdalwarp_reads_and_writes_the_bucket_and_overwrites(
    gdal_store: Google, data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    gdal_store.put("in.tif", (data / "RGB.byte.tif").read_bytes())
    gdal_store.put("out.tif", geotiff(7))
    words = ["gdalwarp", "-q", "-overwrite", "-t_srs", "EPSG:3857", "-r", "bilinear"]
    well(run_program(gdal_store, *words, f"{gdal_store.root}/in.tif", f"{gdal_store.root}/out.tif"))
    well(run_program(gdal_store, *words, data / "RGB.byte.tif", tmp_path / "here.tif"))
    assert facts(gdal_store, local_copy(gdal_store, "out.tif", tmp_path)) == facts(gdal_store, tmp_path / "here.tif")


def test_gdalwarp_into_what_is_there_changes_it(gdal_store: Google, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Without -overwrite: a read, a change and a write of the whole."""
    words = ["gdalwarp", "-q"]
    for path in (f"{gdal_store.root}/out.tif", tmp_path / "here.tif"):
        well(run_program(gdal_store, "gdal_translate", "-q", "-scale", "0", "255", "9", "9", data / "RGB.byte.tif", path))
        well(run_program(gdal_store, *words, "-srcnodata", "0", data / "RGB.byte.tif", path))
    there = facts(gdal_store, local_copy(gdal_store, "out.tif", tmp_path))
    assert there == facts(gdal_store, tmp_path / "here.tif")


def test_gdalbuildvrt_and_gdaladdo(gdal_store: Google, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for name in ("rgb1.tif", "rgb2.tif"):
        gdal_store.put(f"m/{name}", (data / name).read_bytes())
    sources = [f"{gdal_store.root}/m/{name}" for name in ("rgb1.tif", "rgb2.tif")]
    well(run_program(gdal_store, "gdalbuildvrt", "-q", f"{gdal_store.root}/m/all.vrt", *sources))
    well(run_program(gdal_store, "gdalbuildvrt", "-q", tmp_path / "all.vrt", data / "rgb1.tif", data / "rgb2.tif"))
    there, here = (facts(gdal_store, path) for path in (f"{gdal_store.root}/m/all.vrt", tmp_path / "all.vrt"))
    assert [band["checksum"] for band in there["bands"]] == [band["checksum"] for band in here["bands"]]
    assert there["size"] == here["size"]
    gdal_store.put("plain.tif", geotiff(3, 1024))
    well(run_program(gdal_store, "gdaladdo", "-q", f"{gdal_store.root}/plain.tif", "2", "4"))
    overviews = facts(gdal_store, local_copy(gdal_store, "plain.tif", tmp_path))["bands"][0]["overviews"]
    assert [overview["size"] for overview in overviews] == [[512, 512], [256, 256]]


def test_ogr2ogr_reads_and_writes_geojson_and_flatgeobuf(gdal_store: Google, tmp_path: pathlib.Path) -> None:
    gdal_store.put("v/points.geojson", json.dumps(POINTS).encode())
    root = gdal_store.root
    well(run_program(gdal_store, "ogr2ogr", f"{root}/v/points.fgb", f"{root}/v/points.geojson"))
    well(run_program(gdal_store, "ogr2ogr", "-where", "n >= 30", f"{root}/v/back.geojson", f"{root}/v/points.fgb"))
    back = json.loads(gdal_store.get("v/back.geojson"))
    assert sorted(feature["properties"]["n"] for feature in back["features"]) == list(range(30, 40))
    told = well(run_program(gdal_store, "ogrinfo", "-so", "-al", f"{root}/v/points.fgb", "-spat", "0", "50", "3", "51"))
    assert "Feature Count: 4" in told
    points = json.dumps({**POINTS, "features": POINTS["features"][:5]}).encode()
    gdal_store.put("v/points.geojson", points)  # by another client
    assert "Feature Count: 5" in well(run_program(gdal_store, "ogrinfo", "-so", "-al", f"{root}/v/points.geojson"))


def test_ogr2ogr_reads_geopackage(gdal_store: Google, tmp_path: pathlib.Path) -> None:
    (tmp_path / "points.geojson").write_text(json.dumps(POINTS))
    well(run_program(gdal_store, "ogr2ogr", tmp_path / "points.gpkg", tmp_path / "points.geojson", "-nln", "points"))
    assert sqlite3.connect(tmp_path / "points.gpkg").execute("select count(*) from points").fetchone() == (40,)
    gdal_store.put("v/points.gpkg", (tmp_path / "points.gpkg").read_bytes())
    out = well(run_program(gdal_store, "ogr2ogr", "-f", "GeoJSON", "/vsistdout/", f"{gdal_store.root}/v/points.gpkg", "points"))
    assert len(json.loads(out)["features"]) == 40


def test_inside_an_archive(gdal_store: Google, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """GDAL's own /vsizip/ over a bucket."""
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(data / "RGB.byte.tif", "in/RGB.byte.tif")
    gdal_store.put("a.zip", (tmp_path / "a.zip").read_bytes())
    there = facts(gdal_store, f"/vsizip/{gdal_store.root}/a.zip/in/RGB.byte.tif")
    assert there == facts(gdal_store, data / "RGB.byte.tif")


def test_what_is_not_there_is_said_once(gdal_store: Google) -> None:
    done = run_program(gdal_store, "gdalinfo", f"{gdal_store.root}/none.tif")
    assert done.returncode == 1
    assert len(re.findall("none.tif", done.stderr)) == 2, done.stderr  # once by GDAL, once by the program
    assert "No such file" in done.stderr


def test_what_is_denied_says_so_once(gdal_store: Google) -> None:
    gdal_store.put("k.tif", geotiff(1))
    gdal_store.refuse(True)
    done = run_program(gdal_store, "gdalinfo", f"{gdal_store.root}/k.tif")
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR") and "k.tif: " in line]
    assert done.returncode == 1 and len(lines) == 1, done.stderr
    assert "401" in lines[0] or "403" in lines[0] or "denied" in lines[0].lower()


@pytest.mark.parametrize("words", [["gdalinfo"], ["gdaladdo", "-ro"], ["gdal_translate", "-q", "IN", "out.tif"], ["gdalwarp", "-q", "IN", "out.tif"]])
def test_a_store_that_is_away_is_told_of_once(gdal_store: Google, tmp_path: pathlib.Path, words: list[str]) -> None:
    """GDAL stats what it could not open."""
    path = f"{gdal_store.root}/k.tif"
    command = [{"IN": path, "out.tif": tmp_path / "out.tif"}.get(word, word) for word in words]
    command += [] if "IN" in words else [path]
    done = run_program(gdal_store, *command, CPL_GS_ENDPOINT="http://127.0.0.1:1/", NACRE_HTTP_RETRIES="0")
    assert done.returncode != 0 and done.stderr.count(f"{path}: cannot connect to 127.0.0.1:1") == 1, done.stderr


PYTHON = """
import json, os, sys
from osgeo import gdal
gdal.UseExceptions()
root = sys.argv[1]
local = root.split("/", 2)[2]
def tried(work):
    try: return work()
    except RuntimeError as error: return str(error)
def names(folder): return sorted(gdal.ReadDir(folder) or [])
"""


def osgeo(store: Google, code: str, folder: pathlib.Path) -> Any:
    """What code of GDAL's own Python bindings prints, as JSON."""
    need("gdal")
    script = folder / "script.py"
    script.write_text(PYTHON + code)
    return json.loads(well(run_program(store, "/usr/bin/python3", script, store.root)).splitlines()[-1])


def test_folders_and_names(gdal_store: Google, tmp_path: pathlib.Path) -> None:
    for key in ("a/one.bin", "a/b/two.bin", "a b/#?%41.bin", "top.bin"):
        gdal_store.put(key, key.encode())
    told = osgeo(gdal_store, """
def stat(name):
    info = gdal.VSIStatL(f"{root}/{name}")
    return info and [bool(info.IsDirectory()), info.size]
print(json.dumps({"top": names(root), "a": names(f"{root}/a"), "slash": names(f"{root}/a/"), "odd": names(f"{root}/a b"),
    "all": sorted(gdal.ReadDirRecursive(root)), "none": names(f"{root}/none"),
    "stat": [stat(n) for n in ("top.bin", "a", "a/", "a/b", "a b/#?%41.bin", "none", "to", "")]}))
""", tmp_path)  # fmt: skip
    assert told["top"] == ["a", "a b", "top.bin"] and told["a"] == told["slash"] == ["b", "one.bin"]
    assert told["odd"] == ["#?%41.bin"] and told["none"] == []
    assert told["all"] == ["a b/", "a b/#?%41.bin", "a/", "a/b/", "a/b/two.bin", "a/one.bin", "top.bin"]
    assert told["stat"] == [[False, 7], [True, 0], [True, 0], [True, 0], [False, 13], None, None, [True, 0]]


def test_renames_deletes_and_folders_of_ones_own(gdal_store: Google, tmp_path: pathlib.Path) -> None:
    """Local files of the same names stay, in the current directory and below it."""
    for key in ("k.bin", "r.bin"):
        gdal_store.put(key, b"0123456789")
    told = osgeo(gdal_store, """
os.makedirs(local)
os.chdir(os.path.dirname(local) or ".")
for name in ("k.bin", "r.bin", "t.bin"):
    open(os.path.join(os.path.basename(local), name), "w").write("mine")
results = {
    "unlink": tried(lambda: gdal.Unlink(f"{root}/k.bin")), "again": tried(lambda: gdal.Unlink(f"{root}/k.bin")),
    "rename": tried(lambda: gdal.Rename(f"{root}/r.bin", f"{root}/t.bin")),
    "mkdir": tried(lambda: gdal.Mkdir(f"{root}/new", 0o755)), "stat": gdal.VSIStatL(f"{root}/t.bin").size,
    "rmdir": tried(lambda: gdal.Rmdir(f"{root}/new")), "gone": gdal.VSIStatL(f"{root}/r.bin") is None,
    "local": sorted(open(os.path.join(os.path.basename(local), name)).read() for name in os.listdir(os.path.basename(local))),
}
print(json.dumps(results))
""".replace("os.makedirs(local)", f"os.chdir({str(tmp_path)!r}); os.makedirs(local)").replace('os.chdir(os.path.dirname(local) or ".")', ""), tmp_path)  # fmt: skip
    assert told["unlink"] == 0 and told["again"] != 0 and told["rename"] == 0 and told["stat"] == 10 and told["gone"]
    assert told["mkdir"] == 0 and told["rmdir"] == 0 and told["local"] == ["mine"] * 3
    assert not gdal_store.exists("k.bin") and not gdal_store.exists("r.bin") and gdal_store.get("t.bin") == b"0123456789"


def test_streams_append_seek_and_truncate(gdal_store: Google, tmp_path: pathlib.Path) -> None:
    """What formats do to the files that they write."""
    gdal_store.put("a.bin", b"0123456789")
    told = osgeo(gdal_store, """
def write(name, mode, *steps):
    f = gdal.VSIFOpenL(f"{root}/{name}", mode)
    for step in steps:
        if isinstance(step, bytes): gdal.VSIFWriteL(step, 1, len(step), f)
        elif isinstance(step, int): gdal.VSIFSeekL(f, step, 0)
        else: gdal.VSIFTruncateL(f, step[0])
    return gdal.VSIFCloseL(f)
print(json.dumps([write("new.bin", "wb", b"abc", b"def", 1, b"X"), write("a.bin", "rb+", 3, b"--"), write("a.bin", "ab", b"!"),
    write("short.bin", "wb+", b"abcdef", (2,)), write("empty.bin", "wb"), write("big.bin", "wb", *[b"x" * 1000000] * 20)]))
""", tmp_path)
    assert told == [0] * 6
    assert gdal_store.get("new.bin") == b"aXcdef" and gdal_store.get("a.bin") == b"012--56789!"
    assert gdal_store.get("short.bin") == b"ab" and gdal_store.get("empty.bin") == b""
    assert gdal_store.get("big.bin") == b"x" * 20000000


def test_options_of_a_path_come_first(gdal_store: Google, tmp_path: pathlib.Path) -> None:
    """They hold in every thread; what is set in one thread does not reach GDAL's others."""
    gdal_store.put("k.tif", geotiff(1))
    endpoint = gdal_store.options["CPL_GS_ENDPOINT"]
    wrong = Google.__new__(Google)
    wrong.options = {**gdal_store.options, "CPL_GS_ENDPOINT": "http://127.0.0.1:1/", "NACRE_HTTP_RETRIES": "0"}
    wrong.root = gdal_store.root
    told = osgeo(wrong, f"""
gdal.PushErrorHandler("CPLQuietErrorHandler")
def size(): return tried(lambda: gdal.Open(f"{{root}}/k.tif").RasterXSize)
seen = [size()]
gdal.SetPathSpecificOption(root, "CPL_GS_ENDPOINT", {endpoint!r})
seen.append(size())
gdal.ClearPathSpecificOptions()
seen.append(size())
gdal.SetThreadLocalConfigOption("CPL_GS_ENDPOINT", {endpoint!r})
seen.append(size())
print(json.dumps(seen))
""", tmp_path)
    assert told[1] == told[3] == 512 and isinstance(told[0], str) and isinstance(told[2], str)


@pytest.mark.parametrize("end", ["pass", "sys.exit(0)", "os._exit(0)"])
def test_an_interpreter_ends_with_datasets_open(gdal_store: Google, tmp_path: pathlib.Path, end: str) -> None:
    """One of them is being written; threads have read."""
    gdal_store.put("k.tif", geotiff(1, 512))
    told = osgeo(gdal_store, f"""
import threading
def read(): gdal.Open(f"{{root}}/k.tif").ReadAsArray()
opened = [gdal.Open(f"{{root}}/k.tif") for _ in range(4)]
written = gdal.GetDriverByName("GTiff").Create(f"{{root}}/new.tif", 64, 64)
threads = [threading.Thread(target=read) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(opened[0].ReadAsArray() is not None), flush=True)
{end}
""", tmp_path)
    assert told is True
