# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Where Rasterio keeps its dataset classes and its files in memory."""

from __future__ import annotations

import os

from ._memory import FilePath, MemoryFile, MemoryFileBase, ZipMemoryFile
from ._open import writer_driver
from ._write import BufferedDatasetWriter, DatasetWriter, DatasetWriterBase
from .dataset import DatasetReader, DatasetReaderBase
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
