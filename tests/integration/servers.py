# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Real servers by others, started on loopback; our own emulator is in conftest.py."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from typing import Any

import peers


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def official_bucket(url: str, name: str) -> Any:
    """The bucket through Google's own client, made where it is missing."""
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    client = storage.Client(
        project="test", credentials=AnonymousCredentials(), client_options=ClientOptions(api_endpoint=url)
    )
    bucket = client.bucket(name)
    if not bucket.exists():
        bucket = client.create_bucket(name)
    return bucket


class FakeGcs:
    """fake-gcs-server, by others: memory backend, plain HTTP."""

    def __init__(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        program = peers.find_program("fake-gcs-server")
        command = [program, "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
        command += ["-public-host", f"127.0.0.1:{port}", "-external-url", self.url, "-log-level", "error"]
        self._process = subprocess.Popen(command)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/storage/v1/b")
                return
            except (urllib.error.URLError, ConnectionError):
                assert time.monotonic() < deadline, "fake-gcs-server does not answer"
                time.sleep(0.05)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)
