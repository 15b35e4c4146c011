# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What a dataset is: the attributes that all datasets have, whatever their mode."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, Iterator, Sequence

import numpy as np
from affine import Affine

from . import _lib, transform
from ._info import DatasetInfo
from ._native import ffi, lib
from .control import GroundControlPoint
from .coords import BoundingBox
from .crs import CRS
from .enums import ColorInterp, Compression, Interleaving, MaskFlags, PhotometricInterp
from .errors import CRSError, DatasetAttributeError, RasterBlockError, RasterioIOError
from .rpc import RPC
from .transform import TransformMethodsMixin
from .windows import Window, WindowMethodsMixin

# What GDAL adds to the name of JPEG compression where the blocks hold another colour space.
_PHOTOMETRIC = {"YCbCr JPEG": PhotometricInterp.ycbcr}

# Domains whose one item is a document, without a key.
_DOCUMENTS = ("xml:",)


def is_document(ns: str | None) -> bool:
    """Whether a domain of metadata holds a document instead of keys and values."""
    return ns is not None and ns.startswith(_DOCUMENTS)


class DatasetBase(WindowMethodsMixin, TransformMethodsMixin):
    """The attributes of a dataset.

    Sizes and windows are in pixels, counted from the upper left corner; bands count from 1. A closed dataset still
    tells what it is, but gives no pixels and no tags.
    """

    mode: str
    _options: dict[str, Any] | None = None

    if TYPE_CHECKING:

        @property
        def _info(self) -> DatasetInfo: ...

        def _open_handle(self) -> Any: ...

        @property
        def closed(self) -> bool:
            """Whether it was closed."""

    # --- what it is ---

    @property
    def name(self) -> str:
        """The path it was opened from."""
        return self._info.path

    @property
    def driver(self) -> str:
        """GDAL's name of the format: "GTiff" or "VRT"."""
        return self._info.driver

    @property
    def options(self) -> dict[str, Any] | None:
        """The options it was opened with; None for a dataset that is made."""
        return self._options

    @property
    def files(self) -> list[str]:
        """The files that it consists of.

        Raises
        ------
        RasterioIOError
            The dataset is closed.
        """
        return [source["path"] for source in self.provenance]

    @property
    def width(self) -> int:
        """Columns."""
        return self._info.width

    @property
    def height(self) -> int:
        """Rows."""
        return self._info.height

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self.height, self.width)

    @property
    def count(self) -> int:
        """Bands."""
        return len(self._info.bands)

    @property
    def indexes(self) -> tuple[int, ...]:
        """Band numbers, from 1."""
        return tuple(range(1, self.count + 1))

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Numpy's name of each band's type."""
        return self._info.dtypes

    @property
    def transform(self) -> Affine:
        """Pixel corners (column, row) to coordinates; the identity where there is none."""
        return Affine.identity() if self._info.transform is None else self._info.transform

    @transform.setter
    def transform(self, value: Affine) -> None:
        self._set("transform", value)

    @property
    def crs(self) -> CRS | None:
        """The coordinate reference system, or None."""
        return self._info.crs

    @crs.setter
    def crs(self, value: Any) -> None:
        self._set("crs", value)

    @property
    def bounds(self) -> BoundingBox:
        """Left, bottom, right, top in the units of the CRS."""
        return BoundingBox(*transform.array_bounds(self.height, self.width, self.transform))

    @property
    def res(self) -> tuple[float, float]:
        """Width and height of a pixel in the units of the CRS."""
        t = self.transform
        return (math.hypot(t.a, t.d), math.hypot(t.b, t.e))

    def lnglat(self) -> tuple[float, float]:
        """Longitude and latitude of the middle of the bounds, in degrees.

        Raises
        ------
        CRSError
            There is no CRS.
        """
        if not self.crs:
            raise CRSError(f"{_lib.shown(self.name)}: it has no CRS")
        left, bottom, right, top = self.bounds
        x, y = ffi.new("double *", (left + right) / 2), ffi.new("double *", (bottom + top) / 2)
        err = ffi.new("nacre_error *")
        target = CRS.from_epsg(4326)
        _lib.check(lib.nacre_points_reproject(self.crs._handle, target._handle, 1, x, y, ffi.NULL, err), err)
        return (float(x[0]), float(y[0]))

    @property
    def gcps(self) -> tuple[list[GroundControlPoint], CRS | None]:
        """Ground control points and their CRS."""
        points = [
            GroundControlPoint(row=p.row, col=p.col, x=p.x, y=p.y, z=p.z, id=p.id, info=p.info) for p in self._info.gcps
        ]
        return (points, self._info.gcp_crs)

    @gcps.setter
    def gcps(self, value: tuple[Sequence[Any], Any]) -> None:
        self._set("gcps", value)

    def get_gcps(self) -> tuple[list[GroundControlPoint], CRS | None]:
        """As ``gcps``."""
        return self.gcps

    @property
    def rpcs(self) -> RPC | None:
        """Rational polynomial coefficients, or None."""
        tags = {} if self.closed else self.tags(ns="RPC")
        return RPC.from_gdal(tags) if tags else None

    @rpcs.setter
    def rpcs(self, value: Any) -> None:
        self._set("rpcs", value)

    @property
    def subdatasets(self) -> list[str]:
        """Names of the datasets inside this one."""
        tags = {} if self.closed else self.tags(ns="SUBDATASETS")
        return [value for key, value in tags.items() if key.endswith("_NAME")]

    # --- bands ---

    @property
    def nodatavals(self) -> tuple[float | int | None, ...]:
        """The nodata value of each band, None where there is none."""
        return tuple(band.nodata for band in self._info.bands)

    @property
    def nodata(self) -> float | int | None:
        """The nodata value of the first band."""
        return self._info.bands[0].nodata if self._info.bands else None

    @nodata.setter
    def nodata(self, value: float | int | None) -> None:
        self._set("nodata", value)

    @property
    def scales(self) -> tuple[float, ...]:
        """Factor of each band; reads do not apply it."""
        return tuple(band.scale for band in self._info.bands)

    @scales.setter
    def scales(self, value: Sequence[float]) -> None:
        self._set("scales", value)

    @property
    def offsets(self) -> tuple[float, ...]:
        """Offset of each band; reads do not apply it."""
        return tuple(band.offset for band in self._info.bands)

    @offsets.setter
    def offsets(self, value: Sequence[float]) -> None:
        self._set("offsets", value)

    @property
    def units(self) -> tuple[str | None, ...]:
        """Unit of each band's values."""
        return tuple(band.unit or None for band in self._info.bands)

    @units.setter
    def units(self, value: Sequence[str | None]) -> None:
        self._set("units", value)

    @property
    def descriptions(self) -> tuple[str | None, ...]:
        """Description of each band."""
        return tuple(band.description or None for band in self._info.bands)

    @descriptions.setter
    def descriptions(self, value: Sequence[str | None]) -> None:
        self._set("descriptions", value)

    @property
    def colorinterp(self) -> tuple[ColorInterp, ...]:
        """What each band shows."""
        return tuple(band.color for band in self._info.bands)

    @colorinterp.setter
    def colorinterp(self, value: Sequence[ColorInterp]) -> None:
        self._set("colorinterp", value)

    def _set(self, name: str, value: Any) -> None:
        """Sets an attribute; writers do.

        Raises
        ------
        DatasetAttributeError, RasterioIOError
            The dataset is open for reading.
        """
        error = RasterioIOError if name == "colorinterp" else DatasetAttributeError
        raise error(f"{_lib.shown(self.name)}: {name} cannot be set, the dataset is open for reading; open it with r+")

    def colormap(self, bidx: int) -> dict[int, tuple[int, int, int, int]]:
        """The colour table of a band: red, green, blue and alpha, from 0 to 255, by value.

        Raises
        ------
        IndexError
            There is no such band.
        ValueError
            It has no colour table.
        """
        colors = self._info.bands[self._checked(bidx) - 1].colors
        if not colors:
            raise ValueError(f"{_lib.shown(self.name)}: band {bidx} has no colour table")
        return dict(enumerate(colors))

    @property
    def mask_flag_enums(self) -> tuple[list[MaskFlags], ...]:
        """Where each band's mask comes from."""
        return tuple(list(band.mask_flags) for band in self._info.bands)

    def _checked(self, bidx: int) -> int:
        if bidx not in self.indexes:
            raise IndexError(f"{_lib.shown(self.name)}: there is no band {bidx}, it has {self.count}")
        return bidx

    # --- how it is stored ---

    @property
    def block_shapes(self) -> list[tuple[int, int]]:
        """Rows and columns of each band's blocks."""
        return [band.block_shape for band in self._info.bands]

    @property
    def is_tiled(self) -> bool:
        """Whether blocks are narrower or wider than the raster."""
        text = "is_tiled will be removed in a future version: compare block_shapes with the width"
        warnings.warn(text, PendingDeprecationWarning, stacklevel=2)
        return self._is_tiled

    @property
    def _is_tiled(self) -> bool:
        return bool(self.block_shapes) and self.block_shapes[0][1] != self.width

    def block_window(self, bidx: int, i: int, j: int) -> Window:
        """The window of the block in row ``i`` and column ``j`` of blocks, from 0.

        Raises
        ------
        IndexError
            There is no such band.
        ValueError
            There is no such block.
        """
        rows, columns = self.block_shapes[bidx - 1 if bidx else 0]
        top, left = i * rows, j * columns
        if not (0 <= top < self.height and 0 <= left < self.width):
            raise ValueError(f"{_lib.shown(self.name)}: there is no block {i}, {j}")
        return Window(left, top, min(columns, self.width - left), min(rows, self.height - top))

    def block_windows(self, bidx: int = 0) -> Iterator[tuple[tuple[int, int], Window]]:
        """The blocks of a band: ((row, column) of blocks from 0, window), from left to right and from top to bottom.

        Parameters
        ----------
        bidx
            A band; 0 for all, which must have blocks of one shape.

        Raises
        ------
        RasterBlockError
            Bands have blocks of several shapes.
        IndexError
            There is no such band.
        """
        if bidx < 1 and len(set(self.block_shapes)) > 1:
            raise RasterBlockError(f"{_lib.shown(self.name)}: blocks of the bands have several shapes: name a band")
        rows, columns = self.block_shapes[max(bidx, 1) - 1]
        for i in range(math.ceil(self.height / rows)):
            for j in range(math.ceil(self.width / columns)):
                yield (i, j), self.block_window(max(bidx, 1), i, j)

    @property
    def compression(self) -> Compression | str | None:
        """How blocks are compressed, or None."""
        name = self._info.compression
        return Compression.__members__.get(name, name or None)

    @property
    def interleaving(self) -> Interleaving | None:
        """How bands are stored, or None."""
        return Interleaving.__members__.get(self._info.interleave)

    @property
    def photometric(self) -> PhotometricInterp | None:
        """The colour space of the blocks where it is another than that of the bands, or None."""
        return _PHOTOMETRIC.get(self.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION", ""))

    @property
    def meta(self) -> dict[str, Any]:
        """What is needed to make a raster like this one."""
        return {
            "driver": self.driver,
            "dtype": self.dtypes[0] if len(set(self.dtypes)) == 1 else _common_type(self.dtypes),
            "nodata": self.nodata,
            "width": self.width,
            "height": self.height,
            "count": self.count,
            "crs": self.crs,
            "transform": self.transform,
        }

    @property
    def profile(self) -> dict[str, Any]:
        """``meta`` and how blocks are stored.

        Raises
        ------
        RasterioIOError
            The dataset is closed.
        """
        rows, columns = self.block_shapes[0]
        more: dict[str, Any] = {"blockxsize": columns, "blockysize": rows, "tiled": self._is_tiled}
        if self.compression is not None:
            more["compress"] = getattr(self.compression, "name", self.compression)
        if self.interleaving is not None:
            more["interleave"] = self.interleaving.name
        if self.photometric is not None:
            more["photometric"] = self.photometric.name
        return {**self.meta, **more}

    def overviews(self, bidx: int) -> list[int]:
        """Factors by which the overviews of a band are smaller, rounded (halves to even numbers).

        Raises
        ------
        IndexError
            There is no such band.
        """
        self._checked(bidx)
        return [round(self.width / width) for width in self._overview_widths()]

    def _overview_widths(self) -> list[int]:
        return self._info.overview_widths

    # --- old names of Rasterio's ---

    def get_transform(self) -> list[float]:
        """The transform in GDAL's order."""
        return list(self.transform.to_gdal())

    read_transform = get_transform

    def get_nodatavals(self) -> tuple[float | int | None, ...]:
        """As ``nodatavals``."""
        return self.nodatavals

    def read_crs(self) -> CRS | None:
        """As ``crs``."""
        return self.crs

    def write_transform(self, transform: Sequence[float]) -> None:
        """Set the transform, in GDAL's order."""
        self._set("transform", Affine.from_gdal(*transform))

    def start(self) -> None:
        """Without effect: a dataset is open from the first."""

    # --- metadata ---

    def _metadata(self, bidx: int) -> list[tuple[str, str, str]]:
        """Domain, key and value of each item of the dataset (0) or a band."""
        if bidx != 0:
            self._checked(bidx)
        handle = self._open_handle()
        out = [ffi.new("char const **") for _ in range(3)]
        items: list[tuple[str, str, str]] = []
        while lib.nacre_dataset_metadata(handle, bidx, len(items), *out):
            domain, key, value = (_lib.text(pointer[0]) for pointer in out)
            items.append((domain, key, value))
        return items

    def tags(self, bidx: int = 0, ns: str | None = None) -> dict[str, str]:
        """Metadata of the dataset (0) or a band, in the default or the named domain.

        A domain that holds a document ("xml:XMP") has one item, whose key is the domain's name.

        Raises
        ------
        IndexError
            There is no such band.
        RasterioIOError
            The dataset is closed.
        """
        return {key or domain: value for domain, key, value in self._metadata(bidx) if domain == (ns or "")}

    def tag_namespaces(self, bidx: int = 0) -> list[str]:
        """Domains of metadata that the dataset (0) or a band has, without the default one."""
        return list(dict.fromkeys(domain for domain, _, _ in self._metadata(bidx) if domain))

    @property
    def provenance(self) -> list[dict[str, str]]:
        """Each object behind the dataset, its own first: path, the version that was read, and whether it is proven.

        ``version`` and ``snapshot`` are "" for an object that was not opened yet.

        Raises
        ------
        RasterioIOError
            The dataset is closed.
        """
        handle = self._open_handle()
        out = ffi.new("nacre_source_info *")
        sources: list[dict[str, str]] = []
        while lib.nacre_dataset_source(handle, len(sources), out):
            sources.append({name: _lib.text(getattr(out, name)) for name in ("path", "version", "snapshot")})
        return sources

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<{state} {type(self).__name__} name={_lib.shown(self.name)!r} mode={self.mode!r}>"


def _common_type(names: Sequence[str]) -> str:
    """The type that holds the values of all."""
    plain = [{"complex_int16": "complex64", "complex_int32": "complex64"}.get(name, name) for name in names]
    return str(np.result_type(*plain).name)
