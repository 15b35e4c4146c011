# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Coordinate reference systems."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any, ItemsView, Iterator

from . import _lib
from ._native import ffi, lib
from .enums import WktVersion
from .errors import CRSError, RasterioDeprecationWarning

_FORMS = {
    WktVersion.WKT2_2015: lib.NACRE_CRS_WKT2_2015,
    WktVersion.WKT2: lib.NACRE_CRS_WKT2,
    WktVersion.WKT2_2019: lib.NACRE_CRS_WKT2,
    WktVersion.WKT1_GDAL: lib.NACRE_CRS_WKT1,
    WktVersion.WKT1: lib.NACRE_CRS_WKT1,
    WktVersion.WKT1_ESRI: lib.NACRE_CRS_WKT1_ESRI,
}

# Confidence, in percent, from which on a CRS that names no authority is taken for one of theirs.
_CONFIDENCE = 70


class CRS:
    """An immutable coordinate reference system; axes in the traditional order of GIS. ``CRS()`` is none at all.

    Parameters
    ----------
    initialdata
        What ``from_user_input`` takes; nothing, or an empty text or mapping, for none.
    **kwargs
        PROJ's parameters.

    Raises
    ------
    CRSError
        PROJ does not know it. So do all class methods.
    """

    _handle: Any

    def __init__(self, initialdata: Any = None, **kwargs: Any) -> None:
        value = {**initialdata, **kwargs} if isinstance(initialdata, dict) else initialdata or kwargs
        self._handle = CRS.from_user_input(value)._handle if value else None

    @classmethod
    def _of(cls, handle: Any) -> CRS:
        """Takes over a reference to a ``nacre_crs``."""
        crs = cls.__new__(cls)
        crs._handle = ffi.gc(handle, lib.nacre_crs_unref)
        return crs

    # --- making ---

    @classmethod
    def _from_text(cls, text: str) -> CRS:
        out = ffi.new("nacre_crs **")
        err = ffi.new("nacre_error *")
        if lib.nacre_crs_from_text(_lib.encoded(text), out, err) != lib.NACRE_OK:
            raise CRSError(_lib.text(err.message))
        return cls._of(out[0])

    @classmethod
    def from_string(cls, value: str, morph_from_esri_dialect: bool = False) -> CRS:
        """A CRS of a text: EPSG code ("EPSG:32618"), OGC name, WKT 1 or 2 (also Esri's), PROJJSON, PROJ string.

        PROJ's parameters may also be a dictionary as JSON. ``morph_from_esri_dialect`` has no effect: PROJ sees by
        itself whose dialect it is.
        """
        if value.lstrip().startswith("{"):
            return cls._from_json(value)
        return cls._from_text(re.sub(r"^\s*\+init=", "", value, flags=re.I) if "+init=" in value.lower() else value)

    @classmethod
    def _from_json(cls, text: str) -> CRS:
        try:
            data = json.loads(text)
        except ValueError as error:
            raise CRSError(f"{text[:60]!r} is not JSON: {error}") from None
        return cls.from_dict(data) if isinstance(data, dict) and "type" not in data else cls._from_text(text)

    @classmethod
    def from_wkt(cls, wkt: str, morph_from_esri_dialect: bool = False) -> CRS:
        """A CRS of well-known text, version 1 or 2."""
        if not isinstance(wkt, str):
            raise ValueError("well-known text is a string")
        if not re.match(r"\s*\w+\s*[\[(]", wkt):
            raise CRSError(f"not well-known text: {wkt[:60]!r}")
        return cls._from_text(wkt)

    @classmethod
    def from_proj4(cls, proj: str) -> CRS:
        """A CRS of a PROJ string ("+proj=utm +zone=18 +datum=WGS84")."""
        if "=" not in proj:
            raise CRSError(f"not a PROJ string: {proj[:60]!r}")
        return cls.from_string(proj)

    @classmethod
    def from_dict(cls, initialdata: dict[str, Any] | None = None, **kwargs: Any) -> CRS:
        """A CRS of PROJ's parameters (``{"proj": "utm", "zone": 18}``, ``{"init": "epsg:32618"}``), or of PROJJSON."""
        data = {**(initialdata or {}), **kwargs}
        if "init" in data:
            return cls.from_string(str(data["init"]).upper())
        if "type" in data and "proj" not in data:
            return cls._from_text(json.dumps(data))
        words = [f"+{key}" if value is True else f"+{key}={value}" for key, value in data.items() if value is not False]
        return cls._from_text(" ".join(words))

    @classmethod
    def from_epsg(cls, code: int | str) -> CRS:
        """A CRS of an EPSG code."""
        if code is None or int(code) <= 0:
            raise CRSError(f"EPSG codes are positive integers, not {code!r}")
        return cls._from_text(f"EPSG:{int(code)}")

    @classmethod
    def from_authority(cls, auth_name: str, code: int | str) -> CRS:
        """A CRS of an authority's code: ("ESRI", 54009)."""
        return cls._from_text(f"{auth_name}:{code}")

    @classmethod
    def from_user_input(cls, value: Any, morph_from_esri_dialect: bool = False) -> CRS:
        """A CRS of a CRS, an EPSG code, a text, PROJ's parameters, or any object that gives WKT."""
        if isinstance(value, CRS):
            return value
        if isinstance(value, int):
            return cls.from_epsg(value)
        if isinstance(value, str):
            return cls.from_string(value)
        if isinstance(value, dict):
            return cls.from_dict(value)
        if hasattr(value, "to_wkt") and callable(value.to_wkt):
            return cls._from_text(value.to_wkt())
        raise CRSError(f"not a CRS: {value!r}")

    # --- texts ---

    def _text(self, form: int) -> str:
        if self._handle is None:
            return ""
        out = ffi.new("char const **")
        err = ffi.new("nacre_error *")
        if lib.nacre_crs_text(self._handle, form, out, err) != lib.NACRE_OK:
            raise CRSError(_lib.text(err.message))
        return _lib.text(out[0])

    def to_wkt(self, morph_to_esri_dialect: bool = False, version: WktVersion | str | None = None) -> str:
        """Well-known text: GDAL's version 1 where the CRS has one, else version 2; or the version that is asked for.

        ``morph_to_esri_dialect`` has no effect but a warning, as in Rasterio.
        """
        if morph_to_esri_dialect:
            warnings.warn("morph_to_esri_dialect has no effect: give version=WktVersion.WKT1_ESRI", stacklevel=2)
        if version is not None:
            return self._text(_FORMS[WktVersion(version)])
        try:
            return self._text(lib.NACRE_CRS_WKT1)
        except CRSError:
            return self._text(lib.NACRE_CRS_WKT2)

    @property
    def wkt(self) -> str:
        """Well-known text as of ``to_wkt``."""
        return self.to_wkt()

    def to_proj4(self) -> str:
        """PROJ's text, where the CRS can be said in it."""
        return " ".join(f"+{key}={value}" for key, value in self.data.items())

    def to_dict(self, projjson: bool = False) -> dict[str, Any]:
        """PROJ's parameters by name, or PROJJSON."""
        if projjson:
            text = self._text(lib.NACRE_CRS_PROJJSON)
            return dict(json.loads(text)) if text else {}
        try:
            words = self._text(lib.NACRE_CRS_PROJ).split()
        except CRSError:
            return {}
        pairs = (word.lstrip("+").partition("=") for word in words)
        return {key: _number(value) if sign else True for key, sign, value in pairs}

    def to_string(self) -> str:
        """The shortest text that means this CRS: "EPSG:32618", else WKT."""
        authority = self.to_authority()
        return ":".join(authority) if authority else self.to_wkt()

    # --- PROJ's parameters, as a mapping ---

    @property
    def data(self) -> dict[str, Any]:
        """PROJ's parameters by name."""
        return self.to_dict()

    def __getitem__(self, item: str) -> Any:
        return self.data[item]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def get(self, item: str) -> Any:
        """A parameter of PROJ's, or None."""
        return self.data.get(item)

    def items(self) -> ItemsView[str, Any]:
        """PROJ's parameters with their names."""
        return self.data.items()

    # --- identifiers ---

    def to_authority(self, confidence_threshold: int = _CONFIDENCE) -> tuple[str, str] | None:
        """("EPSG", "32618"), or None where the CRS has no identifier.

        Parameters
        ----------
        confidence_threshold
            A CRS that names no authority is compared with those that PROJ knows, and is believed to be one of them
            from this confidence on, in percent.
        """
        name = ffi.new("char const **")
        code = ffi.new("char const **")
        if self._handle is None or not lib.nacre_crs_identify(self._handle, confidence_threshold, name, code):
            return None
        return _lib.text(name[0]), _lib.text(code[0])

    def to_epsg(self, confidence_threshold: int = _CONFIDENCE) -> int | None:
        """The EPSG code, or None where the CRS has none; see ``to_authority``."""
        authority = self.to_authority(confidence_threshold)
        return int(authority[1]) if authority and authority[0].upper() == "EPSG" else None

    @property
    def is_epsg_code(self) -> bool:
        """Whether the CRS has an EPSG code."""
        return self.to_epsg() is not None

    # --- facts ---

    @property
    def is_geographic(self) -> bool:
        """Whether coordinates are degrees."""
        return self._handle is not None and bool(lib.nacre_crs_is_geographic(self._handle))

    @property
    def is_projected(self) -> bool:
        """Whether it is a map projection."""
        return self._handle is not None and bool(lib.nacre_crs_is_projected(self._handle))

    @property
    def is_valid(self) -> bool:
        """Whether it is geographic or projected. Rasterio will take this away."""
        warnings.warn("is_valid says little: ask is_geographic or is_projected", RasterioDeprecationWarning, 2)
        return self.is_geographic or self.is_projected

    @property
    def units_factor(self) -> tuple[str, float]:
        """The name of the axes' unit, and how many metres or radians it is: ("metre", 1.0)."""
        factor = ffi.new("double *")
        name = "" if self._handle is None else _lib.text(lib.nacre_crs_unit(self._handle, factor))
        return (name, factor[0]) if name else ("unknown", 1.0)

    @property
    def linear_units_factor(self) -> tuple[str, float]:
        """``units_factor`` of a projected CRS.

        Raises
        ------
        CRSError
            It is not projected.
        """
        if not self.is_projected:
            raise CRSError("Linear units factor is not defined for non projected CRS")
        return self.units_factor

    @property
    def linear_units(self) -> str:
        """The name of a projected CRS's unit, else "unknown"."""
        return self.units_factor[0] if self.is_projected else "unknown"

    @property
    def geodetic_crs(self) -> CRS:
        """The geographic CRS below this one.

        Raises
        ------
        CRSError
            There is none.
        """
        out = ffi.new("nacre_crs **")
        err = ffi.new("nacre_error *")
        if self._handle is None:
            raise CRSError("an empty CRS has no geodetic CRS")
        if lib.nacre_crs_geodetic(self._handle, out, err) != lib.NACRE_OK:
            raise CRSError(_lib.text(err.message))
        return CRS._of(out[0])

    # --- comparing ---

    def equals(self, other: Any, ignore_axis_order: bool = False) -> bool:
        """Whether both mean the same system; ``ignore_axis_order``: also where only their axes are swapped."""
        try:
            crs = CRS.from_user_input(other)
        except CRSError:
            return False
        if self._handle is None or crs._handle is None:
            return self._handle is crs._handle
        return bool(lib.nacre_crs_same(self._handle, crs._handle, ignore_axis_order))

    def __eq__(self, other: object) -> bool:
        return self.equals(other)

    def __hash__(self) -> int:
        return hash(self.wkt)

    def __bool__(self) -> bool:
        return self._handle is not None

    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        code = self.to_epsg()
        return f"CRS.from_epsg({code})" if code is not None else f"CRS.from_wkt({self.wkt!r})" if self else "CRS()"

    def __reduce__(self) -> Any:
        return (CRS, (self.wkt or None,))  # the EPSG code may be that of a CRS which is only nearly the same

    def __copy__(self) -> CRS:
        return self


def _number(word: str) -> Any:
    """An int or float of a text that is one, else the text."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def epsg_treats_as_latlong(input_crs: Any) -> bool:
    """Whether EPSG puts latitude before longitude in this CRS."""
    crs = CRS.from_user_input(input_crs)
    return crs.is_geographic and bool(lib.nacre_crs_is_northing_first(crs._handle))


def epsg_treats_as_northingeasting(input_crs: Any) -> bool:
    """Whether EPSG puts northing before easting in this CRS."""
    crs = CRS.from_user_input(input_crs)
    return crs.is_projected and bool(lib.nacre_crs_is_northing_first(crs._handle))
