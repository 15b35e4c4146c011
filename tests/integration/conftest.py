# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What integration tests share: the command, emulators on ports of their own, real rasters, peers."""

from __future__ import annotations

import http.client
import importlib.metadata
import json
import os
import pathlib
import resource
import signal
import subprocess
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import peers
import pytest
from servers import FakeGcs, official_bucket

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NACRE = pathlib.Path(os.environ.get("NACRE_BIN", ROOT / "build" / "nacre"))


class Answer:
    """An answer whose body was read."""

    def __init__(self, response: http.client.HTTPResponse, body: bytes) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class Emulator:
    """`nacre emulator` in a process of its own, serving `root`."""

    def __init__(self, root: pathlib.Path, *options: str, open_files: int | None = None) -> None:
        self.root = root
        command = [NACRE, "emulator", "--root", root, "--listen", "127.0.0.1:0", "--s3-listen", "127.0.0.1:0", *options]
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, hard))) if open_files else None,
        )  # fmt: skip
        line = self.process.stdout.readline()
        if not line.startswith("listening on http://"):
            self.process.kill()
            raise RuntimeError(f"the emulator said {line!r} and {self.process.communicate()[1]!r}")
        self.url = line.split()[-1]
        self.s3_url = self.process.stdout.readline().split()[-1]
        self.host = urllib.parse.urlsplit(self.url).netloc

    def request(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own; underscores in names of headers stand for dashes."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, body=body, headers=named)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def make_bucket(self, name: str) -> pathlib.Path:
        folder = self.root / name
        folder.mkdir()
        return folder

    def put(self, bucket: str, key: str, data: bytes, **query: Any) -> dict:
        """Uploads by the JSON interface as another client would; gives the resource."""
        query = {"uploadType": "media", "name": key, **query}
        target = f"/upload/storage/v1/b/{bucket}/o?{urllib.parse.urlencode(query)}"
        answer = self.request("POST", target, data, Content_Type="application/octet-stream")
        assert answer.status == 200, answer.body
        return answer.json()

    def resource(self, bucket: str, key: str) -> dict:
        answer = self.request("GET", f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(key, safe='')}")
        assert answer.status == 200, answer.body
        return answer.json()

    def delete(self, bucket: str, key: str) -> None:
        answer = self.request("DELETE", f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(key, safe='')}")
        assert answer.status == 204, answer.body

    def log(self) -> list[dict]:
        return self.request("GET", "/emulator/log").json()

    def take_log(self) -> list[dict]:
        """The requests since the last call."""
        entries = self.log()
        self.request("DELETE", "/emulator/log")
        return entries

    def set_faults(self, *rules: dict | str) -> None:
        answer = self.request("PUT", "/emulator/fault", json.dumps(rules).encode())
        assert answer.status == 200, answer.body

    def set_latency(self, latency_ms: float) -> None:
        self.request("PUT", "/emulator/latency", json.dumps({"latency_ms": latency_ms}).encode())

    def set_access(self, **settings: Any) -> None:
        """require_token=TOKEN or None, denied=[BUCKET...]."""
        answer = self.request("PUT", "/emulator/access", json.dumps(settings).encode())
        assert answer.status == 200, answer.body

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(20)
        if not self.process.stderr.closed:
            self.said = self.process.stderr.read()
            self.process.stdout.close()
            self.process.stderr.close()
        return status


@pytest.fixture
def start_emulator(tmp_path: pathlib.Path) -> Iterator[Callable[..., Emulator]]:
    """Starts emulators with options: start_emulator("--latency", "20", root=FOLDER, open_files=SOFT_LIMIT)."""
    started: list[Emulator] = []

    def start(*options: str, root: pathlib.Path | None = None, open_files: int | None = None) -> Emulator:
        folder = root or tmp_path / "buckets"
        folder.mkdir(exist_ok=True)
        started.append(Emulator(folder, *options, open_files=open_files))
        return started[-1]

    yield start
    statuses = [emulator.stop() for emulator in started]  # all, before anything is asserted
    for emulator, status in zip(started, statuses):
        assert (status in (0, -signal.SIGKILL), emulator.said) == (True, ""), (status, emulator.said)


@pytest.fixture
def emulator(start_emulator: Callable[..., Emulator]) -> Emulator:
    """An emulator with one empty bucket, "demo"."""
    started = start_emulator()
    started.make_bucket("demo")
    return started


def clean_environment(**changes: str | None) -> dict[str, str]:
    """The environment without what configures stores, so that a developer's own settings do not count."""
    prefixes = ("NACRE_", "GDAL_", "CPL_", "VSI_", "GS_", "AWS_", "AZURE_", "IDENTITY_", "GOOGLE_", "CLOUDSDK_", "STORAGE_EMULATOR_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    kept.update({name: value for name, value in changes.items() if value is not None})
    return kept


def run_nacre(
    *words: Any, timeout: float = 120, stdin: bytes | None = None, cwd: pathlib.Path | None = None, **changes: str | None
) -> subprocess.CompletedProcess:
    """Runs the command; standard output stays bytes, standard error becomes text."""
    environment = clean_environment(**changes)
    done = subprocess.run(
        [NACRE, *map(str, words)], input=stdin, capture_output=True, timeout=timeout, env=environment, cwd=cwd
    )
    done.stderr = done.stderr.decode(errors="replace")
    return done


def worked(done: subprocess.CompletedProcess) -> bytes:
    """The command ended well and had nothing to say of it; its standard output."""
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


@pytest.fixture
def gs(emulator: Emulator) -> Callable[..., subprocess.CompletedProcess]:
    """Runs the command against the emulator: gs("stat", "gs://demo/key")."""
    return lambda *words, **options: run_nacre(*words, STORAGE_EMULATOR_HOST=emulator.url, **options)


@pytest.fixture(scope="session")
def data() -> pathlib.Path:
    """The folder of real rasters."""
    folder = os.environ.get("NACRE_TEST_DATA")
    if not folder:
        if os.environ.get("NACRE_REQUIRE_ALL") == "1":
            pytest.fail("NACRE_TEST_DATA is not set")
        pytest.skip("NACRE_TEST_DATA is not set")
    return pathlib.Path(folder)


def need(name: str) -> None:
    """Skips, or fails where everything must be there, unless a peer of tests/peers.toml is to be had."""
    if peers.is_installed(name):
        return
    if peers.must_have(name):
        pytest.fail(f"{name} is missing, and its runtime is here; ./dev setup installs it")
    pytest.skip(f"{name} is not installed")


@pytest.fixture
def official_client(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Google's own client on the emulator."""
    need("google-cloud-storage")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    return storage.Client(project="demo", credentials=AnonymousCredentials())


def gdal_options(emulator: Emulator) -> dict[str, str]:
    """What makes GDAL's /vsigs/ read and write the emulator; it writes GeoTIFF through a temporary file."""
    return {
        "CPL_GS_ENDPOINT": f"{emulator.url}/",
        "GS_NO_SIGN_REQUEST": "YES",
        "CPL_VSIL_USE_TEMP_FILE_FOR_RANDOM_WRITE": "YES",
    }


def gdal(program: str, *words: Any, **environment: str) -> str:
    """Runs a program of GDAL, which must end well; its standard output."""
    need("gdal")
    done = subprocess.run(
        [program, *map(str, words)], capture_output=True, text=True, timeout=120,
        env={**clean_environment(), "GDAL_PAM_ENABLED": "NO", **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def rasterio_gs(emulator: Emulator) -> Iterator[Any]:
    """Rasterio inside an environment that points its /vsigs/ at the emulator."""
    need("rasterio")
    import rasterio

    with rasterio.Env(**gdal_options(emulator)):
        yield rasterio


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Where programs look for a user's configuration, and where some (go) leave theirs."""
    return tmp_path_factory.mktemp("config")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, empty_folder: pathlib.Path) -> None:
    """No configuration of the user's own reaches a test."""
    for name in os.environ.keys() - clean_environment().keys() - {"NACRE_BIN", "NACRE_TEST_DATA", "NACRE_REQUIRE_ALL"}:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(empty_folder))


@pytest.fixture(scope="session")
def _fake_gcs() -> Iterator[FakeGcs]:
    need("fake-gcs-server")
    server = FakeGcs()
    yield server
    server.stop()


@pytest.fixture(params=["emulator", "fake-gcs-server"])
def gcs(request: pytest.FixtureRequest) -> Any:
    """Each server of Google's interface in turn."""
    return request.getfixturevalue({"emulator": "emulator", "fake-gcs-server": "_fake_gcs"}[request.param])


@pytest.fixture
def bucket(gcs: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A new bucket, through Google's own client; nacre is pointed at its server."""
    need("google-cloud-storage")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs.url)
    return official_bucket(gcs.url, f"b-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def gdal_store(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bucket of the emulator as gdal_hosts.py's programs see it, with Google's own client."""
    need("google-cloud-storage")
    from gdal_hosts import Google

    with monkeypatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
        return Google(emulator)


@pytest.fixture
def run() -> Callable[..., Any]:
    """Runs the command in this test's environment: run("info", path, status=1) checks the exit status."""

    def run_command(*words: Any, status: int = 0, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [str(part) for part in (NACRE, *words)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
        assert result.returncode == status, f"{command}: {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result

    return run_command


# Modules that hold every value of the real rasters against Rasterio's.
SIDE_BY_SIDE = {"test_python", "test_python_read", "test_python_view", "test_tiff", "test_warp"}


# Modules that hold types, codecs and metadata against GDAL's newest rules.
BY_THE_NEWEST_RULES = {
    "test_parity_mask",
    "test_python_features",
    "test_tiff_corpus",
    "test_tiff_metadata",
    "test_tiff_pam",
    "test_tiff_types",
    "test_warp_sweep",
}


def need_newest_rasterio() -> None:
    """Skips what only Rasterio from 1.5 on can be held against; its version is that of the Python here."""
    if tuple(map(int, importlib.metadata.version("rasterio").split(".")[:2])) < (1, 5):
        pytest.skip("held against Rasterio from 1.5 on")


@pytest.fixture(autouse=True)
def real_rasters_beside_the_newest_rasterio(request: pytest.FixtureRequest) -> None:
    """Rasterio 1.4 brings a libjpeg that rounds otherwise, GDAL's older rules of masks, no float16, and warps that are
    not exact whatever the tolerance."""
    module = request.module.__name__
    if module not in BY_THE_NEWEST_RULES and (module not in SIDE_BY_SIDE or "data" not in request.fixturenames):
        return
    need_newest_rasterio()
