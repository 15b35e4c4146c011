# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What the shared libraries export is what the public headers declare, each in one of them."""

from __future__ import annotations

import pathlib
import re
import subprocess

import pytest
from conftest import ROOT

SOURCES = pathlib.Path(ROOT / "build" / "src")


def exported(library: str) -> dict[str, set[str]]:
    """Symbols that a library defines for others, by version."""
    words = ["nm", "-D", "--defined-only", "--with-symbol-versions", SOURCES / library]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    symbols: dict[str, set[str]] = {}
    for name, version in re.findall(r" [^A] (\w+)@@([\w.]+)$", told, re.M):
        symbols.setdefault(version, set()).add(name)
    assert len(re.findall(r" [^A] \w", told)) == sum(map(len, symbols.values())), "symbols without a version"
    return symbols


def declared() -> set[str]:
    """Functions of the public headers."""
    text = "".join(path.read_text() for path in (ROOT / "include" / "nacre").glob("*.h"))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return set(re.findall(r"^NACRE_API[^;(]*?\b(nacre_\w+)\(", text, re.M))


def test_the_libraries_export_the_public_functions_and_nothing_else() -> None:
    """But for what libnacre needs of libnacre_io, which has a version of its own (decision 0001)."""
    io, whole = exported("libnacre_io.so"), exported("libnacre.so")
    assert set(io) == {"NACRE_0.1", "NACRE_PRIVATE"} and set(whole) == {"NACRE_0.1"}
    assert io["NACRE_0.1"] | whole["NACRE_0.1"] == declared()
    assert not io["NACRE_0.1"] & whole["NACRE_0.1"]
    assert {"nacre_file_open", "nacre_cache_invalidate"} <= io["NACRE_0.1"]
    assert all(name.startswith("ncr_") for name in io["NACRE_PRIVATE"])


@pytest.mark.parametrize("library", ["libnacre_io.so", "libnacre.so"])
def test_the_name_of_a_library_tells_the_minor_version(library: str) -> None:
    version = re.search(r"version: '(\d+\.\d+)", (ROOT / "meson.build").read_text()).group(1)
    told = subprocess.run(["readelf", "-d", SOURCES / library], capture_output=True, text=True, check=True).stdout
    assert re.search(r"SONAME.*\[(.*)\]", told).group(1) == f"{library}.{version}"
