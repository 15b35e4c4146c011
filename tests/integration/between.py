# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""A proxy before a store, which strikes chosen requests: what a server by others cannot be made to do."""

from __future__ import annotations

import http.client
import http.server
import ssl
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any

Headers = list[tuple[str, str]]
CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
VALIDATORS = ("etag", "last-modified", "x-ms-version-id")


class Request:
    """A request on its way to the store; `number` counts from 1."""

    def __init__(self, number: int, method: str, target: str, headers: Headers, body: bytes) -> None:
        self.number, self.method, self.target, self.headers, self.body = number, method, target, headers, body

    def header(self, name: str) -> str:
        """One of its headers, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def without(self, *names: str) -> None:
        """Takes headers away."""
        self.headers = [(key, value) for key, value in self.headers if key.lower() not in names]


class Reply:
    """An answer on its way back, or one that the proxy gives itself."""

    def __init__(self, status: int, headers: Headers | None = None, body: bytes = b"") -> None:
        self.status, self.headers, self.body = status, headers or [], body


class Between:
    """Passes requests on to `url`. `before` may answer in the store's place; restart() has every second request fail."""

    def __init__(self, url: str) -> None:
        self._store = urllib.parse.urlsplit(url)
        self._context = ssl._create_unverified_context() if self._store.scheme == "https" else None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.before: Callable[[Request], Reply | None] = lambda _: None
        self.count = 0
        self._fault: str | None = None
        self._first = False
        between = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                between._serve(self, body)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass  # clients that go away in the middle

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def restart(self, fault: str | None = None, *, first: bool = False) -> None:
        """Counts from the beginning; from the first or the second request on, every second has a fault of the emulator's."""
        with self._lock:
            self.count, self._fault, self._first = 0, fault, first

    def _serve(self, handler: Any, body: bytes) -> None:
        with self._lock:
            self.count += 1
            request = Request(self.count, handler.command, handler.path, handler.headers.items(), body)
            fault = self._fault if self.count % 2 == self._first else None
            reply = self.before(request)
        if reply is None and fault and fault.isdigit():
            reply = Reply(int(fault), [("Retry-After", "0")] if fault in ("429", "503") else [])
        if fault == "reset":
            return hang_up(handler)
        if reply is None:
            ignore(request, fault)
            reply = self._forward(request)
            garble(reply, fault)
        if fault == "lost":
            return hang_up(handler)
        self._send(handler, reply, fault)

    def _forward(self, request: Request) -> Reply:
        if self._context:
            connection: Any = http.client.HTTPSConnection(self._store.netloc, timeout=30, context=self._context)
        else:
            connection = http.client.HTTPConnection(self._store.netloc, timeout=30)
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        request.without("connection", "expect")
        for name, value in request.headers:
            connection.putheader(name, value)
        connection.endheaders(request.body)
        response = connection.getresponse()
        left_out = ("content-length", "connection", "keep-alive", "transfer-encoding", "date", "server")
        headers = [(key, value) for key, value in response.getheaders() if key.lower() not in left_out]
        reply = Reply(response.status, headers, response.read())
        if request.method == "HEAD":
            reply.headers.append(("Content-Length", response.getheader("Content-Length") or "0"))
        connection.close()
        return reply

    def _send(self, handler: Any, reply: Reply, fault: str | None) -> None:
        is_short = fault in ("cut", "stall")
        handler.send_response(reply.status)
        for name, value in reply.headers:
            handler.send_header(name, value)
        if not any(name == "Content-Length" for name, _ in reply.headers):
            handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(reply.body[: len(reply.body) // 2] if is_short else reply.body)
        if is_short:
            handler.wfile.flush()
            handler.close_connection = True
            if fault == "stall":
                self._stopped.wait(5)


def hang_up(handler: Any) -> None:
    """Ends the connection without an answer."""
    handler.close_connection = True


def ignore(request: Request, fault: str | None) -> None:
    """What the store is not told of."""
    if fault in ("noprecondition", "blind"):
        request.without(*CONDITIONS)
    if fault == "norange":
        request.without("range", "x-ms-range")
    if fault == "wrongrange":
        asked = request.header("range") or request.header("x-ms-range")
        if asked.startswith("bytes="):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            request.without("range", "x-ms-range")
            request.headers.append(("Range", f"bytes={int(first) + 1}-{int(last) + 1 if last else ''}"))


def garble(reply: Reply, fault: str | None) -> None:
    """What the answer tells otherwise."""
    if fault in ("novalidator", "blind"):
        reply.headers = [(key, value) for key, value in reply.headers if key.lower() not in VALIDATORS]
    if fault == "changed-etag":
        changed = {"etag": '"0x8DFFFFFFFFFFFFF"'}
        reply.headers = [(key, changed.get(key.lower(), value)) for key, value in reply.headers]
