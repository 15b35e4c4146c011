# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The coherence contract through GDAL: stock Rasterio in processes of its own, without the plugin and with it, on every
store. What is seen is the table of docs/guide/gdal.md."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure_servers import Azurite
from conftest import ROOT, Emulator, need
from gdal_hosts import CASES, Amazon, Azure, Google, run_contract
from servers import FakeGcs

# A column of the table, by the host and the stores that give it.
WITHOUT = {
    "1.5 gs": ("rasterio", ["emulator gs"]),
    "1.5 s3": ("rasterio", ["emulator s3", "moto"]),
    "1.5 az": ("rasterio", ["azurite"]),
    "1.4 gs": ("rasterio-1.4", ["emulator gs"]),
    "1.3 gs": ("rasterio-debian", ["emulator gs"]),
}
# Every host on every store: the column "with nacre". Those that are not of the fast tier.
STORES = ["emulator gs", "emulator s3", "fake-gcs-server", "moto", "azurite"]
SLOW = {(host, store) for host in ("rasterio-1.4", "rasterio-debian") for store in STORES if store != "emulator gs"}

seen: dict[str, dict[str, str]] = {}


@pytest.fixture(scope="session")
def _moto() -> Iterator[str]:
    need("moto")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def _azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    need("azurite")
    need("azure-storage-blob")
    server = Azurite(tmp_path_factory.mktemp("azurite") / "log")
    yield server
    server.stop()


@pytest.fixture
def open_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """A new bucket on a server."""

    def open_one(name: str) -> Any:
        if name == "moto":
            return Amazon(request.getfixturevalue("_moto"))
        if name == "azurite":
            return Azure(request.getfixturevalue("_azurite"))
        need("google-cloud-storage")
        server: Emulator | FakeGcs = request.getfixturevalue("_fake_gcs" if name == "fake-gcs-server" else "emulator")
        if name == "emulator s3":
            return Amazon(server.s3_url, server)
        with monkeypatch.context() as patch:
            patch.setenv("STORAGE_EMULATOR_HOST", server.url)
            return Google(server)

    return open_one


def table() -> dict[str, dict[str, str]]:
    """The page's table: column -> title of the case -> word."""
    page = (ROOT / "docs/guide/gdal.md").read_text()
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in re.findall(r"^\|.*\|$", page, re.M)]
    start = next(number for number, row in enumerate(rows) if row[0] == "what happens")
    names, wanted = rows[start][1:], {}
    for row in rows[start + 2 : start + 2 + len(CASES)]:
        for name, word in zip(names, row[1:], strict=True):
            wanted.setdefault(name, {})[row[0]] = word
    return wanted


def check_column(name: str, outcomes: dict[str, tuple[str, str]]) -> None:
    """What was seen is what the page says; what a server cannot show ("-") is left out."""
    words = {CASES[case]: word for case, (word, _) in outcomes.items()}
    seen[name] = {**seen.get(name, {}), **{title: word for title, word in words.items() if word != "-"}}
    wanted = table()[name]
    assert set(wanted) == set(CASES.values())
    different = {
        title: (word, wanted[title], next(said for case, (_, said) in outcomes.items() if CASES[case] == title))
        for title, word in words.items()
        if word not in ("-", wanted[title])
    }
    assert not different, f"column {name}: title -> (seen, on the page, what was said): {different}"
    assert len(words) == len(CASES)


@pytest.mark.parametrize(
    ("column", "store"), [(column, store) for column, (_, stores) in WITHOUT.items() for store in stores]
)
def test_without_the_plugin_it_is_as_the_page_says(
    column: str, store: str, open_store: Any, tmp_path: pathlib.Path
) -> None:
    check_column(column, run_contract(open_store(store), WITHOUT[column][0], tmp_path / "host", plugin=False))


@pytest.mark.parametrize(
    ("host", "store"),
    [
        pytest.param(host, store, marks=[pytest.mark.slow] if (host, store) in SLOW else [])
        for host in ("rasterio", "rasterio-1.4", "rasterio-debian")
        for store in STORES
    ],
)
def test_with_the_plugin_every_promise_holds(host: str, store: str, open_store: Any, tmp_path: pathlib.Path) -> None:
    check_column("with nacre", run_contract(open_store(store), host, tmp_path / "host", plugin=True))


@pytest.mark.parametrize("host", ["rasterio", "rasterio-1.4", "rasterio-debian"])
def test_with_one_line_of_python_every_promise_holds(host: str, open_store: Any, tmp_path: pathlib.Path) -> None:
    outcomes = run_contract(open_store("emulator gs"), host, tmp_path / "host", plugin=True, install=True)
    check_column("with nacre", outcomes)


def test_the_page_is_a_newcomers_story() -> None:
    """Its columns are those of this file; without the plugin each has what fails, with it none has."""
    wanted = table()
    assert list(wanted) == [*WITHOUT, "with nacre"]
    assert all(set(column) == set(CASES.values()) for column in wanted.values())
    for column in WITHOUT:
        assert len([word for word in wanted[column].values() if word != "works"]) >= 5
    rest = {title: word for title, word in wanted["with nacre"].items() if word != "works"}
    assert rest == {CASES["while_open"]: "clear error"}


def test_the_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """After the others: what they saw in this run."""
    names = [name for name in [*WITHOUT, "with nacre"] if name in seen]
    if not names:
        pytest.skip("nothing was seen in this run")
    lines = [["what happens", *names], ["---"] * (len(names) + 1)]
    lines += [[title, *(seen[name].get(title, "-") for name in names)] for title in CASES.values()]
    with capsys.disabled():
        print("", *(f"| {' | '.join(line)} |" for line in lines), sep="\n")
