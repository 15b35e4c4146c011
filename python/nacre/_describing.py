# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The attributes of a dataset that is made or changed: how they are set."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

import numpy as np
from affine import Affine

from . import _lib
from ._describe import DatasetBase, is_document
from ._native import ffi, lib
from .crs import CRS
from .enums import ColorInterp
from .errors import CRSError, NotGeoreferencedWarning, UnsupportedError


class DescribingMixin(DatasetBase):
    """Setters, tags and colour tables."""

    if TYPE_CHECKING:

        def _change(self, call: Callable[..., int], *arguments: Any) -> None: ...

    def _set(self, name: str, value: Any) -> None:
        self._open_handle()
        getattr(self, f"_set_{name}")(value)

    # --- position ---

    def _set_crs(self, value: Any) -> None:
        if value is None or (isinstance(value, str) and not value):
            raise CRSError(f"{_lib.shown(self.name)}: CRS is invalid: {value!r}; take CRS() for none")
        crs = CRS.from_user_input(value)
        self._change(lib.nacre_dataset_set_crs, _handle(crs))

    def _set_transform(self, value: Affine) -> None:
        transform = Affine.from_gdal(*value.to_gdal())
        if transform in (Affine.identity(), Affine.scale(1, -1)):
            text = "The given matrix is equal to Affine.identity or its flipped counterpart. GDAL may ignore this matrix"
            warnings.warn(text, NotGeoreferencedWarning, stacklevel=_lib.outer_level())
        pointer = ffi.NULL if transform.is_identity else ffi.new("nacre_transform *", tuple(transform)[:6])
        if self._info.gcps and pointer:
            self._set_points([], None)
        self._change(lib.nacre_dataset_set_transform, pointer)

    def _set_gcps(self, value: tuple[Sequence[Any], Any]) -> None:
        points, crs = value
        self._set_points(points, None if crs is None else CRS.from_user_input(crs))
        if len(points):  # a file has either these or a transform
            self._change(lib.nacre_dataset_set_transform, ffi.NULL)
            self._change(lib.nacre_dataset_set_crs, ffi.NULL)

    def _set_points(self, points: Sequence[Any], crs: CRS | None) -> None:
        gcps, texts = _lib.gcps(points)
        self._change(lib.nacre_dataset_set_gcps, gcps, len(points), _handle(crs))
        del texts  # the library has copies

    def _set_rpcs(self, value: Any) -> None:
        items: Mapping[str, str] = value.to_gdal()
        for key in self.tags(ns="RPC"):
            self._set_item(0, "RPC", key, None)
        for key, text in items.items():
            self._set_item(0, "RPC", key, str(text))

    # --- bands ---

    def _set_band(self, bidx: int, which: int, values: Any) -> None:
        self._change(lib.nacre_dataset_set_band, self._checked(bidx), which, values)

    def _set_nodata(self, value: Any) -> None:
        band = ffi.new("nacre_band_info *")
        if value is not None:
            if isinstance(value, (str, bytes)):
                raise TypeError(f"{_lib.shown(self.name)}: a nodata value is a number, not {value!r}")
            band.nodata.is_set, band.nodata.value = True, float(value)
            if self.dtypes[0] in ("int64", "uint64"):
                limits = np.iinfo(self.dtypes[0])
                if not np.isfinite(value) or value != int(value) or not limits.min <= int(value) <= limits.max:
                    raise ValueError(f"{_lib.shown(self.name)}: {value} is no value of {self.dtypes[0]}")
                setattr(band.nodata, f"{self.dtypes[0]}_value", int(value))
        self._set_band(1, lib.NACRE_BAND_NODATA, band)

    def _each(self, name: str, values: Sequence[Any]) -> Sequence[Any]:
        """Values of all bands.

        Raises
        ------
        ValueError
            They are too few, or too many.
        """
        if len(values) != self.count:
            raise ValueError(f"{_lib.shown(self.name)}: One {name} for each band is required")
        return values

    def _set_scales(self, value: Sequence[float]) -> None:
        for bidx, (scale, offset) in enumerate(zip(self._each("scale", value), self.offsets), 1):
            self._set_scale(bidx, scale + 0.0, offset)

    def _set_offsets(self, value: Sequence[float]) -> None:
        for bidx, (scale, offset) in enumerate(zip(self.scales, self._each("offset", value)), 1):
            self._set_scale(bidx, scale, offset + 0.0)

    _set_all_scales = _set_scales  # libraries use them under these names
    _set_all_offsets = _set_offsets

    def _set_scale(self, bidx: int, scale: float, offset: float) -> None:
        self._set_band(bidx, lib.NACRE_BAND_SCALE, ffi.new("nacre_band_info *", {"scale": scale, "offset": offset}))

    def _set_units(self, value: Sequence[str | None]) -> None:
        for bidx, text in enumerate(self._each("unit", value), 1):
            self.set_band_unit(bidx, text)

    def _set_descriptions(self, value: Sequence[str | None]) -> None:
        for bidx, text in enumerate(self._each("description", value), 1):
            self.set_band_description(bidx, text)

    def _set_text(self, bidx: int, which: int, field: str, text: str | None) -> None:
        copy = ffi.NULL if text is None else ffi.new("char[]", text.encode("utf-8", "surrogateescape"))
        self._set_band(bidx, which, ffi.new("nacre_band_info *", {field: copy}))

    def set_band_unit(self, bidx: int, value: str | None) -> None:
        """Set the unit of a band's values.

        Raises
        ------
        IndexError
            There is no such band.
        """
        self._set_text(bidx, lib.NACRE_BAND_UNIT, "unit", value)

    def set_band_description(self, bidx: int, value: str | None) -> None:
        """Set the description of a band.

        Raises
        ------
        IndexError
            There is no such band.
        """
        self._set_text(bidx, lib.NACRE_BAND_DESCRIPTION, "description", value)

    def _set_colorinterp(self, value: Sequence[ColorInterp]) -> None:
        for bidx, color in enumerate(self._each("color interpretation", value), 1):
            self._set_band(bidx, lib.NACRE_BAND_COLOR, ffi.new("nacre_band_info *", {"color": color.value}))

    def write_colormap(self, bidx: int, colormap: Mapping[int, Sequence[int]]) -> None:
        """Set the colour table of a band.

        Parameters
        ----------
        bidx
            The band: the first one, of 8 or 16 bits.
        colormap
            Red, green, blue and, where it is not 255, alpha by value.

        Raises
        ------
        IndexError
            There is no such band.
        ValueError
            A colour has not three or four parts from 0 to 255.
        UnsupportedError
            It can have no colour table.
        RasterioIOError
            The dataset is closed.
        """
        self._open_handle()
        if self._checked(bidx) != 1 or self.dtypes[0] not in ("uint8", "uint16"):
            text = f"{_lib.shown(self.name)}: band {bidx} of {self.dtypes[0]} can have no colour table"
            raise UnsupportedError(f"{text}; the first one of uint8 or uint16 can")
        entries = {int(value): _color(color) for value, color in colormap.items() if value >= 0}
        colors = ffi.new("nacre_color_entry[]", max(entries, default=-1) + 1)
        for value, color in entries.items():
            colors[value] = color
        values = ffi.new("nacre_band_info *", {"colors": colors, "color_count": len(colors)})
        self._set_band(bidx, lib.NACRE_BAND_COLORS, values)

    # --- metadata ---

    def _set_item(self, bidx: int, ns: str, key: str, value: str | None) -> None:
        text = ffi.NULL if value is None else _lib.encoded(value)
        self._change(lib.nacre_dataset_set_metadata, bidx, _lib.encoded(ns), _lib.encoded(key), text)

    def update_tags(self, bidx: int = 0, ns: str | None = None, **kwargs: Any) -> None:
        """Set items of metadata; values become texts.

        Parameters
        ----------
        bidx
            The band; 0 for the dataset.
        ns
            The domain; None for the default one. Of a domain that holds a document ("xml:XMP") the item's key is the
            domain's name. What a file is like ("IMAGE_STRUCTURE") cannot be set.
        **kwargs
            Keys and values.

        Raises
        ------
        IndexError
            There is no such band.
        RasterioIOError
            The dataset is closed.
        """
        self._open_handle()
        if bidx:
            self._checked(bidx)
        if ns == "IMAGE_STRUCTURE":
            return
        for key, value in kwargs.items():
            if is_document(ns):
                self._set_item(bidx, ns or "", "", str(value) if key == ns else f"{key}={value}")
            else:
                self._set_item(bidx, ns or "", key, str(value))


def _handle(crs: CRS | None) -> Any:
    return crs._handle if crs else ffi.NULL


def _color(parts: Sequence[int]) -> tuple[int, int, int, int]:
    if len(parts) not in (3, 4) or not all(0 <= part <= 255 for part in parts):
        raise ValueError(f"{tuple(parts)} is no colour: three or four numbers from 0 to 255")
    red, green, blue = (int(part) for part in parts[:3])
    return (red, green, blue, int(parts[3]) if len(parts) > 3 else 255)
