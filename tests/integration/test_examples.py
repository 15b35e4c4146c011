# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The examples of the documents are run as they stand, against a bucket of their own."""

from __future__ import annotations

import pathlib
import re
import shlex
import subprocess
import sys
from typing import Any

import pytest

from conftest import NACRE, clean_environment, need, run_nacre

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def blocks(page: str, language: str = "python") -> list[str]:
    """The blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)


def without_comments(code: str) -> list[str]:
    """Its statements, without blank lines."""
    return [line for line in (re.sub(r"\s*# .*", "", line) for line in code.splitlines()) if line]


@pytest.fixture
def bucket(emulator: Any, data: pathlib.Path) -> Any:
    """A bucket of that name with a scene where the documents have it."""
    emulator.make_bucket("bucket")
    for key in ("scene.tif", "data/scene.tif"):
        emulator.put("bucket", key, (data / "RGB.byte.tif").read_bytes())
    return emulator


def run(code: str, emulator: Any) -> subprocess.CompletedProcess[str]:
    """Runs code in a process of its own, GDAL and nacre pointed at the emulator by the same variables."""
    here = str(pathlib.Path(__import__("nacre").__file__).parent.parent)
    environment = clean_environment(CPL_GS_ENDPOINT=emulator.url + "/", GS_NO_SIGN_REQUEST="YES", PYTHONPATH=here)
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)


def size_of_view(emulator: Any) -> int:
    answer = emulator.request("GET", "/storage/v1/b/bucket/o/data%2Fview.vrt")
    return int(answer.json()["size"]) if answer.status == 200 else 0


def test_the_two_programs_of_the_readme_differ_in_their_imports_only() -> None:
    before, after = (without_comments(block) for block in blocks("README.md")[:2])
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [old.replace("rasterio", "nacre") for old, _ in changed] == [
        new.replace("nacre as rasterio", "nacre") for _, new in changed
    ]
    assert all("import" in old for old, _ in changed)


def test_with_rasterio_the_readmes_program_fails(bucket: Any) -> None:
    need("rasterio")
    code = blocks("README.md")[0]
    done = run(code, bucket)
    assert done.returncode == 1 and "SystemError: Unknown GDAL Error" in done.stderr, done.stderr
    assert size_of_view(bucket) > 1000
    # Where another program writes the object instead:
    url = f"{bucket.url}/upload/storage/v1/b/bucket/o?uploadType=media&name=data/view.vrt"
    text = bucket.request("GET", "/storage/v1/b/bucket/o/data%2Fview.vrt?alt=media").body
    bucket.delete("bucket", "data/view.vrt")
    other = f"__import__('urllib.request').request.urlopen({url!r}, {text!r}).read()"
    done = run(re.sub(r"rasterio\.shutil\.copy\(.*\)", lambda _: other, code), bucket)
    assert size_of_view(bucket) == len(text)
    assert done.returncode == 1, done.stderr
    promised = re.search(r"RasterioIOError: ('.*' does not exist in the file system)", code).group(1)
    assert promised in done.stderr


def test_with_nacre_it_works(bucket: Any) -> None:
    code = blocks("README.md")[1]
    done = run(code.replace(".read()", ".read().any() or exit(3)"), bucket)
    assert (done.returncode, done.stderr) == (0, "")
    assert size_of_view(bucket) > 1000


def test_with_one_line_rasterios_program_works(bucket: Any) -> None:
    before, _, line = blocks("README.md")
    code = before.replace(".read()", ".read().any() or exit(3)").replace("\n\nwith", f"\n{line}\nwith", 1)
    assert "import nacre.gdal\n" in code
    done = run(code, bucket)
    assert (done.returncode, done.stderr) == (0, "")
    assert size_of_view(bucket) > 1000


def test_examples_of_the_page_about_gdal(bucket: Any) -> None:
    need("rasterio")
    begin = "import numpy\nprofile = dict(driver='GTiff', width=9, height=9, count=1, dtype='uint8')\n"
    done = run(begin + "pixels = numpy.ones((1, 9, 9), 'uint8')\n" + "".join(blocks("docs/guide/gdal.md")), bucket)
    assert done.returncode == 0 and "Error" not in done.stderr, done.stderr
    assert bucket.request("GET", "/storage/v1/b/bucket/o/new.tif").status == 200


def test_commands_of_the_page_about_gdal(bucket: Any) -> None:
    need("gdal")
    script = "".join(blocks("docs/guide/gdal.md", "sh"))
    environment = clean_environment(CPL_GS_ENDPOINT=bucket.url + "/", GS_NO_SIGN_REQUEST="YES")
    environment["PATH"] = f"{NACRE.resolve().parent}:{environment['PATH']}"
    done = subprocess.run(["sh", "-euc", script], env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "") and "Size is 791, 718" in done.stdout
    assert bucket.take_log()[-1]["agent"].startswith("nacre/")


@pytest.mark.parametrize("number", range(len(blocks("docs/guide/python.md"))))
def test_examples_of_the_guide(bucket: Any, number: int) -> None:
    done = run(blocks("docs/guide/python.md")[number], bucket)
    assert (done.returncode, done.stderr) == (0, "")


def test_commands_of_the_readme(bucket: Any, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "b.tif").write_bytes((data / "RGB.byte.tif").read_bytes())
    bucket.put("bucket", "a.tif", (data / "RGB.byte.tif").read_bytes())
    commands = [line for block in blocks("README.md", "sh") for line in block.splitlines() if line.startswith("nacre ")]
    assert len(commands) >= 4
    for line in commands:
        done = run_nacre(*shlex.split(line)[1:], cwd=tmp_path, STORAGE_EMULATOR_HOST=bucket.url)
        assert (done.returncode, done.stderr) == (0, ""), line
    assert (tmp_path / "view.png").read_bytes().startswith(b"\x89PNG")


def test_the_two_commands_of_the_readme_are_verbs() -> None:
    verbs = re.findall(r"^\./dev (\w+)", "".join(blocks("README.md", "sh")), re.M)
    assert verbs == ["demo", "test"]
    assert set(verbs) <= set(re.findall(r"^  (\w+)", (ROOT / "dev").read_text(), re.M))
