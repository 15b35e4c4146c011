# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What openers of the caller's have, for programs that derive theirs from it."""

from __future__ import annotations

import abc
from typing import Any


class FileContainer(abc.ABC):
    """Opens files, and says what there is; ``nacre.open(..., opener=...)`` takes objects with these methods."""

    @abc.abstractmethod
    def open(self, path: str, mode: str = "r", **kwds: Any) -> Any:
        """A file, in a mode of Python's ``open``."""

    @abc.abstractmethod
    def isfile(self, path: str) -> bool:
        """Whether there is a file."""

    @abc.abstractmethod
    def isdir(self, path: str) -> bool:
        """Whether there is a directory."""

    @abc.abstractmethod
    def ls(self, path: str) -> list[str]:
        """Names in a directory."""

    @abc.abstractmethod
    def mtime(self, path: str) -> int:
        """When a file was changed last, in seconds."""

    @abc.abstractmethod
    def rm(self, path: str) -> None:
        """Delete a file."""

    @abc.abstractmethod
    def size(self, path: str) -> int:
        """Of a file, in bytes."""


class MultiByteRangeResourceContainer(FileContainer):
    """One whose ``open`` takes no mode and gives what reads many ranges at once: not built yet."""
