# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""``import nacre`` draws in nothing, and every name is there all the same."""

from __future__ import annotations

import ast
import importlib
import pathlib
import subprocess
import sys

import pytest
import rasterio

import nacre

SOURCE = pathlib.Path(nacre.__file__).read_text()


def told_by(code: str) -> list[str]:
    """Words that a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def branches() -> tuple[set[tuple[str, str, str]], set[tuple[str, str, str]]]:
    """(module, name there, name here) of what type checkers see and of what is found at run time."""
    choice = next(node for node in ast.parse(SOURCE).body if isinstance(node, ast.If))
    seen = set()
    for node in choice.body:
        assert isinstance(node, ast.ImportFrom)
        home = "." * node.level + (node.module or "")
        seen |= {(home, each.name, each.asname or each.name) for each in node.names}
    call = next(node for node in ast.walk(choice.orelse[0]) if isinstance(node, ast.Call) and node.keywords)
    table = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    found = {(".", name, name) for name in table["modules"].split()}
    for home, names in table["homes"].items():
        for name, _, there in (pair.partition("=") for pair in names.split()):
            found.add((home, there or name, name))
    return seen, found


def test_what_type_checkers_see_is_what_there_is() -> None:
    seen, found = branches()
    assert seen == found
    assert set(nacre.__all__) <= {name for _, _, name in found}


def test_import_draws_in_nothing_but_the_names() -> None:
    code = "import sys; had = set(sys.modules); import nacre; print(*sorted(set(sys.modules) - had))"
    assert set(told_by(code)) <= {"__future__", "nacre", "nacre._lazy"}


def test_errors_enums_and_coordinates_need_no_library() -> None:
    """Modules without pixels load neither the C library nor numpy."""
    code = "import sys, nacre; nacre.errors, nacre.enums, nacre.coords; print(*sys.modules)"
    assert not {"numpy", "nacre._native", "nacre._lib", "affine", "attr", "click"} & set(told_by(code))


def test_click_and_asyncio_are_not_needed_to_read() -> None:
    code = "import sys, nacre; nacre.open, nacre.vrt.WarpedVRT, nacre.warp.reproject; print(*sys.modules)"
    assert not {"click", "asyncio", "matplotlib", "ctypes.util", "nacre.plot", "nacre.gdal"} & set(told_by(code))


@pytest.mark.parametrize("name", dir(nacre))
def test_every_name_is_there(name: str) -> None:
    assert getattr(nacre, name) is getattr(nacre, name)


def test_modules_are_attributes_as_rasterios() -> None:
    """Those that ``import rasterio`` leaves as attributes are attributes after ``import nacre``."""
    code = """
import sys, rasterio
print(*(name for name in vars(rasterio) if f"rasterio.{name}" in sys.modules and not name.startswith("_")))
"""
    for name in told_by(code):
        assert getattr(nacre, name) is importlib.import_module(f"nacre.{name}")


def test_a_star_import_gives_the_names_in_all() -> None:
    code = "from nacre import *; print(*dir())"
    assert set(nacre.__all__) <= set(told_by(code))


def test_other_names_fail_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'nacre' has no attribute 'nothing'"):
        nacre.nothing  # type: ignore[attr-defined]
    with pytest.raises(ImportError):
        importlib.import_module("nacre.nothing")


def test_threads_may_ask_first() -> None:
    code = """
import threading, nacre
gate, found = threading.Barrier(8), []
def ask():
    gate.wait()
    found.append((nacre.open, nacre.windows.Window, nacre.warp, nacre.CRS))
threads = [threading.Thread(target=ask) for _ in range(8)]
[each.start() for each in threads], [each.join() for each in threads]
print(len(found), len(set(found)))
"""
    assert told_by(code) == ["8", "1"]


def test_functions_that_are_pickled_are_found_again() -> None:
    import pickle

    for each in (nacre.open, nacre.Band, nacre.CRS, nacre.windows.Window):
        assert pickle.loads(pickle.dumps(each)) is each


assert rasterio  # the environment has it: this file compares with it in processes of their own
