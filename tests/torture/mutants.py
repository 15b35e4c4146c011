# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Breaks rules of the cache, one at a time, in a copy of the tree, and runs the torture on it, or the unit test that is
said: each must be found.

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


Edit = tuple[str, str, str]  # file, a text that is in it once, what becomes of it


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A rule that is broken, wherever it is kept."""

    name: str
    rule: str
    edits: list[Edit]
    round: str = "calm"  # the kind of round that shows it
    test: str = ""  # the unit test that shows it instead, where the torture cannot


COMPARED = "        return ncr_version_same(&pinned->version, &said->version);\n"
CHECKED = "    if (!is_pinned || ncr_version_matches(get->version, &get->facts.version))\n"

MUTANTS = [
    Mutant(
        "open-believes-the-cache", "each open is proven",
        [("src/cache/open.c",
          "    if (policy.kind == NCR_POLICY_FRESH)\n        return false;\n",
          "    if (policy.kind == NCR_POLICY_FRESH)\n        policy.kind = NCR_POLICY_IMMUTABLE;\n")],
    ),
    Mutant(
        "open-joins-a-proof-under-way", "a proof serves the opens that began before it was sent",
        [("src/cache/open.c",
          "    if (waits)\n        wait_for_next_locked(proof, open);\n",
          "    if (waits) {\n        open->next = proof->opens->next;\n        proof->opens->next = open;\n    }\n")],
        test="cache/contract",
    ),
    Mutant(
        "versions-share-bytes", "cached bytes are found by version",
        [("src/cache/table.c",
          "if (snapshot->size == facts->size && ncr_version_same(&snapshot->version, &facts->version))",
          "if (snapshot->size == facts->size)")],
    ),
    Mutant(
        "own-change-forgets-nothing", "an own change ends what was proven before it",
        [("src/cache/cache.c",
          "        if (outcome != NCR_OUTCOME_NOT_DONE)\n            ncr_proven_forget_locked(subject);\n", "")],
    ),
    Mutant(
        "fork-keeps-requests", "the child of a fork forgets what is under way",
        [("src/cache/cache.c", "    ncr_subject_each_locked(\"\", drop_inflight);\n", "")],
        test="cache/share",
    ),
    Mutant(
        "tiles-by-place-alone", "decoded tiles are found by version",
        [("src/cache/value.c",
          "    const uint64_t parts[] = {(uint64_t)(uintptr_t)snapshot, ",
          "    const uint64_t parts[] = {snapshot->subject ? snapshot->subject->node.hash : 0, "),
         ("src/cache/value.c", "cached->snapshot == snapshot &&", "cached->snapshot->subject == snapshot->subject &&")],
    ),
    Mutant(
        "answers-are-not-compared", "each answer's version is compared with the one that is open",
        [("src/cache/flight.c", COMPARED, "        return said != NULL;\n"),
         ("src/store/store.c", CHECKED, "    if (!is_pinned || is_pinned)\n")],
        "lying",
    ),
    Mutant(
        "no-validator-is-no-change", "an answer without the validator is `changed`",
        [("src/cache/flight.c", COMPARED, COMPARED.replace("return ", "return !said->version.token[0] || ")),
         ("src/store/store.c", CHECKED, CHECKED.replace("!is_pinned ||", "!is_pinned || !get->facts.version.token[0] ||"))],
        "lying",
    ),
    Mutant(
        "gone-is-absent", "an open handle says `changed`, never `not found`",
        [("src/cache/flight.c",
          "    if (flight->is_gone_or_changed)\n        find_out_what_is_there(flight);\n",
          "    if (flight->is_gone_or_changed && flight->status != NACRE_ERROR_NOT_FOUND)\n"
          "        find_out_what_is_there(flight);\n"),
         ("src/store/store.c",
          "return ncr_error_set(err, NACRE_ERROR_CHANGED, \"%s: changed: it was opened as %s, which is no longer there\"",
          "return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, \"%s: changed: it was opened as %s, which is no longer there\"")],
    ),
    Mutant(
        "pieces-from-the-wrong-place", "a piece is cut from where its bytes are",
        [("src/cache/flight.c",
          "(piece->offset - (flight->whole ? 0 : flight->offset));",
          "(flight->whole ? 0 : piece->offset - flight->offset);")],
        "lying",
    ),
    Mutant(
        "unknown-is-not-done", "a change of unknown outcome counts as one",
        [("src/cache/cache.c",
          "        if (outcome != NCR_OUTCOME_NOT_DONE)\n", "        if (outcome == NCR_OUTCOME_DONE)\n")],
        test="cache/contract",
    ),
    Mutant(
        "no-epochs", "what began before a change fills nothing after it",
        [("src/cache/open.c",
          "proof->facts.version.strong && proof->epoch == proof->subject->epoch;", "proof->facts.version.strong;")],
        test="cache/contract",
    ),
]  # fmt: skip


def copy_tree(target: pathlib.Path) -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
            shutil.copymode(ROOT / name, target / name)


def build(tree: pathlib.Path, *more: str) -> None:
    if not (tree / "build").exists():
        subprocess.run(["meson", "setup", "build"], cwd=tree, check=True, capture_output=True)
    command = ["ninja", "-C", "build", "nacre", "tests/torture/torture-worker", *more]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout[-3000:])


def break_rule(tree: pathlib.Path, mutant: Mutant) -> dict[pathlib.Path, str]:
    """The texts of the files as they were."""
    whole: dict[pathlib.Path, str] = {}
    for file, old, new in mutant.edits:
        path = tree / file
        text = path.read_text()
        if text.count(old) != 1:
            raise SystemExit(f"{mutant.name}: {file} has changed; bring the mutant up to date")
        whole.setdefault(path, text)
        path.write_text(text.replace(old, new))
    return whole


def run_torture(tree: pathlib.Path, mutant: Mutant, seconds: float, seed: int) -> tuple[bool, list[str]]:
    command = [sys.executable, "tests/torture/torture.py", str(seconds), "--seed", str(seed), "--replays", "0"]
    done = subprocess.run([*command, "--round", mutant.round], cwd=tree, capture_output=True, text=True)
    found = done.returncode == 1 and "violations: 0" not in done.stdout
    return found, done.stdout.split("violations:")[-1].splitlines()[1:6] + done.stderr[-2000:].splitlines()


def run_unit_test(tree: pathlib.Path, mutant: Mutant) -> tuple[bool, list[str]]:
    program = tree / "build/tests/unit" / f"test_{mutant.test.replace('/', '_')}"
    done = subprocess.run([program], capture_output=True, text=True, errors="replace")
    failed = [line for line in done.stderr.splitlines() if line.startswith("[  FAILED  ]")]
    return done.returncode != 0, failed[1:]


def try_mutant(tree: pathlib.Path, mutant: Mutant, seconds: float, seed: int) -> bool:
    whole = break_rule(tree, mutant)
    try:
        build(tree, *([f"tests/unit/test_{mutant.test.replace('/', '_')}"] if mutant.test else []))
        began = time.monotonic()
        found, lines = run_unit_test(tree, mutant) if mutant.test else run_torture(tree, mutant, seconds, seed)
    finally:
        for path, text in whole.items():
            path.write_text(text)
    how = f"{'found' if found else 'NOT FOUND'} after {time.monotonic() - began:.0f} s"
    print(f"{mutant.name}: {how} by {mutant.test or mutant.round}", flush=True)
    print("\n".join(f"    {line[:160]}" for line in lines), flush=True)
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
