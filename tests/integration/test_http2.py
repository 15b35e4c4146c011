# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The HTTP engine over TLS and HTTP/2 against hypercorn: one connection for many requests, trust, faults of streams."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import os
import pathlib
import random
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest
from conftest import NACRE, clean_environment, need

PROBE = pathlib.Path(os.environ.get("NACRE_HTTP2_PROBE", NACRE.parent / "tests" / "integration" / "tools" / "http2_probe"))
COUNT, SIZE = 32, 40_000


class Certificates:
    """An authority made for this run, and a certificate of it for 127.0.0.1, which does not name localhost."""

    def __init__(self, folder: pathlib.Path) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        now = datetime.datetime.now(datetime.timezone.utc)

        def name(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, text)])

        def builder(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
            day = datetime.timedelta(days=1)
            made = x509.CertificateBuilder(issuer_name=name("test authority"), subject_name=name(subject))
            made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
            return made.not_valid_before(now - day).not_valid_after(now + day)

        authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = builder("test authority", authority).add_extension(x509.BasicConstraints(True, None), critical=True)
        leaf = builder("127.0.0.1", own).add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        self.bundle, self.certificate, self.key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        pem = serialization.Encoding.PEM
        self.bundle.write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(pem))
        self.certificate.write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(pem))
        plain = serialization.NoEncryption()
        self.key.write_bytes(own.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


class Server:
    """One object behind hypercorn on a thread; `faults` more requests end in the middle of their body (hypercorn then says no more)."""

    def __init__(self, certificates: Certificates, protocols: list[str]) -> None:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config

        self.data = random.Random(1).randbytes(COUNT * SIZE)
        self.faults = 0
        self.redirect: str | None = None
        self.clients: set[tuple[str, int]] = set()
        self.versions: list[str] = []
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = listener.getsockname()[1]
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.certfile, config.keyfile = str(certificates.certificate), str(certificates.key)
        config.alpn_protocols = protocols
        config.errorlog = None
        config.graceful_timeout = 0
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(
            target=lambda: self._loop.run_until_complete(serve(self._app, config, shutdown_trigger=self._stop.wait))
        )
        self._thread.start()

    async def _app(self, scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.clients.add(tuple(scope["client"]))
        self.versions.append(scope["http_version"])
        if self.redirect:
            headers = [(b"location", self.redirect.encode())]
            await send({"type": "http.response.start", "status": 302, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        wanted = dict(scope["headers"])[b"range"].decode()
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", wanted).groups())
        body = self.data[first : last + 1]
        headers = [
            (b"etag", b'"v1"'),
            (b"content-range", f"bytes {first}-{last}/{len(self.data)}".encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await asyncio.sleep(0.02)
        await send({"type": "http.response.start", "status": 206, "headers": headers})
        if self.faults:
            self.faults -= 1
            await send({"type": "http.response.body", "body": body[:1000], "more_body": True})
            raise RuntimeError("broken off")
        await send({"type": "http.response.body", "body": body})

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    need("cryptography")
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def start(certificates: Certificates) -> Iterator[Callable[..., Server]]:
    need("hypercorn")
    started: list[Server] = []

    def start_one(*protocols: str) -> Server:
        started.append(Server(certificates, list(protocols) or ["h2", "http/1.1"]))
        return started[-1]

    yield start_one
    for server in started:
        server.stop()


@pytest.fixture
def probe(certificates: Certificates, tmp_path: pathlib.Path) -> Callable[..., dict]:
    """Runs http2_probe; the bodies are in ["bodies"]."""

    def run(url: str, *keys: str, count: int = COUNT, trusted: bool = True) -> dict:
        out = tmp_path / "bodies"
        bundle = [f"http.ca_bundle={certificates.bundle}"] if trusted else []
        words = [PROBE, url, str(count), str(SIZE), out, "http.retry_delay=0.01", *bundle, *keys]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=clean_environment())
        assert done.returncode == 0, done.stderr
        return {**json.loads(done.stdout), "bodies": out.read_bytes()}

    return run


def test_many_requests_share_one_connection(start: Callable[..., Server], probe: Callable[..., dict]) -> None:
    server = start()
    result = probe(f"https://127.0.0.1:{server.port}/k")
    assert result["error"] == ""
    assert (result["right"], result["http_version"], result["connections"]) == (COUNT, 20, 1)
    assert (result["requests"], result["retries"]) == (COUNT, 0)
    assert result["bodies"] == server.data
    assert len(server.clients) == 1
    assert server.versions == ["2"] * COUNT


def test_without_http2_connections_are_pooled(start: Callable[..., Server], probe: Callable[..., dict]) -> None:
    server = start("http/1.1")
    result = probe(f"https://127.0.0.1:{server.port}/k", "http.connections=4")
    assert (result["right"], result["http_version"], result["retries"]) == (COUNT, 11, 0)
    assert 1 <= len(server.clients) <= 4
    assert result["connections"] == len(server.clients)
    assert result["bodies"] == server.data


def test_streams_that_stall_are_resumed(start: Callable[..., Server], probe: Callable[..., dict]) -> None:
    server = start()
    server.faults = 10
    result = probe(f"https://127.0.0.1:{server.port}/k", "http.stall_timeout=0.5")
    assert result["error"] == ""
    assert result["right"] == COUNT
    assert result["retries"] >= 10
    assert len(server.clients) <= 2
    assert result["bodies"] == server.data


def test_an_unknown_authority_is_not_trusted(start: Callable[..., Server], probe: Callable[..., dict]) -> None:
    server = start()
    result = probe(f"https://127.0.0.1:{server.port}/k", count=1, trusted=False)
    assert (result["right"], result["requests"]) == (0, 0)
    assert "the TLS certificate of 127.0.0.1 is not trusted" in result["error"]
    assert "http.ca_bundle" in result["error"]


def test_a_certificate_for_another_host_is_not_trusted(start: Callable[..., Server], probe: Callable[..., dict]) -> None:
    server = start()
    result = probe(f"https://localhost:{server.port}/k", count=1)
    assert (result["right"], result["requests"]) == (0, 0)
    assert "the TLS certificate of localhost is not trusted" in result["error"]


def test_a_bundle_that_is_missing_is_named(start: Callable[..., Server], probe: Callable[..., dict]) -> None:
    server = start()
    result = probe(f"https://127.0.0.1:{server.port}/k", "http.ca_bundle=/nonexistent.pem", count=1)
    assert result["right"] == 0
    assert "http.ca_bundle" in result["error"] and "/nonexistent.pem" in result["error"]


def test_a_redirect_from_https_to_http_is_refused(start: Callable[..., Server], probe: Callable[..., dict]) -> None:
    server = start()
    server.redirect = f"http://127.0.0.1:{server.port}/k"
    result = probe(f"https://127.0.0.1:{server.port}/k", count=1)
    assert (result["right"], result["requests"]) == (0, 1)
    assert "redirected from https to http" in result["error"]
