# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Names as people make them, objects of no bytes or with an encoding, buckets that are not there: on each store alike."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import peers
import pytest
from conftest import Emulator, need, run_nacre
from servers import official_bucket
from test_az import _azurite, azurite, container  # noqa: F401

# Azure's server, as a URL's path has it, takes out segments of dots, so those are S3's and Google's alone.
KEYS = ["a b/ü+c?d=e&f%20~*'()", "d//k", "x%2Fy", "😀", "#h;x=y", "a'b\"c<d>&e", "-"]
DOTTED = ["d/./k", "d/../k", "../escape", "/lead"]


class Place:
    """A bucket, how to reach it, and what the store's own client says is in it."""

    makes_buckets = False  # a copy to a bucket that is not there makes it

    def __init__(self, path: str, environment: dict[str, str], keys: Callable[[], list[str]], put: Callable[..., Any]) -> None:
        self.path, self.environment, self.keys, self.put = path, environment, keys, put

    def run(self, *words: Any, status: int = 0) -> Any:
        done = run_nacre(*words, **self.environment)
        assert done.returncode == status, (words, done.stderr)
        return done


def google(request: pytest.FixtureRequest) -> Place:
    need("google-cloud-storage")
    url = request.getfixturevalue("_fake_gcs").url
    bucket = official_bucket(url, f"keys-{os.urandom(4).hex()}")

    def put(key: str, data: bytes, encoding: str) -> None:
        blob = bucket.blob(key)
        blob.content_encoding = encoding
        blob.upload_from_string(data)

    keys = lambda: [blob.name for blob in bucket.list_blobs()]  # noqa: E731
    place = Place(f"gs://{bucket.name}", {"STORAGE_EMULATOR_HOST": url}, keys, put)
    versions = [peer["version"] for peer in peers.required() if peer["name"] == "fake-gcs-server"]
    place.makes_buckets = versions == ["v1.47.0"]
    return place


def emulated(request: pytest.FixtureRequest) -> Place:
    need("boto3")
    emulator: Emulator = request.getfixturevalue("emulator")
    import boto3

    client = boto3.client(
        "s3", endpoint_url=emulator.s3_url, aws_access_key_id="A", aws_secret_access_key="b", region_name="us-east-1"
    )

    def put(key: str, data: bytes, encoding: str) -> None:
        client.put_object(Bucket="demo", Key=key, Body=data, ContentEncoding=encoding)

    environment = {"AWS_ENDPOINT_URL": emulator.s3_url, "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "b"}
    return Place(
        "s3://demo", environment,
        lambda: [one["Key"] for one in client.list_objects_v2(Bucket="demo").get("Contents", [])], put,
    )  # fmt: skip


def microsoft(request: pytest.FixtureRequest) -> Place:
    box = request.getfixturevalue("container")
    from azure.storage.blob import ContentSettings

    def put(key: str, data: bytes, encoding: str) -> None:
        box.upload_blob(key, data, content_settings=ContentSettings(content_encoding=encoding))

    environment = {"AZURE_STORAGE_CONNECTION_STRING": request.getfixturevalue("azurite").connection_string}
    return Place(f"az://{box.container_name}", environment, lambda: [blob.name for blob in box.list_blobs()], put)


@pytest.fixture(params=[google, emulated, microsoft])
def place(request: pytest.FixtureRequest) -> Place:
    return request.param(request)


def test_keys_are_literal(place: Place, tmp_path: pathlib.Path) -> None:
    keys = KEYS if place.path.startswith("az") else KEYS + DOTTED
    for number, key in enumerate(keys):
        local = tmp_path / "local"
        local.write_bytes(b"content %d" % number)
        path = f"{place.path}/{key}"
        place.run("cp", "--", local, path)
        place.run("mv", "--", path, f"{place.path}/moved")
        place.run("cp", "--", f"{place.path}/moved", path)
        assert place.run("cat", "--", path).stdout == local.read_bytes()
        assert json.loads(place.run("stat", "--json", "--", path).stdout)["size"] == local.stat().st_size
    assert sorted(place.keys()) == sorted([*keys, "moved"])
    told = [json.loads(line)["path"] for line in place.run("ls", "-r", "--json", f"{place.path}/").stdout.splitlines()]
    assert sorted(told) == sorted(f"{place.path}/{key}" for key in [*keys, "moved"])
    place.run("rm", "-r", f"{place.path}/")
    assert place.keys() == []


def test_an_object_of_no_bytes(place: Place, tmp_path: pathlib.Path) -> None:
    (tmp_path / "none").write_bytes(b"")
    first, second = f"{place.path}/first", f"{place.path}/second"
    place.run("cp", tmp_path / "none", first)
    place.run("cp", first, second)
    place.run("mv", second, f"{place.path}/third")
    assert sorted(place.keys()) == ["first", "third"]
    assert place.run("cat", first).stdout == place.run("cat", "--range", "0-9", first).stdout == b""
    assert json.loads(place.run("stat", "--json", first).stdout)["size"] == 0
    assert "exists already" in place.run("cp", "-n", tmp_path / "none", first, status=1).stderr
    assert "not a raster" in place.run("info", first, status=1).stderr


def test_a_bucket_that_is_not_there_is_the_one_that_is_told(place: Place, tmp_path: pathlib.Path) -> None:
    (tmp_path / "some").write_bytes(b"some")
    here, nowhere = f"{place.path}/k", f"{place.path.split('/')[0]}//no-such-bucket-here/k"
    place.run("cp", tmp_path / "some", here)
    told = [["cat"], ["stat"], ["rm"], ["cp", tmp_path / "some"]]
    if not place.makes_buckets:
        told += [["cp", here], ["mv", here]]
    for words in told:
        said = place.run(*words, nowhere, status=1).stderr
        assert said.startswith(f"nacre: {nowhere}: not found (404)"), said
    assert place.run("cat", here).stdout == b"some"


def test_an_encoding_of_the_objects_own(place: Place, tmp_path: pathlib.Path) -> None:
    """Bytes as they are stored; but Google unpacks (as fake-gcs-server does) for who does not say that it can."""
    plain = b"hello " * 1000
    packed = gzip.compress(plain)
    place.put("packed", packed, "gzip")
    wanted = plain if place.path.startswith("gs") else packed
    path = f"{place.path}/packed"
    assert place.run("cat", path).stdout == wanted
    assert place.run("cat", "--range", "5-99", path).stdout == wanted[5:100]
    place.run("cp", path, tmp_path / "local")
    assert (tmp_path / "local").read_bytes() == wanted
