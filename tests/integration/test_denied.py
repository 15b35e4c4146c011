# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Each operation, refused by each store: one error that names the object and the credentials, and nothing has changed."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Emulator, need, run_nacre
from test_az import ACCOUNT, _azurite, azurite, container, sas_of  # noqa: F401

SECRET = "wJalrXUtnFEMI"
READS = {"read": ["cat", "{path}/k"], "stat": ["stat", "{path}/k"], "list": ["ls", "-r", "{path}/"]}
WRITES = {
    "put": ["cp", "{local}", "{path}/new"],
    "replace": ["cp", "{local}", "{path}/k"],
    "upload": ["cp", "{large}", "{path}/new"],
    "copy": ["cp", "{path}/k", "{path}/new"],
    "move": ["mv", "{path}/k", "{path}/new"],
    "delete": ["rm", "{path}/k"],
}


class Place:
    """A bucket with one object, who may not do what, and what is there."""

    def __init__(self, path: str, environment: dict[str, str], there: Callable[[], dict[str, bytes]], words: str) -> None:
        self.path, self.environment, self.there, self.words = path, environment, there, words


def files_of(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(at.relative_to(folder)): at.read_bytes() for at in folder.iterdir() if at.is_file()}


def google(request: pytest.FixtureRequest) -> Place:
    """A token that has ended."""
    emulator: Emulator = request.getfixturevalue("start_emulator")("--require-token", "right")
    folder = emulator.make_bucket("b")
    (folder / "k").write_bytes(b"kept")
    environment = {"STORAGE_EMULATOR_HOST": emulator.url, "GOOGLE_OAUTH_ACCESS_TOKEN": SECRET}
    return Place("gs://b", environment, lambda: files_of(folder), "denied (401)")


def closed(request: pytest.FixtureRequest) -> Place:
    """A bucket that is closed to whoever asks."""
    emulator: Emulator = request.getfixturevalue("start_emulator")("--deny", "b")
    folder = emulator.make_bucket("b")
    (folder / "k").write_bytes(b"kept")
    environment = {"STORAGE_EMULATOR_HOST": emulator.url, "GOOGLE_OAUTH_ACCESS_TOKEN": SECRET}
    return Place("gs://b", environment, lambda: files_of(folder), "denied (403)")


def google_by_key(request: pytest.FixtureRequest) -> Place:
    """An HMAC key whose secret is another's."""
    emulator: Emulator = request.getfixturevalue("start_emulator")("--hmac", "GOOG1ENACRE:right")
    folder = emulator.make_bucket("b")
    (folder / "k").write_bytes(b"kept")
    keys = {"GS_ACCESS_KEY_ID": "GOOG1ENACRE", "GS_SECRET_ACCESS_KEY": SECRET}
    return Place("gs://b", {"STORAGE_EMULATOR_HOST": emulator.url, **keys}, lambda: files_of(folder), "denied (403)")


def closed_to_key(request: pytest.FixtureRequest) -> Place:
    """The right HMAC key, of one who may do nothing in the bucket."""
    emulator: Emulator = request.getfixturevalue("start_emulator")("--hmac", f"GOOG1ENACRE:{SECRET}", "--deny", "b")
    folder = emulator.make_bucket("b")
    (folder / "k").write_bytes(b"kept")
    keys = {"GS_ACCESS_KEY_ID": "GOOG1ENACRE", "GS_SECRET_ACCESS_KEY": SECRET}
    return Place("gs://b", {"STORAGE_EMULATOR_HOST": emulator.url, **keys}, lambda: files_of(folder), "denied (403)")


def amazon(request: pytest.FixtureRequest) -> Place:
    """A secret that is another's."""
    emulator: Emulator = request.getfixturevalue("start_emulator")("--s3-credentials", "ID:right")
    folder = emulator.make_bucket("b")
    (folder / "k").write_bytes(b"kept")
    environment = {"AWS_ENDPOINT_URL": emulator.s3_url, "AWS_ACCESS_KEY_ID": "ID", "AWS_SECRET_ACCESS_KEY": SECRET}
    return Place("s3://b", environment, lambda: files_of(folder), "denied (403)")


def microsoft(request: pytest.FixtureRequest, permission: str = "d") -> Place:
    """A signature for something else."""
    need("azurite")
    box = request.getfixturevalue("container")
    box.upload_blob("k", b"kept")
    url = request.getfixturevalue("azurite").url
    environment = {
        "AZURE_STORAGE_CONNECTION_STRING": "", "AZURE_STORAGE_BLOB_ENDPOINT": f"{url}/{ACCOUNT}",
        "AZURE_STORAGE_SAS_TOKEN": sas_of(box, permission),
    }  # fmt: skip
    there = lambda: {blob.name: box.download_blob(blob.name).readall() for blob in box.list_blobs()}  # noqa: E731
    return Place(f"az://{box.container_name}", environment, there, "denied (403)")


def microsoft_reader(request: pytest.FixtureRequest) -> Place:
    """A signature that may read and list."""
    return microsoft(request, "rl")


def refuse(place: Place, operation: str, words: list[str], tmp_path: pathlib.Path) -> None:
    (tmp_path / "local").write_bytes(b"new")
    (tmp_path / "large").write_bytes(os.urandom(9 << 20))
    before = place.there()
    names = {"path": place.path, "local": tmp_path / "local", "large": tmp_path / "large"}
    done = run_nacre(*(word.format(**names) for word in words), "-v", "-v", **place.environment)
    assert done.returncode == 1, (operation, done)
    told: Any = [line for line in done.stderr.splitlines() if line.startswith(f"nacre: {place.path}")]
    assert len(told) == 1 and place.words in told[0], (operation, done.stderr)
    assert place.environment.get("AZURE_STORAGE_SAS_TOKEN", SECRET) not in done.stderr and SECRET not in done.stderr
    assert before == place.there(), operation


@pytest.mark.parametrize("where", [google, closed, google_by_key, closed_to_key, amazon, microsoft])
def test_what_may_not_be_read(where: Callable[..., Place], tmp_path: pathlib.Path, request: pytest.FixtureRequest) -> None:
    place = where(request)
    for operation, words in READS.items():
        refuse(place, operation, words, tmp_path)


@pytest.mark.parametrize("where", [google, closed, google_by_key, closed_to_key, amazon, microsoft_reader])
def test_what_may_not_be_written(where: Callable[..., Place], tmp_path: pathlib.Path, request: pytest.FixtureRequest) -> None:
    place = where(request)
    for operation, words in WRITES.items():
        refuse(place, operation, words, tmp_path)
