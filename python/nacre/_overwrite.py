# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The one exception that is a click exception."""

from __future__ import annotations

from click import FileError


class FileOverwriteError(FileError):
    """A file would be overwritten."""

    def __init__(self, message: str) -> None:
        super().__init__("", hint=message)
