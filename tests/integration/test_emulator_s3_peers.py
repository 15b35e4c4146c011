# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The emulator's S3 interface beside others: stock GDAL and obstore work with it, and moto says the same."""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Emulator, clean_environment, need
from s3client import client_of

# --- GDAL ------------------------------------------------------------------------------------------------------------


def gdal_options(url: str, signed: bool) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
    return {
        "AWS_S3_ENDPOINT": url.removeprefix("http://"),
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "CPL_VSIL_USE_TEMP_FILE_FOR_RANDOM_WRITE": "YES",
        **(keys if signed else {"AWS_NO_SIGN_REQUEST": "YES"}),
    }


@pytest.fixture(params=["signed", "signed, virtual-hosted", "unsigned", "unsigned, port of its own"])
def gdal_to(request: pytest.FixtureRequest, start_emulator: Callable[..., Emulator]) -> tuple[Emulator, dict[str, str]]:
    """An emulator, verifying where requests are signed, and GDAL's options for it."""
    signed = request.param.startswith("signed")
    emulator = start_emulator(*(["--s3-credentials", "id:secret"] if signed else []))
    emulator.make_bucket("demo")
    if "virtual" in request.param:
        named = emulator.url.replace("127.0.0.1", "s3.localhost")
        return emulator, {**gdal_options(named, signed), "AWS_VIRTUAL_HOSTING": "TRUE"}
    return emulator, gdal_options(emulator.s3_url if "port" in request.param else emulator.url, signed)


def test_stock_gdal_writes_reads_and_lists(gdal_to: tuple[Emulator, dict[str, str]], tmp_path: pathlib.Path) -> None:
    need("gdal")
    emulator, options = gdal_to

    def gdal(*words: Any) -> str:
        command = [str(word) for word in words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=clean_environment(**options))
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    gdal("gdal_create", "-q", "-of", "GTiff", "-outsize", 300, 200, "-bands", 1, "-burn", 7, "-ot", "Byte", tmp_path / "a.tif")
    gdal("gdal_translate", "-q", tmp_path / "a.tif", "/vsis3/demo/d e/a.tif")
    said = gdal("gdalinfo", "-checksum", "/vsis3/demo/d e/a.tif")
    assert "Size is 300, 200" in said
    assert said.split("Checksum=")[1] == gdal("gdalinfo", "-checksum", tmp_path / "a.tif").split("Checksum=")[1]
    assert (emulator.root / "demo" / "d e" / "a.tif").read_bytes() == (tmp_path / "a.tif").read_bytes()


def test_rasterio_writes_in_parts_lists_and_deletes(gdal_to: tuple[Emulator, dict[str, str]]) -> None:
    need("rasterio")
    need("numpy")
    import numpy
    import rasterio
    import rasterio.shutil

    emulator, options = gdal_to
    values = numpy.random.default_rng(5).integers(0, 255, (1, 3000, 4000), dtype="uint8")
    # Rasterio takes keys into a session of its own; GDAL's options are for the rest.
    session = {}
    if "AWS_ACCESS_KEY_ID" in options:
        need("boto3")
        session = {"aws_access_key_id": "id", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    passed = {name: value for name, value in options.items() if not name.startswith(("AWS_ACCESS", "AWS_SECRET", "AWS_REG", "AWS_NO"))}
    aws = rasterio.session.AWSSession(aws_unsigned=not session, **session)
    with rasterio.Env(session=aws, VSIS3_CHUNK_SIZE="5", **passed):
        shape = {"width": 4000, "height": 3000, "count": 1, "dtype": "uint8", "driver": "GTiff"}
        with rasterio.open("/vsis3/demo/big.tif", "w", **shape) as file:
            file.write(values)
        with rasterio.open("/vsis3/demo/big.tif") as file:
            assert (file.read() == values).all()
        rasterio.shutil.delete("/vsis3/demo/big.tif")
    assert not (emulator.root / "demo" / "big.tif").exists()


# --- obstore ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", [True, False])
def test_obstore_puts_gets_lists_and_deletes(start_emulator: Callable[..., Emulator], signed: bool) -> None:
    need("obstore")
    import obstore
    from obstore.store import S3Store

    emulator = start_emulator(*(["--s3-credentials", "id:secret"] if signed else []))
    emulator.make_bucket("demo")
    keys = {"access_key_id": "id", "secret_access_key": "secret"} if signed else {"skip_signature": True}
    config = {"endpoint": emulator.s3_url, "region": "us-east-1", "virtual_hosted_style_request": False, **keys}
    store = S3Store("demo", config=config, client_options={"allow_http": True})
    data = os.urandom(11 << 20)
    obstore.put(store, "a/big", data, use_multipart=True, chunk_size=5 << 20)
    obstore.put(store, "a/ü b", b"small", mode="create")
    with pytest.raises(obstore.exceptions.AlreadyExistsError):
        obstore.put(store, "a/ü b", b"other", mode="create")
    assert bytes(obstore.get(store, "a/big").bytes()) == data
    assert bytes(obstore.get_range(store, "a/big", start=5, end=9)) == data[5:9]
    listed = {item["path"]: item for page in obstore.list(store) for item in page}
    assert sorted(listed) == ["a/big", "a/ü b"] and listed["a/big"]["e_tag"].endswith('-3"')
    obstore.copy(store, "a/big", "c")
    obstore.delete(store, ["a/big", "a/ü b", "c"])
    assert [item for page in obstore.list(store) for item in page] == []


# --- moto ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def both(emulator: Emulator) -> Iterator[tuple[Any, Any]]:
    """Amazon's client on the emulator and on moto."""
    need("moto")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield client_of(emulator.url), client_of(f"http://{host}:{port}")
    server.stop()


# Of an answer what both must say; the rest is times, ids, and what only one of them has.
COMPARED = ["Contents", "CommonPrefixes", "IsTruncated", "KeyCount", "MaxKeys", "Name", "Prefix", "Delimiter", "ETag",
            "ContentLength", "ContentRange", "ContentType", "Metadata", "Parts", "Uploads", "Deleted", "Errors",
            "CacheControl", "ChecksumCRC32", "ChecksumSHA256", "DeleteMarker", "NextPartNumberMarker", "Status",
            "Versions", "DeleteMarkers", "Payer", "LocationConstraint"]
NESTED = ["Key", "ETag", "Size", "Prefix", "PartNumber", "IsLatest", "Code", "StorageClass"]


def told(answer: dict) -> dict:
    """What can be compared of an answer, with its body."""
    kept: dict[str, Any] = {"status": answer["ResponseMetadata"]["HTTPStatusCode"]}
    for name in COMPARED:
        value = answer.get(name)
        if isinstance(value, list):
            value = [{inner: item[inner] for inner in NESTED if inner in item} for item in value]
        kept[name] = value
    kept["Prefix"] = kept["Prefix"] or None  # moto leaves out an empty one
    kept["body"] = answer["Body"].read() if "Body" in answer else None
    return kept


def attempt(call: Callable[..., dict], arguments: dict) -> dict:
    from botocore.exceptions import ClientError

    try:
        return told(call(Bucket="both", **arguments))
    except ClientError as error:
        answer = error.response
        return {"status": answer["ResponseMetadata"]["HTTPStatusCode"], "code": answer["Error"]["Code"]}


ETAG = f'"{hashlib.md5(b"0123456789").hexdigest()}"'
SOURCE = {"Bucket": "both", "Key": "a"}

SCRIPT: list[tuple[str, dict]] = [
    ("create_bucket", {}),
    ("head_bucket", {}),
    ("get_bucket_location", {}),
    ("put_object", {"Key": "a", "Body": b"0123456789", "Metadata": {"One": "1"}, "ContentType": "a/b"}),
    ("put_object", {"Key": "d/1", "Body": b"", "CacheControl": "no-store"}),
    ("put_object", {"Key": "d/2", "Body": b"2", "ChecksumAlgorithm": "SHA256"}),
    ("put_object", {"Key": "d e/ü+&", "Body": b"odd"}),
    ("get_object", {"Key": "a"}),
    ("get_object", {"Key": "a", "Range": "bytes=2-4"}),
    ("get_object", {"Key": "a", "Range": "bytes=-4"}),
    ("get_object", {"Key": "a", "Range": "bytes=20-"}),
    ("get_object", {"Key": "none"}),
    ("get_object", {"Key": "a", "IfMatch": ETAG}),
    ("get_object", {"Key": "a", "IfMatch": '"other"'}),
    ("get_object", {"Key": "a", "IfNoneMatch": ETAG}),
    ("get_object", {"Key": "d/2", "ChecksumMode": "ENABLED"}),
    ("head_object", {"Key": "a"}),
    ("head_object", {"Key": "d/1"}),
    ("head_object", {"Key": "none"}),
    ("list_objects_v2", {}),
    ("list_objects_v2", {"Delimiter": "/"}),
    ("list_objects_v2", {"Prefix": "d/"}),
    ("list_objects_v2", {"MaxKeys": 2}),
    ("list_objects_v2", {"StartAfter": "d/1"}),
    ("list_objects", {"Prefix": "d", "Delimiter": "/"}),
    ("list_objects", {"Marker": "d/1"}),
    ("put_object", {"Key": "a", "Body": b"x", "IfNoneMatch": "*"}),
    ("put_object", {"Key": "new", "Body": b"x", "IfNoneMatch": "*"}),
    ("put_object", {"Key": "new", "Body": b"y", "IfMatch": '"other"'}),
    ("copy_object", {"Key": "copy", "CopySource": SOURCE}),
    ("head_object", {"Key": "copy"}),
    ("copy_object", {"Key": "copy", "CopySource": {"Bucket": "both", "Key": "none"}}),
    ("copy_object", {"Key": "a", "CopySource": SOURCE}),
    ("delete_object", {"Key": "copy"}),
    ("delete_object", {"Key": "none"}),
    ("delete_objects", {"Delete": {"Objects": [{"Key": "new"}, {"Key": "none"}]}}),
    ("delete_bucket", {}),
    ("list_multipart_uploads", {}),
    ("abort_multipart_upload", {"Key": "big", "UploadId": "none"}),
    ("get_bucket_versioning", {}),
    ("list_object_versions", {}),
    ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}}),
    ("get_bucket_versioning", {}),
    ("put_object", {"Key": "a", "Body": b"second"}),
    ("delete_object", {"Key": "d/1"}),
    ("get_object", {"Key": "d/1"}),
    ("list_object_versions", {"Prefix": "a"}),
    ("list_object_versions", {"Prefix": "d/"}),
    ("list_objects_v2", {"Prefix": "d/"}),
]


def test_moto_says_the_same(both: tuple[Any, Any]) -> None:
    differences = []
    for name, arguments in SCRIPT:
        ours, theirs = (attempt(getattr(client, name), arguments) for client in both)
        if ours != theirs:
            parts = {key: (ours.get(key), theirs.get(key)) for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)}
            differences.append((name, arguments, parts))
    assert not differences, "\n".join(map(str, differences))


def upload_in_parts(client: Any) -> list[dict]:
    """What is told on the way of an upload in parts, right and wrong."""
    client.create_bucket(Bucket="both")
    big, said = b"p" * (5 << 20), []
    upload = {"Key": "big", "UploadId": client.create_multipart_upload(Bucket="both", Key="big")["UploadId"]}
    for number, body in ((1, big), (3, b"tail"), (2, big)):
        said.append(attempt(client.upload_part, {**upload, "PartNumber": number, "Body": body}))
    etags = {number + 1: said[index]["ETag"] for number, index in ((0, 0), (1, 2), (2, 1))}
    said.append(attempt(client.list_parts, upload))
    said.append(attempt(client.list_parts, {**upload, "MaxParts": 2}))
    for numbers in ([1, 2, 4], [1, 3, 4], [1, 2, 3]):  # moto takes parts in any order
        parts = [{"PartNumber": number, "ETag": etags.get(number, '"none"')} for number in numbers]
        said.append(attempt(client.complete_multipart_upload, {**upload, "MultipartUpload": {"Parts": parts}}))
    said.append(attempt(client.head_object, {"Key": "big"}))
    said.append(attempt(client.get_object, {"Key": "big", "Range": "bytes=10485758-"}))
    return said


def test_moto_uploads_in_parts_the_same(both: tuple[Any, Any]) -> None:
    ours, theirs = map(upload_in_parts, both)
    assert ours == theirs
