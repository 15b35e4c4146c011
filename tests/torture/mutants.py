# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Breaks rules of the cache, one at a time, in a copy of the tree, and runs the torture on it: each must be found.

    .venv/bin/python tests/torture/mutants.py [--seconds 36] [NAME...]
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A rule that is broken: `old` becomes `new` in `file`."""

    name: str
    rule: str
    file: str
    old: str
    new: str
    round: str = "calm"  # the kind of round that shows it
    also: tuple[str, str] | None = None  # another text of that file, and what becomes of it


MUTANTS = [
    Mutant(
        "open-believes-the-cache", "each open is proven", "src/cache/open.c",
        "    if (policy.kind == NCR_POLICY_FRESH)\n        return false;\n",
        "    if (policy.kind == NCR_POLICY_FRESH)\n        policy.kind = NCR_POLICY_IMMUTABLE;\n",
    ),
    Mutant(
        "open-joins-a-proof-under-way", "a proof serves the opens that began before it was sent", "src/cache/open.c",
        "    if (waits)\n        wait_for_next_locked(proof, open);\n",
        "    if (waits) {\n        open->next = proof->opens->next;\n        proof->opens->next = open;\n    }\n",
    ),
    Mutant(
        "versions-share-bytes", "cached bytes are found by version", "src/cache/table.c",
        "if (snapshot->size == facts->size && ncr_version_same(&snapshot->version, &facts->version))",
        "if (snapshot->size == facts->size)",
    ),
    Mutant(
        "own-change-forgets-nothing", "an own change ends what was proven before it", "src/cache/cache.c",
        "        if (outcome != NCR_OUTCOME_NOT_DONE)\n            ncr_proven_forget_locked(subject);\n", "",
    ),
    Mutant(
        "fork-keeps-requests", "the child of a fork forgets what is under way", "src/cache/cache.c",
        "    ncr_subject_each_locked(\"\", drop_inflight);\n", "",
    ),
    Mutant(
        "tiles-by-place-alone", "decoded tiles are found by version", "src/cache/value.c",
        "    const uint64_t parts[] = {(uint64_t)(uintptr_t)snapshot, ",
        "    const uint64_t parts[] = {snapshot->subject ? snapshot->subject->node.hash : 0, ",
        "calm",
        ("cached->snapshot == snapshot &&", "cached->snapshot->subject == snapshot->subject &&"),
    ),
]  # fmt: skip


def copy_tree(target: pathlib.Path) -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
            shutil.copymode(ROOT / name, target / name)


def build(tree: pathlib.Path) -> None:
    if not (tree / "build").exists():
        subprocess.run(["meson", "setup", "build"], cwd=tree, check=True, capture_output=True)
    command = ["ninja", "-C", "build", "nacre", "tests/torture/torture-worker"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout[-3000:])


def try_mutant(tree: pathlib.Path, mutant: Mutant, seconds: float, seed: int) -> bool:
    path = tree / mutant.file
    text = path.read_text()
    broken = text
    for old, new in [(mutant.old, mutant.new), *([mutant.also] if mutant.also else [])]:
        if broken.count(old) != 1:
            raise SystemExit(f"{mutant.name}: {mutant.file} has changed; bring the mutant up to date")
        broken = broken.replace(old, new)
    path.write_text(broken)
    try:
        build(tree)
        began = time.monotonic()
        command = [sys.executable, "tests/torture/torture.py", str(seconds), "--seed", str(seed), "--replays", "0"]
        command += ["--round", mutant.round]
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    finally:
        path.write_text(text)
    found = done.returncode == 1 and "violations: 0" not in done.stdout
    print(f"{mutant.name}: {'found' if found else 'NOT FOUND'} after {time.monotonic() - began:.0f} s", flush=True)
    lines = done.stdout.split("violations:")[-1].splitlines()[1:6]
    print("\n".join(f"    {line[:160]}" for line in lines) + done.stderr[-2000:], flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=36)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("names", nargs="*", help="all, where none is given")
    arguments = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if not arguments.names or mutant.name in arguments.names]
    with tempfile.TemporaryDirectory(prefix="nacre-mutants-") as folder:
        tree = pathlib.Path(folder)
        copy_tree(tree)
        build(tree)
        found = [try_mutant(tree, mutant, arguments.seconds, arguments.seed) for mutant in chosen]
    print(f"{sum(found)} of {len(found)} found")
    return 0 if found and all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
