# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Environments, sessions, paths, files in memory and whole files, beside Rasterio's."""

from __future__ import annotations

import io
import pathlib
import threading
import warnings
from typing import Any, Callable

import nacre
import numpy as np
import pytest
import rasterio
import rasterio.env
import rasterio.session
import rasterio.shutil
from conftest import need_newest_rasterio

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import rasterio.path

pytestmark = pytest.mark.filterwarnings("ignore")

PACKAGES = (rasterio, nacre)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials from outside."""
    import os

    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "GS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def both(call: Callable[[Any], Any]) -> list[Any]:
    """What a call gives with Rasterio and with nacre: a value, or the exception's first class that both know."""
    results = []
    for package in PACKAGES:
        try:
            results.append(call(package))
        except Exception as error:
            kinds = [kind.__name__ for kind in type(error).__mro__]
            plain = ("DriverRegistrationError", "RasterioIOError", "GDALVersionError", "PathError")
            results.append(next((name for name in plain if name in kinds), kinds[0]))
    return results


def same(call: Callable[[Any], Any]) -> Any:
    """What a call gives with both."""
    theirs, ours = both(call)
    assert ours == theirs
    return ours


# --- sessions ---

SESSIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("DummySession", {}),
    ("AWSSession", {"aws_access_key_id": "id", "aws_secret_access_key": "hush", "aws_session_token": "t"}),
    ("AWSSession", {"aws_access_key_id": "id", "aws_secret_access_key": "hush", "region_name": "r"}),
    ("AWSSession", {"aws_access_key_id": "id", "aws_secret_access_key": "hush", "endpoint_url": "e"}),
    ("AWSSession", {"aws_access_key_id": "id", "aws_secret_access_key": "hush", "requester_pays": True}),
    ("AWSSession", {"aws_unsigned": True, "region_name": "r"}),
    ("GSSession", {}),
    ("GSSession", {"google_application_credentials": "key.json"}),
    ("AzureSession", {"azure_storage_connection_string": "a=b", "azure_storage_account": "me"}),
    ("AzureSession", {"azure_storage_account": "me", "azure_storage_access_key": "k", "azure_storage_sas_token": "s"}),
    ("AzureSession", {"azure_storage_account": "me", "azure_storage_access_token": "k"}),
    ("AzureSession", {"azure_storage_account": "me", "azure_unsigned": True}),
    ("OSSSession", {"oss_access_key_id": "id", "oss_secret_access_key": "hush", "oss_endpoint": "e"}),
    ("SwiftSession", {"swift_storage_url": "u", "swift_auth_token": "t"}),
)  # fmt: skip

# Variables of the environment.
PLACES = (
    {},
    {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "hush"},
    {"AWS_NO_SIGN_REQUEST": "YES"},
    {"GOOGLE_APPLICATION_CREDENTIALS": "other.json"},
    {"AZURE_STORAGE_CONNECTION_STRING": "c=d"},
    {"AZURE_STORAGE_ACCOUNT": "me", "AZURE_STORAGE_ACCESS_KEY": "k"},
    {"AZURE_STORAGE_ACCOUNT": "me", "AZURE_STORAGE_SAS_TOKEN": "s"},
    {"AZURE_STORAGE_ACCOUNT": "me", "AZURE_NO_SIGN_REQUEST": "YES"},
    {
        "AZURE_STORAGE_ACCOUNT": "me", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c",
        "AZURE_FEDERATED_TOKEN_FILE": "f", "AZURE_AUTHORITY_HOST": "h",
    },
)  # fmt: skip


def told(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@pytest.mark.parametrize(("kind", "arguments"), SESSIONS)
def test_a_session_tells_what_it_was_told(kind: str, arguments: dict[str, Any]) -> None:
    if kind == "AzureSession" and "azure_storage_connection_string" not in arguments:
        need_newest_rasterio()

    def tell(package: Any) -> Any:
        session = getattr(package.session, kind)(**arguments)
        options = told(session.get_credential_options())
        return options, told(session.credentials), session.hascreds(options)

    assert same(tell)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_sessions_of_the_environment(place: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    for kind in ("AWSSession", "GSSession", "AzureSession"):
        same(lambda package: told(getattr(package.session, kind)().get_credential_options()))


@pytest.mark.parametrize("place", [*PLACES, {"AWS_ACCESS_KEY_ID": "id"}, {"AZURE_STORAGE_ACCOUNT": "me"}], ids=str)
def test_enough_credentials(place: dict[str, str]) -> None:
    for kind in ("Session", "AWSSession", "GSSession", "AzureSession", "OSSSession", "SwiftSession", "DummySession"):
        same(lambda package: getattr(package.session, kind).hascreds(place))


@pytest.mark.parametrize(
    "path",
    ["s3://b/k", "https://b.s3.amazonaws.com/k", "https://b.s3.amazonaws.com/k?X-Amz-Signature=x",
     "https://elsewhere/k", "az://a/b", "gs://b/k", "oss://b/k", "file:///a", "/a", ""],
)  # fmt: skip
def test_the_session_for_a_path(path: str) -> None:
    same(lambda package: type(package.session.Session.from_path(path)).__name__)


class Boto3:
    """A session as boto3 has it, whose key is changed."""

    region_name = "r"

    def __init__(self) -> None:
        self.access_key = self.secret_key = self.token = "first"

    def get_credentials(self) -> Boto3:
        return self

    get_frozen_credentials = get_credentials


def test_a_key_of_boto3_is_taken_when_it_is_needed() -> None:
    def tell(package: Any) -> Any:
        foreign = Boto3()
        session = package.session.AWSSession(foreign)
        foreign.access_key = "second"
        with package.Env(session):
            return {name: package.env.getenv()[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_REGION")}

    assert same(tell) == {"AWS_ACCESS_KEY_ID": "second", "AWS_REGION": "r"}


# --- environments ---


def options_of(package: Any) -> dict[str, Any]:
    return {name: value for name, value in package.env.getenv().items() if name != "GDAL_DATA"}


def test_blocks_nest() -> None:
    def tell(package: Any) -> Any:
        with package.Env(GDAL_CACHEMAX=64) as outer:
            with package.Env(VSI_CACHE=True) as inner:
                package.env.setenv(GDAL_NUM_THREADS="2")
                within = options_of(package)
            context = {name: value for name, value in inner.context_options.items() if name != "GDAL_DATA"}
            return within, options_of(package), outer.context_options, context, inner.options

    assert same(tell)


def test_credentials_of_the_environment_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")

    def tell(package: Any) -> Any:
        @package.env.ensure_env_with_credentials
        def within(path: str) -> dict[str, Any]:
            return options_of(package)

        with package.Env():
            found = options_of(package), package.env.hascreds()
        with package.Env(package.session.AWSSession(aws_access_key_id="own", aws_secret_access_key="own")):
            with package.Env():
                kept = options_of(package)
        return found, kept, within("s3://b/k"), within("/a")

    assert same(tell)[1]["AWS_ACCESS_KEY_ID"] == "own"


def test_threads_have_what_the_main_thread_has() -> None:
    """Options of the main thread hold in threads without an Env; those of other threads stay theirs."""

    def tell(package: Any) -> Any:
        seen: dict[str, Any] = {}

        def inner() -> None:
            seen["bare"] = package.env.get_gdal_config("GDAL_CACHEMAX"), package.env.hasenv()
            with package.Env(VSI_CACHE=True):
                seen["own"] = package.env.get_gdal_config("GDAL_CACHEMAX"), package.env.get_gdal_config("VSI_CACHE")

        with package.Env(GDAL_CACHEMAX=64):
            thread = threading.Thread(target=inner)
            thread.start()
            thread.join()
            seen["main"] = package.env.get_gdal_config("VSI_CACHE")
        return seen["bare"][1], seen["own"][1], seen["main"], seen["bare"][0] is not None

    assert same(tell) == (False, True, None, True)


def test_a_thread_without_an_environment_opens_with_the_main_one() -> None:
    """What holds is passed to the library, too: the message tells how often it tried."""
    failures = []

    def inner() -> None:
        with pytest.raises(nacre.errors.RasterioIOError) as info:
            nacre.open("http://127.0.0.1:1/a.tif")
        failures.append(str(info.value))

    with nacre.Env(**{"http.retries": "0"}):
        inner()
        thread = threading.Thread(target=inner)
        thread.start()
        thread.join()
    assert len(failures) == 2 and failures[0] == failures[1]
    assert "attempts" not in failures[0]


@pytest.mark.parametrize("value", ["ON", "OFF", "on", "12", "007", "-1", "1.5", "", True, False, 7])
def test_an_option_comes_back(value: Any) -> None:
    def tell(package: Any) -> Any:
        with package.Env(CPL_DEBUG=value):
            return package.env.get_gdal_config("cpl_debug"), package.env.get_gdal_config("CPL_DEBUG", normalize=False)

    same(tell)


def test_an_option_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NACRE_TEST_OPTION", "here")
    assert same(lambda package: package.env.get_gdal_config("NACRE_TEST_OPTION")) == "here"
    assert same(lambda package: package.env.get_gdal_config("NACRE_TEST_OTHER")) is None


@pytest.mark.parametrize("version", ["0.1", "99.0", "99", (99, 0)])
@pytest.mark.parametrize("is_max", [False, True])
@pytest.mark.parametrize(
    "more",
    [
        {}, {"param": "x"}, {"param": "y"},
        {"param": "x", "values": [1]}, {"param": "x", "values": "1"}, {"values": [1]},
    ],
)  # fmt: skip
def test_functions_that_need_a_version(version: Any, is_max: bool, more: dict[str, Any]) -> None:
    calls = (((), {}), ((1,), {}), ((2,), {}), ((), {"x": 1}), ((None,), {"y": 3}), ((None,), {"y": 4}))
    for arguments, keywords in calls:

        def call(package: Any) -> Any:
            @package.env.require_gdal_version(version, is_max_version=is_max, **more)
            def function(x: Any = None, y: Any = 3) -> Any:
                return x, y

            return function(*arguments, **keywords)

        same(call)


# --- paths ---

PATHS = (
    "/a.tif", "a b.tif", "file://a.tif", "file:///a.tif?x=1", "/vsis3/b/k", "GTIFF_DIR:1:a.tif", "s3://b/k?x=1#f",
    "zip://d/e.zip!f.tif", "zip:///d/e.zip!/f.tif", "zip+s3://b/k.zip!f.tif", "zip+s3://b/k.zip", "tar:///d.tar!m",
    "zip+https://h/e.zip!/f.tif", "unknown://x", "zip+unknown://x", "HTTPS://u:p!@h/k", "gs://b/k!x", "gzip:///a.gz",
    "<VRTDataset/>", "C:\\a\\b.tif", "", "az://c/b",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_paths_are_taken_apart(path: str) -> None:
    def parse(package: Any) -> Any:
        parsed = package.path.parse_path(path)
        parts = [getattr(parsed, name, None) for name in ("path", "archive", "scheme", "name", "is_remote", "is_local")]
        return type(parsed).__name__.lstrip("_"), parts, package.path.vsi_path(parsed), parsed.as_vsi()

    same(parse)


@pytest.mark.parametrize("path", [5, None, b"a", pathlib.Path("/a/b")], ids=repr)
def test_paths_of_other_kinds(path: Any) -> None:
    same(lambda package: type(package.path.parse_path(path)).__name__.lstrip("_"))
    same(lambda package: package.path.vsi_path(path))


# --- files in memory ---


def raster(package: Any, path: Any, **keywords: Any) -> None:
    profile = {"driver": "GTiff", "width": 9, "height": 5, "count": 1, "dtype": "uint8", **keywords}
    with package.open(path, "w", **profile) as dataset:
        dataset.write(np.arange(45, dtype="uint8").reshape(1, 5, 9))


@pytest.fixture
def tiff(tmp_path: pathlib.Path) -> bytes:
    """A raster's bytes."""
    raster(rasterio, tmp_path / "r.tif")
    return (tmp_path / "r.tif").read_bytes()


@pytest.mark.parametrize("name", ["read", "tell", "getbuffer", "open", "close", "exists", "__len__"])
def test_a_file_in_memory_that_was_closed(tiff: bytes, name: str) -> None:
    def call(package: Any) -> Any:
        memory = package.io.MemoryFile(tiff)
        memory.close()
        return getattr(memory, name)()

    theirs, ours = both(call)
    assert ours == ("ValueError" if name == "getbuffer" else theirs)  # Rasterio shows nothing there


def test_datasets_end_with_the_block_of_their_file(tiff: bytes) -> None:
    def call(package: Any) -> Any:
        with package.io.MemoryFile(tiff) as memory:
            reader = memory.open()
        with package.io.MemoryFile() as memory:
            writer = memory.open(driver="GTiff", width=3, height=2, count=1, dtype="uint8")
        return reader.closed, writer.closed, memory.closed

    assert same(call) == (True, True, True)


@pytest.mark.parametrize("content", ["text", b"bytes", 5, None], ids=repr)
def test_a_file_of_python_must_be_one(content: Any) -> None:
    assert same(lambda package: package.io.FilePath(content)) == "TypeError"


def test_a_file_of_python_that_was_closed(tiff: bytes) -> None:
    def call(package: Any) -> Any:
        file = package.io.FilePath(io.BytesIO(tiff))
        file.close()
        return file.open()

    assert same(call) == "OSError"


# --- whole files ---


@pytest.mark.parametrize("keywords", [{}, {"driver": "GTiff"}, {"driver": "none"}])
@pytest.mark.parametrize("name", ["there.tif", "none.tif", "text.txt"])
def test_deleting(tmp_path: pathlib.Path, name: str, keywords: dict[str, Any]) -> None:
    """What is no raster stays; with a raster goes what lies beside it."""

    def call(package: Any) -> Any:
        for old in tmp_path.iterdir():
            old.unlink()
        raster(rasterio, tmp_path / "there.tif")
        with rasterio.open(tmp_path / "there.tif") as dataset:
            dataset.statistics(1)
        (tmp_path / "there.tif.aux.xml").touch()
        (tmp_path / "text.txt").write_text("text")
        try:
            package.shutil.delete(tmp_path / name, **keywords)
        except Exception as error:
            kinds = [kind.__name__ for kind in type(error).__mro__]
            return "DriverRegistrationError" if "DriverRegistrationError" in kinds else "an error"
        return sorted(path.name for path in tmp_path.iterdir())

    same(call)


def test_copying_with_a_profile(tmp_path: pathlib.Path) -> None:
    raster(rasterio, tmp_path / "a.tif", nodata=3)

    def call(package: Any) -> Any:
        with package.open(tmp_path / "a.tif") as source:
            profile = {**source.profile, "compress": "deflate"}
        package.shutil.copy(tmp_path / "a.tif", tmp_path / "b.tif", **profile)
        with rasterio.open(tmp_path / "b.tif") as copy:
            return copy.checksum(1), copy.nodata, copy.compression.name

    same(call)


@pytest.mark.parametrize("name", ["copy", "copyfiles"])
def test_copying_onto_itself(tmp_path: pathlib.Path, name: str) -> None:
    path = tmp_path / "a.tif"
    raster(rasterio, path)
    before = path.read_bytes()
    assert same(lambda package: getattr(package.shutil, name)(path, path)) == "RasterioIOError"
    assert same(lambda package: package.shutil.copy(path, None)) == "TypeError"
    with pytest.raises(nacre.errors.RasterioIOError):  # Rasterio does not notice this one
        getattr(nacre.shutil, name)(path, tmp_path / "." / ".." / tmp_path.name / "a.tif")
    assert path.read_bytes() == before
