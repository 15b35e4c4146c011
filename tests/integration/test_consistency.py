# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The sentences of docs/guide/consistency.md that are not held elsewhere, and a list of which test holds
which of them (HELD); requests are exact."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import rasterio
from conftest import ROOT, Emulator, run_nacre
from test_contract import geotiff
from test_pins import tile, vrt

import nacre
from nacre._native import ffi, lib

# The beginning of a sentence of the page, and the tests that hold it: functions of tests/integration and tests/unit.
HELD = {
    "all spellings of a path": ["test_1_own_copy_and_delete_are_seen_under_every_spelling"],
    "After a save, copy, move or delete returns": [
        "test_1_own_copy_and_delete_are_seen_under_every_spelling", "test_1_own_overwrite_is_read_back",
        "every_change_is_told_to_the_cache", "test_a_view_saved_beside_its_source_opens_in_the_same_process",
    ],
    "Each open proves the version with the store.": [
        "test_2_an_overwrite_by_another_client_is_seen_at_the_next_open",
        "proof_serves_only_opens_that_began_before_it_was_sent",
    ],
    "a cold open of a COG is one": ["test_a_cold_open_is_one_request_of_32_kib"],
    "an open of something that is cached is one small request": [
        "test_2_a_warm_open_is_one_small_request_and_warm_reads_are_none"
    ],
    "All bytes come from the version that was opened.": [
        "test_3_readers_in_many_threads_see_one_version_or_an_error",
        "mixed_versions_are_refused_though_the_store_ignores_preconditions",
    ],
    "the read fails with `changed`, names the object and both versions": [
        "test_3_an_overwritten_object_is_refused_never_mixed"
    ],
    "An object that was missing is seen as soon as it is there.": [
        "test_4_a_missing_object_is_seen_as_soon_as_it_is_there"
    ],
    "Credentials, endpoints and configuration are looked at again": [
        "test_5_credentials_fixed_after_a_failure_are_tried", "test_5_an_endpoint_fixed_after_a_failure_is_used"
    ],
    "a source is pinned when it is first touched": ["test_3_the_source_of_a_view_is_pinned_at_its_first_read"],
    "are read whole, in one response": ["medium_object_is_read_in_one_answer_and_held", "weak_bytes_are_never_kept"],
    "provenance says `unproven`": ["large_object_is_unproven", "unproven_is_refused_where_that_is_asked_for"],
    "whose answer was lost is finished, and happens once": [
        "faults_before_and_after_the_effect_are_survived", "a_put_survives_cuts", "a_copy_survives_cuts",
        "a_delete_survives_cuts", "test_changes_whose_answers_are_lost_happen_once",
    ],
    "it never undoes what another has written in between": ["a_value_does_not_come_back_after_anothers_write"],
    "**Where nobody can know**": ["what_cannot_be_known_is_said"],
    "always mean that nothing was done": [
        "a_change_that_may_have_happened_is_not_called_refused", "a_change_that_cannot_have_happened_is_refused"
    ],
    "**A change that found no server**": ["a_change_that_found_no_server_did_not_happen", "what_never_left_is_not_sent"],
    "Elsewhere a change without a condition is sent once": [
        "a_put_is_sent_once_where_nobody_knows_what_the_server_decides"
    ],
    "one small request each where nothing has changed": [
        "test_refresh_of_what_is_the_same_is_one_small_request", "test_refresh_asks_for_all_sources_in_one_round"
    ],
    "It asks whatever the policy would believe, but under `offline`.": ["test_refresh_offline_asks_nothing"],
    "or a sidecar has come": ["test_refresh_finds_a_sidecar_that_has_come"],
    "the dataset goes on with what there is now": ["test_refresh_goes_on_with_what_there_is_now"],
    "the dataset stays as it was": ["test_refresh_that_fails_leaves_the_dataset_as_it_was"],
    "A view is refreshed with its source": ["test_refresh_of_a_view_is_that_of_its_source"],
    "reads once more": ["test_a_read_goes_on_where_the_user_wants_that"],
    "else the error says what differs": ["test_a_read_goes_on_only_with_what_is_alike"],
    "An object that was deleted stays `changed`.": [
        "test_a_deleted_object_stays_changed_for_a_read_that_would_go_on"
    ],
    "no array is of two versions": ["test_threads_that_go_on_never_mix"],
    "| `fresh` | one request, always": ["test_fresh_is_one_request_at_each_open", "fresh_asks_at_each_open"],
    "| `ttl=SECONDS` | no request": [
        "test_ttl_is_no_request_while_a_proof_is_young_enough", "ttl_asks_again_when_the_proof_is_older"
    ],
    "| `immutable` | no request": ["test_immutable_is_asked_for_once", "immutable_is_asked_for_once"],
    "| `offline` | no request, ever": ["test_offline_sends_no_request", "offline_gives_what_was_last_proven"],
    "or the answer to a put of this process": ["test_a_put_of_this_process_is_a_proof", "own_put_is_a_proof"],
    "with the same credentials": ["test_other_credentials_ask_for_themselves", "proofs_are_by_credentials"],
    "Its age counts from when its request was sent.": ["ttl_counts_from_when_the_request_was_sent"],
    "Reads of ranges prove nothing": ["read_of_a_range_is_no_proof"],
    "A change by this process ends a proof under every policy": [
        "test_own_writes_are_seen_under_every_policy", "own_change_ends_a_proof"
    ],
    "Absence and failures are never believed": [
        "test_absence_is_asked_for_under_every_policy", "absence_is_asked_for_each_time"
    ],
    "With `ttl` that also ends the proof": ["read_that_finds_a_change_ends_the_proof"],
    "With `immutable` a change that shows in any answer": [
        "test_an_immutable_object_that_changed_all_the_same_is_an_error_and_never_mixed",
        "immutable_that_changed_is_an_error_where_an_answer_shows_it",
    ],
    "An open asks all the same where the first bytes": ["immutable_that_must_be_read_again_is_the_same_or_an_error"],
    "`stat` and listings ask always": ["test_stat_asks_under_every_policy", "offline_no_request_is_sent"],
    "Local files and memory have no policy": ["local_objects_are_always_looked_at"],
    "The policy is that of the call": ["test_an_argument_comes_before_a_prefix_and_a_prefix_before_the_key"],
    "All spellings of a prefix are one": ["longest_prefix_wins_however_it_is_spelled"],
    "each source of a mosaic has its own": ["test_each_source_of_a_mosaic_has_the_policy_of_its_prefix"],
    "A new process that opens an unchanged object sends one small request": [
        "test_a_second_process_asks_for_the_proof_and_no_bytes"
    ],
    "The folder must belong to you": [
        "test_files_and_folders_are_for_their_user_alone", "test_a_folder_that_others_can_write_to_is_refused",
        "no_name_or_secret_is_on_the_disk",
    ],
    "what was used least recently goes": [
        "the_bound_holds_and_the_oldest_goes_first", "processes_together_keep_to_the_bound"
    ],
    "what is damaged is dropped": [
        "test_damage_anywhere_costs_requests_and_no_wrong_pixel", "kills_at_random_moments_do_no_harm",
        "test_a_disk_that_is_full_or_read_only_costs_nothing_but_its_use",
    ],
    "`cache=offline` believes it": [
        "test_offline_in_a_new_process_reads_what_was_read", "test_own_changes_end_what_offline_believes"
    ],
    "`ttl` and `immutable` believe only what their own process has proven": [
        "test_policies_believe_no_proof_of_another_process"
    ],
    "reads do not wait for the disk": ["reads_go_on_while_nothing_can_be_written"],
    "forget; nobody needs them": ["test_invalidate_forgets_an_object_or_all_below_a_prefix"],
    "counts hits, misses and evictions": ["test_stats_tell_what_the_cache_did_and_holds"],
    "a dataset lists each object behind it": ["test_provenance_names_every_object_with_its_version"],
    "nacre therefore asks for the object's metadata": [
        "test_an_anonymous_cold_open_is_two_requests_in_one_round"
    ],
    "both names may be visible": ["rename_deletes_only_what_it_copied"],
}  # fmt: skip

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


def test_the_page_and_the_list_agree() -> None:
    """Each promise of the page (a point, a row, a paragraph that begins in bold) is held; each test is there."""
    page = (ROOT / "docs/guide/consistency.md").read_text()
    folders = ("tests/integration/*.py", "tests/unit/*/*.c")
    code = "".join(path.read_text() for folder in folders for path in sorted(ROOT.glob(folder)))
    flat = " ".join(page.split())
    for sentence, tests in HELD.items():
        assert sentence in flat, sentence
        for name in tests:
            assert re.search(rf"^(def|static void) {name}\(", code, re.MULTILINE), name
    promises = re.findall(r"^(?:\d\. |- |\| `|\*\*)(?:.+\n)+?(?=\d\. |- |\| `|\n|\Z)", page, re.MULTILINE)
    assert len(promises) > 20
    limits = ("- Local disks only", "- An endpoint is its address")  # what is not promised
    promises = [promise for promise in promises if not promise.startswith(limits)]
    for promise in promises:
        assert any(sentence in " ".join(promise.split()) for sentence in HELD), promise


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


@pytest.mark.parametrize("policy", ["ttl=1000", "immutable"])
def test_policies_believe_no_proof_of_another_process(
    one: str, requests: Requests, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    monkeypatch.setenv("NACRE_CACHE_DIR", str(tmp_path / "shared"))
    another = [sys.executable, "-c", f"import nacre; nacre.open('{one}', cache='{policy}').read()"]
    subprocess.run(another, check=True, timeout=60)
    assert requests()[0] == "GET 206 one.tif"
    subprocess.run(another, check=True, timeout=60)
    assert requests() == ["GET 304 one.tif"]


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


# --- A dataset that stays open. ---


def test_refresh_of_what_is_the_same_is_one_small_request(one: str, requests: Requests) -> None:
    dataset = nacre.open(one, cache="immutable")
    dataset.read()
    requests()
    assert dataset.refresh() is False
    assert requests() == ["GET 304 one.tif"]
    dataset.read()
    assert requests() == []


def test_refresh_goes_on_with_what_there_is_now(emulator: Emulator, one: str, requests: Requests) -> None:
    dataset = nacre.open(one)
    assert dataset.read(1, window=tile(0, 0)).max() == 1
    emulator.put("demo", "d/one.tif", geotiff(2, 256, driver="COG", compress="NONE", blocksize=128))
    with pytest.raises(nacre.errors.ObjectChangedError):
        dataset.read()
    requests()
    assert dataset.refresh() is True
    assert requests() == ["GET 206 one.tif"]  # the proof has brought the header
    assert dataset.shape == (256, 256)
    assert (dataset.read() == 2).all()
    assert dataset.refresh() is False


def test_refresh_asks_for_all_sources_in_one_round(emulator: Emulator, requests: Requests) -> None:
    for key in ("a.tif", "b.tif", "c.tif"):
        emulator.put("demo", key, geotiff(1, driver="COG", compress="NONE", blocksize=128))
    emulator.put("demo", "mosaic.vrt", vrt("a.tif", "b.tif", "c.tif"))
    dataset = nacre.open("gs://demo/mosaic.vrt")
    assert dataset.read(1, window=nacre.windows.Window(0, 0, 1024, 512)).max() == 1  # c is not touched
    requests()
    rounds = nacre.io_stats()["rounds"]
    assert dataset.refresh() is False
    assert requests() == ["GET 304 a.tif", "GET 304 b.tif", "GET 304 mosaic.vrt"]
    assert nacre.io_stats()["rounds"] == rounds + 1
    emulator.put("demo", "b.tif", geotiff(2, driver="COG", compress="NONE", blocksize=128))
    requests()
    assert dataset.refresh() is True
    assert requests() == ["GET 206 b.tif", "GET 304 a.tif", "GET 304 mosaic.vrt"]
    values = dataset.read(1)
    assert [values[0, place].item() for place in (0, 512, 1024)] == [1, 2, 1]
    assert [entry for entry in requests() if "206" in entry and "a.tif" in entry] == []


def test_refresh_of_a_view_is_that_of_its_source(emulator: Emulator, one: str, requests: Requests) -> None:
    source = nacre.open(one)
    view = nacre.vrt.WarpedVRT(nacre.vrt.WarpedVRT(source, crs="EPSG:3857"), crs="EPSG:32633")
    assert view.read(1).max() == 1
    requests()
    assert view.refresh() is False
    assert requests() == ["GET 304 one.tif"]
    overwrite(emulator, 2)
    assert view.refresh() is True
    source.close()
    assert view.read(1).max() == 2
    assert view.refresh() is False


def test_refresh_of_a_text_asks_for_its_sources(emulator: Emulator, one: str, requests: Requests) -> None:
    dataset = nacre.open(vrt(one).decode())
    assert dataset.read(1).max() == 1
    overwrite(emulator, 2)
    assert dataset.refresh() is True
    assert dataset.read(1).max() == 2


def test_refresh_finds_a_sidecar_that_has_come(emulator: Emulator, requests: Requests) -> None:
    emulator.put("demo", "plain.tif", geotiff(1))
    dataset = nacre.open("gs://demo/plain.tif")
    assert dataset.overviews(1) == []
    assert dataset.refresh() is False
    emulator.put("demo", "plain.tif.ovr", geotiff(9, 256))
    assert dataset.refresh() is True
    assert dataset.overviews(1) == [2]
    emulator.delete("demo", "plain.tif.ovr")
    assert dataset.refresh() is True
    assert dataset.overviews(1) == []


def test_refresh_that_fails_leaves_the_dataset_as_it_was(emulator: Emulator, one: str) -> None:
    dataset = nacre.open(one)
    assert (dataset.read() == 1).all()
    emulator.delete("demo", "d/one.tif")
    with pytest.raises(FileNotFoundError, match="one.tif"):
        dataset.refresh()
    assert (dataset.read() == 1).all()
    dataset.close()
    with pytest.raises(nacre.RasterioIOError, match="closed"):
        dataset.refresh()


def test_refresh_offline_asks_nothing(emulator: Emulator, one: str, requests: Requests) -> None:
    nacre.open(one)
    dataset = nacre.open(one, cache="offline")
    overwrite(emulator, 2)
    requests()
    assert dataset.refresh() is False
    assert requests() == []


def test_a_read_goes_on_where_the_user_wants_that(emulator: Emulator, one: str) -> None:
    for word in ("refresh", "reopen"):
        overwrite(emulator, 1)
        dataset = nacre.open(one, on_change=word)
        view = nacre.vrt.WarpedVRT(dataset, crs="EPSG:3857")
        assert dataset.read(1, window=tile(0, 0)).max() == 1
        overwrite(emulator, 2)
        assert (dataset.read() == 2).all()
        assert dataset.read(masked=True).max() == 2
        assert view.read(1).max() == 2
        assert dataset.dataset_mask().min() == 255


def test_a_read_goes_on_only_with_what_is_alike(emulator: Emulator, one: str) -> None:
    others = {
        r"size, from 512x512 to 256x256": {"size": 256},
        r"data type of band 1, from uint8 to uint16": {"dtype": "uint16"},
        r"CRS": {"crs": "EPSG:32634"},
        r"transform": {"transform": (30, 0, 400030, 0, -30, 5300000)},
        r"number of bands, from 1 to 3": {"count": 3},
    }
    for what, profile in others.items():
        overwrite(emulator, 1)
        dataset = nacre.open(one, on_change="refresh")
        emulator.put("demo", "d/one.tif", other_geotiff(**profile))
        with pytest.raises(nacre.errors.ObjectChangedError, match=f"one.tif: changed .* {what}"):
            dataset.read()
        assert dataset.shape == (512, 512)


def other_geotiff(size: int = 512, count: int = 1, dtype: str = "uint8", **profile: Any) -> bytes:
    options = {
        "driver": "GTiff", "width": size, "height": size, "count": count, "dtype": dtype, "crs": "EPSG:32633",
        "transform": rasterio.transform.from_origin(400000, 5300000, 30, 30), **profile,
    }  # fmt: skip
    if "transform" in profile:
        options["transform"] = rasterio.Affine(*profile["transform"])
    with rasterio.MemoryFile() as memory:
        with memory.open(**options) as target:
            target.write(np.full((count, size, size), 3, dtype))
        return memory.read()


def test_a_deleted_object_stays_changed_for_a_read_that_would_go_on(emulator: Emulator, one: str) -> None:
    dataset = nacre.open(one, on_change="refresh")
    emulator.delete("demo", "d/one.tif")
    with pytest.raises(nacre.errors.ObjectChangedError):
        dataset.read()


def test_on_change_takes_three_words() -> None:
    with pytest.raises(ValueError, match="error, refresh, reopen"):
        nacre.open("gs://demo/x.tif", on_change="retry")


def test_threads_that_go_on_never_mix(emulator: Emulator, one: str) -> None:
    shared = nacre.open(one, on_change="refresh")
    seen: set[int] = set()
    wrong: list[Any] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                values = set(np.unique(shared.read()))
            except nacre.errors.ObjectChangedError:
                continue
            seen.update(values)
            if len(values) != 1:
                wrong.append(values)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for value in range(2, 10):
        overwrite(emulator, value)
        shared.refresh()
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert (shared.read() == 9).all()


def test_a_view_that_was_not_opened_is_made_anew_in_c(emulator: Emulator, one: str) -> None:
    view = nacre.vrt.WarpedVRT(nacre.open(one), crs="EPSG:3857")
    out, err = ffi.new("nacre_dataset **"), ffi.new("nacre_error *")
    status = lib.nacre_dataset_refresh(view._open_handle(), ffi.NULL, ffi.NULL, out, err)
    assert status == lib.NACRE_ERROR_UNSUPPORTED and out[0] == ffi.NULL
    assert b"made anew" in ffi.string(err.message)


def test_stats_tell_what_the_cache_did_and_holds(one: str) -> None:
    nacre.cache.invalidate_all()
    before = nacre.cache.stats()
    assert (before["bytes"], before["entries"]) == (0, 0)
    nacre.open(one).read()
    nacre.open(one).read()
    after = nacre.cache.stats()
    assert set(after) >= {"bytes", "budget_bytes", "entries", "hits", "misses", "evictions"}
    assert 512 * 512 < after["bytes"] <= after["budget_bytes"]
    assert after["entries"] > 2 and after["hits"] > before["hits"] and after["misses"] > before["misses"]
