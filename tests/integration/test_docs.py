# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What the documents say is what the product does."""

import pathlib
import re

import nacre
from nacre._lib import text
from nacre._native import ffi, lib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def rows_of_keys() -> list[tuple[str, str, str]]:
    out = [ffi.new("char const **") for _ in range(3)]
    rows = []
    while lib.nacre_config_key(len(rows), *out):
        rows.append(tuple(text(pointer[0]) if pointer[0] else "" for pointer in out))
    return rows


def test_configuration_page_is_the_table_of_keys() -> None:
    page = (ROOT / "docs/guide/configuration.md").read_text()
    documented = re.findall(r"^\| `([^`]+)` \| (.*?) \| (.*?) \|", page, re.M)
    assert documented == rows_of_keys()


def test_every_test_that_a_page_names_is_there() -> None:
    named = 0
    for page in ROOT.glob("docs/**/*.md"):
        for file, names in re.findall(r"`(tests/[\w/]+\.(?:c|py))`: ((?:`\w+`(?:, )?)+)", page.read_text()):
            source = (ROOT / file).read_text()
            for name in re.findall(r"`(\w+)`", names):
                named += 1
                assert re.search(rf"^(?:static void|def) {name}\(", source, re.M), f"{page.name}: {file}: {name}"
    assert named > 70


def test_each_line_of_what_is_tested_names_a_test_of_the_files_that_it_says() -> None:
    named = 0
    for page in (ROOT / "docs/guide").glob("*.md"):
        section = page.read_text().partition("## What is tested\n")[2].partition("\n## ")[0]
        about, _, table = section.partition("\n|")
        files = [file for name in re.findall(r"(test_\w+\.(?:c|py))`", about) for file in ROOT.glob(f"tests/**/{name}")]
        sources = "".join(file.read_text() for file in files)
        for row in table.splitlines():
            for name in re.findall(r"`(\w+)`", row.rpartition(" | ")[2]):
                named += 1
                assert re.search(rf"^(?:static void|def) {name}\(", sources, re.M), f"{page.name}: {name}"
    assert named > 150


def headings(page: pathlib.Path) -> set[str]:
    """The anchors of a page."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_link_of_the_documents_leads_somewhere() -> None:
    broken, anchors = [], 0
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target, anchor in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", page.read_text()):
            there = page.parent / target if target else page
            anchors += bool(anchor)
            if not there.exists() or (anchor and anchor not in headings(there)):
                broken.append(f"{page.relative_to(ROOT)}: {target}#{anchor}")
    assert not broken and anchors > 0


def test_every_layer_has_a_page() -> None:
    """And the page of the architecture leads to it."""
    table = (ROOT / "docs/internals/architecture.md").read_text()
    layers = sorted(folder.name for folder in (ROOT / "src").iterdir() if folder.is_dir())
    assert len(layers) >= 11
    for name in [*layers, "emulator", "python"]:
        assert (ROOT / f"docs/internals/{name}.md").exists() and f"({name}.md)" in table, name


def test_changelog_knows_the_version() -> None:
    assert re.match(r"\d+\.\d+\.\d+$", nacre.__version__)
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()
