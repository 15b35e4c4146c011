# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""nacre.gdal: installing, uninstalling, what close lost, rasterio.cache; in processes of their own."""

from __future__ import annotations

import json
import subprocess

import pytest
from conftest import Emulator, need, need_newest_rasterio
from gdal_hosts import Google, environment, python_of, says
from test_contract import geotiff


@pytest.fixture
def store(gdal_store: Google) -> Google:
    """With an object of ones."""
    gdal_store.put("one.tif", geotiff(1))
    return gdal_store


HOSTS = ["rasterio", "rasterio-1.4", "rasterio-debian"]


def test_importing_it_imports_no_rasterio() -> None:
    assert says("import nacre.gdal; print(json.dumps([n for n in sys.modules if n.startswith(('rasterio', 'osgeo'))]))") == []


def test_without_gdal_it_says_what_to_import_first() -> None:
    code = """
import nacre.gdal
try: nacre.gdal.install()
except RuntimeError as error: first = str(error)
nacre.gdal.uninstall(); nacre.gdal.check()
import rasterio
nacre.gdal.install()
print(json.dumps([first, nacre.gdal.report()["hosts"][0]["gdal"] == rasterio.__gdal_version__]))
"""
    need("rasterio")
    told, is_there = says(code)
    assert told == "no GDAL is loaded in this process: import rasterio (or osgeo.gdal) first" and is_there


def test_what_cannot_be_asked_for_is_refused_and_installs_nothing() -> None:
    need("rasterio")
    code = """
import rasterio, nacre.gdal
told = []
for arguments in ({"prefixes": "/vsimem/"}, {"prefixes": ["/vsigs/", "x"]}, {"cache": "sometimes"}):
    try: nacre.gdal.install(**arguments)
    except ValueError as error: told.append(str(error))
print(json.dumps([told, [host["prefixes"] for host in nacre.gdal.report()["hosts"]]]))
"""
    told, prefixes = says(code)
    assert len(told) == 3 and "/vsimem/" in told[0] and "sometimes" in told[2]
    assert not any(prefixes)


@pytest.mark.parametrize("host", HOSTS)
def test_the_report_tells_what_is_where(host: str) -> None:
    code = """
import rasterio, nacre.gdal
nacre.gdal.install("/vsigs/,/vsiaz/")
one = nacre.gdal.report()
nacre.gdal.install()
print(json.dumps([one, nacre.gdal.report(), rasterio.__gdal_version__]))
"""
    need(host)
    first, then, version = says(code, host=host)
    assert first["schema"] == 1 and first["version"] and [found["gdal"] for found in first["hosts"]] == [version]
    assert "libgdal" in first["hosts"][0]["library"] and isinstance(first["hosts"][0]["missing"], list)
    assert first["hosts"][0]["prefixes"] == ["/vsigs/", "/vsiaz/"]
    assert then["hosts"][0]["prefixes"] == ["/vsigs/", "/vsis3/", "/vsiaz/", "/vsicurl/"]


@pytest.mark.parametrize("host", HOSTS)
def test_uninstalled_it_is_as_before(store: Google, host: str) -> None:
    """And a dataset that was opened goes on. Where a GDAL cannot undo it, that is an error which names it."""
    need(host)
    code = """
import rasterio, nacre.gdal
nacre.gdal.install()
before = nacre.gdal.stats()["requests"]
dataset = rasterio.open(f"{ROOT}/one.tif")
during = nacre.gdal.stats()["requests"]
try: nacre.gdal.uninstall(); told = ""
except nacre.errors.UnsupportedError as error: told = str(error)
value = int(dataset.read(1).min()); dataset.close()
between = nacre.gdal.stats()["requests"]
rasterio.open(f"{ROOT}/one.tif").read()
after = nacre.gdal.stats()["requests"]
nacre.gdal.install(); rasterio.open(f"{ROOT}/one.tif").read()
print(json.dumps([told, during > before, value, after == between, nacre.gdal.stats()["requests"] > after]))
"""
    told, is_nacre, value, is_gdal, is_nacre_again = says(code, store, host)
    assert is_nacre and value == 1 and is_nacre_again
    assert is_gdal if not told else "libgdal" in told


@pytest.mark.parametrize("host", HOSTS)
def test_files_that_were_opened_before_go_on_as_they_were(store: Google, host: str) -> None:
    """By GDAL's own handlers; what is opened from then on is nacre's, though those had it listed and cached."""
    need(host)
    code = """
import rasterio, nacre.gdal
before = rasterio.open(f"{ROOT}/one.tif")
first = int(before.read(1, window=((0, 8), (0, 8))).max())
try: rasterio.open(f"{ROOT}/two.tif"); absent = False
except rasterio.errors.RasterioIOError: absent = True
print("put", flush=True); sys.stdin.readline()
nacre.gdal.install()
with rasterio.open(f"{ROOT}/two.tif") as new: two = int(new.read(1).max())
requests = nacre.gdal.stats()["requests"]
rest, size = int(before.read(1).max()), before.width
before.close()
print(json.dumps([first, absent, two, requests > 0, rest, size]))
"""
    python = python_of(host)
    head = f"ROOT = {store.root!r}\nimport json, sys\n"
    child = subprocess.Popen([python, "-c", head + code], env=environment(python, plugin=False, install=True, **store.options),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
    with child:
        assert child.stdout.readline() == "put\n"
        store.put("two.tif", geotiff(2))
        child.stdin.write("\n")
        child.stdin.flush()
        told = json.loads(child.stdout.readline())
    assert child.returncode == 0 and told == [1, True, 2, True, 1, 512]


@pytest.mark.parametrize("host", HOSTS)
def test_wrong_credentials_can_be_mended_in_the_process(emulator: Emulator, host: str) -> None:
    """Keys of the environment and tokens of Rasterio's, one after another: each open has what is set then."""
    need(host)
    emulator.put("demo", "one.tif", geotiff(1))
    emulator.set_access(require_token="right", s3_credentials=["ID:SECRET"])
    endpoint = emulator.s3_url.split("//")[1].rstrip("/")
    code = f"""
import os, rasterio, nacre.gdal
nacre.gdal.install()
def tried(path, **options):
    try:
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", **options), rasterio.open(path) as d: return int(d.read(1).max())
    except rasterio.errors.RasterioIOError as error:
        return "denied" if "40" in str(error) or "denied" in str(error).lower() else str(error)
s3 = dict(AWS_S3_ENDPOINT={endpoint!r}, AWS_HTTPS="NO", AWS_VIRTUAL_HOSTING="FALSE", AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID="ID")
gs = dict(CPL_GS_ENDPOINT="{emulator.url}/")
seen = []
for secret in ("WRONG", "SECRET", "WRONG", "SECRET"):
    os.environ.update(s3, AWS_SECRET_ACCESS_KEY=secret)
    seen.append(tried("/vsis3/demo/one.tif"))
for token in ("wrong", "right", "wrong", "right"):
    seen.append(tried("/vsigs/demo/one.tif", **gs, GDAL_HTTP_HEADERS="Authorization: Bearer " + token))
print(json.dumps(seen))
"""
    assert says(code, host=host, is_loud=True) == ["denied", 1] * 4


@pytest.mark.parametrize("host", HOSTS)
def test_tiles_that_gdal_asks_for_together_are_64_mib_where_nobody_said_otherwise(host: str) -> None:
    need(host)
    code = """
import os, rasterio, nacre.gdal
from rasterio._env import get_gdal_config, set_gdal_config
def now(): return get_gdal_config("GDAL_MAX_RAW_BLOCK_CACHE_SIZE")
seen = []
with rasterio.Env():
    seen.append(now()); nacre.gdal.install(); seen.append(now())
    try: nacre.gdal.uninstall(); seen.append(now())
    except nacre.errors.UnsupportedError: seen.append(None)
os.environ["GDAL_MAX_RAW_BLOCK_CACHE_SIZE"] = "5"
if nacre.gdal.report()["hosts"][0]["prefixes"] == []:
    nacre.gdal.install(); seen.append(now()); nacre.gdal.uninstall(); seen.append(now())
print(json.dumps(seen))
"""
    assert says(code, host=host) in ([None, 1 << 26, None, 5, 5], [None, 1 << 26, None])


def test_the_block_ends_what_it_began_and_no_more() -> None:
    need("rasterio")
    code = """
import rasterio, nacre.gdal
def now(): return len(nacre.gdal.report()["hosts"][0]["prefixes"])
with nacre.gdal.install(): seen = [now()]
seen.append(now())
nacre.gdal.install()
with nacre.gdal.install(): pass
seen.append(now())
print(json.dumps(seen))
"""
    assert says(code) == [4, 0, 4]


LOSE = """
import logging, os; logging.disable(logging.CRITICAL)
import numpy, rasterio, urllib.request, nacre.gdal
def faults(*rules):
    request = urllib.request.Request(os.environ["CPL_GS_ENDPOINT"] + "emulator/fault", json.dumps(rules).encode(), method="PUT")
    urllib.request.urlopen(request).read()
def write(name):
    with rasterio.open(f"{ROOT}/{name}", "w", driver="GTiff", width=9, height=9, count=1, dtype="uint8") as target:
        target.write(numpy.ones((1, 9, 9), "uint8"))
        faults({"kind": "500", "every": 1, "method": "PUT"}, {"kind": "500", "every": 1, "method": "POST"})
    faults()
"""


@pytest.mark.parametrize("host", HOSTS)
def test_what_close_lost_is_raised_once(store: Google, host: str) -> None:
    need(host)
    code = LOSE + """
told = []
nacre.gdal.install()
for names in (["lost.tif"], ["a.tif", "b.tif"]):
    for name in names:
        try: write(name)
        except Exception as error: told.append("rasterio noticed")
    try: nacre.gdal.check()
    except nacre.errors.RasterioIOError as error: told.append(str(error))
nacre.gdal.check()
try:
    with nacre.gdal.install():
        try: write("block.tif")
        except rasterio.errors.RasterioIOError: pass
except nacre.errors.StoreUnavailableError as error: told.append(str(error))
nacre.gdal.check()
try:
    with nacre.gdal.install():
        try: write("other.tif")
        except rasterio.errors.RasterioIOError: pass
        raise KeyError("the program's own")
except KeyError: told.append("own")
print(json.dumps(told))
"""
    more = {"NACRE_HTTP_RETRIES": "1", "NACRE_HTTP_RETRY_DELAY": "0.01"}
    told = [text for text in says(code, store, host, host == "rasterio-debian", **more) if text != "rasterio noticed"]
    assert len(told) == 4
    assert told[0].startswith(f"{store.root}/lost.tif: ")
    assert told[1].startswith("2 files could not be written: ") and "a.tif" in told[1] and "b.tif" in told[1]
    assert "block.tif" in told[2] and told[3] == "own"
    assert not store.exists("lost.tif") and not store.exists("block.tif")


def test_rasterios_cache_speaks_to_nacre_while_installed(store: Google) -> None:
    """With a policy under which clearing means something; a pattern may end in the middle of a key."""
    need("rasterio")
    need_newest_rasterio()
    code = """
import rasterio, rasterio.cache, nacre.gdal
original = rasterio.cache.invalidate, rasterio.cache.invalidate_all
nacre.gdal.install(cache="ttl=3600")
def requests():
    before = nacre.gdal.stats()["requests"]
    rasterio.open(f"{ROOT}/one.tif").close()
    return nacre.gdal.stats()["requests"] - before
seen = [requests() > 0, requests()]
for pattern in (f"{URL}/one.tif", URL, f"{URL}/on", f"{ROOT}/one.tif"):
    rasterio.cache.invalidate(pattern); seen += [requests() > 0, requests()]
rasterio.cache.invalidate_all(); seen += [requests() > 0, requests()]
nacre.cache.invalidate(f"{URL}/one.tif"); seen += [requests() > 0, requests()]
nacre.cache.invalidate_all(); seen += [requests() > 0, requests()]
nacre.gdal.uninstall()
same = (rasterio.cache.invalidate, rasterio.cache.invalidate_all) == original
print(json.dumps([seen, same]))
"""
    seen, same = says(code, store, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")
    assert seen == [True, 0] * 8
    assert same


def test_nacres_policies_hold_for_gdal_too(store: Google) -> None:
    """Those that were set before it was installed, and after; install's own is for what they leave."""
    need("rasterio")
    code = """
import rasterio, nacre.gdal, nacre.cache
def requests():
    before = nacre.gdal.stats()["requests"]
    rasterio.open(f"{ROOT}/one.tif").close()
    return nacre.gdal.stats()["requests"] - before
nacre.cache.policy(URL + "/", "ttl=3600")
nacre.gdal.install(cache=None)
seen = [requests() > 0, requests()]
nacre.cache.policy(URL + "/", None)
seen.append(requests())
nacre.cache.policy(URL + "/", "ttl=3600")
seen += [requests() > 0, requests()]
nacre.gdal.install()
seen.append(requests())
print(json.dumps(seen))
"""
    seen = says(code, store, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")
    assert seen == [True, 0, 1, seen[3], 0, 0]
