# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The server that ours and the peers' runs share: `nacre emulator` in a process of its own."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
NACRE = ROOT / "build-release" / "nacre"


class Server:
    """A bucket "bench" with copies of a file, so that every repeat meets an object it has never seen."""

    def __init__(self, latency_ms: float) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.bucket = pathlib.Path(self._folder.name) / "bench"
        self.bucket.mkdir()
        command = [NACRE, "emulator", "--root", self._folder.name, "--listen", "127.0.0.1:0"]
        self._process = subprocess.Popen([*command, "--latency", str(latency_ms)], stdout=subprocess.PIPE, text=True)
        self.url = self._process.stdout.readline().split()[-1]

    def copies(self, source: pathlib.Path, prefix: str, count: int) -> list[str]:
        """Keys of `count` copies of a file."""
        keys = [f"{prefix}/{number}.tif" for number in range(count)]
        for key in keys:
            (self.bucket / key).parent.mkdir(exist_ok=True)
            shutil.copyfile(source, self.bucket / key)
        return keys

    def take_log(self) -> list[dict]:
        """The requests since the last call."""
        log = f"{self.url}/emulator/log"
        entries = json.load(urllib.request.urlopen(log))
        urllib.request.urlopen(urllib.request.Request(log, method="DELETE"))
        return entries["requests"] if isinstance(entries, dict) else entries

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *unused: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._folder.cleanup()
