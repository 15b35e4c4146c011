# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""An overview of a raster as a dataset of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

from . import _lib
from ._native import ffi, lib
from .dataset import DatasetReader, _State
from .errors import RasterioIOError


class OverviewReader(DatasetReader):
    """One overview of a raster, with the smaller ones as its overviews.

    Parameters
    ----------
    whole
        The raster, which may be closed afterwards.
    level
        The overview, from 0.

    Raises
    ------
    RasterioIOError
        There is no such overview.
    """

    def __init__(self, whole: DatasetReader, level: int) -> None:
        self._level = level
        source = whole._open_state()
        super().__init__(self._view_of(source), whole._cache, whole._driver, whole._on_change, whole._options)
        self._state = self._state_over(whole, source, self._state)

    def _view_of(self, source: _State) -> Any:
        info = ffi.new("nacre_dataset_info *")
        lib.nacre_dataset_info_get(source.handle, info)
        if not 0 <= self._level < info.overview_count:
            told = _lib.shown(source.info.path)
            raise RasterioIOError(f"{told}: there is no overview {self._level} of {info.overview_count}")
        options = _lib.sized("nacre_translate_options")
        options.out_width, options.out_height = info.overviews[self._level]
        out = ffi.new("nacre_dataset **")
        err = ffi.new("nacre_error *")
        _lib.check(lib.nacre_view_translate(source.handle, options, out, err), err)
        return out[0]

    def _state_over(self, whole: DatasetReader, source: _State, state: _State) -> _State:
        """The view, told as a raster of the file's kind."""
        place = whole._block(1, self._level + 1, 0, 0)
        shape = (int(place.block_height), int(place.block_width)) if place else state.info.bands[0].block_shape
        info = dataclasses.replace(
            source.info, width=state.info.width, height=state.info.height, transform=state.info.transform,
            overview_widths=source.info.overview_widths[self._level + 1 :], gcps=state.info.gcps,
            bands=[dataclasses.replace(band, block_shape=shape) for band in source.info.bands],
        )  # fmt: skip
        return _State(state.handle, info, source)

    def refresh(self) -> bool:
        """Not built yet: open it again.

        Raises
        ------
        NotImplementedError
        """
        raise NotImplementedError(f"{_lib.shown(self.name)}: refresh of an overview is not built yet: open it again")
