# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What JSON takes of a value, by its type: programs register their own."""

from __future__ import annotations

import functools
from typing import Any


@functools.singledispatch
def to_json(obj: Any) -> Any:
    """A value that ``json`` can write: the value itself, unless ``to_json.register`` told of its type."""
    return obj
