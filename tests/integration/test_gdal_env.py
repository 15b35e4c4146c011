# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""`nacre gdal-env`: what it prints is what sh and GDAL need, and nothing that was set is lost."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
from typing import Any

import pytest
from conftest import NACRE, clean_environment, run_nacre, worked

PLUGIN = str(NACRE.resolve().parent / "gdal")


def variables(*words: str, **environment: str) -> dict[str, str]:
    """What the command sets, as JSON tells."""
    told = json.loads(worked(run_nacre("gdal-env", "--json", *words, **environment)))
    assert told["schema"] == 1
    return told["environment"]


def test_sh_takes_the_lines_as_they_are() -> None:
    script = f"eval \"$('{NACRE}' gdal-env --cache ttl=60)\"; env"
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, env=clean_environment())
    assert (done.returncode, done.stderr) == (0, "")
    wanted = variables("--cache", "ttl=60")
    assert wanted["NACRE_GDAL_CACHE"] == "ttl=60"
    for name, value in wanted.items():
        assert f"{name}={value}\n" in done.stdout


def test_fish_takes_the_lines_too() -> None:
    fish = shutil.which("fish")
    if not fish:
        pytest.skip("no fish")
    env = clean_environment(GDAL_DRIVER_PATH="/it's here:/b")
    script = f"'{NACRE}' gdal-env --cache ttl=60 | source; env"
    done = subprocess.run([fish, "--no-config", "-c", script], capture_output=True, text=True, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    for name, value in variables("--cache", "ttl=60", GDAL_DRIVER_PATH="/it's here:/b").items():
        assert f"{name}={value}\n" in done.stdout


def test_the_folder_that_is_named_holds_the_plugin() -> None:
    first = variables()["GDAL_DRIVER_PATH"].split(":")[0]
    assert first == PLUGIN and (pathlib.Path(first) / "gdal_nacre.so").exists()


def test_what_is_asked_for_is_set_and_nothing_else() -> None:
    assert set(variables()) == {"GDAL_DRIVER_PATH", "NACRE_GDAL_PREFIXES"}
    assert variables()["NACRE_GDAL_PREFIXES"] == "/vsigs/,/vsis3/,/vsiaz/,/vsicurl/"
    assert variables("--prefixes", "/vsigs/,/vsiaz/")["NACRE_GDAL_PREFIXES"] == "/vsigs/,/vsiaz/"


def test_folders_that_were_set_are_kept_and_not_doubled() -> None:
    folders = variables(GDAL_DRIVER_PATH="/it's here:/b")["GDAL_DRIVER_PATH"]
    assert folders == f"{PLUGIN}:/it's here:/b"
    assert variables(GDAL_DRIVER_PATH=folders)["GDAL_DRIVER_PATH"] == folders
    script = f"eval \"$('{NACRE}' gdal-env)\"; echo \"$GDAL_DRIVER_PATH\""
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True,
                          env=clean_environment(GDAL_DRIVER_PATH="/it's here:/b"))  # fmt: skip
    assert done.stdout == folders + "\n"


@pytest.mark.parametrize("knows", [True, False])
def test_the_default_folder_of_the_installed_gdal_is_kept(tmp_path: pathlib.Path, knows: bool) -> None:
    """GDAL_DRIVER_PATH takes its place; old releases of gdal-config do not know the word."""
    program = tmp_path / "gdal-config"
    program.write_text("#!/bin/sh\n" + ("echo /opt/gdal/plugins\n" if knows else "echo 'Usage: gdal-config'\nexit 1\n"))
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CONDA_PREFIX": ""}
    others = variables(**environment)["GDAL_DRIVER_PATH"].split(":")[1:]
    if knows:
        assert others == ["/opt/gdal/plugins"]
    else:
        assert all(pathlib.Path(folder).is_dir() for folder in others) and len(others) <= 1
    assert variables("--no-default", **environment)["GDAL_DRIVER_PATH"] == PLUGIN


def test_condas_folder_is_kept(tmp_path: pathlib.Path) -> None:
    (tmp_path / "lib" / "gdalplugins").mkdir(parents=True)
    assert variables(CONDA_PREFIX=str(tmp_path))["GDAL_DRIVER_PATH"] == f"{PLUGIN}:{tmp_path}/lib/gdalplugins"


@pytest.mark.parametrize("value", ["", "/vsimem/", "/vsigs", "/vsigs/,x", "vsigs"])
def test_prefixes_that_cannot_be_taken_over_are_wrong_words(value: str) -> None:
    done = run_nacre("gdal-env", "--prefixes", value)
    assert (done.returncode, done.stdout) == (2, b"") and "/vsigs/,/vsis3/,/vsiaz/,/vsicurl/" in done.stderr


def test_a_policy_that_does_not_exist_is_a_wrong_word() -> None:
    done = run_nacre("gdal-env", "--cache", "sometimes")
    assert (done.returncode, done.stdout) == (2, b"")


def test_without_the_plugin_it_says_so(tmp_path: pathlib.Path) -> None:
    alone = shutil.copy(NACRE, tmp_path / "nacre")
    done: Any = subprocess.run([alone, "gdal-env"], capture_output=True, text=True, env=clean_environment())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("nacre: gdal-env: gdal_nacre.so ") and done.stderr.count("\n") == 1


def test_a_folder_that_the_variable_cannot_name_is_an_error(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "a:b"
    (folder / "gdal").mkdir(parents=True)
    alone = shutil.copy(NACRE, folder / "nacre")
    shutil.copy(pathlib.Path(PLUGIN) / "gdal_nacre.so", folder / "gdal")
    done: Any = subprocess.run([alone, "gdal-env"], capture_output=True, text=True, env=clean_environment())
    assert (done.returncode, done.stdout) == (1, "") and "colon" in done.stderr
