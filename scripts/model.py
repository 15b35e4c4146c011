# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Checks the formal model of the coherence protocol, docs/internals/model/: true, and with each rule broken.

The true model must keep every promise in every bound; each broken one must fail, by the promise that is named here.
Needs spin and gcc; runs one process at a time.
"""

import argparse
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

MODEL = pathlib.Path(__file__).resolve().parent.parent / "docs" / "internals" / "model"
MEMORY_MB, SECONDS = 1900, 180  # of memory, of the processor; for each run, which all take a minute and a half together
EVERYBODY = "everybody_is_answered"  # the verifier's own: nobody is left waiting

# The bounds within which the true model is searched whole.
BOUNDS = {
    "2 handles opened twice, 1 writer, 1 outsider": "READERS=2 OPENS=2",
    "1 handle opened twice, 2 writers, 1 outsider": "READERS=1 OPENS=2 OWN=2",
    "3 handles, weak versions, a failing request, 2 changes by outsiders": "READERS=3 OWN=0 OUTSIDE=2 WEAK_TOO=1 FAULTS=1",
    "2 handles, weak versions, a failing request, 1 writer, 1 outsider": "READERS=2 WEAK_TOO=1 FAULTS=1",
    "2 handles with credentials of their own, a failing request, 1 writer, 1 outsider": "READERS=2 CREDENTIALS=2 FAULTS=1",
}

# Each rule, broken: what fails, and the bounds in which it does.
BROKEN = [
    ("CACHE_IS_BELIEVED", "opens_are_linearisable", ""),
    ("PROOF_SERVES_LATER_OPENS", "proofs_serve_earlier_opens", ""),
    ("PROOF_SERVES_LATER_OPENS", "opens_are_linearisable", ""),
    ("PROOF_SERVES_LATER_OPENS", "own_writes_are_seen", ""),
    ("ABSENCE_IS_REMEMBERED", "absence_is_not_believed", ""),
    ("FAILURE_IS_REMEMBERED", "failures_are_not_remembered", "FAULTS=1"),
    ("OTHERS_PROVE", "own_credentials_prove", "CREDENTIALS=2"),
    ("WAITING_ARE_FORGOTTEN", EVERYBODY, "OWN=0"),
    ("WEAK_IS_SHARED", "only_strong_bytes_are_shared", "READERS=3 OWN=0 WEAK_TOO=1"),
    ("WEAK_IS_KEPT", "bytes_are_of_their_version", "WEAK_TOO=1"),
    ("WEAK_IS_KEPT", "opens_are_linearisable", "WEAK_TOO=1 OWN=0 OUTSIDE=2"),
    ("WEAK_IS_KEPT", "handles_are_snapshots", "WEAK_TOO=1 OWN=0 OUTSIDE=2"),
    ("PROOF_IGNORES_EPOCH", "nothing_fills_after_a_change", ""),
    ("PROOF_IGNORES_EPOCH", "own_changes_show_offline", ""),
    ("FLIGHT_IGNORES_EPOCH", "nothing_fills_after_a_change", ""),
    ("NO_EPOCH_AT_BEGIN", "nothing_fills_after_a_change", ""),
    ("NO_EPOCH_AT_END", "nothing_fills_after_a_change", ""),
    ("NO_EPOCH_AT_END", "own_changes_show_offline", ""),
    ("UNKNOWN_IS_NOT_DONE", "own_changes_show_offline", ""),
    ("OVERLAPPING_CHANGES_FILL", "own_changes_show_offline", "READERS=1 OWN=2 OUTSIDE=0"),
    ("BYTES_HAVE_NO_VERSION", "handles_are_snapshots", ""),
    ("FLIGHTS_HAVE_NO_VERSION", "handles_are_snapshots", ""),
    ("FLIGHTS_ARE_NOT_SHARED", "flights_never_overlap", ""),
    ("FAILED_FLIGHT_STAYS", EVERYBODY, "OWN=0 FAULTS=1"),
    ("ANSWER_IS_NOT_CHECKED", "bytes_are_of_their_version", ""),
    ("ANSWER_IS_NOT_CHECKED", "handles_are_snapshots", ""),
    ("NO_VALIDATOR_WILL_DO", "handles_are_snapshots", ""),
    ("GONE_IS_ABSENT", "gone_is_changed", ""),
]


class Verdict:
    """What the verifier said: `failed` is the promise that is broken, or None."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.failed: str | None
        broken = re.search(r"assertion violated \(?(\w+)", text)
        stuck = "invalid end state" in text.split("Full statespace")[0]
        self.failed = broken.group(1) if broken else EVERYBODY if stuck else None
        found = re.search(r"([\d.e+]+) states, stored", text)
        self.states = int(float(found.group(1))) if found else 0
        self.finished = bool(found) and "Search not completed" not in text and "max search depth too small" not in text

    def unreached(self, process: str) -> list[int]:
        """Lines of a process of the file trace.pml that no run came to."""
        part = self.text.partition(f"unreached in proctype {process}\n")[2].partition("unreached in")[0]
        return [int(line) for line in re.findall(r"trace\.pml:(\d+), state", part)]


def limit_time() -> None:
    """Of the processor: how long a run takes beside others says nothing."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def verify(source: pathlib.Path, defines: str, options: list[str], folder: pathlib.Path, fast: bool) -> Verdict:
    """Makes the verifier of a model and runs it."""
    macros = [f"-D{word}" if "=" in word else f"-D{word}=1" for word in defines.split()]
    if fast:
        macros.append("-Dhidden=")  # breadth-first search, which finds the shortest way to a failure, has no such variables
    made = subprocess.run(["spin", *macros, "-a", source], cwd=folder, capture_output=True, text=True, check=False)
    if made.returncode:
        raise RuntimeError(f"spin: {made.stdout}{made.stderr}")
    compile_options = ["-O0" if fast else "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-DVECTORSZ=8192", f"-DMEMLIM={MEMORY_MB}"]
    if fast:
        compile_options.append("-DBFS")
    subprocess.run(["gcc", *compile_options, "-o", "pan", "pan.c"], cwd=folder, check=True)
    ran = subprocess.run(["./pan", *options], cwd=folder, capture_output=True, text=True, check=False, preexec_fn=limit_time)
    return Verdict(ran.stdout + ran.stderr)


def check_true(name: str) -> str | None:
    """What is wrong with the true model in these bounds, or None."""
    with tempfile.TemporaryDirectory() as folder:
        verdict = verify(MODEL / "coherence.pml", BOUNDS[name], ["-m1000"], pathlib.Path(folder), fast=False)
    if verdict.failed:
        return f"{name}: {verdict.failed} fails:\n{verdict.text}"
    if not verdict.finished:
        return f"{name}: not searched to its end:\n{verdict.text}"
    print(f"{name}: {verdict.states} states")
    return None


def check_broken(rule: str, promise: str, bounds: str) -> str | None:
    """What is wrong with a broken model, which is that it does not fail as it must."""
    only = "ONLY=" + ("true" if promise == EVERYBODY else promise)
    with tempfile.TemporaryDirectory() as folder:
        verdict = verify(MODEL / "coherence.pml", f"BREAK_{rule} {only} {bounds}", [], pathlib.Path(folder), fast=True)
    if verdict.failed != promise:
        return f"BREAK_{rule}: {promise} should fail, and what fails is: {verdict.failed}\n{verdict.text}"
    print(f"BREAK_{rule}: {promise} fails, as it must")
    return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/model.py", description=__doc__)
    parser.add_argument("--broken", metavar="RULE", help="only this rule, broken")
    chosen = parser.parse_args().broken
    checks = [] if chosen else [(check_true, (name,)) for name in BOUNDS]
    checks += [(check_broken, row) for row in BROKEN if chosen in (None, row[0])]
    wrong = 0
    for check, arguments in checks:
        began = time.monotonic()
        problem = check(*arguments)
        print(problem or "", end="\n" if problem else "")
        print(f"  {time.monotonic() - began:.1f} s", flush=True)
        wrong += problem is not None
    print(f"{len(checks)} checks, {wrong} wrong")
    return 1 if wrong or not checks else 0


if __name__ == "__main__":
    sys.exit(main())
