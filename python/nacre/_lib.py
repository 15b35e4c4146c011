# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The seam to the C library: calls, options, errors. What every module that touches ``_native`` needs."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Sequence, TYPE_CHECKING

from . import errors
from ._native import ffi, lib

if TYPE_CHECKING:
    import asyncio  # slow to import, and not needed by most programs

_ERRORS = {
    lib.NACRE_ERROR_NOT_FOUND: errors.ObjectNotFoundError,
    lib.NACRE_ERROR_DENIED: errors.ObjectDeniedError,
    lib.NACRE_ERROR_EXISTS: errors.ObjectExistsError,
    lib.NACRE_ERROR_CHANGED: errors.ObjectChangedError,
    lib.NACRE_ERROR_UNSUPPORTED: errors.UnsupportedError,
    lib.NACRE_ERROR_UNAVAILABLE: errors.StoreUnavailableError,
    lib.NACRE_ERROR_MEMORY: MemoryError,
    lib.NACRE_ERROR_INVALID: ValueError,
}


def check(status: int, err: Any) -> None:
    """Raise the exception of a status that is not OK.

    Parameters
    ----------
    status
        What the call returned.
    err
        The ``nacre_error *`` that the call was given.
    """
    if status != lib.NACRE_OK:
        raise_status(status, ffi.string(err.message).decode("utf-8", "replace"))


def raise_status(status: int, message: str) -> None:
    """Raise the exception of a status that is not OK.

    Parameters
    ----------
    status
        What a call returned.
    message
        What it said.
    """
    if status != lib.NACRE_OK:
        raise _ERRORS.get(status, errors.RasterioIOError)(message)


def text(pointer: Any) -> str:
    """A C text as str; bytes that are not UTF-8 survive the way back through ``encoded``."""
    value: bytes = ffi.string(pointer)
    return value.decode("utf-8", "surrogateescape")


def encoded(value: str | os.PathLike[str]) -> bytes:
    """A path or text for C; keys that are not UTF-8 come back as they were given."""
    return os.fspath(value).encode("utf-8", "surrogateescape")


def shown(path: str) -> str:
    """A path as it may be shown to others: without the passwords and signatures of URLs."""
    out = ffi.new("char[]", lib.nacre_path_shown(encoded(path), ffi.NULL, 0) + 1)
    lib.nacre_path_shown(encoded(path), out, len(out))
    return text(out)


def outer_level() -> int:
    """The ``stacklevel`` of a warning in the function that calls this: of the first frame outside the package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        level, frame = level + 1, frame.f_back
    return level


def sized(struct: str) -> Any:
    """A zeroed options struct with its size set."""
    pointer = ffi.new(struct + " *")
    pointer.size = ffi.sizeof(struct)
    return pointer


def config(options: Mapping[str, str]) -> Any:
    """A ``nacre_config`` with these keys.

    Raises
    ------
    ValueError
        There is no such key, or it does not take such a value.
    """
    out = ffi.gc(lib.nacre_config_new(), lib.nacre_config_free)
    if out == ffi.NULL:
        raise MemoryError("out of memory")
    err = ffi.new("nacre_error *")
    for key, value in options.items():
        check(lib.nacre_config_set(out, encoded(key), encoded(value), err), err)
    return out


def gcps(points: Sequence[Any]) -> tuple[Any, list[Any]]:
    """A ``nacre_gcp[]`` of ground control points, and the texts it names, which must be kept as long."""
    array, texts = ffi.new("nacre_gcp[]", len(points)), []
    for out, point in zip(array, points):
        words = [ffi.new("char[]", encoded(str(word or ""))) for word in (point.id, point.info)]
        out.id, out.info = words
        out.pixel, out.line, out.x, out.y, out.z = point.col, point.row, point.x, point.y, point.z or 0.0
        texts += words
    return array, texts


class Settings(NamedTuple):
    """What an Env says: nacre's keys and values, the same for C, and the options under the names they were given."""

    options: dict[str, str]
    config: Any
    named: dict[str, Any]


class _Held(threading.local):
    """The settings of this thread's innermost Env; None where it has none, and those of the main thread hold."""

    own: Settings | None = None


_held = _Held()
_of_main = Settings({}, ffi.NULL, {})


def settings() -> Settings:
    """The settings that hold in this thread."""
    return _held.own or _of_main


def hold(new: Settings | None) -> Settings | None:
    """Let settings hold in this thread, and in those that have none if it is the main one; None for none.

    Returns
    -------
    Settings or None
        This thread's until now.
    """
    global _of_main
    old, _held.own = _held.own, new
    if threading.current_thread() is threading.main_thread():
        _of_main = new or Settings({}, ffi.NULL, {})
    return old

# The GDAL plugin once nacre.gdal has loaded it, which has a cache of its own; and the policies it is told of then.
plugin: Any = None
policies: dict[str, str | None] = {}


class IOOptions:
    """Owns a ``nacre_io_options`` made of the thread's Env and a call's own arguments."""

    def __init__(self, cache: str | None = None, begins_here: bool = False) -> None:
        self.pointer = sized("nacre_io_options")
        self.pointer.begins_here = begins_here
        self._config = settings().config  # stays alive when the Env ends in the middle of the call
        self.pointer.config = self._config
        if cache is not None:
            self._cache = ffi.new("char[]", cache.encode())
            self.pointer.cache = self._cache


# How long a wait lasts at most until the interpreter looks for signals: as a rule they end it at once, but the system
# may give a signal to another thread.
_LOOK_MS = 100


class Started:
    """A call of the library that goes on without a thread of Python's. Owns the future and what the call writes to.

    Parameters
    ----------
    start
        One of the library's functions that end in ``_start``.
    *arguments
        Its arguments before the future. They live until the call has ended.
    keeps
        What else must live as long.
    """

    def __init__(self, start: Callable[..., int], *arguments: Any, keeps: Any = None) -> None:
        out = ffi.new("nacre_future **")
        err = ffi.new("nacre_error *")
        check(start(*arguments, out, err), err)
        self._hold(out[0], (arguments, keeps))

    @classmethod
    def of(cls, future: Any, keeps: Any) -> Started:
        """A call that was started otherwise."""
        call = cls.__new__(cls)
        call._hold(future, keeps)
        return call

    def _hold(self, future: Any, kept: Any) -> None:
        # By the destructor: it waits until nothing is written any longer.
        self._future = ffi.gc(future, lambda pointer: (lib.nacre_future_free(pointer), kept))

    def end(self) -> None:
        """Let go of the call, which is cancelled where it has not ended."""
        ffi.release(self._future)

    def _check(self) -> None:
        err = ffi.new("nacre_error *")
        check(lib.nacre_future_status(self._future, err), err)

    def wait(self, is_batch: bool = False) -> None:
        """Wait for its end; signals are handled meanwhile, and what a handler raises cancels the call.

        Of a batch, whose items have statuses of their own, that of the whole is not looked at.
        """
        try:
            while not lib.nacre_future_wait(self._future, _LOOK_MS):
                pass
            if not is_batch:
                self._check()
        finally:
            self.end()

    def _descriptor(self) -> int:
        out = ffi.new("int *")
        err = ffi.new("nacre_error *")
        check(lib.nacre_future_fd(self._future, out, err), err)
        return int(out[0])

    def items(self) -> Iterator[int]:
        """The items of a batch as they end. Signals are handled meanwhile."""
        index = ffi.new("size_t *")
        descriptor = self._descriptor()
        try:
            is_over = False
            while not is_over:
                while not select.select([descriptor], [], [], _LOOK_MS / 1000)[0]:
                    pass
                is_over = lib.nacre_future_wait(self._future, 0)
                while lib.nacre_future_next(self._future, index):
                    yield int(index[0])
        finally:
            self.end()

    async def awaited(self, is_batch: bool = False) -> None:
        """Like ``wait``, for asyncio.

        A task that is cancelled cancels the call, and goes on when nothing is written any longer.
        """
        import asyncio

        loop = asyncio.get_running_loop()
        descriptor = self._descriptor()
        is_cancelled = False
        try:
            while not lib.nacre_future_wait(self._future, 0):
                news: asyncio.Future[None] = loop.create_future()
                loop.add_reader(descriptor, _set_result, news)
                try:
                    await news
                except asyncio.CancelledError:
                    lib.nacre_future_cancel(self._future)
                    is_cancelled = True
                while lib.nacre_future_next(self._future, ffi.new("size_t *")):
                    pass
            if is_cancelled:
                raise asyncio.CancelledError
            if not is_batch:
                self._check()
        finally:
            loop.remove_reader(descriptor)
            self.end()


def _set_result(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_result(None)


def blocking(call: Callable[..., int], io: IOOptions, *arguments: Any) -> int:
    """Run a call of the library that blocks, whose last argument but the error (and results) is its options.

    In the main thread, which alone handles signals, it runs in another one, so that a handler can interrupt it: what
    that raises cancels the call, and is raised when it has ended.
    """
    if threading.current_thread() is not threading.main_thread():
        return call(*arguments)
    cancel = ffi.gc(lib.nacre_cancel_new(), lib.nacre_cancel_free)
    io.pointer.cancel = cancel
    statuses: list[int] = []
    ended = threading.Event()  # a join that is interrupted may take a thread for ended that runs (CPython 3.11)

    def run() -> None:
        try:
            statuses.append(call(*arguments))
        finally:
            ended.set()

    thread = threading.Thread(target=run, name="nacre-call", daemon=True)
    thread.start()
    try:
        while not ended.wait(_LOOK_MS / 1000):
            pass
    except BaseException:
        lib.nacre_cancel_trigger(cancel)
        while not ended.is_set():  # it may still write into what the caller owns
            with contextlib.suppress(KeyboardInterrupt):
                ended.wait()
        thread.join()
        raise
    thread.join()
    return statuses[0]


def io_stats() -> dict[str, int]:
    """What the process did so far on the wire and in the cache: requests, rounds, bytes, hits."""
    out = ffi.new("nacre_io_stats *")
    lib.nacre_io_stats_total(out)
    return {name: getattr(out, name) for name, _ in ffi.typeof("nacre_io_stats").fields}
