# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Coordinate reference systems."""

from __future__ import annotations

from typing import Any

from . import _later, _lib
from ._native import ffi, lib
from .errors import CRSError


class CRS:
    """An immutable coordinate reference system; axes in the traditional order of GIS. ``CRS()`` is none at all.

    Raises
    ------
    CRSError
        PROJ does not know it. So do all class methods.
    """

    _handle: Any

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
        """A CRS of a text: EPSG code ("EPSG:32618"), OGC name, WKT 1 or 2, PROJJSON, PROJ string."""
        out = ffi.new("nacre_crs **")
        err = ffi.new("nacre_error *")
        if lib.nacre_crs_from_text(_lib.encoded(value), out, err) != lib.NACRE_OK:
            raise CRSError(_lib.text(err.message))
        return cls._of(out[0])

    @classmethod
    def from_wkt(cls, wkt: str) -> CRS:
        """A CRS of well-known text, version 1 or 2."""
        return cls.from_string(wkt)

    @classmethod
    def from_proj4(cls, proj: str) -> CRS:
        """A CRS of a PROJ string ("+proj=utm +zone=18 +datum=WGS84")."""
        return cls.from_string(proj)

    @classmethod
    def from_dict(cls, initialdata: dict[str, Any] | None = None, **kwargs: Any) -> CRS:
        """A CRS of PROJ's parameters: ``{"proj": "utm", "zone": 18}`` or ``{"init": "epsg:32618"}``."""
        data = {**(initialdata or {}), **kwargs}
        if "init" in data:
            return cls.from_string(str(data["init"]).upper())
        words = [f"+{key}" if value is True else f"+{key}={value}" for key, value in data.items() if value is not False]
        return cls.from_string(" ".join(words))

    @classmethod
    def from_epsg(cls, code: int | str) -> CRS:
        """A CRS of an EPSG code."""
        if int(code) <= 0:
            raise CRSError("EPSG codes are positive integers")
        return cls.from_string(f"EPSG:{int(code)}")

    @classmethod
    def from_authority(cls, auth_name: str, code: int | str) -> CRS:
        """A CRS of an authority's code: ("ESRI", 54009)."""
        return cls.from_string(f"{auth_name}:{code}")

    @classmethod
    def from_user_input(cls, value: Any) -> CRS:
        """A CRS of a CRS, an EPSG code, a text, PROJ's parameters, or any object that gives WKT."""
        if isinstance(value, CRS):
            return value
        if isinstance(value, int):
            return cls.from_epsg(value)
        if isinstance(value, str):
            return cls.from_string(value)
        if isinstance(value, dict):
            return cls.from_dict(value)
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

    def to_wkt(self, morph_to_esri_dialect: bool = False, version: Any = None) -> str:
        """Well-known text: GDAL's version 1 by default where the CRS has that form, or version 2 ("WKT2", "WKT2_2019")."""
        if morph_to_esri_dialect:
            raise NotImplementedError("Esri's dialect of WKT is not built yet")
        is_second = "WKT2" in str(getattr(version, "value", version))
        if is_second:
            return self._text(lib.NACRE_CRS_WKT2)
        try:
            return self._text(lib.NACRE_CRS_WKT1)
        except CRSError:
            if version is not None:
                raise
            return self._text(lib.NACRE_CRS_WKT2)  # as GDAL

    @property
    def wkt(self) -> str:
        """Well-known text as of ``to_wkt``."""
        return self.to_wkt()

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
        """The EPSG code, or None where the CRS has none."""
        authority = self.to_authority()
        return int(authority[1]) if authority and authority[0] == "EPSG" else None

    def to_string(self) -> str:
        """The shortest text that means this CRS: "EPSG:32618", else WKT."""
        authority = self.to_authority()
        return ":".join(authority) if authority else self.to_wkt()

    @property
    def is_geographic(self) -> bool:
        """Whether coordinates are degrees."""
        return self._handle is not None and bool(lib.nacre_crs_is_geographic(self._handle))

    @property
    def is_projected(self) -> bool:
        """Whether coordinates are lengths."""
        return self._handle is not None and not self.is_geographic

    @property
    def is_epsg_code(self) -> bool:
        """Whether the CRS has an EPSG code."""
        return self.to_epsg() is not None

    def __bool__(self) -> bool:
        return self._handle is not None

    def __eq__(self, other: object) -> bool:
        try:
            crs = CRS.from_user_input(other)
        except CRSError:
            return False
        if self._handle is None or crs._handle is None:
            return self._handle is crs._handle
        return bool(lib.nacre_crs_equal(self._handle, crs._handle))

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        code = self.to_epsg()
        if code is not None:
            return f"CRS.from_epsg({code})"
        return f"CRS.from_wkt({self.to_wkt()!r})" if self else "CRS()"

    def __reduce__(self) -> Any:
        return (CRS, (str(self) or None,))


__getattr__ = _later.names(__name__, "WktVersion auth_preference epsg_treats_as_latlong epsg_treats_as_northingeasting")
