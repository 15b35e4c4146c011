# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Secrets that were planted everywhere, and are looked for in all that is said or written: never there."""

from __future__ import annotations

import base64
import http.server
import json
import pathlib
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import nacre
import numpy as np
import pytest
from conftest import Emulator, need, run_nacre
from faulty import Faulty

HUSH = "Hush4711"  # in every secret
KEY = base64.b64encode(f"{HUSH} of an account, in base64".encode()).decode()
FORMS = [HUSH, KEY[:16], *(base64.b64encode(b"x" * n + HUSH.encode())[4:-4].decode() for n in range(3))]


def look(text: str | bytes, what: Any = "") -> None:
    """Fails where a secret stands in a text, as it is, quoted or in base64."""
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    for form in (*FORMS, base64.b64encode(f"user:{HUSH}".encode()).decode()[:12]):
        assert form not in text and form not in urllib.parse.unquote(text), (what, text)


class Echo:
    """Answers everything with one status, and repeats in its text, in the form of each store, all that it was told."""

    def __init__(self) -> None:
        self.status, self.location, self.asked = 403, "", []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                said = f"{self.path} " + " ".join(f"{name}: {value}" for name, value in self.headers.items())
                outer.asked.append(said)
                if self.path.startswith("/storage/"):
                    body = json.dumps({"error": {"code": outer.status, "message": said}})
                else:
                    escaped = said.replace("&", "&amp;").replace("<", "&lt;")
                    body = f"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>{escaped}</Message></Error>"
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", "application/xml")
                self.send_header("WWW-Authenticate", f"Bearer realm={HUSH}")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body.encode())

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_CONNECT = answer

            def log_message(self, *_: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """Connections that the client resets."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.stop()


@pytest.fixture
def small(tmp_path: pathlib.Path) -> pathlib.Path:
    need("rasterio")
    import rasterio

    path = tmp_path / "small.tif"
    with rasterio.open(path, "w", driver="GTiff", width=8, height=8, count=1, dtype="uint8", crs="EPSG:32631",
                       transform=rasterio.Affine(10, 0, 500000, 0, -10, 0)) as to:  # fmt: skip
        to.write(np.arange(64, dtype="uint8").reshape(1, 8, 8))
    return path


def places(url: str) -> dict[str, tuple[str, dict[str, str]]]:
    """A path of each store with each kind of credentials, all at one server."""
    bare = url.removeprefix("http://")
    az = {"NACRE_AZ_ENDPOINT": f"{url}/account", "AZURE_STORAGE_ACCOUNT": "account"}
    s3 = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "AKIAVISIBLE", "AWS_SECRET_ACCESS_KEY": f"{HUSH}s3"}
    return {
        "http, user in the URL": (f"http://user:{HUSH}@{bare}/k.tif", {}),
        "http, quoted user": (f"http://user:%48{HUSH[1:]}@{bare}/k.tif", {}),
        "http, signed": (f"{url}/k.tif?X-Amz-Credential={HUSH}&X-Amz-Signature={HUSH}&sig={HUSH}", {}),
        "http, GDAL's spelling": (f"/vsicurl/{url}/k.tif?token={HUSH}", {}),
        "http, bearer": (f"{url}/k.tif", {"GDAL_HTTP_BEARER": HUSH}),
        "http, basic": (f"{url}/k.tif", {"GDAL_HTTP_USERPWD": f"user:{HUSH}"}),
        "http, header": (f"{url}/k.tif", {"GDAL_HTTP_HEADERS": f"X-Key: {HUSH}"}),
        "http, proxy": ("http://public.invalid/k.tif", {"http_proxy": f"http://user:{HUSH}@{bare}"}),
        "http, proxy by keys": ("http://public.invalid/k.tif", {"GDAL_HTTP_PROXY": url, "GDAL_HTTP_PROXYUSERPWD": f"user:{HUSH}"}),
        "https, proxy": ("https://public.invalid/k.tif", {"https_proxy": f"http://user:{HUSH}@{bare}"}),
        "gs, token": ("gs://bucket/k.tif", {"STORAGE_EMULATOR_HOST": url, "GOOGLE_OAUTH_ACCESS_TOKEN": HUSH}),
        "s3, keys": ("s3://bucket/k.tif", s3),
        "s3, session": ("s3://bucket/k.tif", {**s3, "AWS_SESSION_TOKEN": HUSH}),
        "az, key": ("az://container/k.tif", {**az, "AZURE_STORAGE_ACCESS_KEY": KEY}),
        "az, signature": ("az://container/k.tif", {**az, "AZURE_STORAGE_SAS_TOKEN": f"sv=2022&sp=r&sig={HUSH}"}),
        "az, token": ("az://container/k.tif", {**az, "AZURE_STORAGE_ACCESS_TOKEN": HUSH}),
        "az, connection string": (
            "az://container/k.tif",
            {"AZURE_STORAGE_CONNECTION_STRING": f"BlobEndpoint={url}/account;AccountName=account;AccountKey={KEY}"},
        ),
    }  # fmt: skip


QUICK = ["-v", "-v", "--io-stats", "--config", "http.retries=1", "--config", "http.retry_delay=0.01"]


def commands(path: str, folder: pathlib.Path) -> list[list[str]]:
    local = folder / "local.txt"
    local.write_text("text")
    return [
        ["info", "--json", path], ["stat", "--json", path], ["cat", path], ["ls", "-l", path], ["rm", path],
        ["cp", str(local), path], ["cp", path, str(folder / "copy")], ["convert", path, str(folder / "out.tif")],
        ["vrt", path, str(folder / "out.vrt")],
    ]  # fmt: skip


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 407, 412, 500])
def test_no_refusal_tells_a_secret(status: int, echo: Echo, tmp_path: pathlib.Path) -> None:
    echo.status = status
    if status == 302:
        echo.location = f"http://user:{HUSH}@localhost:1/?sig={HUSH}"
    for place, (path, environment) in places(echo.url).items():
        echo.asked.clear()
        words = commands(path, tmp_path)
        for command in words if status == 403 else words[:1] + words[2:3] + words[5:6]:
            done = run_nacre(*command, *QUICK, **environment)
            assert done.returncode == 1, (place, command, done)
            look(done.stdout, (place, command))
            look(done.stderr, (place, command))
        assert echo.asked, place
        for left in (tmp_path / "copy", tmp_path / "out.tif", tmp_path / "out.vrt"):
            assert not left.exists()


def test_no_fault_tells_a_secret(tmp_path: pathlib.Path) -> None:
    """Nobody there, and a server that speaks no HTTP."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = listener.getsockname()[1]
    for place, (path, environment) in places(f"http://127.0.0.1:{dead}").items():
        for command in commands(path, tmp_path)[:3]:
            done = run_nacre(*command, *QUICK, **environment)
            assert done.returncode == 1, (place, command, done)
            look(done.stdout + done.stderr.encode(), (place, command))


def test_what_is_read_and_saved_holds_no_secret(small: pathlib.Path, tmp_path: pathlib.Path) -> None:
    server = Faulty(small.read_bytes())
    bare = server.url.removeprefix("http://")
    try:
        path = f"http://user:{HUSH}@{bare}/a.tif"
        for name, command in {"m.vrt": "vrt", "v.vrt": "convert"}.items():
            saved = tmp_path / name
            done = run_nacre(command, path, saved, *QUICK)
            assert done.returncode == 0, done
            look(done.stderr)
            look(saved.read_bytes())
            assert f"/vsicurl/{server.url}/a.tif" in saved.read_text()
            told = run_nacre("info", "--json", saved, *QUICK)
            assert told.returncode == 0 and b"a.tif" in told.stdout, told
            look(told.stdout + told.stderr.encode())
        asked = [seen.get("authorization") for seen in server.headers_seen]
        assert "Basic " + base64.b64encode(f"user:{HUSH}".encode()).decode() in asked
        told = run_nacre("info", "--json", path, *QUICK)
        assert told.returncode == 0, told
        look(told.stdout + told.stderr.encode())
        with nacre.open(path) as source:
            look(str(source.provenance))
            look(repr(source))
    finally:
        server.stop()


def test_a_signature_is_not_saved(small: pathlib.Path, tmp_path: pathlib.Path) -> None:
    server = Faulty(small.read_bytes(), any_query=True)
    try:
        path = f"{server.url}/a.tif?sp=r&sig={HUSH}"
        for command in ("vrt", "convert"):
            saved = tmp_path / "m.vrt"
            done = run_nacre(command, path, saved, *QUICK)
            assert done.returncode == 1 and "has a signature in its name" in done.stderr, done
            look(done.stderr)
            assert not saved.exists()
        done = run_nacre("convert", path, tmp_path / "out.tif", *QUICK)
        assert done.returncode == 0, done
        look(done.stderr)
        look((tmp_path / "out.tif").read_bytes())
        told = run_nacre("info", "--json", path, *QUICK)
        assert b"sig=***" in told.stdout
        look(told.stdout + told.stderr.encode())
        with nacre.open(path) as source:
            look(str(source.provenance))
    finally:
        server.stop()


def test_the_emulators_stores_tell_no_secret(start_emulator: Any, tmp_path: pathlib.Path, small: pathlib.Path) -> None:
    """All goes well: reading and writing, with the log at its most talkative."""
    emulator: Emulator = start_emulator()
    emulator.make_bucket("demo")
    stores = {
        "gs": ({"STORAGE_EMULATOR_HOST": emulator.url, "GOOGLE_OAUTH_ACCESS_TOKEN": HUSH}),
        "s3": ({"AWS_ENDPOINT_URL": emulator.s3_url, "AWS_ACCESS_KEY_ID": "AKIAVISIBLE",
                "AWS_SECRET_ACCESS_KEY": f"{HUSH}", "AWS_SESSION_TOKEN": HUSH}),
    }  # fmt: skip
    for scheme, environment in stores.items():
        folder = f"{scheme}://demo/{scheme}"
        path = f"{folder}/a.tif"
        for command in (
            ["cp", small, path], ["info", "--json", path], ["stat", "--json", path], ["ls", "-l", f"{folder}/"],
            ["warp", "-t", "EPSG:4326", path, f"{folder}/w.vrt"], ["info", "--json", f"{folder}/w.vrt"],
            ["cat", f"{folder}/w.vrt"], ["mv", path, f"{path}2"], ["rm", f"{path}2"],
        ):  # fmt: skip
            done = run_nacre(*command, *QUICK, **environment)
            assert done.returncode == 0, (command, done)
            look(done.stdout + done.stderr.encode(), command)
