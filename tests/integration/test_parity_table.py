# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The table of docs/guide/rasterio.md: every public name of Rasterio's, and what nacre has of it.

``python tests/integration/test_parity_table.py`` writes the page anew. A gap that no line of ``REASONS`` explains fails.
"""

from __future__ import annotations

import importlib
import inspect
import pathlib
import types
import warnings
from typing import Any, Iterator

import nacre  # noqa: F401 (without it every module would be missing)
import pytest
import rasterio

if tuple(map(int, rasterio.__version__.split(".")[:2])) < (1, 5):
    pytest.skip("held against Rasterio from 1.5 on", allow_module_level=True)

PAGE = pathlib.Path(__file__).parents[2] / "docs/guide/rasterio.md"

MODULES = (
    "", "abc", "cache", "control", "coords", "crs", "drivers", "dtypes", "enums", "env", "errors", "features", "fill",
    "io", "mask", "merge", "path", "plot", "profiles", "rpc", "sample", "serde", "session", "shutil", "stack", "tools",
    "transform", "vrt", "warp", "windows",
)  # fmt: skip

LATER = "not built yet: it says so"

# Why a module, a name or a class's member is missing or has another signature.
REASONS = {
    "rasterio.have_vsi_plugin": "GDAL's file systems are not used",
    "features.dataset_features": LATER,
    "features.shapes": LATER,
    "features.sieve": LATER,
    "fill": LATER,
    "merge": LATER,
    "stack": LATER,
    "tools": LATER,
    "env.Env.aws_creds_from_context_options": "keys of Amazon's are options as others",
    "crs.all_proj_keys": "parameters are left to PROJ",
    "crs.auth_preference": "a sorting key of Rasterio's own",
    "drivers.blacklist": "no format of nacre's is kept from a mode",
    "env.path": "a variable of Rasterio's own",
}


def public(module: types.ModuleType) -> Iterator[str]:
    """Names that a module defines, in order."""
    for name, value in sorted(vars(module).items()):
        home = getattr(value, "__module__", None)
        is_own = home is None or home.startswith(("rasterio", "nacre"))
        if not name.startswith("_") and is_own and not inspect.ismodule(value):
            if home in (None, module.__name__):
                yield name


def parameters(value: Any) -> list[tuple[str, str]] | None:
    """Names and defaults of a callable's parameters; None where it tells none."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    told = [each for each in signature.parameters.values() if each.name not in ("self", "cls")]
    return [(each.name, "" if each.default is each.empty else shown(each.default)) for each in told]


def shown(default: Any) -> str:
    """A default without what differs from run to run."""
    text = repr(default)
    return type(default).__name__ if " at 0x" in text or "object" in text else text


def members(value: Any) -> list[str]:
    """Public methods and attributes of a class that are not the language's own."""
    plain = set(dir(object)) | set(dir(int)) | set(dir(Exception)) | set(dir(tuple)) | set(dir(dict))
    return [name for name in dir(value) if not name.startswith("_") and name not in plain]


def differs(name: str, theirs: Any, ours: Any) -> Iterator[str]:
    """What of one name nacre has otherwise."""
    wanted, got = parameters(theirs), parameters(ours)
    if callable(theirs) and not inspect.isclass(theirs) and wanted is not None and got is not None:
        names = [each for each in wanted if each not in got]
        if names:
            yield f"{name}({', '.join(each for each, _ in names)})"
    if inspect.isclass(theirs) and not issubclass(theirs, BaseException):
        fields = getattr(ours, "__dataclass_fields__", {})
        lost = [each for each in members(theirs) if not hasattr(ours, each) and each not in fields]
        yield from (f"{name}.{each}" for each in lost)


def gaps(module: str) -> tuple[int, list[str]]:
    """How many names a module has, and what nacre has not."""
    dotted = f".{module}" if module else ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = importlib.import_module(f"rasterio{dotted}")
    names = list(public(theirs))
    try:
        ours = importlib.import_module(f"nacre{dotted}")
    except ModuleNotFoundError:
        return len(names), ["all"]
    found = []
    for name in names:
        if not hasattr(ours, name):
            found.append(name)
        else:
            found += differs(name, getattr(theirs, name), getattr(ours, name))
    return len(names), found


def name_of(gap: str) -> str:
    """A gap without the parameters that are missing."""
    return gap.partition("(")[0]


def explained(module: str) -> tuple[int, list[str], list[str]]:
    """How many names a module has; its gaps with their reasons; those without a reason."""
    count, found = gaps(module)
    if module in REASONS and (found == ["all"] or REASONS[module] == LATER):
        return count, [f"all: {REASONS[module]}"] if found else [], []
    home = module or "rasterio"
    found = [name_of(each) if f"{home}.{name_of(each)}" in REASONS else each for each in found]
    told = [f"`{each}`: {REASONS[f'{home}.{each}']}" for each in found if f"{home}.{each}" in REASONS]
    return count, told, [f"{home}.{each}" for each in found if f"{home}.{each}" not in REASONS]


def table() -> str:
    """The table's lines."""
    lines = ["| module | public names | missing or otherwise |", "|---|---|---|"]
    for module in MODULES:
        count, told, _ = explained(module)
        lines.append(f"| `{'rasterio' + (module and '.') + module}` | {count} | {'; '.join(told)} |")
    return "\n".join(lines) + "\n"


HEAD = """# Beside Rasterio

`import nacre as rasterio` is enough for most programs. This table is made by a test that walks the public modules and
signatures of Rasterio 1.5 (`tests/integration/test_parity_table.py`); a gap without a reason fails it. What differs in
behaviour on purpose stands in [the page on Python](python.md).

"""


@pytest.mark.parametrize("module", MODULES)
def test_every_gap_has_a_reason(module: str) -> None:
    assert not explained(module)[2]


def test_the_page_is_as_the_test_makes_it() -> None:
    assert PAGE.read_text() == HEAD + table()


def test_reasons_are_of_names_that_are_missing() -> None:
    """A reason whose gap was closed must go."""
    missing = {f"{module or 'rasterio'}.{name_of(gap)}" for module in MODULES for gap in gaps(module)[1]}
    for name in REASONS:
        assert name in missing or f"{name}.all" in missing or any(each.startswith(f"{name}.") for each in missing)


if __name__ == "__main__":
    PAGE.write_text(HEAD + table())
