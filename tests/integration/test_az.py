# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Azure Blob Storage, by Azurite and the official client: what each writes the other reads, with every credential."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import pathlib
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from azure_servers import ACCOUNT, KEY, TENANT, Azurite, TokenServer, token
from conftest import ROOT, clean_environment, need, run_nacre, worked

import nacre
import nacre.shutil
from nacre.vrt import WarpedVRT

sys.path.insert(0, str(ROOT / "demo"))
import scene

SECRETS = (KEY, KEY.replace("/", "%2F"), "secret-", "sig=")


@pytest.fixture(scope="session")
def _azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    need("azurite")
    need("azure-storage-blob")
    server = Azurite(tmp_path_factory.mktemp("azurite") / "log")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _azurite_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    need("azurite")
    need("azure-storage-blob")
    need("cryptography")
    from test_http2 import Certificates

    folder = tmp_path_factory.mktemp("azurite-tls")
    certificates = Certificates(folder)
    server = Azurite(folder / "log", certificates)
    server.bundle = str(certificates.bundle)
    yield server
    server.stop()


@pytest.fixture
def azurite(_azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Azurite:
    """A server that nacre is pointed at by a connection string, as is the official client."""
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", _azurite.connection_string)
    return _azurite


@pytest.fixture
def container(azurite: Azurite) -> Any:
    """A new container, through the official client."""
    return azurite.client().create_container(f"c-{uuid.uuid4().hex[:12]}")


def run(*words: Any, **environment: str) -> Any:
    """Runs the command; no secret may be in what it says, however much it tells."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("AZURE_")}
    done = run_nacre(*words, "-v", "-v", "--io-stats", **{**kept, "AZURE_POD_IDENTITY_AUTHORITY_HOST": "disabled", **environment})
    for secret in SECRETS:
        assert secret not in done.stderr, done.stderr
        assert secret.encode() not in done.stdout
    return done


def ok(done: Any) -> bytes:
    assert done.returncode == 0, done
    return done.stdout


def error_of(done: Any) -> str:
    """What a failed command says of it."""
    assert done.returncode == 1, done
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("nacre: ")]
    return line


# --- Both ways. ---

KEYS = ["k.tif", "d/a b.tif", "d//e", "a%20b", "ü/日本?#&+=.txt", "d/'quo\"te", "~tilde_-.*(x)!", "@at:colon;"]


@pytest.mark.parametrize("key", KEYS)
def test_what_nacre_writes_the_official_client_reads_and_the_reverse(
    container: Any, tmp_path: pathlib.Path, key: str
) -> None:
    data = os.urandom(5000)
    (tmp_path / "data").write_bytes(data)
    ok(run("cp", tmp_path / "data", f"az://{container.container_name}/{key}"))
    blob = container.get_blob_client(key)
    properties = blob.get_blob_properties()
    assert blob.download_blob().readall() == data
    assert properties.content_settings.content_md5 == hashlib.md5(data).digest()
    blob.upload_blob(data[::-1], overwrite=True)
    assert ok(run("cat", f"/vsiaz/{container.container_name}/{key}")) == data[::-1]
    assert [entry.name for entry in container.list_blobs()] == [key]
    told = json.loads(ok(run("stat", "--json", f"abfs://{container.container_name}@{ACCOUNT}.dfs.core.windows.net/{key}")))
    entry = told["objects"][0] if "objects" in told else told
    assert blob.get_blob_properties().etag in json.dumps(entry).replace('\\"', '"')


def test_dot_segments_are_part_of_a_key(container: Any) -> None:
    """The official client cannot ask for such a key, but lists it."""
    name = container.container_name
    for key in ("d/./k", "d/../k", "./k"):
        assert run_stdin(key.encode(), "cp", "-", f"az://{name}/{key}").returncode == 0
    assert [blob.name for blob in container.list_blobs()] == ["./k", "d/../k", "d/./k"]
    assert ok(run("cat", f"az://{name}/d/../k")) == b"d/../k"


def test_an_empty_object(container: Any) -> None:
    path = f"az://{container.container_name}/empty"
    ok(run_stdin(b"", "cp", "-", path))
    assert container.get_blob_client("empty").download_blob().readall() == b""
    assert ok(run("cat", path)) == b""


def run_stdin(data: bytes, *words: Any) -> Any:
    return run_nacre(*words, stdin=data, AZURE_STORAGE_CONNECTION_STRING=os.environ["AZURE_STORAGE_CONNECTION_STRING"])


def test_listings_fold_directories(container: Any) -> None:
    name = container.container_name
    for key in ("a", "d/b", "d/c/e", "d/c/f", "marked/x"):
        container.upload_blob(key, b"x")
    container.upload_blob("marked", b"", metadata={"hdi_isfolder": "true"})
    container.upload_blob("empty", b"", metadata={"hdi_isfolder": "true"})
    assert ok(run("ls", f"az://{name}/")).decode().split() == [f"az://{name}/{key}" for key in ("a", "d/", "empty/", "marked/")]
    assert ok(run("ls", f"az://{name}/d")).decode().split() == [f"az://{name}/d/b", f"az://{name}/d/c/"]
    everything = [f"az://{name}/{key}" for key in ("a", "d/b", "d/c/e", "d/c/f", "marked/x")]
    assert ok(run("ls", "-r", f"az://{name}")).decode().split() == everything
    assert ok(run("ls", f"az://{name}/marked")).decode().split() == [f"az://{name}/marked/x"]


# --- Changes. ---


def test_large_objects_go_up_in_blocks(container: Any, tmp_path: pathlib.Path) -> None:
    data = os.urandom((20 << 20) + 12345)
    (tmp_path / "data").write_bytes(data)
    path = f"az://{container.container_name}/large"
    ok(run("cp", tmp_path / "data", path))
    blob = container.get_blob_client("large")
    committed, uncommitted = blob.get_block_list("all")
    assert [block.size for block in committed] == [8 << 20, 8 << 20, (4 << 20) + 12345] and not uncommitted
    assert len({len(base64.b64decode(block.id)) for block in committed}) == 1
    assert blob.get_blob_properties().content_settings.content_md5 == hashlib.md5(data).digest()
    assert ok(run("cat", path)) == data
    ok(run("cp", path, tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == data


def test_conditions(container: Any, tmp_path: pathlib.Path) -> None:
    path = f"az://{container.container_name}/k"
    (tmp_path / "new").write_bytes(b"new")
    ok(run("cp", "--no-clobber", tmp_path / "new", path))
    assert error_of(run("cp", "--no-clobber", tmp_path / "new", path)).endswith("k: exists already")
    first = container.get_blob_client("k").get_blob_properties().etag
    ok(run("cp", "--if-match", f"etag={first}", tmp_path / "new", path))
    refused = error_of(run("cp", "--if-match", f"etag={first}", tmp_path / "new", path))
    second = container.get_blob_client("k").get_blob_properties().etag
    assert f"changed: it was opened as etag={first} and is now etag={second}" in refused


def test_conditions_of_uploads_in_blocks(container: Any, tmp_path: pathlib.Path) -> None:
    path = f"az://{container.container_name}/k"
    (tmp_path / "large").write_bytes(os.urandom(9 << 20))
    ok(run("cp", "--no-clobber", tmp_path / "large", path))
    assert error_of(run("cp", "--no-clobber", tmp_path / "large", path)).endswith("k: exists already")
    first = container.get_blob_client("k").get_blob_properties().etag
    ok(run("cp", "--if-match", f"etag={first}", tmp_path / "large", path))
    assert "changed" in error_of(run("cp", "--if-match", f"etag={first}", tmp_path / "large", path))


def test_parts_that_another_program_left_do_no_harm(container: Any) -> None:
    path, data = f"az://{container.container_name}/k", os.urandom(9 << 20)
    blob = container.get_blob_client("k")
    blob.stage_block("x" * 16, b"theirs")
    assert run_stdin(data, "cp", "-", path).returncode == 0
    assert blob.download_blob().readall() == data
    blob.stage_block("of another length", b"theirs")
    done = run_stdin(data, "cp", "-", path)
    assert done.returncode == 1 and "parts that another program left" in done.stderr
    blob.commit_block_list([])  # as a small put does at Azure; Azurite keeps the parts then
    assert run_stdin(data, "cp", "-", path).returncode == 0
    assert blob.download_blob().readall() == data


def test_move_and_remove(container: Any) -> None:
    name = container.container_name
    container.upload_blob("a b", b"moved", metadata={"kept": "yes"})
    ok(run("mv", f"az://{name}/a b", f"az://{name}/d/ü"))
    assert [blob.name for blob in container.list_blobs()] == ["d/ü"]
    blob = container.get_blob_client("d/ü")
    assert blob.download_blob().readall() == b"moved" and blob.get_blob_properties().metadata == {"kept": "yes"}
    blob.create_snapshot()
    ok(run("rm", f"az://{name}/d/ü"))
    assert not list(container.list_blobs(include=["snapshots"]))
    assert "not found (404)" in error_of(run("rm", f"az://{name}/d/ü"))


# --- Who asks. ---


def sas_of(container: Any, permission: str = "rwdl") -> str:
    from azure.storage.blob import generate_container_sas

    expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    return generate_container_sas(ACCOUNT, container.container_name, account_key=KEY, permission=permission, expiry=expiry)


def credentials(kind: str, azurite: Azurite, container: Any) -> dict[str, str]:
    """The environment of one kind of credentials."""
    place = {"AZURE_STORAGE_BLOB_ENDPOINT": f"{azurite.url}/{ACCOUNT}", "AZURE_STORAGE_ACCOUNT": ACCOUNT}
    sas_string = f"BlobEndpoint={azurite.url}/{ACCOUNT};SharedAccessSignature={sas_of(container)}"
    return {
        "key": {**place, "AZURE_STORAGE_ACCESS_KEY": KEY},
        "other name of the key": {**place, "AZURE_STORAGE_KEY": KEY},
        "server without account": {**place, "AZURE_STORAGE_BLOB_ENDPOINT": azurite.host, "AZURE_STORAGE_ACCESS_KEY": KEY},
        "SAS": {**place, "AZURE_STORAGE_SAS_TOKEN": "?" + sas_of(container)},
        "connection string": {"AZURE_STORAGE_CONNECTION_STRING": azurite.connection_string},
        "connection string with SAS": {"AZURE_STORAGE_CONNECTION_STRING": sas_string},
    }[kind]


KINDS = ["key", "other name of the key", "server without account", "SAS", "connection string", "connection string with SAS"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_credential_does_all(_azurite: Azurite, tmp_path: pathlib.Path, kind: str) -> None:
    container = _azurite.client().create_container(f"c-{uuid.uuid4().hex[:12]}")
    name, environment = container.container_name, credentials(kind, _azurite, container)
    (tmp_path / "k").write_bytes(b"pixels")
    (tmp_path / "large").write_bytes(os.urandom(9 << 20))
    assert ok(run("cp", tmp_path / "k", f"az://{name}/a b/k", **environment)) == b""
    ok(run("cp", tmp_path / "large", f"az://{name}/large", **environment))
    ok(run("cp", f"az://{name}/a b/k", f"az://{name}/copied/ü k", **environment))
    assert ok(run("cat", f"az://{name}/copied/ü k", **environment)) == b"pixels"
    assert ok(run("ls", "-r", f"az://{name}/copied", **environment)).decode() == f"az://{name}/copied/ü k\n"
    ok(run("stat", f"az://{name}/large", **environment))
    ok(run("rm", f"az://{name}/large", **environment))


def test_who_may_write_but_not_read_writes(azurite: Azurite, container: Any, tmp_path: pathlib.Path) -> None:
    place = {"AZURE_STORAGE_CONNECTION_STRING": "", "AZURE_STORAGE_BLOB_ENDPOINT": f"{azurite.url}/{ACCOUNT}"}
    for data in (b"first", b"second", os.urandom(9 << 20)):
        (tmp_path / "k").write_bytes(data)
        path = f"az://{container.container_name}/k"
        ok(run("cp", tmp_path / "k", path, **place, AZURE_STORAGE_SAS_TOKEN=sas_of(container, "cw")))
        assert container.get_blob_client("k").download_blob().readall() == data


def test_a_copy_is_made_by_the_store(container: Any) -> None:
    name = container.container_name
    container.upload_blob("k", os.urandom(1 << 20))
    done = run("cp", f"az://{name}/k", f"az://{name}/copy")
    assert ok(done) == b""
    assert container.get_blob_client("copy").get_blob_properties().copy.status == "success"


def test_denials(azurite: Azurite, container: Any) -> None:
    name = container.container_name
    container.upload_blob("k", b"x")
    wrong = azurite.connection_string.replace(KEY, base64.b64encode(b"secret-wrong").decode())
    said = error_of(run("cat", f"az://{name}/k", AZURE_STORAGE_CONNECTION_STRING=wrong))
    assert "denied (403): the account key from AZURE_STORAGE_CONNECTION_STRING was refused" in said
    place = {"AZURE_STORAGE_CONNECTION_STRING": "", "AZURE_STORAGE_BLOB_ENDPOINT": f"{azurite.url}/{ACCOUNT}"}
    said = error_of(run("rm", f"az://{name}/k", **place, AZURE_STORAGE_SAS_TOKEN=sas_of(container, "r")))
    assert "denied (403): the shared access signature from AZURE_STORAGE_SAS_TOKEN was refused" in said
    said = error_of(run("cat", f"az://{name}/k", **place))
    assert "not public and asked for without credentials" in said or "no Azure credentials found" in said
    assert "there is no container 'missing-one'" in error_of(run("cat", "az://missing-one/k"))


def test_public_containers_are_read_by_the_flags_alone(azurite: Azurite) -> None:
    name = f"c-{uuid.uuid4().hex[:12]}"
    container = azurite.client().create_container(name, public_access="container")
    container.upload_blob("k", b"public")
    flags = ["--no-sign-request", "--endpoint-url", f"{azurite.url}/{ACCOUNT}"]
    assert ok(run("cat", *flags, f"az://{name}/k", AZURE_STORAGE_CONNECTION_STRING="")) == b"public"
    assert ok(run("ls", *flags, f"az://{name}/", AZURE_STORAGE_CONNECTION_STRING="")).decode() == f"az://{name}/k\n"


# --- Tokens: a directory and a metadata service of our own; Azurite takes their tokens over TLS only. ---


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    server = TokenServer()
    yield server
    server.stop()


@pytest.fixture
def tls_container(_azurite_tls: Azurite) -> Any:
    client = _azurite_tls.client(connection_verify=False)  # newer Pythons want more of a CA than libcurl
    return client.create_container(f"c-{uuid.uuid4().hex[:12]}")


TOKEN_KINDS = ["access token", "client secret", "workload identity", "managed identity", "app service"]


def token_environment(kind: str, azurite: Azurite, tokens: TokenServer, folder: pathlib.Path) -> dict[str, str]:
    place = {"AZURE_STORAGE_BLOB_ENDPOINT": azurite.url, "AZURE_STORAGE_ACCOUNT": ACCOUNT, "CURL_CA_BUNDLE": azurite.bundle}
    directory = {"AZURE_AUTHORITY_HOST": tokens.url, "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "app"}
    (folder / "federated").write_text("secret-assertion\n")
    return place | {
        "access token": {"AZURE_STORAGE_ACCESS_TOKEN": token()},
        "client secret": {**directory, "AZURE_CLIENT_SECRET": "secret-client"},
        "workload identity": {**directory, "AZURE_FEDERATED_TOKEN_FILE": str(folder / "federated")},
        "managed identity": {"AZURE_POD_IDENTITY_AUTHORITY_HOST": tokens.url},
        "app service": {"IDENTITY_ENDPOINT": f"{tokens.url}/msi/token", "IDENTITY_HEADER": "secret-header"},
    }[kind]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("kind", TOKEN_KINDS)
def test_each_kind_of_token_does_all(
    _azurite_tls: Azurite, tls_container: Any, tokens: TokenServer, tmp_path: pathlib.Path, kind: str
) -> None:
    name, environment = tls_container.container_name, token_environment(kind, _azurite_tls, tokens, tmp_path)
    (tmp_path / "k").write_bytes(b"pixels")
    ok(run("cp", tmp_path / "k", f"az://{name}/k", **environment))
    assert tls_container.get_blob_client("k").download_blob().readall() == b"pixels"
    ok(run("mv", f"az://{name}/k", f"az://{name}/moved", **environment))
    assert ok(run("cat", f"az://{name}/moved", **environment)) == b"pixels"
    assert ok(run("ls", f"az://{name}/", **environment)).decode() == f"az://{name}/moved\n"
    forms = [form for _, _, form in tokens.asked]
    if kind == "client secret":
        assert {form["client_secret"] for form in forms} == {"secret-client"}
        assert {path for path, _, _ in tokens.asked} == {f"/{TENANT}/oauth2/v2.0/token"}
    if kind == "workload identity":
        assert {form["client_assertion"] for form in forms} == {"secret-assertion"}


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_refused_token_says_whose(
    _azurite_tls: Azurite, tls_container: Any, tokens: TokenServer, tmp_path: pathlib.Path
) -> None:
    environment = token_environment("client secret", _azurite_tls, tokens, tmp_path)
    tokens.replies = [(200, {"access_token": token(aud="https://else.example"), "expires_in": 3600})]
    said = error_of(run("ls", f"az://{tls_container.container_name}/", **environment))
    assert "the access token from the application's secret (az.client_secret) was refused" in said
    tokens.replies = [(401, {"error": "invalid_client", "error_description": "AADSTS7000215: secret-client"})]
    said = error_of(run("ls", f"az://{tls_container.container_name}/", **environment))
    assert "answered 401: invalid_client: AADSTS7000215" in said


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_long_job_outlives_its_tokens(
    _azurite_tls: Azurite, tls_container: Any, tokens: TokenServer, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that has ended is given up for another in the middle of an open dataset."""
    for name, value in token_environment("client secret", _azurite_tls, tokens, tmp_path).items():
        monkeypatch.setenv(name, value)
    raster = tmp_path / "scene.tif"
    scene.write_geotiff(raster, scene.picture(scene.terrain(700, seed=4)))
    tls_container.upload_blob("scene.tif", raster.read_bytes())
    tokens.replies = [(200, {"access_token": token(life=1), "expires_in": 3600}), *tokens.replies]
    with nacre.open(f"az://{tls_container.container_name}/scene.tif") as dataset:
        first = dataset.read(1, window=((0, 10), (0, 10)))
        time.sleep(2.5)
        assert (dataset.read(1)[:10, :10] == first).all()
    assert len(tokens.asked) == 2


# --- The main job. ---


@pytest.fixture
def source(container: Any, tmp_path: pathlib.Path) -> str:
    raster = tmp_path / "scene.tif"
    scene.write_geotiff(raster, scene.picture(scene.terrain(700, seed=4)))
    container.upload_blob("data/scene.tif", raster.read_bytes())
    return f"az://{container.container_name}/data/scene.tif"


@pytest.mark.parametrize("spelling", ["az://{}", "/vsiaz/{}", "abfs://{}", "az-account"])
def test_a_view_saved_beside_its_source_opens_in_the_same_process(container: Any, source: str, spelling: str) -> None:
    path = source.removeprefix("az://")
    if spelling == "az-account":
        spelling, path = "az://{}", path.replace("/", f"@{ACCOUNT}/", 1)
    source = spelling.format(path)
    view_path = source.replace("scene.tif", "view.vrt")
    with nacre.open(source) as dataset:
        with pytest.raises(FileNotFoundError):
            nacre.open(view_path)
        with WarpedVRT(dataset, crs="EPSG:3857") as view:
            expected = view.read()
            nacre.shutil.copy(view, view_path, driver="VRT")
    text = container.get_blob_client("data/view.vrt").download_blob().readall().decode()
    assert 'relativeToVRT="1">scene.tif<' in text
    with nacre.open(view_path) as reopened:
        assert (reopened.read() == expected).all()
        assert any(version.startswith("etag=") for version in map(str, json.dumps(reopened.provenance).split('"')))


def test_a_signature_in_the_url_is_told_nowhere(
    _azurite: Azurite, container: Any, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in credentials("SAS", _azurite, container).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    told = []
    with nacre.open(source) as dataset:
        with WarpedVRT(dataset, crs="EPSG:3857") as view:
            told.append(json.dumps(view.provenance))
            nacre.shutil.copy(view, source.replace("scene.tif", "view.vrt"), driver="VRT")
        told += [json.dumps(dataset.provenance), dataset.name, repr(dataset)]
    with pytest.raises(FileNotFoundError) as missing:
        nacre.open(source + "x")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", sas_of(container).replace("sig=", "sig=AAAA"))
    with pytest.raises(nacre.errors.RasterioIOError) as denied:
        nacre.open(source)
    told += [str(missing.value), str(denied.value)]
    told.append(container.get_blob_client("data/view.vrt").download_blob().readall().decode())
    assert "etag=" in told[0] and not any("sig=" in text or "se=20" in text for text in told)


def test_an_object_overwritten_while_open_is_changed(container: Any, source: str) -> None:
    with nacre.open(source) as dataset:
        data = container.get_blob_client("data/scene.tif").download_blob().readall()
        container.upload_blob("data/scene.tif", data, overwrite=True)
        with pytest.raises(nacre.errors.RasterioIOError, match="changed since it was opened: was etag="):
            dataset.read()
    with nacre.open(source) as dataset:
        assert dataset.read(1).any()


def test_another_writer_is_seen_at_the_next_open(container: Any, source: str, tmp_path: pathlib.Path) -> None:
    with nacre.open(source) as dataset:
        before = dataset.read()
    other = tmp_path / "other.tif"
    scene.write_geotiff(other, scene.picture(scene.terrain(700, seed=5)))
    container.upload_blob("data/scene.tif", other.read_bytes(), overwrite=True)
    with nacre.open(source) as dataset, nacre.open(other) as local:
        assert (dataset.read() == local.read()).all() and not (local.read() == before).all()
