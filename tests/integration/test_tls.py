# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""TLS as the command meets it: an authority made for this run, and certificates that are wrong in one way each."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import json
import pathlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import need, run_nacre

DATA = b"bytes of an object" * 10


class Authority:
    """Signs certificates; writes PEM files into a folder."""

    def __init__(self, folder: pathlib.Path, name: str = "test authority") -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.bundle = self.write(f"{name}.pem", self.make(name, self._key, is_authority=True))

    def make(self, subject: str, key: Any, *, is_authority: bool = False, days: tuple[int, int] = (-1, 1),
             names: tuple[str, ...] = (), own: bool = False) -> bytes:  # fmt: skip
        """A certificate in PEM, valid between two days from now; with `own` signed by its own key."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization

        def called(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, text)])

        now = datetime.datetime.now(datetime.timezone.utc)
        begin, end = (now + datetime.timedelta(days=day) for day in days)
        made = x509.CertificateBuilder(issuer_name=called(subject if own else self._name), subject_name=called(subject))
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        made = made.not_valid_before(begin).not_valid_after(end)
        made = made.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        if names:
            kinds = [x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]
            made = made.add_extension(x509.SubjectAlternativeName(kinds), critical=False)
        signed = made.sign(key if own else self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    def write(self, name: str, *parts: bytes) -> pathlib.Path:
        path = self._folder / name
        path.write_bytes(b"".join(parts))
        return path

    def issue(self, name: str, password: bytes | None = None, **options: Any) -> pathlib.Path:
        """A file of a key and its certificate."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
        return self.write(f"{name}.pem", pem, self.make(name, key, **options))


class Handler(http.server.BaseHTTPRequestHandler):
    """One object, in ranges, with a strong ETag."""

    protocol_version = "HTTP/1.1"
    data = DATA

    def do_GET(self) -> None:
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        body = self.data[int(first) : int(last or len(self.data)) + 1]
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("ETag", '"1"')
        if "Range" in self.headers:
            self.send_header("Content-Range", f"bytes {first}-{int(first) + len(body) - 1}/{len(self.data)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Handshakes that the client breaks off are what is wanted here."""


@pytest.fixture(autouse=True)
def no_other_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """None that this machine's user has set."""
    for name in ("CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path: pathlib.Path) -> Authority:
    need("cryptography")
    return Authority(tmp_path)


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Serves with a certificate, asking clients for one of `clients` where that is given; the port."""
    started = []

    def start(certificate: pathlib.Path, clients: pathlib.Path | None = None, handler: type = Handler) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients)
        server = Quiet(("127.0.0.1", 0), handler)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        started.append(server)
        return server.server_port

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


class Proxy(socketserver.ThreadingTCPServer):
    """Connects to any port of this machine, whatever the host, for who says user:hush."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class Tunnel(socketserver.StreamRequestHandler):
    rbufsize = 0

    def handle(self) -> None:
        lines = []
        while line := self.rfile.readline().decode().strip():
            lines.append(line)
        self.server.asked.append(lines)
        if "Proxy-Authorization: Basic dXNlcjpodXNo" not in lines:
            self.wfile.write(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n")
            return
        there = socket.create_connection(("127.0.0.1", int(lines[0].split()[1].rpartition(":")[2])))
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        back = threading.Thread(target=relay, args=(there, self.connection), daemon=True)
        back.start()
        relay(self.connection, there)
        back.join()
        there.close()


def relay(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as started:
        yield started
        started.shutdown()


def read(port: int, bundle: pathlib.Path | None, *keys: str, host: str = "127.0.0.1") -> Any:
    """`nacre cat` of the object; without retries, as a fault here is one for good."""
    words = [word for key in ("http.retries=0", *keys) for word in ("--config", key)]
    trust = ["--config", f"http.ca_bundle={bundle}"] if bundle else []
    return run_nacre("cat", f"https://{host}:{port}/k", *words, *trust)


def refused(done: Any, *parts: str) -> None:
    assert (done.returncode, done.stdout) == (1, b""), done
    assert done.stderr.count("\n") == 1, done.stderr
    for part in parts:
        assert part in done.stderr, done.stderr


def test_a_certificate_of_the_bundle_is_trusted(authority: Authority, serve: Callable[..., int]) -> None:
    port = serve(authority.issue("server", names=("127.0.0.1", "localhost")))
    for host in ("127.0.0.1", "localhost"):
        done = read(port, authority.bundle, host=host)
        assert (done.returncode, done.stdout, done.stderr) == (0, DATA, "")


@pytest.mark.parametrize("variable", ["CURL_CA_BUNDLE", "SSL_CERT_FILE", "GDAL_HTTP_CAINFO", "NACRE_HTTP_CA_BUNDLE"])
def test_the_bundle_may_stand_in_the_environment(variable: str, authority: Authority, serve: Callable[..., int]) -> None:
    port = serve(authority.issue("server", names=("127.0.0.1",)))
    done = run_nacre("cat", f"https://127.0.0.1:{port}/k", **{variable: str(authority.bundle)})
    assert (done.returncode, done.stdout) == (0, DATA)


WRONG = {
    "another host": ({"names": ("other.example",)}, "SSL: no alternative certificate subject name matches"),
    "expired": ({"names": ("127.0.0.1",), "days": (-3, -2)}, "certificate has expired"),
    "not yet valid": ({"names": ("127.0.0.1",), "days": (2, 3)}, "certificate is not yet valid"),
    "self-signed": ({"names": ("127.0.0.1",), "own": True}, "self-signed certificate"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_certificate_is_not_trusted(what: str, authority: Authority, serve: Callable[..., int]) -> None:
    options, text = WRONG[what]
    port = serve(authority.issue("server", **options))
    refused(read(port, authority.bundle), "the TLS certificate of 127.0.0.1 is not trusted", text, "http.ca_bundle")


def test_an_authority_outside_the_bundle_is_not_trusted(
    authority: Authority, serve: Callable[..., int], tmp_path: pathlib.Path
) -> None:
    other = Authority(tmp_path, "other authority")
    port = serve(authority.issue("server", names=("127.0.0.1",)))
    for bundle in (other.bundle, None):
        refused(read(port, bundle), "the TLS certificate of 127.0.0.1 is not trusted", "http.ca_bundle")


def test_nothing_switches_the_check_off(authority: Authority, serve: Callable[..., int]) -> None:
    port = serve(authority.issue("server", names=("127.0.0.1",)))
    done = run_nacre("cat", f"https://127.0.0.1:{port}/k", GDAL_HTTP_UNSAFESSL="YES")
    refused(done, "not trusted")


def test_a_client_certificate_is_shown(authority: Authority, serve: Callable[..., int]) -> None:
    port = serve(authority.issue("server", names=("127.0.0.1",)), clients=authority.bundle)
    own, locked = authority.issue("client"), authority.issue("locked", password=b"hush-password")
    done = read(port, authority.bundle, f"http.client_certificate={own}")
    assert (done.returncode, done.stdout) == (0, DATA)
    keys = [f"http.client_certificate={locked}", "http.client_key_password=hush-password"]
    done = read(port, authority.bundle, *keys)
    assert (done.returncode, done.stdout) == (0, DATA)
    done = read(port, authority.bundle, keys[0], "http.client_key_password=wrong-password")
    refused(done, "the client certificate or its key cannot be used", "http.client_key")
    assert "wrong-password" not in done.stderr
    refused(read(port, authority.bundle), f"https://127.0.0.1:{port}/k: ")
    refused(read(port, authority.bundle, "http.client_certificate=/proc/none.pem"), "http.client_certificate")


def test_a_client_certificate_is_not_shown_after_a_redirect_elsewhere(
    authority: Authority, serve: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = authority.issue("server", names=("127.0.0.1", "localhost"))
    there = serve(certificate, clients=authority.bundle)
    here = serve(certificate)

    def lead_away(self: Handler) -> None:
        self.send_response(302)
        self.send_header("Location", f"https://localhost:{there}/k")
        self.send_header("Content-Length", "0")
        self.end_headers()

    own = authority.issue("client")
    done = read(there, authority.bundle, f"http.client_certificate={own}", host="localhost")
    assert done.stdout == DATA
    monkeypatch.setattr(Handler, "do_GET", lead_away)
    refused(read(here, authority.bundle, f"http.client_certificate={own}"), "/k: ")


def test_plain_http_where_tls_is_spoken_is_told(authority: Authority, serve: Callable[..., int]) -> None:
    port = serve(authority.issue("server", names=("127.0.0.1",)))
    done = run_nacre("cat", f"http://127.0.0.1:{port}/k", "--config", "http.retries=0")
    refused(done, f"http://127.0.0.1:{port}/k: ")


def test_a_proxy_makes_a_tunnel_and_sees_nothing_of_it(
    authority: Authority, serve: Callable[..., int], proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = serve(authority.issue("server", names=("public.invalid",)))
    url = proxy.url.replace("http://", "http://user:hush@")
    token = "http.bearer=token-for-the-server"
    for options in (["http.proxy=" + url], ["http.https_proxy=" + proxy.url, "http.proxy_userpwd=user:hush"]):
        done = read(port, authority.bundle, *options, token, host="public.invalid")
        assert (done.returncode, done.stdout, done.stderr) == (0, DATA, "")
    monkeypatch.setenv("HTTPS_PROXY", url)
    assert read(port, authority.bundle, token, host="public.invalid").stdout == DATA
    assert proxy.asked and "token-for-the-server" not in str(proxy.asked)
    refused(read(port, None, token, host="public.invalid"), "the TLS certificate of public.invalid is not trusted")
    other = serve(authority.issue("other", names=("other.invalid",)))
    refused(read(other, authority.bundle, token, host="public.invalid"), "is not trusted")
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    refused(read(port, authority.bundle, host="public.invalid"), "the proxy wants a user and password (407)")
    monkeypatch.setenv("no_proxy", ".invalid")
    refused(read(port, authority.bundle, host="public.invalid"), "cannot find the address of public.invalid")


def test_doctor_tells_tls_and_the_proxy(authority: Authority, serve: Callable[..., int], proxy: Proxy) -> None:
    port = serve(authority.issue("server", names=("127.0.0.1", "localhost")))
    trust = ["--config", f"http.ca_bundle={authority.bundle}"]
    by_proxy = ["--config", f"http.https_proxy={proxy.url}", "--config", "http.proxy_userpwd=user:hush"]
    for options, address in (([], f"127.0.0.1:{port}, no proxy"), (by_proxy, f"{proxy.url[7:]}, a proxy")):
        done = run_nacre("doctor", "--json", *trust, *options, f"https://127.0.0.1:{port}/k")
        assert b"hush" not in done.stdout
        rows = {row["name"]: row["value"] for row in json.loads(done.stdout)["rows"]}
        assert rows["protocol"].startswith("HTTP/1.1, TLSv1.3 / TLS_"), rows
        assert rows["address"] == address
    told = json.loads(run_nacre("doctor", "--json", f"https://127.0.0.1:{port}/k").stdout)
    assert told["verdict"] == "fails" and "http.ca_bundle" in told["summary"]
