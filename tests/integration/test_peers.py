# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Which peers are wanted where, and that a missing one is not passed over in silence."""

from __future__ import annotations

import sys

import peers
import pytest
from conftest import need


def place(monkeypatch: pytest.MonkeyPatch, python: tuple[int, int], go: tuple[int, ...], has_gdal: bool) -> dict[str, str]:
    """The versions that are required with these runtimes."""
    monkeypatch.setattr(sys, "version_info", (*python, 0))
    monkeypatch.setattr(peers, "_go_version", lambda: go)
    monkeypatch.setattr(peers, "_node_version", lambda: (18, 19) if has_gdal else (0,))
    monkeypatch.setattr(peers.shutil, "which", lambda program, path=None: "/usr/bin/it" if has_gdal else None)
    return {peer["name"]: peer["version"] for peer in peers.required() if "version" in peer}


def test_bare_debian_12_has_its_own_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = place(monkeypatch, (3, 11), (1, 19), True)
    assert wanted["rasterio"] == ">=1.4,<1.5" and wanted["fake-gcs-server"] == "v1.47.0"
    assert wanted["gdal"] == "3.6" and "moto" in wanted and "azurite" in wanted


def test_newer_ones_are_wanted_where_their_runtime_is(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = place(monkeypatch, (3, 13), (1, 24), True)
    assert wanted["rasterio"] == ">=1.5.2" and wanted["fake-gcs-server"] == "v1.56.1"


def test_without_a_runtime_nothing_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = place(monkeypatch, (3, 11), (0,), False)
    assert not {"fake-gcs-server", "gdal", "azurite"} & wanted.keys()


@pytest.mark.parametrize(("require_all", "outcome"), [("1", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_peer_fails_where_all_are_required(
    monkeypatch: pytest.MonkeyPatch, require_all: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("NACRE_REQUIRE_ALL", require_all)
    monkeypatch.setattr(peers, "is_installed", lambda name: False)
    with pytest.raises(outcome, match="moto"):
        need("moto")


def test_a_missing_peer_without_a_runtime_is_skipped_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NACRE_REQUIRE_ALL", "1")
    monkeypatch.setattr(peers, "is_installed", lambda name: False)
    monkeypatch.setattr(peers, "_go_version", lambda: (0,))
    with pytest.raises(pytest.skip.Exception, match="fake-gcs-server"):
        need("fake-gcs-server")


def test_a_name_that_is_not_listed_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="nobody"):
        need("nobody")
