# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Gives the functions and variables of a wheel's libraries names that no other library has.

Libraries with names of their own are not enough: the loader looks a symbol up in the program and its libraries first,
so in a program that is itself linked with an OpenSSL, a PROJ or a libtiff ours would call theirs.
"""

from __future__ import annotations

import pathlib
import subprocess
import tempfile
from collections.abc import Iterable

from elftools.elf.elffile import ELFFile

PREFIX = "nacre_own_"


def symbols(path: pathlib.Path) -> dict[str, bool]:
    """The dynamic symbols of a library or program, and whether it defines them."""
    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        return {symbol.name: symbol["st_shndx"] != "SHN_UNDEF" for symbol in table.iter_symbols() if symbol.name}


def defined(paths: Iterable[pathlib.Path]) -> set[str]:
    """What libraries define."""
    return {name for path in paths for name, is_defined in symbols(path).items() if is_defined}


def rename(brought: list[pathlib.Path], users: list[pathlib.Path], platform: list[pathlib.Path]) -> None:
    """Renames what the libraries that are brought define, in them and in what uses them.

    Parameters
    ----------
    brought
        The libraries whose symbols become private.
    users
        Libraries and programs that are linked with them.
    platform
        Libraries that are not brought. What these define too (parts of C++'s library) keeps its name.
    """
    private = defined(brought) - defined(platform)
    for path in [*brought, *users]:
        mine = sorted(private & symbols(path).keys())
        if not mine:
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".map") as names:
            names.writelines(f"{name} {PREFIX}{name}\n" for name in mine)
            names.flush()
            subprocess.run(["patchelf", "--rename-dynamic-symbols", names.name, path], check=True)
