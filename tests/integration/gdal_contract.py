# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The coherence contract as a Rasterio script, run by test_gdal_contract.py in a process of its own, with the plugin or
without: `gdal_contract.py ROOT`.

Another client's deeds are asked of the parent, a line of JSON each way, so that nothing of this process knows of them.
Each case gives one of a few words; the table in docs/guide/gdal.md is made of them.
"""

from __future__ import annotations

import json
import os
import re
import sys

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

ROOT = sys.argv[1]
SIZE = 256
# What GDAL's own handlers need to write a GeoTIFF at all; the plugin does not.
RANDOM_WRITE = {"CPL_VSIL_USE_TEMP_FILE_FOR_RANDOM_WRITE": "YES"}


def ask(**what):
    """The parent's answer."""
    print(json.dumps(what), flush=True)
    return json.loads(sys.stdin.readline())


def put(key, value, size=SIZE, **profile):
    """Another client writes a GeoTIFF whose every pixel is `value`, and sees that it is there."""
    assert ask(do="put", key=key, value=value, size=size, profile=profile)


def put_vrt(key, source, size, bands=1):
    """Another client writes a mosaic of `bands` times one source, the longer the more bands."""
    assert ask(do="put_vrt", key=key, source=source, size=size, bands=bands)


def exists(key):
    """Whether another client sees the object."""
    return ask(do="exists", key=key)


def read(key):
    """All of band 1, by a dataset of its own."""
    with rasterio.open(f"{ROOT}/{key}") as dataset:
        return dataset.read(1)


def whole(error):
    """What an error says, and those behind it: Rasterio tells of GDAL's as causes."""
    texts = []
    while error is not None and str(error) not in texts:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return " < ".join(texts)


WORDS = {
    "changed": "clear error",
    "does not exist": "not there",
    "No such file": "not there",
    "404": "not there",
    "401": "still refused",
    "403": "still refused",
    "AccessDenied": "still refused",
    "Cannot read": "not parsed",
    "not all elements": "not parsed",
    "supported file format": "not parsed",
}


def told(error):
    """One word for an error."""
    text = whole(error)
    return next((word for mark, word in WORDS.items() if re.search(rf"\b{mark}\b", text)), "other error")


def outcome(key, value, shape=None):
    """What an open and a read give where all pixels are `value`."""
    try:
        pixels = read(key)
    except Exception as error:
        return told(error), whole(error)
    if shape and pixels.shape != shape:
        return "old size", str(pixels.shape)
    values = np.unique(pixels).tolist()
    return ("works" if values == [value] else "mixture" if value in values else "old pixels"), str(values)


def case_script():
    """The failing script."""
    put("script/source.tif", 1)
    said = ""
    try:
        with rasterio.open(f"{ROOT}/script/source.tif") as source, WarpedVRT(source, crs="EPSG:3857") as view:
            rasterio.shutil.copy(view, f"{ROOT}/script/view.vrt", driver="VRT")
    except Exception as error:
        said = f"copy: {whole(error)}; "
    assert exists("script/view.vrt"), said
    try:
        pixels = read("script/view.vrt")
    except Exception as error:
        return told(error), said + whole(error)
    return ("the save fails" if said else "works" if pixels.max() == 1 else "old pixels"), said


def case_script_again():
    """It is saved once more, as a longer one, and opened."""
    put("again/source.tif", 1)
    said = ""
    for crs, bands in (("EPSG:3857", 1), ("EPSG:4326", 2)):
        with rasterio.open(f"{ROOT}/again/source.tif") as source:
            with WarpedVRT(source, crs=crs, add_alpha=bands == 2) as view:
                try:
                    rasterio.shutil.copy(view, f"{ROOT}/again/view.vrt", driver="VRT")
                except Exception as error:
                    said += f"copy: {whole(error)}; "
        try:
            with rasterio.open(f"{ROOT}/again/view.vrt") as dataset:
                if dataset.count != bands or dataset.read(1).max() != 1:
                    return "old content", said
        except Exception as error:
            if bands == 2:
                return told(error), said + whole(error)
    return ("the save fails" if said else "works"), said


def case_own_file():
    """An own GeoTIFF is written into a folder that was looked at."""
    put("own/source.tif", 1)
    assert (read("own/source.tif") == 1).all()
    profile = {"driver": "GTiff", "width": SIZE, "height": SIZE, "count": 1, "dtype": "uint8"}
    profile.update(crs="EPSG:32633", transform=rasterio.transform.from_origin(400000, 5300000, 30, 30))
    with rasterio.Env(**RANDOM_WRITE), rasterio.open(f"{ROOT}/own/new.tif", "w", **profile) as target:
        target.write(np.full((1, SIZE, SIZE), 3, "uint8"))
    assert exists("own/new.tif")
    return outcome("own/new.tif", 3)


def case_other_file():
    """Another client writes a file into a folder that was looked at."""
    put("other/source.tif", 1)
    assert (read("other/source.tif") == 1).all()
    put("other/new.tif", 2)
    return outcome("other/new.tif", 2)


def case_absent():
    """A file that was missing is created."""
    try:
        read("absent/new.tif")
        raise AssertionError("it was not there")
    except rasterio.errors.RasterioIOError:
        pass
    put("absent/new.tif", 2)
    return outcome("absent/new.tif", 2)


def case_same_size():
    """A file is overwritten by another client, of the same size."""
    put("same/k.tif", 1)
    assert (read("same/k.tif") == 1).all()
    put("same/k.tif", 2)
    return outcome("same/k.tif", 2)


def vrt_overwritten(folder, bands_before, bands_after):
    put(f"{folder}/one.tif", 1)
    put_vrt(f"{folder}/k.vrt", "one.tif", SIZE, bands_before)
    with rasterio.open(f"{ROOT}/{folder}/k.vrt") as dataset:
        assert dataset.count == bands_before
    put_vrt(f"{folder}/k.vrt", "one.tif", SIZE, bands_after)
    try:
        with rasterio.open(f"{ROOT}/{folder}/k.vrt") as dataset:
            if dataset.count == bands_after and (dataset.read(bands_after) == 1).all():
                return "works", ""
            return "old content", f"{dataset.count} bands"
    except Exception as error:
        return told(error), whole(error)


def case_longer():
    """A .vrt is overwritten by a longer one."""
    return vrt_overwritten("longer", 1, 40)


def case_shorter():
    """A .vrt is overwritten by a shorter one."""
    return vrt_overwritten("shorter", 40, 1)


def case_deleted():
    """A file is deleted by another client."""
    put("deleted/k.tif", 1)
    assert (read("deleted/k.tif") == 1).all()
    assert ask(do="delete", key="deleted/k.tif") and not exists("deleted/k.tif")
    try:
        read("deleted/k.tif")
    except Exception as error:
        return "works", str(error)
    return "old pixels", "it is gone, and is read"


def case_while_open():
    """A file is overwritten while it is open: no array may be of both."""
    put("open/k.tif", 1, size=2048, compress=None)
    with rasterio.open(f"{ROOT}/open/k.tif") as dataset:
        assert (dataset.read(1, window=Window(0, 0, 2048, 128)) == 1).all()
        put("open/k.tif", 2, size=2048, compress=None)
        try:
            values = np.unique(dataset.read(1)).tolist()
            said = ("mixture" if len(values) > 1 else "works"), str(values)
        except Exception as error:
            said = told(error), whole(error)
    after = outcome("open/k.tif", 2)
    return said if after[0] == "works" or said[0] != "clear error" else after


def case_permission():
    """An open is refused, then the permission is given."""
    put("refused/k.tif", 1)
    if not ask(do="deny"):
        return "-", "this server refuses nobody"
    try:
        read("refused/k.tif")
        raise AssertionError("it should be refused")
    except rasterio.errors.RasterioIOError as error:
        said = str(error)
    finally:
        ask(do="allow")
    word, more = outcome("refused/k.tif", 1)
    return ("still refused" if word == "not there" else word), f"{said} | {more}"


def case_own_delete():
    """An own delete; a local file of the same name stays."""
    put("gone/k.tif", 1)
    local = ROOT.split("/", 2)[2]
    os.makedirs(f"{local}/gone", exist_ok=True)
    with open(f"{local}/gone/k.tif", "w") as file:
        file.write("a file of the user's")
    said = ""
    try:
        rasterio.shutil.delete(f"{ROOT}/gone/k.tif")
    except Exception as error:
        said = str(error)
    if not os.path.exists(f"{local}/gone/k.tif"):
        return "local file lost", said
    if exists("gone/k.tif"):
        return "other error", said
    try:
        read("gone/k.tif")
    except rasterio.errors.RasterioIOError:
        return "works", said
    return "old pixels", "it is gone, and is read"


def case_own_overwrite():
    """An own overwrite of an existing file; a local file of the same name stays."""
    put("over/k.tif", 1)
    assert (read("over/k.tif") == 1).all()
    local = ROOT.split("/", 2)[2]
    os.makedirs(f"{local}/over", exist_ok=True)
    with open(f"{local}/over/k.tif", "w") as file:
        file.write("a file of the user's")
    profile = {"driver": "GTiff", "width": 2 * SIZE, "height": SIZE, "count": 1, "dtype": "uint8"}
    try:
        with rasterio.Env(**RANDOM_WRITE), rasterio.open(f"{ROOT}/over/k.tif", "w", **profile) as target:
            target.write(np.full((1, SIZE, 2 * SIZE), 5, "uint8"))
    except Exception as error:
        return "other error", str(error)
    if not os.path.exists(f"{local}/over/k.tif"):
        return "local file lost", ""
    return outcome("over/k.tif", 5, (SIZE, 2 * SIZE))


def main():
    """Every case, or those that are named; the outcomes as the last line."""
    cases = {name[5:]: function for name, function in globals().items() if name.startswith("case_")}
    outcomes = {}
    for name in sys.argv[2:] or cases:
        try:
            outcomes[name] = cases[name]()
        except Exception as error:  # not what a case is about
            outcomes[name] = "broken", f"{type(error).__name__}: {error}"
    print(json.dumps({"do": "done", "outcomes": outcomes, "gdal": rasterio.__gdal_version__}), flush=True)


if __name__ == "__main__":
    import warnings

    warnings.filterwarnings("ignore")
    if os.environ.get("NACRE_TEST_INSTALL"):
        import nacre.gdal

        with nacre.gdal.install():
            main()
    else:
        main()
