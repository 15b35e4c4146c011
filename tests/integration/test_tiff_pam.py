# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What files beside a TIFF say of it (.aux.xml, world files), as GDAL merges it."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest
import rasterio
from conftest import Emulator
from test_rounds import counted
from test_tiff import assert_same_description

import nacre

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::nacre.errors.NotGeoreferencedWarning"),
]

PAM = """<PAMDataset>
  <SRS dataAxisToSRSAxisMapping="2,1">EPSG:4326</SRS>
  <GeoTransform>  1.0000000000000000e+01,  1.0e-01,  0.0,  5.0e+01,  0.0, -1.0e-01</GeoTransform>
  <Metadata><MDI key="B">pam &amp; more</MDI><MDI key="C">pam</MDI><MDI key="AREA_OR_POINT">Point</MDI></Metadata>
  <Metadata domain="D"><MDI key="q">2</MDI><MDI key="r">3</MDI></Metadata>
  <Metadata domain="RPC"><MDI key="ERR_BIAS">1</MDI></Metadata>
  <Metadata domain="xml:FOO" format="xml"><foo a="1">x</foo></Metadata>
  <PAMRasterBand band="1">
    <Description>pam description</Description>
    <NoDataValue>9</NoDataValue>
    <UnitType>km</UnitType>
    <Offset>30</Offset><Scale>20</Scale>
    <ColorInterp>Palette</ColorInterp>
    <ColorTable><Entry c1="1" c2="10" c3="100" c4="255"/><Entry c1="2" c2="20" c3="200" c4="128"/></ColorTable>
    <CategoryNames><Category>a</Category><Category>b</Category></CategoryNames>
    <Histograms><HistItem><HistMin>0</HistMin><HistMax>1</HistMax><BucketCount>1</BucketCount>
      <IncludeOutOfRange>1</IncludeOutOfRange><Approximate>0</Approximate><HistCounts>1</HistCounts></HistItem></Histograms>
    <Metadata><MDI key="X">pam</MDI><MDI key="STATISTICS_MEAN">8</MDI><MDI key="STATISTICS_MAXIMUM">88</MDI></Metadata>
    <Minimum>3</Minimum><Maximum>4</Maximum>
  </PAMRasterBand>
  <PAMRasterBand band="2"><NoDataValue>11</NoDataValue><ColorInterp>Blue</ColorInterp><Description>two</Description></PAMRasterBand>
  <PAMRasterBand band="9"><NoDataValue>11</NoDataValue><Metadata><MDI key="X">9</MDI></Metadata></PAMRasterBand>
</PAMDataset>"""
GCPS = """<PAMDataset><GCPList Projection="EPSG:4326"><GCP Id="1" Info="hey" Pixel="1" Line="2" X="3" Y="4" Z="5"/>
  <GCP Id="2" Pixel="11" Line="2" X="33" Y="4"/><GCP Id="3" Pixel="11" Line="22" X="33" Y="44"/></GCPList></PAMDataset>"""
WORLD = "2\n0.5\n0.25\n-3\n100.5\n200.5\n"


def write(path: pathlib.Path, plain: bool) -> None:
    options: dict[str, Any] = {}
    if not plain:
        options = {"crs": "EPSG:32618", "transform": rasterio.Affine(30, 0, 5e5, 0, -30, 4e6), "nodata": 7}
    with rasterio.open(path, "w", driver="GTiff", width=20, height=10, count=2, dtype="uint8", **options) as dataset:
        dataset.write(np.arange(400, dtype="u1").reshape(2, 10, 20) % 13)
        if plain:
            return
        dataset.update_tags(A="tag", B="tag")
        dataset.update_tags(ns="D", q="1")
        dataset.update_tags(1, X="tag", STATISTICS_MEAN="5")
        dataset.scales, dataset.offsets, dataset.units = (2, 1), (3, 0), ("m", "")
        dataset.descriptions = ("tag's description", None)


def assert_same(path: pathlib.Path) -> None:
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        assert_same_description(ours, theirs)
        for domain in ("D", "RPC", "xml:FOO"):
            assert sorted(ours.tags(ns=domain).values()) == sorted(theirs.tags(ns=domain).values())
        assert [u or "" for u in ours.units] == [u or "" for u in theirs.units]
        assert np.array_equal(ours.read(), theirs.read())
        assert np.array_equal(ours.read_masks(), theirs.read_masks())


@pytest.mark.parametrize("plain", [True, False])
def test_what_a_pam_file_says_goes_before_the_tags(tmp_path: pathlib.Path, plain: bool) -> None:
    path = tmp_path / "a.tif"
    write(path, plain)
    (tmp_path / "a.tif.aux.xml").write_text(PAM)
    assert_same(path)
    with nacre.open(path) as ours:
        assert ours.nodatavals == (9, 11) and ours.crs.to_epsg() == 4326 and ours.scales == (20, 1)
        assert [entry["path"] for entry in ours.provenance] == [str(path), f"{path}.aux.xml"]


@pytest.mark.parametrize("plain", [True, False])
def test_points_of_a_pam_file_stand_for_those_of_the_tags(tmp_path: pathlib.Path, run: Any, plain: bool) -> None:
    path = tmp_path / "a.tif"
    write(path, plain)
    (tmp_path / "a.tif.aux.xml").write_text(GCPS)
    if plain:
        assert_same(path)  # else GDAL forgets AREA_OR_POINT of the tags
    told = json.loads(run("info", "--json", path).stdout)
    with rasterio.open(path) as theirs:
        points, crs = theirs.gcps
    assert [(p["pixel"], p["line"], p["x"], p["y"], p["z"]) for p in told["gcps"]] == [
        (p.col, p.row, p.x, p.y, p.z or 0) for p in points
    ]
    assert crs.to_epsg() == 4326 and told["crs"] is None


def test_statistics_that_gdal_puts_beside_a_file_are_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    write(path, plain=False)
    path.chmod(0o444)
    with rasterio.open(path) as dataset:
        dataset.statistics(2, approx=False)
        for index in (1, 2):
            dataset.stats(indexes=index) if hasattr(dataset, "stats") else None
    assert_same(path)


def test_a_pam_file_that_breaks_off_is_an_error_that_names_it(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    write(path, plain=True)
    (tmp_path / "a.tif.aux.xml").write_text("<PAMDataset><SRS>")
    reason = "line 1: no element found"
    with pytest.raises(nacre.RasterioIOError, match=rf"a\.tif\.aux\.xml: {reason}.*sidecars=never"):
        nacre.open(path)
    with nacre.Env(sidecars="never"):
        assert nacre.open(path).count == 2


@pytest.mark.parametrize(
    "text",
    ["<metadata><NoDataValue>1</NoDataValue></metadata>", "", "no such page", "<!DOCTYPE html><html><br></html>", "II*\0"],
)
def test_what_is_no_pam_document_says_nothing(tmp_path: pathlib.Path, text: str) -> None:
    path = tmp_path / "a.tif"
    write(path, plain=False)
    (tmp_path / "a.tif.aux.xml").write_text(text)
    with nacre.open(path) as ours:
        assert ours.nodata == 7


def test_a_large_pam_file_is_read_whole(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    write(path, plain=True)
    items = "".join(f'<MDI key="k{i}">{"v" * 100}</MDI>' for i in range(1000))
    (tmp_path / "a.tif.aux.xml").write_text(f"<PAMDataset><Metadata>{items}</Metadata></PAMDataset>")
    with nacre.open(path) as ours:
        assert len(ours.tags()) == 1000


@pytest.mark.parametrize("ending", ["tfw", "tifw", "wld"])
@pytest.mark.parametrize("plain", [True, False])
def test_a_world_file_counts_where_no_tag_tells_the_position(
    tmp_path: pathlib.Path, ending: str, plain: bool
) -> None:
    path = tmp_path / "a.tif"
    write(path, plain)
    (tmp_path / f"a.{ending}").write_text(WORLD)
    assert_same(path)
    with nacre.open(path) as ours:
        assert ours.transform.a == (2 if plain else 30)


def test_of_several_world_files_and_a_pam_file_the_right_one_counts(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    write(path, plain=True)
    for number, ending in enumerate(["wld", "tifw", "tfw"]):
        (tmp_path / f"a.{ending}").write_text(WORLD.replace("100.5", f"{number}00.5"))
        assert_same(path)
    (tmp_path / "a.tif.aux.xml").write_text(PAM)
    assert_same(path)


@pytest.mark.parametrize("text", ["", "1 2 3", "0\n0\n0\n0\n1\n2\n", "a\nb\nc\nd\ne\nf\n"])
def test_what_is_no_world_file_is_left_alone(tmp_path: pathlib.Path, text: str) -> None:
    path = tmp_path / "a.tif"
    write(path, plain=True)
    (tmp_path / "a.tfw").write_text(text)
    assert_same(path)


def test_in_a_store_one_listing_finds_all_and_one_round_reads_them(
    emulator: Emulator, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "any")
    write(tmp_path / "a.tif", plain=True)
    emulator.put("demo", "p/a.tif", (tmp_path / "a.tif").read_bytes())
    emulator.put("demo", "p/a.tif.aux.xml", PAM.encode())
    emulator.put("demo", "p/a.tfw", WORLD.encode())
    emulator.put("demo", "p/a.tiff", b"another")
    with counted(emulator) as cost:
        dataset = nacre.open("gs://demo/p/a.tif")
    assert len(cost.requests) == 4 and cost.rounds == 3  # the head, a listing, two files
    assert dataset.nodatavals == (9, 11) and dataset.transform.a == 0.1
    emulator.delete("demo", "p/a.tif.aux.xml")
    assert nacre.open("gs://demo/p/a.tif").transform.a == 2
    with nacre.Env(sidecars="never"):
        assert nacre.open("gs://demo/p/a.tif").transform.is_identity


# --- Rational polynomial coefficients beside a file ---

LISTS = {"LINE_NUM_COEFF": "lineNumCoef", "LINE_DEN_COEFF": "lineDenCoef", "SAMP_NUM_COEFF": "sampNumCoef",
         "SAMP_DEN_COEFF": "sampDenCoef"}  # fmt: skip
SINGLES = {"LINE_OFF": "lineOffset", "SAMP_OFF": "sampOffset", "LAT_OFF": "latOffset", "LONG_OFF": "longOffset",
           "HEIGHT_OFF": "heightOffset", "LINE_SCALE": "lineScale", "SAMP_SCALE": "sampScale", "LAT_SCALE": "latScale",
           "LONG_SCALE": "longScale", "HEIGHT_SCALE": "heightScale"}  # fmt: skip
RPC_TXT = "".join(f"{key}: +00{i}.50\n" for i, key in enumerate(SINGLES)) + "".join(
    f"{key}_{i}: {i}.5E-01\n" for key in LISTS for i in range(1, 21)
)
RPB = (
    'satId = "QB02";\nbandId = "P";\nSpecId = "RPC00B";\nBEGIN_GROUP = IMAGE\n\terrBias = 1.5;\n\terrRand = 0.5;\n'
    + "".join(f"\t{name} = {i}.25;\n" for i, name in enumerate(SINGLES.values()))
    + "".join("\t%s = (\n%s);\n" % (name, ",\n".join(f"\t\t\t{i}.25" for i in range(1, 21))) for name in LISTS.values())
    + "END_GROUP = IMAGE\nEND;\n"
)


@pytest.mark.parametrize(("ending", "text"), [(".RPB", RPB), (".rpb", RPB), ("_RPC.TXT", RPC_TXT), ("_rpc.txt", RPC_TXT)])
def test_coefficients_in_a_file_beside_are_read(tmp_path: pathlib.Path, ending: str, text: str) -> None:
    path = tmp_path / "a.tif"
    write(path, plain=True)
    (tmp_path / f"a{ending}").write_text(text)
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        assert len(theirs.tags(ns="RPC")) >= 14
        assert ours.tags(ns="RPC") == theirs.tags(ns="RPC")
        assert [entry["path"] for entry in ours.provenance] == [str(path), str(tmp_path / f"a{ending}")]


def test_coefficients_in_a_store(emulator: Emulator, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`_RPC.TXT` lies outside of the one listing, and is looked for where that is wanted, in the same round."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "any")
    write(tmp_path / "a.tif", plain=True)
    emulator.put("demo", "p/a.tif", (tmp_path / "a.tif").read_bytes())
    emulator.put("demo", "p/a_RPC.TXT", RPC_TXT.encode())
    assert nacre.open("gs://demo/p/a.tif").tags(ns="RPC") == {}
    with nacre.Env(sidecars="always"):
        with counted(emulator) as cost:
            dataset = nacre.open("gs://demo/p/a.tif")
        assert len(dataset.tags(ns="RPC")) >= 14
        assert cost.rounds <= 3
    emulator.put("demo", "p/a.RPB", RPB.encode())
    emulator.delete("demo", "p/a_RPC.TXT")
    assert len(nacre.open("gs://demo/p/a.tif").tags(ns="RPC")) >= 14


def test_what_lacks_a_coefficient_says_nothing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    write(path, plain=True)
    for missing in ("LAT_OFF", "SAMP_DEN_COEFF_7"):
        lines = [line for line in RPC_TXT.splitlines() if not line.startswith(f"{missing}:")]
        (tmp_path / "a_RPC.TXT").write_text("\n".join(lines))
        with nacre.open(path) as ours:
            assert ours.tags(ns="RPC") == {}
    (tmp_path / "a_RPC.TXT").unlink()
    for text in ("", "lineOffset = 1", RPB.replace("lineDenCoef = (", "lineDenCoef = "), RPB[:-300]):
        (tmp_path / "a.RPB").write_text(text)
        with nacre.open(path) as ours:
            assert ours.tags(ns="RPC") == {}


def test_coefficients_of_a_file_go_before_the_tag_and_that_before_a_pam_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    write(path, plain=True)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="RPC", **{key: "7" for key in SINGLES}, **{key: " ".join(["7"] * 20) for key in LISTS})
    (tmp_path / "a.tif.aux.xml").write_text(PAM)
    (tmp_path / "a.RPB").write_text(RPB)
    for first in ("0.25", "7"):
        with nacre.open(path) as ours, rasterio.open(path) as theirs:
            mine, its = ours.tags(ns="RPC"), theirs.tags(ns="RPC")
            assert mine["LINE_OFF"] == its["LINE_OFF"] == first
            assert mine.get("ERR_BIAS") != "1" != its.get("ERR_BIAS")
        (tmp_path / "a.RPB").unlink(missing_ok=True)
