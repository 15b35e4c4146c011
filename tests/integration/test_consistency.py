# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The sentences of docs/guide/consistency.md that are not held elsewhere; requests are exact."""

from __future__ import annotations

import json
import pathlib
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Emulator, run_nacre
from test_contract import geotiff
from test_pins import tile, vrt

import nacre

Requests = Callable[[], list[str]]


@pytest.fixture
def requests(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Requests:
    """What the server was asked since the last call, sorted: method, status, the last part of the key."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "any")

    def take() -> list[str]:
        entries = emulator.take_log()
        names = [urllib.parse.unquote(entry["path"]).rsplit("/", 1)[-1] for entry in entries]
        return sorted(f"{entry['method']} {entry['status']} {name}" for entry, name in zip(entries, names))

    return take


@pytest.fixture(autouse=True)
def no_policies_remain() -> Iterator[None]:
    """What a test sets for the process ends with it."""
    prefixes: list[str] = []
    original = nacre.cache.policy

    def policy(prefix: str, value: str | None) -> None:
        prefixes.append(prefix)
        original(prefix, value)

    nacre.cache.policy = policy
    yield
    nacre.cache.policy = original
    for prefix in prefixes:
        original(prefix, None)
    nacre.cache.invalidate_all()


@pytest.fixture
def one(emulator: Emulator, requests: Requests) -> str:
    """A COG of ones."""
    emulator.put("demo", "d/one.tif", geotiff(1, driver="COG", compress="NONE", blocksize=128))
    requests()
    return "gs://demo/d/one.tif"


def overwrite(emulator: Emulator, value: int) -> None:
    emulator.put("demo", "d/one.tif", geotiff(value, driver="COG", compress="NONE", blocksize=128))


# --- Policies. ---


def test_fresh_is_one_request_at_each_open(one: str, requests: Requests) -> None:
    nacre.open(one)
    assert requests() == ["GET 206 one.tif"]
    for _ in range(2):
        nacre.open(one, cache="fresh")
        assert requests() == ["GET 304 one.tif"]


def test_ttl_is_no_request_while_a_proof_is_young_enough(
    emulator: Emulator, one: str, requests: Requests
) -> None:
    assert nacre.open(one, cache="ttl=1000").read(1, window=tile(0, 0)).max() == 1
    requests()
    overwrite(emulator, 2)
    requests()
    assert nacre.open(one, cache="ttl=1000").read(1, window=tile(0, 0)).max() == 1
    assert requests() == []
    time.sleep(0.01)
    assert nacre.open(one, cache="ttl=0.005").read(1, window=tile(0, 0)).max() == 2
    assert requests()[0] == "GET 206 one.tif"


def test_immutable_is_asked_for_once(emulator: Emulator, one: str, requests: Requests) -> None:
    nacre.open(one, cache="immutable").read()
    overwrite(emulator, 2)
    requests()
    assert (nacre.open(one, cache="immutable").read() == 1).all()
    assert requests() == []
    assert (nacre.open(one).read() == 2).all()


def test_an_immutable_object_that_changed_all_the_same_is_an_error_and_never_mixed(
    emulator: Emulator, one: str
) -> None:
    first = nacre.open(one, cache="immutable")
    assert first.read(1, window=tile(0, 0)).max() == 1
    overwrite(emulator, 2)
    for _ in range(2):
        with pytest.raises(nacre.errors.ObjectChangedError, match="one.tif"):
            nacre.open(one, cache="immutable").read()
    nacre.cache.invalidate(one)
    assert (nacre.open(one, cache="immutable").read() == 2).all()


def test_own_writes_are_seen_under_every_policy(emulator: Emulator, one: str) -> None:
    emulator.put("demo", "d/two.tif", geotiff(2))
    for policy in ("ttl=1000", "immutable"):
        assert nacre.open(one, cache=policy).read().max() == 1
        nacre.shutil.copy("gs://demo/d/two.tif", one, driver="GTiff")
        assert nacre.open(one, cache=policy).read().max() == 2
        emulator.put("demo", "d/three.tif", geotiff(1))
        nacre.shutil.copy("gs://demo/d/three.tif", one, driver="GTiff")
        assert nacre.open(one, cache=policy).read().max() == 1
        nacre.shutil.copy(one, "gs://demo/d/kept.tif", driver="GTiff")
        nacre.shutil.delete(one)
        with pytest.raises(FileNotFoundError):
            nacre.open(one, cache=policy)
        nacre.shutil.copy("gs://demo/d/kept.tif", one, driver="GTiff")


def test_a_put_of_this_process_is_a_proof(emulator: Emulator, one: str, requests: Requests) -> None:
    nacre.shutil.copy(nacre.vrt.WarpedVRT(nacre.open(one)), "gs://demo/d/view.vrt", driver="VRT")
    requests()
    nacre.open("gs://demo/d/view.vrt", cache="ttl=1000")
    assert requests() == []


@pytest.mark.parametrize("policy", ["fresh", "ttl=1000", "immutable"])
def test_absence_is_asked_for_under_every_policy(
    emulator: Emulator, requests: Requests, policy: str
) -> None:
    requests()
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            nacre.open("gs://demo/d/later.tif", cache=policy)
        assert requests() == ["GET 404 later.tif"]
    emulator.put("demo", "d/later.tif", geotiff(7))
    assert nacre.open("gs://demo/d/later.tif", cache=policy).read().max() == 7


def test_offline_sends_no_request(emulator: Emulator, one: str, requests: Requests) -> None:
    with pytest.raises(nacre.RasterioIOError, match="offline"):
        nacre.open(one, cache="offline")
    nacre.open(one).read(1, window=tile(0, 0))
    requests()
    offline = nacre.open(one, cache="offline")
    assert offline.read(1, window=tile(0, 0)).max() == 1
    with pytest.raises(nacre.RasterioIOError, match="offline"):
        offline.read()
    assert requests() == []


def test_other_credentials_ask_for_themselves(
    emulator: Emulator, one: str, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    nacre.open(one, cache="ttl=1000")
    requests()
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "another")
    nacre.open(one, cache="ttl=1000")
    assert requests() == ["GET 304 one.tif"]


def test_stat_asks_under_every_policy(emulator: Emulator, one: str, requests: Requests) -> None:
    nacre.cache.policy("gs://demo/", "immutable")
    nacre.open(one)
    requests()
    assert nacre.shutil.exists(one)
    assert len(requests()) == 1


# --- Which policy holds. ---


def test_each_source_of_a_mosaic_has_the_policy_of_its_prefix(
    emulator: Emulator, requests: Requests
) -> None:
    for key in ("old/a.tif", "new/b.tif"):
        emulator.put("demo", key, geotiff(1, driver="COG", compress="NONE", blocksize=128))
    emulator.put("demo", "mosaic.vrt", vrt("gs://demo/old/a.tif", "gs://demo/new/b.tif"))
    nacre.cache.policy("/vsigs/demo/old/", "immutable")
    assert nacre.open("gs://demo/mosaic.vrt").read().max() == 1
    requests()
    with nacre.Env(sidecars="never"):
        assert nacre.open("gs://demo/mosaic.vrt").read().max() == 1
    assert requests() == ["GET 304 b.tif", "GET 304 mosaic.vrt"]
    with nacre.Env(sidecars="never"):
        assert nacre.open("gs://demo/mosaic.vrt", cache="ttl=1000").read().max() == 1
    assert requests() == []


def test_an_argument_comes_before_a_prefix_and_a_prefix_before_the_key(
    one: str, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    nacre.open(one)
    requests()
    monkeypatch.setenv("NACRE_CACHE", "fresh")
    monkeypatch.setenv("NACRE_CACHE_POLICY", '{"gs://demo/": "fresh", "gcs://demo/d/": "immutable"}')
    nacre.open(one)
    assert requests() == []
    nacre.open(one, cache="fresh")
    assert requests() == ["GET 304 one.tif"]
    with nacre.Env(**{"cache.policy": {"gs://demo/d/one": "fresh"}}):
        nacre.open(one)
    assert requests() == ["GET 304 one.tif"]
    nacre.cache.policy("gs://demo/d/", "fresh")
    nacre.open(one)
    assert requests() == ["GET 304 one.tif"]
    nacre.cache.policy("gs://demo/d/", None)
    nacre.open(one)
    assert requests() == []


def test_one_file_sets_policies(
    emulator: Emulator, one: str, requests: Requests, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"cache.policy": {"gs://demo/d/": "immutable"}}))
    monkeypatch.setenv("NACRE_CONFIG", str(file))
    nacre.open(one)
    requests()
    nacre.open(one)
    assert requests() == []
    file.write_text(json.dumps({"cache.policy": {"gs://demo/d/": "for ever"}}))
    with pytest.raises(ValueError, match="config.json.*'for ever' of gs://demo/d/ is none of fresh, ttl=SECONDS"):
        nacre.open(one)


@pytest.mark.parametrize("policy", ["ttl=-1", "ttl=abc", "ttl=", "TTL=5", "always", ""])
def test_a_policy_that_is_none_is_refused_with_those_there_are(policy: str) -> None:
    for call in (
        lambda: nacre.open("gs://demo/x.tif", cache=policy),
        lambda: nacre.cache.policy("gs://demo/", policy),
        lambda: nacre.Env(cache=policy).__enter__(),
    ):
        with pytest.raises(ValueError, match="is none of fresh, ttl=SECONDS, immutable, offline"):
            call()
    done = run_nacre("stat", "--cache", policy, "gs://demo/x.tif")
    assert done.returncode == 2
    assert "fresh, ttl=SECONDS, immutable, offline" in done.stderr


def test_the_command_takes_policies(emulator: Emulator, one: str) -> None:
    for policy in ("fresh", "ttl=0", "ttl=1.5", "immutable"):
        assert run_nacre("info", "--cache", policy, one, STORAGE_EMULATOR_HOST=emulator.url).returncode == 0
    pair = 'cache.policy={"gs://demo/": "offline"}'
    done = run_nacre("info", "--config", pair, one, STORAGE_EMULATOR_HOST=emulator.url)
    assert done.returncode == 1 and "offline" in done.stderr
