# SPDX-License-Identifier: MIT
# Copyright the nacre authors
# cffi's objects have no types of their own; what goes through them is typed in _lib.py.
from typing import Any

ffi: Any
lib: Any
