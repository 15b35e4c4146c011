# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""./dev: its verbs, what it says of wrong words, and of packages that are missing. Nothing is set up or built."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import ROOT

VERBS = ["setup", "build", "demo", "test", "bench", "torture", "fuzz", "lint", "wheel"]
PROGRAMS = ["sh", "cat", "dirname", "grep", "sed"]


@pytest.fixture
def tree(tmp_path: pathlib.Path) -> pathlib.Path:
    """A tree that has ./dev and the list of packages only, and programs that say what was asked of them."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "dev", tmp_path)
    shutil.copy(ROOT / "scripts" / "debian-packages.txt", tmp_path / "scripts")
    (tmp_path / "bin").mkdir()
    for name in PROGRAMS:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    return tmp_path


def add_program(tree: pathlib.Path, name: str, text: str) -> None:
    program = tree / "bin" / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def dev(tree: pathlib.Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(tree / "bin"), "HOME": str(tree)}
    return subprocess.run([tree / "dev", *words], env=environment, capture_output=True, text=True, timeout=60)


def test_help_lists_every_verb(tree: pathlib.Path) -> None:
    done = dev(tree, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.split("\n")[1:] if line.startswith("  ")] == VERBS


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_of_a_verb_does_nothing_else(tree: pathlib.Path, verb: str, word: str) -> None:
    done = dev(tree, verb, word)
    assert (done.returncode, done.stderr) == (0, "") and f"\n  {verb} " in done.stdout
    assert sorted(os.listdir(tree)) == ["bin", "dev", "scripts"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "which verb?"),
        (["tset"], "no verb 'tset'"),
        (["usage"], "no verb 'usage'"),  # a function of the script is no verb
        (["fuzz"], "fuzz takes a number of seconds"),
        (["fuzz", "1m"], "not '1m'"),
        (["torture", "-5"], "not '-5'"),
        (["torture", "5", "-x"], "torture takes a number of seconds"),
        (["demo", "now"], "demo takes no arguments"),
    ],
)
def test_wrong_words_are_status_2_before_anything_is_set_up(tree: pathlib.Path, words: list[str], reason: str) -> None:
    done = dev(tree, *words)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("dev: ") and reason in done.stderr.split("\n")[0]
    assert "usage: ./dev VERB" in done.stderr


@pytest.mark.parametrize("verb", ["setup", "build", "demo", "test", "bench", "lint", "wheel"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(tree: pathlib.Path, verb: str) -> None:
    add_program(tree, "dpkg-query", '[ "$3" = libtiff-dev ] || echo "install ok installed"')
    add_program(tree, "go", "")
    add_program(tree, "id", "echo 1000")
    add_program(tree, "sudo", "exit 1")
    done = dev(tree, verb)
    assert done.returncode == 1
    install = "sudo apt-get install -y --no-install-recommends libtiff-dev"
    assert done.stderr.strip() == f"dev: missing packages; install them with: {install}"


def test_root_installs_what_is_missing_itself(tree: pathlib.Path) -> None:
    add_program(tree, "dpkg-query", '[ "$3" = libtiff-dev ] || echo "install ok installed"')
    add_program(tree, "go", "")
    add_program(tree, "id", "echo 0")
    add_program(tree, "apt-get", 'echo "$@" >>apt.log; [ "$1" = update ]')
    done = dev(tree, "setup")
    assert (tree / "apt.log").read_text() == "update -qq\ninstall -y --no-install-recommends libtiff-dev\n"
    assert done.returncode == 1 and "could not run: apt-get install" in done.stderr


def test_a_program_of_ones_own_makes_its_package_needless(tree: pathlib.Path) -> None:
    add_program(tree, "dpkg-query", '[ "$3" = golang-go ] || [ "$3" = libtiff-dev ] || echo "install ok installed"')
    add_program(tree, "id", "echo 1000")
    add_program(tree, "sudo", "exit 1")
    assert "golang-go" in dev(tree, "setup").stderr
    add_program(tree, "go", "")
    assert "golang-go" not in dev(tree, "setup").stderr
