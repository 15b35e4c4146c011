# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The ``nacre`` command of a wheel: the program that lies inside the package takes over."""

import os
import pathlib
import sys


def main() -> None:
    """Become the program."""
    program = pathlib.Path(__file__).parent / "bin" / "nacre"
    os.execv(program, ["nacre", *sys.argv[1:]])
