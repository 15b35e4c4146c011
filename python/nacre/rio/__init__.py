# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What libraries use of Rasterio's command. The command itself is not built; see ``nacre`` for nacre's own."""

from __future__ import annotations

from typing import Any

_LATER = frozenset(
    "blocks bounds calc clip convert create edit_info env gcps info insp main mask merge options rasterize rm sample shapes"
    " stack transform warp".split()
)


def __getattr__(name: str) -> Any:
    if name in _LATER:
        raise NotImplementedError(f"nacre.rio.{name} is not built yet: the commands of rio are not there; see `nacre --help`")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
