# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""A plain TCP server of one object that fails as it is told: what no real server can be made to do."""

from __future__ import annotations

import socketserver
import struct
import threading
import time
import zlib
from socket import SO_LINGER, SOL_SOCKET


class Answer:
    """What a good server would send; faults change it."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def encode(self) -> tuple[bytes, bytes]:
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"HTTP/1.1 {self.status} X\r\n{lines}\r\n".encode(), self.body


class Faulty:
    """Serves `data` at /a.tif, and nothing beside it. `fault` names what befalls a request (see `spoil`); `every` how often: 1 always, 2 every
    second, and so on; `left` how many more times (None: without end). HEAD and GET, ranges, If-Match, If-None-Match."""

    def __init__(self, data: bytes, etag: str | None = '"v1"', any_query: bool = False) -> None:
        self.data, self.etag, self._any_query = data, etag, any_query
        self.modified: str | None = None
        self.files: dict[str, bytes] = {}  # more objects, by path
        self.require: tuple[str, str] | None = None  # a header that each request must have, else 401
        self.has_ranges = self.has_head = True
        self.is_chunked = False
        self.redirect: str | None = None  # where /moved leads
        self.other: bytes | None = None  # of a second version, for faults that change the object
        self.fault: str | None = None
        self.every, self.left = 1, None
        self.headers_seen: list[dict[str, str]] = []
        self.requests = self.struck = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    while outer._one(self):
                        pass
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = allow_reuse_address = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def _due(self) -> str | None:
        with self._lock:
            self.requests += 1
            if self.fault is None or self.left == 0 or self.requests % self.every:
                return None
            self.left = None if self.left is None else self.left - 1
            self.struck += 1
            return self.fault

    def answer(self, method: str, headers: dict[str, str], data: bytes) -> Answer:
        said = {"Date": "Wed, 02 Jan 2030 00:00:00 GMT"}
        if self.etag:
            said["ETag"] = self.etag
        if self.modified:
            said["Last-Modified"] = self.modified
        if "if-match" in headers and headers["if-match"] != self.etag:
            return Answer(412, {**said, "Content-Length": "0"}, b"")
        if self.etag and headers.get("if-none-match") == self.etag:
            return Answer(304, said, b"")
        if method == "GET" and "range" in headers and self.has_ranges:
            first, _, last = headers["range"].removeprefix("bytes=").partition("-")
            begin, end = int(first), min(int(last or len(data)) + 1, len(data))
            if begin >= len(data):
                return Answer(416, {**said, "Content-Range": f"bytes */{len(data)}", "Content-Length": "0"}, b"")
            body = data[begin:end]
            said |= {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}", "Content-Length": str(len(body))}
            return Answer(206, said, body)
        if self.is_chunked:
            said["Transfer-Encoding"] = "chunked"
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (data[:1000], data[1000:]) if part) + b"0\r\n\r\n"
            return Answer(200, said, body if method == "GET" else b"")
        said["Content-Length"] = str(len(data))
        return Answer(200, said, data if method == "GET" else b"")

    def spoil(self, fault: str, answer: Answer) -> None:
        """Faults of what is said; those of how are in _send()."""
        headers, body = answer.headers, answer.body
        first = int(headers.get("Content-Range", "bytes 0-").removeprefix("bytes ").split("-")[0] or 0)
        if fault[:3].isdigit():
            answer.status, answer.body = int(fault[:3]), b"not now"
            answer.headers = {"Content-Length": "7"}
            if fault.endswith("after"):
                answer.headers["Retry-After"] = "1"
        elif fault == "wrong range":
            headers["Content-Range"] = f"bytes {first + 1}-{first + len(body)}/{len(self.data)}"
        elif fault == "longer range":
            answer.body = self.data[first : first + len(body) + 100]
            headers["Content-Length"] = str(len(answer.body))
            headers["Content-Range"] = f"bytes {first}-{first + len(answer.body) - 1}/{len(self.data)}"
        elif fault == "whole":
            answer.status, answer.body = 200, self.data
            headers.pop("Content-Range", None)
            headers["Content-Length"] = str(len(self.data))
        elif fault == "length too long":
            headers["Content-Length"] = str(len(body) + 10)
        elif fault == "length too short":
            headers["Content-Length"] = str(max(len(body) - 10, 0))
        elif fault == "gzip":
            answer.body = zlib.compress(body)
            headers |= {"Content-Encoding": "gzip", "Content-Length": str(len(answer.body))}
        elif fault == "etag changes":
            headers["ETag"] = '"v2"'
        elif fault == "etag vanishes":
            headers.pop("ETag", None)

    def _one(self, handler: socketserver.StreamRequestHandler) -> bool:
        words = handler.rfile.readline().decode().split(" ")
        if len(words) < 3:
            return False
        method = words[0]
        headers = {}
        while line := handler.rfile.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        data = self.files.get(words[1])
        if words[1] == "/moved" and self.redirect:
            return self._send(handler, Answer(302, {"Location": self.redirect, "Content-Length": "0"}, b""), None, method)
        if data is None and words[1] != "/a.tif" and not (self._any_query and words[1].startswith("/a.tif?")):
            return self._send(handler, Answer(404, {"Content-Length": "0"}, b""), None, method)
        self.headers_seen.append({":method": method, ":path": words[1], **headers})
        if self.require and headers.get(self.require[0]) != self.require[1]:
            return self._send(handler, Answer(401, {"Content-Length": "0"}, b""), None, method)
        if method == "HEAD" and not self.has_head:
            return self._send(handler, Answer(405, {"Content-Length": "0"}, b""), None, method)
        fault = self._due()
        answer = self.answer(method, headers, self.data if data is None else data)
        if fault and (answer.status in (200, 206) or fault[:3].isdigit()):
            self.spoil(fault, answer)
        return self._send(handler, answer, fault, method)

    def _send(self, handler: socketserver.StreamRequestHandler, answer: Answer, fault: str | None, method: str) -> bool:
        head, body = answer.encode()
        body = b"" if method == "HEAD" else body
        cuts = {"reset": 0, "reset in head": len(head) // 2, "reset after head": len(head),
                "reset in body": len(head) + len(body) // 2, "cut": len(head) + len(body) // 2}  # fmt: skip
        if fault in cuts:
            handler.wfile.write((head + body)[: cuts[fault]])
            handler.wfile.flush()
            if fault != "cut":
                handler.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if fault == "stall":
            handler.wfile.write((head + body)[: len(head) + len(body) // 2])
            self._stopped.wait(30)
            return False
        if fault == "drip":
            for at in range(0, len(head), 20):
                handler.wfile.write(head[at : at + 20])
                time.sleep(0.005)
            handler.wfile.write(body)
            return True
        handler.wfile.write(head + body)
        return fault not in ("length too long", "longer range", "length too short")
