# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""One plugin, every GDAL from 3.4 on: the libraries of wheels, loaded by a C program and by Python's ctypes. Debian's and
those of Rasterio 1.4 and 1.5 are in test_gdal_plugin.py and test_gdal_contract.py."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

import peers
import pytest
from conftest import ROOT, Emulator, clean_environment, need
from gdal_hosts import CASES, HERE, PLUGINS, Amazon, Google, run_contract_as
from test_gdal_contract import check_column
from test_gdal_plugin import HOST, host_environment

PLUGIN = PLUGINS / "gdal_nacre.so"
VERSIONS = ["3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12"]
EACH = [version if version == "3.4" else pytest.param(version, marks=pytest.mark.slow) for version in VERSIONS]

pytestmark = pytest.mark.skipif(not PLUGIN.exists(), reason="built without the plugin")


def library_of(version: str) -> tuple[pathlib.Path, dict[str, str]]:
    """A wheel's libgdal, and where its other libraries and the data of its PROJ lie."""
    need(f"gdal-{version}")
    folder = peers.find_folder(f"gdal-{version}")
    (library,) = folder.glob("*.libs/libgdal*")
    data = {"PROJ_LIB": "proj_data", "PROJ_DATA": "proj_data", "GDAL_DATA": "gdal_data"}
    found = {name: str(next(folder.glob(f"*/{place}"))) for name, place in data.items()}
    return library, {"LD_LIBRARY_PATH": str(library.parent), **found}


@pytest.mark.parametrize("version", EACH)
@pytest.mark.parametrize("root", ["/vsigs/demo", "/vsis3/demo"])
@pytest.mark.skipif(not HOST.exists(), reason="built without tests")
def test_a_program_with_that_gdal_uses_it(emulator: Emulator, tmp_path: pathlib.Path, version: str, root: str) -> None:
    """Reading, writing, changing, deleting beside local files of the same name, threads, forks, uninstalling, the end."""
    library, data = library_of(version)
    env = host_environment(emulator, tmp_path, **data)
    done = subprocess.run([HOST, library, PLUGIN, root], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    scenarios = re.findall(r'\{"(\w+)", \w+\}', (ROOT / "tests/integration/tools/gdal_host.c").read_text())
    assert done.stdout.split() == scenarios


@pytest.mark.parametrize("version", EACH)
@pytest.mark.parametrize("store", ["gs", "s3"])
def test_every_promise_holds_with_that_gdal(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, version: str, store: str
) -> None:
    library, data = library_of(version)
    with monkeypatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
        bucket = Google(emulator) if store == "gs" else Amazon(emulator.s3_url, emulator)
    env = clean_environment(GDAL_DRIVER_PATH=str(PLUGINS), NACRE_TEST_LIBGDAL=str(library), **data, **bucket.options)
    outcomes = run_contract_as([sys.executable, HERE / "gdal_ctypes.py", bucket.root], bucket, env, tmp_path / "host")
    check_column("with nacre", outcomes)
    assert len(outcomes) == len(CASES)


def test_an_older_gdal_is_refused_by_name(tmp_path: pathlib.Path) -> None:
    library, data = library_of("3.3")
    code = f"""
import ctypes
gdal, plugin = ctypes.CDLL({str(library)!r}), ctypes.CDLL({str(PLUGIN)!r})
error = ctypes.create_string_buffer(8 + 1024)
status = plugin.nacre_gdal_install(None, None, error)
print(status, error.raw[8:].split(bytes(1))[0].decode())
"""
    env = clean_environment(**data)
    told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert not told.startswith("0 ") and "this is GDAL 3.3.2; the plugin needs 3.4 or newer" in told


@pytest.mark.parametrize("version", EACH)
def test_the_report_names_what_that_gdal_cannot(version: str) -> None:
    library, data = library_of(version)
    code = f"""
import ctypes
gdal, plugin = ctypes.CDLL({str(library)!r}), ctypes.CDLL({str(PLUGIN)!r})
assert plugin.nacre_gdal_install(None, None, None) == 0
out = ctypes.create_string_buffer(1 << 16)
plugin.nacre_gdal_report(out, ctypes.c_size_t(len(out)))
print(out.value.decode())
"""
    env = clean_environment(**data)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    (host,) = json.loads(done.stdout)["hosts"]
    number = int(version.split(".")[1])
    off = {"path-specific options": number < 6, "advised reads": number < 7}
    assert host["gdal"].startswith(version)
    assert {text.split(":")[0] for text in host["missing"]} == {name for name, is_off in off.items() if is_off}


def test_the_page_names_what_was_run() -> None:
    page = (ROOT / "docs/guide/gdal.md").read_text()
    named = re.search(r"tested with GDAL ([\d.,\s]+(?:and [\d.]+))", page)
    assert named and re.findall(r"\d+\.\d+", named.group(1)) == VERSIONS
