# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Rational polynomial coefficients."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass
class RPC:
    """The camera model of a scene, as GDAL's RPC metadata domain has it.

    Parameters
    ----------
    height_off, lat_off, long_off, line_off, samp_off
        Offsets of heights (metres above the ellipsoid), latitudes and longitudes (degrees), rows and columns.
    height_scale, lat_scale, long_scale, line_scale, samp_scale
        What the differences from the offsets are divided by.
    line_num_coeff, line_den_coeff, samp_num_coeff, samp_den_coeff
        Twenty coefficients each.
    err_bias, err_rand
        Errors in metres of the model as a whole, and of one point against another.
    """

    height_off: float
    height_scale: float
    lat_off: float
    lat_scale: float
    line_den_coeff: list[float]
    line_num_coeff: list[float]
    line_off: float
    line_scale: float
    long_off: float
    long_scale: float
    samp_den_coeff: list[float]
    samp_num_coeff: list[float]
    samp_off: float
    samp_scale: float
    err_bias: float | None = None
    err_rand: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The attributes by name."""
        return asdict(self)

    def to_gdal(self) -> dict[str, str]:
        """Texts under GDAL's names; what is None is left out."""
        return {name.upper(): _text(value) for name, value in self.to_dict().items() if value is not None}

    @classmethod
    def from_gdal(cls, rpcs: dict[str, str]) -> RPC:
        """The coefficients of texts under GDAL's names.

        Raises
        ------
        KeyError
            One is missing.
        """
        values: dict[str, Any] = {}
        for name in (field.name for field in fields(cls)):
            if name.startswith("err_") and name.upper() not in rpcs:
                continue
            numbers = [float(word) for word in rpcs[name.upper()].split()]
            values[name] = numbers if name.endswith("_coeff") else numbers[0]
        return cls(**values)


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
