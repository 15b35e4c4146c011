# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What goes wrong is one line, `nacre: PATH: reason`, with status 1, and leaves nothing half-written."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import NACRE, run_nacre

pytestmark = pytest.mark.sanitized


def refuse(path: Any, reason: str, *words: Any, status: int = 1, **changes: str) -> str:
    """The command fails with one line that names the path and says the reason."""
    done = run_nacre(*words, **changes)
    assert done.returncode == status, done.stderr
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith(f"nacre: {path}: "), lines[0]
    assert reason in lines[0], lines[0]
    return lines[0]


@pytest.fixture
def tif(data: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy of a real raster."""
    return pathlib.Path(shutil.copy(data / "RGB.byte.tif", tmp_path / "RGB.byte.tif"))


def vrt_of(source: str, relative: bool = False) -> str:
    return (
        '<VRTDataset rasterXSize="10" rasterYSize="10"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f'<SourceFilename relativeToVRT="{int(relative)}">{source}</SourceFilename><SourceBand>1</SourceBand>'
        '<SrcRect xOff="0" yOff="0" xSize="10" ySize="10"/><DstRect xOff="0" yOff="0" xSize="10" ySize="10"/>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )


def test_missing_file() -> None:
    refuse("/nonexistent/a.tif", "no such file", "info", "/nonexistent/a.tif")


def test_missing_object_and_bucket(emulator: Any) -> None:
    refuse("gs://demo/none.tif", "the bucket 'demo' has no object of this key; list it", "info", "gs://demo/none.tif", STORAGE_EMULATOR_HOST=emulator.url)
    refuse("gs://nobody/a.tif", "bucket", "ls", "gs://nobody/a.tif", STORAGE_EMULATOR_HOST=emulator.url)


def test_denied_says_what_was_looked_for_and_the_cure(emulator: Any) -> None:
    emulator.set_access(require_token="secret")
    began = time.monotonic()
    line = refuse("gs://demo/a.tif", "denied (", "info", "gs://demo/a.tif", STORAGE_EMULATOR_HOST=emulator.url)
    assert "no Google credentials found (looked in " in line
    assert "--no-sign-request" in line
    assert time.monotonic() - began < 1


def test_not_a_raster(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "text.tif"
    path.write_text("hello")
    refuse(path, "not a raster", "info", path)
    path.write_bytes(b"")
    refuse(path, "not a raster", "info", path)
    refuse(tmp_path, "directory", "info", tmp_path)


def refuse_to_convert(cut: pathlib.Path, reason: str) -> None:
    """And nothing is left beside it."""
    before = sorted(os.listdir(cut.parent))
    refuse(cut, reason, "convert", cut, cut.parent / "out.tif")
    assert sorted(os.listdir(cut.parent)) == before


@pytest.mark.parametrize("size", [4, 9, 100, 300, 5000, 100000])
def test_truncated_file(tif: pathlib.Path, tmp_path: pathlib.Path, size: int) -> None:
    cut = tmp_path / "cut.tif"
    cut.write_bytes(tif.read_bytes()[:size])
    refuse_to_convert(cut, "not a raster" if size < 8 else f"beyond the end of the file ({size} bytes)")


def test_truncated_within_its_blocks(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Its directories are whole: the first block that is missing is named."""
    content = (data / "cogeo.tif").read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(content[: len(content) * 6 // 10])
    run_nacre("info", cut).check_returncode()
    refuse_to_convert(cut, "block (")


@pytest.mark.parametrize("size", [9, 100, 100000])
def test_truncated_object(emulator: Any, tif: pathlib.Path, size: int) -> None:
    emulator.put("demo", "cut.tif", tif.read_bytes()[:size])
    words = ["convert", "gs://demo/cut.tif", "gs://demo/out.tif"]
    refuse("gs://demo/cut.tif", "beyond the end", *words, STORAGE_EMULATOR_HOST=emulator.url)
    assert "out.tif" not in os.listdir(emulator.root / "demo")


def test_a_damaged_tile_is_named_and_good_tiles_still_read(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "out.tif"
    refuse(data / "corrupt.tif", "block", "convert", data / "corrupt.tif", out)
    assert os.listdir(tmp_path) == []
    import nacre

    dataset = nacre.open(data / "corrupt.tif")
    rows, columns = dataset.block_shapes[0]
    good = bad = 0
    for y in range(0, dataset.height, rows):
        for x in range(0, dataset.width, columns):
            size = (min(columns, dataset.width - x), min(rows, dataset.height - y))
            try:
                dataset.read(window=nacre.windows.Window(x, y, *size))
                good += 1
            except nacre.RasterioIOError:
                bad += 1
    assert good > 0 and bad > 0


def test_unknown_crs(tif: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = run_nacre("warp", "-t", "EPSG:99999999", tif, tmp_path / "out.tif")
    assert done.returncode == 1
    assert done.stderr == "nacre: EPSG:99999999: unknown CRS\n"
    refuse("4326", "try EPSG:4326", "warp", "-t", "4326", tif, tmp_path / "out.tif")
    refuse("+proj=lala", "unknown CRS", "warp", "-t", "+proj=lala", tif, tmp_path / "out.tif")


def test_a_crs_of_heights_alone(tif: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = run_nacre("warp", "-t", "EPSG:5773", tif, tmp_path / "out.tif")
    assert done.returncode == 1 and "heights" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become nobody")
def test_no_permission(tmp_path: pathlib.Path) -> None:
    """A file that must not be written is not replaced either, whatever its directory allows."""
    room = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        room.chmod(0o777)
        (room / "kept").write_text("mine")
        (room / "kept").chmod(0o444)
        (room / "closed").mkdir(mode=0o700)
        (room / "new").write_text("new")
        (room / "new").chmod(0o644)

        def as_nobody(*words: Any) -> str:
            done = subprocess.run([NACRE, *words], cwd=room, user=65534, group=65534, extra_groups=[], capture_output=True, text=True, timeout=20)
            assert done.returncode == 1 and done.stderr.count("\n") == 1, done
            return done.stderr

        assert as_nobody("cp", "new", "kept") == "nacre: kept: cannot write: Permission denied\n"
        assert (room / "kept").read_text() == "mine" and (room / "kept").owner() == "root"
        assert as_nobody("ls", "closed") == "nacre: closed: cannot list: Permission denied\n"
        assert as_nobody("ls", "-r", ".") == "nacre: ./closed/: cannot list: Permission denied\n"
    finally:
        shutil.rmtree(room)


def test_nodata_that_no_pixel_can_have(tif: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for value in ("300", "-1", "nan", "0.5"):
        refuse(tif, "cannot hold the nodata value", "convert", "-a_nodata", value, tif, tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()


def test_window_outside(tif: pathlib.Path, tmp_path: pathlib.Path) -> None:
    refuse(tif, "outside", "convert", "--window", "700,700,500,500", tif, tmp_path / "out.tif")


def test_unknown_codec_is_named(tif: pathlib.Path, tmp_path: pathlib.Path) -> None:
    content = bytearray(tif.read_bytes())
    at = struct.unpack("<I", content[4:8])[0]
    for entry in range(struct.unpack("<H", content[at : at + 2])[0]):
        field = at + 2 + 12 * entry
        if struct.unpack("<H", content[field : field + 2])[0] == 259:
            content[field + 8 : field + 10] = struct.pack("<H", 34712)
    path = tmp_path / "jp2.tif"
    path.write_bytes(content)
    line = refuse(path, "34712", "convert", path, tmp_path / "out.tif")
    assert "compression" in line


def test_a_vrt_that_names_itself(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "self.vrt"
    path.write_text(vrt_of("self.vrt", relative=True))
    done = run_nacre("convert", path, tmp_path / "out.tif")
    assert done.returncode == 1
    assert "itself" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("kind", ["versions", "items", "bands"])
def test_a_vrt_with_very_much_of_something_does_not_take_for_ever(tmp_path: pathlib.Path, kind: str) -> None:
    """Each took minutes when it was looked through from its beginning for each of its parts."""
    count, band = 60000, '<VRTRasterBand dataType="Byte"/>'
    name = '<SimpleSource><SourceFilename relativeToVRT="1" pinnedVersion="v{}">a.tif</SourceFilename></SimpleSource>'
    bodies = {
        "versions": '<VRTRasterBand dataType="Byte">' + "".join(map(name.format, range(count))) + "</VRTRasterBand>",
        "items": "<Metadata>" + "".join(map('<MDI key="k{}">v</MDI>'.format, range(count))) + "</Metadata>" + band,
        "bands": band * count,
    }
    path = tmp_path / "much.vrt"
    path.write_text(f'<VRTDataset rasterXSize="9" rasterYSize="9">{bodies[kind]}</VRTDataset>')
    done = subprocess.run([NACRE, "info", path], capture_output=True, text=True, timeout=15)
    assert done.returncode == 0, done.stderr


def test_a_vrt_with_a_missing_source(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.vrt"
    path.write_text(vrt_of("gone.tif", relative=True))
    refuse(tmp_path / "gone.tif", "no such file", "convert", path, tmp_path / "out.tif")


@pytest.mark.parametrize("name", ["/etc/passwd", "file:///etc/passwd", "mem://x", "/vsimem/x", "FILE:///etc/passwd"])
def test_a_vrt_from_a_bucket_that_names_a_local_file(emulator: Any, tmp_path: pathlib.Path, name: str) -> None:
    emulator.put("demo", "a.vrt", vrt_of(name).encode())
    done = run_nacre("convert", "gs://demo/a.vrt", tmp_path / "out.tif", STORAGE_EMULATOR_HOST=emulator.url)
    assert done.returncode == 1
    assert "refused" in done.stderr or "sources" in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("element", ["SRS", "SourceSRS"])
def test_a_vrt_from_a_bucket_whose_crs_names_a_file(emulator: Any, tif: pathlib.Path, tmp_path: pathlib.Path, element: str) -> None:
    view = tmp_path / "a.vrt"
    assert run_nacre("warp", "-t", "EPSG:3857", tif, view).returncode == 0
    text, count = re.subn(f"(<{element}[^>]*>)[^<]*", r"\1+proj=longlat +ellps=GRS80 +nadgrids=/etc/passwd", view.read_text())
    assert count == 1
    view.write_text(text)
    assert run_nacre("info", view).returncode == 0
    emulator.put("demo", "a.vrt", view.read_bytes())
    line = refuse("gs://demo/a.vrt", "/etc/passwd", "info", "gs://demo/a.vrt", STORAGE_EMULATOR_HOST=emulator.url)
    assert "refused" in line and "sources=any" in line
    done = run_nacre("info", "--config", "sources=any", "gs://demo/a.vrt", STORAGE_EMULATOR_HOST=emulator.url)
    assert done.returncode == 0, done.stderr


def test_no_space_left(tif: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The limit of a file's size stands in for a full disk."""
    out = tmp_path / "out.tif"
    limited = f"trap '' XFSZ; ulimit -f 64; exec {NACRE} convert {tif} {out}"
    done = subprocess.run(["sh", "-c", limited], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert done.stderr == f"nacre: {out}: cannot write: File too large\n"
    assert sorted(os.listdir(tmp_path)) == ["RGB.byte.tif"]


@pytest.mark.parametrize("command", ["convert", "cp", "warp -t EPSG:3857"])
def test_no_space_left_on_a_full_file_system(tif: pathlib.Path, tmp_path: pathlib.Path, command: str) -> None:
    """One of 64 KiB, mounted for this test alone; what was there stays, nothing else does."""
    room = tmp_path / "room"
    room.mkdir()
    mount = ["unshare", *(["-m"] if os.geteuid() == 0 else ["-rm"]), "sh", "-ec"]
    mounted = f"mount -t tmpfs -o size=64k none {room}; echo mine >{room}/kept.tif; "
    if subprocess.run([*mount, mounted], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    for name in ("new.tif", "kept.tif"):
        overwrite = "" if command == "cp" else "--overwrite"
        work = f"{NACRE} {command} {overwrite} {tif} {room}/{name} || echo $?; ls -A {room}; cat {room}/kept.tif"
        done = subprocess.run([*mount, mounted + work], capture_output=True, text=True, timeout=60)
        assert done.stderr == f"nacre: {room}/{name}: cannot write: No space left on device\n"
        assert done.stdout == "1\nkept.tif\nmine\n"


def test_connection_refused() -> None:
    refuse("http://127.0.0.1:9/a.tif", "cannot connect", "info", "--config", "http.retries=0", "http://127.0.0.1:9/a.tif")


@pytest.mark.parametrize("target", ["out.tif", "out.vrt", "out.png"])
def test_an_existing_destination_stays_without_overwrite(tif: pathlib.Path, tmp_path: pathlib.Path, target: str) -> None:
    out = tmp_path / target
    out.write_text("mine")
    refuse(out, "exists", "convert" if target.endswith("png") else "warp", *([] if target.endswith("png") else ["-t", "EPSG:3857"]), tif, out)
    assert out.read_text() == "mine"


def test_an_existing_object_stays_without_overwrite(emulator: Any, tif: pathlib.Path) -> None:
    emulator.put("demo", "out.vrt", b"mine")
    emulator.put("demo", "in.tif", tif.read_bytes())
    words = ["warp", "-t", "EPSG:3857", "gs://demo/in.tif", "gs://demo/out.vrt"]
    refuse("gs://demo/out.vrt", "exists", *words, STORAGE_EMULATOR_HOST=emulator.url)
    assert emulator.request("GET", "/demo/out.vrt").body == b"mine"


def test_a_server_that_ignores_range_is_read_whole(emulator: Any, tif: pathlib.Path, run: Callable[..., Any]) -> None:
    emulator.put("demo", "in.tif", tif.read_bytes())
    emulator.set_faults("norange:1")
    done = run_nacre("info", "gs://demo/in.tif", STORAGE_EMULATOR_HOST=emulator.url)
    assert done.returncode == 0, done.stderr
    options = {"STORAGE_EMULATOR_HOST": emulator.url, "NACRE_LIMIT_WHOLE_READ": "10k"}
    refuse("gs://demo/in.tif", "limit.whole_read", "info", "gs://demo/in.tif", **options)


def test_a_server_that_sends_another_range(emulator: Any, tif: pathlib.Path) -> None:
    emulator.put("demo", "in.tif", tif.read_bytes())
    emulator.set_faults("wrongrange:1")
    refuse("gs://demo/in.tif", "range", "info", "gs://demo/in.tif", STORAGE_EMULATOR_HOST=emulator.url)


@pytest.mark.parametrize(
    "words", [[], ["nosuch"], ["info"], ["info", "--nosuch", "x"], ["warp", "a.tif"], ["info", "--cache", "ttl=x", "x"], ["cp", "a"]]
)
def test_wrong_usage_is_status_2(words: list[str]) -> None:
    done = run_nacre(*words)
    assert done.returncode == 2
    assert done.stderr.strip()


def test_other_cache_policies_name_those_there_are() -> None:
    done = run_nacre("info", "--cache", "ttl=x", "x.tif")
    assert "fresh" in done.stderr and "offline" in done.stderr
