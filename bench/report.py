# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""How benchmarks print: where they ran, and ratios with their spread."""

from __future__ import annotations

import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
import traceback
from typing import Callable

ROOT = pathlib.Path(__file__).resolve().parent.parent


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def header(versions: dict[str, str]) -> None:
    """Processor, compiler, flags, commit and versions: what a claim must cite."""
    with open("/proc/cpuinfo") as file:
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    print(f"processor  {names[0] if names else platform.machine()}, {len(os.sched_getaffinity(0))} usable")
    print(f"compiler   {_output('cc', '--version').splitlines()[0]}, meson buildtype=release")
    print(f"commit     {_output('git', 'rev-parse', '--short', 'HEAD')}    command  {' '.join(sys.argv)}")
    print("versions   " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    print()


def import_all() -> None:
    """Has the package import its modules, which it does when they are first asked for."""
    import nacre

    for name in nacre.__all__:
        getattr(nacre, name)


def in_child(function: Callable[[], object]) -> float:
    """Seconds of something in a process that was forked for it: nothing is open, started or cached by earlier runs."""
    import_all()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            began = time.perf_counter()
            function()
            os.write(writer, repr(time.perf_counter() - began).encode())
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.close(writer)
    with open(reader) as told:
        seconds = told.read()
    os.waitpid(child, 0)
    if not seconds:
        raise RuntimeError("a measured process failed")
    return float(seconds)


def cold_times(sides: dict[str, Callable[[int], object]], repeats: int) -> dict[str, list[float]]:
    """Runs all sides by turns, each run in a process of its own; seconds of each run."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(repeats):
        for name, function in sides.items() if repeat % 2 else reversed(sides.items()):
            times[name].append(in_child(lambda function=function, repeat=repeat: function(repeat)))
    return times


def pairs(ours: Callable[[int], None], theirs: Callable[[int], None], repeats: int) -> tuple[list[float], list[float]]:
    """Runs both by turns, in pairs, so that noise of the machine meets both; seconds of each run."""
    a: list[float] = []
    b: list[float] = []
    for repeat in range(repeats):
        turn = [(ours, a), (theirs, b)]
        for function, times in turn if repeat % 2 else reversed(turn):
            began = time.perf_counter()
            function(repeat)
            times.append(time.perf_counter() - began)
    return a, b


def _spread(times: list[float]) -> str:
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{middle * 1e3:8.1f} ms [{low * 1e3:.1f}, {high * 1e3:.1f}]"


def ratio_row(name: str, ours: list[float], theirs: list[float], goal: float, peer: str) -> bool:
    """Prints medians, quartiles and the ratio against its goal; whether it was reached."""
    ratio = statistics.median(ours) / statistics.median(theirs)
    verdict = "ok" if ratio <= goal else "MISSED"
    print(f"{name:<44} nacre {_spread(ours)}  {peer} {_spread(theirs)}  ratio {ratio:.2f} (<= {goal}) {verdict}")
    return ratio <= goal


def count_row(name: str, counts: dict[str, int], limits: dict[str, int]) -> bool:
    """Prints exact counts against their limits; whether all hold."""
    reached = all(counts[key] <= limit for key, limit in limits.items())
    told = (f"{value} {key}" + (f" (<= {limits[key]})" if key in limits else "") for key, value in counts.items())
    print(f"{name:<44} {', '.join(told)} {'ok' if reached else 'MISSED'}")
    return reached


# A child's peak counts what its parent held when it was forked, so a small process starts the program.
SMALL_PARENT = """
import os, sys
child = os.fork()
if child == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.execv(sys.argv[1], sys.argv[1:])
print(os.wait4(child, 0)[2].ru_maxrss)
"""


def peak_memory_mib(command: list[object], environment: dict[str, str] | None = None) -> int:
    """Peak resident memory of a program."""
    words = [sys.executable, "-S", "-E", "-c", SMALL_PARENT, *map(str, command)]
    told = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
    return round(int(told) / 1024)
