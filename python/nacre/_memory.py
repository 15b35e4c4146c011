# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Files in memory, and files of Python's as datasets."""

from __future__ import annotations

import io
import uuid
import warnings
import weakref
from types import TracebackType
from typing import Any, TypeVar

from . import _lib
from ._native import ffi, lib
from .errors import ObjectNotFoundError, RasterioDeprecationWarning

_Self = TypeVar("_Self", bound="MemoryFileBase")


def put(path: str, data: Any) -> None:
    """Writes a file whole.

    Parameters
    ----------
    path
        Where.
    data
        Bytes, or a buffer of them.
    """
    out = ffi.new("nacre_writer **")
    err = ffi.new("nacre_error *")
    options = _lib.IOOptions()
    _lib.check(lib.nacre_writer_open(_lib.encoded(path), ffi.NULL, options.pointer, out, err), err)
    writer = ffi.gc(out[0], lib.nacre_writer_close)
    if len(data):
        _lib.check(lib.nacre_writer_write(writer, ffi.from_buffer(data), len(data), err), err)
    _lib.check(lib.nacre_writer_commit(writer, err), err)


def get(path: str) -> bytearray:
    """A file's bytes.

    Raises
    ------
    ObjectNotFoundError
        There is none.
    """
    out = ffi.new("nacre_file **")
    err = ffi.new("nacre_error *")
    options = _lib.IOOptions()
    _lib.check(lib.nacre_file_open(_lib.encoded(path), options.pointer, out, err), err)
    file = ffi.gc(out[0], lib.nacre_file_close)
    data = bytearray(lib.nacre_file_size(file))
    if data:
        buffer = ffi.from_buffer(data, require_writable=True)
        ranges = ffi.new("nacre_range *", {"offset": 0, "length": len(data), "buffer": buffer})
        _lib.check(lib.nacre_file_read(file, ranges, 1, options.pointer, err), err)
    return data


def remove(path: str) -> None:
    """Deletes a file, if it is there."""
    err = ffi.new("nacre_error *")
    status = lib.nacre_delete(_lib.encoded(path), _lib.IOOptions().pointer, err)
    if status != lib.NACRE_ERROR_NOT_FOUND:
        _lib.check(status, err)


class MemoryFileBase:
    """Bytes in memory that have a path: programs read and write them, and datasets are opened on them.

    Parameters
    ----------
    file_or_bytes
        What is in it at first: bytes, or a file that is open for reading bytes.
    dirname, filename, ext
        Parts of its path below ``/vsimem``; by default a new folder and name, and ``.tif``.

    Raises
    ------
    TypeError
        ``file_or_bytes`` is neither.
    """

    def __init__(
        self, file_or_bytes: Any = None, dirname: str | None = None, filename: str | None = None, ext: str = ".tif"
    ) -> None:
        self._is_closed = True  # until it is there
        data = file_or_bytes
        if hasattr(data, "read"):
            data = data.read()
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"expected bytes, {type(data).__name__} found")
        elif data is not None and not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError("Constructor argument must be a file opened in binary mode or bytes.")
        name = str(uuid.uuid4())
        leaf = filename or f"{name}.{ext.lstrip('.')}"
        self.name = f"/vsimem/{dirname or name}/{leaf}"
        self.mode = "r" if data else "w+"
        self._position = 0
        self._pending: bytearray | None = None  # newer than the file
        self._opened: weakref.WeakSet[Any] = weakref.WeakSet()  # datasets, which a with block closes at its end
        put(self.name, memoryview(data or b""))
        self._is_closed = False

    def _flush(self) -> None:
        if self._pending is not None:
            put(self.name, self._pending)
            self._pending = None

    def _content(self) -> bytearray:
        if self._pending is not None:
            return self._pending
        try:
            return get(self.name)
        except ObjectNotFoundError:
            return bytearray()

    @property
    def closed(self) -> bool:
        """Whether it was closed, and is gone."""
        return self._is_closed

    def exists(self) -> bool:
        """Whether it is there."""
        from .shutil import exists

        return exists(self.name)

    def __len__(self) -> int:
        return 0 if self._is_closed else len(self._content())

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError("I/O operation on closed MemoryFile")

    def getbuffer(self) -> memoryview:
        """A copy of its bytes, as a view that is read-only."""
        self._check_open()
        return memoryview(self._content()).toreadonly()

    def read(self, size: int = -1) -> bytes:
        """Bytes from the position on.

        Parameters
        ----------
        size
            At most so many; -1 for all that follow.
        """
        self._check_open()
        content = self._content()
        end = len(content) if size is None or size < 0 else self._position + size
        data = bytes(content[self._position : end])
        self._position += len(data)
        return data

    def write(self, data: Any) -> int:
        """Write bytes at the position. Datasets that are open go on with what was there.

        Returns
        -------
        int
            How many there were.
        """
        self._check_open()
        if self._pending is None:
            self._pending = self._content()
        view = memoryview(data).cast("B")
        if self._position > len(self._pending):
            self._pending.extend(bytes(self._position - len(self._pending)))
        self._pending[self._position : self._position + len(view)] = view
        self._position += len(view)
        return len(view)

    def tell(self) -> int:
        """The position."""
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position, from the beginning (0), the position (1) or the end (2)."""
        self._check_open()
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self)}
        if whence not in starts:
            raise ValueError(f"whence is 0, 1 or 2: {whence}")
        start = starts[whence]
        self._position = max(0, start + offset)
        return self._position

    def close(self) -> None:
        """Forget its bytes. Datasets that are open on it can no longer be read."""
        if not self._is_closed:
            self._is_closed = True
            self._pending = None
            remove(self.name)

    def __del__(self) -> None:
        if not getattr(self, "_is_closed", True):
            self.close()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for dataset in list(self._opened):
            dataset.close()
        self.close()


class MemoryFile(MemoryFileBase):
    """A file in memory that holds one raster.

    Parameters
    ----------
    file_or_bytes
        What is in it at first: bytes, or a file that is open for reading bytes.
    dirname, filename, ext
        Parts of its path below ``/vsimem``; by default a new folder and name, and ``.tif``.

    Raises
    ------
    TypeError
        ``file_or_bytes`` is neither.
    """

    def open(
        self,
        driver: str | None = None,
        width: int | None = None,
        height: int | None = None,
        count: int | None = None,
        crs: Any = None,
        transform: Any = None,
        dtype: Any = None,
        nodata: float | None = None,
        sharing: bool = False,
        thread_safe: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Open the raster in it (mode r), or make one where it is empty (w+). Arguments are those of ``nacre.open``.

        Raises
        ------
        ValueError
            It was closed; it is empty, and no driver was given.
        RasterioIOError
            It cannot be opened.
        """
        from ._open import open_any

        if self._is_closed:
            raise ValueError("I/O operation on closed file.")
        self._flush()
        if len(self):
            dataset = open_any(self.name, "r", driver, **kwargs)
        else:
            if not driver:
                raise ValueError("'driver' is required to read/write dataset.")
            dataset = open_any(
                self.name, "w+", driver, width=width, height=height, count=count, crs=crs, transform=transform,
                dtype=dtype, nodata=nodata, **kwargs,
            )  # fmt: skip
        dataset._memory = self  # lives as long
        self._opened.add(dataset)
        return dataset


class ZipMemoryFile(MemoryFileBase):
    """A ZIP archive in memory.

    Parameters
    ----------
    file_or_bytes
        The archive: bytes, or a file that is open for reading bytes.
    """

    def __init__(self, file_or_bytes: Any = None) -> None:
        super().__init__(file_or_bytes, ext=".zip")

    def open(
        self, path: str, driver: str | None = None, sharing: bool = False, thread_safe: bool = False, **kwargs: Any
    ) -> Any:
        """Open a raster in the archive, by its path from the archive's root. Arguments are those of ``nacre.open``.

        Raises
        ------
        ValueError
            It was closed.
        RasterioIOError
            It cannot be opened.
        """
        from ._open import open_any

        if self._is_closed:
            raise ValueError("I/O operation on closed file.")
        self._flush()
        dataset = open_any(f"/vsizip{self.name}/{path.lstrip('/')}", "r", driver, **kwargs)
        dataset._memory = self
        self._opened.add(dataset)
        return dataset


class FilePath:
    """A file of Python's that is read as a raster: whole, into memory, when it is opened.

    Parameters
    ----------
    filelike_obj
        A file that is open for reading bytes.

    Raises
    ------
    TypeError
        ``filelike_obj`` is none.
    """

    def __init__(self, filelike_obj: Any, dirname: str | None = None, filename: str | None = None) -> None:
        text = "FilePath is supplanted by open's new opener keyword argument, and will be removed in 2.0.0."
        warnings.warn(text, RasterioDeprecationWarning, stacklevel=2)
        if not hasattr(filelike_obj, "read"):
            raise TypeError(f"a file is expected, not {type(filelike_obj).__name__}")
        self._file, self._names = filelike_obj, (dirname, filename)
        self.closed = False

    def open(
        self, driver: str | None = None, sharing: bool = False, thread_safe: bool = False, **kwargs: Any
    ) -> Any:
        """Open the raster in it. Arguments are those of ``nacre.open``.

        Raises
        ------
        OSError
            It was closed.
        """
        if self.closed:
            raise OSError("I/O operation on closed file.")
        memory = MemoryFile(self._file, *self._names)
        dataset = memory.open(driver=driver, **kwargs)
        dataset._at_end.append(memory.close)
        return dataset

    def exists(self) -> bool:
        """Whether a raster can be opened."""
        return not self.closed

    def close(self) -> None:
        """No raster can be opened any longer."""
        self.closed = True

    def __enter__(self) -> FilePath:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
