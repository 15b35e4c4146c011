# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The judge of the torture run: it finds what is wrong in a history and nothing else. The run is a step of its own."""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import time
from typing import Any

import pytest
from conftest import ROOT, need
from peers import find_program

sys.path.insert(0, str(ROOT / "tests" / "torture"))
import history  # noqa: E402
from linear import ABSENT, CHANGES, FOREVER, Operation, first_impossible, minimal  # noqa: E402
from mutants import MUTANTS  # noqa: E402

WORKER = pathlib.Path(os.environ.get("NACRE_BUILD", ROOT / "build")) / "tests/torture/torture-worker"


def operations(text: str) -> list[Operation]:
    """From lines of "begin end kind [value [expected]] [?]"; "-" is no end."""
    found = []
    for line in text.strip().splitlines():
        words = line.split()
        optional = words[-1] == "?"
        numbers = [int(word) for word in words[3:] if word != "?"] + [0, 0]
        end = FOREVER if words[1] == "-" else float(words[1])
        found.append(Operation(words[2], float(words[0]), end, numbers[0], numbers[1], optional))
    return found


GOOD = {
    "what was put is read": "0 1 write 5\n2 3 read 5",
    "a read beside a put may see it or not": "0 1 write 5\n2 9 write 6\n3 4 read 6\n2 5 read 5",
    "a put of unknown outcome may show late": "0 - write 5 ?\n1 2 read 0\n3 4 read 5",
    "a put of unknown outcome may never show": "0 - write 5 ?\n1 2 write 6\n3 4 read 6",
    "a put of unknown outcome overwrites later ones": "0 - write 5 ?\n1 2 write 6\n3 4 read 6\n5 6 read 5",
    "a swap that happened": "0 1 write 5\n2 3 swap 6 5\n4 5 read 6",
    "unknown changes one after the other": "0 - write 5 ?\n0 - swap 6 5 ?\n1 2 read 6",
    "beside a removal": "0 1 write 5\n2 8 remove\n3 4 present\n5 6 read 0",
    "not seen any longer": "0 1 write 5\n2 9 write 6\n3 4 not 5",
}
BAD = {
    "an old value": "0 1 write 5\n2 3 write 6\n4 5 read 5",
    "two reads that disagree on the order": "0 9 write 5\n0 9 write 6\n10 11 read 5\n12 13 read 6",
    "it comes back": "0 1 write 5\n2 9 write 6\n3 4 read 6\n5 6 read 5",
    "a value too early": "0 1 read 5\n2 3 write 5",
    "absent without a removal": "0 1 write 5\n2 3 read 0",
    "there after a removal": "0 1 write 5\n2 3 remove\n4 5 present",
    "a swap on what was replaced": "0 1 write 5\n2 3 write 6\n4 5 swap 7 5",
    "an unknown put happens once": "0 - write 5 ?\n1 2 read 5\n3 4 write 6\n5 6 read 6\n7 8 read 5",
    "changed, but it never was": "0 1 write 5\n2 3 not 5",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_history_with_an_order_passes(name: str) -> None:
    assert first_impossible(operations(GOOD[name])) is None


@pytest.mark.parametrize("name", BAD)
def test_a_history_without_an_order_is_found(name: str) -> None:
    told = operations(BAD[name])
    assert first_impossible(told) is not None
    assert first_impossible(minimal(told)) is not None


def test_what_does_not_matter_is_not_shown() -> None:
    noise = "\n".join(f"{20 + i} {21 + i} read 6" for i in range(30))
    told = operations(f"0 1 write 5\n2 3 write 6\n4 5 read 5\n{noise}\n0 1 read 0")
    assert [operation.kind for operation in minimal(told)] == ["write", "write", "read"]


def random_history(chance: random.Random, count: int) -> list[Operation]:
    """What several workers could have seen of a register, now and then with a lie."""
    told, state, at = [], ABSENT, 0.0
    for number in range(1, count + 1):
        at += 1
        begin, end = at - chance.random() * 6, at + chance.random() * 6
        kind = chance.choice([*CHANGES, "read", "read", "present", "not"])
        operation = Operation(kind, begin, end, value=number)
        if kind in CHANGES:
            operation.optional = chance.random() < 0.2
            happens = not operation.optional or chance.random() < 0.5
            if operation.optional and chance.random() < 0.8:
                operation.end = FOREVER
            if kind == "swap":
                operation.expected = state
            if kind == "remove":
                operation.value = ABSENT
            state = operation.value if happens else state
        elif kind == "read":
            operation.value = state if chance.random() < 0.85 else chance.randrange(number)
        elif (kind == "present") == (state == ABSENT) and chance.random() < 0.85:
            operation = Operation("read", begin, end, state)
        elif kind == "not":
            operation.value = chance.choice([value for value in range(number + 1) if value != state])
        told.append(operation)
    return told


def by_trying(told: list[Operation]) -> bool:
    """Whether any order of any of the optional ones will do: slow, and surely right."""
    optional = [operation for operation in told if operation.optional]
    for count in range(len(optional) + 1):
        for left_out in itertools.combinations(optional, count):
            kept = [operation for operation in told if operation not in left_out]
            if any(is_order(order) for order in itertools.permutations(kept)):
                return True
    return False


def is_order(order: tuple[Operation, ...]) -> bool:
    state, latest = ABSENT, 0.0
    for operation in order:
        if operation.end < latest:
            return False
        latest = max(latest, operation.begin)
        if operation.kind == "swap" and state != operation.expected:
            return False
        if operation.kind not in CHANGES and not operation.sees(state):
            return False
        if operation.kind in CHANGES:
            state = operation.value
    return True


def test_small_histories_are_judged_as_by_trying_every_order() -> None:
    chance = random.Random(1)
    verdicts = []
    for _ in range(250):
        told = random_history(chance, 5)
        verdicts.append(first_impossible(told) is None)
        assert verdicts[-1] == by_trying(told), [operation.text() for operation in told]
    assert 20 < sum(verdicts) < 230


def test_histories_are_judged_as_by_porcupine() -> None:
    need("porcupine-check")
    chance = random.Random(2)
    histories = [random_history(chance, chance.randrange(5, 40)) for _ in range(400)]
    lines = []
    for told in histories:
        fields = [
            {"kind": operation.kind, "begin": int(operation.begin * 1e6), "value": operation.value,
             "end": 2**62 if operation.end == FOREVER else int(operation.end * 1e6), "expected": operation.expected,
             "optional": operation.optional}
            for operation in told
        ]  # fmt: skip
        lines.append(json.dumps(fields))
    done = subprocess.run(
        [find_program("porcupine-check")], input="\n".join(lines), capture_output=True, text=True, check=True, timeout=300
    )
    others = done.stdout.split()
    ours = ["Illegal" if first_impossible(told) else "Ok" for told in histories]
    assert ours == others
    assert 50 < ours.count("Ok") < 350


# --- Traces. ---


def trace(folder: pathlib.Path, *lines: str) -> history.Report:
    """Checks a trace, a line of it for each event: time, process, "+" or "-" and a number, event, fields."""
    events = []
    for line in lines:
        at, process, mark, event, *fields = line.split()
        told: dict[str, Any] = {"time": int(at), "process": process, "object": "t/0/0.tif", "event": event}
        told |= {"op": int(mark[1:]), "phase": "begun" if mark[0] == "+" else "ended"}
        if mark[0] == "-":
            told |= {"outcome": "ok", "status": 0}
        for field in fields:
            name, value = field.split("=", 1)
            told[name] = json.loads(value) if value[0] in "0123456789[" else value
        events.append(json.dumps(told) + "\n")
    (folder / "p-0.jsonl").write_text("".join(events))
    return history.check(folder, history.Rules())


PUT = ["10 a +1 put value=5", "20 a -1 put outcome=done"]
OPENED = [*PUT, "30 a +2 open handle=2 cache=fresh", "40 a -2 open value=5 version=g5"]
FINDINGS = {
    "a mixture": [*OPENED, "50 a +3 read handle=2", "60 a -3 read values=[5,6]"],
    "a mixture: bytes of no value": [*OPENED, "50 a +3 read handle=2", f"60 a -3 read value={history.NO_VALUE}"],
    "a handle of 5 gives 6": [*OPENED, "50 a +3 read handle=2", "60 a -3 read value=6"],
    "a handle that is open says not found": [*OPENED, "50 a +3 read handle=2", "60 a -3 read outcome=absent status=1"],
    "9 was never put here": [*PUT, "30 a +2 open handle=2 cache=fresh", "40 a -2 open value=9"],
    "it failed, and no request did": [*PUT, "30 a +2 stat", "40 a -2 stat outcome=failed status=9"],
    "not linearisable": [*OPENED, "50 a +3 delete", "60 a -3 delete outcome=done", "70 a +4 stat", "80 a -4 stat version=g5"],
    "t/0/0.tif: not linearisable": [  # an own change shows without proof
        *OPENED, "50 a +3 put value=6", "60 a -3 put outcome=done",
        "70 a +4 open handle=4 cache=offline", "80 a -4 open value=5",
    ],
    "t/0/0.tif: version with the value 5": [*OPENED, "50 a +3 open handle=3 cache=fresh", "60 a -3 open value=6 version=g5"],
}  # fmt: skip


def test_a_good_trace_passes(tmp_path: pathlib.Path) -> None:
    report = trace(tmp_path, *OPENED, "50 b +1 put value=6", "60 a +3 read handle=2", "70 a -3 read outcome=changed status=4")
    assert report.violations == []
    assert report.counts["histories"] == 1


def test_what_was_proven_before_the_end_of_an_own_change_was_recorded_may_be_believed(tmp_path: pathlib.Path) -> None:
    own = ["50 a +3 put value=6", "90 a -3 put outcome=done"]
    others = ["51 b +1 put value=7", "60 b -1 put outcome=done", "61 b +2 put value=8", "70 b -2 put outcome=done"]
    lines = sorted([*OPENED, *own, *others], key=lambda line: int(line.split()[0]))
    for value, violations in ((7, 0), (6, 0), (5, 1)):
        report = trace(tmp_path, *lines, "100 a +4 open handle=4 cache=ttl=1", f"110 a -4 open value={value}")
        assert len(report.violations) == violations, (value, report.violations)


@pytest.mark.parametrize("finding", FINDINGS)
def test_what_is_wrong_in_a_trace_is_said(finding: str, tmp_path: pathlib.Path) -> None:
    report = trace(tmp_path, *FINDINGS[finding])
    assert finding in "\n".join(report.violations)


def test_without_proof_others_may_be_seen_late_and_ttl_ends(tmp_path: pathlib.Path) -> None:
    second = 1_000_000_000
    changed = [*OPENED, "50 b +1 put value=6", "60 b -1 put outcome=done"]
    late = [f"{2 * second} a +4 open handle=4 cache=POLICY", f"{2 * second + 9} a -4 open value=5"]
    for policy, violations in (("offline", 0), ("immutable", 0), ("ttl=1", 1), ("fresh", 1)):
        report = trace(tmp_path, *changed, *(line.replace("POLICY", policy) for line in late))
        assert len(report.violations) == violations, policy


# --- The worker. ---


def sequence(folder: pathlib.Path, seed: int) -> dict[str, list[tuple[str, str]]]:
    """What the threads of a worker did, on memory files: no process is started, and none fails."""
    folder.mkdir()
    now = time.monotonic_ns()
    words = {"name": "p", "prefix": "mem://t/", "folder": folder, "seed": seed, "threads": 2, "slots": 4, "start": now,
             "end": now + 2_000_000_000, "epoch": 10**15, "conditions": 1, "datasets": 1}  # fmt: skip
    subprocess.run([WORKER, *(f"{name}={value}" for name, value in words.items())], check=True, timeout=120)
    done: dict[str, list[tuple[str, str]]] = {}
    for path in folder.glob("p-*.jsonl"):
        events = [json.loads(line) for line in path.read_text().splitlines()]
        changes = [event for event in events if event["event"] in ("put", "delete") and event["phase"] == "begun"]
        done[path.name] = [(event["event"], event["object"]) for event in changes]
    return done


def test_a_seed_gives_the_same_operations_again(tmp_path: pathlib.Path) -> None:
    first, again, other = (sequence(tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    for name in ("p-0.jsonl", "p-1.jsonl"):
        count = min(len(done[name]) for done in (first, again, other))
        assert count > 5
        assert first[name][:count] == again[name][:count] != other[name][:count]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutants_still_fit_the_source(mutant: Any) -> None:
    for file, old, _ in mutant.edits:
        assert (ROOT / file).read_text().count(old) == 1, file
    assert not mutant.test or (ROOT / "tests/unit" / mutant.test.replace("/", "/test_")).with_suffix(".c").exists()
