# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Paths as GDAL spells them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from .errors import PathError

# Schemes, and GDAL's prefixes.
_PREFIXES = {
    "az": "/vsiaz/",
    "file": "",
    "ftp": "/vsicurl/ftp://",
    "gs": "/vsigs/",
    "gzip": "/vsigzip/",
    "http": "/vsicurl/http://",
    "https": "/vsicurl/https://",
    "oss": "/vsioss/",
    "s3": "/vsis3/",
    "tar": "/vsitar/",
    "zip": "/vsizip/",
}


@dataclass(frozen=True)
class ParsedPath:
    """A path with a scheme: ``zip+s3`` is two, of which the first is that of an archive's member."""

    path: str
    archive: str | None
    scheme: str | None

    @property
    def name(self) -> str:
        """The whole as it was written."""
        if not self.scheme:
            return self.path
        return f"{self.scheme}://{self.archive}!{self.path}" if self.archive else f"{self.scheme}://{self.path}"


@dataclass(frozen=True)
class UnparsedPath:
    """A path without a scheme that is known: a file, GDAL's own spelling, a document."""

    path: str

    @property
    def name(self) -> str:
        """The path."""
        return self.path


def parse_path(path: Any) -> ParsedPath | UnparsedPath:
    """A path's parts.

    Raises
    ------
    PathError
        It is not a path.
    """
    if isinstance(path, (ParsedPath, UnparsedPath)):
        return path
    if not isinstance(path, (str, os.PathLike)):
        raise PathError(f"not a path: {path!r}")
    text = os.fspath(path)
    match = re.match(r"([\w+]+)://(.*)", str(text), flags=re.S)
    if not match or any(part not in _PREFIXES for part in match[1].lower().split("+")):
        return UnparsedPath(str(text))
    scheme, rest = match[1].lower(), match[2]
    archive, mark, member = rest.rpartition("!")
    return ParsedPath(member, archive, scheme) if "+" in scheme and mark else ParsedPath(rest, None, scheme)


def vsi_path(path: ParsedPath | UnparsedPath) -> str:
    """GDAL's spelling of a path."""
    if isinstance(path, UnparsedPath) or not path.scheme:
        return path.path
    schemes = path.scheme.split("+")
    *outer, last = (_PREFIXES[scheme] for scheme in schemes)
    prefix = "".join(name.rstrip("/") for name in outer) + last
    return f"{prefix}{path.archive}/{path.path}" if path.archive else f"{prefix}{path.path}"
