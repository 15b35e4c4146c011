# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""``src_alpha`` and ``dst_alpha`` of views and of ``reproject``, against Rasterio's."""

from __future__ import annotations

import pathlib
from typing import Any

import nacre
import nacre.vrt
import nacre.warp
import numpy as np
import pytest
import rasterio
import rasterio.vrt
import rasterio.warp
import sidebyside
from affine import Affine

UTM = "EPSG:32633"
PLACE, GRID = Affine(10, 0, 4e5, 0, -10, 5e6), Affine(10, 0, 4e5 - 20, 0, -10, 5e6 + 20)

if tuple(map(int, rasterio.__version__.split(".")[:2])) < (1, 5):
    pytest.skip("held against Rasterio from 1.5 on", allow_module_level=True)


def pixels() -> Any:
    """Three bands, the last of which is 0 or 255."""
    random = np.random.default_rng(1)
    values = random.integers(1, 255, (3, 40, 50), "uint8")
    values[2] = np.where(random.random((40, 50)) > 0.5, 255, 0)
    return values


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """They, none of them marked as alpha."""
    return sidebyside.write(tmp_path_factory.mktemp("alpha") / "scene.tif", pixels(), crs=UTM, transform=PLACE)


ALPHAS: list[dict[str, Any]] = [
    {"src_alpha": 3},
    {"src_alpha": 2},
    {"src_alpha": 3, "dst_alpha": 4},
    {"src_alpha": 2, "dst_alpha": 4},
    {"dst_alpha": 4},
]


@pytest.mark.parametrize("options", [*ALPHAS, {"src_alpha": 3, "add_alpha": True}, {"src_alpha": 2, "nodata": 7}])
def test_views(scene: pathlib.Path, options: dict[str, Any]) -> None:
    told = []
    for module in (rasterio, nacre):
        with module.open(scene) as source, module.vrt.WarpedVRT(source, crs="EPSG:3857", tolerance=0, **options) as view:
            colors = [each.name for each in view.colorinterp]
            told.append((view.count, colors, view.nodata, view.read().tolist(), view.read_masks().tolist()))
    assert told[0] == told[1]


def test_a_view_that_is_saved_keeps_its_alpha(scene: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with nacre.open(scene) as source, nacre.vrt.WarpedVRT(source, crs="EPSG:3857", src_alpha=2) as view:
        nacre.shutil.copy(view, tmp_path / "view.vrt", driver="VRT")
        expected = view.read()
    with nacre.open(tmp_path / "view.vrt") as saved, rasterio.open(tmp_path / "view.vrt") as theirs:
        assert np.array_equal(saved.read(), expected)
        assert np.array_equal(theirs.read(), expected)


def test_bands_that_are_not_there_are_refused(scene: pathlib.Path) -> None:
    with nacre.open(scene) as source:
        with pytest.raises(ValueError, match="no band 9"):
            nacre.vrt.WarpedVRT(source, crs="EPSG:3857", src_alpha=9)
        with pytest.raises(NotImplementedError, match="only 4"):
            nacre.vrt.WarpedVRT(source, crs="EPSG:3857", dst_alpha=2)


def reprojected(module: Any, source: Any, count: int, **options: Any) -> Any:
    """A destination that was 9 everywhere."""
    out = np.full((count, 44, 52), 9, "uint8")
    module.warp.reproject(source, out, dst_transform=GRID, dst_crs=UTM, tolerance=0, **options)
    return out


INTO = [(each, count) for each in ALPHAS for count in (3, 4) if each.get("dst_alpha", 0) <= count]


@pytest.mark.parametrize(("options", "count"), [*INTO, ({"dst_alpha": 3}, 3), ({"src_alpha": 3, "dst_alpha": 3}, 4)])
@pytest.mark.parametrize("more", [{}, {"dst_nodata": 7}])
def test_arrays(options: dict[str, Any], count: int, more: dict[str, Any]) -> None:
    place = {"src_transform": PLACE, "src_crs": UTM}
    theirs, ours = (reprojected(each, pixels(), count, **place, **options, **more) for each in (rasterio, nacre))
    assert np.array_equal(ours, theirs)


def test_pixels_without_alpha_stay_as_they_are() -> None:
    options = {"src_transform": PLACE, "src_crs": UTM, "src_alpha": 3, "init_dest_nodata": False}
    theirs, ours = (reprojected(each, pixels(), 3, **options) for each in (rasterio, nacre))
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("indexes", [1, 2, [1, 2], [3, 1], [1, 2, 3]])
@pytest.mark.parametrize("options", [{"src_alpha": 3}, {"src_alpha": 2}, {}])
def test_bands_of_a_dataset(scene: pathlib.Path, indexes: Any, options: dict[str, Any]) -> None:
    told = []
    for module in (rasterio, nacre):
        with module.open(scene) as source:
            told.append(reprojected(module, module.band(source, indexes), np.size(indexes), **options))
    assert np.array_equal(*told)


def test_alpha_beyond_the_destination_is_refused() -> None:
    with pytest.raises(ValueError, match="dst_alpha=5"):
        reprojected(nacre, pixels(), 4, src_transform=PLACE, src_crs=UTM, dst_alpha=5)
    with pytest.raises(ValueError, match="the destination has 2 bands, the source 3"):
        reprojected(nacre, pixels(), 2, src_transform=PLACE, src_crs=UTM)


def test_a_masked_destination_without_a_mask_gets_one() -> None:
    values = pixels()[0]
    source = np.ma.array(values, mask=values > 200)
    masks = []
    for module in (rasterio, nacre):
        out = np.ma.zeros((44, 52), "uint8")
        place = {"src_transform": PLACE, "src_crs": UTM, "dst_transform": GRID, "dst_crs": UTM}
        masks.append(np.ma.getmaskarray(module.warp.reproject(source, out, **place)[0]))
    assert masks[0].any() and np.array_equal(*masks)
