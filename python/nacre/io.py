# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Where Rasterio keeps its dataset classes."""

from . import _later
from .dataset import DatasetReader

__all__ = ["DatasetReader"]

__getattr__ = _later.names(
    __name__,
    "BufferedDatasetWriter DatasetWriter FilePath MemoryFile ZipMemoryFile get_writer_for_driver get_writer_for_path",
)
