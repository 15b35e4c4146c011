# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Whole rasters: copy, delete, exists."""

from __future__ import annotations

import os
from typing import Any

from . import _lib
from ._native import ffi, lib
from .dataset import DatasetReader, open_dataset
from .errors import ObjectNotFoundError


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether the object exists now; the store is asked."""
    info = ffi.new("nacre_object_info *")
    err = ffi.new("nacre_error *")
    io = _lib.IOOptions()
    try:
        _lib.check(lib.nacre_stat(_lib.encoded(path), io.pointer, info, err), err)
    except ObjectNotFoundError:
        return False
    is_object = not info.is_prefix
    lib.nacre_object_info_free(info)
    return is_object


def delete(path: str | os.PathLike[str], driver: str | None = None) -> None:
    """Delete the object; every later open in the process sees it gone."""
    err = ffi.new("nacre_error *")
    io = _lib.IOOptions()
    _lib.check(lib.nacre_delete(_lib.encoded(path), io.pointer, err), err)


def copy(
    src: DatasetReader | str | os.PathLike[str],
    dst: str | os.PathLike[str],
    driver: str = "GTiff",
    strict: bool = True,
    **creation_options: Any,
) -> None:
    """Write a dataset or view at ``dst``, whole or not at all.

    ``driver`` is GTiff, COG, PNG, or VRT: the last writes the view itself, with its sources named relative to
    ``dst`` where that can be.
    """
    dataset = src if isinstance(src, DatasetReader) else open_dataset(src)
    options = _lib.sized("nacre_save_options")
    options.overwrite = True
    name = ffi.new("char[]", driver.encode())
    options.format = name
    pairs = [ffi.new("char[]", f"{key.upper()}={value}".encode()) for key, value in creation_options.items()]
    creation = ffi.new("char const *[]", [*pairs, ffi.NULL])
    options.creation = creation
    io = _lib.IOOptions(dataset._cache)
    err = ffi.new("nacre_error *")
    _lib.check(lib.nacre_dataset_save(dataset._handle, _lib.encoded(dst), options, io.pointer, err), err)
