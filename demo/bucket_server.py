# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""`nacre emulator` in a process of its own, as the demo and the benchmarks use it."""

from __future__ import annotations

import json
import pathlib
import subprocess
import urllib.request


class BucketServer:
    """Serves the folders of `root` as buckets, on a port of its own."""

    def __init__(self, nacre: pathlib.Path, root: pathlib.Path, latency_ms: float) -> None:
        anywhere = "127.0.0.1:0"
        command = [nacre, "emulator", "--root", root, "--listen", anywhere, "--s3-listen", anywhere]
        command += ["--latency", str(latency_ms)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url, self.s3_url = (self._process.stdout.readline().split()[-1] for _ in range(2))

    def take_log(self) -> list[dict]:
        """The requests since the last call."""
        log = f"{self.url}/emulator/log"
        entries = json.load(urllib.request.urlopen(log))
        urllib.request.urlopen(urllib.request.Request(log, method="DELETE"))
        return entries

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
