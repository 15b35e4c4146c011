# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Google's credentials in Google's own order, each kind against servers on the loopback address."""

from __future__ import annotations

import json
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Emulator, need, run_nacre, worked

SECRETS = ("secret-token", "secret-refresh", "secret-client", "secret-subject", "BEGIN PRIVATE KEY", "secret-header")
SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@pytest.fixture(scope="module")
def key() -> Any:
    """A service account's RSA key."""
    need("cryptography")
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def google(emulator: Emulator, tmp_path: pathlib.Path) -> Iterator[Any]:
    """Servers that give tokens, before an emulator that wants the token "secret-token-1"."""
    need("cryptography")
    from google_servers import Google

    emulator.put("demo", "k", b"pixels")
    emulator.set_access(require_token="secret-token-1")
    servers = Google(tmp_path, emulator)
    servers.reply("/token", (200, {"access_token": "secret-token-1", "expires_in": 3600}))
    servers.reply("/sts", (200, {"access_token": "secret-token-1", "expires_in": 3600, "token_type": "Bearer"}))
    yield servers
    servers.stop()


@pytest.fixture
def nacre(google: Any, emulator: Emulator) -> Any:
    """Runs the command against the emulator as a configured endpoint; no secret may be in what it says."""

    def run(*words: Any, **environment: str) -> Any:
        done = run_nacre(*words, "-v", STORAGE_EMULATOR_HOST=emulator.url, **environment)
        check_secrets(done)
        return done

    return run


@pytest.fixture
def nacre_at_google(google: Any) -> Any:
    """Runs the command against storage.googleapis.com."""

    def run(*words: Any, **environment: str) -> Any:
        done = run_nacre(*words, "-v", **{**google.environment(), **environment})
        check_secrets(done)
        return done

    return run


def check_secrets(done: Any) -> None:
    for secret in SECRETS:
        assert secret not in done.stderr, done.stderr
        assert secret.encode() not in done.stdout


def error_of(done: Any) -> str:
    """The one line that a failed command ends with."""
    assert done.returncode == 1, done
    return done.stderr.strip().splitlines()[-1]


def ok(done: Any) -> bytes:
    assert done.returncode == 0, done
    return done.stdout


def write(path: pathlib.Path, **content: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return str(path)


def service_account(path: pathlib.Path, key: Any, google: Any, **more: Any) -> str:
    from google_servers import pem_of

    content = {
        "type": "service_account", "client_email": "robot@project.iam.gserviceaccount.com", "private_key_id": "key-7",
        "private_key": pem_of(key), "token_uri": f"{google.url}/token", **more,
    }  # fmt: skip
    return write(path, **content)


def user(google: Any, **more: Any) -> dict:
    return {
        "type": "authorized_user", "client_id": "id", "client_secret": "secret-client",
        "refresh_token": "secret-refresh", "token_uri": f"{google.url}/token", **more,
    }  # fmt: skip


def external(google: Any, source: dict, **more: Any) -> dict:
    return {
        "type": "external_account", "audience": "//iam.googleapis.com/pool", "token_url": f"{google.url}/sts",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": source, **more,
    }  # fmt: skip


# --- A service account. ---


def test_a_service_account_signs_its_assertion(nacre: Any, google: Any, key: Any, tmp_path: pathlib.Path) -> None:
    from google_servers import decode_jwt

    path = service_account(tmp_path / "key.json", key, google)
    assert ok(nacre("cat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path)) == b"pixels"
    (asked,) = google.asked_for("/token")
    assert asked.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    header, claims = decode_jwt(asked.form["assertion"], key)
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "key-7"}
    assert claims["iss"] == "robot@project.iam.gserviceaccount.com"
    assert (claims["aud"], claims["scope"]) == (f"{google.url}/token", SCOPE)
    assert abs(claims["iat"] - time.time()) < 600 and claims["exp"] - claims["iat"] == 3600


def test_the_key_gs_credentials_names_a_file_too(nacre: Any, google: Any, key: Any, tmp_path: pathlib.Path) -> None:
    path = service_account(tmp_path / "key.json", key, google)
    assert ok(nacre("cat", "gs://demo/k", "--config", f"gs.credentials={path}")) == b"pixels"


def test_one_token_serves_all_of_a_process(google: Any, emulator: Emulator, key: Any, tmp_path: pathlib.Path) -> None:
    path = service_account(tmp_path / "key.json", key, google)
    (tmp_path / "many").mkdir()
    for i in range(20):
        (tmp_path / "many" / f"{i}.bin").write_bytes(bytes([i]) * 1000)
    environment = {"STORAGE_EMULATOR_HOST": emulator.url, "GOOGLE_APPLICATION_CREDENTIALS": path}
    worked(run_nacre("cp", "-r", "-q", tmp_path / "many", "gs://demo/many", **environment))
    assert len(google.asked_for("/token")) == 1


def test_a_token_that_is_refused_is_renewed_in_the_middle(
    google: Any, emulator: Emulator, key: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nacre

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account(tmp_path / "key.json", key, google))
    numbers = iter(range(1, 100))
    google.reply("/token", lambda _: (200, {"access_token": f"secret-token-{next(numbers)}", "expires_in": 3600}))
    assert nacre.shutil.exists("gs://demo/k")
    emulator.set_access(require_token="secret-token-2")  # the first is revoked
    assert nacre.shutil.exists("gs://demo/k")
    assert nacre.shutil.exists("gs://demo/k")
    assert len(google.asked_for("/token")) == 2


def test_a_changed_file_is_seen_at_the_next_open(
    google: Any, emulator: Emulator, key: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nacre

    path = tmp_path / "key.json"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    with pytest.raises(PermissionError, match="GOOGLE_APPLICATION_CREDENTIALS: the credentials file .* not found"):
        nacre.shutil.exists("gs://demo/k")
    service_account(path, key, google, token_uri=f"{google.url}/broken")
    with pytest.raises(PermissionError, match="the token server .* answered 404"):
        nacre.shutil.exists("gs://demo/k")
    service_account(path, key, google)
    assert nacre.shutil.exists("gs://demo/k")


# --- Others' files. ---


def test_a_users_login_refreshes_its_token(nacre: Any, google: Any, tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "user.json", **user(google))
    assert ok(nacre("cat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path)) == b"pixels"
    (asked,) = google.asked_for("/token")
    assert asked.form == {
        "grant_type": "refresh_token", "client_id": "id", "client_secret": "secret-client",
        "refresh_token": "secret-refresh",
    }  # fmt: skip


def test_the_quota_project_of_a_user_pays(
    nacre: Any, google: Any, emulator: Emulator, key: Any, tmp_path: pathlib.Path
) -> None:
    path = write(tmp_path / "user.json", **user(google, quota_project_id="payer"))
    emulator.take_log()
    ok(nacre("stat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path))
    assert all("userProject=payer" in entry["query"] for entry in emulator.take_log())
    ok(nacre("stat", "gs://demo/k", "--billing-project", "other", GOOGLE_APPLICATION_CREDENTIALS=path))
    assert all("userProject=other" in entry["query"] for entry in emulator.take_log())
    robot = service_account(tmp_path / "key.json", key, google, quota_project_id="payer")
    ok(nacre("stat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=robot))
    assert not any("userProject" in entry["query"] for entry in emulator.take_log())


SOURCES = {
    "a text file": ({"file": "TEXT"}, None),
    "a JSON file": ({"file": "JSON", "format": {"type": "json", "subject_token_field_name": "tok"}}, None),
    "a text URL": ({"url": "URL/text", "headers": {"X-Key": "secret-header"}}, "/text"),
    "a JSON URL": ({"url": "URL/json", "format": {"type": "json", "subject_token_field_name": "tok"}}, "/json"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_an_external_account_exchanges_its_token(nacre: Any, google: Any, tmp_path: pathlib.Path, name: str) -> None:
    (tmp_path / "TEXT").write_text("secret-subject\n")
    (tmp_path / "JSON").write_text('{"tok": "secret-subject"}')
    google.reply("/text", lambda asked: (200 if asked.headers["X-Key"] == "secret-header" else 403, "secret-subject"))
    google.reply("/json", (200, {"tok": "secret-subject"}))
    source, asked_path = SOURCES[name]
    source = json.loads(json.dumps(source).replace("URL", google.url).replace('"TEXT"', f'"{tmp_path}/TEXT"'))
    if source.get("file") == "JSON":
        source["file"] = str(tmp_path / "JSON")
    path = write(tmp_path / "external.json", **external(google, source))
    assert ok(nacre("cat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path)) == b"pixels"
    (asked,) = google.asked_for("/sts")
    assert asked.form == {
        "grant_type": EXCHANGE, "audience": "//iam.googleapis.com/pool", "scope": SCOPE,
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "subject_token": "secret-subject",
    }  # fmt: skip
    assert asked.headers["Authorization"] is None
    if asked_path:
        assert len(google.asked_for(asked_path)) == 1


PROGRAM = """#!/bin/sh
echo "$GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE $GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE $1" >> "$0.log"
cat "$0.json"
"""


def program(google: Any, tmp_path: pathlib.Path, prints: Any, **executable: str) -> str:
    """A credentials file whose subject token is what a program prints."""
    path = tmp_path / "program"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    (tmp_path / "program.json").write_text(json.dumps(prints))
    source = {"executable": {"command": f'{path} "two words"', **executable}}
    return write(tmp_path / "external.json", **external(google, source))


GOOD = {"version": 1, "success": True, "token_type": "urn:ietf:params:oauth:token-type:id_token", "id_token": "secret-subject"}


def test_an_executable_is_run_where_it_is_allowed(nacre: Any, google: Any, tmp_path: pathlib.Path) -> None:
    path = program(google, tmp_path, GOOD)
    message = error_of(nacre("cat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path))
    assert "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1" in message
    assert not (tmp_path / "program.log").exists()
    allowed = {"GOOGLE_APPLICATION_CREDENTIALS": path, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}
    assert ok(nacre("cat", "gs://demo/k", **allowed)) == b"pixels"
    assert (tmp_path / "program.log").read_text() == "//iam.googleapis.com/pool 0 two words\n"
    assert google.asked_for("/sts")[0].form["subject_token"] == "secret-subject"


def test_what_an_executable_left_is_used_while_it_holds(nacre: Any, google: Any, tmp_path: pathlib.Path) -> None:
    left = tmp_path / "left.json"
    path = program(google, tmp_path, GOOD, output_file=str(left))
    allowed = {"GOOGLE_APPLICATION_CREDENTIALS": path, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}
    for until, runs in ((time.time() + 600, 0), (time.time() - 5, 1)):
        left.write_text(json.dumps({**GOOD, "expiration_time": int(until)}))
        ok(nacre("stat", "gs://demo/k", **allowed))
        assert (tmp_path / "program.log").exists() == bool(runs)


@pytest.mark.parametrize("prints, message", [
    ({"version": 1, "success": False, "code": "401", "message": "who are you"}, "has no token: 401: who are you"),
    ({"version": 2}, "prints no JSON object of version 1"),
    ({**GOOD, "expiration_time": 5}, "prints a token that has ended"),
    ({**GOOD, "id_token": ""}, "prints no id_token"),
])  # fmt: skip
def test_an_executable_without_a_token_is_told(
    nacre: Any, google: Any, tmp_path: pathlib.Path, prints: Any, message: str
) -> None:
    path = program(google, tmp_path, prints)
    allowed = {"GOOGLE_APPLICATION_CREDENTIALS": path, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}
    assert f"the external account's executable {message}" in error_of(nacre("stat", "gs://demo/k", **allowed))


def impersonate(google: Any, source_token: str) -> str:
    def answer(asked: Any) -> tuple[int, Any]:
        if asked.headers["Authorization"] != f"Bearer {source_token}":
            return 401, {"error": {"message": "who is it?"}}
        return 200, {"accessToken": "secret-token-1", "expireTime": "2099-01-01T00:00:00Z"}

    google.reply("/v1/robot:generateAccessToken", answer)
    return f"{google.url}/v1/robot:generateAccessToken"


def test_an_external_account_impersonates(nacre: Any, google: Any, tmp_path: pathlib.Path) -> None:
    (tmp_path / "token").write_text("secret-subject")
    google.reply("/sts", (200, {"access_token": "secret-token-of-pool", "expires_in": 3600}))
    more = {
        "service_account_impersonation_url": impersonate(google, "secret-token-of-pool"),
        "service_account_impersonation": {"token_lifetime_seconds": 1200},
        "client_id": "id", "client_secret": "secret-client", "workforce_pool_user_project": "ignored beside a client",
    }  # fmt: skip
    path = write(tmp_path / "external.json", **external(google, {"file": str(tmp_path / "token")}, **more))
    assert ok(nacre("cat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path)) == b"pixels"
    (exchange,) = google.asked_for("/sts")
    assert exchange.form["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert exchange.headers["Authorization"] == "Basic aWQ6c2VjcmV0LWNsaWVudA=="
    assert "options" not in exchange.form
    (asked,) = google.asked_for("/v1/robot:generateAccessToken")
    assert asked.json() == {"scope": [SCOPE], "delegates": [], "lifetime": "1200s"}


def test_a_workforce_user_names_the_project(nacre: Any, google: Any, tmp_path: pathlib.Path) -> None:
    (tmp_path / "token").write_text("secret-subject")
    source = {"file": str(tmp_path / "token")}
    path = write(tmp_path / "external.json", **external(google, source, workforce_pool_user_project="work"))
    ok(nacre("cat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path))
    assert json.loads(google.asked_for("/sts")[0].form["options"]) == {"userProject": "work"}


def test_an_impersonated_account_asks_with_its_source(nacre: Any, google: Any, tmp_path: pathlib.Path) -> None:
    google.reply("/token", (200, {"access_token": "secret-token-of-user", "expires_in": 3600}))
    content = {
        "type": "impersonated_service_account", "delegates": ["between"], "source_credentials": user(google),
        "service_account_impersonation_url": impersonate(google, "secret-token-of-user"),
    }  # fmt: skip
    path = write(tmp_path / "impersonated.json", **content)
    assert ok(nacre("cat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path)) == b"pixels"
    (asked,) = google.asked_for("/v1/robot:generateAccessToken")
    assert asked.json() == {"scope": [SCOPE], "delegates": ["between"], "lifetime": "3600s"}


def test_an_external_users_login_refreshes_its_token(nacre: Any, google: Any, tmp_path: pathlib.Path) -> None:
    content = {
        "type": "external_account_authorized_user", "token_url": f"{google.url}/sts", "client_id": "id",
        "client_secret": "secret-client", "refresh_token": "secret-refresh",
    }  # fmt: skip
    path = write(tmp_path / "external.json", **content)
    assert ok(nacre("cat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path)) == b"pixels"
    (asked,) = google.asked_for("/sts")
    assert asked.form == {"grant_type": "refresh_token", "refresh_token": "secret-refresh"}


# --- Google's order. ---


def well_known(folder: pathlib.Path, google: Any, **more: Any) -> None:
    write(folder / "application_default_credentials.json", **user(google, **more))


def with_metadata(google: Any, token: str = "secret-token-1") -> dict[str, str]:
    flavour = {"Metadata-Flavor": "Google"}
    google.reply(TOKEN_PATH, lambda asked: (
        (200, {"access_token": token, "expires_in": 3000, "token_type": "Bearer"}, flavour)
        if asked.headers["Metadata-Flavor"] == "Google" else (403, "", flavour)
    ))  # fmt: skip
    return {"GCE_METADATA_HOST": google.host}


@pytest.mark.parametrize("by", ["HOME", "CLOUDSDK_CONFIG"])
def test_gclouds_file_is_found(nacre_at_google: Any, google: Any, tmp_path: pathlib.Path, by: str) -> None:
    folder = {"HOME": tmp_path / ".config/gcloud", "CLOUDSDK_CONFIG": tmp_path / "elsewhere"}[by]
    well_known(folder, google)
    environment = {by: str(folder)} if by == "CLOUDSDK_CONFIG" else {}
    assert ok(nacre_at_google("cat", "gs://demo/k", **environment)) == b"pixels"


def test_the_default_token_server_is_googles(nacre_at_google: Any, google: Any, tmp_path: pathlib.Path) -> None:
    write(tmp_path / ".config/gcloud/application_default_credentials.json", **user(google, token_uri=None))
    google.reply("/token", (200, {"access_token": "secret-token-1"}), host="oauth2.googleapis.com")
    assert ok(nacre_at_google("cat", "gs://demo/k")) == b"pixels"


def test_the_metadata_server_is_asked_once(nacre_at_google: Any, google: Any, tmp_path: pathlib.Path) -> None:
    (tmp_path / "many").mkdir()
    for i in range(5):
        (tmp_path / "many" / f"{i}.bin").write_bytes(b"x")
    ok(nacre_at_google("cp", "-r", tmp_path / "many", "gs://demo/many", **with_metadata(google)))
    assert len(google.asked_for(TOKEN_PATH)) == 1


def test_the_order_is_googles(nacre_at_google: Any, google: Any, key: Any, tmp_path: pathlib.Path) -> None:
    """Each is put before those that follow: the one that is asked is the first of them."""
    metadata = with_metadata(google)
    ok(nacre_at_google("stat", "gs://demo/k", **metadata))
    assert [asked.path for asked in google.asked] == [TOKEN_PATH]
    google.asked.clear()
    well_known(tmp_path / ".config/gcloud", google)
    ok(nacre_at_google("stat", "gs://demo/k", **metadata))
    assert [asked.form["grant_type"] for asked in google.asked] == ["refresh_token"]
    google.asked.clear()
    file = {"GOOGLE_APPLICATION_CREDENTIALS": service_account(tmp_path / "key.json", key, google)}
    ok(nacre_at_google("stat", "gs://demo/k", **metadata, **file))
    assert [asked.form["grant_type"] for asked in google.asked] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    google.asked.clear()
    ok(nacre_at_google("stat", "gs://demo/k", **metadata, **file, GOOGLE_OAUTH_ACCESS_TOKEN="secret-token-1"))
    assert google.asked == []


def test_no_sign_request_asks_nobody(nacre_at_google: Any, google: Any, emulator: Emulator, tmp_path: pathlib.Path) -> None:
    emulator.set_access(require_token=None)
    well_known(tmp_path / ".config/gcloud", google)
    words = ("cat", "gs://demo/k", "--no-sign-request")
    assert ok(nacre_at_google(*words, **with_metadata(google), GOOGLE_APPLICATION_CREDENTIALS="/missing")) == b"pixels"
    assert google.asked == []


def test_a_configured_endpoint_gets_what_was_configured_only(
    nacre: Any, google: Any, emulator: Emulator, tmp_path: pathlib.Path
) -> None:
    emulator.set_access(require_token=None)
    well_known(tmp_path / ".config/gcloud", google)
    assert ok(nacre("cat", "gs://demo/k", HOME=str(tmp_path), **with_metadata(google))) == b"pixels"
    assert google.asked == []


@pytest.mark.parametrize("answer", [
    (404, "", {"Metadata-Flavor": "Google"}),  # a machine without an account
    (200, "<html>Welcome to this hotel"),  # not Google's
])  # fmt: skip
def test_a_machine_without_account_is_anonymous(
    nacre_at_google: Any, google: Any, emulator: Emulator, answer: Any
) -> None:
    google.reply(TOKEN_PATH, answer)
    message = error_of(nacre_at_google("stat", "gs://demo/k", GCE_METADATA_HOST=google.host))
    assert "no Google credentials found (looked in " in message and "the metadata server" in message
    emulator.set_access(require_token=None)
    google.asked.clear()
    assert ok(nacre_at_google("cat", "gs://demo/k", GCE_METADATA_HOST=google.host)) == b"pixels"
    assert len(google.asked) == 1


def test_a_dead_metadata_server_is_no_error_for_public_data(nacre_at_google: Any, emulator: Emulator) -> None:
    emulator.set_access(require_token=None)
    assert ok(nacre_at_google("cat", "gs://demo/k", GCE_METADATA_HOST="127.0.0.1:9")) == b"pixels"


# --- Errors. ---


def test_a_token_server_that_refuses_is_quoted(nacre: Any, google: Any, tmp_path: pathlib.Path) -> None:
    google.reply("/token", (400, {"error": "invalid_grant", "error_description": "secret-refresh is revoked"}))
    path = write(tmp_path / "user.json", **user(google))
    message = error_of(nacre("stat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path))
    assert message == (
        f"nacre: gs://demo/k: the token server {google.host} answered 400: invalid_grant: ************** is revoked"
    )


def test_a_token_of_another_is_told_from_none(nacre: Any, google: Any, emulator: Emulator, tmp_path: pathlib.Path) -> None:
    emulator.set_access(require_token="secret-token-other")
    path = write(tmp_path / "user.json", **user(google))
    message = error_of(nacre("stat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path))
    assert "denied (401): the access token from GOOGLE_APPLICATION_CREDENTIALS, file " in message
    assert "(a user's login) was refused" in message
    emulator.set_access(require_token="secret-token-1", denied=["demo"])
    message = error_of(nacre("stat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=path))
    assert "denied (403), or missing: the credentials from GOOGLE_APPLICATION_CREDENTIALS" in message


def test_nothing_found_names_the_places(nacre_at_google: Any, nacre: Any, tmp_path: pathlib.Path) -> None:
    message = error_of(nacre_at_google("stat", "gs://demo/k"))
    for place in ("gs.hmac_access_id", "GS_ACCESS_KEY_ID", "gs.access_token", "gs.credentials", "GOOGLE_APPLICATION_CREDENTIALS", "no machine of Google's",
                  f"{tmp_path}/.config/gcloud/application_default_credentials.json"):  # fmt: skip
        assert place in message
    assert "for a configured endpoint neither gcloud's file nor" in error_of(nacre("stat", "gs://demo/k"))


BAD_FILES = {
    "{": "no JSON from line 1 on",
    "[]": "no JSON object",
    "{}": 'it has no "type"',
    '{"type": "gdch_service_account"}': "credentials of the type 'gdch_service_account' are not supported",
    '{"type": "external_account"}': "names neither a file nor a URL",
    '{"type": "external_account", "credential_source": {"environment_id": "aws1", "url": "http://h"}}': "AWS",
    '{"type": "external_account", "credential_source": {"executable": {"command": "x"}}}': "ALLOW_EXECUTABLES=1",
    '{"type": "external_account", "credential_source": {"certificate": {}}}': "certificate",
    '{"type": "impersonated_service_account", "source_credentials": {"type": "x"}}': "source_credentials",
    '{"type": "service_account", "client_email": "x"}': 'has no "private_key"',
    '{"type": "service_account", "client_email": "x", "private_key": "secret-token"}': "no RSA key in PEM form",
    '{"type": "authorized_user", "client_id": "x"}': 'has no "client_secret"',
}


@pytest.mark.parametrize("content", BAD_FILES)
def test_a_file_that_cannot_be_used_is_never_passed_over(nacre: Any, tmp_path: pathlib.Path, content: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    message = error_of(nacre("stat", "gs://demo/k", GOOGLE_APPLICATION_CREDENTIALS=str(path)))
    assert BAD_FILES[content] in message


def test_a_malformed_file_of_gclouds_is_told(nacre_at_google: Any, tmp_path: pathlib.Path) -> None:
    path = tmp_path / ".config/gcloud/application_default_credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    assert f"gcloud's file {path}: no JSON from line 1 on" in error_of(nacre_at_google("stat", "gs://demo/k"))
