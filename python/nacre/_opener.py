# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Rasters that a function or an object of the caller's opens, as ``nacre.open(..., opener=...)`` takes them."""

from __future__ import annotations

import os
from typing import Any

from . import _lib
from ._memory import MemoryFile, put, remove
from .abc import MultiByteRangeResourceContainer
from .errors import ObjectDeniedError, ObjectNotFoundError, OpenerRegistrationError, RasterioIOError

# Files beside a raster that are looked for, too.
_BESIDE = (".aux.xml", ".ovr", ".msk")


class Opener:
    """Opens files by a function ``(path, mode)``, or by the method ``open`` of an object.

    Parameters
    ----------
    given
        Such a function (``open``, a ``ZipFile``'s ``open``), a file system of fsspec's, or a ``FileContainer``.

    Raises
    ------
    OpenerRegistrationError
        It is neither.
    NotImplementedError
        It is a ``MultiByteRangeResourceContainer``.
    """

    def __init__(self, given: Any) -> None:
        if isinstance(given, MultiByteRangeResourceContainer):
            raise NotImplementedError("openers that give many ranges at once are not built yet: give a FileContainer")
        self._open = getattr(given, "open", given)
        self._is_file = getattr(given, "isfile", None)
        if not callable(self._open):
            raise OpenerRegistrationError(f"{given!r} can open nothing: give a function, or what has a method open")

    def file(self, path: str, mode: str) -> Any:
        """A file of the caller's, opened for bytes."""
        try:
            return self._open(path, mode)
        except ValueError:
            return self._open(path, mode.replace("b", ""))  # those of a ZipFile know only r and w

    def bytes(self, path: str) -> bytes:
        """A file's bytes.

        Raises
        ------
        RasterioIOError
            It cannot be opened or read: also a ``FileNotFoundError`` or ``PermissionError`` where the opener says so.
        """
        try:
            with self.file(path, "rb") as file:
                data = file.read()
        except FileNotFoundError as error:
            raise ObjectNotFoundError(f"{_lib.shown(path)}: the opener finds no such file: {error}") from error
        except PermissionError as error:
            raise ObjectDeniedError(f"{_lib.shown(path)}: the opener may not read it: {error}") from error
        except Exception as error:  # whatever the caller's code raises
            raise RasterioIOError(f"{_lib.shown(path)}: the opener failed: {error!r}") from error
        if not isinstance(data, bytes):
            raise RasterioIOError(f"{_lib.shown(path)}: the opener's file gives {type(data).__name__}, not bytes")
        return data

    def has(self, path: str) -> bool:
        """Whether there is a file, as far as that can be told without opening it."""
        return self._is_file is None or bool(self._is_file(path))

    def write(self, path: str, data: Any) -> None:
        """Write a file whole."""
        with self.file(path, "wb") as file:
            file.write(data)


def open_by(
    opener: Any, fp: str | os.PathLike[str], mode: str, driver: str | None, options: dict[str, Any]
) -> Any:
    """Open or make a dataset in a file that an opener opens: read whole at the beginning, written whole at the end."""
    from ._open import open_any, writer_driver

    by, path = Opener(opener), os.fspath(fp)
    memory = MemoryFile(by.bytes(path) if mode in ("r", "r+") else None, filename=os.path.basename(path))
    beside: list[str] = []
    try:
        if mode in ("r", "r+"):
            beside = _take_beside(by, path, memory.name)
        else:
            driver = writer_driver(path, driver)
        dataset = open_any(memory.name, mode, driver, **options)
    except BaseException:
        _forget(memory, beside)
        raise
    dataset._at_end.append(lambda: _forget(memory, beside))
    if mode != "r":
        dataset._at_commit.append(lambda: by.write(path, memory.getbuffer()))
    return dataset


def _take_beside(by: Opener, path: str, name: str) -> list[str]:
    """Takes copies of the files beside a raster into memory; their paths there."""
    taken = []
    for ending in _BESIDE:
        if not by.has(path + ending):
            continue
        try:
            put(name + ending, memoryview(by.bytes(path + ending)))
        except RasterioIOError:
            continue  # as a rule there is none
        taken.append(name + ending)
    return taken


def _forget(memory: MemoryFile, beside: list[str]) -> None:
    memory.close()
    for name in beside:
        remove(name)
