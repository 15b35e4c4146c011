# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Where Rasterio keeps its dataset classes and its files in memory."""

from __future__ import annotations

import os

from ._memory import FilePath, MemoryFile, MemoryFileBase, ZipMemoryFile
from ._open import writer_driver
from ._write import BufferedDatasetWriter, DatasetWriter, DatasetWriterBase
from .dataset import DatasetReader, DatasetReaderBase, open_dataset
from .errors import DriverRegistrationError

__all__ = [
    "BufferedDatasetWriter",
    "DatasetReader",
    "DatasetReaderBase",
    "DatasetWriter",
    "DatasetWriterBase",
    "FilePath",
    "MemoryFile",
    "MemoryFileBase",
    "ZipMemoryFile",
    "driver_can_create",
    "driver_can_create_copy",
    "get_dataset_driver",
    "get_writer_for_driver",
    "get_writer_for_path",
]


def get_writer_for_driver(driver: str | None) -> type[DatasetWriterBase] | None:
    """The class of datasets that are made in a format; None where it cannot be written.

    Raises
    ------
    ValueError
        No format is given.
    """
    if not driver:
        raise ValueError("'driver' is required to read/write dataset.")
    try:
        name = writer_driver("", driver)
    except DriverRegistrationError:
        return None
    return BufferedDatasetWriter if name in ("COG", "PNG") else DatasetWriter


def get_writer_for_path(path: str | os.PathLike[str], driver: str | None = None) -> type[DatasetWriterBase] | None:
    """The class of datasets that are made at a path, by its ending unless a format is given.

    Raises
    ------
    ValueError
        The ending names no format.
    """
    return get_writer_for_driver(driver or writer_driver(path, None))


def driver_can_create(drivername: str) -> bool:
    """Whether rasters of a format can be written pixel by pixel."""
    return get_writer_for_driver(drivername) is DatasetWriter


def driver_can_create_copy(drivername: str) -> bool:
    """Whether rasters of a format can be written as a whole."""
    return get_writer_for_driver(drivername) is not None


def get_dataset_driver(path: str | os.PathLike[str]) -> str:
    """The format of a raster, by GDAL's name.

    Raises
    ------
    RasterioIOError
        It cannot be opened.
    """
    with open_dataset(path) as dataset:
        return dataset.driver
