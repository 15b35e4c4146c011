# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Who asks S3: each source of credentials, played by small servers on loopback, in Amazon's own order."""

from __future__ import annotations

import hashlib
import http.server
import json
import pathlib
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import run_nacre

FUTURE = "2999-01-01T00:00:00Z"


class Amazon:
    """S3 with one object, the token service, a container's service, an instance's and a login's portal, in one server.

    What it was asked is in `asked`; `refused` are session tokens that have ended."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], str]] = []
        self.refused: set[str] = set()
        self.role = "role-of-instance"
        self.expiration = FUTURE
        self.count = 0
        amazon = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size).decode()
                status, headers, content = amazon.answer(self.command, self.path, self.headers, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content.encode())

            do_GET = do_HEAD = do_PUT = do_POST = answer

            def log_message(self, *words: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def keys(self, name: str) -> dict[str, str]:
        self.count += 1
        return {
            "AccessKeyId": f"AKIA{name}{self.count}",
            "SecretAccessKey": f"verysecret{self.count}",
            "Token": f"token-{name}-{self.count}",
            "Expiration": self.expiration,
        }

    def answer(self, method: str, path: str, headers: Any, body: str) -> tuple[int, dict[str, str], str]:
        self.asked.append((method, path, dict(headers), body))
        if path.startswith("/bkt/"):
            return self.object(headers)
        if path.startswith("/latest/"):
            return self.instance(method, path, headers)
        if path == "/container":
            good = headers.get("Authorization") == "for the container"
            return (200, {}, json.dumps(self.keys("container"))) if good else (401, {}, '{"message": "no"}')
        if path.startswith("/federation/credentials?"):
            keys = self.keys("login")
            answer = {"accessKeyId": keys["AccessKeyId"], "secretAccessKey": keys["SecretAccessKey"]}
            answer |= {"sessionToken": keys["Token"], "expiration": 32472144000000}
            return 200, {}, json.dumps({"roleCredentials": answer})
        return self.token_service(body)

    def object(self, headers: Any) -> tuple[int, dict[str, str], str]:
        if headers.get("x-amz-security-token") in self.refused:
            return 400, {}, "<Error><Code>ExpiredToken</Code><Message>The token has ended.</Message></Error>"
        etag = hashlib.md5(b"bytes").hexdigest()
        return 206, {"ETag": f'"{etag}"', "Content-Range": "bytes 0-4/5"}, "bytes"

    def instance(self, method: str, path: str, headers: Any) -> tuple[int, dict[str, str], str]:
        if method == "PUT":
            return 200, {}, "session"
        if headers.get("X-aws-ec2-metadata-token") != "session":
            return 401, {}, ""
        if path == "/latest/meta-data/iam/security-credentials/":
            return (200, {}, self.role) if self.role else (404, {}, "")
        return 200, {}, json.dumps({"Code": "Success", **self.keys("instance")})

    def token_service(self, body: str) -> tuple[int, dict[str, str], str]:
        form = dict(urllib.parse.parse_qsl(body))
        if "denied" in form["RoleArn"]:
            message = f"refused {form.get('WebIdentityToken', '')}"
            return 403, {}, f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{message}</Message></Error></ErrorResponse>"
        keys = self.keys("role")
        action = form["Action"]
        inner = "".join(f"<{name}>{keys[key]}</{name}>" for name, key in
                        [("AccessKeyId",) * 2, ("SecretAccessKey",) * 2, ("SessionToken", "Token"), ("Expiration",) * 2])
        return 200, {}, f"<{action}Response><{action}Result><Credentials>{inner}</Credentials></{action}Result></{action}Response>"

    def who(self) -> list[tuple[str, str | None]]:
        """Access key and session token of each request for the object."""
        found = []
        for _, path, headers, _ in self.asked:
            if path.startswith("/bkt/"):
                authorization = headers.get("Authorization", "Credential=/")
                found.append((authorization.split("Credential=")[1].split("/")[0], headers.get("x-amz-security-token")))
        return found


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    server = Amazon()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def cat(amazon: Amazon, tmp_path: pathlib.Path) -> Callable[..., Any]:
    """nacre cat of the object, with nothing configured but what is given; files are relative to an empty home."""

    def run(*words: str, status: int = 0, **variables: str) -> Any:
        environment = {"HOME": str(tmp_path), "AWS_ENDPOINT_URL_S3": amazon.url, "AWS_EC2_METADATA_DISABLED": "true"}
        environment |= {"AWS_ENDPOINT_URL_STS": amazon.url, "AWS_ENDPOINT_URL_SSO": amazon.url}
        done = run_nacre("cat", "s3://bkt/key", *words, **{**environment, **variables})
        assert done.returncode == status, done.stderr
        assert "verysecret" not in done.stderr and "token-" not in done.stderr
        assert not status or len(done.stderr.splitlines()) == 1
        assert status or done.stdout == b"bytes"
        return done

    (tmp_path / ".aws").mkdir()
    return run


def write(tmp_path: pathlib.Path, config: str = "", credentials: str = "") -> None:
    (tmp_path / ".aws/config").write_text(config)
    (tmp_path / ".aws/credentials").write_text(credentials)


KEYS = {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "verysecret"}


def test_keys_of_the_environment(amazon: Amazon, cat: Callable[..., Any]) -> None:
    cat(**KEYS, AWS_SESSION_TOKEN="token-env")
    assert amazon.who() == [("AKIAENV", "token-env")]
    said = cat(status=1, AWS_ACCESS_KEY_ID="AKIAENV").stderr
    assert "s3: s3.access_key_id (AWS_ACCESS_KEY_ID) is set, but not the s3.secret_access_key" in said


def test_keys_of_the_program_do_not_take_the_environments_token(amazon: Amazon, cat: Callable[..., Any]) -> None:
    given = ["--config", "s3.access_key_id=AKIAOWN", "--config", "s3.secret_access_key=verysecretown"]
    cat(*given, **KEYS, AWS_SESSION_TOKEN="token-env")
    assert amazon.who() == [("AKIAOWN", None)]


def test_a_web_identity_takes_its_role(amazon: Amazon, cat: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    (tmp_path / "jwt").write_text("token-of-web\n")
    role = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "jwt"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/x"}
    cat(**role, AWS_ROLE_SESSION_NAME="me")
    form = dict(urllib.parse.parse_qsl(amazon.asked[0][3]))
    assert form == {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/x",
                    "RoleSessionName": "me", "WebIdentityToken": "token-of-web"}
    assert "Authorization" not in amazon.asked[0][2]
    assert amazon.who() == [("AKIArole1", "token-role-1")]
    said = cat(status=1, **{**role, "AWS_ROLE_ARN": "denied"}).stderr
    assert "s3://bkt/key: Amazon's token service 127.0.0.1" in said and "AccessDenied: refused ****" in said
    said = cat(status=1, **{**role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "none")}).stderr
    assert "the web identity's token file" in said and "not found" in said


def test_a_token_that_has_ended_is_renewed_within_the_request(
    amazon: Amazon, cat: Callable[..., Any], tmp_path: pathlib.Path
) -> None:
    (tmp_path / "jwt").write_text("token-of-web")
    amazon.refused.add("token-role-1")
    cat(AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "jwt"), AWS_ROLE_ARN="arn:aws:iam::1:role/x")
    assert amazon.who() == [("AKIArole1", "token-role-1"), ("AKIArole2", "token-role-2")]


def test_tokens_that_are_always_refused_end_with_one_error(
    amazon: Amazon, cat: Callable[..., Any], tmp_path: pathlib.Path
) -> None:
    (tmp_path / "jwt").write_text("token-of-web")
    amazon.refused |= {f"token-role-{i}" for i in range(99)}
    said = cat(status=1, AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "jwt"), AWS_ROLE_ARN="arn:aws:iam::1:role/x").stderr
    assert "denied (400): the credentials from AWS_WEB_IDENTITY_TOKEN_FILE were refused: ExpiredToken" in said
    assert len(amazon.who()) <= 3


def test_profiles(amazon: Amazon, cat: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    write(
        tmp_path,
        "[default]\nregion = eu-west-1\n[profile other]\naws_access_key_id = AKIAOTHER\n"
        "aws_secret_access_key = verysecretother # a comment\naws_session_token=token-other\n",
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = verysecretdefault\n",
    )
    cat()
    cat(AWS_PROFILE="other")
    cat("--profile", "other", **KEYS)  # what the command names counts before the environment's keys
    cat(AWS_PROFILE="other", **KEYS)
    assert amazon.who() == [("AKIADEFAULT", None), ("AKIAOTHER", "token-other"), ("AKIAOTHER", "token-other"), ("AKIAENV", None)]
    assert "/eu-west-1/s3/aws4_request" in amazon.asked[0][2]["Authorization"]
    assert "/us-east-1/s3/aws4_request" in amazon.asked[1][2]["Authorization"]
    said = cat(status=1, AWS_PROFILE="none").stderr
    assert "there is no profile 'none' (looked in" in said and ".aws/config" in said


def test_a_profiles_endpoint_is_used(amazon: Amazon, cat: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    write(
        tmp_path,
        f"[profile p]\nservices = local\naws_access_key_id=AKIAP\naws_secret_access_key=verysecretp\n"
        f"endpoint_url = http://127.0.0.1:1\n[services local]\ns3 =\n  endpoint_url = {amazon.url}\n  addressing_style = path\n",
    )
    cat(AWS_PROFILE="p", AWS_ENDPOINT_URL_S3="")
    assert amazon.who() == [("AKIAP", None)]


def test_a_profile_takes_a_role(amazon: Amazon, cat: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    write(
        tmp_path,
        "[profile r]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\nexternal_id = ext\nrole_session_name = s\n"
        "duration_seconds = 900\nregion = eu-west-1\n[profile second]\nrole_arn = arn:aws:iam::1:role/s\nsource_profile = r\n"
        "[profile loop]\nrole_arn = x\nsource_profile = loop2\n[profile loop2]\nrole_arn = x\nsource_profile = loop\n"
        "[profile env]\nrole_arn = arn:aws:iam::1:role/e\ncredential_source = Environment\n"
        "[profile mfa]\nrole_arn = x\nsource_profile = base\nmfa_serial = device\n",
        "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = verysecretbase\n",
    )
    cat(AWS_PROFILE="r")
    form = dict(urllib.parse.parse_qsl(amazon.asked[0][3]))
    assert form == {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/r",
                    "RoleSessionName": "s", "DurationSeconds": "900", "ExternalId": "ext"}
    assert "Credential=AKIABASE/" in amazon.asked[0][2]["Authorization"]
    assert "/eu-west-1/sts/aws4_request" in amazon.asked[0][2]["Authorization"]
    assert amazon.who() == [("AKIArole1", "token-role-1")]
    cat("--profile", "second")
    assert amazon.who()[-1] == ("AKIArole3", "token-role-3")
    cat("--profile", "env", **KEYS)
    assert "Credential=AKIAENV/" in amazon.asked[-2][2]["Authorization"]
    assert "through too many others" in cat(status=1, AWS_PROFILE="loop").stderr
    assert "mfa_serial" in cat(status=1, AWS_PROFILE="mfa").stderr


def test_a_program_prints_credentials(amazon: Amazon, cat: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    program = tmp_path / "print me"
    answer = {"Version": 1, "AccessKeyId": "AKIAPROGRAM", "SecretAccessKey": "verysecretp", "SessionToken": "token-p"}
    program.write_text(f"#!/bin/sh\n[ \"$1\" = 'two words' ] || exit 3\necho '{json.dumps(answer)}'\n")
    program.chmod(0o755)
    write(tmp_path, f"[profile p]\ncredential_process = \"{program}\" 'two words'\n[profile bad]\ncredential_process = '{program}'\n"
          "[profile none]\ncredential_process = /nowhere/program\n[profile text]\ncredential_process = echo verysecret\n")
    cat(AWS_PROFILE="p")
    assert amazon.who() == [("AKIAPROGRAM", "token-p")]
    assert "ended with status 3" in cat(status=1, AWS_PROFILE="bad").stderr
    assert "cannot be run" in cat(status=1, AWS_PROFILE="none").stderr
    assert "prints no JSON object" in cat(status=1, AWS_PROFILE="text").stderr


def test_a_login_gives_credentials(amazon: Amazon, cat: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    config = "[profile p]\nsso_session = work\nsso_account_id = 123\nsso_role_name = reader\n"
    write(tmp_path, config + "[sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://example.com/start\n")
    assert "run: aws sso login --profile p" in cat(status=1, AWS_PROFILE="p").stderr
    folder = tmp_path / ".aws/sso/cache"
    folder.mkdir(parents=True)
    file = folder / f"{hashlib.sha1(b'work').hexdigest()}.json"
    file.write_text(json.dumps({"accessToken": "token-login", "expiresAt": FUTURE}))
    cat(AWS_PROFILE="p")
    method, path, headers, _ = amazon.asked[0]
    assert path == "/federation/credentials?role_name=reader&account_id=123"
    assert headers["x-amz-sso_bearer_token"] == "token-login"
    assert amazon.who() == [("AKIAlogin1", "token-login-1")]
    file.write_text(json.dumps({"accessToken": "token-login", "expiresAt": "2020-01-01T00:00:00Z"}))
    assert "run: aws sso login --profile p" in cat(status=1, AWS_PROFILE="p").stderr


def test_a_container_gives_credentials(amazon: Amazon, cat: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    (tmp_path / "token").write_text("for the container\n")
    where = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{amazon.url}/container"}
    cat(**where, AWS_CONTAINER_AUTHORIZATION_TOKEN="for the container")
    cat(**where, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(tmp_path / "token"))
    assert [key for key, _ in amazon.who()] == ["AKIAcontainer1", "AKIAcontainer2"]
    assert "answered 401" in cat(status=1, **where).stderr
    said = cat(status=1, AWS_CONTAINER_CREDENTIALS_FULL_URI="http://192.0.2.1/x").stderr
    assert "neither https nor an address of this machine" in said


def test_an_instance_gives_credentials(amazon: Amazon, cat: Callable[..., Any]) -> None:
    where = {"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": amazon.url + "/"}
    cat(**where)
    assert [(method, path) for method, path, _, _ in amazon.asked[:3]] == [
        ("PUT", "/latest/api/token"),
        ("GET", "/latest/meta-data/iam/security-credentials/"),
        ("GET", "/latest/meta-data/iam/security-credentials/role-of-instance"),
    ]
    assert amazon.who() == [("AKIAinstance1", "token-instance-1")]
    amazon.role = ""
    assert "this instance has no role" in cat(status=1, **where).stderr


def test_without_credentials_the_error_says_where_was_looked(amazon: Amazon, cat: Callable[..., Any]) -> None:
    said = cat(status=1).stderr
    assert said.startswith("nacre: s3://bkt/key: no AWS credentials found (looked in s3.access_key_id")
    for place in ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "'default'", ".aws/credentials", "AWS_CONTAINER"):
        assert place in said
    assert "for public data use --no-sign-request" in said
    assert amazon.asked == []
    nobody = {"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"}
    assert "the instance's metadata service: nobody answers there" in cat(status=1, **nobody).stderr
    cat("--no-sign-request")
    assert amazon.who() == [("", None)]


def test_the_first_that_is_described_counts(amazon: Amazon, cat: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    (tmp_path / "jwt").write_text("token-of-web")
    write(tmp_path, "", "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = verysecretdefault\n")
    container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{amazon.url}/container",
                 "AWS_CONTAINER_AUTHORIZATION_TOKEN": "for the container"}
    web = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "jwt"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/x"}
    cat(**container, **web, **KEYS)
    cat(**container, **web)
    cat(**container)
    write(tmp_path)
    cat(**container)
    assert [key.rstrip("0123456789") for key, _ in amazon.who()] == ["AKIAENV", "AKIArole", "AKIADEFAULT", "AKIAcontainer"]


def test_a_broken_file_is_named_with_its_line(cat: Callable[..., Any], tmp_path: pathlib.Path) -> None:
    write(tmp_path, "", "[default]\naws_access_key_id verysecret\n")
    said = cat(status=1).stderr
    assert ".aws/credentials: line 2: a line without '='" in said
    write(tmp_path, "", "[default]\naws_access_key_id = AKIA\n")
    assert "aws_access_key_id, but not the aws_secret_access_key" in cat(status=1).stderr
