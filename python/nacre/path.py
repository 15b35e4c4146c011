# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Paths as GDAL spells them."""

from __future__ import annotations

import os
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


# Schemes of stores; with another one alone a path is local.
_REMOTE = frozenset(("az", "ftp", "gs", "http", "https", "oss", "s3"))
_ARCHIVES = frozenset(("gzip", "tar", "zip"))


@dataclass(frozen=True)
class ParsedPath:
    """A path with a scheme: ``zip+s3`` is two, of which the first is that of an archive's member."""

    path: str
    archive: str | None
    scheme: str | None

    @classmethod
    def from_uri(cls, uri: str) -> ParsedPath:
        """A path of a text with or without a scheme."""
        scheme, mark, rest = uri.partition("://")
        if not mark:
            return cls(uri, None, None)
        rest, fragment, _ = rest.partition("#")
        archive, inner, member = rest.rpartition("!")
        if inner and scheme.lower().partition("+")[0] in _ARCHIVES:
            return cls(member, archive, scheme.lower())
        return cls(rest, None, scheme.lower())

    @property
    def name(self) -> str:
        """The whole as it was written."""
        if not self.scheme:
            return self.path
        return f"{self.scheme}://{self.archive}!{self.path}" if self.archive else f"{self.scheme}://{self.path}"

    @property
    def is_remote(self) -> bool:
        """Whether it is in a store."""
        return bool(self.scheme) and str(self.scheme).rpartition("+")[2] in _REMOTE

    @property
    def is_local(self) -> bool:
        """Whether it is a file, or within one."""
        return not self.is_remote

    def as_vsi(self) -> str:
        """GDAL's spelling."""
        return vsi_path(self)


@dataclass(frozen=True)
class UnparsedPath:
    """A path without a scheme that is known: a file, GDAL's own spelling, a document."""

    path: str

    @property
    def name(self) -> str:
        """The path."""
        return self.path

    def as_vsi(self) -> str:
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
    if isinstance(path, os.PathLike):
        return ParsedPath(os.fspath(path), None, None)
    if not isinstance(path, str):
        raise PathError(f"not a path: {path!r}")
    scheme, mark, _ = path.partition("://")
    if not mark or any(part not in _PREFIXES for part in scheme.lower().split("+")):
        return UnparsedPath(path)
    return ParsedPath.from_uri(path)


def vsi_path(path: ParsedPath | UnparsedPath) -> str:
    """GDAL's spelling of a path.

    Raises
    ------
    ValueError
        It was not parsed.
    """
    if not isinstance(path, (ParsedPath, UnparsedPath)):
        raise ValueError(f"not a parsed path: {path!r}")
    if isinstance(path, UnparsedPath) or not path.scheme:
        return path.path
    *outer, last = (_PREFIXES[scheme] for scheme in path.scheme.split("+"))
    prefix = "".join(name.rstrip("/") for name in outer) + (last or "/" * bool(outer))
    return f"{prefix}{path.archive}/{path.path.lstrip('/')}" if path.archive else f"{prefix}{path.path}"
