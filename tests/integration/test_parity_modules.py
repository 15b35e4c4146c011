# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What Rasterio's modules of pure functions give, nacre's give too: each line is run with both."""

from __future__ import annotations

import enum
import functools
import importlib
import math
import pathlib
import pickle
import types
import warnings
from typing import Any, Callable

import nacre
import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine

MODULES = "control coords crs drivers dtypes enums env errors plot profiles rpc session transform windows".split()

A = Affine(10, 0, 100, 0, -10, 200)
TURNED = Affine(8.6, -5, 100, -5, -8.6, 200)

if tuple(map(int, rasterio.__version__.split(".")[:2])) < (1, 5):
    pytest.skip("held against Rasterio from 1.5 on", allow_module_level=True)


def package(root: types.ModuleType) -> types.SimpleNamespace:
    """A package's modules by name."""
    return types.SimpleNamespace(**{name: importlib.import_module(f"{root.__name__}.{name}") for name in MODULES})


THEIRS, OURS = package(rasterio), package(nacre)


def plain(value: Any) -> Any:
    """A value that does not tell whose class it was of."""
    if isinstance(value, (THEIRS.windows.Window, OURS.windows.Window)):
        return ("window", *map(plain, value.flatten()))
    if isinstance(value, (THEIRS.crs.CRS, OURS.crs.CRS)):
        return ("crs", value.to_epsg(), str(value.to_wkt()))
    if isinstance(value, enum.Enum):
        return (type(value).__name__, value.name, value.value)
    if isinstance(value, (float, np.floating)):
        return "nan" if math.isnan(value) else 0.0 if abs(value) < 1e-12 else float(f"{value:.8g}")
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.name, plain(value.ravel().tolist()))
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, Affine):
        return tuple(map(plain, value))
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(each) for each in value]
    if isinstance(value, slice):
        return (value.start, value.stop)
    return value


def kind(error: BaseException) -> list[str]:
    """The classes of an exception that a program can catch, by name, without those of one package only."""
    hidden = ("ObjectNotFoundError", "UnsupportedError", "FrozenError")
    return [each.__name__ for each in type(error).__mro__ if each.__name__ not in hidden]


def outcome(line: Callable[[Any], Any], modules: Any) -> Any:
    """What a line gives: a value or an exception, and the categories of warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result: Any = ("value", plain(line(modules)))
        except Exception as error:  # compared, not swallowed
            result = ("error", kind(error))
    ignored = (RuntimeWarning, PendingDeprecationWarning)
    return result, sorted(each.category.__name__ for each in caught if not issubclass(each.category, ignored))


def same(*lines: Callable[[Any], Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Hold each line with nacre's modules against the same line with Rasterio's."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @pytest.mark.parametrize("line", lines, ids=range(len(lines)))
        @functools.wraps(test)
        def compared(line: Callable[[Any], Any]) -> None:
            assert outcome(line, OURS) == outcome(line, THEIRS)

        del compared.__wrapped__
        return compared

    return decorate


def win(m: Any, *numbers: float) -> Any:
    """A window of the package's class."""
    return m.windows.Window(*numbers)


@same(
    lambda m: win(m, 0, 0, -1, 1),
    lambda m: win(m, 0, 0, 1, -1),
    lambda m: win(m, 0, 0, float("nan"), 1),
    lambda m: repr(win(m, 1, 2, 3, 4)),
    lambda m: win(m, 1, 2, 3, 4) == win(m, 1.0, 2, 3, 4),
    lambda m: win(m, 1, 2, 3, 4) == (1, 2, 3, 4),
    lambda m: win(m, 1, 2, 3, 4) < win(m, 2, 2, 3, 4),
    lambda m: win(m, 1, 2, 3, 4) >= win(m, 2, 2, 3, 4),
    lambda m: hash(win(m, 1, 2, 3, 4)) == hash(win(m, 1, 2, 3, 4)),
    lambda m: setattr(win(m, 1, 2, 3, 4), "width", 5),
    lambda m: list(win(m, 1, 2, 3, 4)),
    lambda m: win(m, 1, 2, 3, 4).todict(),
    lambda m: win(m, 1, 2, 3, 4).toranges(),
    lambda m: win(m, 1.5, 2.5, 3, 4).toslices(),
    lambda m: win(m, -2, -2, 3, 4).toslices(),
    lambda m: [win(m, 1.4, 2.6, v, v).round_lengths() for v in (0.4, 0.4995, 0.5, 1.49999, 2.5)],
    lambda m: [win(m, v, v, 3, 3).round_offsets() for v in (0.85, 0.95, 0.998, -0.5, -0.9995, 1.0005)],
    lambda m: win(m, 1.4, 2.6, 3.5, 4.5).round_lengths(op="ceil", pixel_precision=3),
    lambda m: win(m, 1.4, 2.6, 3.5, 4.5).round_shape(),
    lambda m: win(m, 1.04, 2.06, 3.05, 4.05).round(1),
    lambda m: win(m, 1.5, 2.5, 3.5, 4.5).round(),
    lambda m: win(m, -2, -2, 10, 10).crop(5, 6),
    lambda m: win(m, 10, 10, 2, 2).crop(5, 5),
    lambda m: win(m, 0, 0, 5, 5).intersection(win(m, 3, 3, 5, 5)),
    lambda m: win(m, 0, 0, 5, 5).intersection(win(m, 5, 3, 5, 5)),
)
def test_window() -> None:
    """A window and its methods."""


@same(
    lambda m: m.windows.Window.from_slices((0, 5), (1, 6)),
    lambda m: m.windows.Window.from_slices([0, 5], slice(1, 6)),
    lambda m: m.windows.Window.from_slices((-5, -1), (1, 6), height=10, width=10),
    lambda m: m.windows.Window.from_slices((-5, -1), (1, 6)),
    lambda m: m.windows.Window.from_slices(5, slice(0, 5)),
    lambda m: m.windows.Window.from_slices((0, 5, 2), (0, 5)),
    lambda m: m.windows.Window.from_slices((5, 0), (0, 5)),
    lambda m: m.windows.Window.from_slices((-5, 5), (-3, 5), boundless=True),
    lambda m: m.windows.Window.from_slices(slice(None), slice(None), height=4, width=5),
    lambda m: m.windows.Window.from_slices(slice(None), slice(None)),
    lambda m: m.windows.Window.from_slices(slice(None, 5), slice(None, 5), boundless=True),
    lambda m: m.windows.Window.from_slices(slice(2, None), slice(0, 5), height=9, boundless=True),
    lambda m: m.windows.evaluate(((None, None), (0, -1)), 10, 12),
    lambda m: m.windows.evaluate(((-1, 5), (-2, 5)), 10, 12, boundless=True),
    lambda m: m.windows.evaluate(5, 10, 12),
    lambda m: m.windows.evaluate(((1, 2),), 10, 12),
    lambda m: m.windows.shape(((None, None), (0, 5)), height=10, width=12),
    lambda m: m.windows.shape(((-5, None), (0, -2)), height=10, width=12),
    lambda m: m.windows.window_index(win(m, 1.5, 2.5, 3, 4)),
    lambda m: m.windows.window_index(((None, 5), (0, -1)), 10, 10),
    lambda m: m.windows.toranges(win(m, 1, 2, 3, 4)),
    lambda m: m.windows.toranges(((1, 2), (3, 4))),
    lambda m: m.windows.crop(((0, 10), (0, 20)), 5, 6),
    lambda m: m.windows.intersection(win(m, 0, 0, 5, 5), win(m, 3, 3, 5, 5), win(m, 4, 4, 1, 1)),
    lambda m: m.windows.intersection([win(m, 0, 0, 5, 5), win(m, 3, 3, 5, 5)]),
    lambda m: m.windows.intersect(win(m, 0, 0, 5, 5), win(m, 5, 5, 5, 5)),
    lambda m: m.windows.intersect(win(m, 0, 0, 5, 5), win(m, 4, 4, 5, 5)),
    lambda m: m.windows.union(win(m, 0.5, 0, 1, 1), win(m, 7, 8, 1, 1)),
    lambda m: m.windows.union([win(m, 0, 0, 5, 5), win(m, 9, 9, 1, 1)]),
    lambda m: m.windows.subdivide(win(m, 0, 0, 10, 7), 4, 5),
    lambda m: m.windows.subdivide(win(m, 3, 2, 10, 7), 20, 20),
    lambda m: m.windows.round_window_to_full_blocks(win(m, 5, 5, 10, 10), [(8, 16)], height=100, width=100),
    lambda m: m.windows.round_window_to_full_blocks(win(m, 90, 90, 10, 10), [(8, 16)], 95, 98),
    lambda m: m.windows.round_window_to_full_blocks(win(m, 5, 5, 10, 10), [(8, 16), (8, 8)], 100, 100),
)
def test_functions_of_windows() -> None:
    """Slices, unions, intersections, blocks."""


@same(
    lambda m: m.windows.get_data_window(np.pad(np.ones((2, 3)), 2), nodata=0),
    lambda m: m.windows.get_data_window(np.ma.masked_equal(np.pad(np.ones((2, 3)), 2), 0)),
    lambda m: m.windows.get_data_window(np.stack([np.pad(np.ones((2, 3)), 2)] * 2), nodata=0),
    lambda m: m.windows.get_data_window(np.zeros((3, 4)), nodata=0),
    lambda m: m.windows.get_data_window(np.zeros((3, 4))),
    lambda m: m.windows.get_data_window(np.array([[np.nan, 1.0]]), nodata=np.nan),
    lambda m: m.windows.bounds(win(m, 2, 3, 4, 5), A),
    lambda m: m.windows.bounds(((3, 8), (2, 6)), A),
    lambda m: m.windows.bounds(((None, None), (None, None)), A, height=10, width=20),
    lambda m: [m.windows.transform(win(m, -2, -3, 4.5, 5.5), t) for t in (A, TURNED)],
    lambda m: [m.windows.from_bounds(105, 155, 149, 199, transform=t) for t in (A, TURNED)],
    lambda m: m.windows.from_bounds(90, 100, 500, 300, transform=A),
    lambda m: m.windows.from_bounds(100, 200, 150, 150, transform=A),
    lambda m: m.windows.from_bounds(150, 150, 100, 200, transform=A),
    lambda m: m.windows.from_bounds(100, 200, 150, 150, transform=Affine(10, 0, 100, 0, 10, 100)),
    lambda m: m.windows.from_bounds(90, 100, 500, 300),
    lambda m: m.windows.from_bounds(90, 100, 500, 300, A, height=5, width=5),
    lambda m: m.windows.from_bounds(90, 100, 500, 300, (100, 10, 0, 200, 0, -10)),
)
def test_windows_and_places() -> None:
    """Windows of data, of bounds, and back."""


def test_bounds_of_a_turned_window_hold_all_its_corners() -> None:
    """Rasterio takes two of them."""
    left, bottom, right, top = nacre.windows.bounds(nacre.windows.Window(2, 3, 4, 5), TURNED)
    corners = [TURNED @ (col, row) for col in (2, 6) for row in (3, 8)]
    assert (left, right) == (min(x for x, _ in corners), max(x for x, _ in corners))
    assert (bottom, top) == (min(y for _, y in corners), max(y for _, y in corners))


def gcps(m: Any, count: int = 7) -> list[Any]:
    """Ground control points that no affine transform meets."""
    pixels = ((0, 0), (0, 10), (10, 0), (10, 10), (4, 7), (3, 2), (8, 1))[:count]
    point = m.control.GroundControlPoint
    return [point(r, c, 100 + 10 * c + 0.3 * r * c, 200 - 10 * r + 0.1 * c * c) for r, c in pixels]


def keep(value: Any) -> Any:
    """An ``op`` that keeps fractions."""
    return value


@same(
    *(lambda m, corner=corner: m.transform.xy(A, 1, 2, offset=corner) for corner in ("ul", "ur", "ll", "lr", "x")),
    lambda m: m.transform.xy(TURNED, 1, 2),
    lambda m: m.transform.xy(A, [1, 2], [3, 4]),
    lambda m: m.transform.xy(A, np.array([1, 2]), np.array([3.5, 4])),
    lambda m: m.transform.xy(A, [], []),
    lambda m: m.transform.xy(A, 1, [3, 4]),
    lambda m: m.transform.xy(A, [1, 2, 3], [3, 4]),
    lambda m: m.transform.xy(A, np.ones((2, 2)), np.ones((2, 2))),
    lambda m: m.transform.xy(A, [1], [2]),
    lambda m: m.transform.xy(A, "a", 2),
    lambda m: m.transform.xy(A, {1}, {2}),
    lambda m: m.transform.xy(None, 1, 2),
    lambda m: m.transform.xy((100, 10, 0, 200, 0, -10), 1, 2),
    lambda m: m.transform.rowcol(A, 105, 195),
    lambda m: m.transform.rowcol(TURNED, 105, 195),
    lambda m: m.transform.rowcol(A, [105, 100], [195, 200]),
    lambda m: m.transform.rowcol(A, 107, 195, op=round),
    lambda m: m.transform.rowcol(A, 107, 195, op=np.ceil),
    lambda m: m.transform.rowcol(A, [107, 108], [195, 196], op=math.ceil),
    lambda m: m.transform.rowcol(A, [107, 108], [195, 196], op=keep),
    lambda m: m.transform.rowcol(A, 107, 195, op="foo"),
    lambda m: m.transform.rowcol(A, 107, 195, precision=3),
    lambda m: m.transform.rowcol(A, [], []),
    lambda m: m.transform.guard_transform(tuple(A)[:6]),
    lambda m: m.transform.guard_transform([10, 0, 100, 0, -10, 200]),
    lambda m: m.transform.guard_transform((100, 10, 0, 200, 0, -10)),
    lambda m: m.transform.guard_transform(None),
    lambda m: m.transform.guard_transform("abcdef"),
    lambda m: [m.transform.tastes_like_gdal(t) for t in ((100, 10, 0, 200, 0, -10), tuple(A), (0, 1, 0, 0, 0, 1))],
    lambda m: m.transform.from_origin(1, 2, 3, 4),
    lambda m: m.transform.from_bounds(0, 0, 10, 20, 5, 4),
    lambda m: [m.transform.array_bounds(5, 6, t) for t in (A, TURNED)],
    lambda m: m.transform.AffineTransformer(5),
    lambda m: m.transform.RPCTransformer(5),
    lambda m: m.transform.get_transformer(None),
    lambda m: repr(m.transform.AffineTransformer(A)),
)
def test_transform() -> None:
    """Pixels and coordinates by an affine transform."""


@same(
    lambda m: m.transform.from_gcps(gcps(m)),
    lambda m: m.transform.from_gcps(gcps(m, 4)),
    lambda m: m.transform.from_gcps(gcps(m, 3)),
    lambda m: m.transform.xy(gcps(m), 5, 5),
    lambda m: m.transform.xy(gcps(m, 4), [5, 6], [5, 6]),
    lambda m: m.transform.rowcol(gcps(m), 155, 145),
    lambda m: m.transform.rowcol(gcps(m), 155, 145, op=keep),
    lambda m: m.transform.GCPTransformer(gcps(m), tps=True).xy(5, 5),
    lambda m: m.transform.GCPTransformer(gcps(m), tps=True).rowcol([155, 160], [145, 140], op=keep),
    lambda m: m.transform.GCPTransformer([5]),
    lambda m: repr(m.transform.GCPTransformer(gcps(m))),
    lambda m: m.transform.GCPTransformer(gcps(m)).closed,
)
def test_ground_control_points_place_pixels() -> None:
    """Polynomials and splines."""


def camera(m: Any) -> Any:
    """Coefficients of a scene of about 1000 pixels near 10 degrees east, 50 north."""
    line = [0.001, 0.02, -1.01, 0.03, 0.001] + [0.0001] * 15
    sample = [0.002, 1.02, 0.01, -0.02, 0.002] + [0.0002] * 15
    return m.rpc.RPC(200, 500, 50, 0.05, [1.0] + [0.001] * 19, line, 500, 500, 10, 0.06, [1.0] + [0.0] * 19, sample, 500, 500)


@same(
    lambda m: m.transform.xy(camera(m), 300, 400),
    lambda m: m.transform.xy(camera(m), [300, 500.5], [400, 500.5]),
    lambda m: m.transform.rowcol(camera(m), 10.01, 50.01, op=keep),
    lambda m: m.transform.rowcol(camera(m), [10.01, 9.99], [50.01, 49.98]),
    lambda m: m.transform.xy(camera(m), 300, 400, RPC_HEIGHT=700),
    lambda m: m.transform.xy(camera(m), 300, 400, zs=700),
    lambda m: m.transform.xy(camera(m), [300, 10, 0], [400, 20, 5], zs=[700, -30, 0]),
    lambda m: m.transform.xy(camera(m), [300, 10], [400, 20], zs=[700, -30], rpc_height=100),
    lambda m: m.transform.rowcol(camera(m), *m.transform.xy(camera(m), [30, 10], [40, 20], zs=[70, -30]), zs=[70, -30]),
    lambda m: m.transform.rowcol(camera(m), *m.transform.xy(camera(m), [30, 10], [40, 20]), zs=[900, 10]),
    lambda m: repr(m.transform.RPCTransformer(camera(m))),
)
def test_rational_polynomials_place_pixels() -> None:
    """Coefficients of a camera."""


@same(
    *(
        lambda m, name=name: {each.name: each.value for each in getattr(m.enums, name).__members__.values()}
        for name in "ColorInterp Compression Interleaving MaskFlags MergeAlg OverviewResampling PhotometricInterp"
        " Resampling TransformDirection TransformMethod WktVersion".split()
    ),
    lambda m: m.enums.ColorInterp.grey is m.enums.ColorInterp.gray,
    lambda m: m.enums.WktVersion("foo"),
    lambda m: m.enums.WktVersion("WKT2_2019"),
)
def test_enums() -> None:
    """Members and their values."""


@same(
    *(
        lambda m, name=name: {
            base.__name__ for base in getattr(m.errors, name).__mro__ if base.__name__ != "Generic"
        }
        for name, each in sorted(vars(THEIRS.errors).items())
        if isinstance(each, type) and each.__module__ == THEIRS.errors.__name__
    ),
    lambda m: str(m.errors.FileOverwriteError("it exists")),
)
def test_errors() -> None:
    """Base classes of every exception."""


VALUES: list[Any] = [
    [0, 1], [0, 256], [-1, 1], [-129, 1], [0, 70000], [0, 2**33], [-(2**40), 1], [0.5], [1e50], [0.1, 1e10], [1j],
    [0, -1, 2**40], np.array([1, 2], "int64"), np.array([1.5], "f8"), [True], [float("nan")], [2**63], 5, 5.5, [],
]  # fmt: skip


@same(
    *(lambda m, values=values: m.dtypes.get_minimum_dtype(values) for values in VALUES),
    *(
        lambda m, value=value, dtype=dtype: m.dtypes.in_dtype_range(value, dtype)
        for value in (5, 256, -1, float("nan"), float("inf"), 1e39, 1.5)
        for dtype in ("uint8", "int16", "float32", "float64", "complex64")
    ),
    *(
        lambda m, values=values, dtype=dtype: m.dtypes.can_cast_dtype(values, dtype)
        for values in ([1, 2], [1, 256], [1.5], [1.0], [1.1], [1e50], [float("nan")], np.array([300], "u2"))
        for dtype in ("uint8", "int32", "float32")
    ),
    lambda m: [m.dtypes.check_dtype(t) for t in ("uint8", np.uint8, np.dtype("u1"), "complex_int16", "foo", None)],
    lambda m: m.dtypes.check_dtype(int),
    lambda m: m.dtypes.validate_dtype([1, 2], ("uint8",)),
    lambda m: m.dtypes.validate_dtype([1.5], ("uint8", "float32")),
    lambda m: m.dtypes.validate_dtype(np.array([1], "i2"), ("int16",)),
    lambda m: m.dtypes.dtype_fwd,
    lambda m: m.dtypes.dtype_rev,
    lambda m: m.dtypes.dtype_ranges,
    lambda m: m.dtypes.typename_fwd,
    lambda m: m.dtypes.typename_rev,
    lambda m: [m.dtypes.is_ndarray(v) for v in ([1], np.zeros(1))],
)
def test_dtypes() -> None:
    """Types that hold values."""


def rpc(m: Any, **more: Any) -> Any:
    """Coefficients of a made-up scene."""
    twenty = [[float(number + i) for number in range(20)] for i in range(4)]
    return m.rpc.RPC(1, 2, 3, 4, twenty[0], twenty[1], 5, 6, 7, 8, twenty[2], twenty[3], 9, 10, **more)


@same(
    lambda m: m.control.GroundControlPoint(1, 2, 3, 4, 5, "a", "b").asdict(),
    lambda m: repr(m.control.GroundControlPoint(1, 2, 3, 4, 5, "a", "b")),
    lambda m: m.control.GroundControlPoint(1, 2, 3, 4, id="a").__geo_interface__,
    lambda m: m.control.GroundControlPoint(1, 2, 3, 4, 5, "a").__geo_interface__,
    lambda m: m.control.GroundControlPoint(1, 2, 3, 4) == m.control.GroundControlPoint(1, 2, 3, 4),
    lambda m: m.control.GroundControlPoint(1),
    lambda m: m.control.GroundControlPoint(1, 2, None, 4),
    lambda m: rpc(m).to_dict(),
    lambda m: rpc(m).to_gdal(),
    lambda m: rpc(m, err_bias=0.5, err_rand=0.25).to_gdal(),
    lambda m: repr(rpc(m)),
    lambda m: m.rpc.RPC.from_gdal(rpc(m, err_bias=0.5).to_gdal()).to_dict(),
    lambda m: m.rpc.RPC.from_gdal({}),
    lambda m: m.coords.BoundingBox(1, 2, 3, 4),
    lambda m: m.coords.disjoint_bounds((0, 0, 1, 1), (1, 1, 2, 2)),
    lambda m: m.coords.disjoint_bounds((0, 0, 1, 1), (1.1, 0, 2, 2)),
    lambda m: m.coords.disjoint_bounds((0, 1, 1, 0), (0, 2, 1, 1.5)),
    lambda m: m.coords.disjoint_bounds((0, 1, 1, 0), (0, 2, 1, 0.5)),
    lambda m: dict(m.profiles.default_gtiff_profile),
    lambda m: dict(m.profiles.DefaultGTiffProfile(count=3, nodata=None)),
    lambda m: dict(m.profiles.Profile({"a": 1}, b=2)),
    lambda m: m.profiles.Profile()["x"],
    lambda m: m.profiles.Profile().__setitem__("affine", 1),
    lambda m: [m.drivers.driver_from_extension(f"a.{ext}") for ext in ("tif", "TIFF", "vrt", "png")],
    lambda m: m.drivers.driver_from_extension("a.foo"),
    lambda m: m.drivers.is_blacklisted("GTiff", "w"),
)
def test_points_bounds_and_profiles() -> None:
    """Small classes."""


@same(
    lambda m: m.plot.reshape_as_image(np.ones((3, 4, 5))).shape,
    lambda m: m.plot.reshape_as_raster(np.ones((4, 5, 3))).shape,
    lambda m: type(m.plot.reshape_as_image(np.ma.ones((3, 4, 5)))).__name__,
    lambda m: m.plot.plotting_extent(np.ones((4, 5)), A),
    lambda m: m.plot.plotting_extent(np.ones((4, 5))),
    lambda m: m.plot.adjust_band(np.array([[1.0, 3.0], [2.0, 5.0]])),
)
def test_plot() -> None:
    """Arrays as pictures, without matplotlib."""


TEXTS = (
    "EPSG:4326", "epsg:4326", " EPSG:4326 ", "EPSG:999999", "foo", "", "4326", "{}", "EPSG:", "EPSG:4326+5773",
    "+proj=longlat +datum=WGS84 +no_defs", "urn:ogc:def:crs:EPSG::4326", "OGC:CRS84", "ESRI:54009", "WGS84", "NAD27",
    "http://www.opengis.net/def/crs/EPSG/0/4326", "+proj=utm +zone=33 +units=km",
)  # fmt: skip
SYSTEMS = (
    "EPSG:4326", "EPSG:32618", "EPSG:3857", "EPSG:2225", "EPSG:27700", "EPSG:3031", "EPSG:4267", "EPSG:2193",
    "EPSG:4979", "EPSG:4978", "EPSG:5773", "ESRI:102003", "+proj=utm +zone=33 +units=km", "EPSG:2056+5728",
)  # fmt: skip


def make(m: Any, text: str) -> Any:
    """A CRS of a text."""
    return m.crs.CRS.from_string(text)


@same(
    *(lambda m, text=text: (make(m, text).to_epsg(), make(m, text).is_geographic) for text in TEXTS),
    *(
        lambda m, text=text: (
            (crs := make(m, text)).is_geographic, crs.is_projected, crs.to_epsg(), crs.to_authority(),
            crs.is_epsg_code, crs.linear_units, crs.units_factor, bool(crs), len(crs) > 1, "proj" in crs,
        )
        for text in SYSTEMS
    ),
    *(
        lambda m, text=text: make(m, text).to_dict()
        for text in SYSTEMS if text not in ("EPSG:2056+5728", "EPSG:5773", "EPSG:4979", "EPSG:27700", "EPSG:2193")
    ),  # GDAL adds TOWGS84 where it knows one
    *(lambda m, text=text: make(m, text).linear_units_factor for text in ("EPSG:4326", "EPSG:2225")),
    *(lambda m, text=text: make(m, text).geodetic_crs.to_epsg() for text in ("EPSG:4326", "EPSG:32618", "EPSG:3857")),
    lambda m: make(m, "EPSG:5773").geodetic_crs,
    *(lambda m, code=code: m.crs.CRS.from_epsg(code) for code in (4326, 0, -1, "4326", "x", 4326.0, None, 999999)),
    lambda m: m.crs.CRS.from_authority("ESRI", 54009).to_authority(),
    lambda m: m.crs.CRS.from_authority("FOO", 1),
    *(
        lambda m, value=value: m.crs.CRS.from_user_input(value).to_epsg()
        for value in (
            4326, "EPSG:4326", {"init": "epsg:4326"}, {"init": "EPSG:32618", "no_defs": True}, {}, None, {"foo": 1},
            [1], 4326.5, {"proj": "utm", "zone": 18}, {"proj": "longlat", "datum": "WGS84"},
        )
    ),
    lambda m: m.crs.CRS.from_user_input(make(m, "EPSG:32618").to_dict(projjson=True)).to_epsg(),
    lambda m: m.crs.CRS.from_dict(proj="utm", zone=18).to_dict(),
    lambda m: m.crs.CRS(init="epsg:4326").to_epsg(),
    lambda m: (bool(m.crs.CRS()), m.crs.CRS().wkt, m.crs.CRS().to_dict(), m.crs.CRS().to_epsg(), str(m.crs.CRS())),
    lambda m: m.crs.CRS().units_factor,
    lambda m: m.crs.CRS().linear_units_factor,
    lambda m: m.crs.CRS.from_wkt("foo"),
    lambda m: m.crs.CRS.from_wkt("EPSG:4326"),
    lambda m: m.crs.CRS.from_wkt(None),
    lambda m: m.crs.CRS.from_proj4("EPSG:4326"),
    *(
        lambda m, other=other: make(m, "EPSG:4326") == other
        for other in ("EPSG:4326", 4326, {"init": "epsg:4326"}, None, "foo", "EPSG:32618", "OGC:CRS84")
    ),
    lambda m: make(m, "EPSG:4326").equals("OGC:CRS84", ignore_axis_order=True),
    lambda m: make(m, "EPSG:32618") == make(m, make(m, "EPSG:32618").wkt),
    *(
        lambda m, version=version: make(m, "EPSG:32618").to_wkt(version=version)[:30]
        for version in ("WKT2", "WKT2_2015", "WKT2_2019", "WKT1_GDAL", "WKT1", "WKT1_ESRI", "foo")
    ),
    *(lambda m, text=text: make(m, text).wkt for text in ("EPSG:4326", "EPSG:32618", "EPSG:3857")),
    lambda m: make(m, "EPSG:32618").to_wkt(morph_to_esri_dialect=True)[:30],
    lambda m: make(m, "EPSG:4326").is_valid,
    lambda m: make(m, "EPSG:32618")["zone"],
    lambda m: make(m, "EPSG:32618")["foo"],
    lambda m: make(m, "EPSG:32618").get("foo"),
    lambda m: repr(make(m, "EPSG:32618")),
    lambda m: str(make(m, "ESRI:54009"))[:20],
    lambda m: pickle.loads(pickle.dumps(make(m, "EPSG:32618"))).to_epsg(),
    *(lambda m, text=text: m.crs.epsg_treats_as_latlong(text) for text in ("EPSG:4326", "EPSG:32618")),
    *(lambda m, text=text: m.crs.epsg_treats_as_northingeasting(make(m, text)) for text in ("EPSG:2193", "EPSG:4326")),
)
def test_crs() -> None:
    """Making, telling, comparing."""


UTM = (
    'PROJCS["UTM Zone 18N",GEOGCS["x",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],'
    'PARAMETER["central_meridian",-75],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],'
    'PARAMETER["false_northing",0],UNIT["metre",1]]'
)


@same(
    *(
        lambda m, confidence=confidence: (
            m.crs.CRS.from_wkt(UTM).to_epsg(confidence), m.crs.CRS.from_wkt(UTM).to_authority(confidence)
        )
        for confidence in (0, 20, 70, 100)
    ),
)
def test_a_crs_without_an_identifier_is_recognised() -> None:
    """By what it says, as sure as one asks."""


def inside(m: Any, line: Callable[[], Any], *args: Any, **options: Any) -> Any:
    """What a line gives inside of an ``Env``."""
    with m.env.Env(*args, **options):
        return line()


def told(m: Any, *args: Any, **options: Any) -> dict[str, Any]:
    """The options of an ``Env``, without those that lead GDAL to its data."""
    return {key: value for key, value in inside(m, m.env.getenv, *args, **options).items() if key != "GDAL_DATA"}


@same(
    lambda m: m.env.getenv(),
    lambda m: m.env.hasenv(),
    lambda m: m.env.setenv(GDAL_CACHEMAX=1),
    lambda m: m.env.delenv(),
    lambda m: inside(m, m.env.hasenv),
    lambda m: told(m, GDAL_CACHEMAX=100),
    lambda m: inside(m, lambda: told(m, GDAL_CACHEMAX=1, VSI_CACHE=True), GDAL_CACHEMAX=100, GDAL_NUM_THREADS=2),
    lambda m: inside(m, lambda: m.env.setenv(GDAL_CACHEMAX=3)),
    lambda m: m.env.Env(GDAL_CACHEMAX=100).options,
    lambda m: m.env.Env.default_options(),
    lambda m: m.env.Env.from_defaults(GDAL_CACHEMAX=1).options,
    lambda m: told(m, aws_unsigned=True),
    lambda m: told(m, session=m.session.AWSSession(aws_unsigned=True)),
    lambda m: told(m, session=m.session.GSSession("/x.json")),
    lambda m: told(m, m.session.AWSSession(aws_access_key_id="a", aws_secret_access_key="b", region_name="r")),
    lambda m: told(m, m.session.AzureSession(azure_storage_account="a", azure_storage_access_key="k")),
    lambda m: type(m.env.Env().session).__name__,
    lambda m: m.session.AWSSession(
        aws_access_key_id="a", aws_secret_access_key="b", aws_session_token="t", endpoint_url="e", requester_pays=True
    ).get_credential_options(),
    lambda m: m.session.AzureSession(azure_storage_connection_string="c").get_credential_options(),
    lambda m: m.session.AzureSession(azure_unsigned=True, azure_storage_account="a").get_credential_options(),
    lambda m: m.session.AWSSession.hascreds({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}),
    lambda m: m.session.GSSession.hascreds({}),
    lambda m: m.session.DummySession.hascreds({}),
    *(
        lambda m, path=path: m.session.Session.cls_from_path(path).__name__
        for path in ("s3://b/k", "az://b/k", "/tmp/a", "/vsis3/b/k", "https://h/a", "https://b.s3.amazonaws.com/k")
    ),
    lambda m: [m.session.parse_bool(value) for value in ("yes", "no", "TRUE", "0", "1", True, "on", "", "off")],
    lambda m: str(m.env.GDALVersion.parse("3.12.2")),
    lambda m: str(m.env.GDALVersion.parse("3.12.2", include_patch=True)),
    lambda m: m.env.GDALVersion.parse("foo"),
    lambda m: m.env.GDALVersion(3, 1).at_least(3),
    lambda m: m.env.GDALVersion(3, 1).at_least("3.0"),
    lambda m: m.env.GDALVersion(3, 1) < m.env.GDALVersion(3, 2),
    lambda m: m.env.require_gdal_version("99.0")(int)(),
    lambda m: m.env.require_gdal_version("3.0")(int)(),
    lambda m: m.env.require_gdal_version("99.0", param="a")(lambda a=None: a)(),
    lambda m: m.env.require_gdal_version("99.0", param="a")(lambda a=None: a)(a=1),
    lambda m: m.env.require_gdal_version("99.0", param="a", values=["x"])(lambda a=None: a)(a=1),
    lambda m: m.env.require_gdal_version("99.0", param="a", values=["x"])(lambda a=None: a)(a="x"),
    lambda m: m.env.ensure_env(m.env.hasenv)(),
)
def test_env_and_sessions() -> None:
    """Options, and who is who."""


def test_files_are_copied_with_what_lies_beside_them(tmp_path: pathlib.Path) -> None:
    for ending in ("", ".aux.xml", ".txt"):
        (tmp_path / f"a.tif{ending}").write_text(ending)
    nacre.shutil.copyfiles(tmp_path / "a.tif", tmp_path / "b.tif")
    assert sorted(path.name for path in tmp_path.glob("b*")) == ["b.tif", "b.tif.aux.xml"]
    with pytest.raises(rasterio.errors.RasterioIOError):
        rasterio.shutil.copyfiles(tmp_path / "none.tif", tmp_path / "c.tif")
    with pytest.raises(nacre.errors.RasterioIOError):
        nacre.shutil.copyfiles(tmp_path / "none.tif", tmp_path / "c.tif")
