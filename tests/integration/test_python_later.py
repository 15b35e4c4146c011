# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What Rasterio has and nacre has not says so by a ``NotImplementedError`` that names itself."""

from __future__ import annotations

import importlib
import pathlib
import pkgutil
from typing import Any, Callable

import nacre
import nacre.fill
import nacre.merge
import nacre.rio
import nacre.stack
import nacre.tools
import numpy as np
import pytest
import rasterio
import rasterio.rio
import sidebyside

CALLS: dict[str, Callable[[pathlib.Path], Any]] = {
    "merge.merge": lambda path: nacre.merge.merge([path, path]),
    "fill.fillnodata": lambda path: nacre.fill.fillnodata(np.zeros((3, 3))),
    "features.shapes": lambda path: nacre.features.shapes(np.zeros((3, 3), "uint8")),
    "features.sieve": lambda path: nacre.features.sieve(np.zeros((3, 3), "uint8"), 2),
    "features.dataset_features": lambda path: nacre.features.dataset_features(nacre.open(path)),
    "features.rasterize(dst_path": lambda path: nacre.features.rasterize(
        [({"type": "Point", "coordinates": (1, 1)}, 1)], (3, 3), dst_path=path
    ),
    "stack.stack": lambda path: nacre.stack.stack([path, path]),
    "tools.JSONSequenceTool": lambda path: nacre.tools.JSONSequenceTool(print),
    "tools.dataset_features_tool": lambda path: nacre.tools.dataset_features_tool(path, path),
    "georef_sources": lambda path: nacre.open(path, georef_sources="NONE"),
    "CMYK": lambda path: nacre.open(
        path.with_name("new.tif"), "w", driver="GTiff", width=3, height=3, count=4, dtype="uint8", photometric="CMYK"
    ),
    "view.vrt": lambda path: nacre.open(vrt(path), "r+"),
}


@pytest.fixture
def scene(tmp_path: pathlib.Path) -> pathlib.Path:
    """One band."""
    return sidebyside.write(tmp_path / "scene.tif", np.ones((1, 6, 6), "uint8"))


def vrt(path: pathlib.Path) -> pathlib.Path:
    """A view of it, saved."""
    target = path.with_name("view.vrt")
    nacre.shutil.copy(path, target, driver="VRT")
    return target


@pytest.mark.parametrize("name", CALLS)
def test_what_is_not_built_says_so(scene: pathlib.Path, name: str) -> None:
    with pytest.raises(NotImplementedError) as caught:
        CALLS[name](scene)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", sorted(each.name for each in pkgutil.iter_modules(rasterio.rio.__path__)))
def test_every_command_of_rio_is_there_or_says_so(name: str) -> None:
    if name in ("helpers", "overview"):
        assert importlib.import_module(f"nacre.rio.{name}")
        return
    with pytest.raises(NotImplementedError, match=f"nacre.rio.{name} is not built yet"):
        getattr(nacre.rio, name)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"nacre.rio.{name}")
