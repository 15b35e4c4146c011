# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Many reads of many datasets as one."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Iterable, Iterator, Sequence, Union

import numpy as np

from . import _lib, _read
from ._native import ffi, lib
from ._read import Array
from .dataset import DatasetReaderBase, OpenOptions
from .enums import MaskFlags, Resampling
from .errors import DatasetIOShapeError
from .windows import Window, evaluate

Source = Union[DatasetReaderBase, str, "os.PathLike[str]"]


@dataclasses.dataclass
class BatchItem:
    """One read of a batch.

    Parameters
    ----------
    source
        A dataset that is open, or a path, which is opened for the batch: once, whatever the number of its items.
    indexes, window, masked, out_shape, resampling, out_dtype
        As for ``DatasetReader.read``. The window of a path must lie inside the raster, and is a ``Window`` or pairs of
        numbers; where bands have several types and ``out_dtype`` is not given, values come in the first one's.
    """

    source: Source
    indexes: int | Sequence[int] | None = None
    window: Any = None
    masked: bool = False
    out_shape: tuple[int, ...] | None = None
    resampling: Resampling = Resampling.nearest
    out_dtype: Any = None


class _Part:
    """The values of an item, or its masks: one of the library's items."""

    def __init__(self, item: BatchItem, masks: bool, native: Any, error: Any) -> None:
        self._item, self._native, self._error = item, native, error
        self._options = _lib.sized("nacre_read_options")
        self._array: Array | None = None
        self._keeps: list[Any] = []
        native.size = ffi.sizeof("nacre_batch_item")
        native.read_options = self._options
        native.error = error
        if isinstance(item.source, DatasetReaderBase):
            self._prepare_open(item.source, masks)
        else:
            self._prepare_path(item.source, masks)

    def _prepare_open(self, dataset: DatasetReaderBase, masks: bool) -> None:
        item = self._item
        handle = dataset._open_handle()
        request = _read.Request(
            dataset.dtypes, dataset.shape, item.indexes, item.window, item.out_shape, item.resampling
        )
        self._array = np.empty(request.shape, np.uint8) if masks else request.values_array(item.out_dtype)
        kind = "masks" if masks else "values"
        options, numbers = request.options(self._array.shape, self._array.dtype, dataset.name, kind)
        self._native.read_options, self._native.dataset = options, handle
        self._target = _read.Target(self._array)
        self._native.buffer, self._native.buffer_size = self._target.buffer, self._target.size
        self._keeps += [options, numbers, handle, self._target]

    def _prepare_path(self, path: str | os.PathLike[str], masks: bool) -> None:
        item, options = self._item, self._options
        name = ffi.new("char[]", _lib.encoded(path))
        self._keeps.append(name)
        self._native.path = name
        options.masks, options.resampling = masks, int(Resampling(item.resampling))
        if item.indexes is not None:
            numbers = ffi.new("int[]", [item.indexes] if isinstance(item.indexes, int) else list(item.indexes))
            self._keeps.append(numbers)
            options.bands, options.band_count = numbers, len(numbers)
        if item.window is not None:
            window = evaluate(item.window, -1, -1)
            options.window = window.flatten()
            lengths = window.round_lengths()
            options.out_width, options.out_height = int(lengths.width), int(lengths.height)
        if item.out_shape is not None:
            options.out_height, options.out_width = item.out_shape[-2:]
        if item.out_dtype is not None and not masks:
            options.dtype = _read.dtype_number(np.dtype(item.out_dtype).name)

    def result(self) -> Array:
        """The array, once the item has ended.

        Raises
        ------
        RasterioIOError, ValueError
            The item has failed.
        """
        native = self._native
        _lib.check(native.status, self._error)
        if self._array is not None:
            self._target.finish()
            return self._array
        buffer = ffi.gc(native.buffer, lib.nacre_batch_buffer_free)
        size = native.buffer_size
        native.buffer, native.is_allocated = ffi.NULL, False
        name = _lib.text(lib.nacre_dtype_name(native.dtype))
        stored = {"complex_int16": "int16", "complex_int32": "int32"}.get(name, name)
        values = np.frombuffer(ffi.buffer(buffer, size), stored)
        if name in _read.AS_NUMPY:
            values = values.astype("float32").view(_read.AS_NUMPY[name])
        return values.reshape(self._shape(native.band_count, native.height, native.width))

    def _shape(self, bands: int, rows: int, columns: int) -> tuple[int, ...]:
        asked = self._item.out_shape
        if isinstance(self._item.indexes, int):
            return (rows, columns)
        if asked is not None and len(asked) == 3 and asked[0] != bands:
            raise DatasetIOShapeError(f"an array of shape {tuple(asked)} does not fit {bands} bands")
        return (bands, rows, columns)


class Batch:
    """Reads under way, each with one or two of the library's items: its values, and its masks.

    Parameters
    ----------
    items
        What is read; see ``nacre.read_batch``.
    cache
        As for ``nacre.open``.
    """

    def __init__(self, items: Iterable[Any], cache: str | None) -> None:
        self.items = [_as_item(item) for item in items]
        count = 2 * len(self.items)
        self._natives = ffi.new("nacre_batch_item[]", count)
        self._errors = errors = ffi.new("nacre_error[]", count)
        self._parts: list[list[_Part]] = []
        self._owners: list[int] = []  # of the library's items
        self._left: list[int] = []  # of each item: parts that have not ended
        self.refused: dict[int, Exception] = {}  # items that are wrong by themselves
        for index, item in enumerate(self.items):
            self._add(index, item, errors)
        io, options, opening = _lib.IOOptions(cache), _lib.sized("nacre_batch_options"), OpenOptions(None)
        options.open_options = opening.pointer
        arguments = (self._natives, len(self._owners), options, io.pointer)
        keeps = (self._parts, errors, opening, io)
        self.call = _lib.Started(lib.nacre_dataset_read_batch_start, *arguments, keeps=keeps)

    def _add(self, index: int, item: BatchItem, errors: Any) -> None:
        parts: list[_Part] = []
        try:
            for masks in (False, True) if item.masked and _may_have_mask(item.source) else (False,):
                at = len(self._owners) + len(parts)
                ffi.memmove(self._natives + at, bytes(ffi.sizeof("nacre_batch_item")), ffi.sizeof("nacre_batch_item"))
                parts.append(_Part(item, masks, self._natives[at], errors + at))
        except Exception as error:
            self.refused[index] = error
            parts = []
        self._parts.append(parts)
        self._left.append(len(parts))
        self._owners += [index] * len(parts)

    def __del__(self) -> None:
        if hasattr(self, "call"):
            self.call.end()
            for at in range(len(self._owners)):  # what nobody has taken
                lib.nacre_batch_item_clear(self._natives + at)

    def has_ended(self, part: int) -> int | None:
        """Takes note of the end of one of the library's items: the index of the item that has ended with it."""
        owner = self._owners[part]
        self._left[owner] -= 1
        return None if self._left[owner] else owner

    def result(self, index: int) -> Array:
        """The array of an item that has ended.

        Raises
        ------
        Exception
            The item has failed.
        """
        if index in self.refused:
            raise self.refused[index]
        item = self.items[index]
        arrays = [part.result() for part in self._parts[index]]
        self._parts[index] = []
        if not item.masked:
            return arrays[0]
        mask: Any = np.ma.nomask if len(arrays) == 1 else arrays[1] == 0
        return np.ma.MaskedArray(arrays[0], mask=mask, fill_value=_fill_value(item))

    def results(self, return_exceptions: bool) -> list[Any]:
        """Every item's array, or what it failed with; raises the first failure unless they are to be returned."""
        found: list[Any] = []
        for index in range(len(self.items)):
            try:
                found.append(self.result(index))
            except Exception as error:
                if not return_exceptions:
                    raise
                found.append(error)
        return found


def _as_item(item: Any) -> BatchItem:
    if isinstance(item, BatchItem):
        return item
    if isinstance(item, (DatasetReaderBase, str, os.PathLike)):
        return BatchItem(item)
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return BatchItem(item[0], window=item[1])
    raise TypeError(f"not an item of a batch: {item!r}; give a BatchItem, a dataset or path, or such a one and a window")


def _may_have_mask(source: Source) -> bool:
    if not isinstance(source, DatasetReaderBase):
        return True
    return any(flags != [MaskFlags.all_valid] for flags in source.mask_flag_enums)


def _fill_value(item: BatchItem) -> float | None:
    return item.source.nodata if isinstance(item.source, DatasetReaderBase) else None


def read_batch(items: Iterable[Any], *, cache: str | None = None, return_exceptions: bool = False) -> list[Any]:
    """Read many windows of many datasets as one: it takes the round trips of a single read, in bounded memory.

    Parameters
    ----------
    items
        Each a ``BatchItem``, or a dataset or path for all of it, or (dataset or path, window). What paths name is
        opened together, and closed after its last item.
    cache
        For paths, and all reads: as for ``nacre.open``.
    return_exceptions
        Give what an item failed with in its place; else the first failure is raised when all items have ended.

    Returns
    -------
    list of numpy.ndarray
        In the order of the items. Items with ``masked`` give masked arrays.

    Raises
    ------
    RasterioIOError, ValueError
        An item has failed.
    """
    batch = Batch(items, cache)
    batch.call.wait(is_batch=True)
    return batch.results(return_exceptions)


async def aread_batch(items: Iterable[Any], *, cache: str | None = None, return_exceptions: bool = False) -> list[Any]:
    """Like ``read_batch``, for asyncio: no thread waits. Cancelling the task cancels the reads."""
    batch = Batch(items, cache)
    await batch.call.awaited(is_batch=True)
    return batch.results(return_exceptions)


def iter_batch(items: Iterable[Any], *, cache: str | None = None) -> Iterator[tuple[int, Any]]:
    """Like ``read_batch``, item by item as they end: pairs of an item's index and its array, or what it failed with.

    Leaving the loop cancels what is under way.
    """
    batch = Batch(items, cache)
    yield from batch.refused.items()
    for part in batch.call.items():
        index = batch.has_ended(part)
        if index is None:
            continue
        try:
            result: Any = batch.result(index)
        except Exception as error:
            result = error
        yield index, result

