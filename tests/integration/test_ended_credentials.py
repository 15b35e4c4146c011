# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Credentials that end during an upload, at each of its requests: it renews them and finishes, or is one clear error after
which the object is what it was before."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from azure_servers import ACCOUNT, TENANT, TokenServer
from between import Between, Reply, Request
from conftest import Emulator, need, run_nacre
from test_az import Azurite, _azurite, sas_of  # noqa: F401
from test_gs_credentials import user, write

OLD, NEW = b"what was there before", os.urandom(17 << 20)
FIRST, SECOND = "secret-first", "secret-second"  # tokens, and keys' tokens
QUICK = ["--config", "http.retry_delay=0.01"]
MOST = 12  # requests that an upload may take


class Place:
    """An object behind a proxy, which refuses what has ended."""

    environment: dict[str, str]

    def __init__(self, path: str, url: str, says: str) -> None:
        self.path, self.says, self.proxy = path, says, Between(url)
        self.proxy.before = self._look
        self._end_at = 0

    def upload(self, end_at: int = 0) -> subprocess.CompletedProcess[Any]:
        """Uploads the new object; the first credentials end before that request (0: never)."""
        self.begin()
        self._end_at = end_at
        self.proxy.restart()
        return run_nacre("cp", "-v", "-v", self.local, self.path, *QUICK, timeout=60, **self.environment)

    def _look(self, request: Request) -> Reply | None:
        if request.number == self._end_at:
            self.end()
        return self.judge(request)

    local: pathlib.Path

    def begin(self) -> None:
        """The old object and the first credentials are there."""
        raise NotImplementedError

    def end(self) -> None:
        """The first credentials end."""
        raise NotImplementedError

    def judge(self, request: Request) -> Reply | None:
        """A refusal, where the store behind the proxy does not refuse itself."""

    def content(self) -> bytes:
        """What is there."""
        raise NotImplementedError


class Google(Place):
    """The emulator; a token, or a user's login that gives them. The parts of an upload go to a session, whose address is a
    secret of its own: they need no token, so only the session's own end can be in their way."""

    def __init__(self, emulator: Emulator, tokens: TokenServer, folder: pathlib.Path, *, renews: bool) -> None:
        super().__init__("gs://demo/k", emulator.url, "denied (401)")
        self._emulator, self._renews, self._has_ended = emulator, renews, False
        fixed = {"GOOGLE_OAUTH_ACCESS_TOKEN": FIRST}
        login = {"GOOGLE_APPLICATION_CREDENTIALS": write(folder / "user.json", **user(tokens))}
        self.environment = {"STORAGE_EMULATOR_HOST": self.proxy.url, **(login if renews else fixed)}

    def begin(self) -> None:
        self._emulator.set_access(require_token=None)
        self._emulator.put("demo", "k", OLD)
        self._emulator.set_access(require_token=FIRST)
        self._has_ended = False

    def end(self) -> None:
        self._emulator.set_access(require_token=SECOND)
        self._has_ended = True

    def judge(self, request: Request) -> Reply | None:
        assert "upload_id=" not in request.target or not request.header("Authorization")
        is_refused = self._has_ended and not self._renews
        return Reply(401, [("Content-Type", "text/plain")], b"Invalid Credentials") if is_refused else None

    def content(self) -> bytes:
        return (self._emulator.root / "demo" / "k").read_bytes()


class Amazon(Place):
    """The emulator, which checks signatures; keys with a token, or a program that gives them."""

    def __init__(self, emulator: Emulator, folder: pathlib.Path, *, renews: bool) -> None:
        super().__init__("s3://demo/k", emulator.s3_url, "denied (400)")
        self._emulator, self._folder = emulator, folder
        keys = {"AWS_ACCESS_KEY_ID": "AKIDFIRST", "AWS_SECRET_ACCESS_KEY": "secret-key", "AWS_SESSION_TOKEN": FIRST}
        (folder / "config").write_text(f"[profile p]\ncredential_process = cat {folder / 'keys'}\n")
        program = {"AWS_CONFIG_FILE": str(folder / "config"), "AWS_PROFILE": "p"}
        self.environment = {"AWS_ENDPOINT_URL": self.proxy.url, **(program if renews else keys)}

    def _give(self, name: str, token: str) -> None:
        keys = {"Version": 1, "AccessKeyId": name, "SecretAccessKey": "secret-key", "SessionToken": token}
        (self._folder / "keys").write_text(json.dumps(keys))

    def begin(self) -> None:
        self._give("AKIDFIRST", FIRST)
        keys = [f"AKIDFIRST:secret-key:{FIRST}", f"AKIDSECOND:secret-key:{SECOND}"]
        self._emulator.set_access(s3_credentials=keys, s3_expired=[])
        self._emulator.put("demo", "k", OLD)

    def end(self) -> None:
        self._give("AKIDSECOND", SECOND)
        self._emulator.set_access(s3_expired=["AKIDFIRST"])

    def content(self) -> bytes:
        return (self._emulator.root / "demo" / "k").read_bytes()


class Microsoft(Place):
    """Azurite, which takes signatures from the proxy where tokens are right; a signature, or an application's tokens."""

    def __init__(self, azurite: Azurite, tokens: TokenServer, *, renews: bool) -> None:
        container = azurite.client().create_container(f"c-{os.urandom(6).hex()}")
        says = "denied (403)"
        super().__init__(f"az://{container.container_name}/k", azurite.url, says)
        self._blob, self._renews, self._signature = container.get_blob_client("k"), renews, sas_of(container)
        place = {"AZURE_STORAGE_BLOB_ENDPOINT": f"{self.proxy.url}/{ACCOUNT}", "AZURE_STORAGE_ACCOUNT": ACCOUNT}
        application = {"AZURE_AUTHORITY_HOST": tokens.url, "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "app"}
        application |= {"AZURE_CLIENT_SECRET": "secret-client", "AZURE_POD_IDENTITY_AUTHORITY_HOST": "disabled"}
        self.environment = place | (application if renews else {"AZURE_STORAGE_SAS_TOKEN": self._signature})

    def begin(self) -> None:
        self._blob.upload_blob(OLD, overwrite=True)
        self._has_ended = False

    def end(self) -> None:
        self._has_ended = True

    def judge(self, request: Request) -> Reply | None:
        if not self._renews:
            return refusal(403, "AuthenticationFailed") if self._has_ended else None
        right = SECOND if self._has_ended else FIRST
        if request.header("Authorization") != f"Bearer {right}":
            return refusal(401, "InvalidAuthenticationInfo")
        request.without("authorization")
        request.target += ("&" if "?" in request.target else "?") + self._signature
        return None

    def content(self) -> bytes:
        return self._blob.download_blob().readall()


def refusal(status: int, code: str) -> Reply:
    """As Azure words it."""
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>It has ended.</Message></Error>'
    return Reply(status, [("x-ms-error-code", code), ("Content-Type", "application/xml")], text.encode())


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    """Who gives tokens: the first, then the second."""
    server = TokenServer()
    yield server
    server.stop()


def make(name: str, request: pytest.FixtureRequest, tokens: TokenServer, folder: pathlib.Path, *, renews: bool) -> Place:
    """A place of a store of that name."""
    if name == "az":
        need("azurite")
        place: Place = Microsoft(request.getfixturevalue("_azurite"), tokens, renews=renews)
    elif name == "gs":
        place = Google(request.getfixturevalue("emulator"), tokens, folder, renews=renews)
    else:
        place = Amazon(request.getfixturevalue("emulator"), folder, renews=renews)
    request.addfinalizer(place.proxy.stop)
    place.local = folder / "new"
    place.local.write_bytes(NEW)
    return place


def give(tokens: TokenServer, *more: tuple[int, Any]) -> None:
    tokens.asked.clear()
    tokens.replies = [(200, {"access_token": FIRST, "expires_in": 3600}), *more]


def told(done: subprocess.CompletedProcess[Any], place: Place) -> str:
    """The one line of a failed upload."""
    assert done.returncode == 1, done
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("nacre: ")]
    assert line.startswith(f"nacre: {place.path}: "), line
    return line


@pytest.mark.parametrize("name", ["gs", "s3", "az"])
def test_an_upload_outlives_its_credentials(
    name: str, request: pytest.FixtureRequest, tokens: TokenServer, tmp_path: pathlib.Path
) -> None:
    place = make(name, request, tokens, tmp_path, renews=True)
    for at in range(1, MOST):
        give(tokens, (200, {"access_token": SECOND, "expires_in": 3600}))
        done = place.upload(at)
        assert (done.returncode, place.content() == NEW) == (0, True), (at, done.stderr)
        assert "secret-" not in done.stderr and "Signature=" not in done.stderr
        if place.proxy.count < at:  # it had ended before
            break
        assert len(tokens.asked) == {"gs": 2 if at == 1 else 1, "s3": 0, "az": 2}[name], at
    assert 4 < at < MOST


@pytest.mark.parametrize("name", ["gs", "s3", "az"])
def test_an_upload_whose_credentials_end_leaves_what_was_there(
    name: str, request: pytest.FixtureRequest, tokens: TokenServer, tmp_path: pathlib.Path
) -> None:
    place = make(name, request, tokens, tmp_path, renews=False)
    for at in range(1, MOST):
        done = place.upload(at)
        if place.proxy.count < at:
            assert (done.returncode, place.content() == NEW) == (0, True), done.stderr
            break
        assert place.says in told(done, place), at
        assert place.content() == OLD, at
        assert "secret-" not in done.stderr and "sig=" not in done.stderr
    assert 4 < at < MOST


@pytest.mark.parametrize("name", ["gs", "az"])
def test_an_upload_whose_credentials_are_not_renewed_says_why(
    name: str, request: pytest.FixtureRequest, tokens: TokenServer, tmp_path: pathlib.Path
) -> None:
    place = make(name, request, tokens, tmp_path, renews=True)
    for at in (1,) if name == "gs" else (1, 2, 4):
        give(tokens, (400, {"error": "invalid_grant", "error_description": "the grant has ended"}))
        done = place.upload(at)
        assert re.search("answered 400: invalid_grant: the grant has ended", told(done, place)), at
        assert place.content() == OLD, at
        assert "secret-" not in done.stderr


def test_a_session_that_ends_is_one_clear_error(
    request: pytest.FixtureRequest, tokens: TokenServer, tmp_path: pathlib.Path
) -> None:
    """Google's sessions end by themselves too; nothing of it is about the object or the token."""
    place = make("gs", request, tokens, tmp_path, renews=True)
    give(tokens)
    refused = "denied (401): the upload's session was refused"
    for status, says in ((401, refused), (404, "ended the upload's session (404)"), (410, "ended the upload's session (410)")):
        for at in (2, 4):

            def judge(asked: Request, at: int = at, status: int = status) -> Reply | None:
                return Reply(status) if asked.number >= at and "upload_id=" in asked.target else None

            place.judge = judge  # type: ignore[method-assign]
            assert says in told(place.upload(at), place), at
            assert place.content() == OLD
