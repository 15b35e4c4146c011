# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The demo: every step comes as it should, and one that does not is told by the exit status."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
from typing import Any

import pytest
from conftest import ROOT, clean_environment, need

import nacre

sys.path.insert(0, str(ROOT / "demo"))
import demo


class Silent:
    """A server that nobody asks."""

    def take_log(self) -> list[dict]:
        return []


@pytest.mark.parametrize("refused", [None, KeyError])
@pytest.mark.parametrize("raised", [None, KeyError, ValueError])
def test_a_step_that_comes_otherwise_is_remembered(refused: Any, raised: Any) -> None:
    def work() -> None:
        if raised:
            raise raised("text")

    column = demo.Column(Silent())
    column.step("title", work, refused=refused)
    assert column.wrong == ([] if raised is refused else ["title"])


@pytest.mark.slow
def test_every_step_comes_as_it_should() -> None:
    for name in ("rasterio", "google-cloud-storage"):
        need(name)
    here = str(pathlib.Path(nacre.__file__).parent.parent)
    command = [sys.executable, ROOT / "demo" / "demo.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=clean_environment(PYTHONPATH=here))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    ours, theirs = done.stdout.split("\nrasterio ")
    steps = re.findall(r"^  (.*?) +\d+ ms +(\d+) requests", ours, re.M)
    assert ("open that in the same process", "1") in steps and ("read them again", "0") in steps
    assert "does not exist in the file system" in theirs
    preview = pathlib.Path(done.stdout.split("preview: ")[-1].strip())
    assert preview.read_bytes().startswith(b"\x89PNG")
