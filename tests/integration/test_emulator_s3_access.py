# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Who may do what in the emulator's S3 interface: signatures, tokens, regions; its log and its faults."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Emulator
from s3client import client_of, code, error_code, send

pytestmark = pytest.mark.sanitized

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def locked(start_emulator: Callable[..., Emulator]) -> Emulator:
    """An emulator that answers to two keys alone, one of them with a token."""
    emulator = start_emulator("--s3-credentials", f"id:{SECRET}", "--s3-credentials", "temporary:other:to:ken")
    emulator.make_bucket("demo")
    return emulator


def owner(emulator: Emulator, **options: Any) -> Any:
    return client_of(emulator.url, aws_secret_access_key=SECRET, **options)


# --- Signatures in headers -------------------------------------------------------------------------------------------


def test_every_operation_is_signed_as_amazons_client_signs(locked: Emulator) -> None:
    s3 = owner(locked)
    key = {"Bucket": "demo", "Key": "a b/ü+c?d=e&f%20~*'()"}
    s3.put_object(**key, Body=b"x", Metadata={"spaces": "a   b", "plain": "c"}, IfNoneMatch="*")
    assert s3.get_object(**key, Range="bytes=0-0", ResponseContentType="a/b; c=d")["ContentType"] == "a/b; c=d"
    assert s3.list_objects_v2(Bucket="demo", Prefix="a b/", Delimiter="+")["CommonPrefixes"][0]["Prefix"] == "a b/ü+"
    s3.copy_object(Bucket="demo", Key="copy", CopySource=key)
    upload = s3.create_multipart_upload(**key)["UploadId"]
    etag = s3.upload_part(**key, UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(**key, UploadId=upload, MultipartUpload=parts)
    s3.delete_objects(Bucket="demo", Delete={"Objects": [{"Key": key["Key"]}, {"Key": "copy"}]})
    assert "Contents" not in s3.list_objects(Bucket="demo")
    assert {entry["auth"] for entry in locked.log()} == {"aws4"}


def test_who_is_not_known_is_refused(locked: Emulator) -> None:
    assert code(client_of(locked.url).list_objects_v2, Bucket="demo") == (403, "SignatureDoesNotMatch")
    assert code(owner(locked, aws_access_key_id="who").list_buckets) == (403, "InvalidAccessKeyId")
    assert code(client_of(locked.s3_url, signed=False).list_objects_v2, Bucket="demo") == (403, "AccessDenied")
    assert error_code(send("GET", f"{locked.s3_url}/demo", headers={"Authorization": "AWS id:abc"})) == "InvalidRequest"


class Signed:
    """A request signed by our own hand, so that single bytes of it can be changed; SHA-256 and HMAC are Python's."""

    def __init__(self, emulator: Emulator, method: str, target: str, body: bytes = b"", **headers: str) -> None:
        self.emulator, self.method, self.target, self.body = emulator, method, target, body
        self.time = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self.headers = {"host": urllib.parse.urlsplit(emulator.s3_url).netloc, "x-amz-date": self.time}
        self.headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
        self.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        self.scope = f"{self.time[:8]}/us-east-1/s3/aws4_request"

    def key(self) -> bytes:
        key = b"AWS4" + SECRET.encode()
        for part in self.scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key

    def sign(self) -> Signed:
        self.time = self.headers["x-amz-date"]
        self.scope = f"{self.time[:8]}/us-east-1/s3/aws4_request"
        path, _, query = self.target.partition("?")
        names = ";".join(sorted(self.headers))
        lines = "".join(f"{name}:{self.headers[name]}\n" for name in sorted(self.headers))
        canonical = f"{self.method}\n{path}\n{query}\n{lines}\n{names}\n{self.headers['x-amz-content-sha256']}"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{self.time}\n{self.scope}\n{digest}"
        self.signature = hmac.new(self.key(), text.encode(), hashlib.sha256).hexdigest()
        head = f"AWS4-HMAC-SHA256 Credential=id/{self.scope}, SignedHeaders={names}, Signature="
        self.headers["authorization"] = head + self.signature
        return self

    def chunk(self, data: bytes) -> bytes:
        """One chunk of aws-chunked, signed after what was signed before."""
        empty, digest = hashlib.sha256(b"").hexdigest(), hashlib.sha256(data).hexdigest()
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{self.time}\n{self.scope}\n{self.signature}\n{empty}\n{digest}"
        self.signature = hmac.new(self.key(), text.encode(), hashlib.sha256).hexdigest()
        return b"%x;chunk-signature=%s\r\n%s" % (len(data), self.signature.encode(), data + b"\r\n" if data else b"")

    def trailer(self, lines: bytes) -> bytes:
        digest = hashlib.sha256(lines.replace(b"\r", b"")).hexdigest()
        text = f"AWS4-HMAC-SHA256-TRAILER\n{self.time}\n{self.scope}\n{self.signature}\n{digest}"
        signature = hmac.new(self.key(), text.encode(), hashlib.sha256).hexdigest()
        return lines + b"x-amz-trailer-signature:" + signature.encode() + b"\r\n"

    def send(self) -> tuple[int, str]:
        answer = send(self.method, self.emulator.s3_url + self.target, self.body, self.headers)
        return answer.status, error_code(answer) if answer.status >= 400 and answer.body else ""


def put(locked: Emulator, **headers: str) -> Signed:
    return Signed(locked, "PUT", "/demo/k", b"body", content_type="text/plain", x_amz_meta_a="b", **headers)


def test_one_wrong_byte_is_refused(locked: Emulator) -> None:
    assert put(locked).sign().send() == (200, "")
    wrong = (403, "SignatureDoesNotMatch")
    for name in ("content-type", "x-amz-meta-a"):
        request = put(locked).sign()
        request.headers[name] += "x"
        assert request.send() == wrong, name
    request = put(locked).sign()
    request.target = "/demo/l"
    assert request.send() == wrong
    request = put(locked).sign()
    request.target = "/demo/k?versionId=null"
    assert request.send() == wrong
    request = put(locked).sign()
    request.method = "DELETE"
    assert request.send() == wrong
    request = put(locked).sign()
    request.body = b"Body"
    assert request.send() == (400, "XAmzContentSHA256Mismatch")
    for place in range(-64, 0, 7):
        request = put(locked).sign()
        text = request.headers["authorization"]
        request.headers["authorization"] = text[:place] + ("0" if text[place] != "0" else "1") + text[len(text) + place + 1 :]
        assert request.send() == wrong, place


def test_one_wrong_byte_of_a_list_is_refused(locked: Emulator) -> None:
    upload = owner(locked).create_multipart_upload(Bucket="demo", Key="k")["UploadId"]
    request = Signed(locked, "POST", f"/demo/k?uploadId={upload}", b"<CompleteMultipartUpload/>").sign()
    request.body = b"<completeMultipartUpload/>"
    assert request.send() == (400, "XAmzContentSHA256Mismatch")


def test_what_must_be_signed(locked: Emulator) -> None:
    request = put(locked).sign()
    request.headers["x-amz-meta-more"] = "c"
    assert request.send() == (403, "AccessDenied")
    request = put(locked)
    del request.headers["host"]
    assert request.sign().send() == (403, "AccessDenied")
    request = put(locked).sign()
    del request.headers["x-amz-content-sha256"]
    assert request.send() == (400, "InvalidRequest")


def test_malformed_authorizations(locked: Emulator) -> None:
    for change in ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=id", "AWS4-HMAC-SHA256 " + "," * 5000):
        request = put(locked).sign()
        request.headers["authorization"] = change
        assert request.send() == (400, "AuthorizationHeaderMalformed"), change
    for old, new in [("aws4_request", "aws5_request"), ("/s3/", "/ec2/"), ("id/", "/"), ("/us-east-1", "")]:
        request = put(locked).sign()
        request.headers["authorization"] = request.headers["authorization"].replace(old, new)
        assert request.send() == (400, "AuthorizationHeaderMalformed"), old
    request = put(locked).sign()
    request.headers["authorization"] = request.headers["authorization"].replace("host;", ";" * 4000 + "host;")
    assert request.send()[0] in (400, 403)


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_skewed_clock_is_told(locked: Emulator, minutes: int) -> None:
    request = put(locked)
    request.headers["x-amz-date"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + 60 * minutes))
    assert request.sign().send() == (403, "RequestTimeTooSkewed")
    request.headers["x-amz-date"] = "yesterday"
    assert request.send() == (403, "AccessDenied")


# --- Chunks that are signed ------------------------------------------------------------------------------------------


def streamed(locked: Emulator, form: str) -> Signed:
    request = Signed(locked, "PUT", "/demo/k", x_amz_decoded_content_length="70000", content_encoding="aws-chunked")
    request.headers["x-amz-content-sha256"] = form
    if form.endswith("TRAILER"):
        request.headers["x-amz-trailer"] = "x-amz-checksum-sha256"
    return request.sign()


def test_signed_chunks(locked: Emulator) -> None:
    data = bytes(range(250)) * 280
    for spoiled in (None, 10, 65700, -5):
        request = streamed(locked, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        request.body = request.chunk(data[:65536]) + request.chunk(data[65536:]) + request.chunk(b"") + b"\r\n"
        if spoiled is not None:
            at = spoiled % len(request.body)
            request.body = request.body[:at] + bytes([request.body[at] ^ 1]) + request.body[at + 1 :]
        assert request.send() == ((200, "") if spoiled is None else (403, "SignatureDoesNotMatch")), spoiled
    assert owner(locked).get_object(Bucket="demo", Key="k")["Body"].read() == data


def test_signed_trailers(locked: Emulator) -> None:
    data = bytes(range(250)) * 280
    line = b"x-amz-checksum-sha256:" + base64.b64encode(hashlib.sha256(data).digest()) + b"\r\n"
    for spoiled in (False, True):
        request = streamed(locked, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
        request.body = request.chunk(data) + request.chunk(b"")
        trailer = request.trailer(line)
        request.body += (trailer[:-3] + (b"0" if trailer[-3:-2] != b"0" else b"1") + b"\r\n" if spoiled else trailer) + b"\r\n"
        assert request.send() == ((403, "SignatureDoesNotMatch") if spoiled else (200, ""))


# --- Signatures in the query -----------------------------------------------------------------------------------------


def test_presigned_urls(locked: Emulator) -> None:
    s3 = owner(locked)
    key = {"Bucket": "demo", "Key": "a b"}
    url = s3.generate_presigned_url("put_object", Params=key, ExpiresIn=60)
    assert "X-Amz-Signature" in url
    assert send("PUT", url, b"by url").status == 200
    url = s3.generate_presigned_url("get_object", Params={**key, "ResponseContentType": "a/b"}, ExpiresIn=60)
    answer = send("GET", url)
    assert (answer.body, answer.headers["Content-Type"]) == (b"by url", "a/b")
    place = url.index("X-Amz-Signature=") + 20
    spoiled = url[:place] + ("0" if url[place] != "0" else "1") + url[place + 1 :]
    assert error_code(send("GET", spoiled)) == "SignatureDoesNotMatch"
    assert error_code(send("GET", url.replace("a%2Fb", "a%2Fc"))) == "SignatureDoesNotMatch"
    assert error_code(send("PUT", url, b"x")) == "SignatureDoesNotMatch"
    assert error_code(send("GET", url, headers={"x-amz-meta-a": "b"})) == "AccessDenied"
    assert error_code(send("GET", url.replace("X-Amz-Expires=60", "X-Amz-Expires=0"))) == "AuthorizationQueryParametersError"
    assert error_code(send("GET", url.replace("X-Amz-Date=", "X-Amz-Data="))) == "AuthorizationQueryParametersError"
    assert {entry["auth"] for entry in locked.log()} == {"aws4-query"}


def test_an_expired_url_is_refused(locked: Emulator) -> None:
    s3 = owner(locked)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "demo", "Key": "k"}, ExpiresIn=1)
    time.sleep(2.1)
    answer = send("GET", url)
    assert (answer.status, error_code(answer)) == (403, "AccessDenied") and b"Request has expired" in answer.body


# --- Tokens ----------------------------------------------------------------------------------------------------------


def holder(emulator: Emulator, token: str | None) -> Any:
    named = {"aws_access_key_id": "temporary", "aws_secret_access_key": "other", "aws_session_token": token}
    return client_of(emulator.url, **named)


def test_session_tokens(locked: Emulator) -> None:
    holder(locked, "to:ken").put_object(Bucket="demo", Key="k", Body=b"x")
    assert code(holder(locked, "else").head_bucket, Bucket="demo")[0] == 400
    assert code(holder(locked, "else").list_objects_v2, Bucket="demo") == (400, "InvalidToken")
    assert code(holder(locked, None).list_objects_v2, Bucket="demo") == (403, "InvalidAccessKeyId")
    assert code(owner(locked, aws_session_token="x").list_objects_v2, Bucket="demo") == (400, "InvalidToken")


def test_a_token_expires_in_the_middle(locked: Emulator) -> None:
    s3 = holder(locked, "to:ken")
    s3.list_objects_v2(Bucket="demo")
    locked.set_access(s3_expired=["temporary"])
    assert code(s3.list_objects_v2, Bucket="demo") == (400, "ExpiredToken")
    owner(locked).list_objects_v2(Bucket="demo")
    locked.set_access(s3_credentials=[f"id:{SECRET}", "temporary:other:fresh"], s3_expired=[])
    assert code(s3.list_objects_v2, Bucket="demo") == (400, "InvalidToken")
    holder(locked, "fresh").list_objects_v2(Bucket="demo")
    answer = locked.request("PUT", "/emulator/access", json.dumps({"s3_credentials": ["no colon"]}).encode())
    assert answer.status == 400
    holder(locked, "fresh").list_objects_v2(Bucket="demo")


# --- Secrets ---------------------------------------------------------------------------------------------------------


def test_nothing_secret_is_told(locked: Emulator) -> None:
    s3 = holder(locked, "to:ken")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "demo", "Key": "k"}, ExpiresIn=60)
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
    send("GET", url)
    s3.put_object(Bucket="demo", Key="k", Body=b"x")
    said = json.dumps(locked.log()) + locked.request("GET", "/emulator/access").body.decode()
    for name in ("X-Amz-Signature", "X-Amz-Security-Token", "Signature"):
        if name in query:
            assert query[name] not in said, name
    assert SECRET not in said and "to:ken" not in said and urllib.parse.quote("to:ken", safe="") not in said
    assert json.loads(locked.request("GET", "/emulator/access").body)["s3_ids"] == ["id", "temporary"]


@pytest.mark.parametrize("text", ["id", "id:", ":secret", "id::token", "id:secret:"])
def test_credentials_of_another_form_are_refused_and_not_told(tmp_path: Any, run: Any, text: str) -> None:
    said = run("emulator", "--root", tmp_path, "--s3-credentials", text, status=2).stderr
    assert "ID:SECRET" in said and "secret" not in said and "::" not in said


# --- Regions ---------------------------------------------------------------------------------------------------------


def test_a_bucket_of_another_region_redirects(start_emulator: Callable[..., Emulator]) -> None:
    emulator = start_emulator("--s3-region", "far=eu-west-1")
    emulator.make_bucket("far")
    emulator.make_bucket("demo")
    near, far = client_of(emulator.url), client_of(emulator.url, region_name="eu-west-1")
    answer = send("GET", f"{emulator.s3_url}/far/k", headers={"Authorization": authorization("us-east-1")})
    assert (answer.status, error_code(answer)) == (301, "PermanentRedirect")
    assert answer.headers["x-amz-bucket-region"] == "eu-west-1"
    answer = send("HEAD", f"{emulator.s3_url}/far", headers={"Authorization": authorization("us-east-1")})
    assert (answer.status, answer.headers["x-amz-bucket-region"]) == (301, "eu-west-1")
    far.put_object(Bucket="far", Key="k", Body=b"x")
    assert near.get_object(Bucket="far", Key="k")["Body"].read() == b"x"  # boto3 follows
    assert near.get_bucket_location(Bucket="far")["LocationConstraint"] == "eu-west-1"  # as from everywhere
    far.put_object(Bucket="demo", Key="k", Body=b"x")  # a bucket without a region of its own is everywhere
    emulator.set_access(s3_regions={"demo": "ap-south-1"})
    assert send("GET", f"{emulator.s3_url}/demo/k").status == 200  # unsigned: nothing names another region


def authorization(region: str) -> str:
    return f"AWS4-HMAC-SHA256 Credential=id/20260101/{region}/s3/aws4_request, SignedHeaders=host, Signature=0"


def test_endpoint_and_signature_must_both_be_of_the_region(start_emulator: Callable[..., Emulator]) -> None:
    emulator = start_emulator("--s3-region", "far=eu-west-1")
    emulator.make_bucket("far")
    for host, signed, status in [
        ("s3.eu-west-1.localhost", "eu-west-1", 200),
        ("s3.us-east-1.localhost", "us-east-1", 301),
        ("s3.us-east-1.localhost", "eu-west-1", 301),
        ("s3.eu-west-1.localhost", "us-east-1", 400),
        ("s3.localhost", "eu-west-1", 200),
        ("s3.us-east-1.localhost", None, 301),
    ]:
        headers = {"Host": host, **({"Authorization": authorization(signed)} if signed else {})}
        answer = send("GET", f"{emulator.url}/far", headers=headers)
        assert answer.status == status, (host, signed)
        if status == 400:
            assert error_code(answer) == "AuthorizationHeaderMalformed" and b"<Region>eu-west-1</Region>" in answer.body


def test_a_bucket_made_in_a_region_is_of_it(emulator: Emulator) -> None:
    far = client_of(emulator.url, region_name="eu-west-3")
    far.create_bucket(Bucket="made", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    assert far.head_bucket(Bucket="made")["BucketRegion"] == "eu-west-3"
    answer = send("GET", f"{emulator.s3_url}/made", headers={"Authorization": authorization("us-east-1")})
    assert answer.status == 301


# --- Whose request it is ---------------------------------------------------------------------------------------------


def test_requests_are_told_apart(emulator: Emulator) -> None:
    emulator.put("demo", "k", b"x")

    def is_s3(answer: Any) -> bool:
        return "x-amz-request-id" in answer.headers

    assert not is_s3(send("GET", f"{emulator.url}/demo/k"))
    assert is_s3(send("GET", f"{emulator.s3_url}/demo/k"))
    assert is_s3(send("GET", f"{emulator.url}/demo/k?x-id=GetObject"))
    assert is_s3(send("GET", f"{emulator.url}/demo/k", headers={"x-amz-checksum-mode": "ENABLED"}))
    assert is_s3(send("GET", f"{emulator.url}/demo/k", headers={"Authorization": authorization("us-east-1")}))
    assert is_s3(send("GET", f"{emulator.url}/demo/k", headers={"Host": "s3.localhost"}))
    assert is_s3(send("GET", f"{emulator.url}/k", headers={"Host": "demo.s3.localhost:1"}))
    google = {"x-goog-if-generation-match": "1", "x-amz-meta-a": "b"}
    assert not is_s3(send("PUT", f"{emulator.url}/demo/l", b"", google))
    assert not is_s3(send("GET", f"{emulator.url}/storage/v1/b/demo/o/k", headers={"x-amz-meta-a": "b"}))
    assert not is_s3(send("GET", f"{emulator.s3_url}/emulator/log"))


def test_virtual_hosted_style(locked: Emulator) -> None:
    request = Signed(locked, "PUT", "/a/k", b"body")
    request.headers["host"] = "demo.s3.us-east-1.localhost"
    assert request.sign().send() == (200, "")
    assert owner(locked).get_object(Bucket="demo", Key="a/k")["Body"].read() == b"body"
    request = Signed(locked, "GET", "/?list-type=2")
    request.headers["host"] = "demo.s3.localhost"
    assert request.sign().send() == (200, "")


# --- Denied buckets, log, faults -------------------------------------------------------------------------------------


def test_denied_and_unlisted_buckets(emulator: Emulator) -> None:
    s3 = client_of(emulator.url)
    s3.put_object(Bucket="demo", Key="k", Body=b"x")
    emulator.set_access(s3_unlisted=["demo"])
    assert code(s3.list_objects_v2, Bucket="demo") == (403, "AccessDenied")
    assert code(s3.get_object, Bucket="demo", Key="none") == (403, "AccessDenied")
    assert code(s3.head_object, Bucket="demo", Key="none")[0] == 403
    assert s3.get_object(Bucket="demo", Key="k")["Body"].read() == b"x"
    emulator.set_access(s3_unlisted=[], denied=["demo"])
    emulator.make_bucket("other")
    assert code(s3.get_object, Bucket="demo", Key="k") == (403, "AccessDenied")
    source = {"Bucket": "demo", "Key": "k"}
    assert code(s3.copy_object, Bucket="other", Key="k", CopySource=source) == (403, "AccessDenied")


def test_the_log_names_operations(emulator: Emulator) -> None:
    s3 = client_of(emulator.url)
    s3.put_object(Bucket="demo", Key="k", Body=b"x", IfNoneMatch="*")
    s3.list_objects_v2(Bucket="demo")
    entries = emulator.take_log()
    assert [entry["operation"] for entry in entries] == ["PutObject", "ListObjectsV2"]
    assert entries[0]["conditions"] == {"If-None-Match": "*"}


def test_faults_have_the_form_of_s3(emulator: Emulator) -> None:
    s3 = client_of(emulator.url)
    etag = s3.put_object(Bucket="demo", Key="k", Body=b"0123456789")["ETag"]
    for kind, wanted in [("503", (503, "SlowDown")), ("500", (500, "InternalError")), ("429", (429, "SlowDown"))]:
        emulator.set_faults({"kind": kind, "count": 1})
        assert code(s3.get_object, Bucket="demo", Key="k") == wanted
    emulator.set_faults({"kind": "conflict"})
    assert code(s3.put_object, Bucket="demo", Key="k", Body=b"y", IfMatch=etag) == (409, "ConditionalRequestConflict")
    s3.put_object(Bucket="demo", Key="free", Body=b"y")
    emulator.set_faults({"kind": "noprecondition"})
    s3.put_object(Bucket="demo", Key="k", Body=b"0123456789", IfNoneMatch="*")
    emulator.set_faults({"kind": "late-error"})
    answer = send("PUT", f"{emulator.s3_url}/demo/copy", b"", {"x-amz-copy-source": "demo/k"})
    assert (answer.status, error_code(answer)) == (200, "InternalError")
    emulator.set_faults({"kind": "norange"})
    assert s3.get_object(Bucket="demo", Key="k", Range="bytes=1-2")["Body"].read() == b"0123456789"
    emulator.set_faults({"kind": "changed-etag"})
    assert s3.get_object(Bucket="demo", Key="k")["ETag"].startswith('"changed-')
    emulator.set_faults({"kind": "novalidator"})
    head = s3.head_object(Bucket="demo", Key="k", ChecksumMode="ENABLED")
    assert not {"ETag", "LastModified", "ChecksumCRC32", "VersionId"} & head.keys()
    emulator.set_faults()
    assert code(s3.head_object, Bucket="demo", Key="copy")[0] == 404


# --- Hostile input ---------------------------------------------------------------------------------------------------


def test_hostile_xml_is_refused(emulator: Emulator) -> None:
    headers = {"Content-MD5": ""}
    bomb = b'<!DOCTYPE a [<!ENTITY b "xxxxxxxxxx"><!ENTITY c "&b;&b;&b;&b;">]><Delete><Object><Key>&c;</Key></Object></Delete>'
    outside = b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><Delete><Object><Key>k</Key></Object></Delete>'
    deep = b"<Delete>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</Delete>"
    long_key = b"<Delete><Object><Key>" + b"k" * 100000 + b"</Key></Object></Delete>"
    many = b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>"
    for body in (bomb, outside, deep, long_key, many, b"", b"<Delete>", b"<Delete/>", b"\x00" * 100, b"<" * 100000):
        headers["Content-MD5"] = base64.b64encode(hashlib.md5(body).digest()).decode()
        answer = send("POST", f"{emulator.s3_url}/demo?delete", body, headers)
        assert (answer.status, error_code(answer)) == (400, "MalformedXML"), body[:60]


def test_hostile_targets_are_refused(emulator: Emulator) -> None:
    for target in ("/demo/%", "/demo/%zz", "/demo/a%00b", "/%2e%2e/k", "/demo/" + "k" * 1025, "/demo?max-keys=-1",
                   "/demo?max-keys=x", "/demo?list-type=2&continuation-token=%ff", "/demo?encoding-type=html",
                   "/demo?list-type=3", "/demo?versions&version-id-marker=x", "/demo?" + "a=b&" * 5000):
        status = send("GET", f"{emulator.s3_url}{target}").status
        assert status in (400, 404) or (status == 200 and "a=b" in target), target
    odd = {"x-amz-copy-source": "%zz"}, {"x-amz-copy-source": "x"}, {"x-amz-copy-source": "demo/k?versionId=" + "9" * 3000}
    for headers in odd:
        assert send("PUT", f"{emulator.s3_url}/demo/k", b"", headers).status in (400, 404)
