# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Libraries that import Rasterio, run on nacre."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from typing import Sequence

_OTHER = "rasterio"
_OURS = __name__.rpartition(".")[0]


def _own_name(name: str) -> str | None:
    """The module of nacre that stands for one of Rasterio's; None for a name that is not Rasterio's."""
    package, dot, rest = name.partition(".")
    return _OURS + dot + rest if package == _OTHER else None


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds nacre's modules under Rasterio's names: the same objects, not copies."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        own = _own_name(fullname)
        if own is None:
            return None
        # Left to other finders, a module that nacre lacks might be found in an installed Rasterio.
        private = any(part.startswith("_") for part in fullname.split("."))
        if private or importlib.util.find_spec(own) is None:
            raise ModuleNotFoundError(f"No module named {fullname!r}: nacre has no {own}", name=fullname)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: types.ModuleType) -> None:
        own = _own_name(module.__name__)
        assert own is not None
        sys.modules[module.__name__] = importlib.import_module(own)  # what import gives in the end is found here


_finder = _Finder()


def _aliases() -> list[str]:
    return [name for name in sys.modules if _own_name(name) is not None]


def is_installed() -> bool:
    """Whether ``import rasterio`` gives nacre."""
    return _finder in sys.meta_path


def install() -> None:
    """Let ``import rasterio``, ``import rasterio.X`` and ``from rasterio.X import Y`` give nacre's modules.

    For the whole process, so it is called before the libraries that import Rasterio are imported. Modules are the same
    objects under both names: a dataset that such a library opens is one of nacre's. Processes that are started
    afterwards by other means than fork must call it themselves. A second call does nothing.

    Raises
    ------
    ImportError
        Rasterio itself is imported already: two packages of one name, each with its own datasets, cannot be mixed.
    """
    if is_installed():
        return
    loaded = sys.modules.get(_OTHER)
    if loaded is not None and loaded is not sys.modules[_OURS]:
        place = getattr(loaded, "__file__", None) or "unknown place"
        raise ImportError(
            f"rasterio: imported already (from {place}); call nacre.compat.install() before anything imports rasterio",
            name=_OTHER,
        )
    sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Let ``import rasterio`` give what it gave before ``install``.

    Libraries that were imported meanwhile keep nacre. Does nothing where nothing is installed.
    """
    if not is_installed():
        return
    sys.meta_path.remove(_finder)
    for name in _aliases():
        del sys.modules[name]
