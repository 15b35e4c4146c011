# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Names that Rasterio has and nacre does not have yet: asking for one says so."""

from __future__ import annotations

from typing import Any, Callable


def names(module: str, missing: str) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that tells which of Rasterio's names are still to come.

    Parameters
    ----------
    module
        The module's ``__name__``.
    missing
        The names, separated by blanks.
    """
    later = frozenset(missing.split())

    def get(name: str) -> Any:
        if name in later:
            raise AttributeError(f"{module}.{name} is not built yet")
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return get


def function(name: str, instead: str = "") -> Callable[..., Any]:
    """A function of Rasterio's that is still to come: calling it raises ``NotImplementedError``, which says so.

    Parameters
    ----------
    name
        ``module.function``, as Rasterio's.
    instead
        What to do meanwhile.
    """

    def unbuilt(*_args: Any, **_kwargs: Any) -> Any:
        raise NotImplementedError(f"nacre.{name} is not built yet" + (f"; {instead}" if instead else ""))

    unbuilt.__name__ = unbuilt.__qualname__ = name.rpartition(".")[2]
    unbuilt.__doc__ = "Not built yet."
    return unbuilt
