# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The Python package apart from pixels: errors, Env, windows, CRSs, threads, memory, names."""

from __future__ import annotations

import copy
import importlib
import pathlib
import pickle
import shutil
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import numpy as np
import pytest
import rasterio
import rasterio.errors
import rasterio.transform
import rasterio.vrt
import rasterio.windows

import nacre
import sidebyside
from nacre import errors
from nacre.crs import CRS
from nacre.vrt import WarpedVRT

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Three bands of uint8, 131 by 97, with nodata."""
    values = np.random.default_rng(3).integers(0, 255, (3, 97, 131), "uint8")
    return sidebyside.write(
        tmp_path_factory.mktemp("scene") / "scene.tif", values, nodata=0, tiled=True, blockxsize=32, blockysize=32
    )


def outcome(function: Callable[[], Any]) -> Any:
    """What a call returns, or the exception that it raises."""
    try:
        return function()
    except Exception as error:
        return error


# --- Errors: of the same types as Rasterio's, or of subclasses ---

READS: dict[str, dict[str, Any]] = {
    "band_above": {"indexes": 4},
    "band_zero": {"indexes": 0},
    "band_negative": {"indexes": -1},
    "one_of_several": {"indexes": [1, 9]},
    "no_band": {"indexes": []},
    "text_for_band": {"indexes": "a"},
    "float_for_band": {"indexes": 1.0},
    "numpy_for_band": {"indexes": np.int64(2)},
    "no_pairs": {"window": (0, 10)},
    "out_and_shape": {"out": np.zeros((3, 5, 5), "uint8"), "out_shape": (3, 5, 5)},
    "flat_out": {"out": np.zeros((5, 5), "uint8")},
    "few_bands_out": {"out": np.zeros((2, 5, 5), "uint8")},
    "few_bands_shape": {"out_shape": (2, 5, 5)},
    "many_bands_shape": {"indexes": 1, "out_shape": (3, 5, 5)},
    "negative_shape": {"out_shape": (3, -1, 5)},
    "float_shape": {"out_shape": (3, 5.0, 5.0)},
    "unknown_dtype": {"out_dtype": "foo"},
    "bool": {"out_dtype": "bool"},
}


@pytest.mark.parametrize("name", READS)
def test_bad_reads_fail_alike(scene: pathlib.Path, name: str) -> None:
    theirs, ours = sidebyside.both(scene)
    expected, got = outcome(lambda: theirs.read(**READS[name])), outcome(lambda: ours.read(**READS[name]))
    assert isinstance(expected, Exception), expected
    assert type(got).__name__ == type(expected).__name__
    assert str(got)


@pytest.mark.parametrize("box", [(2000, 0, 10, 10), (0, -100, 10, 10), (0, 0, 0, 10), (10, 10, 0, 0)])
def test_windows_that_hold_nothing_give_empty_arrays(scene: pathlib.Path, box: Any) -> None:
    theirs, ours = sidebyside.both(scene)
    in_theirs, in_ours = sidebyside.windows_of(box)
    sidebyside.assert_alike(theirs.read(**in_theirs), ours.read(**in_ours))
    sidebyside.assert_alike(theirs.read_masks(**in_theirs), ours.read_masks(**in_ours))
    with pytest.raises(errors.RasterioIOError, match="outside"):
        ours.read(out_shape=(5, 5), **in_ours)


@pytest.mark.parametrize("number", [8, 9, 10, 11, 12, 13])
def test_resamplings_that_reads_do_not_have_are_named(scene: pathlib.Path, number: int) -> None:
    method = nacre.enums.Resampling(number)
    with nacre.open(scene) as dataset:
        with pytest.raises(nacre.errors.ResamplingAlgorithmError, match=method.name):
            dataset.read(out_shape=(9, 9), resampling=method)
        with pytest.raises(AttributeError):
            dataset.read(out_shape=(9, 9), resampling=99)


def test_a_closed_dataset_says_so(scene: pathlib.Path) -> None:
    with nacre.open(scene) as dataset:
        expected = (dataset.meta, dataset.profile, dataset.bounds, dataset.block_shapes, dataset.mask_flag_enums)
    assert dataset.closed and repr(dataset).startswith("<closed DatasetReader")
    assert (dataset.meta, dataset.bounds, dataset.block_shapes, dataset.mask_flag_enums) == (expected[0], *expected[2:])
    calls = (dataset.read, dataset.read_masks, dataset.dataset_mask, dataset.tags, lambda: dataset.profile)
    for call in (*calls, lambda: dataset.provenance):
        with pytest.raises(errors.RasterioIOError, match="closed"):
            call()
    dataset.close()


def test_closing_lets_go_of_the_file(scene: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = shutil.copy(scene, tmp_path / "own.tif")

    def open_files() -> int:
        links = [outcome(entry.readlink) for entry in pathlib.Path("/proc/self/fd").iterdir()]
        return sum(str(link) == str(path) for link in links)

    dataset = nacre.open(path)
    dataset.read(1)
    dataset.close()
    assert open_files() == 0


@pytest.mark.parametrize(
    "arguments", [(None,), (5,), (b"x.tif",), ("x.tif", "z"), ("x.tif", "r", 5), ("x.tif", "r", ["GTiff"])]
)
def test_bad_arguments_of_open_fail_alike(arguments: tuple[Any, ...]) -> None:
    expected, got = outcome(lambda: rasterio.open(*arguments)), outcome(lambda: nacre.open(*arguments))
    assert type(got) is type(expected) and isinstance(got, (TypeError, ValueError))


def test_what_cannot_be_opened(scene: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "text.tif").write_text("no raster")
    for arguments in (
        (tmp_path / "none.tif",),
        (tmp_path,),
        (tmp_path / "text.tif",),
        (scene, "r", "VRT"),
        (scene, "r", "NOPE"),
    ):
        with pytest.raises(rasterio.errors.RasterioIOError):
            rasterio.open(*arguments)
        with pytest.raises(errors.RasterioIOError) as caught:
            nacre.open(*arguments)
        assert isinstance(caught.value, OSError) and str(arguments[0]) in str(caught.value)
    with pytest.raises(FileNotFoundError):
        nacre.open(tmp_path / "none.tif")
    with pytest.raises(NotImplementedError, match="not built yet"):
        nacre.open(scene, georef_sources="INTERNAL")
    with nacre.open(scene, sharing=False, thread_safe=True, driver="GTiff") as dataset:
        assert dataset.driver == "GTiff"


def test_attributes_cannot_be_set(scene: pathlib.Path) -> None:
    theirs, ours = sidebyside.both(scene)
    for name in ("crs", "nodata", "units", "scales", "width", "count"):
        expected = outcome(lambda name=name: setattr(theirs, name, None))
        got = outcome(lambda name=name: setattr(ours, name, None))
        assert type(got).__name__ == type(expected).__name__, name


def test_exceptions_have_rasterios_names_and_bases() -> None:
    for name in dir(errors):
        ours, theirs = getattr(errors, name), getattr(rasterio.errors, name, None)
        if isinstance(ours, type) and issubclass(ours, BaseException) and theirs is not None:
            assert [base.__name__ for base in ours.__mro__] == [base.__name__ for base in theirs.__mro__]


# --- Names that are not built ---

# What Rasterio's module has for itself.
NOT_OURS = set(
    "BufferedDatasetWriterBase ExitStack FilePathBase RasterioDeprecationWarning TransformMethodsMixin"
    " WindowMethodsMixin driver_can_create driver_can_create_copy ensure_env get_dataset_driver log logging warnings".split()
)


def test_names_of_rasterio_are_there() -> None:
    assert not missing(nacre, rasterio)


def missing(ours: Any, theirs: Any) -> set[str]:
    """Names that a module of Rasterio's defines itself and ours has not."""
    own = {name for name, value in vars(theirs).items() if getattr(value, "__module__", "") == theirs.__name__}
    return {name for name in own if not name.startswith("_")} - set(dir(ours))


@pytest.mark.parametrize("module", "coords control crs enums env errors plot profiles rpc session shutil transform warp windows".split())
def test_these_modules_have_every_name_of_rasterios(module: str) -> None:
    ours, theirs = importlib.import_module(f"nacre.{module}"), importlib.import_module(f"rasterio.{module}")
    assert not missing(ours, theirs) - {"FileOverwriteError", "auth_preference"}  # on demand; of no use to anybody


def test_attributes_and_methods_of_rasterio_are_all_there(scene: pathlib.Path) -> None:
    theirs, ours = sidebyside.both(scene)
    for pair in ((theirs, ours), (rasterio.io.MemoryFile, nacre.io.MemoryFile), (rasterio.io, nacre.io)):
        names = {name for name in dir(pair[0]) if not name.startswith("_") and not hasattr(pair[1], name)}
        assert not names - NOT_OURS, names
    writers = [getattr(module.io, "DatasetWriter") for module in (rasterio, nacre)]
    assert not {name for name in dir(writers[0]) if not name.startswith("_") and not hasattr(writers[1], name)}


# --- Env ---


def test_env_nests_and_ends() -> None:
    from nacre._lib import settings

    with nacre.Env(GS_NO_SIGN_REQUEST=True, GDAL_HTTP_MAX_RETRY=7):
        assert settings().options == {"gs.no_sign_request": "yes", "http.retries": "7"}
        with nacre.Env(**{"http.retries": 2, "gs.endpoint": "http://127.0.0.1:1"}):
            assert settings().options["http.retries"] == "2" and settings().options["gs.no_sign_request"] == "yes"
        assert settings().options["http.retries"] == "7" and "gs.endpoint" not in settings().options
    assert settings().options == {}
    with pytest.raises(KeyError), nacre.Env(GS_NO_SIGN_REQUEST=True):
        raise KeyError
    assert settings().options == {}


def test_env_counts_in_the_main_thread_for_all_and_in_another_for_itself(emulator: Any, data: pathlib.Path) -> None:
    from nacre._lib import settings

    emulator.put("demo", "a.tif", (data / "float.tif").read_bytes())
    options = {"gs.endpoint": emulator.url, "gs.no_sign_request": True}

    def bands() -> int:
        return nacre.open("gs://demo/a.tif").count

    def within() -> tuple[int, dict[str, str]]:
        with nacre.Env(**options):
            return bands(), other.submit(lambda: settings().options).result()

    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as other:
        with nacre.Env(**options):
            assert bands() == pool.submit(bands).result() == 1
        assert pool.submit(within).result() == (1, {})
        assert pool.submit(lambda: settings().options).result() == settings().options == {}


def test_options_without_effect_warn_where_they_are_written() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nacre.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", CPL_DEBUG=True, CPL_GS_ENDPOINT="http://127.0.0.1:1")
    assert [str(warning.message) for warning in caught] == ["CPL_DEBUG has no effect in nacre"]
    assert caught[0].filename == __file__


@pytest.mark.parametrize("options", [{"http.nonsense": 1}, {"http.retries": "many"}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError), nacre.Env(**options):
        pass


def test_a_session_of_no_package_is_refused() -> None:
    with pytest.raises(AttributeError), pytest.warns(nacre.RasterioDeprecationWarning):
        with nacre.Env(object()):
            pass


def test_a_raster_without_place_warns(tmp_path: pathlib.Path) -> None:
    path = sidebyside.write(tmp_path / "nowhere.tif", np.ones((1, 2, 2), "uint8"), crs=None, transform=None)
    with pytest.warns(errors.NotGeoreferencedWarning) as caught:
        nacre.open(path)
    assert caught[0].filename == __file__


# --- Windows and transforms ---

BOXES = [(1, 2, 3, 4), (1.4, 2.6, 3.5, 4.5), (-1, 2, 30, 4), (0, 0, 0, 0)]


@pytest.mark.parametrize("box", BOXES)
def test_windows_are_rasterios(box: Any) -> None:
    theirs, ours = rasterio.windows.Window(*box), nacre.windows.Window(*box)
    assert repr(theirs) == repr(ours) and theirs.flatten() == ours.flatten()
    assert theirs.toranges() == ours.toranges() and theirs.toslices() == ours.toslices()
    assert dict(theirs.todict()) == ours.todict()
    assert theirs.crop(20, 10).flatten() == ours.crop(20, 10).flatten()
    assert theirs.round_lengths().flatten() == ours.round_lengths().flatten()
    assert theirs.round_offsets().flatten() == ours.round_offsets().flatten()
    assert ours == nacre.windows.Window(*box) != nacre.windows.Window(9, 9, 9, 9)
    assert ours == pickle.loads(pickle.dumps(ours)) == copy.deepcopy(ours) and {ours: 1}[ours] == 1
    with pytest.raises(AttributeError):
        ours.width = 5
    with pytest.raises(ValueError):
        nacre.windows.Window(0, 0, -1, 1)


def test_windows_intersect() -> None:
    Window = nacre.windows.Window
    assert Window(1, 2, 3, 4).intersection(Window(2, 3, 10, 10)) == Window(2, 3, 2, 3)
    with pytest.raises(errors.WindowError):
        Window(0, 0, 1, 1).intersection(Window(5, 5, 1, 1))


SLICES: list[tuple[Any, Any, dict[str, int]]] = [
    ((1, 5), (2, 6), {}),
    ((-5, None), (2, 6), {"height": 10, "width": 10}),
    ((5, 1), (2, 6), {}),
    (slice(1, 5), slice(None), {"width": 7}),
    ((0, 500), (2, 6), {"height": 10, "width": 10}),
    ((1.5, 5.2), (2, 6), {}),
    ((-5, None), (2, 6), {}),
    (slice(1, 5), slice(None), {}),
    ((1, 2, 3), (2, 6), {}),
    (5, (2, 6), {}),
]


@pytest.mark.parametrize("rows,cols,size", SLICES)
def test_windows_from_slices_are_rasterios(rows: Any, cols: Any, size: dict[str, int]) -> None:
    expected = outcome(lambda: rasterio.windows.Window.from_slices(rows, cols, **size))
    got = outcome(lambda: nacre.windows.Window.from_slices(rows, cols, **size))
    if isinstance(expected, Exception):
        assert type(got).__name__ == type(expected).__name__
    else:
        assert expected.flatten() == got.flatten()


GRID = rasterio.Affine(300.038, 0, 101985, 0, -300.042, 2826915)
BOUNDS: list[tuple[Any, Any]] = [
    ((150000, 2650000, 200000, 2700000), GRID),
    ((150000, 2650000, 150000, 2650000), GRID),
    ((0, 0, 10, 10), GRID),
    ((0, 10, 10, 0), rasterio.Affine(1, 0, 0, 0, 1, 0)),
    ((0, 0, 10, 10), rasterio.Affine(0.866, 0.5, 0, 0.5, -0.866, 0)),
    ((200000, 2650000, 150000, 2700000), GRID),
    ((150000, 2700000, 200000, 2650000), GRID),
    ((0, 0, 10, 10), rasterio.Affine(1, 0, 0, 0, 1, 0)),
    ((1, 2, 3, 4), None),
]


@pytest.mark.parametrize("bounds,transform", BOUNDS)
def test_windows_from_bounds_are_rasterios(bounds: Any, transform: Any) -> None:
    expected = outcome(lambda: rasterio.windows.from_bounds(*bounds, transform=transform))
    got = outcome(lambda: nacre.windows.from_bounds(*bounds, transform=transform))
    if isinstance(expected, Exception):
        assert type(got).__name__ == type(expected).__name__ == "WindowError"
    else:
        assert np.allclose(expected.flatten(), got.flatten(), atol=1e-9)
        again = nacre.windows.bounds(got, transform)
        assert np.allclose(again, bounds) or transform.b


def test_transforms_are_rasterios() -> None:
    theirs, ours = rasterio.transform, nacre.transform
    assert theirs.from_origin(1, 2, 3, 4) == ours.from_origin(1, 2, 3, 4)
    assert theirs.from_bounds(1, 2, 3, 4, 7, 9) == ours.from_bounds(1, 2, 3, 4, 7, 9)
    for transform in (GRID, rasterio.Affine(0.866, 0.5, 0, 0.5, -0.866, 0), rasterio.Affine(1, 0, 0, 0, 1, 0)):
        assert np.allclose(theirs.array_bounds(7, 9, transform), ours.array_bounds(7, 9, transform), rtol=1e-14)
        for rows, cols in ((1, 2), ([1, 2], [2, 3])):
            assert np.allclose(theirs.xy(transform, rows, cols), ours.xy(transform, rows, cols), rtol=1e-14)
        assert np.array_equal(theirs.rowcol(transform, [5.5, 7], [-3, 2]), ours.rowcol(transform, [5.5, 7], [-3, 2]))
    with pytest.raises(errors.TransformError):
        ours.xy(GRID, 1, 2, offset="middle")


# --- CRS ---

TEXTS = ["EPSG:4326", "EPSG:32618", "ESRI:54009", "+proj=laea +lat_0=52 +lon_0=10", "OGC:CRS84"]


@pytest.mark.parametrize("text", TEXTS)
def test_crss_are_rasterios(text: str) -> None:
    theirs, ours = rasterio.crs.CRS.from_user_input(text), CRS.from_user_input(text)
    assert ours == CRS.from_wkt(theirs.to_wkt()) and ours == CRS.from_user_input(theirs)
    assert ours == CRS.from_wkt(ours.to_wkt(version="WKT2_2019"))
    assert theirs.is_geographic == ours.is_geographic and theirs.is_projected == ours.is_projected
    assert rasterio.crs.CRS.from_wkt(ours.to_wkt()) == theirs
    assert ours == pickle.loads(pickle.dumps(ours)) and {ours: 1}[CRS.from_user_input(text)] == 1
    assert eval(repr(ours), {"CRS": CRS}) == ours


def test_crss_from_everything() -> None:
    expected = CRS.from_epsg(32618)
    same = [32618, "EPSG:32618", "epsg:32618", {"init": "epsg:32618"}, expected, rasterio.crs.CRS.from_epsg(32618)]
    assert all(CRS.from_user_input(value) == expected for value in same)
    assert CRS.from_authority("EPSG", 32618) == CRS.from_string(expected.to_wkt()) == expected
    assert CRS.from_dict(proj="utm", zone=18, datum="WGS84").is_projected
    assert expected.to_epsg() == 32618 and expected.to_authority() == ("EPSG", "32618") and expected.is_epsg_code
    assert str(expected) == "EPSG:32618" and repr(expected) == "CRS.from_epsg(32618)"
    assert expected != "EPSG:4326" and expected != "nonsense" and expected != None  # noqa: E711
    assert not CRS() and str(CRS()) == "" and CRS() == CRS() != expected


@pytest.mark.parametrize("value", ["nonsense", 99999999, 0, -1, None, 1.5, "PROJCS[", "4326"])
def test_bad_crss_fail_alike(value: Any) -> None:
    with pytest.raises(rasterio.errors.CRSError):
        rasterio.crs.CRS.from_user_input(value)
    with pytest.raises(errors.CRSError):
        CRS.from_user_input(value)


# --- Threads ---


def test_threads_share_one_dataset(scene: pathlib.Path) -> None:
    boxes = [(x, y, 40, 30) for x in range(0, 90, 7) for y in range(0, 60, 9)]
    with nacre.open(scene) as dataset, WarpedVRT(dataset, crs="EPSG:3857") as view:
        whole, warped = dataset.read(), view.read()

        def read(box: tuple[int, int, int, int]) -> bool:
            x, y, width, height = box
            window = nacre.windows.Window(*box)
            here = np.array_equal(dataset.read(window=window), whole[:, y : y + height, x : x + width])
            return here and np.array_equal(view.read(window=window), warped[:, y : y + height, x : x + width])

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(read, boxes * 3))


def test_other_threads_run_while_one_waits(emulator: Any, data: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    emulator.put("demo", "a.tif", (data / "float.tif").read_bytes())
    emulator.set_latency(400)
    ticks, done = [], threading.Event()

    def tick() -> None:
        while not done.wait(0.01):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    nacre.open("gs://demo/a.tif").read()
    done.set()
    thread.join()
    assert len(ticks) > 10


def test_a_dataset_closed_by_another_thread_ends_reads_well(scene: pathlib.Path) -> None:
    for _ in range(20):
        dataset = nacre.open(scene)
        expected = dataset.read()
        with ThreadPoolExecutor(4) as pool:
            reads = [pool.submit(lambda: outcome(dataset.read)) for _ in range(12)]
            dataset.close()
        for read in reads:
            result = read.result()
            assert isinstance(result, errors.RasterioIOError) or np.array_equal(result, expected)


# --- Memory and the end ---

GROWTH = """
import gc, pathlib, sys, nacre
from nacre.vrt import WarpedVRT
def pages():
    gc.collect()
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096
def work(times):
    for _ in range(times):
        with nacre.open(sys.argv[1]) as dataset:
            dataset.read(1, masked=True)
            dataset.tags(), dataset.profile, dataset.crs.to_wkt(), dataset.provenance
        with nacre.open(sys.argv[1]) as dataset, WarpedVRT(dataset, crs="EPSG:3857") as view:
            if _ % 50 == 0:
                view.read(1)
        try:
            nacre.open(sys.argv[1] + ".none")
        except OSError:
            pass
work(200)
before = pages()
work(1000)
print(pages() - before)
"""


def test_opens_and_reads_grow_nothing(scene: pathlib.Path) -> None:
    """2,000 opens, 1,000 reads and as many failures."""
    done = subprocess.run([sys.executable, "-c", GROWTH, str(scene)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 3 * 2**20


def test_the_interpreter_ends_with_datasets_open(scene: pathlib.Path) -> None:
    code = f"""
import nacre, threading
from nacre.vrt import WarpedVRT
dataset = nacre.open({str(scene)!r})
view = WarpedVRT(dataset, crs="EPSG:3857")
threading.Thread(target=lambda: [view.read() for _ in range(50)], daemon=True).start()
view.read(1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_fork_reads_on(scene: pathlib.Path) -> None:
    code = f"""
import os, nacre
dataset = nacre.open({str(scene)!r})
expected = dataset.read()
child = os.fork()
if child == 0:
    os._exit(0 if (dataset.read() == expected).all() and nacre.open(dataset.name).count == 3 else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)


SPAWNED = """
import multiprocessing, sys, nacre
def total(dataset):
    return int(dataset.read(window=((0, 9), (0, 9))).sum())
if __name__ == "__main__":
    datasets = [nacre.open(sys.argv[1]) for _ in range(3)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(total, datasets) == [total(each) for each in datasets]
"""


def test_a_process_that_is_spawned_reads_what_is_sent_to_it(scene: pathlib.Path, tmp_path: pathlib.Path) -> None:
    program = tmp_path / "spawned.py"
    program.write_text(SPAWNED)
    subprocess.run([sys.executable, "-W", "ignore", str(program), str(scene)], check=True, timeout=120)


def test_the_package_is_typed() -> None:
    folder = pathlib.Path(nacre.__file__).parent
    assert (folder / "py.typed").exists() and (folder / "_native.pyi").exists()
    assert all(name in dir(nacre) for name in nacre.__all__)
