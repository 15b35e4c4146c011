# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Google's XML interface by HMAC keys: signatures, conditions, faults, and one object however it is asked for."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import pathlib
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Emulator, need, run_nacre, worked
from test_contract import geotiff

import nacre

ID, SECRET, TOKEN = "GOOG1ENACRE", "bGoa+V7g/yqDXvKRqq+JTFn4uQZbPiQJo4pf9RzJ", "sesame"
SIZES = {"empty": 0, "small": 1000, "a put": 300_000, "an upload": 9_000_001}
QUICK = ["--config", "http.retry_delay=0.01"]

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def locked(start_emulator: Callable[..., Emulator]) -> Emulator:
    """An emulator that answers to one HMAC key and to one token."""
    started = start_emulator("--hmac", f"{ID}:{SECRET}", "--require-token", TOKEN)
    started.make_bucket("demo")
    return started


@pytest.fixture
def with_key(locked: Emulator) -> Run:
    return lambda *words, **more: run_nacre(
        *words, **{"STORAGE_EMULATOR_HOST": locked.url, "GS_ACCESS_KEY_ID": ID, "GS_SECRET_ACCESS_KEY": SECRET, **more}
    )


@pytest.fixture
def with_token(locked: Emulator) -> Run:
    return lambda *words, **more: run_nacre(
        *words, STORAGE_EMULATOR_HOST=locked.url, GOOGLE_OAUTH_ACCESS_TOKEN=TOKEN, **more
    )


def error_of(done: subprocess.CompletedProcess, status: int = 1) -> str:
    assert done.returncode != 0, done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


def version_of(run: Run, path: str) -> str:
    lines = worked(run("stat", path)).decode().splitlines()
    return next(line.split()[1] for line in lines if line.split()[0] == "version")


# --- Signatures. ---


class Signed:
    """A request signed by our own hand, so that single bytes of it can be changed; SHA-256 and HMAC are Python's."""

    def __init__(self, emulator: Emulator, method: str = "PUT", target: str = "/demo/k", body: bytes = b"body") -> None:
        self.emulator, self.method, self.target, self.body = emulator, method, target, body
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        payload = hashlib.sha256(body).hexdigest()
        self.headers = {"host": emulator.host, "x-goog-date": now, "x-goog-content-sha256": payload, "x-goog-meta-a": "b"}

    def sign(self, secret: str = SECRET) -> Signed:
        scope = f"{self.headers['x-goog-date'][:8]}/auto/storage/goog4_request"
        path, _, query = self.target.partition("?")
        names = ";".join(sorted(self.headers))
        lines = "".join(f"{name}:{self.headers[name]}\n" for name in sorted(self.headers))
        canonical = f"{self.method}\n{path}\n{query}\n{lines}\n{names}\n{self.headers['x-goog-content-sha256']}"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key = b"GOOG4" + secret.encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        text = f"GOOG4-HMAC-SHA256\n{self.headers['x-goog-date']}\n{scope}\n{digest}"
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        credential = f"GOOG4-HMAC-SHA256 Credential={ID}/{scope}"
        self.headers["authorization"] = f"{credential}, SignedHeaders={names}, Signature={signature}"
        return self

    def send(self) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.emulator.host, timeout=30)
        try:
            connection.request(self.method, self.target, body=self.body, headers=self.headers)
            response = connection.getresponse()
            text = response.read().decode()
            return response.status, text.partition("<Code>")[2].partition("</Code>")[0]
        finally:
            connection.close()


def test_one_wrong_byte_is_refused(locked: Emulator) -> None:
    wrong = (403, "SignatureDoesNotMatch")
    assert Signed(locked).sign().send() == (200, "")
    assert Signed(locked).sign(SECRET[:-1] + "K").send() == wrong
    request = Signed(locked).sign()
    request.headers["x-goog-meta-a"] = "c"
    assert request.send() == wrong
    request = Signed(locked).sign()
    request.headers["x-goog-if-generation-match"] = "0"  # not among those that are signed
    assert request.send() == wrong
    for change in ({"target": "/demo/l"}, {"target": "/demo/k?generation=1"}, {"method": "DELETE"}):
        request = Signed(locked).sign()
        vars(request).update(change)
        assert request.send() == wrong, change
    request = Signed(locked).sign()
    request.body = b"bodY"
    assert request.send() == (403, "XGoogContentSHA256Mismatch")
    request = Signed(locked)
    request.headers["x-goog-date"] = "20190201T090000Z"
    assert request.sign().send() == (403, "RequestTimeTooSkewed")
    request = Signed(locked).sign()
    request.headers["authorization"] = request.headers["authorization"].replace(ID, "who")
    assert request.send() == (403, "InvalidSecurity")
    del request.headers["authorization"]
    assert request.send()[0] == 401


def test_a_wrong_key_is_told(locked: Emulator, with_key: Run, with_token: Run, tmp_path: pathlib.Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    wrong = SECRET[:-1] + "K"
    said = error_of(with_key("cp", tmp_path / "x", "gs://demo/k", GS_SECRET_ACCESS_KEY=wrong))
    assert said.startswith("nacre: gs://demo/k: denied (403): the HMAC key from GS_ACCESS_KEY_ID was refused: Signature")
    assert wrong not in said and SECRET not in said
    assert "not found (404)" in error_of(with_token("stat", "gs://demo/k"))
    said = error_of(with_key("ls", "gs://demo/", GS_ACCESS_KEY_ID="GOOG1EOTHER"))
    assert "InvalidSecurity" in said


def test_keys_come_first_and_whole(locked: Emulator, with_key: Run) -> None:
    missing = str(locked.root / "no such file")
    worked(with_key("ls", "gs://demo/", GOOGLE_APPLICATION_CREDENTIALS=missing, GOOGLE_OAUTH_ACCESS_TOKEN="wrong"))
    said = error_of(with_key("ls", "--config", "gs.access_token=wrong", "gs://demo/"))
    assert "the access token from gs.access_token was refused" in said
    assert "gs.no_sign_request says to ask without" in error_of(with_key("ls", "--no-sign-request", "gs://demo/"))
    said = error_of(with_key("ls", "gs://demo/", GS_SECRET_ACCESS_KEY=None))
    assert said == (
        "nacre: gs: gs.hmac_access_id (GS_ACCESS_KEY_ID) is set, but not the gs.hmac_secret (GS_SECRET_ACCESS_KEY) "
        "that belongs to it"
    )


def test_doctor_knows_the_key(with_key: Run, tmp_path: pathlib.Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 100)
    worked(with_key("cp", tmp_path / "x", "gs://demo/k"))
    said = with_key("doctor", "gs://demo/k").stdout.decode()
    assert "HMAC key              from GS_ACCESS_KEY_ID" in said
    assert "told by HEAD (200): a warm open has no body" in said
    assert SECRET not in said


# --- One object, however it is asked for. ---


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_both_interfaces_show_one_object(
    locked: Emulator, with_key: Run, with_token: Run, tmp_path: pathlib.Path, size: int
) -> None:
    data = os.urandom(size)
    (tmp_path / "x").write_bytes(data)
    for writes, reads in ((with_key, with_token), (with_token, with_key)):
        path = "gs://demo/a b/ü+&%41.bin"
        worked(writes("cp", tmp_path / "x", path))
        assert worked(reads("cat", path)) == worked(writes("cat", path)) == data
        assert worked(reads("stat", path)) == worked(writes("stat", path))
        assert worked(reads("ls", "-l", "-r", "gs://demo/")) == worked(writes("ls", "-l", "-r", "gs://demo/"))
    kinds = {entry["auth"] for entry in locked.take_log()}
    assert kinds >= {"goog4", "bearer"}


def test_what_a_key_read_serves_a_token(
    locked: Emulator, with_key: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """The bytes are of one version, so another who asks has but to prove that he may have them."""
    path = "/vsigs/demo/one.tif"
    (tmp_path / "one.tif").write_bytes(geotiff(1, driver="COG", compress="NONE", blocksize=128))
    worked(with_key("cp", tmp_path / "one.tif", path))
    keys = {"GS_ACCESS_KEY_ID": ID, "GS_SECRET_ACCESS_KEY": SECRET}
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", locked.url)
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", TOKEN)

    def read(*, by_key: bool) -> list[tuple[str, int, str]]:
        for name, value in keys.items():
            monkeypatch.setenv(name, value) if by_key else monkeypatch.delenv(name)
        locked.take_log()
        with nacre.open(path) as dataset:
            assert dataset.read(1).max() == 1
        return [(entry["method"], entry["status"], entry["auth"]) for entry in locked.take_log()]

    assert {auth for _, _, auth in read(by_key=True)} == {"goog4"}
    assert read(by_key=False) == [("GET", 304, "bearer")]
    assert read(by_key=True) == [("HEAD", 200, "goog4")]


def test_googles_client_and_a_key_read_each_other(locked: Emulator, with_key: Run, tmp_path: pathlib.Path) -> None:
    need("google-cloud-storage")
    from google.cloud import storage
    from google.oauth2.credentials import Credentials

    client = storage.Client(project="demo", credentials=Credentials(TOKEN), client_options={"api_endpoint": locked.url})
    blob = client.bucket("demo").blob("theirs.txt")
    blob.upload_from_string(b"theirs")
    assert worked(with_key("cat", "gs://demo/theirs.txt")) == b"theirs"
    assert version_of(with_key, "gs://demo/theirs.txt") == f"generation={blob.generation}"
    (tmp_path / "x").write_bytes(b"ours")
    worked(with_key("cp", tmp_path / "x", "gs://demo/ours.txt"))
    ours = client.bucket("demo").get_blob("ours.txt")
    assert (ours.download_as_bytes(), ours.content_type[:10]) == (b"ours", "text/plain")


# --- Conditions and faults. ---


@pytest.mark.parametrize("size", [10, 9_000_000])
def test_conditions_hold(locked: Emulator, with_key: Run, tmp_path: pathlib.Path, size: int) -> None:
    (tmp_path / "x").write_bytes(os.urandom(size))
    path = "gs://demo/k"
    worked(with_key("cp", "--no-clobber", tmp_path / "x", path))
    assert "exists already" in error_of(with_key("cp", "--no-clobber", tmp_path / "x", path))
    first = version_of(with_key, path)
    worked(with_key("cp", "--if-match", first, tmp_path / "x", path))
    said = error_of(with_key("cp", "--if-match", first, tmp_path / "x", path))
    assert f"it was opened as {first} and is now {version_of(with_key, path)}" in said
    worked(with_key("cp", path, "gs://demo/copy"))
    assert "exists already" in error_of(with_key("cp", "--no-clobber", path, "gs://demo/copy"))
    assert worked(with_key("cat", "gs://demo/copy")) == (tmp_path / "x").read_bytes()
    worked(with_key("mv", "gs://demo/copy", "gs://demo/moved"))
    assert worked(with_key("ls", "gs://demo/")).decode().split() == [path, "gs://demo/moved"]
    worked(with_key("rm", path))
    assert "not found (404)" in error_of(with_key("rm", path))


@pytest.mark.parametrize("kind", ["500", "503", "429", "reset", "lost"])
@pytest.mark.parametrize("size", [10, 400_000, 9_000_000])
def test_changes_survive_faults(locked: Emulator, with_key: Run, tmp_path: pathlib.Path, kind: str, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "x").write_bytes(data)
    locked.set_faults({"kind": kind, "every": 2 if size < 9_000_000 else 3})
    worked(with_key("cp", *QUICK, "--no-clobber", tmp_path / "x", "gs://demo/k"))
    worked(with_key("cp", *QUICK, tmp_path / "x", "gs://demo/k"))
    worked(with_key("cp", *QUICK, "gs://demo/k", "gs://demo/copy"))
    assert worked(with_key("cat", *QUICK, "gs://demo/copy")) == data
    worked(with_key("rm", *QUICK, "gs://demo/k"))
    locked.set_faults()
    assert worked(with_key("ls", "gs://demo/")).split() == [b"gs://demo/copy"]


@pytest.mark.parametrize("kind", ["wrongrange", "changed-etag", "novalidator", "noprecondition", "norange", "garbled"])
def test_answers_that_make_no_sense_give_no_wrong_byte(
    locked: Emulator, with_key: Run, tmp_path: pathlib.Path, kind: str
) -> None:
    data = os.urandom(2_000_000)
    (tmp_path / "x").write_bytes(data)
    worked(with_key("cp", tmp_path / "x", "gs://demo/k"))
    locked.set_faults({"kind": kind, "every": 2})
    for _ in range(2):
        done = with_key("cat", *QUICK, "gs://demo/k")
        if kind == "garbled":  # which only the checksum of a whole read finds out
            continue
        assert done.stdout == data if done.returncode == 0 else data.startswith(done.stdout), kind


def test_a_key_is_in_nothing_that_is_told(with_key: Run, tmp_path: pathlib.Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    for words in (["cp", tmp_path / "x"], ["cat"], ["stat"], ["ls"]):
        done = with_key(*words, "-v", "-v", "--io-stats", "gs://demo/k")
        for secret in (SECRET, ID, "Signature="):
            assert secret not in done.stderr and secret not in done.stdout.decode(errors="replace"), words
