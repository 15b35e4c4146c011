# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Programs with a GDAL of their own that tests run with the plugin and without, and the servers that they meet."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import uuid
from typing import Any

import nacre
import peers
from conftest import NACRE, ROOT, Emulator, clean_environment, need

HERE = pathlib.Path(__file__).resolve().parent
PLUGINS = NACRE.resolve().parent / "gdal"
SCRIPT_SECONDS = 300

# A Rasterio by the peer that brings it.
RASTERIOS = ["rasterio", "rasterio-1.4", "rasterio-debian"]


def python_of(rasterio: str) -> str:
    """The Python in which this Rasterio is imported."""
    need(rasterio)
    return peers.find_python(rasterio)


def environment(python: str, *, plugin: bool, install: bool = False, **more: str | None) -> dict[str, str]:
    """A clean environment for a host; with the plugin by GDAL_DRIVER_PATH, or by install() from Python."""
    env = clean_environment(**more)
    env["PYTHONWARNINGS"] = "ignore"
    if plugin and not install:
        env["GDAL_DRIVER_PATH"] = str(PLUGINS)
    env.pop("PYTHONPATH", None)  # a host has nothing of ours, but for install()
    if install:
        env["NACRE_TEST_INSTALL"] = "1"
        env["PYTHONPATH"] = str(pathlib.Path(nacre.__file__).parent.parent)
    return env


class Google:
    """The emulator, or fake-gcs-server, under /vsigs/, with Google's own client beside it."""

    def __init__(self, server: Any) -> None:
        from servers import official_bucket

        self.server = server
        self.bucket = official_bucket(server.url, f"b-{uuid.uuid4().hex[:12]}")
        self.root = f"/vsigs/{self.bucket.name}"
        self.options = {
            "CPL_GS_ENDPOINT": f"{server.url}/",
            "GS_NO_SIGN_REQUEST": "YES",
        }

    def put(self, key: str, data: bytes) -> None:
        self.bucket.blob(key).upload_from_string(data)

    def get(self, key: str) -> bytes:
        return self.bucket.blob(key).download_as_bytes()

    def exists(self, key: str) -> bool:
        return self.bucket.blob(key).exists()

    def delete(self, key: str) -> None:
        self.bucket.blob(key).delete()

    def refuse(self, refused: bool) -> bool:
        """Whether this server can refuse the bucket."""
        if not isinstance(self.server, Emulator):
            return False
        self.server.set_access(denied=[self.bucket.name] if refused else [])
        return True


class Amazon:
    """A server of S3 under /vsis3/, with Amazon's own client beside it."""

    def __init__(self, url: str, emulator: Emulator | None = None) -> None:
        from s3client import client_of

        self.emulator = emulator
        self.client = client_of(url)
        self.name = f"b-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=self.name)
        self.root = f"/vsis3/{self.name}"
        self.options = {
            "AWS_S3_ENDPOINT": url.split("//")[1].rstrip("/"),
            "AWS_HTTPS": "NO",
            "AWS_VIRTUAL_HOSTING": "FALSE",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def exists(self, key: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self.client.head_object(Bucket=self.name, Key=key)
            return True
        except ClientError:
            return False

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def refuse(self, refused: bool) -> bool:
        """Whether this server can refuse the bucket."""
        if self.emulator is None:
            return False
        self.emulator.set_access(denied=[self.name] if refused else [])
        return True


class Azure:
    """Azurite under /vsiaz/, with the official client beside it."""

    def __init__(self, azurite: Any) -> None:
        self.name = f"b-{uuid.uuid4().hex[:12]}"
        self.container = azurite.client().create_container(self.name)
        self.root = f"/vsiaz/{self.name}"
        self.options = {
            "AZURE_STORAGE_CONNECTION_STRING": azurite.connection_string,
        }

    def put(self, key: str, data: bytes) -> None:
        self.container.upload_blob(key, data, overwrite=True)

    def get(self, key: str) -> bytes:
        return self.container.download_blob(key).readall()

    def exists(self, key: str) -> bool:
        return self.container.get_blob_client(key).exists()

    def delete(self, key: str) -> None:
        self.container.delete_blob(key)

    def refuse(self, refused: bool) -> bool:
        """It refuses nobody who has the key."""
        return False


def says(code: str, store: Any = None, host: str = "rasterio", is_loud: bool = False, timeout: float = 120, **more: str) -> Any:
    """What code prints last, as JSON, in a Rasterio that may use nacre.gdal; it must end well and, but for a loud one, in
    silence. ROOT and URL are the bucket."""
    python = python_of(host)
    options = {**(store.options if store else {}), **more}
    env = environment(python, plugin=False, install=True, **options)
    root = store.root if store else ""
    head = f"ROOT, URL = {root!r}, {root.replace('/vsigs/', 'gs://')!r}\nimport json, sys\n"
    done = subprocess.run([python, "-c", head + code], env=env, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    assert is_loud or not done.stderr, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def sanitizer() -> dict[str, str]:
    """What a program needs that loads a plugin built under AddressSanitizer. Leaks are not looked for: GDAL and its
    libraries have their own, and the search crashes beside libraries that are loaded late."""
    needed = subprocess.run(["ldd", PLUGINS / "gdal_nacre.so"], capture_output=True, text=True).stdout
    found = re.search(r"libasan\S* => (\S+)", needed)
    return {"LD_PRELOAD": found.group(1), "ASAN_OPTIONS": "detect_leaks=0"} if found else {}


def run_program(
    store: Any, *words: Any, plugin: bool = True, seconds: float = SCRIPT_SECONDS, **more: str
) -> subprocess.CompletedProcess[str]:
    """Runs a program of the system's GDAL in the environment that `nacre gdal-env` prints, or without it."""
    need("gdal")
    env = environment("", plugin=False, **store.options)
    if plugin:
        done = subprocess.run([NACRE, "gdal-env", "--json"], capture_output=True, check=True, env=env)
        env |= json.loads(done.stdout)["environment"]
        env |= sanitizer()
    command = [str(word) for word in words]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, env={**env, **more})


# The cases of gdal_contract.py, as the guide's table has them.
CASES = {
    "script": "a view is saved beside its source and opened",
    "script_again": "it is saved again, longer, and opened",
    "own_file": "an own GeoTIFF is written and opened",
    "own_overwrite": "an own GeoTIFF is overwritten and opened",
    "own_delete": "a file is deleted and opened",
    "other_file": "another program writes a file, in a folder that was seen",
    "absent": "a missing file is created by another program",
    "same_size": "a GeoTIFF is overwritten by another program",
    "longer": "a .vrt is overwritten by a longer one",
    "shorter": "a .vrt is overwritten by a shorter one",
    "deleted": "a file is deleted by another program",
    "while_open": "a file is overwritten while it is open",
    "permission": "a permission is given after a refusal",
}


def mosaic(source: str, size: int, bands: int) -> bytes:
    """A .vrt whose every band is band 1 of a source beside it."""
    band = (
        '<VRTRasterBand dataType="Byte" band="{}"><SimpleSource><SourceFilename relativeToVRT="1">{}</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
    )
    inside = "".join(band.format(number + 1, source) for number in range(bands))
    return f'<VRTDataset rasterXSize="{size}" rasterYSize="{size}">{inside}</VRTDataset>'.encode()


def run_contract(
    store: Any, rasterio: str, folder: pathlib.Path, *cases: str, plugin: bool, install: bool = False
) -> dict[str, tuple[str, str]]:
    """Runs gdal_contract.py in a host; case -> (word, what was said)."""
    python = python_of(rasterio)
    env = environment(python, plugin=plugin, install=install, **store.options)
    return run_contract_as([python, HERE / "gdal_contract.py", store.root, *cases], store, env, folder)


def run_contract_as(
    command: list[Any], store: Any, env: dict[str, str], folder: pathlib.Path
) -> dict[str, tuple[str, str]]:
    """Runs a script of gdal_contract.py's cases; case -> (word, what was said)."""
    from test_contract import geotiff

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "stderr").open("w+") as said:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, env=env, cwd=folder,
        )  # fmt: skip
        try:
            for line in child.stdout:
                what = json.loads(line)
                if what["do"] == "done":
                    child.stdin.close()
                    assert child.wait(SCRIPT_SECONDS) == 0, (folder / "stderr").read_text()
                    return with_stderr(what["outcomes"], (folder / "stderr").read_text())
                child.stdin.write(json.dumps(do(store, what, geotiff)) + "\n")
                child.stdin.flush()
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
            if not child.stdin.closed:
                child.stdin.close()
    raise AssertionError(f"the host ended with {child.returncode}: {(folder / 'stderr').read_text()[-3000:]}")


def with_stderr(outcomes: dict[str, list[str]], said: str) -> dict[str, tuple[str, str]]:
    """Rasterio 1.3 raises the last of GDAL's errors alone; those before it are on standard error."""
    while_open = outcomes.get("while_open")
    if while_open and while_open[0] == "other error" and "open/k.tif: changed since it was opened" in said:
        while_open[0] = "clear error"
    return {name: (word, more) for name, (word, more) in outcomes.items()}


def do(store: Any, what: dict, geotiff: Any) -> bool:
    """A deed of another client."""
    if what["do"] == "put":
        profile = {name: value for name, value in what["profile"].items() if value is not None}
        store.put(what["key"], geotiff(what["value"], what["size"], **profile))
        return store.exists(what["key"])
    if what["do"] == "put_vrt":
        store.put(what["key"], mosaic(what["source"], what["size"], what["bands"]))
        return store.exists(what["key"])
    if what["do"] == "exists":
        return store.exists(what["key"])
    if what["do"] == "delete":
        store.delete(what["key"])
        return True
    return store.refuse(what["do"] == "deny")
