# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Writes the C source of the extension module ``nacre._native`` from the public headers.

The declarations that cffi needs are the headers themselves without the preprocessor, so there is no second list of
functions to keep. Usage: build_ffi.py INCLUDE_DIRECTORY OUTPUT.c
"""

import pathlib
import re
import sys

import cffi

# In the order in which they include one another.
HEADERS = [
    "error", "config", "file", "cache", "types", "crs", "dataset", "future", "batch", "view", "edit", "validate",
    "points", "measure",
]  # fmt: skip


def declarations(include_directory: pathlib.Path) -> str:
    """The headers' declarations, without comments, directives and the marks of exports."""
    text = "\n".join((include_directory / "nacre" / f"{name}.h").read_text() for name in HEADERS)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"\\\n", " ", text)  # continued macro lines become one
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    text = re.sub(r'extern "C" \{', "", text)
    text = re.sub(r"^\}$", "", text, flags=re.M)
    return text.replace("NACRE_API", "")


CALLBACKS = """
extern "Python" bool nacre_py_progress(void *user, double fraction);
extern "Python" bool nacre_py_list(void *user, const nacre_object_info *info);
"""


def main(include_directory: str, output: str) -> None:
    """Write the source."""
    builder = cffi.FFI()
    builder.cdef(declarations(pathlib.Path(include_directory)) + CALLBACKS)
    builder.set_source("nacre._native", "#include <nacre/nacre.h>")
    builder.emit_c_code(output)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
