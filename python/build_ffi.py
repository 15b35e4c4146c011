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


# What python/native.h has.
OWN = """
typedef struct nacre_py_started {
    nacre_future *future;
    nacre_error error;
} nacre_py_started;
void nacre_py_read_options(nacre_read_options *out, double x, double y, double width, double height, int out_width,
                           int out_height, const int *bands, int band_count, int dtype, int resampling, int kind,
                           bool boundless, bool has_fill, double fill);
#define NACRE_PY_GOES_ON -1
nacre_py_started *nacre_py_started_of_thread(void);
int nacre_py_read_start(nacre_dataset *dataset, double x, double y, double width, double height, int out_width,
                        int out_height, const int *bands, int band_count, int dtype, int resampling, int kind,
                        bool boundless, bool has_fill, double fill, void *buffer, size_t buffer_size,
                        const nacre_config *config, const char *cache, bool waits);
"""

CALLBACKS = """
extern "Python" bool nacre_py_progress(void *user, double fraction);
extern "Python" bool nacre_py_list(void *user, const nacre_object_info *info);
"""


def main(include_directory: str, output: str) -> None:
    """Write the source."""
    builder = cffi.FFI()
    own = pathlib.Path(__file__).with_name("native.h").read_text()
    builder.cdef(declarations(pathlib.Path(include_directory)) + OWN + CALLBACKS)
    builder.set_source("nacre._native", own)
    builder.emit_c_code(output)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
