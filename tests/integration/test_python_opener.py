# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""``nacre.open(..., opener=...)``: files that the caller's code opens."""

from __future__ import annotations

import os
import pathlib
import zipfile
from typing import Any

import nacre
import nacre.abc
import numpy as np
import pytest
import rasterio
import rasterio.abc
import sidebyside
from nacre import errors

VALUES = np.arange(60, dtype="uint8").reshape(1, 6, 10)


@pytest.fixture
def scene(tmp_path: pathlib.Path) -> pathlib.Path:
    """One band of uint8."""
    return sidebyside.write(tmp_path / "scene.tif", VALUES)


class Folder(nacre.abc.FileContainer):
    """A folder, and what it was asked for."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.calls = folder, []  # type: ignore[var-annotated]

    def open(self, path: str, mode: str = "r", **kwds: Any) -> Any:
        self.calls.append((path, mode))
        return open(self.folder / path, mode)

    def isfile(self, path: str) -> bool:
        return (self.folder / path).is_file()

    def isdir(self, path: str) -> bool:
        return (self.folder / path).is_dir()

    def ls(self, path: str) -> list[str]:
        return os.listdir(self.folder / path)

    def mtime(self, path: str) -> int:
        return 0

    def rm(self, path: str) -> None:
        (self.folder / path).unlink()

    def size(self, path: str) -> int:
        return (self.folder / path).stat().st_size


@pytest.mark.parametrize("library", [rasterio, nacre])
def test_a_function_opens_what_is_read(scene: pathlib.Path, library: Any) -> None:
    paths = []

    def opener(path: str, mode: str = "r", **kwds: Any) -> Any:
        paths.append(path)
        return open(path, mode)

    with library.open(str(scene), opener=opener) as dataset:
        assert np.array_equal(dataset.read(), VALUES)
    assert str(scene) in paths


@pytest.mark.parametrize("library", [rasterio, nacre])
def test_a_member_of_a_zip_archive(scene: pathlib.Path, tmp_path: pathlib.Path, library: Any) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(scene, "in/scene.tif")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive, library.open("in/scene.tif", opener=archive.open) as dataset:
        assert np.array_equal(dataset.read(), VALUES)


def test_an_object_with_methods_is_asked_for_files_that_there_are(scene: pathlib.Path) -> None:
    with nacre.open(scene, "r+") as dataset:
        dataset.build_overviews([2])
    pathlib.Path(f"{scene}.aux.xml").write_text("<PAMDataset><Metadata><MDI key='k'>v</MDI></Metadata></PAMDataset>")
    folder = Folder(scene.parent)
    with nacre.open("scene.tif", opener=folder) as dataset:
        assert dataset.tags()["k"] == "v" and dataset.overviews(1) == [2]
    assert folder.calls == [("scene.tif", "rb"), ("scene.tif.aux.xml", "rb")]


@pytest.mark.parametrize("library", [rasterio, nacre])
def test_what_is_made_and_changed_is_written_at_the_end(tmp_path: pathlib.Path, library: Any) -> None:
    path = str(tmp_path / "made.tif")
    profile = {"driver": "GTiff", "width": 10, "height": 6, "count": 1, "dtype": "uint8"}
    with library.open(path, "w", opener=open, **profile) as dataset:
        dataset.write(VALUES)
    assert np.array_equal(rasterio.open(path).read(), VALUES)
    with library.open(path, "r+", opener=open) as dataset:
        dataset.write(VALUES[0, :2] + 100, 1, window=((0, 2), (0, 10)))
    expected = VALUES.copy()
    expected[0, :2] += 100
    assert np.array_equal(rasterio.open(path).read(), expected)


def test_an_exception_leaves_what_was_there(scene: pathlib.Path) -> None:
    before = scene.read_bytes()
    with pytest.raises(KeyError), nacre.open(scene, "r+", opener=open) as dataset:
        dataset.write(VALUES + 1)
        raise KeyError
    assert scene.read_bytes() == before


def test_nothing_stays_in_memory(scene: pathlib.Path) -> None:
    pathlib.Path(f"{scene}.aux.xml").write_text("<PAMDataset/>")
    with nacre.open(scene, opener=open) as dataset:
        name = dataset.name
        assert nacre.shutil.exists(name)
    for path in (name, name + ".aux.xml"):
        with pytest.raises(errors.RasterioIOError):
            nacre.open(path)


@pytest.mark.parametrize("wrong", [5, "x", object(), (1, 2)])
def test_what_opens_nothing_is_refused(wrong: Any) -> None:
    for library in (rasterio, nacre):
        with pytest.raises(library.errors.OpenerRegistrationError):
            library.open("x.tif", opener=wrong)


def failing(error: Exception) -> Any:
    def opener(path: str, mode: str = "r") -> Any:
        raise error

    return opener


def test_failures_of_openers_are_told() -> None:
    for error, kind in [
        (FileNotFoundError(2, "gone"), FileNotFoundError),
        (PermissionError(13, "no"), PermissionError),
        (RuntimeError("broken"), errors.RasterioIOError),
    ]:
        with pytest.raises(errors.RasterioIOError) as caught:
            nacre.open("x.tif", opener=failing(error))
        assert isinstance(caught.value, kind) and caught.value.__cause__ is error
        with pytest.raises(rasterio.errors.RasterioIOError):
            rasterio.open("x.tif", opener=failing(error))


def test_text_is_not_taken_for_bytes(scene: pathlib.Path) -> None:
    with pytest.raises(errors.RasterioIOError, match="gives str, not bytes"):
        nacre.open(scene, opener=lambda path, mode: open(path, "r", encoding="latin-1"))


def test_many_ranges_at_once_are_not_built() -> None:
    class Ranges(nacre.abc.MultiByteRangeResourceContainer, Folder):
        pass

    with pytest.raises(NotImplementedError, match="not built yet"):
        nacre.open("x.tif", opener=Ranges(pathlib.Path()))


def test_containers_have_the_methods_of_rasterios() -> None:
    ours, theirs = (vars(each.abc.FileContainer) for each in (nacre, rasterio))
    assert {name for name in theirs if name[0] != "_"} == {name for name in ours if name[0] != "_"}


def test_an_exception_in_a_file_of_pythons_writes_nothing(tmp_path: pathlib.Path) -> None:
    profile = {"driver": "GTiff", "width": 10, "height": 6, "count": 1, "dtype": "uint8"}
    with open(tmp_path / "file.tif", "wb") as file:
        with pytest.raises(KeyError), nacre.open(file, "w", **profile):
            raise KeyError
    assert not (tmp_path / "file.tif").read_bytes()
