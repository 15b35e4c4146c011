# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Members of ZIP archives, written by Python's zipfile, beside GDAL and on every kind of store."""

from __future__ import annotations

import functools
import http.server
import io
import pathlib
import threading
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import Emulator, run_nacre, worked
from s3client import client_of
from test_contract import geotiff
from test_rounds import counted

import nacre

STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


class Unseekable(io.RawIOBase):
    """A file that zipfile cannot go back in, so that sizes follow the members."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


def archive(members: dict[str, bytes], method: int = STORED, zip64: bool = False, comment: bytes = b"") -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as file:
        for name, data in members.items():
            with file.open(name, "w", force_zip64=zip64) as one:
                one.write(data)
        file.comment = comment
    return raw.getvalue()


def streamed(members: dict[str, bytes], method: int) -> bytes:
    raw = Unseekable()
    with zipfile.ZipFile(raw, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return bytes(raw.data)


def noise(count: int = 200_000) -> bytes:
    return np.random.default_rng(1).integers(0, 256, count, dtype="uint8").tobytes()


def values(path: Any) -> np.ndarray:
    with nacre.open(path) as dataset:
        return dataset.read()


def gdals(path: str) -> np.ndarray:
    import rasterio

    with rasterio.open(path) as dataset:
        return dataset.read()


FORMS = {
    "stored": lambda members: archive(members),
    "deflated": lambda members: archive(members, DEFLATED),
    "zip64": lambda members: archive(members, DEFLATED, zip64=True),
    "descriptors": lambda members: streamed(members, DEFLATED),
    "stored descriptors": lambda members: streamed(members, STORED),
    "comment": lambda members: archive(members, comment=b"x" * 60000),
    "program": lambda members: b"#!/bin/sh\nexit 1\n" * 50 + archive(members),
}


@pytest.mark.parametrize("form", FORMS)
def test_members_are_read_as_gdal_reads_them(form: str, tmp_path: pathlib.Path) -> None:
    members = {"a.tif": geotiff(3), "noise": noise(), "d/é b.tif": geotiff(4), "d/e/c.tif": geotiff(5, driver="COG")}
    (tmp_path / "a.zip").write_bytes(FORMS[form](members))
    for name in ["a.tif", "d/é b.tif", "d/e/c.tif"]:
        expected = gdals(f"/vsizip/{tmp_path}/a.zip/{name}")
        for path in [
            f"zip://{tmp_path}/a.zip!{name}",
            f"/vsizip/{tmp_path}/a.zip/{name}",
            f"/vsizip/{{{tmp_path}/a.zip}}/{name}",
        ]:
            assert np.array_equal(values(path), expected)


def test_a_directory_of_many_members_is_zip64(tmp_path: pathlib.Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for number in range(70_000):
            file.writestr(f"{number}", b"")
        file.writestr("x.tif", geotiff(3))
    assert np.array_equal(values(f"zip://{tmp_path}/a.zip!x.tif"), gdals(f"/vsizip/{tmp_path}/a.zip/x.tif"))
    lines = worked(run_nacre("ls", "-r", f"zip://{tmp_path}/a.zip")).decode().splitlines()
    assert len(lines) == 70_001


@pytest.fixture
def web(tmp_path: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
    """A web server without ranges, and the folder that it serves."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


def test_archives_lie_in_every_store(
    emulator: Emulator, gs: Any, web: tuple[str, pathlib.Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    for name, value in [("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "s"), ("ENDPOINT_URL_S3", emulator.s3_url)]:
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    data = archive({"noise": noise(), "d/x.tif": geotiff(7), "d/y.tif": geotiff(8)}, DEFLATED)
    url, folder = web
    (folder / "a.zip").write_bytes(data)
    emulator.put("demo", "d/a.zip", data)
    client_of(emulator.s3_url, aws_access_key_id="a", aws_secret_access_key="s").put_object(
        Bucket="demo", Key="s3.zip", Body=data
    )
    worked(gs("cp", folder / "a.zip", "gs://demo/copied.zip"))
    paths = [
        "zip+gs://demo/d/a.zip!d/x.tif",
        "/vsizip/vsigs/demo/d/a.zip/d/x.tif",
        "zip+gs://demo/copied.zip!d/x.tif",
        "zip+s3://demo/s3.zip!d/x.tif",
        "/vsizip/{/vsis3/demo/s3.zip}/d/x.tif",
        f"zip+{url}/a.zip!d/x.tif",
        f"/vsizip//vsicurl/{url}/a.zip/d/x.tif",
    ]
    for path in paths:
        assert (values(path) == 7).all(), path


@pytest.fixture
def cog(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "any")
    return geotiff(9, driver="COG")


def test_a_cold_open_is_three_requests_and_a_warm_one_a_proof(emulator: Emulator, cog: bytes) -> None:
    data = archive({"noise": noise(), "x.tif": cog, "more": noise(), "y.tif": cog})
    emulator.put("demo", "a.zip", data)
    size, tail = len(data), 66 * 1024
    with counted(emulator) as cost:
        with nacre.open("zip+gs://demo/a.zip!x.tif") as dataset:
            assert (dataset.read() == 9).all()
    begin = data.index(b"PK\3\4", 1)
    assert cost.requests[:2] == ["GET 206 bytes=0-32767", f"GET 206 bytes={size - tail}-{size - 1}"]
    assert cost.requests[2].startswith(f"GET 206 bytes={begin}-") and len(cost.requests) == 3
    assert cost.rounds == 3
    for name, count in [("x.tif", 1), ("y.tif", 1)]:  # y lies in the tail
        with counted(emulator) as cost:
            assert (values(f"/vsizip/vsigs/demo/a.zip/{name}") == 9).all()
        assert cost.requests[0] == "GET 304 bytes=0-32767" or cost.requests[0].startswith("GET 304")
        assert len(cost.requests) == count and cost.rounds == 1


def test_a_plain_tiff_is_looked_beside_in_the_archive_itself(emulator: Emulator, cog: bytes) -> None:
    members = {"x.tif": geotiff(3), "noise": noise(), "x.tif.aux.xml": b"<PAMDataset/>"}
    emulator.put("demo", "a.zip", archive(members))
    values("zip+gs://demo/a.zip!x.tif")
    emulator.take_log()
    values("zip+gs://demo/a.zip!x.tif")
    log = emulator.take_log()
    assert all(entry["method"] == "GET" and entry["status"] == 304 for entry in log) and len(log) <= 2


def test_an_archive_that_is_overwritten_is_changed_never_mixed(emulator: Emulator, cog: bytes) -> None:
    for method in [STORED, DEFLATED]:
        old, new = np.full((1, 1024, 1024), 1, "uint8"), np.full((1, 1024, 1024), 2, "uint8")
        rng = np.random.default_rng(2)
        old[0, ::2] = rng.integers(0, 256, (512, 1024))
        new[0, ::2] = rng.integers(0, 256, (512, 1024))
        emulator.put("demo", "a.zip", archive({"x.tif": plain(old), "noise": noise()}, method))
        path = "zip+gs://demo/a.zip!x.tif"
        with nacre.open(path) as dataset:
            emulator.put("demo", "a.zip", archive({"x.tif": plain(new), "noise": noise()}, method))
            try:
                assert np.array_equal(dataset.read(), old)  # it was unpacked whole at the open
            except nacre.errors.ObjectChangedError as error:
                assert method == STORED
                assert path in str(error) and "was zip=" in str(error) and "now zip=" in str(error)
            else:
                assert method == DEFLATED
        assert np.array_equal(values(path), new)


def plain(pixels: np.ndarray) -> bytes:
    from rasterio.io import MemoryFile

    with MemoryFile() as file:
        with file.open(driver="GTiff", width=1024, height=1024, count=1, dtype="uint8") as dataset:
            dataset.write(pixels)
        return file.read()


def test_puts_by_others_are_seen_at_once(gs: Any, cog: bytes, tmp_path: pathlib.Path) -> None:
    for number in range(3):
        (tmp_path / "a.zip").write_bytes(archive({f"{number}.tif": geotiff(number)}))
        worked(gs("cp", tmp_path / "a.zip", "gs://demo/a.zip"))
        assert (values(f"zip+gs://demo/a.zip!{number}.tif") == number).all()
        with pytest.raises(nacre.errors.ObjectNotFoundError, match="no member"):
            nacre.open(f"zip+gs://demo/a.zip!{number + 1}.tif")


def vrt(source: str, relative: int) -> bytes:
    return f"""<VRTDataset rasterXSize="512" rasterYSize="512"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>
<SourceFilename relativeToVRT="{relative}">{source}</SourceFilename><SourceBand>1</SourceBand>
</SimpleSource></VRTRasterBand></VRTDataset>""".encode()


def test_documents_inside_name_members_and_do_not_lead_out(
    emulator: Emulator, cog: bytes, tmp_path: pathlib.Path
) -> None:
    members = {
        "x.tif": cog,
        "d/in.vrt": vrt("../x.tif", 1),
        "d/out.vrt": vrt("../../x.tif", 1),
        "d/local.vrt": vrt(f"zip://{tmp_path}/a.zip!x.tif", 0),
        "d/vsi.vrt": vrt(f"/vsizip/{tmp_path}/a.zip/x.tif", 0),
        "d/own.vrt": vrt("/vsizip//vsigs/demo/a.zip/x.tif", 0),
    }
    (tmp_path / "a.zip").write_bytes(archive(members))
    emulator.put("demo", "a.zip", archive(members))
    emulator.put("demo", "beside.vrt", vrt(f"/vsizip/{tmp_path}/a.zip/x.tif", 0))
    for base in ["zip+gs://demo/a.zip!", f"zip://{tmp_path}/a.zip!"]:
        assert (values(base + "d/in.vrt") == 9).all()
        assert (values(base + "d/own.vrt") == 9).all()
        with pytest.raises(ValueError, match="leads out of the archive"):
            values(base + "d/out.vrt")
    assert np.array_equal(gdals(f"/vsizip/{tmp_path}/a.zip/d/in.vrt"), values(f"zip://{tmp_path}/a.zip!d/in.vrt"))
    for path in ["zip+gs://demo/a.zip!d/local.vrt", "zip+gs://demo/a.zip!d/vsi.vrt", "gs://demo/beside.vrt"]:
        with pytest.raises(nacre.errors.RasterioIOError, match="refused: .* a local file"):
            values(path)
    assert (values(f"zip://{tmp_path}/a.zip!d/local.vrt") == 9).all()


def test_a_saved_mosaic_of_members_is_opened_by_gdal(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zip").write_bytes(archive({"x.tif": geotiff(6)}, DEFLATED))
    monkeypatch.chdir(tmp_path)
    worked(run_nacre("vrt", "zip://a.zip!x.tif", tmp_path / "m.vrt"))
    monkeypatch.chdir("/")
    assert (values(str(tmp_path / "m.vrt")) == 6).all()
    assert (gdals(str(tmp_path / "m.vrt")) == 6).all()


def test_a_mosaic_of_many_members_takes_the_rounds_of_one(emulator: Emulator, cog: bytes) -> None:
    count = 30
    members = {f"{number}.tif": cog for number in range(count)} | {"noise": noise()}
    emulator.put("demo", "a.zip", archive(members))
    band = "".join(
        f"<SimpleSource><SourceFilename>/vsizip//vsigs/demo/a.zip/{number}.tif</SourceFilename><SourceBand>1</SourceBand>"
        f'<DstRect xOff="{number * 10}" yOff="0" xSize="10" ySize="512"/></SimpleSource>'
        for number in range(count)
    )
    text = f'<VRTDataset rasterXSize="{count * 10}" rasterYSize="512"><VRTRasterBand dataType="Byte" band="1">{band}'
    emulator.put("demo", "m.vrt", (text + "</VRTRasterBand></VRTDataset>").encode())
    emulator.set_latency(100)  # so that all are opened before the first is answered
    with nacre.open("gs://demo/m.vrt") as dataset:
        with counted(emulator) as cost:
            assert (dataset.read() == 9).all()
        assert cost.rounds <= 5
        proofs = [request for request in cost.requests if request.endswith("bytes=0-32767")]
        assert len(proofs) < count / 3


def test_listings_and_stat_tell_the_members(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.zip").write_bytes(archive({"x": b"123", "d/y": b"1", "d/e/z": b""}))
    base = f"zip://{tmp_path}/a.zip"
    assert worked(run_nacre("ls", "-r", base)).decode().split() == [f"{base}!{name}" for name in ["d/e/z", "d/y", "x"]]
    assert worked(run_nacre("ls", f"{base}!d")).decode().split() == [f"{base}!d/e/", f"{base}!d/y"]
    assert b"3" in worked(run_nacre("stat", f"{base}!x"))
    assert worked(run_nacre("cat", f"{base}!x")) == b"123"
    assert run_nacre("ls", f"{base}!no").returncode != 0
    assert "only read" in run_nacre("rm", f"{base}!x").stderr


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: pathlib.Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", DEFLATED) as file:
        with file.open("bomb", "w") as member:
            for _ in range(100):
                member.write(bytes(1 << 20))
    done = run_nacre("cat", f"zip://{tmp_path}/a.zip!bomb")
    assert "limit.whole_read" in done.stderr and done.stdout == b""


def test_a_young_archive_is_read_as_it_is(tmp_path: pathlib.Path) -> None:
    for number in range(20):
        (tmp_path / "a.zip").write_bytes(archive({"x.tif": geotiff(number)}, DEFLATED))
        assert (values(f"zip://{tmp_path}/a.zip!x.tif") == number).all()
        time.sleep(0.001 * (number % 3))
