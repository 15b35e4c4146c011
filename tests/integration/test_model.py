# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The formal model of the coherence protocol, searched by spin: docs/internals/model/README.md."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import shutil
from types import ModuleType

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.model


@pytest.fixture(autouse=True)
def spin() -> None:
    """Skips, or fails where everything must be there."""
    if shutil.which("spin"):
        return
    if os.environ.get("NACRE_REQUIRE_ALL") == "1":
        pytest.fail("spin is missing; ./dev setup installs it")
    pytest.skip("spin is not installed")


def script(name: str) -> ModuleType:
    """A script of the tree, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


model = script("model")


@pytest.mark.parametrize("bounds", model.BOUNDS)
def test_true_model_keeps_every_promise(bounds: str) -> None:
    assert model.check_true(bounds) is None


@pytest.mark.parametrize(("rule", "promise", "bounds"), model.BROKEN)
def test_broken_rule_breaks_its_promise(rule: str, promise: str, bounds: str) -> None:
    assert model.check_broken(rule, promise, bounds) is None


def test_every_rule_is_broken_and_every_promise_fails_once() -> None:
    rules = set(re.findall(r"^#define BREAK_(\w+) 0", (model.MODEL / "rules.pml").read_text(), re.M))
    promises = set(re.findall(r"^hidden byte (\w+) = 1;", (model.MODEL / "coherence.pml").read_text(), re.M))
    assert rules == {rule for rule, _, _ in model.BROKEN}
    assert promises | {model.EVERYBODY} == {promise for _, promise, _ in model.BROKEN}
