# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Is a history of one object linearisable? The object is a register that holds a value, or nothing (ABSENT).

Operations that overlap may have happened in any order, each at one moment between its begin and its end. The search is
that of Wing and Gong with Lowe's just-in-time linearisation: events are looked at in the order of their times, and an
operation is given its moment when it ends, or when another that ends needs it. The configurations (what is held, which
of the pending operations have had their moment) that are possible so far are kept as a set; when it is empty there is
no order.
"""

from __future__ import annotations

import dataclasses
from typing import Any

ABSENT = 0
FOREVER = float("inf")
LIMIT = 8000  # configurations at once; beyond that the history is not decided
CHANGES = ("write", "remove", "swap")


@dataclasses.dataclass(eq=False)
class Operation:
    """One operation.

    kind: changes are `write` (value), `remove`, `swap` (value, where `expected` is held); what looks is `read` (saw
    value), `present` (saw any), `not` (saw that value is not held).
    """

    kind: str
    begin: float
    end: float
    value: int = ABSENT
    expected: int = ABSENT
    optional: bool = False  # it may never have happened
    after: tuple[Operation, ...] = ()  # of what looks: changes that came before it, begun before it began
    source: Any = None  # where it was recorded

    def sees(self, state: int) -> bool:
        """Whether what looks could have seen this."""
        if self.kind == "read":
            return state == self.value
        return state != (ABSENT if self.kind == "present" else self.value)

    def text(self, zero: float = 0) -> str:
        """For people: times in milliseconds."""
        what = f"swap {self.expected} for" if self.kind == "swap" else self.kind
        end = "never" if self.end == FOREVER else f"{(self.end - zero) / 1e6:.3f}"
        value = "" if self.kind in ("remove", "present") else f" {self.value or 'absent'}"
        maybe = " (outcome unknown)" if self.optional else ""
        return f"{(self.begin - zero) / 1e6:10.3f} to {end:>10}  {what}{value}{maybe}  {self.source or ''}"


class NotDecided(Exception):
    """Too many configurations."""


class Search:
    """The configurations that are possible: (state, bits of the pending operations that have had their moment)."""

    def __init__(self, start: int) -> None:
        self.configurations: set[tuple[int, int]] = {(start, 0)}
        self.changes: dict[int, Operation] = {}  # pending, by their bit
        self.looks: dict[int, Operation] = {}
        self.before: dict[int, int] = {}  # of looks: bits of the pending changes that they must come after

    def absorb(self, state: int, done: int) -> int:
        """Those pending that see this state do so now: that never rules out anything."""
        for bit, look in self.looks.items():
            if not done & bit and not self.before[bit] & ~done and look.sees(state):
                done |= bit
        return done

    def begin(self, bit: int, operation: Operation) -> None:
        if operation.kind in CHANGES:
            self.changes[bit] = operation
            return
        self.looks[bit] = operation
        self.before[bit] = sum(other for other, change in self.changes.items() if change in operation.after)
        self.configurations = {(state, self.absorb(state, done)) for state, done in self.configurations}

    def end(self, bit: int, operation: Operation) -> bool:
        """False: there is no order in which it could have happened by now."""
        reached: set[tuple[int, int]] = set()
        if operation.optional:
            reached = {(state, done & ~bit) for state, done in self.configurations}
        self.reach(bit, reached)
        self.configurations = reached
        (self.changes if operation.kind in CHANGES else self.looks).pop(bit)
        self.before = {look: bits & ~bit for look, bits in self.before.items() if look != bit}
        if operation.optional:  # what had to come after it may be as well where it did not happen
            self.configurations = {(state, self.absorb(state, done)) for state, done in self.configurations}
        return bool(reached)

    def reach(self, bit: int, reached: set[tuple[int, int]]) -> None:
        """Every way to let the operation of this bit happen, with no more others than are needed for it."""
        stack = list(self.configurations)
        seen = set(stack)
        while stack:
            state, done = stack.pop()
            if done & bit:
                reached.add((state, done & ~bit))
                continue
            for other, change in self.changes.items():
                following = self.step(state, done, other, change, other == bit)
                if following and following not in seen:
                    seen.add(following)
                    stack.append(following)
            if len(seen) > LIMIT:
                raise NotDecided

    def step(self, state: int, done: int, bit: int, change: Operation, ends: bool) -> tuple[int, int] | None:
        if done & bit or (change.kind == "swap" and state != change.expected):
            return None
        new = ABSENT if change.kind == "remove" else change.value
        after = self.absorb(new, done | bit)
        if change.optional and not ends and after == done | bit and not self.is_expected(new, after):
            return None  # nobody would see it; who would later, lets it happen then
        return new, after

    def is_expected(self, state: int, done: int) -> bool:
        return any(
            change.kind == "swap" and change.expected == state and not done & bit
            for bit, change in self.changes.items()
        )


def first_impossible(operations: list[Operation], start: int = ABSENT) -> Operation | None:
    """None: linearisable. Else the operation by whose end no order is left. Raises NotDecided."""
    events = [(operation.begin, 0, number) for number, operation in enumerate(operations)]
    events += [(operation.end, 1, number) for number, operation in enumerate(operations) if operation.end != FOREVER]
    search = Search(start)
    free: list[int] = []
    bits: dict[int, int] = {}
    used = 0
    for _, is_end, number in sorted(events):
        if is_end:
            if not search.end(bits[number], operations[number]):
                return operations[number]
            free.append(bits.pop(number))
            continue
        if not free:
            free.append(1 << used)
            used += 1
        bits[number] = free.pop()
        search.begin(bits[number], operations[number])
    return None


def is_bad(operations: list[Operation], start: int) -> bool:
    try:
        return first_impossible(operations, start) is not None
    except NotDecided:
        return False


def minimal(operations: list[Operation], start: int = ABSENT) -> list[Operation]:
    """A part of a history that is not linearisable, which already is not: for people to read."""
    last = first_impossible(operations, start)
    if last is None:
        return []
    kept = [
        operation
        for operation in operations
        if operation.end <= last.end or (operation.kind in CHANGES and operation.begin <= last.end)
    ]
    for operation in list(kept):
        fewer = [other for other in kept if other is not operation]
        if may_go(operation, fewer) and is_bad(fewer, start):
            kept = fewer
    for operation in list(kept):  # changes whose traces went with the looks
        fewer = [other for other in kept if other is not operation]
        if may_go(operation, fewer) and is_bad(fewer, start):
            kept = fewer
    return sorted(kept, key=lambda operation: operation.begin)


def may_go(operation: Operation, others: list[Operation]) -> bool:
    """What looks may be left out; a change where nothing that stays could owe to it what it saw."""
    if operation.kind not in CHANGES:
        return True
    value = ABSENT if operation.kind == "remove" else operation.value
    for other in others:
        if other.kind in ("present", "not") or (other.kind == "read" and other.value == value):
            return False
        if other.kind == "swap" and other.expected == value:
            return False
    return True
