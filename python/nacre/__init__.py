# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Virtual rasters over object storage whose caches never lie, with Rasterio's interface.

Importing the package draws in nothing: its names are there, and the module that has one is imported when it is first
asked for.
"""

from __future__ import annotations

from . import _lazy

TYPE_CHECKING = False  # both branches have the same names
if TYPE_CHECKING:
    from affine import Affine

    from . import (
        cache,
        compat,
        control,
        coords,
        crs,
        dataset,
        drivers,
        dtypes,
        enums,
        env,
        errors,
        features,
        gdal,
        io,
        path,
        plot,
        profiles,
        rpc,
        sample,
        serde,
        session,
        shutil,
        transform,
        vrt,
        warp,
        windows,
    )
    from ._batch import BatchItem, aread_batch, iter_batch, read_batch
    from ._describe import DatasetBase
    from ._interface import Band, aopen, band, open, pad, show_versions
    from ._interface import GDAL_VERSION as __gdal_version__
    from ._interface import VERSION as __version__
    from ._lib import io_stats
    from ._measure import Statistics
    from ._memory import FilePath, MemoryFile
    from ._write import DatasetWriter
    from .coords import BoundingBox
    from .crs import CRS
    from .dataset import DatasetReader, DatasetReaderBase
    from .drivers import driver_from_extension, is_blacklisted
    from .dtypes import (
        bool_,
        check_dtype,
        complex_,
        complex_int16,
        float16,
        float32,
        float64,
        int8,
        int16,
        int32,
        int64,
        sbyte,
        ubyte,
        uint8,
        uint16,
        uint32,
        uint64,
    )
    from .env import Env, ensure_env_with_credentials, gdal_version
    from .errors import DriverCapabilityError, RasterioDeprecationWarning, RasterioIOError
    from .io import get_writer_for_driver, get_writer_for_path
    from .profiles import default_gtiff_profile
    from .transform import guard_transform
else:
    __getattr__, __dir__ = _lazy.attributes(
        globals(),
        modules="""
            cache compat control coords crs dataset drivers dtypes enums env errors features gdal io path plot profiles rpc
            sample serde session shutil transform vrt warp windows
        """,
        homes={
            "._batch": "BatchItem aread_batch iter_batch read_batch",
            "._describe": "DatasetBase",
            "._interface": "Band aopen band open pad show_versions __gdal_version__=GDAL_VERSION __version__=VERSION",
            "._lib": "io_stats",
            "._measure": "Statistics",
            "._memory": "FilePath MemoryFile",
            "._write": "DatasetWriter",
            "affine": "Affine",
            ".coords": "BoundingBox",
            ".crs": "CRS",
            ".dataset": "DatasetReader DatasetReaderBase",
            ".drivers": "driver_from_extension is_blacklisted",
            ".dtypes": """
                bool_ check_dtype complex_ complex_int16 float16 float32 float64 int8 int16 int32 int64 sbyte ubyte uint8
                uint16 uint32 uint64
            """,
            ".env": "Env ensure_env_with_credentials gdal_version",
            ".errors": "DriverCapabilityError RasterioDeprecationWarning RasterioIOError",
            ".io": "get_writer_for_driver get_writer_for_path",
            ".profiles": "default_gtiff_profile",
            ".transform": "guard_transform",
        },
    )

__all__ = [
    "CRS",
    "Affine",
    "Band",
    "BatchItem",
    "BoundingBox",
    "DatasetReader",
    "DriverCapabilityError",
    "Env",
    "FilePath",
    "MemoryFile",
    "RasterioDeprecationWarning",
    "RasterioIOError",
    "Statistics",
    "aopen",
    "aread_batch",
    "band",
    "bool_",
    "cache",
    "check_dtype",
    "complex_",
    "complex_int16",
    "control",
    "coords",
    "crs",
    "default_gtiff_profile",
    "driver_from_extension",
    "drivers",
    "dtypes",
    "ensure_env_with_credentials",
    "enums",
    "env",
    "errors",
    "float16",
    "float32",
    "float64",
    "gdal_version",
    "guard_transform",
    "show_versions",
    "pad",
    "get_writer_for_path",
    "get_writer_for_driver",
    "int16",
    "int32",
    "int64",
    "int8",
    "io",
    "io_stats",
    "is_blacklisted",
    "iter_batch",
    "open",
    "plot",
    "profiles",
    "read_batch",
    "rpc",
    "sample",
    "sbyte",
    "session",
    "shutil",
    "transform",
    "ubyte",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "vrt",
    "warp",
    "windows",
]
