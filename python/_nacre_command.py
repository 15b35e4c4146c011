# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The ``nacre`` command of a wheel: the program that lies inside the package takes over.

Not in the package, whose import would take ten times as long as the command does.
"""

import os
import sys


def main() -> None:
    """Become the program."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nacre", "bin", "nacre")
    os.execv(program, ["nacre", *sys.argv[1:]])
