# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Azure on the loopback address: Azurite, by others, and a directory and metadata service that give tokens it takes."""

from __future__ import annotations

import base64
import http.server
import json
import pathlib
import re
import subprocess
import threading
import time
import urllib.parse
from typing import Any

import peers

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
TENANT = "6f2a1b34-0000-4000-8000-0123456789ab"


class Azurite:
    """azurite-blob in memory. With certificates it speaks TLS and takes tokens, whose signature it does not check."""

    def __init__(self, log: pathlib.Path, certificates: Any = None) -> None:
        command = [peers.find_program("azurite-blob"), "--disableTelemetry", "--skipApiVersionCheck"]
        command += ["--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", "0"]
        if certificates:
            command += ["--oauth", "basic", "--cert", certificates.certificate, "--key", certificates.key]
        self._log = log.open("wb+")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT, cwd=log.parent)
        self.host = self._wait(log)
        self.scheme = "https" if certificates else "http"
        self.url = f"{self.scheme}://{self.host}"
        self.connection_string = (
            f"DefaultEndpointsProtocol={self.scheme};AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint={self.url}/{ACCOUNT};"
        )

    def _wait(self, log: pathlib.Path) -> str:
        deadline = time.monotonic() + 60
        while True:
            found = re.search(r"successfully listens on https?://(\S+)", log.read_text())
            if found:
                return found.group(1)
            assert self._process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    def client(self, **options: Any) -> Any:
        """The official client, with the account's key."""
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient.from_connection_string(self.connection_string, **options)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


def token(life: float = 3600, **claims: Any) -> str:
    """A token as the directory would give it, but for its signature."""
    now = int(time.time())
    body = {"iss": f"https://sts.windows.net/{TENANT}/", "aud": "https://storage.azure.com", "iat": now - 60}
    body |= {"nbf": now - 60, "exp": int(now + life), "tid": TENANT, "oid": "someone", **claims}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, body)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"secret-signature"))


class TokenServer:
    """The directory and a metadata service on one port. `replies` are given in turn, the last one for ever."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.replies: list[tuple[int, Any]] = [(200, {"access_token": token(), "expires_in": 3600})]
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                server.asked.append((self.path, dict(self.headers), dict(urllib.parse.parse_qsl(body))))
                status, reply = server.replies.pop(0) if len(server.replies) > 1 else server.replies[0]
                text = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = _answer

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
