# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Plain HTTP servers of little means, and who is told what, from the command and from documents."""

from __future__ import annotations

import json
import pathlib
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import nacre
import pytest
from conftest import ROOT, need, run_nacre
from faulty import Faulty

DATA = bytes(range(256)) * 300
BEARER = ("authorization", "Bearer abc")


@pytest.fixture
def serve() -> Iterator[Callable[..., Faulty]]:
    started: list[Faulty] = []

    def start(data: bytes = DATA, **options: Any) -> Faulty:
        started.append(Faulty(data, **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def cat(url: str, *words: str, **environment: str) -> bytes:
    done = run_nacre("cat", url, *words, **environment)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def refused(url: str, *words: str, **environment: str) -> str:
    done = run_nacre("cat", url, "--config", "http.retries=0", *words, **environment)
    assert (done.returncode, done.stdout) == (1, b""), done
    return done.stderr


def test_servers_of_little_means(serve: Callable[..., Faulty]) -> None:
    for has_ranges in (True, False):
        for is_chunked in (False, True):
            for etag in ('"v1"', 'W/"v1"', None):
                server = serve(etag=etag)
                server.has_ranges, server.is_chunked, server.has_head = has_ranges, is_chunked, False
                what = (has_ranges, is_chunked, etag)
                assert cat(f"{server.url}/a.tif") == DATA, what
                assert cat(f"{server.url}/a.tif", "--range", "70000-70009") == DATA[70000:70010], what
                told = json.loads(run_nacre("stat", "--json", f"{server.url}/a.tif").stdout)
                assert (told["size"], told["version_is_strong"]) == (len(DATA), etag == '"v1"'), what
                if not has_ranges:
                    said = refused(f"{server.url}/a.tif", "--config", "limit.whole_read=50000")
                    assert "more than 50000 bytes in one answer" in said and "limit.whole_read" in said, said


def test_stat_asks_once_where_head_is_answered(serve: Callable[..., Faulty]) -> None:
    server = serve()
    assert run_nacre("stat", f"{server.url}/a.tif").returncode == 0
    assert [seen[":method"] for seen in server.headers_seen] == ["HEAD"]
    server.has_head = False
    assert run_nacre("stat", f"{server.url}/a.tif").returncode == 0
    assert [seen[":method"] for seen in server.headers_seen] == ["HEAD", "HEAD", "GET"]
    assert server.headers_seen[-1]["range"] == "bytes=0-0"


def test_the_configuration_file_has_headers_for_a_folder(serve: Callable[..., Faulty], tmp_path: pathlib.Path) -> None:
    server = serve()
    server.files = {"/private/x": b"private", "/x": b"public"}
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"http.headers": {f"{server.url}/private/": {"Authorization": "Bearer abc"}}}))
    assert cat(f"{server.url}/private/x", NACRE_CONFIG=str(config)) == b"private"
    assert cat(f"{server.url}/x", NACRE_CONFIG=str(config)) == b"public"
    assert [seen.get("authorization") for seen in server.headers_seen if seen[":path"] == "/x"].count("Bearer abc") == 0
    assert all(seen.get("authorization") == "Bearer abc" for seen in server.headers_seen if seen[":path"] != "/x")
    config.write_text(json.dumps({"http.headers": {f"{server.url}/private/": {"Range": "bytes=0-1"}}}))
    assert "http.headers: 'Range' is a header that nacre sets itself" in refused(f"{server.url}/x", NACRE_CONFIG=str(config))


def test_the_example_of_the_guide_is_read(tmp_path: pathlib.Path) -> None:
    example = re.search(r"```json\n(.*?)```", (ROOT / "docs/guide/http.md").read_text(), re.S)[1]
    config = tmp_path / "config.json"
    config.write_text(example)
    said = refused("http://nobody.invalid/x", NACRE_CONFIG=str(config))
    assert "cannot find the address" in said


def test_credentials_are_asked_for_and_told(serve: Callable[..., Faulty], tmp_path: pathlib.Path) -> None:
    server = serve()
    server.require = ("authorization", "Basic dXNlcjpwQHNz")  # user:p@ss
    bare = server.url.removeprefix("http://")
    assert "no credentials were found" in refused(f"{server.url}/a.tif")
    assert cat(f"http://user:p%40ss@{bare}/a.tif") == DATA
    assert cat(f"/vsicurl/http://user:p@ss@{bare}/a.tif") == DATA
    assert cat(f"{server.url}/a.tif", "--config", "http.userpwd=user:p@ss") == DATA
    assert cat(f"{server.url}/a.tif", GDAL_HTTP_USERPWD="user:p@ss") == DATA
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password p@ss\n")
    assert cat(f"{server.url}/a.tif", NETRC=str(netrc)) == DATA
    assert "no credentials were found" in refused(f"{server.url}/a.tif", NETRC=str(netrc), GDAL_HTTP_NETRC="NO")
    assert "the credentials from http.userpwd were refused" in refused(
        f"{server.url}/a.tif", "--config", "http.userpwd=user:wrong"
    )
    assert "is not supported; nacre knows" in refused(f"{server.url}/a.tif", GDAL_HTTP_AUTH="NEGOTIATE")


def test_gdals_names_are_mapped_or_reported(serve: Callable[..., Faulty]) -> None:
    server = serve()
    server.require = BEARER
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known = nacre.Env(GDAL_HTTP_BEARER="abc", GDAL_HTTP_HEADERS="X-Key: 1", GDAL_HTTP_NETRC=False, GDAL_HTTP_AUTH="BEARER")
    with known:
        assert nacre.shutil.exists(f"{server.url}/a.tif")
    assert server.headers_seen[-1]["x-key"] == "1"
    for name in ("GDAL_HTTP_UNSAFESSL", "GDAL_PROXY_AUTH", "GDAL_HTTP_COOKIEFILE"):
        with pytest.warns(UserWarning, match=f"{name} has no effect"):
            nacre.Env(**{name: "YES"})


def test_a_redirect_takes_credentials_no_further_than_their_server(serve: Callable[..., Faulty]) -> None:
    here, there = serve(), serve()
    here.require = BEARER
    here.redirect = f"{here.url}/a.tif"
    words = ("--config", "http.bearer=abc", "--config", "http.headers=X-Key: hush")
    assert cat(f"{here.url}/moved", *words) == DATA
    here.redirect = f"{there.url}/a.tif"
    assert cat(f"{here.url}/moved", *words) == DATA
    assert there.headers_seen
    for seen in there.headers_seen:
        assert "authorization" not in seen and "x-key" not in seen
        assert seen.get("cache-control") == "no-cache" or "if-match" in seen
    there.require = BEARER
    assert "it was redirected to 127.0.0.1" in refused(f"{here.url}/moved", *words)


@pytest.fixture
def mosaic(serve: Callable[..., Faulty], tmp_path: pathlib.Path) -> tuple[Faulty, Faulty]:
    """A server with m.vrt of /a.tif beside it, and n.vrt of another server's; each wants a token of its own."""
    need("rasterio")
    import numpy as np
    import rasterio

    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", driver="GTiff", width=8, height=8, count=1, dtype="uint8", crs="EPSG:32631",
                       transform=rasterio.Affine(10, 0, 500000, 0, -10, 0)) as to:  # fmt: skip
        to.write(np.full((1, 8, 8), 7, "uint8"))
    here, there = serve(path.read_bytes()), serve(path.read_bytes())
    assert run_nacre("vrt", path, tmp_path / "m.vrt").returncode == 0
    text = (tmp_path / "m.vrt").read_text()
    outside = re.sub(r'relativeToVRT="1">a.tif<', f'relativeToVRT="0">/vsicurl/{there.url}/a.tif<', text)
    assert outside != text
    here.files = {"/m.vrt": text.encode(), "/n.vrt": outside.encode()}
    here.require, there.require = BEARER, ("x-key", "other")
    return here, there


def compare(url: str, path: pathlib.Path, *words: str, **environment: str) -> Any:
    return run_nacre("compare", url, path, "--config", "http.retries=0", *words, **environment)


def test_a_documents_own_server_is_told_what_the_document_was_opened_with(
    mosaic: tuple[Faulty, Faulty], tmp_path: pathlib.Path
) -> None:
    here, _ = mosaic
    assert compare(f"{here.url}/m.vrt", tmp_path / "m.vrt", GDAL_HTTP_BEARER="abc").returncode == 0
    here.require = ("authorization", "Basic dXNlcjpwYXNz")
    url = here.url.replace("http://", "http://user:pass@")
    done = compare(f"{url}/m.vrt", tmp_path / "m.vrt")
    assert done.returncode == 0, done


def test_a_document_tells_other_servers_nothing(mosaic: tuple[Faulty, Faulty], tmp_path: pathlib.Path) -> None:
    here, there = mosaic
    words = ("--config", f"http.headers={json.dumps({here.url: {'Authorization': 'Bearer abc'}, there.url: {'X-Key': 'other'}})}")
    done = compare(f"{here.url}/n.vrt", tmp_path / "m.vrt", *words)
    assert done.returncode == 1 and "which a document must not name" in done.stderr, done
    assert there.headers_seen == []
    done = compare(f"{here.url}/n.vrt", tmp_path / "m.vrt", *words, "--config", f"sources.allow={there.url}/")
    assert done.returncode == 0, done
    assert there.headers_seen and all("authorization" not in seen for seen in there.headers_seen)
    assert all("x-key" not in seen for seen in here.headers_seen)
    done = compare(f"{here.url}/n.vrt", tmp_path / "m.vrt", *words, "--config", "sources=same")
    assert done.returncode == 1 and "sources=same does not allow" in done.stderr, done
