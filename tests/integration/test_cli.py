# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The command: its grammar, exit statuses, output, and what it says when something is wrong."""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

import pytest
import schema
from conftest import NACRE, ROOT, Emulator, clean_environment, need, run_nacre, worked

pytestmark = pytest.mark.sanitized

COMMANDS = ["info", "stat", "ls", "cat", "cp", "mv", "rm", "vrt", "warp", "convert", "compare", "tile", "doctor",
            "emulator", "gdal-env"]  # fmt: skip


def failed(done: subprocess.CompletedProcess, status: int, *parts: str) -> None:
    """The command failed with one line that says so."""
    assert done.returncode == status, done
    assert done.stderr.startswith("nacre: "), done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("\n"), done.stderr
    for part in parts:
        assert part in done.stderr, done.stderr


def raster(folder: pathlib.Path, name: str, shift: int = 0, **options: object) -> pathlib.Path:
    """A GeoTIFF of 64 by 48 pixels, two bands, made by Rasterio; shift moves it to the right, in pixels."""
    need("rasterio")
    import numpy
    import rasterio
    from rasterio.transform import from_origin

    pixels = (numpy.arange(2 * 48 * 64).reshape(2, 48, 64) % 251).astype("uint8")
    settings = {"crs": "EPSG:32618", "transform": from_origin(500000 + 10 * shift, 4000000, 10, 10), "dtype": "uint8", **options}
    with rasterio.open(folder / name, "w", driver="GTiff", width=64, height=48, count=2, **settings) as target:
        target.write(pixels.astype(settings["dtype"]))
    return folder / name


# --- The grammar -----------------------------------------------------------------------------------------------------


def test_help_lists_exactly_the_commands_that_are_built() -> None:
    text = worked(run_nacre("--help")).decode()
    listed = [line.split()[0] for line in text.split("\n") if line.startswith("  ") and line.strip()]
    assert listed == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    text = worked(run_nacre(command, "--help")).decode()
    assert text.startswith(f"usage: nacre {command} ")
    assert worked(run_nacre(command, "-h")).decode() == text
    assert all(len(line) <= 120 for line in text.split("\n"))


def test_version() -> None:
    assert worked(run_nacre("--version")).startswith(b"nacre 0.")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["--help"]),
        (["convrt"], ["did you mean 'convert'"]),
        (["frobnicate"], ["unknown command 'frobnicate'"]),
        (["info"], ["PATH..."]),
        (["info", "--jsn", "x"], ["unknown option --jsn", "did you mean --json"]),
        (["ls", "-lr", "x"], ["unknown option -lr"]),
        (["warp", "-t_sr", "EPSG:3857", "a", "b"], ["did you mean -t_srs"]),
        (["warp", "a", "b", "--dst-crs"], ["--dst-crs needs a value"]),
        (["warp", "-te", "1", "2", "3"], ["-te needs 4 values"]),
        (["warp", "--bounds", "1,2,3", "a", "b"], ["LEFT,BOTTOM,RIGHT,TOP"]),
        (["warp", "--bounds", "3,2,1,4", "a", "b"], ["empty"]),
        (["warp", "--res", "0", "a", "b"], ["resolution"]),
        (["warp", "--tap", "a", "b"], ["--tap needs --res"]),
        (["warp", "-r", "nonsense", "a", "b"], ["no such resampling"]),
        (["warp", "-ot", "nonsense", "a", "b"], ["no such data type"]),
        (["warp", "--size", "10", "a", "b"], ["WIDTH,HEIGHT"]),
        (["warp", "--res", "1", "--size", "1,1", "a", "b"], ["exclude"]),
        (["warp", "--overwrite=yes", "a", "b"], ["takes no value"]),
        (["warp", "--pin", "a", "b"], ["unknown option --pin"]),
        (["convert", "a", "b", "c"], ["too many arguments, beginning with 'c'"]),
        (["convert", "--window", "0,0,1", "a", "b"], ["COLUMN,ROW,WIDTH,HEIGHT"]),
        (["convert", "-b", "0", "a", "b"], ["from 1"]),
        (["convert", "-projwin", "0", "0", "1", "1", "a", "b"], ["ULX ULY LRX LRY"]),
        (["ls", "--cache", "ttl=-1", "x"], ["--cache: 'ttl=-1' is none of fresh, ttl=SECONDS, immutable, offline"]),
        (["ls", "--cache", "ttl=abc", "x"], ["fresh, ttl=SECONDS, immutable, offline"]),
        (["ls", "--config", "gs.endpoint", "x"], ["KEY=VALUE"]),
        (["ls", "--config", "no.such.key=1", "x"], ["no.such.key"]),
        (["ls", "--profil", "p", "x"], ["unknown option --profil", "did you mean --profile?"]),
        (["cp", "a", "b", "c"], ["ends with a slash"]),
        (["cp", "-n", "--if-match", "x", "a", "b"], ["exclude"]),
        (["cat", "--range", "5", "a"], ["A-B"]),
        (["convert", "-b", "", "a", "b"], ["from 1"]),
        (["warp", "--tolerance", "-1", "a", "b"], ["--tolerance"]),
        (["warp", "-t", "", "a", "b"], ["empty"]),
        (["compare", "--tolerance", "-1", "a", "b"], ["--tolerance"]),
    ],
)
def test_usage_errors_are_status_2_with_a_hint(words: list[str], parts: list[str]) -> None:
    failed(run_nacre(*words), 2, "see 'nacre", *parts) if words and words[0] != "convrt" else failed(run_nacre(*words), 2, *parts)


def test_two_dashes_end_options(tmp_path: pathlib.Path) -> None:
    (tmp_path / "-x").write_bytes(b"dash")
    done = subprocess.run([NACRE, "cat", "--", "-x"], cwd=tmp_path, capture_output=True, timeout=20)
    assert (done.returncode, done.stdout) == (0, b"dash")


def test_gdal_spellings_and_long_options_mean_the_same(tmp_path: pathlib.Path) -> None:
    source = raster(tmp_path, "s.tif")
    worked(run_nacre("convert", "-srcwin", "4", "8", "32", "16", "-b", "2", "-b", "1", "-ot", "UInt16", source, tmp_path / "a.tif"))
    worked(run_nacre("convert", "--window", "4 8 32 16", "--bands=2,1", "--dtype", "uint16", source, tmp_path / "b.tif"))
    worked(run_nacre("convert", "-projwin", "500040", "3999920", "500360", "3999760", "-b", "2", "-b", "1", "-ot", "UInt16", source, tmp_path / "c.tif"))
    worked(run_nacre("convert", "--bounds", "500040,3999760,500360,3999920", "-b", "2,1", "-ot", "UInt16", source, tmp_path / "d.tif"))
    for other in "bcd":
        assert worked(run_nacre("compare", tmp_path / "a.tif", tmp_path / f"{other}.tif")) == b""


# A command, options that all its spellings are given with, the kind of file, and the spellings.
SPELLINGS = [
    ("warp", "", "vrt", ["-t EPSG:3857", "-t_srs EPSG:3857", "--dst-crs EPSG:3857", "--dst-crs=EPSG:3857"]),
    ("warp", "-t EPSG:3857", "vrt", ["-s EPSG:32619", "-s_srs EPSG:32619", "--src-crs EPSG:32619"]),
    ("warp", "-t EPSG:3857", "vrt", ["-r cubic", "--resampling cubic", "--resampling=cubic"]),
    ("warp", "-t EPSG:3857", "vrt", ["-tr 7 9", "--res 7,9", "--res '7 9'"]),
    ("warp", "-t EPSG:3857 --res 7", "vrt", ["-tap", "--tap"]),
    ("warp", "-t EPSG:3857", "vrt", ["-te -8237000 4315000 -8236500 4315400", "--bounds=-8237000,4315000,-8236500,4315400"]),
    ("warp", "-t EPSG:3857", "vrt", ["-ts 30 0", "--size 30,0"]),
    ("warp", "-t EPSG:3857", "vrt", ["-srcnodata 3", "--src-nodata 3"]),
    ("warp", "-t EPSG:3857", "vrt", ["-dstnodata 7", "--dst-nodata 7"]),
    ("warp", "-t EPSG:3857", "vrt", ["-dstalpha", "--add-alpha"]),
    ("warp", "-t EPSG:3857", "vrt", ["-et 0.5", "--tolerance 0.5"]),
    ("warp", "-t EPSG:3857", "vrt", ["-ot Int16", "--dtype int16"]),
    ("warp", "-t EPSG:3857", "tif", ["-of GTiff -co COMPRESS=ZSTD", "--format GTiff --co COMPRESS=ZSTD"]),
    ("convert", "", "tif", ["-a_srs EPSG:32619", "--assign-crs EPSG:32619"]),
    ("convert", "", "tif", ["-a_nodata 9", "--nodata 9"]),
    ("convert", "", "tif", ["-outsize 50% 0", "--size 50%,0", "--size 32,24"]),
    ("convert", "", "tif", ["-b 2", "--bands 2"]),
    ("vrt", "", "vrt", ["-tr 5 5", "--res 5,5"]),
    ("vrt", "", "vrt", ["-te 500100 3999600 500500 3999900", "--bounds 500100,3999600,500500,3999900"]),
    ("vrt", "", "vrt", ["-srcnodata 3", "--src-nodata 3"]),
    ("vrt", "", "vrt", ["-vrtnodata 7", "--dst-nodata 7"]),
]


@pytest.mark.parametrize(("command", "common", "kind", "spellings"), SPELLINGS, ids=lambda value: value[0] if isinstance(value, list) else "")
def test_every_spelling_of_an_option_has_the_same_effect(
    tmp_path: pathlib.Path, command: str, common: str, kind: str, spellings: list[str]
) -> None:
    source, out = raster(tmp_path, "s.tif"), tmp_path / f"out.{kind}"

    def made(options: str) -> bytes:
        worked(run_nacre(command, *shlex.split(common + " " + options), "--overwrite", source, out))
        return out.read_bytes()

    first = made(spellings[0])
    assert first != made("")
    assert [made(spelling) == first for spelling in spellings[1:]] == [True] * (len(spellings) - 1)


def test_the_number_of_threads_changes_no_byte(tmp_path: pathlib.Path) -> None:
    source = raster(tmp_path, "s.tif")
    made = []
    for threads in ("1", "4"):
        worked(run_nacre("warp", "-t", "EPSG:3857", "-r", "cubic", "--threads", threads, "--overwrite", source, tmp_path / "t.tif"))
        made.append((tmp_path / "t.tif").read_bytes())
    assert made[0] == made[1]
    failed(run_nacre("warp", "--threads", "none", source, tmp_path / "t.tif"), 2, "threads")


# --- Storage ---------------------------------------------------------------------------------------------------------


def test_copy_list_move_and_remove(emulator: Emulator, gs, tmp_path: pathlib.Path) -> None:
    (tmp_path / "f").write_bytes(b"content")
    worked(gs("cp", tmp_path / "f", "gs://demo/dir/"))
    worked(gs("cp", "gs://demo/dir/f", "/vsigs/demo/g"))
    assert worked(gs("ls", "gs://demo/")).decode().split() == ["gs://demo/dir/", "gs://demo/g"]
    for words in (["-r"], ["--recursive"]):
        assert worked(gs("ls", *words, "gs://demo/")).decode().split() == ["gs://demo/dir/f", "gs://demo/g"]
    assert worked(gs("ls", "-l", "gs://demo/g")) == worked(gs("ls", "--long", "gs://demo/g")) != worked(gs("ls", "gs://demo/g"))
    entries = [json.loads(line) for line in worked(gs("ls", "--json", "-r", "gs://demo")).decode().splitlines()]
    generation = emulator.resource("demo", "g")["generation"]
    assert [entry["size"] for entry in entries] == [7, 7]
    assert entries[1]["version"] == f"generation={generation}"
    assert entries[1]["schema"] == 1 and entries[1]["version_is_strong"]
    assert b" 7 " in worked(gs("ls", "-l", "gs://demo/g"))
    assert json.loads(worked(gs("stat", "--json", "gs://demo/g")))["version"] == f"generation={generation}"
    assert f"generation={generation}" in worked(gs("stat", "gs://demo/g")).decode()
    worked(gs("mv", "gs://demo/g", tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == b"content"
    worked(gs("rm", "gs://demo/dir/f"))
    assert worked(gs("ls", "gs://demo/")) == b""
    failed(gs("rm", "gs://demo/dir/f"), 1, "gs://demo/dir/f: ", "not found")
    failed(gs("stat", "gs://demo/g"), 1, "gs://demo/g: not found")


def test_trees_are_copied_whole(emulator: Emulator, gs, tmp_path: pathlib.Path) -> None:
    names = [f"a{n}/b{n % 3}/f{n}" for n in range(150)]
    for name in names:
        (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / name).write_text(name)
    worked(gs("cp", "-r", tmp_path / "src", "gs://demo/t"))
    assert worked(gs("ls", "-r", "gs://demo/t/")).decode().split() == sorted(f"gs://demo/t/{name}" for name in names)
    worked(gs("cp", "-r", "gs://demo/t", tmp_path / "dst"))
    assert all((tmp_path / "dst" / name).read_text() == name for name in names)
    worked(gs("rm", "-r", "gs://demo/t/a1"))
    assert len(worked(gs("ls", "-r", "gs://demo")).split()) == 149
    worked(gs("rm", "-r", "gs://demo/t", tmp_path / "dst"))
    assert worked(gs("ls", "-r", "gs://demo")) == b""
    assert not (tmp_path / "dst").exists()
    failed(gs("rm", "-r", "gs://demo/t"), 1, "not found")


def test_a_tree_is_moved_and_leaves_no_folders(emulator: Emulator, gs, tmp_path: pathlib.Path) -> None:
    for name in ("a/b/c", "a/d", "e"):
        (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / name).write_text(name)
    worked(gs("mv", "-r", tmp_path / "src", "gs://demo/t"))
    assert not (tmp_path / "src").exists()
    worked(gs("mv", "--recursive", "gs://demo/t", "gs://demo/u/v"))
    assert worked(gs("ls", "-r", "gs://demo")).decode().split() == ["gs://demo/u/v/a/b/c", "gs://demo/u/v/a/d", "gs://demo/u/v/e"]
    worked(gs("mv", "-r", "gs://demo/u/v/", tmp_path / "back"))
    assert (tmp_path / "back" / "a" / "b" / "c").read_text() == "a/b/c"
    assert worked(gs("ls", "-r", "gs://demo")) == b""


@pytest.mark.parametrize("command", ["cp", "mv"])
@pytest.mark.parametrize("inner", ["gs://demo/t/u", "/vsigs/demo/t/u", "gcs://demo/t"])
def test_a_tree_does_not_go_below_itself(emulator: Emulator, gs, tmp_path: pathlib.Path, command: str, inner: str) -> None:
    emulator.put("demo", "t/k", b"text")
    done = gs(command, "-r", "gs://demo/t/", inner)
    assert done.returncode == 1 and "never end" in done.stderr, done
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "k").write_text("text")
    done = gs(command, "-r", tmp_path / "s", tmp_path / "s" / ".." / "s" / "new")
    assert done.returncode == 1 and "never end" in done.stderr, done
    assert worked(gs("ls", "-r", "gs://demo")).decode().split() == ["gs://demo/t/k"]


def test_what_fails_does_not_keep_the_others(emulator: Emulator, gs, tmp_path: pathlib.Path) -> None:
    """Each failure is a line, then one with the sums; status 1."""
    for n in range(40):
        emulator.put("demo", f"s/{n:02}", b"new")
    for n in range(30):
        emulator.put("demo", f"t/{n:02}", b"old")
    done = gs("cp", "-r", "-n", "gs://demo/s", "gs://demo/t")
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 22, done
    assert all("gs://demo/t/" in line and "exists" in line for line in lines[:20]), done
    assert lines[21] == "nacre: cp: 30 failed, 10 copied", done
    assert [worked(gs("cat", f"gs://demo/t/{n}")) for n in (29, 30)] == [b"old", b"new"]
    done = gs("cp", "gs://demo/t/00", "gs://demo/none", "gs://demo/t/01", tmp_path)
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == "nacre: cp: 1 failed, 2 copied", done
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["00", "01"]
    done = gs("rm", "gs://demo/t/00", "gs://demo/none", "gs://demo/t/01")
    failed(done, 1, "gs://demo/none: ")
    assert len(worked(gs("ls", "gs://demo/t/")).split()) == 38


def test_a_tree_that_is_interrupted_says_how_far_it_came(start_emulator) -> None:
    emulator = start_emulator("--bandwidth", "0.1")
    emulator.make_bucket("demo")
    for n in range(40):
        emulator.put("demo", f"s/{n}", b"x" * (200 if n < 2 else 400_000))
    out = emulator.root / "out"
    process = subprocess.Popen([NACRE, "cp", "-r", "gs://demo/s", out], env=clean_environment(STORAGE_EMULATOR_HOST=emulator.url), stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=10)[1]
    assert process.returncode == 130 and said.startswith("nacre: cp: interrupted, after ") and said.endswith(" copied\n"), said
    assert all(path.stat().st_size in (200, 400_000) for path in out.iterdir())
    assert len(list(out.iterdir())) == int(said.split()[-2])


PEAK = """import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
status, used = os.wait4(child, 0)[1:]
print(used.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))"""


def peak(*words: object, **changes: str) -> int:
    """Runs the command, which must end well; the most memory that it had, in MiB. A small process starts it, since the
    memory of who does is counted too."""
    command = [sys.executable, "-I", "-S", "-c", PEAK, NACRE, *map(str, words)]
    done = subprocess.run(command, env=clean_environment(**changes), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert done.returncode == 0, done
    return int(done.stderr) >> 10


NO_SANITIZER = pytest.mark.skipif("NACRE_BIN" in os.environ, reason="sanitizers need memory of their own")


@NO_SANITIZER
def test_memory_does_not_grow_with_the_object(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    servers = {"STORAGE_EMULATOR_HOST": emulator.url, "AWS_ENDPOINT_URL": emulator.s3_url}
    servers |= {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    with (tmp_path / "large").open("wb") as out:
        out.truncate(192 << 20)
    for source, target in ((tmp_path / "large", "gs://demo/large"), ("gs://demo/large", "s3://demo/large2")):
        assert peak("cp", source, target, **servers) < 96, (source, target)
    with (emulator.root / "demo" / "larger").open("wb") as out:
        out.truncate(320 << 20)
    assert peak("cp", "s3://demo/larger", "-", **servers) < 192  # it may read 160 MiB ahead


@pytest.mark.parametrize("mebibytes, first", [(255, [8, 8, 8, 8]), (300, [1, 2, 3, 4, 5, 6, 7, 8])])
def test_a_long_read_begins_with_small_requests(emulator: Emulator, mebibytes: int, first: list[int]) -> None:
    """Who stops soon has asked for 36 MiB, as many as the four requests of a shorter object; each byte is asked for once."""
    with (emulator.root / "demo" / "long").open("wb") as out:
        out.truncate(mebibytes << 20)
    command = [NACRE, "cat", "--config", f"s3.endpoint={emulator.s3_url}", "--no-sign-request", "s3://demo/long"]
    subprocess.run(command, env=clean_environment(), stdout=subprocess.DEVNULL, check=True)
    ranges = sorted(tuple(map(int, entry["range"][6:].split("-"))) for entry in emulator.take_log())
    head = ranges.pop(0)
    assert head == (0, 32767) and ranges[0][0] == 32768
    ends = [end + 1 for _, end in ranges]
    assert [start for start, _ in ranges] == [32768, *ends[:-1]]
    sizes = [(b - a) >> 20 for a, b in zip([0, *ends[:-1]], ends)]
    left = mebibytes - sum(first)
    assert sizes == first + [8] * (left // 8) + ([left % 8] if left % 8 else [])


@NO_SANITIZER
def test_memory_does_not_grow_with_the_listing() -> None:
    """100,000 objects in pages of a thousand, which would be over 60 MiB at once."""

    class Pages(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page = int(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("pageToken", ["0"])[0])
            items = [{"name": f"{page:03}/{n:03}", "size": "1", "generation": "1", "updated": "2026-01-01T00:00:00Z"} for n in range(1000)]
            body = json.dumps({"items": items} | ({"nextPageToken": str(page + 1)} if page < 99 else {})).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            assert worked(run_nacre("ls", "-r", "gs://demo/", STORAGE_EMULATOR_HOST=url)).count(b"\n") == 100_000
            assert peak("ls", "-r", "gs://demo/", STORAGE_EMULATOR_HOST=url) < 48
        finally:
            server.shutdown()


def test_conditions_of_copies(emulator: Emulator, gs, tmp_path: pathlib.Path) -> None:
    emulator.put("demo", "k", b"1")
    (tmp_path / "f").write_bytes(b"2")
    version = json.loads(worked(gs("stat", "--json", "gs://demo/k")))["version"]
    failed(gs("cp", "-n", tmp_path / "f", "gs://demo/k"), 1, "gs://demo/k: ", "exists")
    failed(gs("cp", "--if-match", "generation=1", tmp_path / "f", "gs://demo/k"), 1, "gs://demo/k: ", "changed")
    worked(gs("cp", "--if-match", version, tmp_path / "f", "gs://demo/k"))
    failed(gs("mv", "--if-match", version, tmp_path / "f", "gs://demo/k"), 1, "gs://demo/k: ", "changed")
    failed(gs("cp", "-r", "--if-match", version, tmp_path, "gs://demo/k"), 2, "--if-match")
    assert worked(gs("cat", "gs://demo/k")) == b"2" and (tmp_path / "f").exists()


def test_stat_tells_checksum_and_policy(emulator: Emulator, gs) -> None:
    emulator.put("demo", "k", b"1")
    told = json.loads(worked(gs("stat", "--json", "gs://demo/k")))
    assert told["checksum"] == "crc32c=" + emulator.resource("demo", "k")["crc32c"]
    assert (told["policy"], told["version_id"]) == ("fresh", None)
    assert json.loads(worked(gs("stat", "--json", "--cache", "ttl=1.5", "gs://demo/k")))["policy"] == "ttl=1.500"
    assert "policy      fresh" in worked(gs("stat", "gs://demo/k")).decode()


@pytest.mark.parametrize("key", ["d/../../evil", "d/..", "d/./k", "d//k"])
def test_a_tree_never_leaves_its_folder(emulator: Emulator, gs, tmp_path: pathlib.Path, key: str) -> None:
    """Keys are bytes, local names are not: what would lead elsewhere, or onto another key's file, is refused."""
    emulator.put("demo", "d/k", b"good")
    emulator.put("demo", key, b"evil")
    out = tmp_path / "above" / "out"
    out.parent.mkdir()
    done = gs("cp", "-r", "gs://demo/d", out)
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 2 and lines[0].startswith(f"nacre: gs://demo/{key}: "), done
    assert "local name" in lines[0] and lines[1] == "nacre: cp: 1 failed, 1 copied", done
    assert [path.name for path in out.parent.iterdir()] in ([], ["out"])
    assert (out / "k").read_bytes() == b"good"
    worked(gs("cp", "-r", "gs://demo/d", "gs://demo/e"))
    assert worked(gs("cat", f"gs://demo/e{key[1:]}")) == b"evil"


def test_objects_that_stand_for_folders_are_no_files(emulator: Emulator, gs, tmp_path: pathlib.Path) -> None:
    for key, text in (("d/", b""), ("d/e/", b""), ("d/e/k", b"text")):
        emulator.put("demo", key, text)
    worked(gs("cp", "-r", "gs://demo/d/", tmp_path / "out"))
    assert (tmp_path / "out" / "e" / "k").read_bytes() == b"text"


def test_rm_r_removes_links_and_never_what_they_lead_to(tmp_path: pathlib.Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "k").write_text("mine")
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "k").write_text("x")
    (tree / "link").symlink_to(kept)
    (tree / "dangling").symlink_to("nowhere")
    os.mkfifo(tree / "pipe")
    worked(run_nacre("rm", "-r", tree))
    assert not tree.exists()
    (tmp_path / "link").symlink_to(kept)
    worked(run_nacre("rm", "-r", tmp_path / "link"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept"]
    assert (kept / "k").read_text() == "mine"
    failed(run_nacre("rm", "-r", f"{kept}/.."), 1, "not deleted as a whole")
    assert (kept / "k").read_text() == "mine"


def test_a_store_is_no_bucket(gs) -> None:
    failed(gs("ls", "gs://"), 1, "name a bucket")


def test_an_endpoint_must_name_a_server(gs) -> None:
    for endpoint in ("", "http://", "http:///storage"):
        failed(run_nacre("ls", "--endpoint-url", endpoint, "gs://demo/"), 1, "names no server")


def test_standard_input_and_output(emulator: Emulator, gs, tmp_path: pathlib.Path) -> None:
    content = os.urandom(9_000_000)  # more than one part
    worked(gs("cp", "-", "gs://demo/big", stdin=content))
    assert worked(gs("cat", "gs://demo/big")) == content
    assert worked(gs("cp", "gs://demo/big", "-")) == content
    assert worked(gs("cat", "-", "gs://demo/big", stdin=b"first")) == b"first" + content
    for asked, expected in [("0-3", content[:4]), ("8999990-", content[8999990:]), ("-7", content[-7:]), ("5-99999999", content[5:])]:
        assert worked(gs("cat", "--range", asked, "gs://demo/big")) == expected
    failed(gs("cat", "--range", "9000000-", "gs://demo/big"), 1, "gs://demo/big: ", "9000000 bytes")


def test_standard_input_to_standard_output(tmp_path: pathlib.Path) -> None:
    done = subprocess.run([NACRE, "cp", "-", "-"], input=b"text", capture_output=True, cwd=tmp_path, timeout=20)
    assert (done.stdout, done.stderr, list(tmp_path.iterdir())) == (b"text", b"", [])


def test_closed_streams_are_not_written_to(emulator: Emulator, gs, tmp_path: pathlib.Path) -> None:
    """Their descriptors must not become those of connections, nor of files."""
    emulator.put("demo", "k", b"text")
    environment = clean_environment(STORAGE_EMULATOR_HOST=emulator.url)
    done = subprocess.run(f'exec "{NACRE}" stat gs://demo/k >&-', shell=True, capture_output=True, env=environment, timeout=20)
    assert (done.returncode, done.stderr) == (1, b"nacre: standard output: Bad file descriptor\n")
    done = subprocess.run(f'exec "{NACRE}" cp - "{tmp_path}/out" <&- 2>&-', shell=True, capture_output=True, timeout=20)
    assert done.returncode == 1 and list(tmp_path.glob("out*")) == []


def test_no_clobber_and_if_match_are_decided_by_the_store(emulator: Emulator, gs) -> None:
    worked(gs("cp", "-n", "-", "gs://demo/k", stdin=b"1"))
    for option in ("-n", "--no-clobber"):
        failed(gs("cp", option, "-", "gs://demo/k", stdin=b"2"), 1, "gs://demo/k: ", "exists")
    assert worked(gs("cat", "gs://demo/k")) == b"1"
    version = json.loads(worked(gs("stat", "--json", "gs://demo/k")))["version"]
    worked(gs("cp", "--if-match", version, "-", "gs://demo/k", stdin=b"3"))
    failed(gs("cp", "--if-match", version, "-", "gs://demo/k", stdin=b"4"), 1, "gs://demo/k: ", "changed")
    assert worked(gs("cat", "gs://demo/k")) == b"3"
    worked(gs("cp", "-", "gs://demo/k", stdin=b"5"))
    assert worked(gs("cat", "gs://demo/k")) == b"5"


def test_io_stats_are_one_json_object_on_standard_error(emulator: Emulator, gs) -> None:
    emulator.put("demo", "k", b"x" * 1000)
    emulator.take_log()
    done = gs("cat", "--io-stats", "gs://demo/k")
    assert (done.returncode, len(done.stdout)) == (0, 1000)
    stats = json.loads(done.stderr)
    assert stats["requests"] == len(emulator.log())
    assert stats["bytes_received"] >= 1000 and stats["rounds"] >= 1 and stats["schema"] == 1


def test_verbose_tells_what_is_done(tmp_path: pathlib.Path) -> None:
    source, target = raster(tmp_path, "a.tif"), tmp_path / "b.tif"
    done = run_nacre("convert", "-v", source, target)
    lines = done.stderr.splitlines()
    assert done.returncode == 0 and lines[0].startswith(f"nacre: {source}: opened, file="), done
    assert lines[-1] == f"nacre: {target}: written"
    assert " bytes from " not in done.stderr
    done = run_nacre("convert", "-v", "-v", "--overwrite", source, target)
    assert f"nacre: {source}: " in done.stderr and " bytes from " in done.stderr


def test_signatures_of_urls_are_never_shown(emulator: Emulator) -> None:
    emulator.put("demo", "k.tif", b"no raster")
    url = f"{emulator.url}/demo/k.tif?sig="
    done = run_nacre("info", "-v", "-v", url + "SECRET")
    assert done.returncode == 1 and f"{url}***: not a raster" in done.stderr, done
    assert f"{url}***: opened" in done.stderr and "SECRET" not in done.stderr
    failed(run_nacre("info", url + "SECRET", "--config", "timeout=0.000001"), 1, f"{url}***: ")


def test_options_reach_the_store(emulator: Emulator) -> None:
    emulator.put("demo", "k", b"x")
    emulator.set_access(require_token="sesame")
    endpoint = ["--endpoint-url", emulator.url]
    assert worked(run_nacre("cat", *endpoint, "--config", "gs.access_token=sesame", "gs://demo/k")) == b"x"
    emulator.take_log()
    failed(run_nacre("cat", *endpoint, "--no-sign-request", "gs://demo/k"), 1, "gs://demo/k: denied")
    assert {entry["auth"] for entry in emulator.take_log()} == {"none"}
    worked(run_nacre("cat", *endpoint, "--config", "gs.access_token=sesame", "--billing-project", "me", "gs://demo/k"))
    assert all("userProject=me" in entry["query"] for entry in emulator.log())


def test_offline_is_a_clear_error(emulator: Emulator, gs) -> None:
    emulator.put("demo", "k", b"x")
    emulator.take_log()
    failed(gs("cat", "--cache", "offline", "gs://demo/k"), 1, "gs://demo/k: ", "offline")
    assert emulator.log() == []


# --- Rasters ---------------------------------------------------------------------------------------------------------


def test_info_json_keeps_to_its_schema(data: pathlib.Path) -> None:
    published = json.loads((ROOT / "docs" / "guide" / "info.schema.json").read_text())
    files = [path for path in sorted(data.glob("*.tif")) if path.name != "corrupt.tif"]
    assert len(files) > 10
    for path in files:
        document = json.loads(worked(run_nacre("info", "--json", path)))
        assert schema.errors(document, published) == [], path.name


def test_info_tells_what_rasterio_tells(data: pathlib.Path) -> None:
    need("rasterio")
    import rasterio

    for name in ("RGB.byte.tif", "float_nan.tif", "cog_rgb_mask.tif", "RGBA.byte.tif", "cogeo.tif", "cog_gcps.tif"):
        found = json.loads(worked(run_nacre("info", "--json", data / name)))
        with rasterio.open(data / name) as expected:
            assert found["size"] == [expected.width, expected.height]
            assert [band["dtype"] for band in found["bands"]] == list(expected.dtypes)
            if found["transform"]:
                assert found["transform"] == pytest.approx(list(expected.transform)[:6], rel=1e-15)
                assert found["bounds"] == pytest.approx(list(expected.bounds), rel=1e-12)
            if expected.crs and expected.crs.to_epsg():
                assert (found["crs"]["authority"], found["crs"]["code"]) == ("EPSG", str(expected.crs.to_epsg()))
            assert [band["block"] for band in found["bands"]] == [[w, h] for h, w in expected.block_shapes]
            assert [band["color_interpretation"] for band in found["bands"]] == [color.name for color in expected.colorinterp]
            assert [band["mask_flags"] for band in found["bands"]] == [[flag.name for flag in flags] for flags in expected.mask_flag_enums]
            assert [band["nodata"] for band in found["bands"]] == ["nan" if value != value else value for value in expected.nodatavals]
            overviews = [[len(expected.overviews(band + 1)) for band in range(expected.count)], [len(band["overviews"]) for band in found["bands"]]]
            assert overviews[0] == overviews[1]
            assert len(found["gcps"]) == len(expected.gcps[0])


def test_info_text(data: pathlib.Path) -> None:
    text = worked(run_nacre("info", data / "RGB.byte.tif")).decode()
    assert "791 x 718, 3 bands" in text
    assert "EPSG:32618 WGS 84 / UTM zone 18N" in text
    assert "nodata 0" in text


def test_info_opens_no_proj_database_for_a_raster_without_crs(tmp_path: pathlib.Path) -> None:
    source = raster(tmp_path, "plain.tif", crs=None)
    done = run_nacre("info", source, PROJ_DATA="/nonexistent", PROJ_LIB="/nonexistent")
    assert b"crs          none" in worked(done)
    assert b"EPSG:32618" in worked(run_nacre("info", raster(tmp_path, "utm.tif"), PROJ_DATA="/nonexistent", PROJ_LIB="/nonexistent"))


def test_convert_and_compare(tmp_path: pathlib.Path) -> None:
    source = raster(tmp_path, "s.tif")
    worked(run_nacre("convert", "--format", "GTiff", "--co", "COMPRESS=DEFLATE", source, tmp_path / "t.tif"))
    assert worked(run_nacre("compare", source, tmp_path / "t.tif")) == b""
    need("rasterio")
    import rasterio

    with rasterio.open(tmp_path / "t.tif", "r+") as target:
        pixels = target.read()
        pixels[1, 3, 4] += 3
        pixels[1, 5, 6] += 1
        target.write(pixels)
    done = run_nacre("compare", source, tmp_path / "t.tif")
    assert (done.returncode, done.stdout, done.stderr) == (1, b"band 2: 2 pixels differ, by at most 3\n", "")
    assert worked(run_nacre("compare", "--tolerance", "3", source, tmp_path / "t.tif")) == b""
    done = run_nacre("compare", "--json", "--tolerance", "1", source, tmp_path / "t.tif")
    document = json.loads(done.stdout)
    assert (done.returncode, document["equal"], document["schema"]) == (1, False, 1)
    assert document["bands"][1] == {"band": 2, "differing": 1, "largest": 3, "masks_differing": 0}


def test_texts_that_are_no_utf8_are_told_in_json(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    source = raster(tmp_path, "s.tif")
    named = os.fsdecode(os.fsencode(folder) + b"/x\xe9.tif")
    shutil.copy(source, named)
    wanted = str(folder) + "/x\u00e9.tif"
    assert json.loads(worked(run_nacre("info", "--json", named)))["path"] == wanted
    assert json.loads(worked(run_nacre("stat", "--json", named)))["path"] == wanted
    assert json.loads(worked(run_nacre("ls", "--json", folder)))["path"] == wanted
    assert json.loads(worked(run_nacre("compare", "--json", named, source)))["a"] == wanted


def test_compare_tells_colors(tmp_path: pathlib.Path) -> None:
    paths = []
    for green in (1, 2):
        colors = f'<ColorTable><Entry c1="1" c2="{green}" c3="3"/></ColorTable>'
        path = tmp_path / f"{green}.vrt"
        path.write_text(f'<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte">{colors}</VRTRasterBand></VRTDataset>')
        paths.append(path)
    assert worked(run_nacre("compare", paths[0], paths[0])) == b""
    done = run_nacre("compare", *paths)
    assert (done.returncode, done.stdout) == (1, b"band 1: colors: [[1,1,3,255]] and [[1,2,3,255]]\n")


def test_rows_wider_than_the_memory_are_compared_in_parts(tmp_path: pathlib.Path) -> None:
    wide = tmp_path / "wide.vrt"
    wide.write_text('<VRTDataset rasterXSize="5000000" rasterYSize="2"><VRTRasterBand dataType="Byte"/></VRTDataset>')
    assert worked(run_nacre("compare", wide, wide)) == b""


def test_a_picture_too_large_is_told_by_its_name(tmp_path: pathlib.Path) -> None:
    huge = tmp_path / "huge.vrt"
    huge.write_text('<VRTDataset rasterXSize="2000000000" rasterYSize="2000000000"><VRTRasterBand dataType="Byte"/></VRTDataset>')
    for words in (["out.png"], ["out.tif"], ["out.tif", "--format", "GTiff"]):
        done = run_nacre("convert", huge, tmp_path / words[0], *words[1:])
        assert done.returncode == 1 and done.stderr.startswith(f"nacre: {tmp_path / words[0]}: ") and "a part" in done.stderr
        assert done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == ["huge.vrt"]


def test_compare_tells_what_describes_the_pixels(tmp_path: pathlib.Path) -> None:
    source = raster(tmp_path, "s.tif")
    worked(run_nacre("convert", "-a_nodata", "7", "-a_srs", "EPSG:32619", source, tmp_path / "t.tif"))
    done = run_nacre("compare", source, tmp_path / "t.tif")
    assert done.returncode == 1
    text = done.stdout.decode()
    assert "crs: " in text and "band 1: nodata: null and 7" in text and "pixels are valid in one alone" in text
    worked(run_nacre("convert", "-a_srs", "EPSG:32619", "--overwrite", source, tmp_path / "t.tif"))
    assert worked(run_nacre("compare", "--pixels", source, tmp_path / "t.tif")) == b""
    worked(run_nacre("convert", "--window", "0,0,10,10", source, tmp_path / "u.tif"))
    done = run_nacre("compare", source, tmp_path / "u.tif")
    assert (done.returncode, done.stdout) == (1, b"size: [64,48] and [10,10]\n")


def test_convert_sizes_and_formats(tmp_path: pathlib.Path) -> None:
    source = raster(tmp_path, "s.tif")
    for words, size in [(["-outsize", "50%", "25%"], [32, 12]), (["--size", "16,0"], [16, 12]), (["-outsize", "0", "96"], [128, 96])]:
        worked(run_nacre("convert", "--overwrite", *words, source, tmp_path / "t.tif"))
        assert json.loads(worked(run_nacre("info", "--json", tmp_path / "t.tif")))["size"] == size
    worked(run_nacre("convert", "-b", "1", source, tmp_path / "t.png"))
    assert (tmp_path / "t.png").read_bytes()[:4] == b"\x89PNG"
    worked(run_nacre("convert", "--scale", "0,250,0,125", source, tmp_path / "scaled.tif"))
    need("rasterio")
    import rasterio

    with rasterio.open(source) as before, rasterio.open(tmp_path / "scaled.tif") as after:
        assert abs(before.read() / 2.0 - after.read()).max() <= 0.5


def test_nodata_may_be_none_or_one_for_each_band(tmp_path: pathlib.Path) -> None:
    source = raster(tmp_path, "s.tif")

    def nodata(*words: str) -> list[object]:
        target = tmp_path / ("t.tif" if words[0] == "convert" else "t.vrt")
        worked(run_nacre(*words, "--overwrite", source, target))
        return [band["nodata"] for band in json.loads(worked(run_nacre("info", "--json", target)))["bands"]]

    assert nodata("convert", "-a_nodata", "5", "-b", "1,2,1") == [5, 5, 5]
    source = shutil.copy(tmp_path / "t.tif", tmp_path / "five.tif")
    assert nodata("convert", "-a_nodata", "none") == [None] * 3
    assert nodata("warp", "-t", "EPSG:3857") == [5] * 3
    assert nodata("warp", "-t", "EPSG:3857", "-srcnodata", "1 2") == [1, 2, 2]
    assert nodata("warp", "-t", "EPSG:3857", "--dst-nodata", "7,8,9") == [7, 8, 9]
    assert nodata("warp", "-t", "EPSG:3857", "-dstnodata", "none") == [None] * 3
    assert nodata("warp", "-t", "EPSG:3857", "-srcnodata", "None") == [None] * 3
    for words in (["warp", "--src-nodata", "1,x"], ["warp", "--dst-nodata", ""], ["convert", "--nodata", "1,2"]):
        done = run_nacre(*words, source, tmp_path / "u.tif")
        assert done.returncode == 2 and "nodata" in done.stderr


def test_sizes_in_per_cent_are_those_of_gdal(tmp_path: pathlib.Path) -> None:
    source = raster(tmp_path, "s.tif")
    worked(run_nacre("convert", "--size", "40%,99%", source, tmp_path / "t.tif"))
    assert json.loads(worked(run_nacre("info", "--json", tmp_path / "t.tif")))["size"] == [25, 47]


def test_a_vrt_never_replaces_its_own_source(tmp_path: pathlib.Path) -> None:
    """Such a VRT would name itself, and what it was made of would be gone."""
    source, first, second = raster(tmp_path, "s.tif"), tmp_path / "a.vrt", tmp_path / "b.vrt"
    worked(run_nacre("vrt", source, first))
    worked(run_nacre("warp", "-t", "EPSG:3857", first, second))
    before = {path: path.read_bytes() for path in (source, first, second)}
    for words in (["vrt", first, first], ["vrt", source, source], ["warp", first, first], ["convert", second, first], ["convert", first, first]):
        failed(run_nacre(*words[:1], "--overwrite", *words[1:]), 1, f"nacre: {words[-1]}: ", "is a source")
    assert {path: path.read_bytes() for path in before} == before


def test_mosaic(tmp_path: pathlib.Path) -> None:
    left, right = raster(tmp_path, "l.tif"), raster(tmp_path, "r.tif", shift=60)
    worked(run_nacre("vrt", left, right, tmp_path / "m.vrt"))
    document = json.loads(worked(run_nacre("info", "--json", tmp_path / "m.vrt")))
    assert (document["driver"], document["size"]) == ("VRT", [124, 48])
    need("rasterio")
    import rasterio

    with rasterio.open(tmp_path / "m.vrt") as mosaic, rasterio.open(right) as source:
        assert (mosaic.read()[:, :, 60:] == source.read()).all()
    failed(run_nacre("vrt", left, right, tmp_path / "m.vrt"), 1, "m.vrt: ", "exists", "--overwrite")
    worked(run_nacre("vrt", "--separate", "--overwrite", left, tmp_path / "m.vrt"))


@pytest.mark.parametrize("name", ["w.vrt", "w.tif"])
def test_warp(tmp_path: pathlib.Path, name: str) -> None:
    source = raster(tmp_path, "s.tif")
    worked(run_nacre("warp", "-t", "EPSG:3857", "-r", "bilinear", source, tmp_path / name))
    document = json.loads(worked(run_nacre("info", "--json", tmp_path / name)))
    assert document["crs"]["code"] == "3857"
    worked(run_nacre("warp", "--like", tmp_path / name, "--overwrite", "-r", "bilinear", source, tmp_path / "like.tif"))
    like = json.loads(worked(run_nacre("info", "--json", tmp_path / "like.tif")))
    assert (like["size"], like["transform"]) == (document["size"], document["transform"])
    worked(run_nacre("warp", "-t_srs", "EPSG:3857", "-te", "-8237000", "4315000", "-8236500", "4315400", "-tr", "10", "20", "--overwrite", source, tmp_path / name))
    document = json.loads(worked(run_nacre("info", "--json", tmp_path / name)))
    assert (document["size"], document["bounds"]) == ([50, 20], [-8237000, 4315000, -8236500, 4315400])
    failed(run_nacre("warp", "-t", "EPSG:3857", source, tmp_path / name), 1, f"{name}: ", "exists", "--overwrite")


# --- What is wrong ---------------------------------------------------------------------------------------------------


def test_bad_input_is_one_line(emulator: Emulator, gs, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "text.tif").write_text("this is no raster")
    whole = (data / "RGB.byte.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])
    loop = '<VRTDataset rasterXSize="2" rasterYSize="2"><VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename relativeToVRT="1">loop.vrt</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>'
    (tmp_path / "loop.vrt").write_text(loop)
    (tmp_path / "gone.vrt").write_text(loop.replace("loop.vrt", "gone.tif"))
    emulator.put("demo", "local.vrt", loop.replace('relativeToVRT="1">loop.vrt', f">{data / 'RGB.byte.tif'}").encode())
    emulator.make_bucket("closed")
    emulator.set_access(denied=["closed"])
    out = tmp_path / "out.tif"
    cases = [
        (["info", tmp_path / "nothing.tif"], ["nothing.tif: not found"]),
        (["info", "gs://demo/nothing.tif"], ["gs://demo/nothing.tif: not found"]),
        (["info", "gs://nobucket/x.tif"], ["gs://nobucket/x.tif: not found"]),
        (["ls", "gs://nobucket/"], ["gs://nobucket/: not found"]),
        (["info", "gs://closed/x.tif"], ["gs://closed/x.tif: denied", "no Google credentials found", "--no-sign-request"]),
        (["info", tmp_path / "text.tif"], ["text.tif: "]),
        (["convert", tmp_path / "cut.tif", out], ["cut.tif: "]),
        (["convert", data / "corrupt.tif", out], ["corrupt.tif: "]),
        (["warp", "-t", "EPSG:999999", data / "RGB.byte.tif", out], ["EPSG:999999"]),
        (["convert", "--window", "790,0,10,10", data / "RGB.byte.tif", out], ["RGB.byte.tif: "]),
        (["convert", "-b", "4", data / "RGB.byte.tif", out], ["RGB.byte.tif: ", "4"]),
        (["convert", tmp_path / "loop.vrt", out], ["loop.vrt"]),
        (["convert", tmp_path / "gone.vrt", out], ["gone.tif", "not found"]),
        (["convert", "gs://demo/local.vrt", out], ["RGB.byte.tif", "sources"]),
        (["convert", data / "RGB.byte.tif", tmp_path / "no" / "such" / "folder.tif"], ["folder.tif: "]),
        (["convert", "--co", "NONSENSE=1", data / "RGB.byte.tif", out], ["NONSENSE"]),
        (["convert", "--co", "COMPRESS=NONSENSE", data / "RGB.byte.tif", out], ["NONSENSE"]),
        (["convert", "--format", "NONSENSE", data / "RGB.byte.tif", out], ["NONSENSE"]),
    ]
    for words, parts in cases:
        began = time.monotonic()
        failed(gs(*words), 1, *parts)
        assert time.monotonic() - began < 20, words
        assert not out.exists(), words


def test_connection_refused_is_one_line() -> None:
    done = run_nacre("info", "--config", "http.retries=0", "gs://demo/k", STORAGE_EMULATOR_HOST="http://127.0.0.1:9")
    failed(done, 1, "gs://demo/k: ", "127.0.0.1")


def test_no_space_left_leaves_nothing(tmp_path: pathlib.Path) -> None:
    source = raster(tmp_path, "s.tif")
    done = subprocess.run(f'ulimit -f 1; trap "" XFSZ; exec "{NACRE}" convert --co COMPRESS=NONE "{source}" "{tmp_path}/out.tif"', shell=True, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.startswith(f"nacre: {tmp_path}/out.tif: "), done
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.tif"]


def test_full_standard_output_is_an_error(data: pathlib.Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([NACRE, "cat", data / "RGB.byte.tif"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done


def test_a_reader_that_goes_away_is_no_error_message(data: pathlib.Path) -> None:
    done = subprocess.run(f'"{NACRE}" cat "{data}/RGB.byte.tif" | head -c 10', shell=True, capture_output=True, timeout=20)
    assert (len(done.stdout), done.stderr) == (10, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_is_130_and_leaves_nothing(start_emulator, data: pathlib.Path, number: int) -> None:
    emulator = start_emulator("--bandwidth", "0.1")
    emulator.make_bucket("demo")
    emulator.put("demo", "k.tif", (data / "RGB.byte.tif").read_bytes())
    out = emulator.root / "out.tif"
    for words in (["convert", "gs://demo/k.tif", out], ["cp", "gs://demo/k.tif", out], ["cat", "gs://demo/k.tif"]):
        process = subprocess.Popen([NACRE, *words], env=clean_environment(STORAGE_EMULATOR_HOST=emulator.url), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(1)
        assert process.poll() is None, words
        process.send_signal(number)
        began = time.monotonic()
        assert process.wait(10) == 130, words
        assert time.monotonic() - began < 2, words
        assert process.stderr.read() == b""
        process.stderr.close()
        assert sorted(path.name for path in emulator.root.iterdir()) == [".nacre", "demo"], words


def test_interrupted_while_nobody_reads(data: pathlib.Path) -> None:
    process = subprocess.Popen([NACRE, "cat", data / "RGB.byte.tif"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    waiting = subprocess.Popen([NACRE, "cat", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.5)
    for each in (process, waiting):
        each.send_signal(signal.SIGINT)
        try:
            assert each.wait(5) == 130
            assert each.stderr.read() == b""
        finally:
            each.kill()
            each.communicate()


def test_progress_bar_only_on_a_terminal(tmp_path: pathlib.Path) -> None:
    if not os.path.exists("/dev/pts/ptmx"):
        pytest.skip("no pseudo-terminals here")
    source = raster(tmp_path, "s.tif")
    shown = []
    for words in ([], ["-q"]):
        leader, follower = pty.openpty()
        subprocess.run([NACRE, "convert", "--overwrite", *words, source, tmp_path / "t.tif"], stderr=follower, check=True, timeout=60)
        os.close(follower)
        try:
            shown.append(os.read(leader, 1 << 16))
        except OSError:
            shown.append(b"")
        os.close(leader)
    assert b"#" in shown[0] and b" %" in shown[0] and shown[1] == b""
    assert run_nacre("convert", "--overwrite", source, tmp_path / "t.tif").stderr == ""
