# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Map tiles: pixels against Rasterio's WarpedVRT, what is transparent, shards, folders and buckets, bad words."""

from __future__ import annotations

import json
import pathlib
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from conftest import need, run_nacre, worked

HALF_WORLD = 20037508.342789244
pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def _peers() -> None:
    need("rasterio")


def tile(*words: Any) -> None:
    worked(run_nacre("tile", *words))


def tiles(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


def pixels(png: bytes) -> Any:
    """As red, green, blue (or gray) and alpha."""
    import numpy
    from rasterio.io import MemoryFile

    with MemoryFile(png) as file, file.open() as picture:
        planes = picture.read()
    if len(planes) % 2:
        planes = numpy.concatenate([planes, numpy.full_like(planes[:1], 255)])
    return planes


def warped(source: pathlib.Path, name: str, resampling: str) -> Any:
    """The same tile by Rasterio."""
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.transform import from_origin
    from rasterio.vrt import WarpedVRT

    zoom, column, row = map(int, name.removesuffix(".png").split("/"))
    size = 2 * HALF_WORLD / 256 / 2**zoom
    transform = from_origin(column * 256 * size - HALF_WORLD, HALF_WORLD - row * 256 * size, size, size)
    with (
        rasterio.open(source) as dataset,
        WarpedVRT(
            dataset, crs="EPSG:3857", transform=transform, width=256, height=256, add_alpha=dataset.count < 4,
            resampling=Resampling[resampling], tolerance=1e-9,
        ) as view,
    ):  # fmt: skip
        return view.read()


# nodata, alpha, a mask
@pytest.mark.parametrize(("name", "zooms"), [("RGB.byte.tif", "7-8"), ("RGBA.byte.tif", "8"), ("cog_rgb_mask.tif", "19")])
def test_nearest_pixels_and_transparency_are_rasterios(
    data: pathlib.Path, tmp_path: pathlib.Path, name: str, zooms: str
) -> None:
    tile(data / name, "--zoom", zooms, "-r", "nearest", "-o", tmp_path)
    made = tiles(tmp_path)
    assert len(made) >= 4
    transparent = 0
    for path, png in made.items():
        ours, theirs = pixels(png), warped(data / name, path, "nearest")
        different = (ours[3] > 0) != (theirs[3] > 0)
        assert different.mean() <= 0.001, path
        both = (ours[3] > 0) & (theirs[3] > 0)
        assert (ours[:3] != theirs[:3]).any(axis=0)[both].sum() <= max(1, 0.001 * both.sum()), path  # ties
        transparent += (ours[3] == 0).sum()
        assert not ours[:3, ours[3] == 0].any()
    assert transparent > 0


def test_bilinear_pixels_are_rasterios_but_for_few(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    # Rasterio's scale is that of each tile, ours that of the zoom level; and at edges of nodata.
    tile(data / "RGB.byte.tif", "--zoom", "9", "-o", tmp_path)
    for path, png in tiles(tmp_path).items():
        ours, theirs = pixels(png).astype(int), warped(data / "RGB.byte.tif", path, "bilinear")
        both = (ours[3] > 0) & (theirs[3] > 0)
        assert (abs(ours[:3] - theirs[:3]) > 1).any(axis=0)[both].mean() <= 0.01, path


def test_shards_are_the_whole_and_runs_give_the_same_bytes(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    whole, parts, single = tmp_path / "whole", tmp_path / "parts", tmp_path / "single"
    tile(data / "RGB.byte.tif", "-z", "5-8", "-z", "9", "-o", whole)
    made = tiles(whole)
    counts = []
    for i in range(3):
        tile(data / "RGB.byte.tif", "-z", "5-9", "--shard", f"{i}/3", "-o", parts)
        counts.append(len(tiles(parts)))
    assert 0 < counts[0] < counts[1] < counts[2] == len(made)
    assert tiles(parts) == made
    stale = next(iter(whole.rglob("*.png")))
    stale.write_bytes(b"stale")
    tile(data / "RGB.byte.tif", "-z", "5-9", "-o", whole, "--threads", "1")
    assert tiles(whole) == made
    tile(data / "RGB.byte.tif", "8/72/110", "9/145/219", "-o", single)
    assert tiles(single).items() <= made.items() and len(tiles(single)) == 2


def test_tile_beside_the_raster_is_transparent_when_named(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    tile(data / "RGB.byte.tif", "5/0/0", "-o", tmp_path)
    assert not pixels((tmp_path / "5/0/0.png").read_bytes()).any()
    assert worked(run_nacre("tile", data / "RGB.byte.tif", "5/0/0", "-o", "-")) == (tmp_path / "5/0/0.png").read_bytes()


def test_more_shards_than_tiles(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for i in range(5):
        tile(data / "RGB.byte.tif", "-z", "5", "--shard", f"{i}/5", "-o", tmp_path / str(i))
    assert sum(len(tiles(tmp_path / str(i))) for i in range(5)) == 2


def test_values_are_rescaled_per_band(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    import numpy

    source = data / "RGB.byte.tif"
    tile(source, "8/73/110", "-r", "nearest", "-b", "3,2,1", "-o", tmp_path)
    plain = pixels((tmp_path / "8/73/110.png").read_bytes())
    words = ["--rescale", "0,51", "--rescale", "10,112", "--rescale", "0,255"]
    tile(source, "8/73/110", "-r", "nearest", "-b", "3,2,1", *words, "-o", tmp_path)
    ours = pixels((tmp_path / "8/73/110.png").read_bytes())
    is_valid = plain[3] > 0
    for band, (low, high) in enumerate([(0, 51), (10, 112), (0, 255)]):
        wanted = numpy.clip(numpy.floor((plain[band].astype(float) - low) * 255 / (high - low) + 0.5), 0, 255)
        assert (ours[band] == wanted)[is_valid].all()
    assert (ours[3] == plain[3]).all()


def test_colour_tables_and_maps(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    import numpy
    import rasterio

    with rasterio.open(data / "cog_cmap.tif") as dataset:
        table = {entry[:3] for entry in dataset.colormap(1).values()}
    tile(data / "cog_cmap.tif", "-z", "14", "-r", "cubic", "-o", tmp_path / "own")
    colors = set()
    for png in tiles(tmp_path / "own").values():
        planes = pixels(png)
        colors |= {tuple(color) for color in planes[:3][:, planes[3] > 0].T.tolist()}
    assert 3 < len(colors) and colors <= table
    (tmp_path / "map.txt").write_text("# a map\n0 0 0 0 0\n\n100, 200, 100, 0 # half\n200 0 100 200\n")
    tile(data / "RGB.byte.tif", "8/73/110", "-r", "nearest", "-b", "1", "-o", tmp_path / "gray")
    tile(data / "RGB.byte.tif", "8/73/110", "-r", "nearest", "-b", "1", "--colormap", tmp_path / "map.txt", "-o", tmp_path / "map")
    gray, shown = (pixels((tmp_path / name / "8/73/110.png").read_bytes()) for name in ("gray", "map"))
    is_low = (gray[0] > 0) & (gray[0] <= 100) & (gray[1] > 0)
    assert is_low.any() and (abs(shown[0].astype(int) - 2 * gray[0])[is_low] <= 1).all()
    assert (abs(shown[3].astype(int) - numpy.round(2.55 * gray[0]))[is_low] <= 1).all()
    tile(data / "nocog.tif", "-z", "5", "--rescale", "0,10000", "--colormap", "viridis", "-o", tmp_path / "named")
    assert len(tiles(tmp_path / "named")) == 4


def test_raster_across_the_antimeridian(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    tile(data / "cog_dateline.tif", "-z", "5", "--rescale", "0,20000", "-o", tmp_path)
    assert set(tiles(tmp_path)) == {"5/0/10.png", "5/31/10.png"}


def matrix_set(**changes: Any) -> str:
    matrix = {
        "id": "3", "cellSize": 300, "pointOfOrigin": [101985, 2826915], "tileWidth": 512, "tileHeight": 256,
        "matrixWidth": 2, "matrixHeight": 3, **changes,
    }  # fmt: skip
    return json.dumps({"crs": "http://www.opengis.net/def/crs/EPSG/0/32618", "tileMatrices": [matrix]})


def test_other_matrix_sets(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """One whose pixels are the raster's."""
    import numpy
    import rasterio

    with rasterio.open(data / "RGB.byte.tif") as dataset:
        wanted = dataset.read()
        cell = dataset.res
    (tmp_path / "set.json").write_text(matrix_set(cellSize=cell[0]))
    assert abs(cell[0] - cell[1]) < 0.5
    tile(data / "RGB.byte.tif", "-z", "3", "-r", "nearest", "--tms", tmp_path / "set.json", "-o", tmp_path / "out")
    made = tiles(tmp_path / "out")
    assert set(made) == {f"3/{x}/{y}.png" for x in range(2) for y in range(3)}
    ours = pixels(made["3/0/0.png"])
    assert ours.shape == (4, 256, 512)
    assert (ours[:3] == wanted[:, :256, :512]).mean() > 0.95 and numpy.count_nonzero(ours) > 1000


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        (["RGB.byte.tif", "25/0/0"], 1, "no zoom level 25: the tile matrix set has 0 to 24"),
        (["RGB.byte.tif", "--zoom", "3,30"], 1, "no zoom level 30"),
        (["RGB.byte.tif", "2/4/0"], 1, "no tile 2/4/0: zoom 2 has columns 0 to 3"),
        (["float_nan.tif", "2/0/0", "--rescale", "0,1"], 1, "no CRS"),
        (["nocog.tif", "2/0/0"], 1, "values of uint16 must be rescaled"),
        (["RGB.byte.tif", "2/0/0", "-b", "4"], 1, "no band 4: it has 3"),
        (["RGB.byte.tif", "2/0/0", "-b", "1,2"], 1, "one band or three, not 2"),
        (["RGB.byte.tif", "2/0/0", "--colormap", "viridis"], 1, "a colour map is for one band"),
        (["RGB.byte.tif", "2/0/0", "--rescale", "0,1", "--rescale", "0,2"], 1, "2 ranges to rescale 3 bands"),
        (["RGB.byte.tif", "2/0/0", "--tms", "bad.json"], 1, "tile matrix set: no JSON: line 2"),
        (["RGB.byte.tif", "2/0/0", "--colormap", "bad.json", "-b", "1"], 1, "line 1 is not VALUE RED GREEN BLUE"),
        (["missing.tif", "2/0/0"], 1, "missing.tif"),
        (["RGB.byte.tif"], 2, "either tiles as Z/X/Y or --zoom"),
        (["RGB.byte.tif", "2/0/0", "-z", "3"], 2, "either tiles as Z/X/Y or --zoom"),
        (["RGB.byte.tif", "2/0"], 2, "a tile is Z/X/Y"),
        (["RGB.byte.tif", "2/0/-1"], 2, "a tile is Z/X/Y"),
        (["RGB.byte.tif", "-z", "5-3"], 2, "zoom levels are numbers"),
        (["RGB.byte.tif", "-z", "x"], 2, "zoom levels are numbers"),
        (["RGB.byte.tif", "-z", "3", "--shard", "3/3"], 2, "I from 0 to N-1"),
        (["RGB.byte.tif", "-z", "3", "--shard", "1"], 2, "I from 0 to N-1"),
        (["RGB.byte.tif", "-z", "3", "--rescale", "5,5"], 2, "MIN,MAX"),
        (["RGB.byte.tif", "-z", "3", "-o", "-"], 2, "one tile"),
        (["RGB.byte.tif", "-z", "3", "-o", ""], 2, "--output"),
    ],
)
def test_what_is_wrong_is_one_line(
    data: pathlib.Path, tmp_path: pathlib.Path, words: list[str], status: int, part: str
) -> None:
    (tmp_path / "bad.json").write_text('{"crs":\nx}')
    done = run_nacre("tile", data / words[0], *words[1:], cwd=tmp_path)
    assert done.returncode == status and done.stderr.count("\n") == 1 and done.stderr.startswith("nacre: "), done.stderr
    assert part in done.stderr
    assert not tiles(tmp_path)


def test_into_a_bucket(data: pathlib.Path, tmp_path: pathlib.Path, emulator: Any, gs: Callable[..., Any]) -> None:
    emulator.put("demo", "scene.tif", (data / "RGB.byte.tif").read_bytes())
    for _ in range(2):
        worked(gs("tile", "gs://demo/scene.tif", "-z", "6-7", "-o", "gs://demo/tiles"))
    tile(data / "RGB.byte.tif", "-z", "6-7", "-o", tmp_path / "local")
    listed = worked(gs("ls", "-r", "gs://demo/tiles/")).decode().split()
    assert {name.removeprefix("gs://demo/tiles/") for name in listed} == set(tiles(tmp_path / "local"))
    for name, png in tiles(tmp_path / "local").items():
        assert worked(gs("cat", f"gs://demo/tiles/{name}")) == png
    assert json.loads(worked(gs("stat", "--json", listed[0])))["content_type"] == "image/png"


def test_neighbours_share_what_is_read(data: pathlib.Path, tmp_path: pathlib.Path, emulator: Any, gs: Callable[..., Any]) -> None:
    content = (data / "RGB.byte.tif").read_bytes()
    emulator.put("demo", "scene.tif", content)
    done = gs("tile", "gs://demo/scene.tif", "-z", "9-10", "-o", tmp_path, "--io-stats")
    assert done.returncode == 0 and len(tiles(tmp_path)) > 30
    stats = json.loads(done.stderr.splitlines()[-1])
    assert stats["bytes_received"] < 1.5 * len(content), stats


def test_examples_of_the_page(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for name, wanted in (("scene.tif", "RGB.byte.tif"), ("heights.tif", "nocog.tif")):
        (tmp_path / name).write_bytes((data / wanted).read_bytes())
    blocks = re.findall(r"^```console\n(.*?)^```", (ROOT / "docs/guide/tile.md").read_text(), re.M | re.S)
    lines = [line for line in "".join(blocks).splitlines() if line.startswith("nacre ")]
    assert len(lines) >= 4
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        worked(run_nacre(*words, cwd=tmp_path))
    assert tiles(tmp_path)
