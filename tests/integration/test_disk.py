# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""A folder that processes share (`cache.dir`): exact requests of a second process, kills, damage, full disks."""

from __future__ import annotations

import os
import pathlib
import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from conftest import ROOT, Emulator

import nacre

sys.path.insert(0, str(ROOT / "demo"))
import scene

# Reads windows of a raster and prints what they hold, as a sum that a wrong byte changes.
READ = """
import hashlib, sys, nacre
with nacre.open(sys.argv[1]) as source:
    for column in map(int, sys.argv[2:]):
        pixels = source.read(window=nacre.windows.Window(column, 100, 300, 300))
        print(column, hashlib.sha256(pixels.tobytes()).hexdigest(), flush=True)
"""
COLUMNS = [0, 612, 1300]


@pytest.fixture(scope="module")
def cog(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A COG of 2048 x 2048, three bands, tiles of 256, written by GDAL."""
    import rasterio.shutil

    folder = tmp_path_factory.mktemp("cog")
    plain, target = folder / "plain.tif", folder / "cog.tif"
    scene.write_geotiff(plain, scene.picture(scene.terrain(2048, seed=5)))
    rasterio.shutil.copy(plain, target, driver="COG", compress="DEFLATE", blocksize=256)
    return target.read_bytes()


class Place:
    """An object in a bucket, a folder, and processes that use both."""

    def __init__(self, emulator: Emulator, folder: pathlib.Path) -> None:
        self.emulator, self.folder, self.path = emulator, folder, "gs://demo/scene.tif"
        self.settings = {
            "STORAGE_EMULATOR_HOST": emulator.url,
            "NACRE_GS_ACCESS_TOKEN": "any",
            "NACRE_CACHE_DIR": str(folder),
        }

    def start(self, *columns: int, before: tuple[str, ...] = (), **settings: str) -> subprocess.Popen[str]:
        command = [*before, sys.executable, "-c", READ, self.path, *map(str, columns)]
        environment = {**os.environ, **self.settings, **settings}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def read(self, *columns: int, status: int = 0, **options: Any) -> dict[int, str]:
        """What a new process reads: a sum for each column."""
        process = self.start(*columns, **options)
        out, err = process.communicate(timeout=120)
        assert process.returncode == status, err
        self.said = err
        return {int(line.split()[0]): line.split()[1] for line in out.splitlines()}

    def requests(self) -> list[str]:
        """What the server was asked since the last call."""
        self.received = 0
        requests = []
        for entry in self.emulator.take_log():
            requests.append(f"{entry['method']} {entry['status']}")
            self.received += entry["bytes"]
        return requests

    def files(self) -> list[pathlib.Path]:
        return [path for path in self.folder.glob("??/*") if path.is_file()]

    def size(self) -> int:
        total = 0
        for path in self.files():
            try:
                total += (path.stat().st_size + 4095) // 4096 * 4096
            except FileNotFoundError:  # it was replaced meanwhile
                continue
        return total


@pytest.fixture
def place(emulator: Emulator, cog: bytes, tmp_path: pathlib.Path) -> Place:
    emulator.put("demo", "scene.tif", cog)
    emulator.take_log()
    return Place(emulator, tmp_path / "shared")


@pytest.fixture
def sums(place: Place) -> dict[int, str]:
    """What is right, read without a folder."""
    right = place.read(*COLUMNS, NACRE_CACHE_DIR="")
    assert len(right) == len(COLUMNS) and not place.folder.exists()
    place.requests()
    return right


def test_a_second_process_asks_for_the_proof_and_no_bytes(place: Place, sums: dict[int, str]) -> None:
    assert place.read(*COLUMNS) == sums
    cold, received = place.requests(), place.received
    assert place.read(*COLUMNS, NACRE_CACHE_DIR="") == sums
    assert (place.requests(), place.received) == (cold, received)  # the folder costs no request
    assert place.read(*COLUMNS) == sums
    assert (place.requests(), place.received) == (["GET 304"], 0)


def test_files_and_folders_are_for_their_user_alone(place: Place) -> None:
    old = os.umask(0)
    try:
        place.read(0)
    finally:
        os.umask(old)
    assert place.folder.stat().st_mode & 0o777 == 0o700
    assert place.files() and {path.stat().st_mode & 0o777 for path in place.files()} == {0o600}
    assert {path.parent.stat().st_mode & 0o777 for path in place.files()} == {0o700}


def test_offline_in_a_new_process_reads_what_was_read(place: Place, sums: dict[int, str]) -> None:
    place.read(*COLUMNS)
    place.requests()
    assert place.read(*COLUMNS, NACRE_CACHE="offline") == sums
    assert place.requests() == []
    place.read(1700, status=1, NACRE_CACHE="offline")
    assert "offline" in place.said
    place.read(0, status=1, NACRE_CACHE="offline", NACRE_GS_ACCESS_TOKEN="of somebody else")
    assert "offline" in place.said and place.requests() == []


def test_the_command_shares_it_too(place: Place, run: Callable[..., Any]) -> None:
    environment = {**os.environ, **place.settings}
    first = run("info", place.path, env=environment).stdout
    assert place.requests() == ["GET 206"]
    assert run("info", place.path, env=environment).stdout == first
    assert place.requests() == ["GET 304"]
    assert run("info", "--cache", "offline", place.path, env=environment).stdout == first
    assert place.requests() == []


def test_another_version_is_never_read_from_it(place: Place, cog: bytes, sums: dict[int, str]) -> None:
    place.read(*COLUMNS)
    place.emulator.put("demo", "scene.tif", cog[:-1000] + bytes(1000))
    place.requests()
    place.read(0)
    assert place.requests()[0] == "GET 206"
    place.emulator.put("demo", "scene.tif", cog)
    assert place.read(*COLUMNS) == sums


def test_own_changes_end_what_offline_believes(place: Place, run: Callable[..., Any]) -> None:
    place.read(0)
    run("rm", place.path, env={**os.environ, **place.settings})
    place.read(0, status=1, NACRE_CACHE="offline")


def test_damage_anywhere_costs_requests_and_no_wrong_pixel(place: Place, sums: dict[int, str]) -> None:
    chance = random.Random(7)
    for turn in range(6):
        assert place.read(*COLUMNS) == sums
        for path in place.files():
            data = bytearray(path.read_bytes())
            if turn % 3 == 0:
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            elif turn % 3 == 1:
                del data[chance.randrange(len(data)) :]
            else:
                data = bytearray(chance.randbytes(len(data)))
            path.write_bytes(data)
    place.requests()
    assert place.read(*COLUMNS) == sums
    assert place.read(*COLUMNS) == sums
    assert place.requests()[-1] == "GET 304"


def test_processes_that_are_killed_leave_nothing_wrong(place: Place, sums: dict[int, str]) -> None:
    seed = int(time.time())
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(8):
        processes = [place.start(*COLUMNS, NACRE_CACHE_DIR_SIZE="600k") for _ in range(2)]
        processes[0].stdout.readline()  # it is at work
        time.sleep(chance.random() * 0.05)
        for process in processes:
            process.kill()
            process.communicate()
        assert place.size() <= 600 * 1024 + 2 * 68 * 1024
    assert place.read(*COLUMNS) == sums
    place.requests()
    assert place.read(*COLUMNS) == sums
    assert place.requests() == ["GET 304"]


def test_the_bound_holds(place: Place, sums: dict[int, str]) -> None:
    for columns in ([0], [612], [1300], COLUMNS):
        assert place.read(*columns, NACRE_CACHE_DIR_SIZE="256k") == {column: sums[column] for column in columns}
        assert 0 < place.size() <= 256 * 1024


def test_a_folder_that_others_can_write_to_is_refused(place: Place) -> None:
    place.folder.mkdir()
    place.folder.chmod(0o777)
    place.read(0, status=1)
    assert f"cache.dir {place.folder}" in place.said and "others may write" in place.said
    assert place.requests() == []


def mounted(place: Place, options: str) -> tuple[str, ...]:
    """Lets a process see the folder on a file system of its own."""
    script = f'mount -t tmpfs -o {options} none "$0" && exec "$@"'
    trial = ["unshare", "-rm", "sh", "-c", script, str(place.folder), "true"]
    place.folder.mkdir(exist_ok=True)
    if subprocess.run(trial, capture_output=True).returncode:
        pytest.skip("this machine lets no namespace be made")
    return ("unshare", "-rm", "sh", "-c", script, str(place.folder))


@pytest.mark.parametrize("options", ["size=200k,mode=700", "size=4k,mode=700", "ro,mode=700"])
def test_a_disk_that_is_full_or_read_only_costs_nothing_but_its_use(
    place: Place, sums: dict[int, str], options: str
) -> None:
    assert place.read(*COLUMNS, before=mounted(place, options)) == sums


def test_statistics_tell_what_the_folder_did(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in place.settings.items():
        monkeypatch.setenv(name, value)
    window = nacre.windows.Window(0, 100, 300, 300)
    before = nacre.cache.stats()
    with nacre.open(place.path) as source:
        first = source.read(window=window)
    nacre.cache.flush()
    nacre.cache.invalidate_all()
    with nacre.open(place.path) as source:
        assert numpy.array_equal(source.read(window=window), first)
    after = {name: value - before[name] for name, value in nacre.cache.stats().items()}
    assert after["disk_hits"] >= 2 and after["disk_errors"] == 0
    assert 32768 < after["disk_bytes_read"] <= after["disk_bytes_written"]  # a gap is not read twice
