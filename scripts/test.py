# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Runs the tests: the fast tier, everything, or one shard of everything.

Each step prints its runner's own summary; the last line adds them up. A step that runs no test is a failure.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = str(ROOT / ".venv" / "bin" / "python")
SANITIZED = "-Db_sanitize=address,undefined"
THREADED = ["base", "net", "store", "cache", "vfs", "raster"]  # layers whose unit tests also run under ThreadSanitizer


class Totals:
    """Tests by result, over all steps."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0
        self.broken: list[str] = []

    def add(self, name: str, passed: int, failed: int, skipped: int, status: int) -> None:
        self.passed, self.failed, self.skipped = self.passed + passed, self.failed + failed, self.skipped + skipped
        if status or failed or passed == 0:
            self.broken.append(name)
            self.failed += 0 if failed else 1


totals = Totals()


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


def run(command: list[str], environment: dict[str, str] | None = None, show: bool = True) -> tuple[int, str]:
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if show:
            print(line, end="", flush=True)
    return process.wait(), "".join(lines)


def check(name: str, command: list[str], environment: dict[str, str] | None = None) -> None:
    """A step that passes or fails as a whole."""
    say(name)
    status, _ = run(command, environment)
    totals.add(name, 0 if status else 1, 1 if status else 0, 0, status)


def build(directory: str, *options: str, compiler: str = "cc") -> bool:
    say(f"build {directory}")
    environment = {"CC": compiler}
    if not (ROOT / directory / "build.ninja").exists():
        status, text = run(["meson", "setup", directory, "-Dwerror=true", *options], environment, show=False)
        if status:
            print(text)
    status, text = run(["ninja", "-C", directory], environment, show=False)
    if status:
        print(text[-6000:])
        totals.add(f"build {directory}", 0, 1, 0, status)
    return status == 0


def unit(directory: str, suites: list[str] | None = None, environment: dict[str, str] | None = None) -> None:
    """cmocka tests, by meson; failures are shown with their output."""
    name = f"unit tests in {directory}"
    say(name)
    command = ["meson", "test", "-C", directory, "--print-errorlogs", "--no-rebuild"]
    for suite in suites or []:
        command += ["--suite", suite]
    status, _ = run(["ninja", "-C", directory, "unit-tests"], show=False)
    status, text = run(command, environment)
    log = (ROOT / directory / "meson-logs" / "testlog.txt").read_text(errors="replace")
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", log))
    failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", log))
    skipped = sum(int(n) for n in re.findall(r"\[  SKIPPED \] (\d+) test", log))
    print(f"{name}: {passed} passed, {failed} failed, {skipped} skipped")
    for test in sorted(set(re.findall(r"\[  SKIPPED \] (\w+)$", log, re.M))):
        print(f"SKIPPED {test}")
    totals.add(name, passed, failed, skipped, status)


def pytest(name: str, arguments: list[str], environment: dict[str, str] | None = None) -> None:
    say(name)
    workers = str(max(2, os.cpu_count() or 1))
    spread = ["-n", workers, "--dist", "worksteal"]  # much of a test is waiting for servers
    status, text = run([PYTHON, "-m", "pytest", "-q", "-rs", "tests/integration", *spread, *arguments], environment)
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|error)", text.strip().split("\n")[-1])}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    totals.add(name, counts.get("passed", 0), failed, counts.get("skipped", 0), status)


def sanitized_unit_tests() -> None:
    options = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
    if build("build-asan", SANITIZED, "-Db_lundef=false"):
        unit("build-asan", environment=options)
        pytest("scenario, bad input and emulator, the command under AddressSanitizer", ["-m", "sanitized"],
               {**options, "NACRE_BIN": str(ROOT / "build-asan" / "nacre")})


def failures(*options: str) -> None:
    """Every allocation and system call fails in turn; see docs/internals/testing.md."""
    if not build("build-asan", SANITIZED, "-Db_lundef=false"):
        return
    name = "failing allocations and system calls"
    say(name)
    status, _ = run(["ninja", "-C", "build-asan", "tests/failure/failure"], show=False)
    environment = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
    status, text = run([str(ROOT / "build-asan" / "tests" / "failure" / "failure"), *options], environment)
    counts = re.search(r"^(\d+) failures survived, (\d+) not", text, re.M)
    passed, failed = (int(counts.group(1)), int(counts.group(2))) if counts else (0, 1)
    totals.add(name, passed, failed, 0, status)


def threaded_unit_tests() -> None:
    if build("build-tsan", "-Db_sanitize=thread", "-Db_lundef=false"):
        unit("build-tsan", THREADED, {"TSAN_OPTIONS": "halt_on_error=1:die_after_fork=0"})


def clang_build() -> None:
    """clang compiles everything without a warning."""
    if build("build-clang", compiler="clang"):
        totals.add("build with clang", 1, 0, 0, 0)


STEPS = {
    "lint": lambda: check("lint", ["scripts/lint", "quick"]),
    "unit": lambda: unit("build"),
    "asan": sanitized_unit_tests,
    "failures": failures,
    "failures-all": lambda: failures("--all"),
    "tsan": threaded_unit_tests,
    "integration": lambda: pytest("integration", ["-m", "not slow and not model"]),
    "model": lambda: pytest("formal model", ["-m", "model"]),
    "fuzz": lambda: check("fuzz, 60 seconds in all", ["scripts/fuzz", "60"]),
    "torture": lambda: check("torture, 60 seconds", [PYTHON, "tests/torture/torture.py", "60"]),
    "clang": clang_build,
    "tidy": lambda: check("clang-tidy", ["scripts/lint"]),
    "slow": lambda: pytest("integration, slow", ["-m", "slow"]),
}
FAST = ["lint", "unit", "integration", "model", "asan", "failures", "tsan", "fuzz", "torture"]
# Everything, cut so that each shard takes at most 50 minutes on two cores.
SHARDS = {
    "fast": FAST,
    "static": ["clang", "tidy"],
    "slow": ["slow"],
    "failures": ["failures-all"],
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev test")
    parser.add_argument("--all", action="store_true", help="everything, every skip printed")
    parser.add_argument("--shard", choices=SHARDS, help="one part of everything")
    parser.add_argument("--step", choices=STEPS, help="one step")
    arguments = parser.parse_args()
    if arguments.step:
        steps = [arguments.step]
    elif arguments.shard:
        steps = SHARDS[arguments.shard]
    else:
        steps = [step for shard in SHARDS.values() for step in shard] if arguments.all else FAST
    began = time.monotonic()
    for step in steps:
        started = time.monotonic()
        STEPS[step]()
        print(f"-- {step}: {time.monotonic() - started:.0f} s", flush=True)
    say(f"{time.monotonic() - began:.0f} s; " + ("failed: " + ", ".join(totals.broken) if totals.broken else "all well"))
    print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped")
    return 1 if totals.broken else 0


if __name__ == "__main__":
    sys.exit(main())
