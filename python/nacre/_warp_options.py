# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Options of warps, as the library takes them."""

from __future__ import annotations

from typing import Any, Mapping

from affine import Affine

from . import _lib
from ._native import ffi
from .crs import CRS
from .dataset import DatasetReaderBase, open_dataset

# GDAL's warp options that change values.
_RULES = frozenset(("INIT_DEST", "UNIFIED_SRC_NODATA", "XSCALE", "YSCALE", "SRC_ALPHA_MAX", "DST_ALPHA_MAX"))
_CUTLINE = frozenset(("CUTLINE", "CUTLINE_BLEND_DIST"))
# GDAL's options of the transformer, besides those that begin with RPC_ or GEOLOC_.
_TRANSFORMER = frozenset(("METHOD", "SRC_METHOD", "MAX_GCP_ORDER"))


def is_rule(name: str) -> bool:
    """Whether an option is one of GDAL's warp options."""
    return name.upper() in _CUTLINE | _RULES


def is_transformer(name: str) -> bool:
    """Whether an option is one of GDAL's transformers."""
    return name.upper() in _TRANSFORMER or name.upper().startswith(("RPC_", "GEOLOC_"))


class WarpOptions:
    """A ``nacre_warp_options`` with what it points to."""

    def __init__(self) -> None:
        self.pointer = _lib.sized("nacre_warp_options")
        self._keep: list[Any] = []

    def _set(self, name: str, value: Any) -> None:
        self._keep.append(value)
        setattr(self.pointer, name, value)

    def crs(self, name: str, value: Any) -> None:
        if value is not None:
            self._set(name, CRS.from_user_input(value)._handle)

    def transform(self, name: str, value: Affine | None) -> None:
        if value is not None:
            self._set(name, ffi.new("nacre_transform *", tuple(value)[:6]))

    def number(self, name: str, value: float) -> None:
        self._set(name, ffi.new("double *", float(value)))

    def items(self, name: str, values: Mapping[str, Any]) -> None:
        texts = [ffi.new("char[]", f"{key}={value}".encode()) for key, value in values.items()]
        self._keep.append(texts)
        self._set(name, ffi.new("char *[]", [*texts, ffi.NULL]))

    def rules(self, options: Mapping[str, Any], init_dest_nodata: bool) -> None:
        """GDAL's warp options, as far as they change values."""
        words = {"INIT_DEST": 0} | {name.upper(): value for name, value in options.items() if name.upper() in _RULES}
        if init_dest_nodata and "init_dest" not in options:
            del words["INIT_DEST"]  # as Rasterio, whatever is said in other letters
        if words:
            self.items("warp", words)

    def cutline(self, options: Mapping[str, Any]) -> None:
        """A polygon in pixels of the source, as GDAL's warp option has it."""
        for name, value in options.items():
            if name.upper() == "CUTLINE" and value is not None:
                self._set("cutline", ffi.new("char[]", str(value).encode()))
                self.pointer.cutline_in_pixels = True
            elif name.upper() == "CUTLINE_BLEND_DIST":
                self.pointer.cutline_blend = float(value)

    def geoloc(self, arrays: Any, items: Mapping[str, Any]) -> None:
        """Geolocation arrays in place of the source's places, and items of GDAL's domain for them."""
        self._set("geoloc", arrays)
        self.items("geoloc_items", items)

    def transformer(self, options: Mapping[str, Any]) -> None:
        """What of Rasterio's further options is for the transformer."""
        rpcs = options.get("rpcs")
        if rpcs is not None:
            self.items("rpcs", rpcs.to_gdal() if hasattr(rpcs, "to_gdal") else rpcs)
        words = {name.upper(): value for name, value in options.items() if is_transformer(name)}
        dem = words.pop("RPC_DEM", None)
        if dem is not None:
            model = dem if isinstance(dem, DatasetReaderBase) else open_dataset(dem)
            self._set("rpc_dem", model._open_handle())
        if words:
            self.items("transformer", words)
