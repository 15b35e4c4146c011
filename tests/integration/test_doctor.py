# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""`nacre doctor`: what it says of servers of which we know what they honour, by us and by others."""

from __future__ import annotations

import email.utils
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure_servers import ACCOUNT, KEY, Azurite
from conftest import NACRE, ROOT, Emulator, clean_environment, need, run_nacre
from s3client import client_of
from servers import free_port, official_bucket

pytestmark = pytest.mark.sanitized

SECRET = "s3cr3t-of-the-user/+"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}


class Report:
    """What the command said, as JSON."""

    def __init__(self, done: subprocess.CompletedProcess, status: int) -> None:
        assert (done.returncode, done.stderr) == (status, ""), (done.stdout, done.stderr)
        assert SECRET.encode() not in done.stdout and KEY.encode() not in done.stdout
        told = json.loads(done.stdout)
        assert told["schema"] == 1 and told["left"] is False, told
        self.verdict, self.summary = told["verdict"], told["summary"]
        self.rows = {(row["section"], row["name"]): row for row in told["rows"]}
        self.marks = {f"{row['section']}/{row['name']}": row["mark"] for row in told["rows"]}
        begins = {"safe": "safe: ", "works": "works, but ", "fails": "does not work: "}
        assert self.summary.startswith(begins[self.verdict]) and "\n" not in self.summary, told
        assert (self.verdict == "fails") == ("bad" in self.marks.values()) == (status == 1), told
        assert (self.verdict == "works") == ("weak" in self.marks.values() and "bad" not in self.marks.values()), told

    def value(self, section: str, name: str) -> str:
        return self.rows[section, name]["value"]

    def weak(self) -> set[str]:
        return {name for name, mark in self.marks.items() if mark == "weak"}


def doctor(*words: Any, status: int = 0, **changes: str) -> Report:
    return Report(run_nacre("doctor", "--json", *words, timeout=90, **changes), status)


CONTRACT = {
    "own write", "overwrite by another", "open handle", "create only", "replace a version", "own delete", "absence", "listing",
    "copy of a version", "rename", "delete of a version", "upload in parts", "upload given up", "clean-up",
}  # fmt: skip


def all_kept(report: Report) -> None:
    assert {name for (section, name), row in report.rows.items() if section == "writing" and row["mark"] == "good"} >= CONTRACT


# --- The emulator ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_the_emulator_keeps_every_promise(emulator: Emulator, scheme: str) -> None:
    """Below a prefix with objects, and below an empty one; and nothing is left."""
    emulator.put("demo", "d/small", b"123")
    emulator.put("demo", "d/large", os.urandom(2 << 20))
    servers = {"STORAGE_EMULATOR_HOST": emulator.url, "AWS_ENDPOINT_URL": emulator.s3_url, **KEYS}
    for prefix in ("d/", "new/"):
        report = doctor("--write", f"{scheme}://demo/{prefix}", **servers)
        assert report.verdict == "safe" and "changes keep every promise" in report.summary
        all_kept(report)
        for name in ("ranges", "version", "if not changed", "pinned reads", "listing", "size and version"):
            assert report.marks[f"reading/{name}"] == "good", name
    assert doctor(f"{scheme}://demo/d/", **servers).value("connection", "object").endswith(f"{scheme}://demo/d/large")
    assert {item["name"] for item in emulator.request("GET", "/storage/v1/b/demo/o").json()["items"]} == {"d/small", "d/large"}


def test_of_an_object_everything_but_changes_is_told(emulator: Emulator) -> None:
    emulator.put("demo", "large", os.urandom(2 << 20))
    report = doctor("gs://demo/large", STORAGE_EMULATOR_HOST=emulator.url)
    assert report.verdict == "safe" and report.summary.endswith("changes were not tried")
    assert report.value("path", "endpoint") == emulator.url
    assert report.value("path", "for GDAL") == "/vsigs/demo/large"
    assert report.value("connection", "protocol") == "HTTP/1.1, not encrypted"
    assert re.fullmatch(r"[\d.]+ ms \(median of 5 small requests\)", report.value("connection", "latency"))
    assert re.fullmatch(r"[\d.]+ MiB/s \(1\.\d MiB, 4 ranges at once\)", report.value("reading", "bandwidth"))
    assert "GOOGLE_APPLICATION_CREDENTIALS" in report.value("credentials", "anonymous")
    assert report.marks["connection/clock"] == "good" and report.marks["writing/contract"] == "skipped"


def test_buckets_that_keep_versions(emulator: Emulator) -> None:
    client = client_of(emulator.s3_url)
    client.put_bucket_versioning(Bucket="demo", VersioningConfiguration={"Status": "Enabled"})
    report = doctor("--write", "s3://demo/", AWS_ENDPOINT_URL=emulator.s3_url, **KEYS)
    assert report.verdict == "safe" and report.marks["writing/open handle"] == "good"
    assert report.value("reading", "old versions").startswith("kept: ")


FAULTS = [
    ("norange", {"reading/ranges"}, "read whole"),
    ("noprecondition", {"reading/if not changed", "writing/create only", "writing/replace a version", "writing/delete of a version"}, "-n"),
]


@pytest.mark.parametrize(("fault", "weak", "follows"), FAULTS, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_not_honoured_is_named_with_what_follows(emulator: Emulator, fault: str, weak: set[str], follows: str) -> None:
    emulator.put("demo", "d/k", os.urandom(50_000))
    emulator.set_faults({"kind": fault, "every": 1})
    report = doctor("--write", "gs://demo/d/", STORAGE_EMULATOR_HOST=emulator.url)
    assert report.weak() >= weak, report.weak()
    assert follows in report.summary
    emulator.set_faults()
    assert emulator.request("GET", "/storage/v1/b/demo/o").json()["items"][0]["name"] == "d/k"


def test_an_s3_server_that_ignores_conditions(emulator: Emulator) -> None:
    emulator.put("demo", "d/k", os.urandom(50_000))
    emulator.set_faults({"kind": "noprecondition", "every": 1})
    report = doctor("--write", "s3://demo/d/", AWS_ENDPOINT_URL=emulator.s3_url, **KEYS)
    assert {"reading/if not changed", "reading/pinned reads", "writing/create only", "writing/replace a version"} <= report.weak()
    assert report.marks["writing/open handle"] == "good"


def test_answers_without_a_version_prove_nothing(emulator: Emulator) -> None:
    emulator.put("demo", "k", b"123456")
    emulator.set_faults({"kind": "novalidator", "every": 1})
    report = doctor(f"{emulator.url}/demo/k")
    assert report.weak() == {"reading/version"} and "nothing is cached" in report.summary


# --- What does not work ----------------------------------------------------------------------------------------------


def test_what_is_not_there_denied_or_unreachable_is_a_row(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    emulator.put("demo", "k", b"1")
    (emulator.root / "closed").mkdir()
    emulator.set_access(denied=["closed"])
    nowhere = f"http://127.0.0.1:{free_port()}"
    cases = [
        ("gs://demo/none", emulator.url, "connection/object", "not found"),
        ("gs://none/", emulator.url, "connection/listing", "not found"),
        ("gs://closed/k", emulator.url, "connection/object", "denied"),
        ("gs://closed/", emulator.url, "connection/listing", "denied"),
        ("gs://demo/k", nowhere, "connection/object", "cannot connect"),
        (f"{nowhere}/k", nowhere, "connection/object", "cannot connect"),
        (f"{tmp_path}/none", nowhere, "connection/object", "not found"),
        (f"{tmp_path}/none/", nowhere, "connection/listing", "not found"),
    ]
    for path, url, row, part in cases:
        report = doctor(path, status=1, STORAGE_EMULATOR_HOST=url)
        assert report.verdict == "fails" and report.marks[row] == "bad", path
        assert part in report.summary and part in report.rows[tuple(row.split("/"))]["value"], path
        assert report.rows[tuple(row.split("/"))]["note"], path


def test_credentials_that_cannot_be_had_are_a_row(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    report = doctor("gs://demo/k", status=1, GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / "none.json"))
    assert "GOOGLE_APPLICATION_CREDENTIALS" in report.value("path", "configuration")
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program}\n")
    report = doctor("s3://demo/k", status=1, AWS_CONFIG_FILE=str(tmp_path / "config"), AWS_ENDPOINT_URL=emulator.s3_url)
    assert report.marks["credentials/access key"] == "bad"


def test_it_ends_by_its_time_limit() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        report = doctor("--timeout", "2", "gs://demo/k", status=1, STORAGE_EMULATOR_HOST=url)
        assert time.monotonic() - began < 20 and report.verdict == "fails"


def test_below_a_prefix_that_may_not_be_written(tmp_path: pathlib.Path) -> None:
    if os.geteuid() == 0:
        report = doctor("--write", "/proc/", status=1)
    else:
        tmp_path.chmod(0o555)
        report = doctor("--write", f"{tmp_path}/", status=1)
    assert report.marks["writing/folder"] == "bad"


def test_wrong_words() -> None:
    for words, part in ((["--write", "gs://demo/k"], "slash"), (["--timeout", "0", "gs://b/"], "--timeout"), ([], "PATH"), (["a", "b"], "'b'")):
        done = run_nacre("doctor", *words)
        assert done.returncode == 2 and part in done.stderr and done.stderr.count("\n") == 1, done
    done = run_nacre("doctor", "nonsense://b/k")
    assert done.returncode == 1 and done.stderr.startswith("nacre: nonsense://b/k: "), done


# --- Interrupted -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wait", [0.4, 0.9, 1.5, 2.5])
def test_interrupted_it_cleans_up(start_emulator: Callable[..., Emulator], wait: float) -> None:
    emulator = start_emulator("--latency", "30")
    emulator.make_bucket("demo")
    process = subprocess.Popen([NACRE, "doctor", "--write", "gs://demo/"], env=clean_environment(STORAGE_EMULATOR_HOST=emulator.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    time.sleep(wait)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)
    assert process.returncode in (130, 0) and said[1] == b"", said
    assert "items" not in emulator.request("GET", "/storage/v1/b/demo/o").json()


def test_what_could_not_be_removed_is_told(emulator: Emulator) -> None:
    emulator.set_faults({"kind": "503", "every": 1, "method": "DELETE"})
    done = run_nacre("doctor", "--write", "--config", "http.retries=0", "--json", "gs://demo/", STORAGE_EMULATOR_HOST=emulator.url)
    told = json.loads(done.stdout)
    left = [row["value"] for row in told["rows"] if row["name"] == "not removed"]
    items = emulator.request("GET", "/storage/v1/b/demo/o").json()["items"]
    assert told["left"] is True and items and done.returncode == 1, told
    assert {item["name"] for item in items} == {re.match(r"gs://demo/([^:]+): ", value).group(1) for value in left}
    assert all(f"not removed: {value}" in done.stderr for value in left)


# --- Plain HTTP, local files, memory -------------------------------------------------------------------------------------


class Plain:
    """A server of one object that honours what it is told to."""

    def __init__(self, data: bytes, *honours: str) -> None:
        modified = email.utils.formatdate(time.time() - 100, usegmt=True)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def reply(self, with_body: bool) -> None:
                status, body = 200, data
                asked = self.headers.get("Range") if "ranges" in honours else None
                if "conditions" in honours and self.headers.get("If-None-Match") == '"v1"':
                    status, body = 304, b""
                elif "conditions" in honours and self.headers.get("If-Match", '"v1"') != '"v1"':
                    status, body = 412, b""
                elif asked:
                    first, last = (int(part) for part in re.fullmatch(r"bytes=(\d+)-(\d+)", asked).groups())
                    status, body = 206, data[first : last + 1]
                self.send_response(status)
                if status == 206:
                    self.send_header("Content-Range", f"bytes {first}-{first + len(body) - 1}/{len(data)}")
                if "etag" in honours:
                    self.send_header("ETag", '"v1"')
                if "weak" in honours:
                    self.send_header("ETag", 'W/"v1"')
                if "modified" in honours:
                    self.send_header("Last-Modified", modified)
                if status != 304:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

            def do_GET(self) -> None:
                self.reply(True)

            def do_HEAD(self) -> None:
                if "head" in honours:
                    self.reply(False)
                else:
                    self.send_error(405)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def plain() -> Iterator[Callable[..., Plain]]:
    started: list[Plain] = []

    def start(*honours: str) -> Plain:
        started.append(Plain(os.urandom(100_000), *honours))
        return started[-1]

    yield start
    for server in started:
        server.stop()


PLAIN = [
    (["head", "ranges", "conditions", "etag"], set()),
    (["ranges", "conditions", "etag"], set()),
    (["head", "ranges", "etag"], {"reading/if not changed", "reading/pinned reads"}),
    (["head", "conditions", "etag"], {"reading/ranges"}),
    (["head", "ranges", "weak"], {"reading/version"}),
    (["head", "ranges"], {"reading/version"}),
    (["head", "etag"], {"reading/ranges", "reading/if not changed", "reading/pinned reads"}),
    (["head", "ranges", "modified"], {"reading/if not changed", "reading/pinned reads"}),
]


@pytest.mark.parametrize(("honours", "weak"), PLAIN, ids=lambda value: "-".join(value) if isinstance(value, list) else "")
def test_plain_servers(plain: Callable[..., Plain], honours: list[str], weak: set[str]) -> None:
    server = plain(*honours)
    report = doctor(f"http://user:{urllib.parse.quote(SECRET, safe='')}@{server.url[7:]}/k?X-Amz-Signature={urllib.parse.quote(SECRET, safe='')}")
    assert report.weak() == weak
    assert report.value("credentials", "HTTP credentials") == "from the URL"
    assert report.marks["reading/listing"] == "note"
    told = run_nacre("doctor", f"http://user:secret-word@{server.url[7:]}/k?X-Amz-Signature=other-secret")
    assert told.returncode == 0 and b"secret-word" not in told.stdout and b"other-secret" not in told.stdout


def test_local_files_and_memory(tmp_path: pathlib.Path) -> None:
    (tmp_path / "k").write_bytes(os.urandom(2 << 20))
    os.utime(tmp_path / "k", (1, 1))
    time.sleep(0.05)
    for path in (f"{tmp_path}/", "mem://folder/"):
        report = doctor("--write", path)
        assert report.verdict == "safe", report.summary
        all_kept(report)
    assert [path.name for path in tmp_path.iterdir()] == ["k"]
    assert doctor(tmp_path / "k").verdict == "safe"


# --- Servers by others -----------------------------------------------------------------------------------------------


def test_fake_gcs_server(_fake_gcs: Any) -> None:
    """It ignores most preconditions, and that is what is said of it."""
    official_bucket(_fake_gcs.url, "doctor")
    report = doctor("--write", "gs://doctor/p/", STORAGE_EMULATOR_HOST=_fake_gcs.url)
    assert {"reading/if not changed", "writing/copy of a version", "writing/delete of a version"} <= report.weak()
    assert "reads its header again" in report.summary and "move" in report.summary


def test_moto() -> None:
    need("moto")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        url = "http://%s:%d" % server.get_host_and_port()
        client_of(url).create_bucket(Bucket="doctor")
        report = doctor("--write", "s3://doctor/p/", AWS_ENDPOINT_URL=url, AWS_ENDPOINT_URL_STS=url, **KEYS)
        assert report.value("credentials", "who").startswith("arn:aws:")
        assert report.weak() <= {"writing/copy of a version", "writing/delete of a version"}, report.summary
        assert report.value("credentials", "access key") == "from AWS_ACCESS_KEY_ID"
        assert "Contents" not in client_of(url).list_objects_v2(Bucket="doctor")
    finally:
        server.stop()


def test_azurite(tmp_path: pathlib.Path) -> None:
    need("azurite")
    server = Azurite(tmp_path / "log")
    try:
        container = server.client().create_container("doctor")
        report = doctor("--write", "az://doctor/p/", AZURE_STORAGE_CONNECTION_STRING=server.connection_string)
        assert report.verdict == "safe", report.summary
        all_kept(report)
        assert report.value("credentials", "account") == ACCOUNT
        assert not list(container.list_blobs())
    finally:
        server.stop()


# --- The page --------------------------------------------------------------------------------------------------------


def test_the_example_of_the_page_is_what_is_printed(emulator: Emulator) -> None:
    page = (ROOT / "docs/guide/doctor.md").read_text()
    example = re.search(r"```console\n\$ nacre doctor --write gs://demo/scenes/\n(.*?)```", page, re.S).group(1)
    emulator.put("demo", "scenes/a.tif", os.urandom(3 << 20))
    done = run_nacre("doctor", "--write", "gs://demo/scenes/", STORAGE_EMULATOR_HOST=emulator.url)
    assert (done.returncode, done.stderr) == (0, "")

    def settled(text: str) -> str:
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
        text = re.sub(r"generation=\d+", "generation=N", text)
        return re.sub(r"[\d.]+ (ms|MiB/s)", r"N \1", text)

    assert settled(done.stdout.decode()) == settled(example)


def test_every_row_of_the_page_is_a_row(emulator: Emulator) -> None:
    page = (ROOT / "docs/guide/doctor.md").read_text()
    named = set(re.findall(r"^\| `([^`.]+)` \|", page, re.M))
    source = "".join((ROOT / "src/vfs" / name).read_text() for name in ("probe.c", "probe_wire.c", "probe_contract.c"))
    assert len(named) > 20 and all(f'"{name}"' in source for name in named), [name for name in named if f'"{name}"' not in source]
