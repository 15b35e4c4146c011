# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Recorded traces as histories of objects, and what is wrong with them."""

from __future__ import annotations

import collections
import dataclasses
import json
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

from linear import ABSENT, FOREVER, NotDecided, Operation, first_impossible, minimal

NO_VALUE = 2**32 - 1  # bytes that are of no value
OK, NOT_FOUND, EXISTS, CHANGED, OFFLINE = 0, 1, 3, 4, 11  # of enum nacre_status
EXPLAINED = (OK, NOT_FOUND, EXISTS, CHANGED, OFFLINE)
TTL_NS = 1_000_000_000

Event = dict[str, Any]


@dataclasses.dataclass
class Rules:
    """What the servers of a run did."""

    fails: bool = False  # requests fail: operations may, and answers are lost
    lies: bool = False  # versions in answers may be false
    start: float = 0


@dataclasses.dataclass
class Report:
    """What was found; reports add up."""

    counts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    violations: list[str] = dataclasses.field(default_factory=list)
    largest: int = 0

    def add(self, other: Report) -> None:
        self.counts += other.counts
        self.violations += other.violations
        self.largest = max(self.largest, other.largest)


def load(folder: pathlib.Path) -> list[Event]:
    """All events of a folder of traces. A process that was killed may have left half a line."""
    events = []
    for path in sorted(folder.glob("*.jsonl")):
        for text in path.read_bytes().splitlines(keepends=True):
            if text.endswith(b"\n"):
                events.append(json.loads(text))
    return events


def pairs(events: Iterable[Event]) -> Iterator[tuple[Event, Event | None]]:
    """Each begun operation with its end, or None where it has none."""
    begun: dict[Any, Event] = {}
    for event in events:
        if "op" not in event:
            continue
        key = (event["process"], event["op"])
        if event["phase"] == "begun":
            begun[key] = event
        else:
            yield begun.pop(key), event
    for event in begun.values():
        yield event, None


def label(begun: Event, ended: Event | None) -> str:
    """For people."""
    fields = {**begun, **(ended or {"outcome": "not recorded"})}
    names = ("via", "if", "moved", "handle", "cache", "outcome", "status", "version")
    more = ", ".join(f"{name}={fields[name]}" for name in names if name in fields)
    return f"{begun['process']}.{begun.get('thread', 0)} {begun['event']}: {more}"


class History:
    """All that was recorded of one object."""

    def __init__(self, name: str, events: list[Event], rules: Rules) -> None:
        self.name, self.rules = name, rules
        self.operations: list[Operation] = []
        self.problems: list[str] = []
        self.pairs = list(pairs(events))
        self.puts: dict[int, Operation] = {}
        self.done: dict[int, Operation] = {}  # changes, by the identity of the record of their begin
        self.repeated: set[int] = set()  # values that may have been written more than once
        self.handles: dict[Any, int] = {}
        self.values = self.values_of_versions()
        self.seen = {ended.get("value") for begun, ended in self.pairs if ended and begun["event"] != "put"} - {None}
        for begun, ended in self.pairs:
            if begun["event"] in ("put", "delete"):
                self.change(begun, ended)
        for begun, ended in self.pairs:
            if ended and begun["event"] == "open":
                self.opened(begun, ended)
        for begun, ended in self.pairs:
            if ended and begun["event"] in ("stat", "list"):
                self.looked(begun, ended)
            elif ended and begun["event"] == "read":
                self.read(begun, ended)
        self.check_values()

    def problem(self, text: str, begun: Event, ended: Event | None) -> None:
        at = (begun["time"] - self.rules.start) / 1e6
        self.problems.append(f"{self.name}: {text}\n    at {at:.3f} ms: {label(begun, ended)}")

    def values_of_versions(self) -> dict[str, int]:
        values: dict[str, int] = {}
        for begun, ended in self.pairs:
            if not ended or "version" not in ended or self.rules.lies:
                continue
            value = ended.get("value", begun.get("value"))
            if value and values.setdefault(ended["version"], value) != value:
                self.problem(f"version with the value {values[ended['version']]} too", begun, ended)
        return values

    def add(self, kind: str, begun: Event, ended: Event | None, value: int = ABSENT, **more: Any) -> Operation:
        end = ended["time"] if ended else FOREVER
        more = {"begin": begun["time"], "end": end, "source": label(begun, ended), **more}
        operation = Operation(kind=kind, value=value, **more)
        self.operations.append(operation)
        return operation

    def explain(self, begun: Event, ended: Event) -> None:
        """What fails must have had a reason."""
        if ended.get("status", OK) not in EXPLAINED and not self.rules.fails and not begun.get("hurried"):
            self.problem("it failed, and no request did", begun, ended)

    # --- Changes. ---

    def change(self, begun: Event, ended: Event | None) -> None:
        outcome = ended["outcome"] if ended else "unknown"
        if ended:
            self.explain(begun, ended)
        if outcome == "not-done" and ended:
            self.refused(begun, ended)
            return
        unknown = {"end": FOREVER, "optional": True} if outcome == "unknown" else {}
        make = self.put if begun["event"] == "put" else self.delete
        self.done[id(begun)] = make(begun, ended, unknown)

    def put(self, begun: Event, ended: Event | None, unknown: dict[str, Any]) -> Operation:
        value = begun["value"]
        expected = begun["if"] or ABSENT if "if" in begun else None
        kind, more = ("write", unknown) if expected is None else ("swap", {"expected": expected, **unknown})
        self.puts[value] = self.add(kind, begun, ended, value, **more)
        if self.rules.fails and begun.get("via") != "outside" and not expected:
            # An attempt whose answer was lost, deleted by another before the next: no condition tells one absence
            # from another, so it comes back.
            self.repeated.add(value)
            self.add("swap", begun, ended, value, **{**unknown, "expected": ABSENT, "optional": True})
        return self.puts[value]

    def delete(self, begun: Event, ended: Event | None, unknown: dict[str, Any]) -> Operation:
        moved = (ended or {}).get("moved")
        if moved is None:
            return self.add("remove", begun, ended, **unknown)
        self.add("read", begun, ended, moved)
        if self.rules.lies:  # the source had no version, so the delete had no condition
            return self.add("remove", begun, ended, **unknown)
        if self.rules.fails and not unknown:  # after a lost answer, gone is gone, by whomever
            self.add("read", begun, ended, ABSENT)
            unknown = {"optional": True}
        return self.add("swap", begun, ended, ABSENT, **{"expected": moved, **unknown})

    def refused(self, begun: Event, ended: Event) -> None:
        """What a change that did not happen has seen."""
        status = ended["status"]
        if status == NOT_FOUND:
            self.add("read", begun, ended, ABSENT)
        elif status == EXISTS and "if" in begun:
            self.add("present", begun, ended)
        elif status == CHANGED and begun.get("if") and not self.rules.lies:
            self.add("not", begun, ended, begun["if"])

    # --- What looks. ---

    def opened(self, begun: Event, ended: Event) -> None:
        self.explain(begun, ended)
        if ended["outcome"] == "absent":  # which nobody may believe
            self.add("read", begun, ended, ABSENT)
        if ended["outcome"] != "ok":
            return
        value = self.value_of(begun, ended)
        if value:
            self.handles[begun["process"], begun["handle"]] = value
        if begun.get("cache", "fresh") == "fresh":
            self.add("read" if value else "present", begun, ended, value)
        elif value:
            self.believed(begun, ended, value)

    def value_of(self, begun: Event, ended: Event) -> int:
        """What was seen; ABSENT: it was not told."""
        if "values" in ended or ended.get("value") == NO_VALUE:
            self.problem(f"a mixture: {ended.get('values', 'bytes of no value')}", begun, ended)
            return ABSENT
        if "value" in ended:
            return int(ended["value"])
        return self.values.get(ended.get("version", ""), ABSENT)

    def looked(self, begun: Event, ended: Event) -> None:
        self.explain(begun, ended)
        if ended["outcome"] == "absent":
            self.add("read", begun, ended, ABSENT)
        elif ended["outcome"] == "present":
            self.add("present", begun, ended)
        elif ended["outcome"] == "ok":
            value = self.value_of(begun, ended)
            self.add("read" if value else "present", begun, ended, value)

    def read(self, begun: Event, ended: Event) -> None:
        self.explain(begun, ended)
        opened = self.handles.get((begun.get("owner", begun["process"]), begun["handle"]), ABSENT)
        if ended["outcome"] == "absent":
            self.problem("a handle that is open says not found", begun, ended)
        if ended["outcome"] == "ok":
            value = self.value_of(begun, ended)
            if value and opened and value != opened:
                self.problem(f"a handle of {opened} gives {value}", begun, ended)
        if ended["outcome"] == "changed" and opened and not self.rules.lies and opened not in self.repeated:
            self.add("not", begun, ended, opened)

    def check_values(self) -> None:
        for operation in self.operations:
            if operation.kind == "read" and operation.value and operation.value not in self.puts:
                self.problems.append(f"{self.name}: {operation.value} was never put here\n    {operation.source}")

    def believed(self, begun: Event, ended: Event, value: int) -> None:
        """An open without proof: not older than its policy allows, and never older than an own change: only its own
        bytes, and what was proven after its end, are believed then, also where its outcome is unknown to us. (A change
        that failed before anything was sent is none, so only those count then whose value was seen.) When a change
        ended is known to the cache alone, before its end was recorded: it is asked that what is believed came after
        the change, and after its beginning where it may come yet."""
        since = begun["time"] - TTL_NS if begun["cache"].startswith("ttl") else self.rules.start
        after: list[Operation] = []
        for change, over in self.pairs:
            if change["event"] not in ("put", "delete") or change["process"] != begun["process"] or not over:
                continue
            happened = over["outcome"] == "done" or change.get("value") in self.seen
            if happened and over["time"] < begun["time"]:
                since = max(since, change["time"] + 1)
                after += [self.done[id(change)]] if over["outcome"] == "done" else []
        self.add("read", begun, ended, value, begin=since, after=tuple(after))

    # --- The verdict. ---

    def check(self) -> Report:
        report = Report(largest=len(self.operations))
        report.violations += self.problems
        report.counts["histories"] += 1
        try:
            bad = first_impossible(self.operations) is not None
        except NotDecided:
            report.counts["histories not decided"] += 1
            return report
        if bad:
            lines = [operation.text(self.rules.start) for operation in minimal(self.operations)]
            report.violations.append("\n    ".join([f"{self.name}: not linearisable (times in ms)", *lines]))
        return report


def by_object(events: list[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in events:
        if "object" in event:
            found.setdefault(event["object"], []).append(event)
    return found


def count(events: list[Event]) -> collections.Counter[str]:
    counts: collections.Counter[str] = collections.Counter()
    for event in events:
        if event.get("phase") != "ended":
            continue
        counts["operations"] += 1
        if event["event"] in ("open", "read"):
            counts[event["event"] + "s"] += 1
            counts["reads of a handle that changed"] += event["event"] == "read" and event["outcome"] == "changed"
        if event["event"] in ("put", "delete"):
            counts["changes"] += 1
            counts["changes of unknown outcome"] += event["outcome"] == "unknown"
        counts["operations that failed"] += event.get("status", OK) not in EXPLAINED
    return counts


def check(folder: pathlib.Path, rules: Rules) -> Report:
    """Everything of one folder of traces."""
    events = load(folder)
    report = Report(counts=count(events))
    for event in events:
        if event["event"] == "problem":
            report.violations.append(f"{event['process']}: {event['text']}")
    for name, own in sorted(by_object(events).items()):
        report.add(History(name, own, rules).check())
    return report


# --- For the model. ---


def for_model(events: list[Event], limit: int, comes_back: bool) -> list[Event]:
    """The first events of one object in the format of scripts/model_replay.py, without what it does not know."""
    events = sorted(events, key=lambda event: event["time"])
    kept: list[Event] = [{**events[0], "event": "start", "value": None, "time": 0, "comes_back": comes_back}]
    for name in ("op", "phase"):
        kept[0].pop(name, None)
    begun: dict[Any, Event] = {}
    opened: set[Any] = set()
    for event in events:
        event = dict(event)
        key = (event["process"], event.get("op"))
        if event.get("phase") == "begun":
            begun[key] = event
        handle = (event["process"], begun.get(key, event).get("handle"))
        if event["event"] == "read" and ("owner" in begun[key] or handle not in opened):
            continue
        if event["event"] == "close" and handle not in opened:
            continue
        if event.get("phase") == "ended":
            if event["outcome"] == "changed" and event["event"] != "read":
                event["outcome"] = "failed"
            if event["event"] == "open" and event["outcome"] == "ok" and "value" in event:
                opened.add(handle)
            elif event["event"] == "open" and event["outcome"] == "ok":
                event["outcome"] = "failed"
        kept.append(event)
        if len(kept) > limit:
            break
    return [event for event in kept if event.get("phase") != "begun" or event["event"] in ("put", "delete", "open")
            or any(other.get("op") == event["op"] and other["process"] == event["process"]
                   and other.get("phase") == "ended" for other in kept)]  # fmt: skip
