# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Runs auditwheel with a list of the system's libraries that is shorter than its own: graft.py FOLDER WHEEL.

A program of its own, since auditwheel keeps what it has found out about the loader.
"""

import json
import pathlib
import sys
import tempfile

import auditwheel.libc
import auditwheel.main
import auditwheel.policy

# On auditwheel's list, and not on every system.
BROUGHT = {"libexpat.so.1", "libz.so.1"}


def main(folder: str, wheel: str) -> int:
    """Write the wheel with its libraries into a folder."""
    known = auditwheel.policy._POLICY_JSON_MAP
    policies = json.loads(known[auditwheel.libc.Libc.GLIBC].read_text())
    for policy in policies:
        policy["lib_whitelist"] = [name for name in policy["lib_whitelist"] if name not in BROUGHT]
    with tempfile.TemporaryDirectory() as place:
        known[auditwheel.libc.Libc.GLIBC] = pathlib.Path(place) / "policies.json"
        known[auditwheel.libc.Libc.GLIBC].write_text(json.dumps(policies))
        sys.argv = ["auditwheel", "repair", "--strip", "-w", folder, wheel]
        return auditwheel.main.main() or 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
