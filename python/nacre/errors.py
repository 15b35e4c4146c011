# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Exceptions, under Rasterio's names and with its base classes."""

from . import _later


class RasterioError(Exception):
    """Root of the package's exceptions."""


class RasterioIOError(RasterioError, OSError):
    """A dataset, object or store could not be read or written."""


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


class CRSError(ValueError):
    """A coordinate reference system that PROJ does not know."""


class DatasetAttributeError(RasterioError, NotImplementedError):
    """An attribute that cannot be set."""


class DatasetIOShapeError(RasterioError):
    """The shape of an array does not fit the bands to be read."""


class DriverRegistrationError(ValueError):
    """A format that nacre does not write."""


class NotGeoreferencedWarning(UserWarning):
    """A dataset has neither a transform nor ground control points."""


class TransformError(RasterioError):
    """Coordinates cannot be found."""


class WindowError(RasterioError):
    """A window that cannot be."""


class WarpOptionsError(RasterioError):
    """Options of a warp that contradict one another."""


class UnsupportedOperation(RasterioError):
    """A dataset that is open in mode "w" was to be read."""


class InvalidArrayError(RasterioError):
    """What was to be written is no array."""


class DriverCapabilityError(RasterioError, ValueError):
    """A format that cannot do what it was asked for."""


class RasterBlockError(RasterioError):
    """A block that there is not, or a shape that blocks cannot have."""


class BandOverviewError(UserWarning):
    """An overview that a band has not. A warning by its base class, as Rasterio's, and raised all the same."""


class OverviewCreationError(RasterioError):
    """Overviews that cannot be made."""


class ResamplingAlgorithmError(RasterioError):
    """A resampling that reads and overviews do not have."""


class StatisticsError(RasterioError):
    """Statistics of a band that has no valid pixel."""


class OpenerRegistrationError(RasterioError):
    """An opener that cannot be used."""


class NodataShadowWarning(UserWarning):
    """A nodata value stands in front of an alpha band, which counts for no mask then."""


class RasterioDeprecationWarning(FutureWarning):
    """What Rasterio is going to remove."""


__getattr__ = _later.names(
    __name__,
    "EnvError FileError FileOverwriteError GDALBehaviorChangeException GDALOptionNotImplementedError"
    " GDALVersionError InvalidShapeError MergeError PathError RPCError ShapeSkipWarning StackError"
    " TransformWarning WarpOperationError WarpedVRTError WindowEvaluationError",
)
