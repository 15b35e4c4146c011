# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The emulator's S3 interface answers as docs/internals/emulator.md says: boto3 and raw requests."""

from __future__ import annotations

import base64
import concurrent.futures
import datetime
import hashlib
import http.client
import io
import json
import os
import urllib.parse
import zlib
from typing import Any

import pytest
from conftest import Emulator
from s3client import client_of, code, error_code, send

pytestmark = pytest.mark.sanitized

PART = 5 << 20


@pytest.fixture
def s3(emulator: Emulator) -> Any:
    return client_of(emulator.url)


def body_of(answer: dict) -> bytes:
    return answer["Body"].read()


# --- Objects ---------------------------------------------------------------------------------------------------------


def test_what_one_interface_writes_the_other_reads(emulator: Emulator, s3: Any) -> None:
    s3.put_object(Bucket="demo", Key="a/ü b", Body=b"from S3", Metadata={"who": "amazon"}, ContentType="text/x-a")
    resource = emulator.resource("demo", "a/ü b")
    assert (resource["size"], resource["metadata"], resource["contentType"]) == ("7", {"who": "amazon"}, "text/x-a")
    emulator.put("demo", "b", b"from Google")
    answer = s3.get_object(Bucket="demo", Key="b")
    assert (body_of(answer), answer["ContentLength"]) == (b"from Google", 11)
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="demo")["Contents"]] == ["a/ü b", "b"]
    s3.delete_object(Bucket="demo", Key="b")
    assert emulator.request("GET", "/storage/v1/b/demo/o/b").status == 404


def test_missing_things_have_their_own_codes(s3: Any) -> None:
    assert code(s3.get_object, Bucket="demo", Key="none") == (404, "NoSuchKey")
    assert code(s3.get_object, Bucket="none", Key="none") == (404, "NoSuchBucket")
    assert code(s3.head_object, Bucket="demo", Key="none") == (404, "404")
    assert code(s3.list_objects_v2, Bucket="none") == (404, "NoSuchBucket")
    assert s3.delete_object(Bucket="demo", Key="none")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_metadata_and_overrides(emulator: Emulator, s3: Any) -> None:
    given = {"CacheControl": "no-store", "ContentDisposition": "inline", "ContentLanguage": "la", "ContentEncoding": "x-none"}
    s3.put_object(Bucket="demo", Key="k", Body=b"x", Metadata={"One": "1", "two": "2 3"}, **given)
    head = s3.head_object(Bucket="demo", Key="k")
    assert {name: head[name] for name in given} == given
    assert (head["Metadata"], head["ContentType"]) == ({"one": "1", "two": "2 3"}, "binary/octet-stream")
    assert (head["ETag"], head["AcceptRanges"]) == (f'"{hashlib.md5(b"x").hexdigest()}"', "bytes")
    many = {f"name-{number}": str(number) for number in range(60)}
    s3.put_object(Bucket="demo", Key="many", Body=b"x", Metadata=many)
    assert s3.head_object(Bucket="demo", Key="many")["Metadata"] == many
    other = s3.get_object(Bucket="demo", Key="k", ResponseContentType="text/plain", ResponseCacheControl="max-age=1")
    assert (other["ContentType"], other["CacheControl"], other["ContentLanguage"]) == ("text/plain", "max-age=1", "la")
    answer = send("GET", f"{emulator.s3_url}/demo/k?response-content-type=a%0d%0aX-Split:%201")
    assert answer.headers["X-Split"] is None


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=4-", 206, b"456789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=8-100", 206, b"89"),
        ("bytes=10-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=5-4", 200, b"0123456789"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
    ],
)
def test_ranges(emulator: Emulator, asked: str, status: int, body: bytes | None) -> None:
    emulator.put("demo", "k", b"0123456789")
    answer = send("GET", f"{emulator.s3_url}/demo/k", headers={"Range": asked})
    assert answer.status == status
    if body is None:
        assert (error_code(answer), answer.headers["Content-Range"]) == ("InvalidRange", "bytes */10")
        assert b"<ActualObjectSize>10</ActualObjectSize>" in answer.body
    else:
        assert answer.body == body


def test_conditions_of_reads_in_their_order(s3: Any) -> None:
    etag = s3.put_object(Bucket="demo", Key="k", Body=b"x")["ETag"]
    now = s3.head_object(Bucket="demo", Key="k")["LastModified"]
    past = now - datetime.timedelta(days=1)
    wanted = [
        ({"IfMatch": etag}, 200),
        ({"IfMatch": etag.strip('"')}, 200),
        ({"IfMatch": '"other"'}, 412),
        ({"IfNoneMatch": etag}, 304),
        ({"IfNoneMatch": '"other"'}, 200),
        ({"IfModifiedSince": now}, 304),
        ({"IfModifiedSince": past}, 200),
        ({"IfUnmodifiedSince": now}, 200),
        ({"IfUnmodifiedSince": past}, 412),
        ({"IfMatch": etag, "IfUnmodifiedSince": past}, 200),
        ({"IfNoneMatch": etag, "IfModifiedSince": past}, 304),
        ({"IfNoneMatch": '"other"', "IfModifiedSince": now}, 200),
    ]
    for call in (s3.get_object, s3.head_object):
        for arguments, status in wanted:
            if status == 200:
                call(Bucket="demo", Key="k", **arguments)
            else:
                assert code(call, Bucket="demo", Key="k", **arguments)[0] == status, arguments
    assert code(s3.get_object, Bucket="demo", Key="k", PartNumber=1) == (501, "NotImplemented")


def test_conditions_of_writes(s3: Any) -> None:
    put = {"Bucket": "demo", "Key": "k"}
    assert code(s3.put_object, **put, Body=b"0", IfMatch='"x"') == (404, "NoSuchKey")
    first = s3.put_object(**put, Body=b"1", IfNoneMatch="*")["ETag"]
    assert code(s3.put_object, **put, Body=b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert code(s3.put_object, **put, Body=b"2", IfNoneMatch=first) == (501, "NotImplemented")
    second = s3.put_object(**put, Body=b"2", IfMatch=first)["ETag"]
    assert code(s3.put_object, **put, Body=b"3", IfMatch=first) == (412, "PreconditionFailed")
    assert code(s3.delete_object, **put, IfMatch=first) == (412, "PreconditionFailed")
    assert body_of(s3.get_object(**put)) == b"2"
    s3.delete_object(**put, IfMatch=second)
    assert code(s3.delete_object, **put, IfMatch=second) == (404, "NoSuchKey")


def test_only_one_of_many_creators_wins(s3: Any) -> None:
    def create(number: int) -> int:
        from botocore.exceptions import ClientError

        try:
            s3.put_object(Bucket="demo", Key="k", Body=b"%d" % number, IfNoneMatch="*")
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"]
        return 200

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(create, range(24)))
    assert sorted(set(statuses)) == [200, 412] and statuses.count(200) == 1


def test_a_key_of_the_other_interface_keeps_its_condition(emulator: Emulator, s3: Any) -> None:
    etag = s3.put_object(Bucket="demo", Key="k", Body=b"1")["ETag"]
    emulator.put("demo", "k", b"2")
    assert code(s3.put_object, Bucket="demo", Key="k", Body=b"3", IfMatch=etag) == (412, "PreconditionFailed")


# --- Digests and aws-chunked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_verified_kept_and_told(emulator: Emulator, s3: Any, algorithm: str) -> None:
    body, name, header = b"123456789", f"Checksum{algorithm}", f"x-amz-checksum-{algorithm.lower()}"
    known = {  # the CRCs are the check values that their catalogues give for this text
        "CRC32": "y/Q5Jg==",
        "CRC32C": "4waSgw==",
        "CRC64NVME": "rosUhgp5mIg=",
        "SHA1": base64.b64encode(hashlib.sha1(body).digest()).decode(),
        "SHA256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
    }
    if algorithm == "CRC64NVME":  # which S3 adds where nothing is sent
        answer = send("PUT", f"{emulator.s3_url}/demo/k", body)
        assert answer.headers[header] == known[algorithm]
    elif algorithm == "CRC32C":  # for which boto3 needs one more package
        assert send("PUT", f"{emulator.s3_url}/demo/k", body, {header: known[algorithm]}).status == 200
    else:
        assert s3.put_object(Bucket="demo", Key="k", Body=body, ChecksumAlgorithm=algorithm)[name] == known[algorithm]
    head = s3.head_object(Bucket="demo", Key="k", ChecksumMode="ENABLED")
    assert (head[name], head["ChecksumType"]) == (known[algorithm], "FULL_OBJECT")
    assert name not in s3.head_object(Bucket="demo", Key="k")
    assert s3.list_objects_v2(Bucket="demo")["Contents"][0]["ChecksumAlgorithm"] == [algorithm]
    answer = send("PUT", f"{emulator.s3_url}/demo/other", b"123456780", {header: known[algorithm]})
    assert (answer.status, error_code(answer)) == (400, "BadDigest")
    answer = send("PUT", f"{emulator.s3_url}/demo/other", body, {header: "AAAA"})
    assert (answer.status, error_code(answer)) == (400, "InvalidRequest")
    assert code(s3.head_object, Bucket="demo", Key="other")[0] == 404


def test_wrong_digests_are_refused(emulator: Emulator) -> None:
    url, md5 = f"{emulator.s3_url}/demo/k", base64.b64encode(hashlib.md5(b"y").digest()).decode()
    two = {"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha1": "A" * 27 + "="}
    for headers, wanted in [
        ({"Content-MD5": md5}, "BadDigest"),
        ({"Content-MD5": "short"}, "InvalidDigest"),
        ({"x-amz-content-sha256": "0" * 64}, "XAmzContentSHA256Mismatch"),
        ({"x-amz-content-sha256": "sha"}, "InvalidArgument"),
        (two, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-sdk-checksum-algorithm": "SHA1"}, "InvalidRequest"),
    ]:
        answer = send("PUT", url, b"x", headers)
        assert (answer.status, error_code(answer)) == (400, wanted), headers
    assert send("GET", url).status == 404


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailer + b"\r\n"


def chunk_headers(size: int, **more: str) -> dict[str, str]:
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": str(size),
        "Content-Encoding": "aws-chunked",
    }
    return {**headers, **{name.replace("_", "-"): value for name, value in more.items()}}


def test_aws_chunked_bodies_are_undone(emulator: Emulator, s3: Any) -> None:
    crc = base64.b64encode(zlib.crc32(b"hello, chunks").to_bytes(4, "big"))
    url, named = f"{emulator.s3_url}/demo/k", {"x_amz_trailer": "x-amz-checksum-crc32"}
    body = chunked(b"hello", b", ch", b"unks", trailer=b"x-amz-checksum-crc32:" + crc + b"\r\n")
    assert send("PUT", url, body, chunk_headers(13, **named)).status == 200
    head = s3.get_object(Bucket="demo", Key="k", ChecksumMode="ENABLED")
    assert (body_of(head), head["ChecksumCRC32"]) == (b"hello, chunks", crc.decode())
    assert "ContentEncoding" not in head
    gzip = send("PUT", url, chunked(b"x"), {**chunk_headers(1), "Content-Encoding": "aws-chunked,gzip"})
    assert (gzip.status, s3.head_object(Bucket="demo", Key="k")["ContentEncoding"]) == (200, "gzip")


@pytest.mark.parametrize(
    ("body", "size", "wanted"),
    [
        (chunked(b"abc"), 4, "IncompleteBody"),
        (b"5\r\nabc\r\n0\r\n\r\n", 5, "InvalidRequest"),
        (b"5\r\nabc", 5, "IncompleteBody"),
        (b"zz\r\nabc\r\n0\r\n\r\n", 3, "InvalidRequest"),
        (b"3\r\nabcX0\r\n\r\n", 3, "InvalidRequest"),
        (b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n", 3, "InvalidRequest"),
        (b"3\r\nabc\r\n", 3, "IncompleteBody"),
        (b"x" * 5000, 5000, "IncompleteBody"),
        (b"", 0, "IncompleteBody"),
        (chunked(b"abc", trailer=b"no colon\r\n"), 3, "InvalidRequest"),
        (chunked(b"abc", trailer=b"x-amz-checksum-crc32:AAAAAA==\r\n"), 3, "BadDigest"),
        (chunked(b"abc", trailer=b"a:b\r\n" * 30), 3, "InvalidRequest"),
    ],
)
def test_malformed_chunks_are_refused(emulator: Emulator, body: bytes, size: int, wanted: str) -> None:
    answer = send("PUT", f"{emulator.s3_url}/demo/k", body, chunk_headers(size))
    assert (answer.status, error_code(answer)) == (400, wanted)
    assert send("GET", f"{emulator.s3_url}/demo/k").status == 404


def test_a_body_without_a_length_is_refused(emulator: Emulator) -> None:
    answer = send("PUT", f"{emulator.s3_url}/demo/k", iter([b"abc"]), {"Transfer-Encoding": "chunked"})
    assert (answer.status, error_code(answer)) == (501, "NotImplemented")
    headers = {**chunk_headers(3), "Transfer-Encoding": "chunked"}
    assert send("PUT", f"{emulator.s3_url}/demo/k", iter([chunked(b"abc")]), headers).status == 200


def test_an_announced_trailer_must_come(emulator: Emulator) -> None:
    headers = chunk_headers(3, x_amz_trailer="x-amz-checksum-sha256")
    assert error_code(send("PUT", f"{emulator.s3_url}/demo/k", chunked(b"abc"), headers)) == "InvalidRequest"


# --- Copies ----------------------------------------------------------------------------------------------------------


def test_copies_under_conditions_of_both_sides(s3: Any) -> None:
    etag = s3.put_object(Bucket="demo", Key="a ü", Body=b"x", Metadata={"k": "v"})["ETag"]
    source = {"Bucket": "demo", "Key": "a ü"}
    now = s3.head_object(**source)["LastModified"]
    past = now - datetime.timedelta(days=1)
    copied = s3.copy_object(Bucket="demo", Key="b", CopySource=source)["CopyObjectResult"]
    assert copied["ETag"] == etag
    assert s3.head_object(Bucket="demo", Key="b")["Metadata"] == {"k": "v"}
    s3.copy_object(Bucket="demo", Key="b", CopySource=source, MetadataDirective="REPLACE", Metadata={"n": "w"})
    assert s3.head_object(Bucket="demo", Key="b")["Metadata"] == {"n": "w"}
    wanted = [
        ({"CopySourceIfMatch": etag}, None),
        ({"CopySourceIfMatch": '"other"'}, (412, "PreconditionFailed")),
        ({"CopySourceIfNoneMatch": etag}, (412, "PreconditionFailed")),
        ({"CopySourceIfModifiedSince": now}, (412, "PreconditionFailed")),
        ({"CopySourceIfUnmodifiedSince": past}, (412, "PreconditionFailed")),
        ({"CopySourceIfMatch": etag, "CopySourceIfUnmodifiedSince": past}, None),
        ({"CopySourceIfNoneMatch": etag, "CopySourceIfModifiedSince": past}, (412, "PreconditionFailed")),
        ({"IfNoneMatch": "*"}, (412, "PreconditionFailed")),
        ({"IfMatch": etag}, None),
    ]
    for arguments, error in wanted:
        if error:
            assert code(s3.copy_object, Bucket="demo", Key="b", CopySource=source, **arguments) == error, arguments
        else:
            s3.copy_object(Bucket="demo", Key="b", CopySource=source, **arguments)
    assert code(s3.copy_object, Bucket="demo", Key="a ü", CopySource=source) == (400, "InvalidRequest")
    none = {"Bucket": "demo", "Key": "none"}
    assert code(s3.copy_object, Bucket="demo", Key="b", CopySource=none) == (404, "NoSuchKey")


def test_a_copy_has_a_checksum_of_its_own(s3: Any) -> None:
    s3.put_object(Bucket="demo", Key="a", Body=b"123456789", ChecksumAlgorithm="SHA256")
    source = {"Bucket": "demo", "Key": "a"}
    sha256 = base64.b64encode(hashlib.sha256(b"123456789").digest()).decode()
    assert s3.copy_object(Bucket="demo", Key="b", CopySource=source)["CopyObjectResult"]["ChecksumSHA256"] == sha256
    s3.copy_object(Bucket="demo", Key="c", CopySource=source, ChecksumAlgorithm="CRC32")
    assert s3.head_object(Bucket="demo", Key="c", ChecksumMode="ENABLED")["ChecksumCRC32"] == "y/Q5Jg=="


def test_delete_several(s3: Any) -> None:
    for name in ("a", "b", "c<&>"):
        s3.put_object(Bucket="demo", Key=name, Body=b"x")
    objects = [{"Key": "a"}, {"Key": "none"}, {"Key": "c<&>"}, {"Key": "b", "ETag": '"other"'}]
    answer = s3.delete_objects(Bucket="demo", Delete={"Objects": objects})
    assert sorted(item["Key"] for item in answer["Deleted"]) == ["a", "c<&>", "none"]
    assert [(item["Key"], item["Code"]) for item in answer["Errors"]] == [("b", "PreconditionFailed")]
    quiet = s3.delete_objects(Bucket="demo", Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    assert "Deleted" not in quiet and "Contents" not in s3.list_objects_v2(Bucket="demo")


# --- Listings --------------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(s3: Any) -> Any:
    for name in ("a", "d/1", "d/2", "d/e/3", "f", "ü b+c", "z"):
        s3.put_object(Bucket="demo", Key=name, Body=name.encode())
    return s3


def names(page: dict) -> list[str]:
    return [item["Key"] for item in page.get("Contents", [])] + [item["Prefix"] for item in page.get("CommonPrefixes", [])]


def test_listing_the_second_way(filled: Any) -> None:
    def listed(**options: Any) -> dict:
        return filled.list_objects_v2(Bucket="demo", **options)

    assert names(listed()) == ["a", "d/1", "d/2", "d/e/3", "f", "z", "ü b+c"]
    assert names(listed(Delimiter="/")) == ["a", "f", "z", "ü b+c", "d/"]
    assert names(listed(Delimiter="/", Prefix="d/")) == ["d/1", "d/2", "d/e/"]
    assert names(listed(StartAfter="f")) == ["z", "ü b+c"]
    assert names(listed(MaxKeys=0)) == [] and not listed(MaxKeys=0)["IsTruncated"]
    assert listed(MaxKeys=5000)["MaxKeys"] == 1000
    assert listed(FetchOwner=True)["Contents"][0]["Owner"]["ID"]
    seen, options = [], {"MaxKeys": 2, "Delimiter": "/"}
    while True:
        page = listed(**options)
        assert page["KeyCount"] <= 2
        seen += names(page)
        if not page["IsTruncated"]:
            break
        options["ContinuationToken"] = page["NextContinuationToken"]
    assert seen == ["a", "d/", "f", "z", "ü b+c"]
    assert code(listed, ContinuationToken="nonsense") == (400, "InvalidArgument")


def test_listing_the_first_way(filled: Any) -> None:
    page = filled.list_objects(Bucket="demo", MaxKeys=2)
    assert (names(page), page["IsTruncated"], "NextMarker" in page) == (["a", "d/1"], True, False)
    assert names(filled.list_objects(Bucket="demo", Marker="d/1"))[0] == "d/2"
    page = filled.list_objects(Bucket="demo", MaxKeys=2, Delimiter="/")
    assert (names(page), page["NextMarker"]) == (["a", "d/"], "d/")
    assert names(filled.list_objects(Bucket="demo", Marker="d/", Delimiter="/")) == ["f", "z", "ü b+c"]
    assert filled.list_objects(Bucket="demo")["Contents"][0]["Owner"]["ID"]


def test_keys_that_are_no_xml_are_listed(emulator: Emulator, s3: Any) -> None:
    s3.put_object(Bucket="demo", Key="a\x01<&>\"'b", Body=b"")
    assert names(s3.list_objects_v2(Bucket="demo")) == ["a\x01<&>\"'b"]
    raw = send("GET", f"{emulator.s3_url}/demo?list-type=2").body
    assert b"<Key>a&#x1;&lt;&amp;&gt;&quot;'b</Key>" in raw
    assert b"<Key>a%01%3C%26%3E%22%27b</Key>" in send("GET", f"{emulator.s3_url}/demo?encoding-type=url").body


def test_files_put_there_by_hand_are_listed_with_their_etag(emulator: Emulator, s3: Any) -> None:
    (emulator.root / "demo" / "hand").write_bytes(b"by hand")
    [item] = s3.list_objects_v2(Bucket="demo")["Contents"]
    assert item["ETag"] == s3.head_object(Bucket="demo", Key="hand")["ETag"] == f'"{hashlib.md5(b"by hand").hexdigest()}"'


# --- Multipart uploads -----------------------------------------------------------------------------------------------


def begin(s3: Any, **options: Any) -> dict:
    upload = s3.create_multipart_upload(Bucket="demo", Key="big", **options)
    return {"Bucket": "demo", "Key": "big", "UploadId": upload["UploadId"]}


def upload_parts(s3: Any, upload: dict, *bodies: bytes, **options: Any) -> list[dict]:
    parts = []
    for number, body in enumerate(bodies, 1):
        answer = s3.upload_part(**upload, PartNumber=number, Body=body, **options)
        sums = {name: value for name, value in answer.items() if name.startswith("Checksum") and options}
        parts.append({"PartNumber": number, "ETag": answer["ETag"], **sums})
    return parts


def test_multipart_upload(emulator: Emulator, s3: Any) -> None:
    bodies = [b"a" * PART, b"b" * PART, b"c"]
    upload = begin(s3, Metadata={"k": "v"})
    parts = upload_parts(s3, upload, *bodies)
    assert code(s3.head_object, Bucket="demo", Key="big")[0] == 404
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    md5s = b"".join(hashlib.md5(body).digest() for body in bodies)
    assert done["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-3"'
    head = s3.get_object(Bucket="demo", Key="big")
    assert (head["ETag"], head["Metadata"], body_of(head)) == (done["ETag"], {"k": "v"}, b"".join(bodies))
    assert "md5Hash" not in emulator.resource("demo", "big")
    assert code(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts}) == (404, "NoSuchUpload")


def test_the_etag_of_parts_survives_a_restart(start_emulator: Any) -> None:
    first = start_emulator()
    first.make_bucket("demo")
    client = client_of(first.url)
    upload = begin(client)
    parts = upload_parts(client, upload, b"x")
    etag = client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["ETag"]
    first.stop()
    assert client_of(start_emulator().url).head_object(Bucket="demo", Key="big")["ETag"] == etag


def test_wrong_lists_of_parts(s3: Any) -> None:
    upload = begin(s3)
    parts = upload_parts(s3, upload, b"a" * PART, b"small", b"c")

    def complete(chosen: list[dict]) -> tuple[int, str]:
        return code(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": chosen})

    assert complete(parts) == (400, "EntityTooSmall")
    assert complete([parts[1], parts[0]]) == (400, "InvalidPartOrder")
    assert complete([parts[0], parts[0]]) == (400, "InvalidPartOrder")
    assert complete([{**parts[0], "ETag": '"other"'}]) == (400, "InvalidPart")
    assert complete([{**parts[0], "PartNumber": 7}]) == (400, "InvalidPart")
    assert complete([]) == (400, "MalformedXML")
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [parts[0], parts[2]]})


def test_completion_under_conditions(s3: Any) -> None:
    upload = begin(s3)
    parts = {"Parts": upload_parts(s3, upload, b"x")}
    other = s3.put_object(Bucket="demo", Key="big", Body=b"first")["ETag"]
    call = s3.complete_multipart_upload
    assert code(call, **upload, MultipartUpload=parts, IfNoneMatch="*") == (412, "PreconditionFailed")
    assert code(call, **upload, MultipartUpload=parts, IfMatch='"x"') == (412, "PreconditionFailed")
    call(**upload, MultipartUpload=parts, IfMatch=other)
    upload = begin(s3)
    parts = {"Parts": upload_parts(s3, upload, b"y")}
    s3.delete_object(Bucket="demo", Key="big")
    assert code(call, **upload, MultipartUpload=parts, IfMatch=other) == (404, "NoSuchKey")
    call(**upload, MultipartUpload=parts, IfNoneMatch="*")


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256"])
def test_composite_checksums(s3: Any, algorithm: str) -> None:
    def digest(data: bytes) -> bytes:
        return hashlib.sha256(data).digest() if algorithm == "SHA256" else zlib.crc32(data).to_bytes(4, "big")

    bodies = [b"a" * PART, b"b"]
    upload = begin(s3, ChecksumAlgorithm=algorithm)
    parts = upload_parts(s3, upload, *bodies, ChecksumAlgorithm=algorithm)
    bare = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
    call = s3.complete_multipart_upload
    assert code(call, **upload, MultipartUpload={"Parts": bare}) == (400, "InvalidRequest")
    wrong = [{**parts[0], f"Checksum{algorithm}": parts[1][f"Checksum{algorithm}"]}, parts[1]]
    assert code(call, **upload, MultipartUpload={"Parts": wrong}) == (400, "InvalidPart")
    done = call(**upload, MultipartUpload={"Parts": parts})
    whole = base64.b64encode(digest(b"".join(map(digest, bodies)))).decode()
    assert (done[f"Checksum{algorithm}"], done["ChecksumType"]) == (f"{whole}-2", "COMPOSITE")
    head = s3.head_object(Bucket="demo", Key="big", ChecksumMode="ENABLED")
    assert (head[f"Checksum{algorithm}"], head["ChecksumType"]) == (f"{whole}-2", "COMPOSITE")


def test_checksums_of_the_full_object(s3: Any) -> None:
    bodies = [b"a" * PART, b"b"]
    upload = begin(s3, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = {"Parts": upload_parts(s3, upload, *bodies, ChecksumAlgorithm="CRC32")}
    whole = base64.b64encode(zlib.crc32(b"".join(bodies)).to_bytes(4, "big")).decode()
    call = s3.complete_multipart_upload
    named = {"ChecksumType": "FULL_OBJECT"}
    assert code(call, **upload, MultipartUpload=parts, ChecksumCRC32="AAAAAA==", **named) == (400, "BadDigest")
    assert code(call, **upload, MultipartUpload=parts, MpuObjectSize=7) == (400, "InvalidRequest")
    done = call(**upload, MultipartUpload=parts, ChecksumCRC32=whole, MpuObjectSize=PART + 1, **named)
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (whole, "FULL_OBJECT")


def test_parts_of_copies_and_their_listing(s3: Any) -> None:
    data = bytes(range(256)) * ((PART >> 8) + 1)
    etag = s3.put_object(Bucket="demo", Key="source", Body=data)["ETag"]
    upload, source = begin(s3), {"Bucket": "demo", "Key": "source"}
    copy = s3.upload_part_copy
    first = copy(**upload, PartNumber=1, CopySource=source, CopySourceIfMatch=etag)["CopyPartResult"]
    second = copy(**upload, PartNumber=4, CopySource=source, CopySourceRange="bytes=10-19")["CopyPartResult"]
    assert code(copy, **upload, PartNumber=5, CopySource=source, CopySourceIfMatch='"x"') == (412, "PreconditionFailed")
    wide = {"CopySourceRange": f"bytes=0-{len(data)}"}
    assert code(copy, **upload, PartNumber=5, CopySource=source, **wide) == (400, "InvalidArgument")
    listed = s3.list_parts(**upload)
    assert [(part["PartNumber"], part["Size"]) for part in listed["Parts"]] == [(1, len(data)), (4, 10)]
    page = s3.list_parts(**upload, MaxParts=1)
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 1)
    assert [part["PartNumber"] for part in s3.list_parts(**upload, PartNumberMarker=1)["Parts"]] == [4]
    parts = [{"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 4, "ETag": second["ETag"]}]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert body_of(s3.get_object(Bucket="demo", Key="big")) == data + data[10:20]


def test_uploads_are_listed_and_aborted(s3: Any) -> None:
    ids = [s3.create_multipart_upload(Bucket="demo", Key=name)["UploadId"] for name in ("b", "a", "a", "c/d")]
    assert code(s3.upload_part, Bucket="demo", Key="b", UploadId=ids[0], PartNumber=0, Body=b"") == (400, "InvalidArgument")
    assert code(s3.upload_part, Bucket="demo", Key="x", UploadId=ids[0], PartNumber=1, Body=b"") == (404, "NoSuchUpload")
    seen, options = [], {"MaxUploads": 1}
    while True:
        page = s3.list_multipart_uploads(Bucket="demo", **options)
        seen += [(item["Key"], item["UploadId"]) for item in page.get("Uploads", [])]
        if not page["IsTruncated"]:
            break
        options.update(KeyMarker=page["NextKeyMarker"], UploadIdMarker=page["NextUploadIdMarker"])
    assert [key for key, _ in seen] == ["a", "a", "b", "c/d"] and {upload for _, upload in seen} == set(ids)
    assert [item["Key"] for item in s3.list_multipart_uploads(Bucket="demo", Prefix="c")["Uploads"]] == ["c/d"]
    for key, upload in seen:
        s3.abort_multipart_upload(Bucket="demo", Key=key, UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="demo")
    assert code(s3.abort_multipart_upload, Bucket="demo", Key="b", UploadId=ids[0]) == (404, "NoSuchUpload")


def test_an_upload_of_more_parts_than_usual_open_files(start_emulator: Any) -> None:
    emulator = start_emulator(open_files=256)
    emulator.make_bucket("demo")
    s3 = client_of(emulator.url)
    upload = begin(s3)
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(emulator.s3_url).netloc)
    for number in range(1, 301):
        connection.request("PUT", f"/demo/big?uploadId={upload['UploadId']}&partNumber={number}", b"x")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b""), number
    connection.close()
    assert len(s3.list_parts(**upload)["Parts"]) == 300


def test_a_client_of_amazon_uploads_in_parts_by_itself(s3: Any) -> None:
    data = bytes(range(251)) * 50000
    s3.upload_fileobj(io.BytesIO(data), "demo", "big")
    head = s3.get_object(Bucket="demo", Key="big")
    assert head["ETag"].endswith('-2"') and body_of(head) == data


# --- Buckets ---------------------------------------------------------------------------------------------------------


def test_buckets(s3: Any) -> None:
    s3.create_bucket(Bucket="new.bucket-1")
    assert code(s3.create_bucket, Bucket="new.bucket-1") == (409, "BucketAlreadyOwnedByYou")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["demo", "new.bucket-1"]
    assert s3.head_bucket(Bucket="demo")["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="demo")["LocationConstraint"] is None
    assert code(s3.head_bucket, Bucket="none")[0] == 404
    s3.put_object(Bucket="new.bucket-1", Key="k", Body=b"")
    assert code(s3.delete_bucket, Bucket="new.bucket-1") == (409, "BucketNotEmpty")
    s3.delete_object(Bucket="new.bucket-1", Key="k")
    s3.delete_bucket(Bucket="new.bucket-1")
    assert code(s3.delete_bucket, Bucket="new.bucket-1") == (404, "NoSuchBucket")


@pytest.mark.parametrize("name", ["UPPER", "under_score", "ab", "a..b", "-a-b-", "x" * 64])
def test_names_that_amazon_forbids(emulator: Emulator, name: str) -> None:
    answer = send("PUT", f"{emulator.s3_url}/{name}")
    assert (answer.status, error_code(answer)) == (400, "InvalidBucketName")


def test_what_is_not_done_is_said(emulator: Emulator, s3: Any) -> None:
    s3.put_object(Bucket="demo", Key="k", Body=b"x")
    for target in ("/demo?policy", "/demo/k?tagging", "/demo?lifecycle", "/demo/k?acl"):
        answer = send("GET", f"{emulator.s3_url}{target}")
        assert (answer.status, error_code(answer)) == (501, "NotImplemented"), target
    assert error_code(send("POST", f"{emulator.s3_url}/demo/k", b"")) == "MethodNotAllowed"


def test_requester_pays(emulator: Emulator, s3: Any) -> None:
    s3.put_object(Bucket="demo", Key="k", Body=b"x")
    s3.put_bucket_request_payment(Bucket="demo", RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket="demo")["Payer"] == "Requester"
    assert code(s3.get_object, Bucket="demo", Key="k") == (403, "AccessDenied")
    assert code(s3.list_objects_v2, Bucket="demo") == (403, "AccessDenied")
    assert s3.get_object(Bucket="demo", Key="k", RequestPayer="requester")["RequestCharged"] == "requester"
    unsigned = send("GET", f"{emulator.s3_url}/demo/k", headers={"x-amz-request-payer": "requester"})
    assert (unsigned.status, error_code(unsigned)) == (403, "AccessDenied")


# --- Versions --------------------------------------------------------------------------------------------------------


def versioned(s3: Any, status: str = "Enabled") -> None:
    s3.put_bucket_versioning(Bucket="demo", VersioningConfiguration={"Status": status})


def history(s3: Any, **options: Any) -> list[tuple]:
    page = s3.list_object_versions(Bucket="demo", **options)
    marks = [(item["Key"], item["VersionId"], item["IsLatest"], "marker") for item in page.get("DeleteMarkers", [])]
    return [(item["Key"], item["VersionId"], item["IsLatest"], item["Size"]) for item in page.get("Versions", [])] + marks


def test_versions_stay_and_come_back(s3: Any) -> None:
    key = {"Bucket": "demo", "Key": "d//k"}  # a key that is no path
    assert "VersionId" not in s3.put_object(**key, Body=b"")
    assert "Status" not in s3.get_bucket_versioning(Bucket="demo")
    versioned(s3)
    one, two = (s3.put_object(**key, Body=body)["VersionId"] for body in (b"1", b"22"))
    assert s3.get_object(**key)["VersionId"] == two
    assert body_of(s3.get_object(**key, VersionId=one)) == b"1"
    assert body_of(s3.get_object(**key, VersionId="null")) == b""
    assert code(s3.get_object, **key, VersionId="0" * 32) == (404, "NoSuchVersion")
    assert code(s3.get_object, **key, VersionId="x") == (400, "InvalidArgument")
    gone = s3.delete_object(**key)
    assert gone["DeleteMarker"] and code(s3.get_object, **key) == (404, "NoSuchKey")
    assert code(s3.get_object, **key, VersionId=gone["VersionId"]) == (405, "MethodNotAllowed")
    assert "Contents" not in s3.list_objects_v2(Bucket="demo")
    assert history(s3) == [
        ("d//k", two, False, 2),
        ("d//k", one, False, 1),
        ("d//k", "null", False, 0),
        ("d//k", gone["VersionId"], True, "marker"),
    ]
    assert s3.delete_object(**key, VersionId=gone["VersionId"])["DeleteMarker"]
    assert body_of(s3.get_object(**key)) == b"22"
    s3.delete_object(**key, VersionId=two)
    assert s3.get_object(**key)["VersionId"] == one
    copied = s3.copy_object(Bucket="demo", Key="copy", CopySource={**key, "VersionId": "null"})
    assert (copied["CopySourceVersionId"] if "CopySourceVersionId" in copied else "null") == "null"
    assert code(s3.delete_bucket, Bucket="demo") == (409, "BucketNotEmpty")


def test_creation_after_a_marker(s3: Any) -> None:
    versioned(s3)
    key = {"Bucket": "demo", "Key": "k"}
    s3.put_object(**key, Body=b"1", IfNoneMatch="*")
    s3.delete_object(**key)
    s3.put_object(**key, Body=b"2", IfNoneMatch="*")
    assert code(s3.put_object, **key, Body=b"3", IfNoneMatch="*") == (412, "PreconditionFailed")


def test_a_file_put_there_by_hand_is_kept_with_its_etag(emulator: Emulator, s3: Any) -> None:
    versioned(s3)
    (emulator.root / "demo" / "k").write_bytes(b"by hand")
    s3.put_object(Bucket="demo", Key="k", Body=b"later")
    old = s3.get_object(Bucket="demo", Key="k", VersionId="null")
    assert (body_of(old), old["ETag"]) == (b"by hand", f'"{hashlib.md5(b"by hand").hexdigest()}"')


def test_suspended_versioning_has_one_version_without_id(s3: Any) -> None:
    key = {"Bucket": "demo", "Key": "k"}
    s3.put_object(**key, Body=b"before")
    versioned(s3)
    one = s3.put_object(**key, Body=b"1")["VersionId"]
    assert history(s3) == [("k", one, True, 1), ("k", "null", False, 6)]
    versioned(s3, "Suspended")
    assert s3.put_object(**key, Body=b"22")["VersionId"] == "null"
    assert history(s3) == [("k", "null", True, 2), ("k", one, False, 1)]
    assert s3.put_object(**key, Body=b"333")["VersionId"] == "null"
    assert history(s3) == [("k", "null", True, 3), ("k", one, False, 1)]
    assert s3.delete_object(**key)["VersionId"] == "null"
    assert history(s3) == [("k", one, False, 1), ("k", "null", True, "marker")]
    s3.put_object(**key, Body=b"4444")
    assert history(s3) == [("k", "null", True, 4), ("k", one, False, 1)]


def test_versions_in_pages_and_after_a_restart(start_emulator: Any) -> None:
    first = start_emulator()
    first.make_bucket("demo")
    s3 = client_of(first.url)
    versioned(s3)
    for name in ("a", "b/1", "b/2", "c"):
        for body in (b"1", b"2"):
            s3.put_object(Bucket="demo", Key=name, Body=body)
    s3.delete_object(Bucket="demo", Key="c")
    whole = sorted(history(s3))
    assert len(whole) == 9
    first.stop()
    s3 = client_of(start_emulator().url)
    assert sorted(history(s3)) == whole
    seen, options = [], {"MaxKeys": 2}
    while True:
        page = s3.list_object_versions(Bucket="demo", **options)
        seen += history(s3, **options)
        if not page["IsTruncated"]:
            break
        options.update(KeyMarker=page["NextKeyMarker"], VersionIdMarker=page["NextVersionIdMarker"])
    assert sorted(seen) == whole
    folded = s3.list_object_versions(Bucket="demo", Delimiter="/")
    assert [item["Prefix"] for item in folded["CommonPrefixes"]] == ["b/"] and len(folded["Versions"]) == 4
    everything = {"Objects": [{"Key": key, "VersionId": version} for key, version, _, _ in whole]}
    assert len(s3.delete_objects(Bucket="demo", Delete=everything)["Deleted"]) == 9
    s3.delete_bucket(Bucket="demo")


def test_a_version_of_a_process_that_was_killed_half_way(start_emulator: Any) -> None:
    first = start_emulator()
    bucket = first.make_bucket("demo")
    s3 = client_of(first.url)
    versioned(s3)
    for key, body in (("stays", b"1"), ("went", b"2")):
        s3.put_object(Bucket="demo", Key=key, Body=body)
    first.stop()
    # As if killed when both had been kept, and the file of one had been replaced.
    (bucket / ".nacre" / "versions").mkdir()
    journal = bucket / ".nacre" / "journal"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in [line for line in lines if "generation" in line]:
        os.link(bucket / line["key"], bucket / ".nacre" / "versions" / str(line["generation"]))
        journal.write_text(journal.read_text() + json.dumps({**line, "kept": True}) + "\n")
    (bucket / "new").write_bytes(b"new")
    (bucket / "new").rename(bucket / "went")
    s3 = client_of(start_emulator().url)
    seen = [(key, latest, size) for key, _, latest, size in history(s3)]
    assert seen == [("stays", True, 1), ("went", True, 3), ("went", False, 1)]


def test_no_version_is_lost_or_mixed(s3: Any) -> None:
    versioned(s3)

    def write(number: int) -> tuple[str, bytes]:
        body = b"%d " % number * (number + 1)
        return s3.put_object(Bucket="demo", Key="k", Body=body)["VersionId"], body

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        written = dict(pool.map(write, range(100)))
    assert len(written) == 100 and {version for _, version, _, _ in history(s3)} == set(written)
    assert [latest for _, _, latest, _ in history(s3)] == [True] + [False] * 99
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for version, body in zip(written, pool.map(lambda v: body_of(s3.get_object(Bucket="demo", Key="k", VersionId=v)), written)):
            assert body == written[version]
