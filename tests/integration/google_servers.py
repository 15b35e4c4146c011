# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Google on the loopback address: token servers and a metadata server, and, through a proxy with a CA of its own,
storage.googleapis.com itself, behind which an emulator stands."""

from __future__ import annotations

import base64
import datetime
import http.client
import http.server
import ipaddress
import json
import pathlib
import socketserver
import ssl
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID


class Asked:
    """A request that one of the servers got."""

    def __init__(self, host: str, method: str, path: str, headers: Any, body: bytes) -> None:
        self.host, self.method, self.path, self.headers, self.body = host, method, path, headers, body

    @property
    def form(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.body.decode()))

    def json(self) -> Any:
        return json.loads(self.body)


Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class Google:
    """All of them on one port. Replies are functions of a request, by host and path; `storage` is an emulator."""

    def __init__(self, folder: pathlib.Path, storage: Any) -> None:
        self.asked: list[Asked] = []
        self.replies: dict[tuple[str, str], Callable[[Asked], Reply]] = {}
        self._storage = storage
        self._folder = folder
        self.ca_bundle = str(folder / "ca.pem")
        self._context = self._make_certificates()
        google = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            host = ""

            def log_message(self, *_: Any) -> None:
                pass

            def do_CONNECT(self) -> None:
                self.host = self.path.rsplit(":", 1)[0]
                self.send_response(200)
                self.end_headers()
                self.connection = google._context.wrap_socket(self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb")
                self.wfile = socketserver._SocketWriter(self.connection)
                self.close_connection = False

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                google._answer(self, Asked(self.host, self.command, self.path, self.headers, body))

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _serve

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass  # clients that go away in the middle

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(self) -> dict[str, str]:
        """What makes a program find this Google where it looks for the true one."""
        return {"HTTPS_PROXY": self.url, "CURL_CA_BUNDLE": self.ca_bundle, "HOME": str(self._folder), "NO_GCE_CHECK": "true"}

    def reply(self, path: str, answer: Reply | Callable[[Asked], Reply], host: str = "") -> None:
        """What a path is answered with; host "" is the port itself."""
        self.replies[host, path] = answer if callable(answer) else lambda _: answer

    def asked_for(self, path: str) -> list[Asked]:
        return [request for request in self.asked if request.path.split("?")[0] == path]

    def _answer(self, handler: Any, request: Asked) -> None:
        if request.host == "storage.googleapis.com":
            status, headers, body = self._forward(request)
        else:
            self.asked.append(request)
            reply = self.replies.get((request.host, request.path.split("?")[0]), lambda _: (404, {"error": "no such path"}))
            status, content, *more = reply(request)
            body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            headers = [("Content-Type", "application/json"), *(more[0] if more else {}).items()]
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if request.method != "HEAD":
            handler.wfile.write(body)

    def _forward(self, request: Asked) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self._storage.host, timeout=30)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        connection.request(request.method, request.path, body=request.body or None, headers=headers)
        response = connection.getresponse()
        body = response.read()
        kept = [(k, v) for k, v in response.getheaders() if k.lower() not in ("content-length", "connection", "date")]
        connection.close()
        return response.status, kept, body

    def _make_certificates(self) -> ssl.SSLContext:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's own CA")])
        now = datetime.datetime.now(datetime.timezone.utc)
        names = [x509.DNSName("*.googleapis.com"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pathlib.Path(self.ca_bundle).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = self._folder / "ca.key"
        private.write_text(pem_of(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_bundle, private)
        return context


def pem_of(key: rsa.RSAPrivateKey) -> str:
    """A private key as service accounts' files hold it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def decode_jwt(token: str, key: rsa.RSAPrivateKey) -> tuple[dict, dict]:
    """Header and claims of a token whose RS256 signature is right for the public half of `key`."""
    header, claims, signature = token.split(".")

    def decode(part: str) -> bytes:
        assert "=" not in part and "+" not in part and "/" not in part
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    key.public_key().verify(decode(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return json.loads(decode(header)), json.loads(decode(claims))
