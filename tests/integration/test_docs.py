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


def test_every_link_of_the_documents_leads_somewhere() -> None:
    broken = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert not broken


def test_changelog_knows_the_version() -> None:
    assert re.match(r"\d+\.\d+\.\d+$", nacre.__version__)
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()
