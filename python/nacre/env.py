# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Configuration for a block of code."""

from __future__ import annotations

import warnings
from types import TracebackType
from typing import Any

from . import _lib

# GDAL's and Rasterio's names for what nacre has too.
_SAME = {
    "CPL_GS_ENDPOINT": "gs.endpoint",
    "GS_NO_SIGN_REQUEST": "gs.no_sign_request",
    "GS_USER_PROJECT": "gs.billing_project",
    "GDAL_HTTP_MAX_RETRY": "http.retries",
    "GDAL_HTTP_RETRY_DELAY": "http.retry_delay",
    "GDAL_HTTP_CONNECTTIMEOUT": "http.connect_timeout",
    "GDAL_HTTP_CAINFO": "http.ca_bundle",
}


def _option(name: str, value: Any) -> tuple[str, str] | None:
    """A key of nacre's and its value, or None with a warning for an option without effect."""
    key = name.lower() if "." in name else _SAME.get(name.upper())
    if key is None:
        warnings.warn(f"{name} has no effect in nacre", stacklevel=4)
        return None
    return key, {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


class Env:
    """Options that hold inside a ``with`` block, in this thread. Blocks nest; an inner one adds to the outer one.

    Options are nacre's keys (``{"gs.endpoint": ...}``) or GDAL's names where nacre has the same thing.
    """

    def __init__(self, session: Any = None, **options: Any) -> None:
        if session is not None:
            raise NotImplementedError("sessions are not built yet: use options such as gs.access_token")
        pairs = (_option(name, value) for name, value in options.items())
        self._options = dict(pair for pair in pairs if pair)
        self._outer: list[dict[str, str]] = []

    def __enter__(self) -> Env:
        self._outer.append(_lib.settings.options)
        _lib.settings.options = {**_lib.settings.options, **self._options}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        _lib.settings.options = self._outer.pop()
