# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The server that ours and the peers' runs share: `nacre emulator` in a process of its own."""

from __future__ import annotations

import pathlib
import shutil
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
NACRE = ROOT / "build-release" / "nacre"
sys.path.insert(0, str(ROOT / "demo"))
from bucket_server import BucketServer


class Server(BucketServer):
    """A bucket "bench" with copies of a file, so that every repeat meets an object it has never seen."""

    def __init__(self, latency_ms: float) -> None:
        self._folder = tempfile.TemporaryDirectory()
        root = pathlib.Path(self._folder.name)
        self.bucket = root / "bench"
        self.bucket.mkdir()
        super().__init__(NACRE, root, latency_ms)

    def copies(self, source: pathlib.Path, prefix: str, count: int) -> list[str]:
        """Keys of `count` copies of a file."""
        keys = [f"{prefix}/{number}.tif" for number in range(count)]
        for key in keys:
            (self.bucket / key).parent.mkdir(exist_ok=True)
            shutil.copyfile(source, self.bucket / key)
        return keys

    def links(self, source: pathlib.Path, prefix: str, count: int) -> list[str]:
        """The same without the space on the disk: other names of one file."""
        local = self.bucket / ".source.tif"
        if not local.exists() or local.stat().st_size != source.stat().st_size:
            local.unlink(missing_ok=True)
            shutil.copyfile(source, local)
        keys = [f"{prefix}/{number}.tif" for number in range(count)]
        (self.bucket / prefix).mkdir(parents=True, exist_ok=True)
        for key in keys:
            (self.bucket / key).hardlink_to(local)
        # The emulator reads a file whole at its first request, for its hashes, and knows them for its other names.
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/bench/{local.name}", method="HEAD")).close()
        return keys

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *unused: object) -> None:
        self.stop()
        self._folder.cleanup()
