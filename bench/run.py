# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Runs benchmarks: `./dev bench [NAME]`. One program a question: bench/bench_NAME.py with a function run(folder)."""

import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT / "build-release" / "python"), str(HERE)]


def main() -> int:
    """Runs the named benchmarks, or all; 1 where a goal was missed."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    names = sys.argv[1:] or known
    for name in names:
        if name not in known:
            print(f"bench: no benchmark {name}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
    folder = ROOT / "build-release" / "bench-data"
    folder.mkdir(parents=True, exist_ok=True)
    reached = True
    for name in names:
        print(f"# {name}\n")
        reached &= importlib.import_module(f"bench_{name}").run(folder)
        print()
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
