# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Replays a recorded trace through the formal model of the coherence protocol: is it a behaviour of the model?

The format is in docs/internals/model/README.md. Each object is replayed once for each process that used it through
nacre: that process has the cache of the model, the others are the outside. Needs spin and gcc.
"""

import argparse
import json
import pathlib
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import model  # noqa: E402

MAX_VALUES, MAX_HANDLES = 200, 30  # of one object; handles that are open at once, through one process
NOT_DECIDED = "not decided within the verifier's time and memory"
CHANGES = {"done": "DONE", "not-done": "NOT_DONE", "unknown": "UNKNOWN"}
OUTCOMES = {
    "put": set(CHANGES),
    "delete": set(CHANGES),
    "open": {"ok", "absent", "offline", "failed"},
    "read": {"ok", "changed", "offline", "absent", "failed"},
    "stat": {"ok", "absent", "failed"},
    "list": {"present", "absent", "failed"},
}

Event = dict[str, Any]


class NotReplayable(Exception):
    """The trace is not in the format, or beyond what the model holds."""


class NotABehaviour(Exception):
    """No run of the model shows what the trace shows."""


class NotDecided(Exception):
    """Neither was found within the time and memory of the verifier."""


class Slots:
    """Numbers for what is under way at once."""

    def __init__(self) -> None:
        self.free: list[int] = []
        self.count = 0

    def take(self) -> int:
        if self.free:
            return self.free.pop()
        self.count += 1
        return self.count - 1


class Values:
    """What was put, as version numbers of the model, and the store's versions by what they were seen to hold."""

    def __init__(self, events: list[Event]) -> None:
        self.numbers: dict[Any, int] = {}
        self.of_version: dict[str, Any] = {}
        self.weak: set[int] = set()
        self.may_come_back: set[int] = set()
        comes_back = any(event.get("comes_back") for event in events if event["event"] == "start")
        for event in events:
            if event.get("value") is None:
                continue
            if event["event"] == "start" or (event["event"], event.get("phase")) == ("put", "begun"):
                if event["value"] in self.numbers:
                    raise NotReplayable(f"{where(event)}: the value {event['value']!r} was put before")
                self.numbers[event["value"]] = len(self.numbers) + 1
                if comes_back and event["event"] == "put" and event.get("via") != "outside" and not event.get("if"):
                    self.may_come_back.add(len(self.numbers))
        if len(self.numbers) > MAX_VALUES:
            raise NotReplayable(f"{len(self.numbers)} values of one object (at most {MAX_VALUES})")

    def number(self, event: Event) -> int:
        """The version that holds the value which the event tells."""
        values = event.get("values", [event.get("value")])
        if len(set(values)) != 1:
            raise NotABehaviour(f"{where(event)}: bytes of several versions: {values}")
        if values[0] not in self.numbers:
            raise NotABehaviour(f"{where(event)}: the value {values[0]!r} was never put")
        version = event.get("version")
        if version is not None and not event.get("weak"):
            if self.of_version.setdefault(version, values[0]) != values[0]:
                raise NotABehaviour(f"{where(event)}: version {version} was seen with the value {self.of_version[version]!r}")
        return self.numbers[values[0]]

    def learn(self, event: Event) -> None:
        """Notes what the end of an open or a put says of a version."""
        value = event.get("value")
        if value in self.numbers and event.get("weak"):
            self.weak.add(self.numbers[value])


def where(event: Event) -> str:
    return f"line {event['line']} ({event['event']}{' ' + event['phase'] if 'phase' in event else ''})"


def load(path: pathlib.Path) -> list[Event]:
    """The events of a file, in the order of their times."""
    events: list[Event] = []
    for line, text in enumerate(path.read_text().splitlines(), 1):
        if text.strip():
            try:
                events.append({"object": "", "time": 0, "process": "", **json.loads(text), "line": line})
            except ValueError as error:
                raise NotReplayable(f"line {line}: {error}") from None
    return sorted(events, key=lambda event: event["time"])


def pairs(events: list[Event]) -> Iterator[tuple[Event, Event]]:
    """Each begun operation with its end. Where that was not recorded, the outcome of a change is unknown and an open has
    failed."""
    begun: dict[Any, Event] = {}
    for event in events:
        if event["event"] in ("start", "close"):
            continue
        if event["event"] not in OUTCOMES or event.get("phase") not in ("begun", "ended"):
            raise NotReplayable(f"{where(event)}: no such event")
        key = (event["process"], event.get("op"))
        if event["phase"] == "begun":
            if key in begun:
                raise NotReplayable(f"{where(event)}: operation {event.get('op')} was begun before")
            begun[key] = event
            continue
        if key not in begun or begun[key]["event"] != event["event"]:
            raise NotReplayable(f"{where(event)}: it was not begun")
        if event.get("outcome") not in OUTCOMES[event["event"]]:
            raise NotReplayable(f"{where(event)}: no such outcome: {event.get('outcome')!r}")
        yield begun.pop(key), event
    for event in begun.values():
        if event["event"] in ("put", "delete", "open"):
            outcome = "failed" if event["event"] == "open" else "unknown"
            yield event, {**event, "phase": "ended", "outcome": outcome, "time": float("inf")}


class Driver:
    """The process `trace`, one statement for each event, written for one process with a cache."""

    def __init__(self, events: list[Event], focus: Any) -> None:
        self.values, self.focus = Values(events), focus
        self.handles, self.changers, self.lookers = Slots(), Slots(), Slots()
        self.slot_of_handle: dict[Any, int] = {}
        self.lines: list[tuple[Event, str]] = []
        self.start = next((event for event in events if event["event"] == "start"), {"value": None})
        self.offline = any(event.get("cache") == "offline" for event in events)
        operations = list(pairs(events))
        steps = [(event, begun, ended) for begun, ended in operations for event in (begun, ended)]
        steps += [(event, event, event) for event in events if event["event"] == "close"]
        for _, ended in operations:
            self.values.learn(ended)
        self.slots: dict[int, int] = {}  # of changes and looks under way
        for event, begun, ended in sorted(steps, key=lambda step: (step[0]["time"], step[0]["line"])):
            if event["event"] == "close":
                self.close(event)
            else:
                self.operation(event, begun, ended)

    def add(self, event: Event, statement: str) -> None:
        self.lines.append((event, statement))

    def expect(self, event: Event, channel: str, given: Any) -> None:
        # Two statements: the verifier counts the first as reached where nobody answers.
        self.add(event, f"atomic {{ {channel}?seen; seen == {given}; seen = 0 }}")

    def operation(self, event: Event, begun: Event, ended: Event) -> None:
        """One end of an operation."""
        cached = begun["process"] == self.focus and begun.get("via", "nacre") == "nacre"
        kind = begun["event"]
        if ended["outcome"] == "failed":
            if kind == "open" and cached and self.offline:
                self.open_in_vain(event, begun)
            return  # it says nothing of the object
        if kind in ("put", "delete"):
            self.change(event, begun, ended, cached)
        elif kind in ("open", "read") and cached:
            (self.open if kind == "open" else self.read)(event, begun, ended)
        elif kind != "read" and begun.get("cache", "fresh") == "fresh":
            self.look(event, begun, ended)

    def change(self, event: Event, begun: Event, ended: Event, cached: bool) -> None:
        if event is begun:
            version = 0
            if begun["event"] == "put":
                if begun.get("value") is None:
                    raise NotReplayable(f"{where(begun)}: a put needs its value")
                version = self.values.numbers[begun["value"]]
            self.slots[id(begun)] = self.changers.take()
            own = int(cached and self.offline)  # its epochs show only to opens without proof
            self.add(event, f"ask_change[{self.slots[id(begun)]}]!{own},{version},{CHANGES[ended['outcome']]}")
            return
        self.expect(event, f"got_change[{self.slots[id(begun)]}]", "true")
        if ended["outcome"] != "unknown":  # else it may happen yet
            self.changers.free.append(self.slots[id(begun)])

    def open(self, event: Event, begun: Event, ended: Event) -> None:
        mode = {"fresh": "OPEN", "offline": "OPEN_OFFLINE"}.get(begun.get("cache", "fresh"))
        if not mode:
            raise NotReplayable(f"{where(begun)}: cache={begun['cache']} is not in the model")
        key = begun.get("handle")
        given = {"ok": None, "absent": "ABSENT", "offline": "UNCACHED"}[ended["outcome"]] or self.values.number(ended)
        if event is begun:
            if key in self.slot_of_handle:
                raise NotReplayable(f"{where(begun)}: handle {key} is open")
            slot = self.slot_of_handle[key] = self.handles.take()
            self.add(event, f"ask[{slot}]!{mode},{given}")
            return
        self.expect(event, f"got[{self.slot_of_handle[key]}]", given)
        if ended["outcome"] != "ok":
            self.close({**ended, "handle": key})

    def open_in_vain(self, event: Event, begun: Event) -> None:
        if event is begun:
            self.slots[id(begun)] = self.handles.take()
            self.add(event, f"ask[{self.slots[id(begun)]}]!OPEN_IN_VAIN,0")
        elif event["time"] != float("inf"):
            self.expect(event, f"got[{self.slots[id(begun)]}]", 0)
            self.handles.free.append(self.slots[id(begun)])

    def read(self, event: Event, begun: Event, ended: Event) -> None:
        if begun.get("handle") not in self.slot_of_handle:
            raise NotReplayable(f"{where(begun)}: handle {begun.get('handle')} is not open")
        slot = self.slot_of_handle[begun["handle"]]
        given = {"ok": None, "changed": "CHANGED", "offline": "UNCACHED", "absent": "ABSENT"}[ended["outcome"]]
        given = given or self.values.number(ended)
        if event is begun:
            self.add(event, f"ask[{slot}]!READ,{given}")
        else:
            self.expect(event, f"got[{slot}]", given)

    def close(self, event: Event) -> None:
        if event["process"] == self.focus and event.get("handle") in self.slot_of_handle:
            slot = self.slot_of_handle.pop(event["handle"])
            self.add(event, f"ask[{slot}]!CLOSE,0")
            self.handles.free.append(slot)

    def look(self, event: Event, begun: Event, ended: Event) -> None:
        told = "value" in ended or "values" in ended
        seen = "ABSENT" if ended["outcome"] == "absent" else self.values.number(ended) if told else "PRESENT"
        if event is begun:
            self.slots[id(begun)] = self.lookers.take()
            self.add(event, f"ask_look[{self.slots[id(begun)]}]!{seen}")
            return
        self.expect(event, f"got_look[{self.slots[id(begun)]}]", seen)
        self.lookers.free.append(self.slots[id(begun)])

    def text(self) -> str:
        """The driver in Promela, one line for each event."""
        if self.handles.count > MAX_HANDLES:
            raise NotReplayable(f"{self.handles.count} handles open at once in one process (at most {MAX_HANDLES})")
        defines = {
            "VERSIONS": max(1, len(self.values.numbers)),
            "READERS": max(1, self.handles.count),
            "WRITERS": max(1, self.changers.count),
            "LOOKERS": max(1, self.lookers.count),
            "FAULTS": 0,
            "HEAD_IS_ALL": 1,
            "OFFLINE": int(self.offline),
            "WEAK_TOO": int(bool(self.values.weak)),
            "KEEPS_OLD": int(self.start.get("keeps_old", False)),
            "VALIDATORS_VANISH": int(self.start.get("validators_vanish", False)),
            "COMES_BACK": int(bool(self.values.may_come_back)),
        }
        value = self.start.get("value")
        head = [f"#define {name} {number}" for name, number in defines.items()]
        head += [f'#include "{model.MODEL / "replay.pml"}"', "active proctype recorded() {", "byte seen;"]
        known = [f"weak[{number}] = true;" for number in sorted(self.values.weak)]
        known += [f"may_come_back[{number}] = true;" for number in sorted(self.values.may_come_back)]
        head.append(f"d_step {{ {' '.join(known)} seen = 0 }}")
        head.append(f"start({0 if value is None else self.values.numbers[value]});")
        self.first = len(head) + 1
        return "\n".join([*head, *(f"{statement};" for _, statement in self.lines), "not_replayed = false; assert(not_replayed) }"])


def replay(events: list[Event], focus: Any) -> None:
    """Raises NotABehaviour unless the model can do what the events of one object say, `focus` with its cache."""
    driver = Driver(events, focus)
    options = ["-E", "-m1000000"]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "trace.pml"
        source.write_text(driver.text())
        verdict = model.verify(source, "", options, pathlib.Path(folder), fast=False)
    if verdict.failed == "not_replayed":
        return
    if verdict.failed:
        raise NotReplayable(f"the verifier gave up:\n{verdict.text}")
    if not verdict.finished:
        raise NotDecided
    reached = [line - driver.first for line in verdict.unreached("recorded") if line >= driver.first]
    event = driver.lines[min(reached)][0] if reached else driver.lines[-1][0]
    raise NotABehaviour(f"{where(event)}: no run of the model comes to this")


def replay_all(events: list[Event]) -> Iterator[tuple[str, str | None]]:
    """Each object and process, with what is wrong."""
    for name in sorted({event["object"] for event in events}):
        own = [event for event in events if event["object"] == name]
        users = {event["process"] for event in own if event.get("phase") == "begun" and event.get("via") != "outside"}
        for focus in sorted(users, key=str) or [None]:
            try:
                replay(own, focus)
                yield f"{name} in {focus}", None
            except NotABehaviour as error:
                yield f"{name} in {focus}", str(error)
            except NotDecided:
                yield f"{name} in {focus}", NOT_DECIDED


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/model_replay.py", description=__doc__)
    parser.add_argument("trace", type=pathlib.Path, nargs="+", help="recorded events, JSON lines")
    wrong = undecided = 0
    for path in parser.parse_args().trace:
        try:
            for name, problem in replay_all(load(path)):
                print(f"{path}: {name}: {problem or 'a behaviour of the model'}", flush=True)
                wrong += problem not in (None, NOT_DECIDED)
                undecided += problem == NOT_DECIDED
        except NotReplayable as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 2
    return 1 if wrong else 3 if undecided else 0


if __name__ == "__main__":
    sys.exit(main())
