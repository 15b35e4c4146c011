# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Names of a package whose modules are imported when the names are first asked for (PEP 562)."""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself is not imported for this
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping


def attributes(
    namespace: dict[str, Any], modules: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    namespace
        The package's ``globals()``, which keep what was asked for.
    modules
        Modules of the package that are its attributes, separated by blanks.
    homes
        For a module, the package's own by ".name", the names that are taken of it: separated by blanks, each "name" or
        "name=its name there".
    """
    package = namespace["__name__"]
    places: dict[str, tuple[str, str]] = {name: (f"{package}.{name}", "") for name in modules.split()}
    for home, names in homes.items():
        module = package + home if home.startswith(".") else home
        for name, _, there in (pair.partition("=") for pair in names.split()):
            places[name] = (module, there or name)

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        import importlib

        home, there = places[name]
        module = importlib.import_module(home)
        value = namespace[name] = getattr(module, there) if there else module
        return value

    return get, lambda: sorted({*namespace, *places})
