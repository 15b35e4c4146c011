# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""nacre under Rasterio's name: the import, and libraries that stand on Rasterio, held against what Rasterio gives."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import nacre
import numpy as np
import pytest
import rasterio
from conftest import need
from rasterio.transform import from_origin

USER = pathlib.Path(__file__).with_name("compat_user.py")

if tuple(map(int, rasterio.__version__.split(".")[:2])) < (1, 5):
    pytest.skip("held against Rasterio from 1.5 on", allow_module_level=True)


def run(*lines: str) -> str:
    """What a Python of its own prints."""
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


INSTALL = "import nacre.compat; nacre.compat.install()"


def test_names_are_the_same_objects() -> None:
    lines = (
        INSTALL,
        "import rasterio, rasterio.windows, rasterio.rio.overview as overview",
        "from rasterio.crs import CRS",
        "import nacre, nacre.rio.overview",
        "assert rasterio is nacre and rasterio.windows is nacre.windows and CRS is nacre.crs.CRS",
        "assert overview is nacre.rio.overview and nacre.__spec__.name == nacre.windows.__package__ == 'nacre'",
        "assert rasterio.__gdal_version__ == rasterio.gdal_version()",
    )
    assert run(*lines, "print(nacre.compat.is_installed())") == "True"


@pytest.mark.parametrize("name", ["rasterio.nothing", "rasterio._io", "rasterio._open", "rasterio.crs.nothing"])
def test_modules_that_nacre_lacks_are_not_found(name: str) -> None:
    """Not in an installed Rasterio either, whose datasets would be others."""
    lines = (INSTALL, "try:", f"    import {name}", "except ModuleNotFoundError as error:", "    print(error.name)")
    assert run(*lines) == name


def test_rasterio_imported_before_is_an_error() -> None:
    lines = ("import rasterio, nacre.compat", "try:", "    nacre.compat.install()", "except ImportError as error:")
    told = run(*lines, "    print(error)", "print(nacre.compat.is_installed(), rasterio.__name__)")
    assert "imported already" in told and "call nacre.compat.install() before" in told
    assert told.endswith("False rasterio")


def test_uninstall_gives_rasterio_back() -> None:
    lines = (INSTALL, "import rasterio.crs", "nacre.compat.install()", "nacre.compat.uninstall()", "import rasterio.crs")
    more = ("nacre.compat.uninstall()", "print(rasterio.__name__, rasterio.crs.__name__, nacre.crs.__name__)")
    assert run(*lines, *more) == "rasterio rasterio.crs nacre.crs"


def test_what_is_not_built_says_so() -> None:
    from nacre import features, fill, merge

    for function in (merge.merge, fill.fillnodata, features.shapes, features.sieve):
        with pytest.raises(NotImplementedError, match=f"{function.__name__} is not built yet"):
            function(1, x=2)


# --- libraries ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A COG and a plain GeoTIFF of two smooth bands, with nodata in a corner."""
    place = tmp_path_factory.mktemp("compat")
    y, x = np.mgrid[:600, :700]
    bands = np.stack([np.sin(x / 37) * 100 + np.cos(y / 23) * 100 + 1000, x * 2 + y + 1]).astype("uint16")
    bands[:, :80, :100] = 0
    profile = {"width": 700, "height": 600, "count": 2, "dtype": "uint16", "crs": "EPSG:32633", "nodata": 0}
    profile["transform"] = from_origin(500000, 5200000, 30, 30)
    for name, more in (
        ("strips", {"driver": "GTiff"}),
        ("cog", {"driver": "COG", "blocksize": 128, "overview_resampling": "average"}),
    ):
        with rasterio.open(place / f"{name}.tif", "w", **profile, **more) as dataset:
            dataset.write(bands)
    return place


# Results whose pixels are warped: Rasterio's lie up to an eighth of a pixel beside where they belong.
WARPED = {
    "rio-tiler": ("tile", "tile bilinear", "tile above", "part", "feature", "preview", "expression"),
    "rioxarray": ("reproject", "bilinear", "match", "to_raster 2"),
    "rio-cogeo": ("web", "web: overview"),
}
MASKS = (": mask",)


@pytest.mark.parametrize("library", WARPED)
def test_libraries_get_what_rasterio_gives(library: str, folder: pathlib.Path) -> None:
    need(library)
    if library == "rioxarray":
        need("dask")
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    runs = {
        package: subprocess.Popen(
            [sys.executable, USER, package, library, folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment, text=True,
        )
        for package in ("rasterio", "nacre")
    }  # fmt: skip
    said = {package: process.communicate(timeout=300)[0] for package, process in runs.items()}
    for package, process in runs.items():
        assert process.returncode == 0, said[package]
    theirs, ours = (np.load(folder / f"{library}-{package}.npz") for package in runs)
    assert theirs.files == ours.files and len(ours.files) > 10
    for name in theirs.files:
        compare(name, theirs[name], ours[name], name in WARPED[library])


def compare(name: str, theirs: np.ndarray, ours: np.ndarray, is_warped: bool) -> None:
    """Equal; where they are warped, as near as neighbouring pixels are, but for one in fifty at edges."""
    assert (theirs.shape, theirs.dtype) == (ours.shape, ours.dtype), name
    if name.endswith(MASKS):
        assert np.mean(theirs != ours) < 0.002, name
    elif is_warped:
        beside = np.abs(theirs.astype(float) - ours.astype(float))
        assert np.mean(~(beside <= 12) & ~(np.isnan(theirs.astype(float)) & np.isnan(ours.astype(float)))) < 0.02, name
    elif theirs.dtype.kind == "f":
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, err_msg=name)
    else:
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_an_overview_is_opened_as_a_dataset(folder: pathlib.Path) -> None:
    with nacre.open(folder / "cog.tif", OVERVIEW_LEVEL=1) as ours, rasterio.open(
        folder / "cog.tif", OVERVIEW_LEVEL=1
    ) as theirs:
        assert ours.profile == theirs.profile and ours.overviews(1) == theirs.overviews(1)
        np.testing.assert_array_equal(ours.read(), theirs.read())
        np.testing.assert_array_equal(ours.read_masks(1), theirs.read_masks(1))
    with pytest.raises(nacre.RasterioIOError, match="there is no overview 7"):
        nacre.open(folder / "cog.tif", overview_level=7)
