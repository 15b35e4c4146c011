# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""TIFFs made field by field, so that a test has every form that no writer offers."""

from __future__ import annotations

import struct
from typing import Any, Mapping, Sequence

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
CODES = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
SHORT, LONG, RATIONAL, DOUBLE, LONG8 = 3, 4, 5, 12, 16
Tags = Mapping[int, tuple[int, Any]]


def image(
    width: int, height: int, bits: int = 8, samples: int = 1, sample_format: int = 1, **more: int
) -> dict[int, tuple[int, Any]]:
    """The tags of an image in one strip a plane; more: compression, photometric, planar, rows."""
    tags: dict[int, tuple[int, Any]] = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [bits] * samples),
        259: (SHORT, [more.get("compression", 1)]),
        262: (SHORT, [more.get("photometric", 1)]),
        277: (SHORT, [samples]),
        278: (LONG, [more.get("rows", height)]),
        284: (SHORT, [more.get("planar", 1)]),
    }
    if sample_format != 1:
        tags[339] = (SHORT, [sample_format] * samples)
    return tags


def as_tiles(tags: dict[int, tuple[int, Any]], width: int, height: int) -> dict[int, tuple[int, Any]]:
    """The same image in tiles."""
    return {**{k: v for k, v in tags.items() if k != 278}, 322: (LONG, [width]), 323: (LONG, [height])}


class Writer:
    """A file that grows at its end."""

    def __init__(self, big_endian: bool = False, big: bool = False) -> None:
        self.order, self.big = ">" if big_endian else "<", big
        self.word = "Q" if big else "I"
        self.content = bytearray(b"MM" if big_endian else b"II")
        self.content += struct.pack(self.order + "HHHQ", 43, 8, 0, 0) if big else struct.pack(self.order + "HI", 42, 0)
        self.link = 8 if big else 4

    def add(self, content: bytes) -> int:
        """Appends bytes at an even place, and tells where."""
        self.content += b"\0" * (len(self.content) % 2)
        self.content += content
        return len(self.content) - len(content)

    def values(self, kind: int, values: Any) -> bytes:
        if isinstance(values, bytes):
            return values
        if kind in (5, 10):
            return b"".join(struct.pack(self.order + ("II" if kind == 5 else "ii"), *pair) for pair in values)
        return struct.pack(f"{self.order}{len(values)}{CODES[kind]}", *values)

    def directory(self, tags: Tags) -> None:
        """Appends a directory, with its values behind it, and links it."""
        entry_size, inline = (20, 8) if self.big else (12, 4)
        at = self.add(b"")
        self.content[self.link : self.link + inline] = struct.pack(self.order + self.word, at)
        entries = bytearray(struct.pack(self.order + ("Q" if self.big else "H"), len(tags)))
        values_at, tail = at + len(entries) + len(tags) * entry_size + inline, bytearray()
        for number in sorted(tags):
            kind, values = tags[number]
            raw = self.values(kind, values)
            entries += struct.pack(self.order + "HH" + self.word, number, kind, len(raw) // SIZES[kind])
            if len(raw) <= inline:
                entries += raw.ljust(inline, b"\0")
            else:
                entries += struct.pack(self.order + self.word, values_at + len(tail))
                tail += raw + b"\0" * (len(raw) % 2)
        self.link = at + len(entries)
        self.content += entries + b"\0" * inline + tail

    def image(self, tags: Tags, blocks: Sequence[bytes]) -> None:
        """Appends blocks and their directory; an empty block is a sparse one."""
        places = [self.add(block) if block else 0 for block in blocks]
        tiled, kind = 322 in tags, LONG8 if self.big else LONG
        self.directory(
            {
                **tags,
                324 if tiled else 273: (kind, places),
                325 if tiled else 279: (kind, [len(block) for block in blocks]),
            }
        )


def tiff(tags: Tags, blocks: Sequence[bytes], big_endian: bool = False, big: bool = False) -> bytes:
    """A file of one image."""
    writer = Writer(big_endian, big)
    writer.image(tags, blocks)
    return bytes(writer.content)
