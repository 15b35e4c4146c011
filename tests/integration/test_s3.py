# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""nacre on S3 beside Amazon's own client, on moto and on the emulator, both of which check each signature."""

from __future__ import annotations

import hashlib
import http.client
import http.server
import json
import os
import pathlib
import ssl
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from conftest import Emulator, need
from s3client import client_of
from test_contract import geotiff

import nacre
from nacre.vrt import WarpedVRT

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Server:
    """A server of S3 with a bucket of the test's own, and Amazon's client on it."""

    def __init__(self, url: str, access_key: str, secret: str) -> None:
        self.url = url
        self.access_key = access_key
        self.secret = secret
        self.client = client_of(url, aws_access_key_id=access_key, aws_secret_access_key=secret)
        self.bucket = f"b-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=self.bucket)

    def path(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def put(self, key: str, data: bytes, **options: Any) -> dict:
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=data, **options)

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def keys(self) -> list[str]:
        return [item["Key"] for item in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def uploads(self) -> list[Any]:
        return self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Points nacre at it."""
        for name, value in [("ENDPOINT_URL_S3", self.url), ("ACCESS_KEY_ID", self.access_key),
                            ("SECRET_ACCESS_KEY", self.secret), ("EC2_METADATA_DISABLED", "true")]:
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.setenv("HOME", "/nonexistent")


@pytest.fixture(scope="module")
def _moto() -> Iterator[tuple[str, str, str]]:
    """moto that checks signatures: address, access key and secret of a user who may do everything."""
    need("moto")
    need("boto3")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"

    def unchecked(count: str) -> None:
        """How many requests go on without a look at who asks."""
        headers = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset-auth", count.encode(), headers)).read()

    unchecked("3")
    anybody = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    iam = boto3.client("iam", endpoint_url=url, **anybody)
    name = f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(everything))
    unchecked("0")
    yield url, key["AccessKeyId"], key["SecretAccessKey"]
    unchecked("inf")
    server.stop()


@pytest.fixture
def locked(start_emulator: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """An emulator that answers to signed requests alone."""
    return start_emulator("--s3-credentials", f"AKIDNACRE:{SECRET}", "--s3-credentials", "AKIDTEMPORARY:other:to:ken")


def emulated(emulator: Emulator) -> Server:
    return Server(emulator.s3_url, "AKIDNACRE", SECRET)


@pytest.fixture(params=["emulator", "moto"])
def s3(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Each server in turn."""
    if request.param == "moto":
        server = Server(*request.getfixturevalue("_moto"))
    else:
        server = emulated(request.getfixturevalue("locked"))
    server.use(monkeypatch)
    return server


@pytest.fixture
def amazon(locked: Emulator, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The emulator alone: for faults, and what moto passes over."""
    server = emulated(locked)
    server.use(monkeypatch)
    return server


KEYS = ["plain.txt", "a b/ü+c?d=e&f%20~*'()", "d//k", "d/./k", "d/../k", "-", "a'b\"c<d>&e"]

# --- Each reads what the other wrote. ---


@pytest.mark.parametrize("key", KEYS)
def test_what_amazons_client_wrote_is_read(s3: Server, run: Callable[..., Any], key: str) -> None:
    etag = s3.put(key, b"some bytes", ContentType="text/x-a")["ETag"]
    assert run("cat", s3.path(key)).stdout == "some bytes"
    assert run("cat", f"/vsis3/{s3.bucket}/{key}").stdout == "some bytes"
    told = json.loads(run("stat", "--json", s3.path(key)).stdout)
    assert (told["size"], told["version"], told["content_type"]) == (10, f"etag={etag}", "text/x-a")


@pytest.mark.parametrize("key", KEYS)
def test_amazons_client_reads_what_was_written(s3: Server, run: Callable[..., Any], tmp_path: pathlib.Path, key: str) -> None:
    (tmp_path / "x").write_bytes(b"some bytes")
    run("cp", tmp_path / "x", s3.path(key))
    assert s3.get(key) == b"some bytes"
    run("cp", s3.path(key), s3.path("copy of it"))
    assert s3.get("copy of it") == b"some bytes"
    run("rm", s3.path(key))
    assert s3.keys() == ["copy of it"]


def test_large_objects_go_in_parts(s3: Server, run: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    data = os.urandom((20 << 20) + 7)
    (tmp_path / "x").write_bytes(data)
    run("cp", tmp_path / "x", s3.path("big"))
    assert hashlib.sha256(s3.get("big")).digest() == hashlib.sha256(data).digest()
    assert s3.client.head_object(Bucket=s3.bucket, Key="big")["ETag"].endswith('-3"')
    run("cp", s3.path("big"), tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data
    assert s3.uploads() == []


def test_listings_tell_all_keys(s3: Server, run: Callable[..., Any]) -> None:
    wanted = sorted([*KEYS, *(f"many/{i:04}" for i in range(30))], key=str.encode)
    for key in wanted:
        s3.put(key, b"x")
    assert run("ls", "-r", s3.path("")).stdout.splitlines() == [s3.path(key) for key in wanted]
    folders = {s3.path(key.split("/")[0] + ("/" if "/" in key else "")) for key in wanted}
    assert set(run("ls", s3.path("")).stdout.splitlines()) == folders
    assert len(run("ls", s3.path("many/")).stdout.splitlines()) == 30


def test_more_keys_than_a_page_has(amazon: Server, locked: Emulator, run: Callable[..., Any]) -> None:
    folder = locked.root / amazon.bucket / "many"
    folder.mkdir()
    for i in range(2100):
        (folder / f"{i:05}").touch()
    assert run("ls", "-r", amazon.path("")).stdout.splitlines() == [amazon.path(f"many/{i:05}") for i in range(2100)]


# --- Conditions. ---


def test_conditions_are_the_stores_to_decide(s3: Server, run: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    (tmp_path / "x").write_bytes(b"new")
    etag = s3.put("k", b"old")["ETag"]
    assert "exists already" in run("cp", "--no-clobber", tmp_path / "x", s3.path("k"), status=1).stderr
    run("cp", "--if-match", f"etag={etag}", tmp_path / "x", s3.path("k"))
    assert s3.get("k") == b"new"
    said = run("cp", "--if-match", f"etag={etag}", tmp_path / "x", s3.path("k"), status=1).stderr
    assert f"changed: it was opened as etag={etag} and is now etag=" in said
    run("cp", "--no-clobber", tmp_path / "x", s3.path("fresh"))
    assert "exists already" in run("cp", "--no-clobber", s3.path("k"), s3.path("fresh"), status=1).stderr
    run("mv", s3.path("k"), s3.path("moved"))
    assert s3.keys() == ["fresh", "moved"]
    assert "not found" in run("rm", s3.path("k"), status=1).stderr


def test_large_objects_are_written_under_conditions(amazon: Server, run: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    (tmp_path / "x").write_bytes(os.urandom(9 << 20))
    amazon.put("k", b"old")
    assert "exists already" in run("cp", "--no-clobber", tmp_path / "x", amazon.path("k"), status=1).stderr
    assert amazon.get("k") == b"old" and amazon.uploads() == []
    run("cp", "--no-clobber", tmp_path / "x", amazon.path("fresh"))
    assert amazon.uploads() == []


# --- Who asks. ---


def test_one_wrong_byte_of_the_secret_is_denied(s3: Server, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    s3.put("k", b"x")
    wrong = s3.secret[:-1] + ("a" if s3.secret[-1] != "a" else "b")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", wrong)
    said = run("cat", s3.path("k"), status=1).stderr
    assert "denied (403): the credentials from AWS_ACCESS_KEY_ID were refused: SignatureDoesNotMatch" in said
    assert wrong not in said and s3.access_key not in said
    assert "missing or denied (403)" in run("stat", s3.path("k"), status=1).stderr


def test_a_token_that_ends_in_the_middle_is_renewed(
    amazon: Server, locked: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """A program gives the keys: first ones whose token ends while the dataset is open, then others."""
    amazon.put("x.tif", geotiff(7))
    temporary = {"Version": 1, "AccessKeyId": "AKIDTEMPORARY", "SecretAccessKey": "other", "SessionToken": "to:ken"}
    lasting = {"Version": 1, "AccessKeyId": "AKIDNACRE", "SecretAccessKey": SECRET}
    (tmp_path / "keys").write_text(json.dumps(temporary))
    (tmp_path / "config").write_text(f"[profile p]\ncredential_process = cat {tmp_path / 'keys'}\n")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "p")
    with nacre.open(amazon.path("x.tif")) as dataset:
        (tmp_path / "keys").write_text(json.dumps(lasting))
        locked.set_access(s3_expired=["AKIDTEMPORARY"])
        assert (dataset.read(1) == 7).all()
    assert nacre.open(amazon.path("x.tif")).count == 1


def test_files_of_keys_are_looked_at_at_each_open(
    amazon: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    amazon.put("x.tif", geotiff(7))
    file = tmp_path / "credentials"
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    file.write_text("[default]\naws_access_key_id = AKIDNACRE\naws_secret_access_key = wrong\n")
    with pytest.raises(OSError, match="SignatureDoesNotMatch"):
        nacre.open(amazon.path("x.tif"))
    file.write_text(f"[default]\naws_access_key_id = AKIDNACRE\naws_secret_access_key = {SECRET}\n")
    assert nacre.open(amazon.path("x.tif")).read(1)[0, 0] == 7
    file.unlink()
    with pytest.raises(OSError, match="no AWS credentials found"):
        nacre.open(amazon.path("x.tif"))


def test_a_bucket_in_another_region_is_found(amazon: Server, locked: Emulator, run: Callable[..., Any]) -> None:
    amazon.put("x.tif", geotiff(3))
    locked.set_access(s3_regions={amazon.bucket: "eu-west-3"})
    locked.take_log()
    with nacre.open(amazon.path("x.tif")) as dataset:
        assert (dataset.read(1) == 3).all()
    statuses = [entry["status"] for entry in locked.take_log()]
    assert statuses.count(301) == 1 and len(statuses) > 2  # one answer told the region, and it was remembered
    assert run("stat", amazon.path("x.tif")).returncode == 0
    assert run("ls", amazon.path("")).stdout == amazon.path("x.tif") + "\n"


def test_virtual_hosted_style(amazon: Server, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    amazon.put("d/k", b"x")
    port = amazon.url.rsplit(":", 1)[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://s3.localhost:{port}")
    monkeypatch.setenv("AWS_VIRTUAL_HOSTING", "TRUE")
    assert run("cat", amazon.path("d/k")).stdout == "x"
    assert run("ls", "-r", amazon.path("")).stdout == amazon.path("d/k") + "\n"


def test_the_requester_pays_where_it_is_asked_for(amazon: Server, run: Callable[..., Any]) -> None:
    amazon.put("k", b"x")
    amazon.client.put_bucket_request_payment(Bucket=amazon.bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    own = ["--request-payer", "requester"]
    assert run("cat", *own, amazon.path("k")).stdout == "x"
    # The bucket's owner is who asks, so the emulator lets him in; a guest it does not.
    assert "denied" in run("cat", "--no-sign-request", amazon.path("k"), status=1).stderr


def test_a_missing_key_may_be_a_denied_one(amazon: Server, locked: Emulator, run: Callable[..., Any]) -> None:
    locked.set_access(s3_unlisted=[amazon.bucket])
    for command in ("cat", "stat"):
        assert "missing or denied (403)" in run(command, amazon.path("none"), status=1).stderr


class Front(http.server.BaseHTTPRequestHandler):
    """Speaks TLS before the emulator; keeps what headers said of bodies."""

    protocol_version = "HTTP/1.1"
    host = ""
    told: list[tuple[str | None, ...]] = []

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        names = ("x-amz-content-sha256", "Content-MD5", "x-amz-checksum-crc32c")
        self.told.append((self.command, *(self.headers[name] for name in names)))
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward

    def log_message(self, *_: Any) -> None:
        pass


def test_bodies_go_unsigned_over_tls_and_are_proven_by_md5_or_checksum(
    amazon: Server, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    need("cryptography")
    from test_tls import Authority, Quiet

    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("server", names=("127.0.0.1",)))
    monkeypatch.setattr(Front, "host", amazon.url.removeprefix("http://"))
    monkeypatch.setattr(Front, "told", [])
    server = Quiet(("127.0.0.1", 0), Front)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"https://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NACRE_HTTP_CA_BUNDLE", str(authority.bundle))
    try:
        for size in (100, 9 << 20):
            data = os.urandom(size)
            (tmp_path / "x").write_bytes(data)
            run("cp", tmp_path / "x", amazon.path("k"))
            run("cp", amazon.path("k"), tmp_path / "back")
            assert (tmp_path / "back").read_bytes() == data == amazon.get("k")
    finally:
        server.shutdown()
        server.server_close()
    whole, *parts = [told[1:] for told in Front.told if told[0] == "PUT"]
    assert whole[0] == "UNSIGNED-PAYLOAD" and whole[1] and not whole[2]
    assert len(parts) == 2 and all(part[0] == "UNSIGNED-PAYLOAD" and not part[1] and part[2] for part in parts)


# --- The main job, and the contract. ---


@pytest.mark.parametrize("prefix", ["s3://", "/vsis3/"])
def test_a_view_saved_beside_its_source_opens_in_the_same_process(s3: Server, prefix: str) -> None:
    s3.put("data/scene.tif", geotiff(200))
    source, view = (f"{prefix}{s3.bucket}/data/{name}" for name in ("scene.tif", "view.vrt"))
    with pytest.raises(FileNotFoundError):
        nacre.open(view)
    with nacre.open(source) as dataset, WarpedVRT(dataset, crs="EPSG:3857") as warped:
        nacre.shutil.copy(warped, view, driver="VRT")
    assert b"scene.tif" in s3.get("data/view.vrt")
    with nacre.open(view) as reopened:
        assert reopened.crs == "EPSG:3857"
        pixels = reopened.read(1)
    assert np.isin(pixels, [0, 200]).all() and (pixels == 200).mean() > 0.8
    s3.put("data/view2.vrt", s3.get("data/view.vrt"))  # by another client, after nacre may have looked
    assert nacre.open(f"{prefix}{s3.bucket}/data/view2.vrt").read(1).any()


def test_stock_gdal_opens_what_was_saved(amazon: Server) -> None:
    need("rasterio")
    import rasterio
    from rasterio.session import AWSSession

    amazon.put("data/scene.tif", geotiff(200))
    with nacre.open(amazon.path("data/scene.tif")) as dataset, WarpedVRT(dataset, crs="EPSG:3857") as warped:
        nacre.shutil.copy(warped, amazon.path("data/view.vrt"), driver="VRT")
        pixels = warped.read(1)
    session = AWSSession(aws_access_key_id=amazon.access_key, aws_secret_access_key=amazon.secret,
                         endpoint_url=amazon.url.removeprefix("http://"))
    with rasterio.Env(session, AWS_HTTPS="NO", AWS_VIRTUAL_HOSTING=False):
        with rasterio.open(amazon.path("data/view.vrt")) as theirs:
            assert (theirs.read(1) == pixels).mean() > 0.99


def test_gdals_names_of_options(amazon: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT_URL_S3", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"AWS_{name}")
    amazon.put("x.tif", geotiff(9))
    options = {"AWS_S3_ENDPOINT": amazon.url.removeprefix("http://"), "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": False,
               "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": amazon.access_key,
               "AWS_SECRET_ACCESS_KEY": amazon.secret}
    with nacre.Env(**options), nacre.open(amazon.path("x.tif")) as dataset:
        assert (dataset.read(1) == 9).all()


def test_an_object_that_is_overwritten_while_open_is_never_mixed(s3: Server) -> None:
    s3.put("x.tif", geotiff(1, size=1024))
    with nacre.open(s3.path("x.tif")) as dataset:
        assert (dataset.read(1, window=nacre.windows.Window(0, 0, 128, 128)) == 1).all()
        s3.put("x.tif", geotiff(2, size=1024))
        with pytest.raises(nacre.errors.ObjectChangedError, match="now etag="):
            dataset.read(1)
    assert (nacre.open(s3.path("x.tif")).read(1) == 2).all()


def test_a_bucket_that_keeps_versions_is_read_on(s3: Server) -> None:
    s3.client.put_bucket_versioning(Bucket=s3.bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put("x.tif", geotiff(1, size=1024))
    with nacre.open(s3.path("x.tif")) as dataset:
        s3.put("x.tif", geotiff(2, size=1024))
        assert (dataset.read(1, window=nacre.windows.Window(0, 0, 512, 1024)) == 1).all()
        s3.client.delete_object(Bucket=s3.bucket, Key="x.tif")
        assert (dataset.read(1) == 1).all()
    with pytest.raises(FileNotFoundError):
        nacre.open(s3.path("x.tif"))


def test_a_warm_open_is_one_small_request(amazon: Server, locked: Emulator) -> None:
    amazon.put("x.tif", geotiff(1))
    nacre.open(amazon.path("x.tif")).close()
    locked.take_log()
    nacre.open(amazon.path("x.tif")).close()
    entries = [entry for entry in locked.take_log() if entry["operation"] == "GetObject"]
    assert [(entry["status"], entry["bytes"]) for entry in entries] == [(304, 0)]


# --- Faults. ---

READ_FAULTS = ["500", "503", "429", "reset", "lost", "cut", "norange", "noprecondition"]


@pytest.mark.parametrize("kind", READ_FAULTS)
def test_reads_survive_faults(amazon: Server, locked: Emulator, kind: str) -> None:
    amazon.put("x.tif", geotiff(5, size=1024))
    locked.set_faults({"kind": kind, "every": 2})
    with nacre.Env(**{"http.retry_delay": "0.01"}), nacre.open(amazon.path("x.tif")) as dataset:
        assert (dataset.read(1) == 5).all()


@pytest.mark.parametrize("kind", ["wrongrange", "changed-etag", "novalidator"])
def test_answers_that_make_no_sense_give_no_pixel(amazon: Server, locked: Emulator, kind: str) -> None:
    amazon.put("x.tif", geotiff(5, size=1024))
    with nacre.open(amazon.path("x.tif")) as dataset:
        locked.set_faults({"kind": kind})
        with pytest.raises(OSError):
            dataset.read(1)


def test_whole_objects_are_held_against_their_checksum(amazon: Server, locked: Emulator, run: Callable[..., Any]) -> None:
    amazon.put("k", b"some bytes")
    locked.set_faults({"kind": "garbled", "method": "GET"})
    assert "the bytes that came have the checksum" in run("cat", amazon.path("k"), status=1).stderr


@pytest.mark.parametrize("kind", ["500", "503", "reset", "lost", "conflict", "late-error"])
def test_conditional_writes_survive_faults(
    amazon: Server, locked: Emulator, run: Callable[..., Any], tmp_path: pathlib.Path, kind: str
) -> None:
    """A lost answer is found out: what stands in the way is one's own."""
    quick = ["--config", "http.retry_delay=0.01"]
    for size in (10, 9 << 20):
        data = os.urandom(size)
        (tmp_path / "x").write_bytes(data)
        locked.set_faults({"kind": kind, "every": 2})
        run("cp", *quick, "--no-clobber", tmp_path / "x", amazon.path(f"k{size}"))
        locked.set_faults()
        assert amazon.get(f"k{size}") == data
    assert amazon.uploads() == []


@pytest.mark.parametrize("kind", ["500", "503", "reset", "lost"])
def test_changes_whose_answers_are_lost_happen_once(
    amazon: Server, locked: Emulator, run: Callable[..., Any], tmp_path: pathlib.Path, kind: str
) -> None:
    """Changes without a condition, on a server that is known to decide conditions."""
    known = ["--config", "http.retry_delay=0.01", "--config", "s3.conditional_writes=yes"]
    versions = {"Status": "Enabled"}
    amazon.client.put_bucket_versioning(Bucket=amazon.bucket, VersioningConfiguration=versions)
    for size in (10, 300 << 10, 9 << 20):
        for name in ("new", "old"):
            key, copy = f"{name}{size}", f"{name}{size}-copy"
            old = ["x"] if name == "old" else []
            for there in (key, copy) if old else ():
                amazon.put(there, b"x")
            data = os.urandom(size)
            (tmp_path / "x").write_bytes(data)
            for words in (["cp", tmp_path / "x", amazon.path(key)], ["cp", amazon.path(key), amazon.path(copy)]):
                locked.set_faults({"kind": kind, "every": 2})
                run(words[0], *known, *words[1:])
                locked.set_faults()
            for made in (key, copy):
                assert amazon.get(made) == data
                said = amazon.client.list_object_versions(Bucket=amazon.bucket, Prefix=made)["Versions"]
                assert len([one for one in said if one["Key"] == made]) == len(old) + 1
            locked.set_faults({"kind": kind, "every": 2})
            run("rm", *known, amazon.path(key))
            locked.set_faults()
            said = amazon.client.list_object_versions(Bucket=amazon.bucket, Prefix=key)
            assert len([one for one in said["DeleteMarkers"] if one["Key"] == key]) == 1
    assert amazon.uploads() == []


def test_a_store_that_is_down_is_one_clear_error(amazon: Server, locked: Emulator, run: Callable[..., Any]) -> None:
    amazon.put("k", b"x")
    locked.set_faults({"kind": "503"})
    said = run("cat", "--config", "http.retry_delay=0.01", amazon.path("k"), status=1).stderr
    assert "SlowDown" in said and len(said.splitlines()) == 1


def test_secrets_are_in_nothing_that_is_told(amazon: Server, run: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    amazon.put("x.tif", geotiff(1))
    for words in (["info", "--json"], ["cat"], ["stat"]):
        done = run(*words, "-v", "-v", "--io-stats", amazon.path("x.tif"), errors="replace")
        for secret in (SECRET, "AKIDNACRE", "Signature="):
            assert secret not in done.stderr and secret not in done.stdout
