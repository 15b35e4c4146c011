# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Checks what the tree promises and no compiler sees. Prints one line a breach and exits 1 when there is one.

- layers: a file includes its own layer and those before it, programs only public headers
- sizes: files of at most 800 lines, functions of at most 80 lines and a complexity of at most 20
- banned functions, licence lines, files that docs/internals names, or that it does not
- words: no path of one machine, no file that a program left behind
"""

import pathlib
import re
import subprocess
import sys

import lizard

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = ["base", "net", "store", "cache", "vfs", "raster", "tiff", "picture", "vrt", "warp", "api"]
# What else may include private headers: the emulator uses base alone, the GDAL plugin holds the objects of libnacre_io
# and the TIFF index, tests and fuzz targets see everything.
PROGRAMS = {
    "cli": ["emulator"],
    "emulator": ["base", "emulator"],
    "gdal": ["gdal", *LAYERS[: LAYERS.index("vfs") + 1], "tiff"],
    "server": [],
}
# The folders of back ends of the store layer: what each may include of the others'.
BACK_ENDS = {"aws": [], "az": [], "file": [], "gs": ["aws"], "http": [], "s3": ["aws"]}
BANNED = ["strcpy", "strcat", "sprintf", "vsprintf", "gets", "atoi", "atol", "atof", "strtok", "strncpy"]
MAX_FILE, MAX_FUNCTION, MAX_COMPLEXITY = 800, 80, 20

breaches: list[str] = []


def breach(path: pathlib.Path, line: int, text: str) -> None:
    breaches.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def tracked(*patterns: str) -> list[pathlib.Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).exists()]


def allowed_layers(path: pathlib.Path) -> list[str] | None:
    """The folders whose private headers a file may include; None: any."""
    parts = path.relative_to(ROOT).parts
    if parts[0] == "src":
        return LAYERS[: LAYERS.index(parts[1]) + 1]
    return PROGRAMS.get(parts[0])


def check_includes(path: pathlib.Path, lines: list[str]) -> None:
    allowed = allowed_layers(path)
    if allowed is None:
        return
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not match:
            continue
        target = match.group(1)
        folder = target.split("/")[0] if "/" in target else path.parent.name
        if target.startswith("..") or folder not in allowed:
            if "/" not in target and (path.parent / target).exists():
                continue
            breach(path, number, f'"{target}" is not below {path.parent.name}')


def check_back_ends(path: pathlib.Path, lines: list[str]) -> None:
    """Nobody looks into a back end but itself, and those that speak its language."""
    parts = path.relative_to(ROOT).parts
    if parts[0] != "src":
        return
    own = parts[2] if parts[1] == "store" and len(parts) > 3 else ""
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s+"store/(\w+)/', line)
        if match and match.group(1) not in [own, *BACK_ENDS.get(own, [])]:
            breach(path, number, f"store/{match.group(1)} is a back end's own")


def check_banned(path: pathlib.Path, lines: list[str]) -> None:
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for number, line in enumerate(lines, 1):
        match = pattern.search(re.sub(r'"(\\.|[^"])*"|//.*|/\*.*?\*/', "", line))
        if match and not line.lstrip().startswith("*"):
            breach(path, number, f"{match.group(1)} is banned")
        if "#if" in line and line != line.lstrip():
            breach(path, number, "conditional compilation inside a function")


def check_source(path: pathlib.Path) -> None:
    lines = path.read_text().splitlines()
    if "SPDX-License-Identifier" not in (lines[0] if lines else ""):
        breach(path, 1, "no licence line")
    if len(lines) > MAX_FILE:
        breach(path, 1, f"{len(lines)} lines (at most {MAX_FILE})")
    check_includes(path, lines)
    check_back_ends(path, lines)
    check_banned(path, lines)
    for function in lizard.analyze_file(str(path)).function_list:
        if function.length > MAX_FUNCTION:
            breach(path, function.start_line, f"{function.name}: {function.length} lines (at most {MAX_FUNCTION})")
        if function.cyclomatic_complexity > MAX_COMPLEXITY:
            breach(path, function.start_line, f"{function.name}: complexity {function.cyclomatic_complexity}")


def check_docs() -> None:
    """Files named in backticks in docs/internals exist."""
    for page in tracked("docs/internals/*.md"):
        for number, line in enumerate(page.read_text().splitlines(), 1):
            for name in re.findall(r"`((?:src|include|cli|emulator|gdal|python|tests|fuzz|bench|scripts|demo|docs)/[\w./-]+)`", line):
                if "NAME" not in name and not (ROOT / name).exists():
                    breach(page, number, f"{name} does not exist")


def check_named() -> None:
    """Each source file of C is named in a page of docs/internals, itself or by its header."""
    pages = "\n".join(page.read_text() for page in tracked("docs/internals/*.md"))
    named = {name.rsplit(".", 1)[0] for name in re.findall(r"[\w/]+\.[ch]\b", pages)}
    for path in tracked("src/*.c", "cli/*.c", "emulator/*.c", "gdal/*.c"):
        whole = str(path.relative_to(ROOT).with_suffix(""))
        is_in_layer = len(path.relative_to(ROOT).parts) <= 3
        if whole not in named and not (is_in_layer and path.stem in named):
            breach(path, 1, "no page of docs/internals names it")


def check_words() -> None:
    """Nothing of a developer's own machine gets into the tree, in whatever file."""
    pattern = re.compile(r"/work/|/root/|/home/\w+/")
    for path in tracked():
        if path.suffix in (".log", ".orig", ".rej"):
            breach(path, 1, "what a program left behind")
        if path.name == "check_tree.py":
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if pattern.search(line):
                breach(path, number, "an absolute path of one machine")


def main() -> int:
    for path in tracked("*.c", "*.h"):
        check_source(path)
    check_docs()
    check_named()
    check_words()
    print("\n".join(breaches) or "tree: as promised")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
