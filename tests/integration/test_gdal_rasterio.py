# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Rasterio's ordinary ways of use through the plugin, and those of what stands on it: threads, forks and exits too."""

from __future__ import annotations

import json
import pathlib
import subprocess
import time
from typing import Any

import numpy as np
import pytest
from conftest import Emulator, need
from gdal_hosts import Google, environment, mosaic, python_of, says
from test_contract import geotiff

HOSTS = ["rasterio", "rasterio-1.4", "rasterio-debian"]
START = "import numpy as np, rasterio, rasterio.shutil, nacre.gdal\nnacre.gdal.install()\n"


def noise(size: int = 1024, **profile: Any) -> tuple[bytes, np.ndarray]:
    """A tiled GeoTIFF that no codec shrinks."""
    import rasterio

    values = np.random.default_rng(5).integers(0, 255, (1, size, size), "uint8")
    options = {
        "driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "uint8", "tiled": True, "blockxsize": 128,
        "blockysize": 128, "crs": "EPSG:32633", "transform": rasterio.transform.from_origin(400000, 5300000, 10, 10), **profile,
    }  # fmt: skip
    with rasterio.MemoryFile() as memory:
        with memory.open(**options) as target:
            target.write(values)
        return memory.read(), values


@pytest.mark.parametrize("host", HOSTS)
def test_reads_are_those_of_a_local_file(gdal_store: Google, data: pathlib.Path, host: str) -> None:
    """Windows, overviews, masks, nodata, tags; under both spellings, and from a file object beside it."""
    names = ["RGB.byte.tif", "cogeo.tif", "cog_rgb_mask.tif", "cog_cmap.tif", "float_nan.tif", "RGB2.byte.tif", "red.tif"]
    for name in [*names, "RGB2.byte.tif.msk", "red.tif.ovr"]:
        gdal_store.put(name, (data / name).read_bytes())
    code = START + f"""
import hashlib
from rasterio.windows import Window
from rasterio.vrt import WarpedVRT
def told(path):
    out = []
    with rasterio.open(path) as d:
        out += [d.count, d.shape, str(d.crs), d.nodata, d.overviews(1), d.block_shapes, d.dtypes, str(d.mask_flag_enums), d.tags(1)]
        for kind in (dict(window=Window(10, 20, 130, 90)), dict(out_shape=(d.count, 60, 50)), dict(masked=True), dict(boundless=True, window=Window(-5, -5, 20, 20))):
            out.append(hashlib.md5(np.ma.filled(d.read(**kind), 0).tobytes()).hexdigest())
        out.append(hashlib.md5(d.read_masks().tobytes()).hexdigest())
        if d.crs:
            with WarpedVRT(d, crs="EPSG:4326") as view: out.append(hashlib.md5(view.read(1).tobytes()).hexdigest())
    return json.loads(json.dumps(out))
wrong = [n for n in {names!r} if not told(f"{{ROOT}}/{{n}}") == told(f"{{URL}}/{{n}}") == told(f"{data}/" + n)]
with open("{data}/RGB.byte.tif", "rb") as file: assert rasterio.open(file).read().any()
print(json.dumps([wrong, rasterio.shutil.exists(f"{{URL}}/red.tif"), rasterio.shutil.exists(f"{{URL}}/none.tif")]))
"""
    need(host)
    wrong, there, absent = says(code, gdal_store, host)
    assert wrong == [] and there and not absent


@pytest.mark.parametrize("host", HOSTS)
def test_writes_updates_copies_and_deletes(gdal_store: Google, tmp_path: pathlib.Path, host: str) -> None:
    need(host)
    code = START + """
profile = dict(driver="GTiff", width=600, height=500, count=2, dtype="uint16", crs="EPSG:32633", nodata=7,
               transform=rasterio.Affine(10, 0, 4e5, 0, -10, 5e6))
values = np.arange(600000, dtype="uint16").reshape(2, 500, 600)
with rasterio.open(f"{URL}/w/strips.tif", "w", **profile) as t: t.write(values)
with rasterio.open(f"{URL}/w/tiles.tif", "w", tiled=True, blockxsize=128, blockysize=128, compress="deflate", **profile) as t:
    for _, window in t.block_windows(1): t.write(values[:, window.row_off:window.row_off + window.height, window.col_off:window.col_off + window.width], window=window)
    t.update_tags(made="here"); t.write_mask(values[0] > 9)
with rasterio.open(f"{URL}/w/tiles.tif", "r+") as t:
    t.write(values[:, :10, :10] * 0 + 3, window=rasterio.windows.Window(0, 0, 10, 10)); t.update_tags(2, more="later")
rasterio.shutil.copy(f"{ROOT}/w/strips.tif", f"{ROOT}/w/copy.tif", driver="COG" if rasterio.__gdal_version__ > "3.1" else "GTiff")
rasterio.shutil.copyfiles(f"{ROOT}/w/strips.tif", f"{ROOT}/w/moved.tif")
rasterio.shutil.delete(f"{URL}/w/strips.tif")
nacre.gdal.check()
print(json.dumps([int(rasterio.open(f"{URL}/w/copy.tif").read(2)[3, 4]), rasterio.open(f"{URL}/w/tiles.tif").tags(2)]))
"""
    value, tags = says(code, gdal_store, host, is_loud=True)
    values = np.arange(600000, dtype="uint16").reshape(2, 500, 600)
    assert value == values[1, 3, 4] and tags == {"more": "later"}
    import rasterio

    for name in ("tiles", "copy", "moved"):
        (tmp_path / f"{name}.tif").write_bytes(gdal_store.get(f"w/{name}.tif"))
    if gdal_store.exists("w/tiles.tif.msk"):
        (tmp_path / "tiles.tif.msk").write_bytes(gdal_store.get("w/tiles.tif.msk"))
    assert (rasterio.open(tmp_path / "copy.tif").read() == values).all()
    assert (rasterio.open(tmp_path / "moved.tif").read() == values).all()
    expected = values.copy()
    expected[:, :10, :10] = 3
    with rasterio.open(tmp_path / "tiles.tif") as tiles:
        assert (tiles.read() == expected).all() and tiles.tags()["made"] == "here"
        assert ((tiles.dataset_mask() > 0) == (values[0] > 9)).all()
    assert not gdal_store.exists("w/strips.tif")


def test_rio_tiler_makes_tiles(gdal_store: Google, data: pathlib.Path) -> None:
    need("rio-tiler")
    gdal_store.put("cogeo.tif", (data / "cogeo.tif").read_bytes())
    code = START + f"""
import warnings; warnings.filterwarnings("ignore")
from rio_tiler.io import Reader
def tile(path):
    with Reader(path) as reader:
        x, y = reader.geographic_bounds if hasattr(reader, "geographic_bounds") else reader.get_geographic_bounds("epsg:4326"), 0
        t = reader.tms.tile((x[0] + x[2]) / 2, (x[1] + x[3]) / 2, reader.maxzoom)
        return reader.tile(t.x, t.y, t.z).data.tolist(), reader.preview(max_size=64).data.tolist(), reader.info().bounds
print(json.dumps(list(tile(f"{{URL}}/cogeo.tif")) == list(tile("{data}/cogeo.tif"))))
"""
    assert says(code, gdal_store)


def test_rioxarray_opens_lazily_and_writes(gdal_store: Google, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    need("rioxarray")
    gdal_store.put("RGB.byte.tif", (data / "RGB.byte.tif").read_bytes())
    code = START + f"""
import rioxarray
with rioxarray.open_rasterio(f"{{ROOT}}/RGB.byte.tif", masked=True) as there, rioxarray.open_rasterio("{data}/RGB.byte.tif", masked=True) as here:
    same = bool(there.isel(x=slice(100, 300)).identical(here.isel(x=slice(100, 300)))) or bool((there.fillna(0) == here.fillna(0)).all())
    there.rio.reproject("EPSG:3857").rio.to_raster(f"{{ROOT}}/out.tif")
nacre.gdal.check()
print(json.dumps(same))
"""
    assert says(code, gdal_store)
    import rasterio

    (tmp_path / "out.tif").write_bytes(gdal_store.get("out.tif"))
    with rasterio.open(tmp_path / "out.tif") as out:
        assert out.crs == "EPSG:3857" and out.read(1).any()


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_dask_reads_chunks(gdal_store: Google, tmp_path: pathlib.Path, scheduler: str) -> None:
    """rioxarray's lazy chunks, read by threads of this process, or by processes that dask starts: those import nacre.gdal
    and install it, as each process of a program must, or have it by `nacre gdal-env`."""
    need("rioxarray"), need("dask")
    data, values = noise(1024, compress="deflate")
    gdal_store.put("k.tif", data)
    script = START + f"""
if __name__ == "__main__":
    import dask, rioxarray
    before = nacre.gdal.stats()["requests"]
    with rioxarray.open_rasterio(f"{{ROOT}}/k.tif", chunks=dict(x=256, y=256), lock=False) as raster:
        assert raster.chunks and nacre.gdal.stats()["requests"] > before
        with dask.config.set(scheduler={scheduler!r}, num_workers=4):
            print(json.dumps([int(raster.astype("int64").sum()), int(raster[0, 300:700, 500:].astype("int64").sum())]))
"""
    path = tmp_path / "script.py"
    path.write_text(f"ROOT = {gdal_store.root!r}\nimport json, sys\n" + script)
    python = python_of("rasterio")
    env = environment(python, plugin=False, install=True, **gdal_store.options)
    done = subprocess.run([python, path], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [int(values.sum()), int(values[0, 300:700, 500:].sum())]


def test_open_sources_are_shared_by_gdal(gdal_store: Google) -> None:
    """The promises hold per open of the file: a VRT's source that is in GDAL's pool stays what was opened."""
    gdal_store.put("one.tif", geotiff(1))
    gdal_store.put("k.vrt", mosaic("one.tif", 512, 1))
    code = START + """
def put(value):
    print("put", value, flush=True); sys.stdin.readline()
first = rasterio.open(f"{ROOT}/k.vrt"); seen = [int(first.read(1).max())]
put(2)
with rasterio.open(f"{ROOT}/one.tif") as direct: seen.append(int(direct.read(1).max()))
second = rasterio.open(f"{ROOT}/k.vrt"); seen.append(int(second.read(1).max()))
first.close(); second.close()
with rasterio.open(f"{ROOT}/k.vrt") as third: seen.append(int(third.read(1).max()))
print(json.dumps(seen))
"""
    python = python_of("rasterio")
    head = f"ROOT = {gdal_store.root!r}\nimport json, sys\n"
    child = subprocess.Popen([python, "-c", head + code], env=environment(python, plugin=False, install=True, **gdal_store.options),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
    with child:
        for line in child.stdout:
            if not line.startswith("put"):
                seen = json.loads(line)
                break
            gdal_store.put("one.tif", geotiff(int(line.split()[1])))
            child.stdin.write("\n")
            child.stdin.flush()
    assert child.returncode == 0
    assert seen[:2] == [1, 2] and seen[2] in (1, 2) and seen[3] == 2


# --- Threads, forks, exits ---


def test_16_threads_over_many_files(gdal_store: Google, emulator: Emulator) -> None:
    data, values = noise()
    for number in range(8):
        gdal_store.put(f"{number}.tif", data)
    code = START + """
from concurrent.futures import ThreadPoolExecutor
def work(n):
    total = 0
    with rasterio.open(f"{ROOT}/{n % 8}.tif") as d:
        for _ in range(3):
            y = (n * 37) % 900
            total += int(d.read(1, window=rasterio.windows.Window(y, y, 100, 100)).sum())
    return total
with ThreadPoolExecutor(16) as pool: sums = list(pool.map(work, range(128)))
print(json.dumps(sums))
"""
    sums = says(code, gdal_store)
    where = [(n * 37) % 900 for n in range(128)]
    assert sums == [3 * int(values[0, y : y + 100, y : y + 100].sum()) for y in where]


def test_gdals_own_threads(gdal_store: Google) -> None:
    data, values = noise(compress="deflate")
    gdal_store.put("k.tif", data)
    code = START + """
with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"):
    with rasterio.open(f"{ROOT}/k.tif", num_threads="ALL_CPUS") as d: total = int(d.read(1).sum())
    with rasterio.open(f"{ROOT}/k.tif") as d, rasterio.vrt.WarpedVRT(d, crs="EPSG:3857", num_threads=4) as v: some = bool(v.read(1).any())
    profile = dict(driver="GTiff", width=1024, height=1024, count=1, dtype="uint8", tiled=True, compress="deflate", num_threads="ALL_CPUS")
    with rasterio.open(f"{ROOT}/out.tif", "w", **profile) as t: t.write(np.full((1, 1024, 1024), 9, "uint8"))
    with rasterio.open(f"{ROOT}/out.tif") as d: back = int(d.read(1).min())
nacre.gdal.check()
print(json.dumps([total, some, back]))
"""
    assert says("import rasterio.vrt\n" + code, gdal_store) == [int(values.sum()), True, 9]


def test_options_of_a_path_reach_gdals_own_threads(gdal_store: Google, tmp_path: pathlib.Path) -> None:
    """Those of the thread that reads do not: what the others open is asked of whom the environment names, 127.0.0.1:1.
    A VRT is read by several threads from a million pixels on."""
    data, values = noise(128)
    part = (
        '<SimpleSource><SourceFilename>{0}/{1}.tif</SourceFilename><SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" '
        'xSize="128" ySize="128"/><DstRect xOff="{2}" yOff="{3}" xSize="128" ySize="128"/></SimpleSource>'
    )
    for number in range(64):
        gdal_store.put(f"{number}.tif", data)
    parts = "".join(part.format(gdal_store.root, n, n % 8 * 128, n // 8 * 128) for n in range(64))
    text = f'<VRTDataset rasterXSize="1024" rasterYSize="1024"><VRTRasterBand dataType="Byte" band="1">{parts}</VRTRasterBand></VRTDataset>'
    (tmp_path / "all.vrt").write_text(text)
    endpoint = gdal_store.options["CPL_GS_ENDPOINT"]
    code = START + f"""
import threading, warnings; warnings.filterwarnings("ignore")
told = []
def read():
    try:
        with rasterio.Env(CPL_GS_ENDPOINT={endpoint!r}), rasterio.open({str(tmp_path / "all.vrt")!r}) as d: told.append(int(d.read(1).sum()))
    except rasterio.errors.RasterioIOError as error:
        while error: told.append(str(error)); error = error.__cause__
thread = threading.Thread(target=read)
thread.start(); thread.join()
print(json.dumps(told))
"""
    away = {"CPL_GS_ENDPOINT": "http://127.0.0.1:1/", "NACRE_HTTP_RETRIES": "0", "GDAL_NUM_THREADS": "4"}
    told = says(code, gdal_store, is_loud=True, **away)
    assert any("cannot connect to 127.0.0.1:1" in str(text) for text in told), told
    options = tmp_path / "gdalrc"
    options.write_text(f"[credentials]\n[.bucket]\npath={gdal_store.root}\nCPL_GS_ENDPOINT={endpoint}\n")
    told = says(code, gdal_store, is_loud=True, GDAL_CONFIG_FILE=str(options), **away)
    assert told == [64 * int(values.sum())]


@pytest.mark.parametrize("driver", ["GTiff", "COG"])
def test_a_vrt_over_100_sources(gdal_store: Google, emulator: Emulator, driver: str) -> None:
    """Few requests: at most two a source, those of sidecars too."""
    data = geotiff(4, 128, driver=driver)
    part = (
        '<SimpleSource><SourceFilename relativeToVRT="1">{0}.tif</SourceFilename><SourceBand>1</SourceBand>'
        '<SrcRect xOff="0" yOff="0" xSize="128" ySize="128"/><DstRect xOff="{1}" yOff="{2}" xSize="128" ySize="128"/></SimpleSource>'
    )
    for number in range(100):
        gdal_store.put(f"s/{number}.tif", data)
    parts = "".join(part.format(n, n % 10 * 128, n // 10 * 128) for n in range(100))
    text = f'<VRTDataset rasterXSize="1280" rasterYSize="1280"><VRTRasterBand dataType="Byte" band="1">{parts}</VRTRasterBand></VRTDataset>'
    gdal_store.put("s/all.vrt", text.encode())
    emulator.take_log()
    code = START + 'with rasterio.open(f"{ROOT}/s/all.vrt") as d: print(json.dumps(sorted(set(d.read(1).ravel().tolist()))))'
    assert says(code, gdal_store, GS_NO_SIGN_REQUEST="NO", NACRE_GS_ACCESS_TOKEN="any") == [4]
    log = emulator.take_log()
    assert len(log) <= {"GTiff": 2, "COG": 1}[driver] * 100 + 5, json.dumps(log[:40])


def test_small_files_of_a_folder_take_one_request_each(gdal_store: Google, emulator: Emulator) -> None:
    """Once two were read whole, an open brings all of the next; it is still the open that proves the version."""
    data, values = noise(256, driver="COG", tiled=None)
    for number in range(20):
        gdal_store.put(f"s/{number}.tif", data)
    emulator.take_log()
    code = START + """
def read(n):
    with rasterio.open(f"{ROOT}/s/{n}.tif") as d: return int(d.read(1).sum())
sums = [read(n) for n in range(20)]
print("put", flush=True); sys.stdin.readline()
print(json.dumps([sums, [read(n) for n in (19, 7)]]))
"""
    options = {**gdal_store.options, "GS_NO_SIGN_REQUEST": "NO", "NACRE_GS_ACCESS_TOKEN": "any"}
    env = environment(python_of("rasterio"), plugin=False, install=True, **options)
    head = f"ROOT = {gdal_store.root!r}\nimport json, sys\n"
    child = subprocess.Popen([python_of("rasterio"), "-c", head + code], env=env, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)  # fmt: skip
    with child:
        assert child.stdout.readline() == "put\n"
        log = emulator.take_log()
        gdal_store.put("s/19.tif", geotiff(7, 256))
        child.stdin.write("\n")
        child.stdin.flush()
        sums, (overwritten, same) = json.loads(child.stdout.readline())
    whole = int(values[0].sum())
    assert sums == [whole] * 20 and same == whole and overwritten == 7 * 256 * 256
    assert len(data) > 60000 and len(log) == 20 + 2, json.dumps(log)


FORK = START + """
import multiprocessing
def work(n):
    with rasterio.open(f"{ROOT}/k.tif") as d: return int(d.read(1, window=rasterio.windows.Window(0, n, 64, 64)).sum())
before = work(0)
with multiprocessing.get_context("fork").Pool(4) as pool: sums = pool.map(work, range(24))
print(json.dumps([before, sums, work(0)]))
"""


@pytest.mark.parametrize("host", HOSTS)
def test_a_pool_of_forks(gdal_store: Google, host: str) -> None:
    need(host)
    data, values = noise(256)
    gdal_store.put("k.tif", data)
    before, sums, after = says(FORK, gdal_store, host, is_loud=True)  # Python warns of forks beside threads
    assert sums == [int(values[0, n : n + 64, :64].sum()) for n in range(24)] and before == after == sums[0]


@pytest.mark.parametrize("host", [HOSTS[0], *(pytest.param(host, marks=pytest.mark.slow) for host in HOSTS[1:])])
@pytest.mark.parametrize("end", ["pass", "sys.exit(3)", "raise KeyError", "import os; os._exit(4)", "import threading, time; threading.Thread(target=busy, daemon=True).start(); time.sleep(0.2)"])  # fmt: skip
def test_an_interpreter_ends_with_datasets_open(gdal_store: Google, host: str, end: str) -> None:
    need(host)
    data, _ = noise()
    gdal_store.put("k.tif", data)
    code = START + f"""
opened = [rasterio.open(f"{{ROOT}}/k.tif") for _ in range(4)]
opened[0].read(1)
def busy():
    while True:
        with rasterio.open(f"{{ROOT}}/k.tif") as d: d.read(1)
print("read", flush=True)
{end}
"""
    python = python_of(host)
    env = environment(python, plugin=False, install=True, **gdal_store.options)
    head = f"ROOT = {gdal_store.root!r}\nimport json, sys\n"
    began = time.monotonic()
    done = subprocess.run([python, "-c", head + code], env=env, capture_output=True, text=True, timeout=60)
    wanted = {"sys.exit(3)": 3, "raise KeyError": 1, "import os; os._exit(4)": 4}.get(end, 0)
    assert done.stdout == "read\n" and done.returncode == wanted, done
    assert "Error" not in done.stderr.replace("KeyError", ""), done.stderr
    assert time.monotonic() - began < 50
