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


__getattr__ = _later.names(
    __name__,
    "BandOverviewError DriverCapabilityError EnvError FileError FileOverwriteError GDALBehaviorChangeException"
    " GDALOptionNotImplementedError GDALVersionError InvalidArrayError InvalidShapeError MergeError"
    " NodataShadowWarning OpenerRegistrationError OverviewCreationError PathError RPCError RasterBlockError"
    " RasterioDeprecationWarning ResamplingAlgorithmError ShapeSkipWarning StackError StatisticsError"
    " TransformWarning UnsupportedOperation WarpOperationError WarpedVRTError WindowEvaluationError",
)
