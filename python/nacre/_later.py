# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Functions that Rasterio has and nacre does not have yet: calling one says so."""

from __future__ import annotations

from typing import Any, Callable


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
