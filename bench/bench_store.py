# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The storage layer beside obstore, over the S3 interface of one emulator: ranges, whole objects, uploads, listings."""

from __future__ import annotations

import json
import os
import pathlib
import random
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import make_data
import nacre
import report
from server import NACRE, ROOT, Server

HITS = ROOT / "build-release" / "bench" / "bench-hits"
RANGES = ROOT / "build-release" / "bench" / "bench-ranges"
GIB = 1 << 30
MIB = 1 << 20
RANGE_COUNT, RANGE_SIZE, IN_FLIGHT = 10_000, 16 << 10, 64
OBJECTS = 100_000


def environment(server: Server) -> dict[str, str]:
    """What nacre's programs are told of the server."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": server.s3_url,
        "AWS_NO_SIGN_REQUEST": "YES",
        "AWS_REGION": "us-east-1",
    }


def program(server: Server, *words: Any) -> Callable[[int], None]:
    """A run of one of nacre's programs."""

    def run(repeat: int) -> None:
        told = [str(word).replace("REPEAT", str(repeat)) for word in words]
        subprocess.run(told, env=environment(server), stdout=subprocess.DEVNULL, check=True)

    return run


PEER = """
import asyncio, os, pathlib, random, sys
from obstore.store import S3Store
store = S3Store("bench", endpoint=sys.argv[1], region="us-east-1", skip_signature=True, virtual_hosted_style_request=False,
                client_options={"allow_http": True})
work, key = sys.argv[2:4]
async def ranges(count, size, in_flight, seed):
    total = (await store.head_async(key))["size"]
    places = random.Random(seed).sample(range(total // size), count)
    async def lane():
        while places:
            await store.get_range_async(key, start=places.pop() * size, length=size)
    await asyncio.gather(*(lane() for _ in range(in_flight)))
def whole():
    for chunk in store.get(key).stream(min_chunk_size=1 << 20):
        pass
def upload(path):
    with open(path, "rb") as file:
        store.put(key, file, chunk_size=8 << 20)  # a little faster here than its default of 5 MiB
def listing():
    return sum(len(page) for page in store.list(key))
if work == "ranges":
    asyncio.run(ranges(*map(int, sys.argv[4:])))
else:
    {"whole": whole, "upload": upload, "listing": listing}[work](*sys.argv[4:])
os._exit(0)  # the threads of its runtime may abort an interpreter that ends in the usual way
"""


def peer(server: Server, *words: Any) -> Callable[[int], None]:
    """The same by obstore, in a process of its own too."""

    def run(repeat: int) -> None:
        told = [str(word).replace("REPEAT", str(repeat)) for word in words]
        subprocess.run([sys.executable, "-c", PEER, server.s3_url, *told], stdout=subprocess.DEVNULL, check=True)

    return run


def child_seconds(function: Callable[[int], None]) -> Callable[[int], float]:
    """Processor time of the programs that a function runs."""

    def run(repeat: int) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        function(repeat)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return run


def side_by_side(name: str, ours: Callable[[int], None], theirs: Callable[[int], None], repeats: int) -> bool:
    """A row of time and one of processor time."""
    cpu: dict[str, list[float]] = {"ours": [], "theirs": []}

    def timed(who: str, function: Callable[[int], None]) -> Callable[[int], None]:
        count = child_seconds(function)
        return lambda repeat: cpu[who].append(count(repeat))

    times = report.pairs(timed("ours", ours), timed("theirs", theirs), repeats)
    reached = report.ratio_row(name, *times, 1.0, "obstore")
    report.ratio_row("  its processor time, both cores", cpu["ours"], cpu["theirs"], 1.0, "obstore")
    return reached


def reading(server: Server, title: str, repeats: int) -> bool:
    """Ranges of 16 KiB and of 1 MiB, and the whole, of 1 GiB."""
    path, key = "s3://bench/large.bin", "large.bin"
    seed = random.randrange(1 << 20)
    small = (RANGE_COUNT, RANGE_SIZE, IN_FLIGHT, seed)
    large = (512, MIB, 16, seed)
    name = f"512 ranges of 1 MiB of 1 GiB, {title}"
    reached = side_by_side(
        f"10,000 ranges of 16 KiB, 64 in flight, {title}",
        program(server, RANGES, path, *small, "keep"),
        peer(server, "ranges", key, *small),
        repeats,
    )
    theirs = peer(server, "ranges", key, *large)
    reached &= side_by_side(name, program(server, RANGES, path, *large, "drop"), theirs, repeats)
    # More work than the peer's: it fills 512 MiB of memory that the system must give first.
    reached &= side_by_side("  kept in the cache", program(server, RANGES, path, *large, "keep"), theirs, repeats)
    reached &= side_by_side(
        f"1 GiB read whole, {title}", program(server, NACRE, "cat", path), peer(server, "whole", key), repeats
    )
    return reached


def uploading(server: Server, source: pathlib.Path, title: str, repeats: int) -> bool:
    """1 GiB streamed from a file."""
    ours = [NACRE, "cp", source, "s3://bench/up/ours-REPEAT.bin"]
    reached = side_by_side(
        f"1 GiB uploaded, {title}", program(server, *ours), peer(server, "upload", "up/theirs-REPEAT.bin", source), repeats
    )
    memory = {"MiB": report.peak_memory_mib(ours, environment(server))}
    for uploaded in (server.bucket / "up").iterdir():
        uploaded.unlink()
    return reached & report.count_row("  its peak memory", memory, {"MiB": 96})


def listing(server: Server, repeats: int) -> bool:
    """100,000 objects."""
    ours = [NACRE, "ls", "-r", "s3://bench/many/"]
    reached = side_by_side(
        "100,000 objects listed, 0 ms", program(server, *ours), peer(server, "listing", "many/"), repeats
    )
    memory = {"MiB": report.peak_memory_mib(ours, environment(server))}
    few = {"MiB": report.peak_memory_mib([*ours[:-1], "s3://bench/few/"], environment(server))}
    report.count_row("  peak memory for 1,000 objects", few, {})
    return reached & report.count_row("  its peak memory", memory, {"MiB": few["MiB"] + 4})


def hits(server: Server) -> bool:
    """References to one warm block: by 64 threads fast enough, and by two faster than by one."""
    rates = {}
    for threads in (1, 2, 64):
        words = [str(HITS), "s3://bench/few/0", str(threads), "2"]
        told = json.loads(subprocess.run(words, env=environment(server), capture_output=True, check=True).stdout)
        rates[threads] = told["hits"] / told["seconds"]
    gain = rates[2] / rates[1]
    reached = rates[64] >= 2e6
    told = ", ".join(f"{count} threads {rate / 1e6:.1f}" for count, rate in rates.items())
    print(f"{'references to a warm block of 16 KiB':<44} {told} million/s (64 threads >= 2) {'ok' if reached else 'MISSED'}")
    print(f"{'  two threads beside one':<44} ratio {gain:.2f} (>= 1.6) {'ok' if gain >= 1.6 else 'MISSED'}")
    return reached and gain >= 1.6


def reopening(server: Server, cog: pathlib.Path) -> bool:
    """An unchanged COG opened again."""
    key = server.copies(cog, "warm", 1)[0]
    with nacre.Env(**{"s3.endpoint": server.s3_url, "s3.no_sign_request": True, "s3.region": "us-east-1"}):
        nacre.open(f"s3://bench/{key}").close()
        server.take_log()
        nacre.open(f"s3://bench/{key}").close()
        log = server.take_log()
    counts = {"requests": len(log), "bytes": sum(entry["bytes"] for entry in log)}
    return report.count_row("warm reopen of an unchanged COG", counts, {"requests": 1, "bytes": 0})


def fill(server: Server, folder: pathlib.Path) -> pathlib.Path:
    """The objects: one of 1 GiB, a thousand and a hundred thousand small ones."""
    source = folder / "large.bin"
    if not source.exists() or source.stat().st_size != GIB:
        generator = random.Random(1)
        with open(source, "wb") as file:
            for _ in range(GIB // MIB):
                file.write(generator.randbytes(MIB))
    os.link(source, server.bucket / "large.bin")
    (server.bucket / "up").mkdir()
    for name, count in (("few", 1000), ("many", OBJECTS)):
        (server.bucket / name).mkdir()
        for number in range(count):
            (server.bucket / name / str(number)).write_bytes(b"x" * (20_000 if name == "few" else 1))
    return source


def run(folder: pathlib.Path) -> bool:
    """Every row; whether all goals were reached."""
    import obstore

    report.header({"nacre": nacre.__version__, "obstore": obstore.__version__})
    cog = make_data.rgb_cog(folder)
    reached = True
    with Server(latency_ms=0) as server:
        source = fill(server, folder)
        reached &= hits(server)
        reached &= reopening(server, cog)
        reached &= reading(server, "0 ms", 5)
        reached &= uploading(server, source, "0 ms", 5)
        reached &= listing(server, 5)
    with Server(latency_ms=20) as server:
        source = fill(server, folder)
        reached &= reading(server, "20 ms", 3)
        reached &= uploading(server, source, "20 ms", 3)
    return reached
