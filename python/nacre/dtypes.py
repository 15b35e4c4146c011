# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Types of pixels: their names here, in numpy and in GDAL."""

from __future__ import annotations

from typing import Any, Iterable

import numpy as np

bool_ = "bool"
ubyte = uint8 = "uint8"
sbyte = int8 = "int8"
uint16 = "uint16"
int16 = "int16"
uint32 = "uint32"
int32 = "int32"
uint64 = "uint64"
int64 = "int64"
float16 = "float16"
float32 = "float32"
float64 = "float64"
complex_ = "complex"
complex64 = "complex64"
complex128 = "complex128"
complex_int16 = "complex_int16"

# GDAL's number of a type: (name of the type here, GDAL's name).
_TYPES: dict[int, tuple[str | None, str]] = {
    0: (None, "Unknown"),
    1: (uint8, "Byte"),
    2: (uint16, "UInt16"),
    3: (int16, "Int16"),
    4: (uint32, "UInt32"),
    5: (int32, "Int32"),
    6: (float32, "Float32"),
    7: (float64, "Float64"),
    8: (complex_int16, "CInt16"),
    9: (complex64, "CInt32"),
    10: (complex64, "CFloat32"),
    11: (complex128, "CFloat64"),
    12: (uint64, "UInt64"),
    13: (int64, "Int64"),
    14: (int8, "Int8"),
    15: (float16, "Float16"),
    16: (complex64, "CFloat16"),
}

dtype_fwd: dict[int, str | None] = {number: name for number, (name, _) in _TYPES.items()}
dtype_rev: dict[str | None, int] = {name: number for number, name in dtype_fwd.items() if number not in (9, 10, 16)}
dtype_rev.update({complex64: 10, complex_: 11})
typename_fwd: dict[int, str] = {number: name for number, (_, name) in _TYPES.items()}
typename_rev: dict[str, int] = {name: number for number, name in typename_fwd.items()}
dtype_info_registry: dict[str, Any] = {"c": np.finfo, "f": np.finfo, "i": np.iinfo, "u": np.iinfo}

_INTEGERS = (uint8, uint16, uint32, uint64)
_SIGNED = (int8, int16, int32, int64)
_FLOATS = (float16, float32, float64)


def _limits(name: str) -> tuple[float, float]:
    info = dtype_info_registry[np.dtype(name).kind](name)
    return (info.min, info.max) if np.dtype(name).kind in "iu" else (float(info.min), float(info.max))


dtype_ranges: dict[str, tuple[float, float]] = {name: _limits(name) for name in (*_SIGNED, *_INTEGERS, *_FLOATS)}


def is_ndarray(array: Any) -> bool:
    """Whether it is an array of numpy, or like one."""
    return isinstance(array, np.ndarray) or hasattr(array, "__array__")


def check_dtype(dt: Any) -> bool:
    """Whether rasters may have pixels of a type: a name or a type of numpy."""
    if dt is None:
        return False
    if not isinstance(dt, (str, np.dtype)) and not hasattr(dt, "dtype"):
        raise AttributeError(f"{dt!r} has no dtype")
    name = dt if isinstance(dt, str) else np.dtype(dt).name
    return str(name) in dtype_rev


def in_dtype_range(value: float, dtype: Any) -> bool:
    """Whether a number lies in the range of a type. NaN and infinities lie in those of floating point only."""
    kind = np.dtype(dtype).kind
    if kind not in dtype_info_registry:
        return False
    if np.isnan(value) or np.isinf(value):
        return bool(kind == "f")
    info = dtype_info_registry[kind](dtype)
    low, high = (float(info.min), float(info.max)) if kind in "cf" else (info.min, info.max)
    return bool(low <= value <= high)


def get_minimum_dtype(values: Any) -> str:
    """The name of the smallest type whose range holds all values.

    Parameters
    ----------
    values
        An array, or what makes one: numbers, integers of any size among them.
    """
    array = values if is_ndarray(values) else np.array(values)
    low, high = array.min(), array.max()
    if array.dtype.kind in "iuO" and float(low).is_integer() and float(high).is_integer():
        names = _INTEGERS if low >= 0 else _SIGNED
        for name in names:
            if np.iinfo(name).min <= int(low) and int(high) <= np.iinfo(name).max:
                return name
    for name in (float16, float32):
        if np.finfo(name).min <= low.real and high.real <= np.finfo(name).max:
            return name
    return float64


def can_cast_dtype(values: Any, dtype: Any) -> bool:
    """Whether all values can be told in a type: integers exactly, others to the precision of ``numpy.allclose``."""
    array = values if is_ndarray(values) else np.array(values)
    if array.dtype.name == np.dtype(dtype).name:
        return True
    with np.errstate(all="ignore"):
        if array.dtype.kind == "f":
            return bool(np.allclose(array, array.astype(dtype), equal_nan=True))
        return bool(np.array_equal(array, array.astype(dtype)))


def _gdal_typename(dt: Any) -> str:  # libraries use it under this name
    """GDAL's name of a type: of its name, or of a type of numpy."""
    return typename_fwd[dtype_rev[dt if isinstance(dt, str) else np.dtype(dt).name]]


def validate_dtype(values: Any, valid_dtypes: Iterable[Any]) -> bool:
    """Whether values are of one of these types, or can be told in one without loss."""
    names = [str(np.dtype(dtype).name) for dtype in valid_dtypes]
    array = values if is_ndarray(values) else np.array(values)
    return str(array.dtype.name) in names or get_minimum_dtype(array) in names
