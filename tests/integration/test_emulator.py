# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The emulator answers as docs/internals/emulator.md says: raw requests, Google's own client, stock GDAL."""

from __future__ import annotations

import base64
import concurrent.futures
import email.utils
import hashlib
import http.client
import io
import json
import os
import pathlib
import re
import subprocess
import threading
import time
import urllib.parse
import xml.etree.ElementTree

import pytest
from conftest import NACRE, Emulator, gdal, gdal_options, need

pytestmark = pytest.mark.sanitized

HARD_KEYS = ["d//k", "d/./k", "a/../b", "../escape", "/lead", "trail/", "a%20b", "a b", "ü/ß", "x" * 1024, ".nacre/journal", "a?b#c", "-", "q" * 300 + "/r"]


def media(key: str, bucket: str = "demo", **query: object) -> str:
    return f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(key, safe='')}?{urllib.parse.urlencode({'alt': 'media', **query})}"


def meta(key: str, bucket: str = "demo", **query: object) -> str:
    return f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(key, safe='')}?{urllib.parse.urlencode(query)}"


def upload(key: str, kind: str = "media", **query: object) -> str:
    return f"/upload/storage/v1/b/demo/o?{urllib.parse.urlencode({'uploadType': kind, 'name': key, **query})}"


def listed(emulator: Emulator, **query: object) -> dict:
    answer = emulator.request("GET", f"/storage/v1/b/demo/o?{urllib.parse.urlencode(query)}")
    assert answer.status == 200, answer.body
    return answer.json()


def names(page: dict) -> list[str]:
    return [item["name"] for item in page.get("items", [])]


# --- Reading ---------------------------------------------------------------------------------------------------------


def test_media_headers_tell_version_and_hashes(emulator: Emulator) -> None:
    resource = emulator.put("demo", "k", b"hello")
    answer = emulator.request("GET", media("k"))
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["x-goog-generation"] == resource["generation"]
    assert answer.headers["x-goog-metageneration"] == "1"
    assert answer.headers["ETag"] == resource["etag"]
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["x-goog-stored-content-length"] == "5"
    assert set(answer.headers.get_all("x-goog-hash")) == {"crc32c=mnG7TA==", "md5=XUFAKrxLKna5cZ2REBfFkg=="}
    assert (resource["crc32c"], resource["md5Hash"]) == ("mnG7TA==", "XUFAKrxLKna5cZ2REBfFkg==")
    assert email.utils.parsedate_to_datetime(answer.headers["Last-Modified"])
    assert emulator.request("GET", media("k").replace("/storage/", "/download/storage/", 1)).body == b"hello"


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-30", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-100", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=5-4", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("lines=0-1", 200, b"0123456789", None),
    ],
)
@pytest.mark.parametrize("interface", ["json", "xml"])
def test_ranges(emulator: Emulator, asked: str, status: int, body: bytes | None, content_range: str | None, interface: str) -> None:
    emulator.put("demo", "k", b"0123456789")
    answer = emulator.request("GET", media("k") if interface == "json" else "/demo/k", Range=asked)
    assert answer.status == status
    assert answer.headers["Content-Range"] == content_range
    if body is not None:
        assert answer.body == body


def test_range_of_an_empty_object_is_416(emulator: Emulator) -> None:
    emulator.put("demo", "empty", b"")
    assert emulator.request("GET", media("empty")).status == 200
    answer = emulator.request("GET", media("empty"), Range="bytes=0-")
    assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */0")


@pytest.mark.parametrize("target", [media, meta])
def test_preconditions_of_reads(emulator: Emulator, target) -> None:
    generation = int(emulator.put("demo", "k", b"x")["generation"])
    wanted = [
        ({"ifGenerationMatch": generation}, 200),
        ({"ifGenerationMatch": generation + 1}, 412),
        ({"ifGenerationMatch": 0}, 412),
        ({"ifGenerationNotMatch": generation}, 304),
        ({"ifGenerationNotMatch": generation + 1}, 200),
        ({"ifMetagenerationMatch": 1}, 200),
        ({"ifMetagenerationMatch": 2}, 412),
        ({"ifMetagenerationNotMatch": 1}, 304),
        ({"ifMetagenerationNotMatch": 2}, 200),
        ({"generation": generation}, 200),
        ({"generation": generation - 1}, 404),
        ({"generation": generation - 1, "ifGenerationMatch": 3}, 404),
        ({"ifGenerationMatch": "x"}, 400),
    ]
    for query, status in wanted:
        answer = emulator.request("GET", target("k", **query))
        assert answer.status == status, query
        if status == 304:
            assert answer.body == b""
    assert emulator.request("GET", target("nothing", ifGenerationMatch=0)).status == 404


def test_error_bodies_are_googles(emulator: Emulator) -> None:
    error = emulator.request("GET", meta("nothing")).json()["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (404, "notFound")
    error = emulator.request("GET", "/storage/v1/b/nobody/o").json()["error"]
    assert (error["code"], error["message"]) == (404, "The specified bucket does not exist.")
    emulator.put("demo", "k", b"x")
    error = emulator.request("GET", meta("k", ifGenerationMatch=1)).json()["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (412, "conditionNotMet")
    document = xml.etree.ElementTree.fromstring(emulator.request("GET", "/demo/nothing").body)
    assert document.find("Code").text == "NoSuchKey"
    document = xml.etree.ElementTree.fromstring(emulator.request("GET", "/nobody/nothing").body)
    assert document.find("Code").text == "NoSuchBucket"


def test_a_get_that_began_serves_one_version(start_emulator) -> None:
    emulator = start_emulator("--bandwidth", "8")
    emulator.make_bucket("demo")
    emulator.put("demo", "k", b"a" * (4 << 20))
    connection = http.client.HTTPConnection(emulator.host)
    connection.request("GET", media("k"))
    response = connection.getresponse()
    first = response.read(1 << 16)
    emulator.put("demo", "k", b"b" * (4 << 20))
    assert first + response.read() == b"a" * (4 << 20)
    assert emulator.request("GET", media("k"), Range="bytes=0-1").body == b"bb"


# --- Writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", HARD_KEYS)
def test_keys_are_literal_bytes(emulator: Emulator, key: str) -> None:
    data = hashlib.sha256(key.encode()).digest()
    assert emulator.put("demo", key, data)["name"] == key
    assert emulator.request("GET", media(key)).body == data
    assert emulator.request("GET", "/demo/" + urllib.parse.quote(key, safe="/")).body == data
    assert names(listed(emulator)) == [key]
    outside = {path.name for path in emulator.root.parent.rglob("*") if path.is_file() and emulator.root not in path.parents}
    assert outside == set()
    emulator.delete("demo", key)
    assert names(listed(emulator)) == []


def test_hard_keys_live_side_by_side_and_survive_a_lost_journal(start_emulator) -> None:
    emulator = start_emulator()
    emulator.make_bucket("demo")
    keys = [*HARD_KEYS, "a", "a/b", "a/b/c", "k", "d"]
    for key in keys:
        emulator.put("demo", key, key.encode())
    expected = sorted(keys, key=str.encode)
    assert names(listed(emulator)) == expected
    emulator.stop()
    (emulator.root / "demo" / ".nacre" / "journal").unlink()
    again = start_emulator(root=emulator.root)
    assert names(listed(again)) == expected
    for key in keys:
        assert again.request("GET", media(key)).body == key.encode()


@pytest.mark.parametrize("name", ["", "x" * 1025, "a\nb", "a\rb"])
def test_object_names_that_google_forbids_are_400(emulator: Emulator, name: str) -> None:
    assert emulator.request("POST", upload(name), b"x").status == 400
    assert emulator.request("GET", "/storage/v1/b/demo/o/%ff").status == 400
    assert emulator.request("GET", "/storage/v1/b/demo/o/a%00b").status == 400


@pytest.mark.parametrize("bucket", ["..", ".nacre", "%2e%2e", "a%2fb"])
def test_buckets_do_not_escape_the_root(emulator: Emulator, bucket: str) -> None:
    assert emulator.request("GET", f"/storage/v1/b/{bucket}/o").status == 404
    assert emulator.request("PUT", f"/{bucket}/k", b"x").status in (400, 404)


def test_preconditions_of_writes(emulator: Emulator) -> None:
    first = emulator.request("POST", upload("k", ifGenerationMatch=0), b"1")
    assert first.status == 200
    generation = int(first.json()["generation"])
    wanted = [
        ({"ifGenerationMatch": 0}, 412),
        ({"ifGenerationMatch": generation + 1}, 412),
        ({"ifGenerationNotMatch": generation}, 304),
        ({"ifMetagenerationMatch": 2}, 412),
        ({"ifGenerationMatch": "x"}, 400),
    ]
    for query, status in wanted:
        assert emulator.request("POST", upload("k", **query), b"2").status == status, query
        assert emulator.request("DELETE", meta("k", **query)).status == status, query
    assert emulator.request("GET", media("k")).body == b"1"
    assert emulator.request("POST", upload("k", ifGenerationMatch=generation), b"3").status == 200
    assert emulator.request("POST", upload("new", ifGenerationMatch=generation), b"3").status == 412
    assert emulator.request("DELETE", meta("nothing", ifGenerationMatch=generation)).status == 404
    assert emulator.request("DELETE", meta("k", generation=generation)).status == 404
    assert emulator.request("DELETE", meta("k")).status == 204


def test_only_one_of_many_creators_wins(emulator: Emulator) -> None:
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: emulator.request("POST", upload("k", ifGenerationMatch=0), b"%d" % i), range(32)))
    statuses = [answer.status for answer in answers]
    assert statuses.count(200) == 1
    assert statuses.count(412) == 31
    assert emulator.request("GET", media("k")).body == b"%d" % statuses.index(200)


def test_generations_never_repeat_even_after_a_restart(start_emulator) -> None:
    emulator = start_emulator()
    emulator.make_bucket("demo")
    seen = [int(emulator.put("demo", "k", b"x")["generation"]) for _ in range(50)]
    kept = emulator.put("demo", "kept", b"y")
    emulator.delete("demo", "k")
    assert emulator.stop() == 0
    journal = emulator.root / "demo" / ".nacre" / "journal"
    ahead = seen[-1] + 10**12  # as if the clock had been set back since
    journal.write_text(journal.read_text() + json.dumps({"last": ahead}) + '\n{"key": "cut o')
    emulator = start_emulator(root=emulator.root)
    again = emulator.resource("demo", "kept")
    assert again == {**kept, "selfLink": again["selfLink"], "mediaLink": again["mediaLink"]}
    assert again["contentType"] == "application/octet-stream"
    seen += [int(emulator.put("demo", "k", b"x")["generation"]) for _ in range(50)]
    assert seen == sorted(set(seen))
    assert seen[50] > ahead


def test_a_killed_emulator_leaves_whole_objects(start_emulator) -> None:
    emulator = start_emulator()
    emulator.make_bucket("demo")
    before = emulator.put("demo", "k", b"old")
    connection = http.client.HTTPConnection(emulator.host)
    connection.putrequest("POST", upload("k"))
    connection.putheader("Content-Length", str(1 << 20))
    connection.endheaders()
    connection.send(b"n" * (1 << 19))
    time.sleep(0.2)
    emulator.process.kill()
    emulator.process.wait()
    connection.close()
    emulator = start_emulator(root=emulator.root)
    assert emulator.request("GET", media("k")).body == b"old"
    assert emulator.resource("demo", "k")["generation"] == before["generation"]
    assert list((emulator.root / ".nacre" / "tmp").iterdir()) == []


def test_files_dropped_into_the_folder_are_objects(emulator: Emulator) -> None:
    folder = emulator.root / "demo" / "by" / "hand"
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"one")
    first = emulator.resource("demo", "by/hand/file")
    digest = base64.b64encode(hashlib.md5(b"one").digest()).decode()
    assert (first["size"], first["md5Hash"]) == ("3", digest)
    assert names(listed(emulator, prefix="by/")) == ["by/hand/file"]
    assert emulator.resource("demo", "by/hand/file")["generation"] == first["generation"]
    (folder / "file").write_bytes(b"two!")
    second = emulator.resource("demo", "by/hand/file")
    assert int(second["generation"]) > int(first["generation"])
    assert emulator.request("GET", media("by/hand/file")).body == b"two!"
    (folder / "file").unlink()
    assert names(listed(emulator)) == []
    assert emulator.request("GET", media("by/hand/file")).status == 404


def test_other_names_of_a_file_have_its_hashes_and_those_of_another_do_not(emulator: Emulator) -> None:
    folder = emulator.root / "demo"
    (folder / "one").write_bytes(b"one")
    (folder / "two").write_bytes(b"two")
    digests = [base64.b64encode(hashlib.md5(text).digest()).decode() for text in (b"one", b"two")]
    assert [emulator.resource("demo", key)["md5Hash"] for key in ("one", "two")] == digests
    for name in ("one", "two"):
        (folder / f"{name}.link").hardlink_to(folder / name)
    assert [emulator.resource("demo", f"{key}.link")["md5Hash"] for key in ("one", "two")] == digests


def test_wrong_digests_are_refused(emulator: Emulator) -> None:
    assert emulator.request("POST", upload("k"), b"hello", x_goog_hash="crc32c=AAAAAA==").status == 400
    assert emulator.request("POST", upload("k"), b"hello", x_goog_hash="crc32c=mnG7TA==").status == 200
    assert emulator.request("PUT", "/demo/x", b"hello", Content_MD5="XUFAKrxLKna5cZ2REBfFkg==").status == 200
    assert emulator.request("PUT", "/demo/x", b"jello", Content_MD5="XUFAKrxLKna5cZ2REBfFkg==").status == 400
    assert emulator.request("GET", "/demo/x").body == b"hello"


def multipart(resource: dict, content: bytes, boundary: str = "==b==") -> tuple[bytes, str]:
    head = f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps(resource)}\r\n"
    middle = f"--{boundary}\r\nContent-Type: image/tiff\r\n\r\n"
    return head.encode() + middle.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f'multipart/related; boundary="{boundary}"'


def test_multipart_upload_keeps_every_byte(emulator: Emulator) -> None:
    for content in (b"", b"\r\n", b"--==b\r\n\r\n--", os.urandom(300_000)):
        body, kind = multipart({"name": "m", "metadata": {"a": "1"}, "cacheControl": "no-store"}, content)
        answer = emulator.request("POST", "/upload/storage/v1/b/demo/o?uploadType=multipart", body, Content_Type=kind)
        assert answer.status == 200, answer.body
        assert (answer.json()["contentType"], answer.json()["metadata"]) == ("image/tiff", {"a": "1"})
        read = emulator.request("GET", media("m"))
        assert read.body == content
        assert (read.headers["Cache-Control"], read.headers["x-goog-meta-a"]) == ("no-store", "1")
    body, kind = multipart({"name": "m"}, b"x")
    assert emulator.request("POST", upload("m", "multipart"), body[:-20], Content_Type=kind).status == 400
    assert emulator.request("POST", upload("m", "multipart"), body, Content_Type="multipart/related").status == 400


def start_resumable(emulator: Emulator, key: str, **query: object) -> str:
    answer = emulator.request("POST", upload(key, "resumable", **query), b"{}", Content_Type="application/json")
    assert answer.status == 200, answer.body
    location = urllib.parse.urlsplit(answer.headers["Location"])
    return f"{location.path}?{location.query}"


def test_resumable_upload(emulator: Emulator) -> None:
    chunk = os.urandom(256 << 10)
    session = start_resumable(emulator, "r")
    status = emulator.request("PUT", session, b"", Content_Range="bytes */*")
    assert (status.status, status.headers["Range"]) == (308, None)
    first = emulator.request("PUT", session, chunk, Content_Range=f"bytes 0-{len(chunk) - 1}/*")
    assert (first.status, first.headers["Range"]) == (308, f"bytes=0-{len(chunk) - 1}")
    assert emulator.request("GET", meta("r")).status == 404
    gap = emulator.request("PUT", session, b"x", Content_Range="bytes 900000-900000/900001")
    assert (gap.status, gap.headers["Range"]) == (308, f"bytes=0-{len(chunk) - 1}")
    assert emulator.request("PUT", session, b"xy", Content_Range=f"bytes {len(chunk)}-{len(chunk) + 1}/*").status == 400
    assert emulator.request("PUT", session, b"xy", Content_Range="bytes nonsense").status == 400
    total = len(chunk) + 3
    last = emulator.request("PUT", session, b"end", Content_Range=f"bytes {len(chunk)}-{total - 1}/{total}")
    assert last.status == 200
    assert emulator.request("GET", media("r")).body == chunk + b"end"
    done = emulator.request("PUT", session, b"", Content_Range=f"bytes */{total}")
    assert (done.status, done.json()["generation"]) == (200, last.json()["generation"])


def test_resumable_upload_repeats_bytes_and_checks_its_precondition_at_the_end(emulator: Emulator) -> None:
    chunk = os.urandom(256 << 10)
    session = start_resumable(emulator, "r", ifGenerationMatch=0)
    emulator.request("PUT", session, chunk, Content_Range=f"bytes 0-{len(chunk) - 1}/*")
    emulator.put("demo", "r", b"someone else's")
    whole = emulator.request("PUT", session, chunk + b"!", Content_Range=f"bytes 0-{len(chunk)}/{len(chunk) + 1}")
    assert whole.status == 412
    assert emulator.request("GET", media("r")).body == b"someone else's"
    session = start_resumable(emulator, "r2")
    assert emulator.request("PUT", session, b"all at once").status == 200
    assert emulator.request("GET", media("r2")).body == b"all at once"


def test_cancelled_session_is_499_then_404(emulator: Emulator) -> None:
    session = start_resumable(emulator, "r")
    assert emulator.request("DELETE", session).status == 499
    assert emulator.request("PUT", session, b"x").status == 404
    assert list((emulator.root / ".nacre" / "tmp").iterdir()) == []


def test_copies_and_their_preconditions(emulator: Emulator) -> None:
    source = emulator.put("demo", "s/1", b"data", ifGenerationMatch=0)
    emulator.make_bucket("other")
    generation = source["generation"]
    path = "/storage/v1/b/demo/o/s%2F1/rewriteTo/b/other/o/t%2F2"
    done = emulator.request("POST", path).json()
    assert done["done"] is True
    assert done["resource"]["bucket"] == "other"
    assert done["resource"]["contentType"] == "application/octet-stream"
    assert emulator.request("GET", media("t/2", "other")).body == b"data"
    assert emulator.request("POST", f"{path}?ifSourceGenerationMatch={generation}").status == 200
    assert emulator.request("POST", f"{path}?ifSourceGenerationMatch=1").status == 412
    assert emulator.request("POST", f"{path}?ifSourceGenerationNotMatch={generation}").status == 304
    assert emulator.request("POST", f"{path}?sourceGeneration=1").status == 404
    assert emulator.request("POST", f"{path}?ifGenerationMatch=0").status == 412
    copy = emulator.request("POST", "/storage/v1/b/demo/o/s%2F1/copyTo/b/demo/o/c", b'{"contentType": "text/x"}')
    assert (copy.status, copy.json()["contentType"]) == (200, "text/x")
    assert emulator.request("POST", "/storage/v1/b/demo/o/none/rewriteTo/b/demo/o/c").status == 404


def test_compose_joins_and_has_no_md5(emulator: Emulator) -> None:
    one = emulator.put("demo", "1", b"one")
    emulator.put("demo", "2", b"two")
    body = {"sourceObjects": [{"name": "1", "generation": one["generation"]}, {"name": "2"}], "destination": {"contentType": "x/y"}}
    answer = emulator.request("POST", "/storage/v1/b/demo/o/12/compose", json.dumps(body).encode())
    assert answer.status == 200
    assert "md5Hash" not in answer.json()
    assert emulator.request("GET", media("12")).body == b"onetwo"
    body["sourceObjects"][0]["generation"] = "5"
    assert emulator.request("POST", "/storage/v1/b/demo/o/12/compose", json.dumps(body).encode()).status == 404


def test_patch_counts_metagenerations(emulator: Emulator) -> None:
    resource = emulator.put("demo", "k", b"x")
    patched = emulator.request("PATCH", meta("k"), b'{"metadata": {"a": "1", "b": "2"}, "contentType": "image/tiff"}').json()
    assert (patched["metageneration"], patched["generation"]) == ("2", resource["generation"])
    patched = emulator.request("PATCH", meta("k", ifMetagenerationMatch=2), b'{"metadata": {"a": null}}').json()
    assert (patched["metadata"], patched["contentType"]) == ({"b": "2"}, "image/tiff")
    assert emulator.request("PATCH", meta("k", ifMetagenerationMatch=2), b"{}").status == 412
    assert emulator.request("PATCH", meta("k"), b"[").status == 400
    assert emulator.request("PATCH", meta("none"), b"{}").status == 404


# --- Listing ---------------------------------------------------------------------------------------------------------


def fill(emulator: Emulator) -> list[str]:
    keys = ["a", "a/1", "a/2", "a/b/3", "aa", "b/1", "c", "d//x", "é"]
    for key in keys:
        emulator.put("demo", key, b"x")
    return sorted(keys, key=str.encode)


def test_listing_folds_at_the_delimiter(emulator: Emulator) -> None:
    keys = fill(emulator)
    assert names(listed(emulator)) == keys
    top = listed(emulator, delimiter="/")
    assert (names(top), top["prefixes"]) == (["a", "aa", "c", "é"], ["a/", "b/", "d/"])
    below = listed(emulator, delimiter="/", prefix="a/")
    assert (names(below), below["prefixes"]) == (["a/1", "a/2"], ["a/b/"])
    assert listed(emulator, delimiter="/", prefix="d/")["prefixes"] == ["d//"]
    nothing = listed(emulator, prefix="zzz")
    assert "items" not in nothing and "prefixes" not in nothing
    assert names(listed(emulator, startOffset="a/2", endOffset="b/1")) == ["a/2", "a/b/3", "aa"]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("query", [{}, {"delimiter": "/"}, {"prefix": "a/"}, {"prefix": "a", "delimiter": "/"}])
def test_pages_together_are_the_whole_listing(emulator: Emulator, size: int, query: dict) -> None:
    fill(emulator)
    whole = listed(emulator, **query)
    objects, prefixes, token = [], [], None
    for _ in range(50):
        page = listed(emulator, maxResults=size, **query, **({"pageToken": token} if token else {}))
        assert len(names(page)) + len(page.get("prefixes", [])) <= size
        objects += names(page)
        prefixes += page.get("prefixes", [])
        token = page.get("nextPageToken")
        if not token:
            break
    assert (objects, prefixes) == (names(whole), whole.get("prefixes", []))


def xml_pages(emulator: Emulator, second: bool) -> list[str]:
    space = "{http://doc.s3.amazonaws.com/2006-03-01}"
    found, extra = [], ""
    for _ in range(50):
        answer = emulator.request("GET", f"/demo?delimiter=/&max-keys=2{'&list-type=2' if second else ''}{extra}")
        page = xml.etree.ElementTree.fromstring(answer.body)
        found += [key.text for key in page.iterfind(f"{space}Contents/{space}Key")]
        found += [prefix.text for prefix in page.iterfind(f"{space}CommonPrefixes/{space}Prefix")]
        if page.find(f"{space}IsTruncated").text == "false":
            break
        name, parameter = ("NextContinuationToken", "continuation-token") if second else ("NextMarker", "marker")
        extra = f"&{parameter}={urllib.parse.quote(page.find(space + name).text, safe='')}"
    return found


@pytest.mark.parametrize("second", [False, True])
def test_xml_pages_together_are_the_whole_listing(emulator: Emulator, second: bool) -> None:
    fill(emulator)
    assert sorted(xml_pages(emulator, second), key=str.encode) == ["a", "a/", "aa", "b/", "c", "d/", "é"]


def test_wrong_page_token_is_400(emulator: Emulator) -> None:
    assert emulator.request("GET", "/storage/v1/b/demo/o?pageToken=nonsense!").status == 400


def test_buckets(emulator: Emulator) -> None:
    assert emulator.request("POST", "/storage/v1/b?project=p", b'{"name": "made"}').status == 200
    assert emulator.request("POST", "/storage/v1/b?project=p", b'{"name": "made"}').status == 409
    assert emulator.request("POST", "/storage/v1/b?project=p", b'{"name": "../x"}').status == 400
    assert [item["name"] for item in emulator.request("GET", "/storage/v1/b?project=p").json()["items"]] == ["demo", "made"]
    assert emulator.request("GET", "/storage/v1/b/made").json()["name"] == "made"
    emulator.put("made", "k", b"x")
    assert emulator.request("DELETE", "/storage/v1/b/made").status == 409
    emulator.delete("made", "k")
    assert emulator.request("DELETE", "/storage/v1/b/made").status == 204
    assert emulator.request("GET", "/storage/v1/b/made").status == 404


# --- The XML interface -----------------------------------------------------------------------------------------------


def test_xml_objects(emulator: Emulator) -> None:
    put = emulator.request("PUT", "/demo/a%20b/c", b"hello", Content_Type="text/plain", x_goog_meta_k="v")
    assert put.status == 200
    generation = put.headers["x-goog-generation"]
    assert put.headers["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    head = emulator.request("HEAD", "/demo/a%20b/c")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "5", b"")
    assert head.headers["x-goog-meta-k"] == "v"
    etag = head.headers["ETag"]
    wanted = [
        ({"If_Match": etag}, 200),
        ({"If_Match": '"other"'}, 412),
        ({"If_None_Match": etag}, 304),
        ({"If_None_Match": '"x", ' + etag}, 304),
        ({"If_None_Match": '"other"'}, 200),
        ({"x_goog_if_generation_match": generation}, 200),
        ({"x_goog_if_generation_match": "1"}, 412),
        ({"If_Modified_Since": head.headers["Last-Modified"]}, 304),
        ({"If_Modified_Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 200),
        ({"If_Unmodified_Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 412),
        ({"If_Unmodified_Since": head.headers["Last-Modified"]}, 200),
    ]
    for headers, status in wanted:
        assert emulator.request("GET", "/demo/a%20b/c", **headers).status == status, headers
    assert emulator.request("PUT", "/demo/a%20b/c", b"x", x_goog_if_generation_match="0").status == 412
    assert emulator.request("PUT", "/demo/new", b"x", x_goog_if_generation_match="0").status == 200
    assert emulator.request("GET", f"/demo/new?generation={generation}").status == 404
    copy = emulator.request("PUT", "/demo/copy", x_goog_copy_source="/demo/a%20b/c")
    assert (copy.status, b"CopyObjectResult" in copy.body) == (200, True)
    assert emulator.request("GET", "/demo/copy").headers["x-goog-meta-k"] == "v"
    assert emulator.request("DELETE", "/demo/copy", x_goog_if_generation_match="1").status == 412
    assert emulator.request("DELETE", "/demo/copy").status == 204
    assert emulator.request("DELETE", "/demo/copy").status == 404


def test_chunked_put(emulator: Emulator) -> None:
    connection = http.client.HTTPConnection(emulator.host)
    connection.request("PUT", "/demo/chunked", body=iter([b"one", b"two" * 100_000, b"end"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 200
    assert emulator.request("GET", "/demo/chunked").body == b"one" + b"two" * 100_000 + b"end"


def test_xml_multipart_upload(emulator: Emulator) -> None:
    begun = xml.etree.ElementTree.fromstring(emulator.request("POST", "/demo/big?uploads", b"").body)
    upload_id = begun.find("UploadId").text
    etags = [emulator.request("PUT", f"/demo/big?partNumber={n}&uploadId={upload_id}", b"%d" % n * 1000).headers["ETag"] for n in (1, 2, 3)]

    def parts(*chosen: int) -> bytes:
        rows = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{etags[n - 1]}</ETag></Part>" for n in chosen)
        return f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()

    assert len(list(xml.etree.ElementTree.fromstring(emulator.request("GET", f"/demo/big?uploadId={upload_id}").body).iterfind("Part"))) == 3
    assert emulator.request("POST", f"/demo/big?uploadId={upload_id}", parts(2, 1)).status == 400
    assert emulator.request("POST", f"/demo/big?uploadId={upload_id}", b"<nonsense").status == 400
    assert emulator.request("GET", "/demo/big").status == 404
    assert emulator.request("POST", f"/demo/big?uploadId={upload_id}", parts(1, 3)).status == 200
    assert emulator.request("GET", "/demo/big").body == b"1" * 1000 + b"3" * 1000
    assert emulator.request("POST", f"/demo/big?uploadId={upload_id}", parts(1)).status == 404
    aborted = xml.etree.ElementTree.fromstring(emulator.request("POST", "/demo/no?uploads", b"").body).find("UploadId").text
    emulator.request("PUT", f"/demo/no?partNumber=1&uploadId={aborted}", b"x")
    assert emulator.request("DELETE", f"/demo/no?uploadId={aborted}").status == 204
    assert list((emulator.root / ".nacre" / "tmp").iterdir()) == []


# --- Latency, faults, the log ----------------------------------------------------------------------------------------


def test_latency_is_once_more_on_a_new_connection(start_emulator) -> None:
    emulator = start_emulator("--latency", "60")
    emulator.make_bucket("demo")
    connection = http.client.HTTPConnection(emulator.host)
    times = []
    for _ in range(3):
        began = time.monotonic()
        connection.request("GET", "/demo")
        connection.getresponse().read()
        times.append(time.monotonic() - began)
    assert 0.118 <= times[0] < 0.4
    assert 0.058 <= times[1] < 0.118
    assert 0.058 <= times[2] < 0.118


def test_waiting_requests_do_not_hold_up_others(start_emulator) -> None:
    emulator = start_emulator("--latency", "200")
    emulator.make_bucket("demo")
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(96) as pool:
        statuses = list(pool.map(lambda _: emulator.request("GET", "/demo").status, range(96)))
    assert statuses == [200] * 96
    assert time.monotonic() - began < 3


def test_bandwidth_is_per_body(start_emulator) -> None:
    emulator = start_emulator("--bandwidth", "10")
    emulator.make_bucket("demo")
    emulator.put("demo", "k", b"x" * (2 << 20))
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(lambda _: len(emulator.request("GET", media("k")).body), range(4)))
    assert sizes == [2 << 20] * 4
    assert 0.18 <= time.monotonic() - began < 0.6


def test_log_tells_what_was_asked_and_answered(emulator: Emulator) -> None:
    emulator.put("demo", "k", b"0123456789")
    emulator.request("DELETE", "/emulator/log")
    emulator.request("GET", media("k", ifGenerationNotMatch=5), Range="bytes=2-4")
    emulator.request("GET", "/demo/none", If_None_Match='"x"', Authorization="Bearer secret")
    first, second = emulator.log()
    assert (first["n"], first["method"], first["path"], first["range"]) == (1, "GET", "/storage/v1/b/demo/o/k", "bytes=2-4")
    assert (first["query"], first["status"], first["bytes"]) == ("alt=media&ifGenerationNotMatch=5", 206, 3)
    assert (second["n"], second["status"], second["auth"]) == (2, 404, "bearer")
    assert second["conditions"] == {"If-None-Match": '"x"'}
    assert "secret" not in json.dumps(second)
    assert first["connection"] != second["connection"]
    assert first["new_connection"] and abs(first["time_ms"] / 1000 - time.time()) < 60


def test_faults_strike_every_nth_request(start_emulator) -> None:
    emulator = start_emulator("--fault", "503:3")
    emulator.make_bucket("demo")
    answers = [emulator.request("GET", "/demo") for _ in range(6)]
    assert [answer.status for answer in answers] == [200, 200, 503, 200, 200, 503]
    assert answers[2].headers["Retry-After"] == "0"


def fails(emulator: Emulator, method: str = "GET", target: str = "") -> str:
    try:
        answer = emulator.request(method, target or media("k"), b"new" if method == "POST" else None)
        return f"{answer.status} {len(answer.body)}"
    except (ConnectionError, http.client.HTTPException) as error:
        return type(error).__name__


def test_kinds_of_faults(emulator: Emulator) -> None:
    emulator.put("demo", "k", b"0123456789")
    for kind in ("500", "502", "503", "504", "408", "429"):
        emulator.set_faults({"kind": kind, "count": 1})
        assert fails(emulator).startswith(kind)
        assert fails(emulator) == "200 10"
    emulator.set_faults({"kind": "reset", "count": 1})
    assert fails(emulator, "POST", upload("k")) in ("ConnectionResetError", "RemoteDisconnected")
    assert emulator.request("GET", media("k")).body == b"0123456789"
    emulator.set_faults({"kind": "lost", "count": 1})
    assert fails(emulator, "POST", upload("k")) in ("ConnectionResetError", "RemoteDisconnected")
    assert emulator.request("GET", media("k")).body == b"new"
    emulator.put("demo", "k", b"0123456789")
    emulator.set_faults({"kind": "cut", "count": 1})
    assert fails(emulator) == "IncompleteRead"
    emulator.set_faults({"kind": "norange", "count": 1})
    assert emulator.request("GET", media("k"), Range="bytes=2-4").status == 200
    emulator.set_faults({"kind": "wrongrange", "count": 1})
    wrong = emulator.request("GET", media("k"), Range="bytes=2-4")
    assert (wrong.status, wrong.headers["Content-Range"], wrong.body) == (206, "bytes 3-5/10", b"345")
    emulator.set_faults({"kind": "slow", "count": 1, "ms": 300})
    began = time.monotonic()
    assert fails(emulator) == "200 10"
    assert time.monotonic() - began > 0.29
    resource = emulator.resource("demo", "k")
    emulator.set_faults({"kind": "changed-etag", "count": 1})
    assert emulator.request("GET", media("k")).headers["x-goog-generation"] != resource["generation"]
    emulator.set_faults({"kind": "novalidator", "count": 1})
    assert emulator.request("GET", media("k")).headers["ETag"] is None
    emulator.set_faults({"kind": "noprecondition", "count": 1})
    assert emulator.request("GET", media("k", ifGenerationMatch=1, generation=2)).status == 200
    emulator.set_faults({"kind": "blind", "count": 1})
    blind = emulator.request("GET", media("k", ifGenerationMatch=1, generation=2))
    assert (blind.status, blind.headers["ETag"], blind.headers["x-goog-generation"]) == (200, None, None)
    emulator.set_faults({"kind": "garbled", "count": 1})
    assert emulator.request("GET", media("k")).body == bytes(255 - byte for byte in b"0123456789")


def test_stale_answers_are_those_of_a_cache(emulator: Emulator) -> None:
    emulator.set_faults("stale:1")
    first = emulator.put("demo", "k", b"one")
    assert emulator.request("GET", media("k")).body == b"one"
    emulator.put("demo", "k", b"two!")
    third = emulator.put("demo", "k", b"three")
    stale = emulator.request("GET", media("k"))
    assert (stale.body, int(stale.headers["x-goog-generation"]) > int(first["generation"])) == (b"two!", True)
    assert emulator.request("GET", "/demo/k").body == b"two!"
    assert emulator.resource("demo", "k")["generation"] == third["generation"]
    assert emulator.request("GET", media("k", generation=third["generation"])).body == b"three"
    assert emulator.request("GET", media("k"), Authorization="Bearer t").body == b"three"
    emulator.set_faults()
    assert emulator.request("GET", media("k")).body == b"three"


def test_fault_rules_choose_requests(emulator: Emulator) -> None:
    emulator.put("demo", "k", b"x")
    emulator.set_faults({"kind": "500", "method": "GET", "path": "/o/k", "skip": 1, "count": 1})
    assert [emulator.request("GET", "/demo").status, emulator.request("GET", media("k")).status] == [200, 200]
    assert [emulator.request("GET", media("k")).status for _ in range(2)] == [500, 200]
    assert emulator.request("PUT", "/emulator/fault", b'[{"kind": "nonsense"}]').status == 400
    assert emulator.request("GET", "/emulator/fault").json()[0]["due"] == 1


def test_stalled_body_ends_with_the_server(emulator: Emulator) -> None:
    emulator.put("demo", "k", b"x" * 100_000)
    emulator.set_faults({"kind": "stall"})
    outcome: list[str] = []
    reader = threading.Thread(target=lambda: outcome.append(fails(emulator)))
    reader.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert emulator.stop() == 0
    reader.join(10)
    assert time.monotonic() - began < 5
    assert outcome[0] in ("IncompleteRead", "ConnectionResetError")


def test_access(start_emulator) -> None:
    emulator = start_emulator("--require-token", "sesame", "--deny", "closed")
    emulator.make_bucket("demo")
    emulator.make_bucket("closed")
    assert emulator.request("GET", "/storage/v1/b/demo/o").status == 401
    assert emulator.request("GET", "/demo/k").status == 401
    assert emulator.request("GET", "/storage/v1/b/demo/o", Authorization="Bearer wrong").status == 401
    assert emulator.request("GET", "/storage/v1/b/demo/o", Authorization="Bearer sesame").status == 200
    assert emulator.request("GET", "/storage/v1/b/closed/o", Authorization="Bearer sesame").status == 403
    emulator.set_access(require_token=None, denied=[])
    assert emulator.request("GET", "/storage/v1/b/closed/o").status == 200


@pytest.mark.parametrize(
    "words",
    [["--root", "x", "--fault", "nonsense:3"], ["--root", "x", "--listen", "nowhere"], ["--root", "x", "--latency", "-1"], [], ["--root", "x", "--nonsense"]],
)
def test_wrong_options_are_usage_errors(words: list[str], tmp_path: pathlib.Path) -> None:
    done = subprocess.run([NACRE, "emulator", *words], cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert done.stderr.startswith("nacre: emulator: ") and done.stderr.count("\n") == 1


def test_a_folder_that_is_not_there_is_not_made(tmp_path: pathlib.Path) -> None:
    command = [NACRE, "emulator", "--root", "typo", "--listen", "127.0.0.1:0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert done.stderr == "nacre: typo: no such folder; make it first\n"
    assert not list(tmp_path.iterdir())


def test_port_in_use_is_an_error(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    done = subprocess.run([NACRE, "emulator", "--root", tmp_path, "--listen", emulator.host], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert done.stderr.startswith(f"nacre: {emulator.host}: ")


# --- Clients by others -----------------------------------------------------------------------------------------------


def test_google_client(emulator: Emulator, official_client) -> None:
    from google.api_core.exceptions import NotFound, PreconditionFailed

    bucket = official_client.bucket("demo")
    blob = bucket.blob("dir/ü k.bin")
    blob.upload_from_string(b"hello", content_type="text/plain", if_generation_match=0)
    generation = blob.generation
    assert blob.download_as_bytes() == b"hello"
    assert blob.download_as_bytes(start=1, end=2) == b"el"
    assert blob.download_as_bytes(if_generation_match=generation, checksum="crc32c") == b"hello"
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string(b"again", if_generation_match=0)
    big = bucket.blob("big", chunk_size=1 << 18)
    content = os.urandom((1 << 20) + 77)
    big.upload_from_file(io.BytesIO(content), size=None)
    assert big.download_as_bytes(checksum="md5") == content
    assert [found.name for found in official_client.list_blobs("demo", prefix="dir/")] == ["dir/ü k.bin"]
    pages = list(official_client.list_blobs("demo", page_size=1).pages)
    assert [[item.name for item in page] for page in pages] == [["big"], ["dir/ü k.bin"]]
    copied = bucket.copy_blob(blob, bucket, "copy", if_source_generation_match=generation)
    assert copied.download_as_bytes() == b"hello"
    copied.metadata = {"a": "b"}
    copied.patch()
    copied.reload()
    assert (copied.metadata, copied.metageneration) == ({"a": "b"}, 2)
    copied.rewrite(bucket.blob("big"))
    bucket.blob("both").compose([blob, big])
    assert bucket.blob("both").download_as_bytes()[:5] == b"hello"
    copied.delete()
    assert not copied.exists()
    with pytest.raises(NotFound):
        copied.download_as_bytes()


def make_raster(rasterio, path: str, width: int = 64, **options: object) -> None:
    import numpy

    with rasterio.open(path, "w", driver="GTiff", width=width, height=width, count=1, dtype="uint8", **options) as raster:
        raster.write(numpy.arange(width * width, dtype="uint8").reshape(1, width, width))


def test_rasterio_writes_reads_lists_and_deletes(emulator: Emulator, rasterio_gs) -> None:
    import rasterio.shutil

    make_raster(rasterio_gs, "/vsigs/demo/dir/a b.tif")
    with rasterio_gs.open("/vsigs/demo/dir/a b.tif") as raster:
        assert raster.read(1)[3, 5] == (3 * 64 + 5) % 256
    assert names(listed(emulator)) == ["dir/a b.tif"]
    rasterio.shutil.delete("/vsigs/demo/dir/a b.tif")
    assert names(listed(emulator)) == []


def test_stock_gdal_writes_reads_and_lists(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    need("rasterio")
    import rasterio

    make_raster(rasterio, str(tmp_path / "r.tif"), 4096)  # more than one part of GDAL's uploads
    there, here = "/vsigs/demo/x/r.tif", tmp_path / "r.tif"
    options = gdal_options(emulator)
    gdal("gdal_translate", "-q", "-co", "COMPRESS=NONE", "-b", "1", here, there, **options)
    told = [re.findall("Checksum=.*", gdal("gdalinfo", "-checksum", path, **options)) for path in (there, here)]
    assert len(told[0]) == 1 and told[0] == told[1]
    gdal("gdal_translate", "-q", "-of", "VRT", there, "/vsigs/demo/x/r.vrt", **options)
    assert "SourceFilename" in emulator.request("GET", "/demo/x/r.vrt").body.decode()
    gdal("gdalinfo", "/vsigs/demo/x/r.vrt", **options)
    assert names(listed(emulator)) == ["x/r.tif", "x/r.vrt"]


def test_gdal_multipart_upload(emulator: Emulator, rasterio_gs) -> None:
    with rasterio_gs.Env(VSIGS_CHUNK_SIZE="5"):
        make_raster(rasterio_gs, "/vsigs/demo/big.tif", 4000)
    assert any("partNumber" in entry["query"] for entry in emulator.log())
    with rasterio_gs.open("/vsigs/demo/big.tif") as raster:
        assert raster.read(1)[3999, 5] == (3999 * 4000 + 5) % 256
