# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Coordinate reference systems."""

from __future__ import annotations

from typing import Any

from . import _lib
from ._native import ffi, lib
from .errors import CRSError


class CRS:
    """An immutable coordinate reference system; axes in the traditional order of GIS."""

    def __init__(self, value: Any = None) -> None:
        self._handle = None if value is None else CRS.from_user_input(value)._handle

    @classmethod
    def _of(cls, handle: Any) -> CRS:
        """Takes over a reference to a ``nacre_crs``."""
        crs = cls.__new__(cls)
        crs._handle = ffi.gc(handle, lib.nacre_crs_unref)
        return crs

    @classmethod
    def from_string(cls, value: str) -> CRS:
        """A CRS of a text: EPSG code, WKT, PROJJSON, PROJ string."""
        out = ffi.new("nacre_crs **")
        err = ffi.new("nacre_error *")
        if lib.nacre_crs_from_text(_lib.encoded(value), out, err) != lib.NACRE_OK:
            raise CRSError(_lib.text(err.message))
        return cls._of(out[0])

    from_wkt = from_string

    @classmethod
    def from_epsg(cls, code: int | str) -> CRS:
        """A CRS of an EPSG code."""
        if int(code) <= 0:
            raise CRSError("EPSG codes are positive integers")
        return cls.from_string(f"EPSG:{int(code)}")

    @classmethod
    def from_user_input(cls, value: Any) -> CRS:
        """A CRS of a CRS, an EPSG code or a text, or of an object that gives WKT."""
        if isinstance(value, CRS):
            return value
        if isinstance(value, int):
            return cls.from_epsg(value)
        if isinstance(value, str):
            return cls.from_string(value)
        if isinstance(value, dict) and "init" in value:
            return cls.from_string(value["init"].upper())
        if hasattr(value, "to_wkt"):
            return cls.from_string(value.to_wkt())
        raise CRSError(f"not a CRS: {value!r}")

    def _text(self, form: int) -> str:
        if self._handle is None:
            return ""
        out = ffi.new("char const **")
        err = ffi.new("nacre_error *")
        if lib.nacre_crs_text(self._handle, form, out, err) != lib.NACRE_OK:
            raise CRSError(_lib.text(err.message))
        return _lib.text(out[0])

    def to_wkt(self, version: str = "WKT1_GDAL") -> str:
        """Well-known text: GDAL's version 1, or ``WKT2`` in any of its names."""
        is_second = "WKT2" in str(getattr(version, "value", version))
        return self._text(lib.NACRE_CRS_WKT2 if is_second else lib.NACRE_CRS_WKT1)

    wkt = property(to_wkt)

    def to_proj4(self) -> str:
        """PROJ's text, where the CRS can be said in it."""
        return self._text(lib.NACRE_CRS_PROJ)

    def to_authority(self) -> tuple[str, str] | None:
        """("EPSG", "32618"), or None where the CRS has no identifier."""
        name = ffi.new("char const **")
        code = ffi.new("char const **")
        if self._handle is None or not lib.nacre_crs_authority(self._handle, name, code):
            return None
        return _lib.text(name[0]), _lib.text(code[0])

    def to_epsg(self) -> int | None:
        """The EPSG code, or None."""
        authority = self.to_authority()
        return int(authority[1]) if authority and authority[0] == "EPSG" else None

    def to_string(self) -> str:
        """The shortest text that means this CRS: "EPSG:32618", else WKT."""
        authority = self.to_authority()
        return ":".join(authority) if authority else self.to_wkt()

    @property
    def is_geographic(self) -> bool:
        """Whether coordinates are degrees."""
        return self._handle is not None and lib.nacre_crs_is_geographic(self._handle)

    @property
    def is_projected(self) -> bool:
        """Whether coordinates are lengths."""
        return self._handle is not None and not self.is_geographic

    def __bool__(self) -> bool:
        return self._handle is not None

    def __eq__(self, other: object) -> bool:
        try:
            other = CRS.from_user_input(other)
        except CRSError:
            return False
        if self._handle is None or other._handle is None:
            return self._handle is other._handle
        return lib.nacre_crs_equal(self._handle, other._handle)

    def __hash__(self) -> int:
        return hash(self.to_string() if self._handle is not None else "")

    def __str__(self) -> str:
        return self.to_string() if self._handle is not None else ""

    def __repr__(self) -> str:
        return f"CRS.from_user_input({str(self)!r})"

    def __reduce__(self) -> Any:
        return (CRS, (str(self) or None,))
