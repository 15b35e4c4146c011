# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Recorded traces replayed through the formal model: good ones pass, and each lie in one is found, at its line."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import pytest
from test_model import script, spin  # noqa: F401

pytestmark = pytest.mark.model
replay = script("model_replay")

# Process 1 uses nacre, process 2 another client. One event a line: "+" begins and "-" ends an operation of that number.
GOOD = """
start value=old
1 +1 open handle=a
1 -1 open outcome=ok value=old version=g1
2 +1 put via=outside value=new
1 +2 read handle=a
1 -2 read outcome=ok value=old
2 -1 put outcome=done version=g2
1 +3 read handle=a
1 -3 read outcome=changed
1 close handle=a
1 +4 open handle=b
2 +2 delete via=outside
1 -4 open outcome=ok value=new version=g2
2 -2 delete outcome=done
1 close handle=b
1 +5 open handle=c
1 -5 open outcome=absent
1 +6 put value=mine
1 +7 open handle=d
1 -7 open outcome=absent
1 -6 put outcome=done version=g3
1 +8 open handle=e
1 -8 open outcome=ok value=mine version=g3
1 +9 list
1 -9 list outcome=present
1 +10 put value=lost
1 -10 put outcome=unknown
1 +11 open handle=f
1 -11 open outcome=ok value=mine version=g3
1 +12 open handle=g
1 -12 open outcome=ok value=lost version=g4
1 +13 open handle=h cache=offline
1 -13 open outcome=ok value=lost version=g4
1 +14 stat
1 -14 stat outcome=ok value=lost version=g4
""".strip().splitlines()

# Lines of the good trace that are put another way, and the line at which that shows.
BAD = {
    "own write not seen": ({"1 -8 open": "1 -8 open outcome=absent"}, "1 -8 open"),
    "write by others not seen": ({"1 -4 open": "1 -4 open outcome=ok value=old version=g1"}, "1 -4 open"),
    "absence believed": ({"1 -8 open": "1 -8 open outcome=absent", "1 -9 list": "1 -9 list outcome=absent"}, "1 -8 open"),
    "deleted object opened": ({"1 -5 open": "1 -5 open outcome=ok value=new version=g2"}, "1 -5 open"),
    "read of another version": ({"1 -3 read": "1 -3 read outcome=ok value=new"}, "1 -3 read"),
    "changed where nothing has changed": (
        {"1 -7 open": "1 -7 open outcome=ok value=mine", "1 +8 open": "1 +8 read handle=d", "1 -8 open": "1 -8 read outcome=changed"},
        "1 -8 read",
    ),
    "absent handle": ({"1 -3 read": "1 -3 read outcome=absent"}, "1 -3 read"),
    "listing not told of an own put": ({"1 -9 list": "1 -9 list outcome=absent"}, "1 -9 list"),
    "value of unknown outcome seen, then unseen": ({"1 -14 stat": "1 -14 stat outcome=ok value=mine version=g3"}, "1 -14 stat"),
    "offline before an own change": ({"1 -13 open": "1 -13 open outcome=ok value=old version=g1"}, "1 -13 open"),
    "value that nobody put": ({"1 -4 open": "1 -4 open outcome=ok value=what"}, "1 -4 open"),
    "one version with two values": ({"1 -12 open": "1 -12 open outcome=ok value=lost version=g3"}, "1 -12 open"),
}

# Traces of what may happen, each with a way in which it may not: the line that is put another way, and how.
MAY_HAPPEN = {
    "read without proof of what is not cached": (
        """
        start value=old
        1 +1 open handle=a
        1 -1 open outcome=ok value=old version=g1
        1 +2 open handle=b cache=offline
        1 -2 open outcome=ok value=old version=g1
        1 +3 read handle=b
        1 -3 read outcome=offline
        """,
        {"1 -3 read": "1 -3 read outcome=changed"},
    ),
    "read without proof that joins a request which is not told": (
        """
        start value=old
        1 +1 open handle=a
        1 -1 open outcome=ok value=old version=g1
        1 +2 open handle=b cache=offline
        1 -2 open outcome=ok value=old version=g1
        2 +1 put via=outside value=new
        2 -1 put outcome=done version=g2
        1 +3 read handle=b
        1 -3 read outcome=changed
        """,
        {"1 -3 read": "1 -3 read outcome=ok value=new"},
    ),
    "change that was never sent": (
        """
        start value=old
        1 +1 open handle=a
        1 -1 open outcome=ok value=old version=g1
        1 +2 put value=never
        1 -2 put outcome=unknown
        1 +3 open handle=b cache=offline
        1 -3 open outcome=ok value=old version=g1
        """,
        {"1 -2 put": "1 -2 put outcome=done"},
    ),
    "open that fails and has taught the cache": (
        """
        start value=old
        1 +1 open handle=a
        1 +2 open handle=b
        1 -1 open outcome=failed
        1 +3 open handle=c cache=offline
        1 -3 open outcome=ok value=old version=g1
        """,
        {"1 +1 open": "1 +1 stat", "1 -1 open": "1 -1 stat outcome=failed", "1 +2 open": "1 +2 stat"},
    ),
    "deleted object that a second attempt of its put brings back": (
        """
        start comes_back=yes
        1 +1 put value=mine
        1 +2 open handle=a
        1 -2 open outcome=ok value=mine version=g1
        2 +1 delete via=outside
        2 -1 delete outcome=done
        2 +2 stat via=outside
        2 -2 stat outcome=absent
        1 -1 put outcome=done version=g2
        1 +3 open handle=b
        1 -3 open outcome=ok value=mine version=g2
        1 +4 read handle=a
        1 -4 read outcome=changed
        """,
        {"start": "start value=old"},
    ),
}


def write(lines: list[str], path: pathlib.Path) -> pathlib.Path:
    """The lines as JSON."""
    records: list[dict[str, Any]] = []
    for time, line in enumerate(lines, 1):
        words = line.split()
        record: dict[str, Any] = {"time": time, "object": "gs://b/k"}
        record.update(word.split("=") for word in words if "=" in word)
        bare = [word for word in words if "=" not in word]
        record["event"] = bare[-1]
        if bare[0].isdigit():
            record["process"] = int(bare[0])
        if bare[1:-1]:
            record |= {"phase": "begun" if bare[1][0] == "+" else "ended", "op": int(bare[1][1:])}
        records.append(record)
    path.write_text("\n".join(json.dumps(record) for record in records))
    return path


def problems(path: pathlib.Path) -> list[str]:
    return [problem for _, problem in replay.replay_all(replay.load(path)) if problem]


def test_good_trace_is_a_behaviour(tmp_path: pathlib.Path) -> None:
    assert problems(write(GOOD, tmp_path / "good.jsonl")) == []


@pytest.mark.parametrize("lie", BAD)
def test_bad_trace_is_none(lie: str, tmp_path: pathlib.Path) -> None:
    changes, shows = BAD[lie]
    lines = list(GOOD)
    for start, other in changes.items():
        lines[[line.startswith(start) for line in lines].index(True)] = other
    found = problems(write(lines, tmp_path / "bad.jsonl"))
    expected = [line.startswith(shows) for line in lines].index(True) + 1
    assert [int(re.match(r"line (\d+)", problem).group(1)) for problem in found] == [expected], found


def put_another_way(lines: list[str], changes: dict[str, str]) -> list[str]:
    return [next((other for start, other in changes.items() if line.startswith(start)), line) for line in lines]


@pytest.mark.parametrize("what", MAY_HAPPEN)
def test_what_may_happen_is_a_behaviour(what: str, tmp_path: pathlib.Path) -> None:
    text, lie = MAY_HAPPEN[what]
    lines = [line.strip() for line in text.strip().splitlines()]
    assert problems(write(lines, tmp_path / "good.jsonl")) == []
    assert len(problems(write(put_another_way(lines, lie), tmp_path / "bad.jsonl"))) == 1


def test_mixed_bytes_are_found(tmp_path: pathlib.Path) -> None:
    path = write(GOOD, tmp_path / "mixed.jsonl")
    records = [json.loads(line) for line in path.read_text().splitlines()]
    del records[5]["value"]
    records[5]["values"] = ["old", "new"]
    path.write_text("\n".join(json.dumps(record) for record in records))
    assert "bytes of several versions" in problems(path)[0]


def test_open_of_one_process_is_seen_by_another(tmp_path: pathlib.Path) -> None:
    other = [line.replace("1 ", "3 ", 1) if line.startswith(("1 +5", "1 -5")) else line for line in GOOD]
    assert problems(write(other, tmp_path / "two.jsonl")) == []
    late = [line.replace("outcome=absent", "outcome=ok value=new version=g2") if line.startswith("3 -5") else line for line in other]
    assert len(problems(write(late, tmp_path / "late.jsonl"))) == 2  # with the cache of either


def test_trace_out_of_format_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(replay.NotReplayable, match="was not begun"):
        problems(write([line for line in GOOD if not line.startswith("1 +2 ")], tmp_path / "cut.jsonl"))


def test_search_that_is_given_up_decides_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay.model, "MEMORY_MB", 1)
    assert problems(write(GOOD, tmp_path / "good.jsonl")) == [replay.NOT_DECIDED]
