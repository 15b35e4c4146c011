# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Exceptions and warnings, under Rasterio's names and with its base classes."""

from __future__ import annotations

from typing import Any


class RasterioError(Exception):
    """Root of the package's exceptions."""


class RasterioIOError(RasterioError, OSError):
    """A dataset, object or store could not be read or written."""


# --- What Rasterio has no class for ---


class ObjectNotFoundError(RasterioIOError, FileNotFoundError):
    """The object, bucket or directory does not exist."""


class ObjectDeniedError(RasterioIOError, PermissionError):
    """The store refuses these credentials, or none were found."""


class ObjectExistsError(RasterioIOError, FileExistsError):
    """The destination exists and must not be replaced."""


class ObjectChangedError(RasterioIOError):
    """An object is no longer the version that was opened; the message names both versions."""


class StoreUnavailableError(RasterioIOError, ConnectionError):
    """Network, server or deadline: worth another try."""


class UnsupportedError(RasterioIOError, NotImplementedError):
    """Valid, but nacre does not do it; the message names the feature."""


# --- Rasterio's ---


class BandOverviewError(UserWarning):
    """An overview that a band has not. A warning by its base class, as Rasterio's, and raised all the same."""


class CRSError(ValueError):
    """A coordinate reference system that PROJ does not know."""


class DatasetAttributeError(RasterioError, NotImplementedError):
    """An attribute that cannot be set."""


class DatasetIOShapeError(RasterioError):
    """The shape of an array does not fit the bands to be read."""


class DriverCapabilityError(RasterioError, ValueError):
    """A format that cannot do what is asked."""


class DriverRegistrationError(ValueError):
    """A format that nacre does not write."""


class EnvError(RasterioError):
    """Options are asked for outside of an ``Env``."""


class GDALBehaviorChangeException(RuntimeError):  # noqa: N818 (Rasterio's name)
    """The behaviour differs between versions of GDAL; nacre never raises it."""


class GDALOptionNotImplementedError(RasterioError):
    """An option of GDAL that cannot be given here."""


class GDALVersionError(RasterioError):
    """A version of GDAL that is too old; nacre never raises it by itself."""


class InvalidArrayError(RasterioError):
    """What was to be written is no array."""


class InvalidShapeError(RasterioError, ValueError):
    """Bands of different shapes."""


class MergeError(RasterioError):
    """Rasters that cannot be merged."""


class NodataShadowWarning(UserWarning):
    """A nodata value stands in front of an alpha band, which counts for no mask then."""

    def __str__(self) -> str:
        return "The dataset's nodata attribute is shadowing the alpha band. All masks are those of the nodata value"


class NotGeoreferencedWarning(UserWarning):
    """A dataset has neither a transform nor ground control points."""


class OpenerRegistrationError(RasterioError):
    """A file opener that cannot be used."""


class OverviewCreationError(RasterioError):
    """Overviews cannot be built."""


class PathError(RasterioError):
    """A path that cannot be parsed."""


class RPCError(ValueError):
    """Rational polynomial coefficients are missing, or used wrongly."""


class RasterBlockError(RasterioError):
    """A block that there is not, or a shape that blocks cannot have."""


class RasterioDeprecationWarning(FutureWarning):
    """Something that Rasterio will take away."""


class ResamplingAlgorithmError(RasterioError):
    """A resampling that does not exist, or not for this."""


class ShapeSkipWarning(UserWarning):
    """A shape was left out."""


class StackError(RasterioError):
    """Rasters that cannot be stacked."""


class StatisticsError(RasterioError):
    """There are no statistics: no pixel is valid."""


class TransformError(RasterioError):
    """Coordinates cannot be found."""


class TransformWarning(UserWarning):
    """Coordinates may be wrong."""


class UnsupportedOperation(RasterioError):
    """A dataset that is open in mode "w" was to be read."""


class WarpOperationError(RasterioError):
    """A warp failed."""


class WarpOptionsError(RasterioError):
    """Options of a warp that contradict one another."""


class WarpedVRTError(RasterioError):
    """A warped view that cannot be."""


class WindowError(RasterioError):
    """A window that cannot be."""


class WindowEvaluationError(ValueError):
    """A window that cannot be evaluated for a raster."""


def __getattr__(name: str) -> Any:
    if name == "FileOverwriteError":  # its base class is click's, which takes longer to import than all of this package
        from ._overwrite import FileOverwriteError

        return FileOverwriteError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
