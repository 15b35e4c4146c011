# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""./dev torture SECONDS: several processes work on the same objects through nacre and around it, while requests fail
and processes are killed; then every object's history is checked. docs/internals/torture.md says what and how."""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import dataclasses
import http.client
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import history  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("NACRE_BUILD", ROOT / "build")).resolve()
ROUND_S = 12.0  # about: histories are checked while the next round runs
EPOCH_NS = 1_000_000_000  # then the workers go on to new objects, so that histories stay short
REPLAYED_EVENTS = 60  # of an object, the first, which are replayed through the model
LONGEST_VIOLATION = 20_000  # characters that are printed: a trace is whole


@dataclasses.dataclass
class Kind:
    """A kind of round."""

    name: str
    rules: history.Rules
    faults: dict[str, int]  # kind to "every"
    server: str = "emulator"
    latency_ms: float = 0
    conditions: bool = True


def kinds() -> list[Kind]:
    """The rounds, in turn."""
    failing = {"503": 29, "500": 67, "429": 83, "reset": 37, "lost": 31, "cut": 41, "slow": 53, "stall": 211}
    lying = {"norange": 23, "noprecondition": 19, "novalidator": 47, "blind": 29, "changed-etag": 53}
    lying |= {"wrongrange": 59, "stale": 13}
    lost = {"lost": 11, "reset": 13, "503": 17, "cut": 19, "late-error": 23, "conflict": 29}
    return [
        Kind("calm", history.Rules(), {}),
        Kind("lying", history.Rules(fails=True, lies=True), lying),
        Kind("failing", history.Rules(fails=True), failing, latency_ms=1),
        Kind("moto", history.Rules(fails=True), {}, server="moto", conditions=False),
        Kind("losing", history.Rules(fails=True), lost),
    ]


def clean_environment() -> dict[str, str]:
    """Nothing of a developer's own configuration."""
    prefixes = ("NACRE_", "GS_", "AWS_", "GOOGLE_", "STORAGE_EMULATOR_", "CPL_", "AZURE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def allow_cores() -> None:
    """In a process of nacre, before it runs."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)


def backtrace(core: pathlib.Path) -> str:
    """Where a process crashed, where gdb is there to say so."""
    if not shutil.which("gdb"):
        return ""
    command = ["gdb", "-batch", "-ex", "bt 20", BUILD / "tests/torture/torture-worker", core]
    done = subprocess.run(command, capture_output=True, text=True)
    return "".join(f"    {line}\n" for line in done.stdout.splitlines() if line.startswith("#"))


class Emulator:
    """`nacre emulator` on ports of its own: both interfaces, the same objects."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        root.mkdir()
        command = [BUILD / "nacre", "emulator", "--root", root, "--listen", "127.0.0.1:0", "--s3-listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.google = self.process.stdout.readline().split()[-1]
        self.amazon = self.process.stdout.readline().split()[-1]

    def control(self, method: str, what: str, value: Any = None) -> Any:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.google).netloc, timeout=30)
        connection.request(method, f"/emulator/{what}", json.dumps(value) if value is not None else None)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status < 300, body
        return json.loads(body) if body.strip() else None

    def begin(self, bucket: str, kind: Kind) -> None:
        (self.root / bucket).mkdir()
        rules = []
        for name, every in kind.faults.items():
            rule: dict[str, Any] = {"kind": name, "every": every}
            if name in ("noprecondition", "blind"):  # writes lean on them
                rule["method"] = "GET"
            if name in ("slow", "stall"):
                rule["ms"] = 100 if name == "slow" else 1500
            rules.append(rule)
        self.control("DELETE", "log")
        self.control("PUT", "latency", {"latency_ms": kind.latency_ms})
        self.control("PUT", "fault", rules)

    def end(self, bucket: str) -> collections.Counter[str]:
        struck = collections.Counter({rule["kind"]: rule["due"] for rule in self.control("GET", "fault") or []})
        self.control("DELETE", "fault")
        self.control("DELETE", "log")
        shutil.rmtree(self.root / bucket, ignore_errors=True)
        return struck

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


class Moto:
    """moto's S3, in a process of its own."""

    def __init__(self) -> None:
        code = (
            "import sys\nfrom moto.s3.models import FakeKey\nfrom moto.server import ThreadedMotoServer\n"
            # It reads the file of an object for the ETag without the lock that it takes to read it for an answer.
            "plain = FakeKey.etag.fget\ndef etag(key):\n    with key.lock:\n        return plain(key)\n"
            "FakeKey.etag = property(etag)\n"
            "server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)\nserver.start()\n"
            "print('http://%s:%s' % server.get_host_and_port(), flush=True)\nsys.stdin.read()\n"
        )
        command = [sys.executable, "-c", code]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.amazon = self.process.stdout.readline().strip()

    def begin(self, bucket: str, kind: Kind) -> None:
        self.request("POST", "/moto-api/reset")
        self.request("PUT", f"/{bucket}")

    def request(self, method: str, target: str) -> None:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.amazon).netloc, timeout=30)
        connection.request(method, target)
        connection.getresponse().read()
        connection.close()

    def end(self, bucket: str) -> collections.Counter[str]:
        return collections.Counter()

    def stop(self) -> int:
        self.process.stdin.close()
        self.process.wait(20)
        return 0


class Run:
    """One run: servers, rounds, checks."""

    def __init__(self, arguments: argparse.Namespace, folder: pathlib.Path) -> None:
        self.seconds, self.seed, self.folder = arguments.seconds, arguments.seed, folder
        self.replays, only = arguments.replays, arguments.round
        self.kinds = [kind for kind in kinds() if only in (None, kind.name)]
        self.report = history.Report()
        self.faults: collections.Counter[str] = collections.Counter()
        self.rounds: collections.Counter[str] = collections.Counter()
        self.emulator = Emulator(folder / "buckets")
        self.moto: Moto | None = Moto() if any(kind.server == "moto" for kind in self.kinds) else None
        self.outside = subprocess.Popen(
            [sys.executable, HERE / "outside.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=clean_environment(),
        )  # fmt: skip
        self.checking: list[concurrent.futures.Future[history.Report]] = []

    # --- A round. ---

    def start_worker(self, plan: dict[str, Any], kind: Kind, process: int, chance: random.Random) -> Any:
        """A process of nacre: on Google's interface or on Amazon's."""
        server: Any = self.moto if kind.server == "moto" else self.emulator
        is_google = kind.server == "emulator" and process % 2 == 0
        words = {
            "name": f"p{process}", "process": process, "folder": plan["folder"], "seed": plan["seed"],
            "threads": 3 if kind.server == "emulator" else 2, "slots": plan["slots"], "start": plan["start"],
            "end": plan["end"], "epoch": plan["epoch"], "conditions": int(kind.conditions), "datasets": 1,
            "prefix": f"{'gs' if is_google else 's3'}://{plan['bucket']}/",
            "cache.size": chance.choice([0, 300_000, 2_000_000, 64 << 20]),
            "http.retry_delay": 0.01, "http.stall_timeout": 1 if kind.rules.fails else 10, "sidecars": chance.choice(["never", "auto"]),
        }  # fmt: skip
        if is_google and chance.random() < 0.5:
            words["gs.access_token"] = "any"
        if not is_google and kind.conditions and chance.random() < 0.5:
            words["s3.conditional_writes"] = "yes"  # then lost answers are asked after, not left unknown
        if plan["shared"]:
            words |= {"shares": 1, "cache.dir": plan["shared"], "cache.dir_size": 8_000_000}
        environment = {
            **clean_environment(), "STORAGE_EMULATOR_HOST": self.emulator.google, "AWS_ENDPOINT_URL_S3": server.amazon,
            "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent",
        }  # fmt: skip
        command = [BUILD / "tests/torture/torture-worker", *(f"{name}={value}" for name, value in words.items())]
        return subprocess.Popen(command, env=environment, cwd=plan["folder"], preexec_fn=allow_cores)

    def round(self, number: int, length_s: float) -> None:
        kind = self.kinds[number % len(self.kinds)]
        chance = random.Random(f"{self.seed} round {number}")
        bucket = f"round-{number}"
        folder = self.folder / bucket
        folder.mkdir()
        server: Any = self.moto if kind.server == "moto" else self.emulator
        server.begin(bucket, kind)
        start = time.monotonic_ns()
        plan = {
            "folder": str(folder), "bucket": bucket, "seed": self.seed * 1000 + number,
            "slots": chance.choice([4, 6, 8]), "epoch": EPOCH_NS, "pause": 0.02,
            "start": start, "end": start + int(length_s * 1e9),
            "shared": str(self.folder / f"cache-{number}") if chance.random() < 0.5 else "",
            "clients": [["amazon", server.amazon]],
        }  # fmt: skip
        if kind.server == "emulator":
            plan["clients"].append(["google", server.google])
        self.outside.stdin.write(json.dumps(plan) + "\n")
        self.outside.stdin.flush()
        self.work(plan, kind, chance)
        if self.outside.stdout.readline().strip() != "done":
            self.report.violations.append("the outside clients ended")
        self.faults += server.end(bucket)
        self.rounds[kind.name] += 1
        shutil.rmtree(plan["shared"] or "-", ignore_errors=True)
        replays = self.replays if number % 3 == 0 or self.replays > 1 else 0  # which take some seconds each
        self.check(folder, dataclasses.replace(kind.rules, start=start), replays)

    def work(self, plan: dict[str, Any], kind: Kind, chance: random.Random) -> None:
        """Starts the processes of nacre, kills some in the middle, and waits for the others."""
        length_s = (plan["end"] - plan["start"]) / 1e9
        running = {number: self.start_worker(plan, kind, number, chance) for number in (0, 1)}
        following = len(running)
        for _ in range(2):
            time.sleep(length_s * (0.2 + 0.15 * chance.random()))
            number = chance.choice(sorted(running))
            killed = running.pop(number)
            if killed.poll() is None:
                killed.send_signal(signal.SIGKILL)
                killed.wait()
                self.report.counts["processes killed"] += 1
            else:
                running[number] = killed  # it ended by itself: that is looked at below
            following += 1 if following % 2 != number % 2 else 0
            running[following] = self.start_worker(plan, kind, following, chance)
            following += 1
        for number, process in running.items():
            self.wait_for(number, process, plan)

    def wait_for(self, number: int, process: Any, plan: dict[str, Any]) -> None:
        left = (plan["end"] - time.monotonic_ns()) / 1e9
        try:
            status = process.wait(max(left, 0) + 90)
        except subprocess.TimeoutExpired:
            self.report.violations.append(f"{plan['bucket']}: process p{number} hangs")
            process.kill()
            process.wait()
            return
        if status:
            where = "".join(backtrace(core) for core in pathlib.Path(plan["folder"]).glob("core*"))
            self.report.violations.append(f"{plan['bucket']}: process p{number} ended with {status}\n{where}")

    # --- Checking. ---

    def check(self, folder: pathlib.Path, rules: history.Rules, replays: int) -> None:
        self.checking.append(self.checkers.submit(check_round, folder, rules, replays))
        for future in [future for future in self.checking if future.done()]:
            self.checking.remove(future)
            self.report.add(future.result())

    def run(self) -> None:
        began = time.monotonic()
        number = 0
        with concurrent.futures.ProcessPoolExecutor(1, initializer=os.nice, initargs=(5,)) as self.checkers:
            count = max(1, round(self.seconds / ROUND_S))
            while number < count:
                left = self.seconds - (time.monotonic() - began)
                self.round(number, max(1.0, left / (count - number) - 0.5))
                number += 1
                if self.report.violations:
                    break
            for future in self.checking:
                self.report.add(future.result())

    def stop(self) -> None:
        self.outside.stdin.close()
        self.outside.wait(30)
        if self.emulator.stop():
            self.report.violations.append("the emulator did not end well")
        if self.moto:
            self.moto.stop()


def check_round(folder: pathlib.Path, rules: history.Rules, replays: int) -> history.Report:
    """In a process beside the next round. Traces without a violation are not kept."""
    report = history.check(folder, rules)
    report.counts["histories replayed through the model"] += replay(folder, rules, report, replays)
    if not report.violations:
        shutil.rmtree(folder)
    return report


def replay(folder: pathlib.Path, rules: history.Rules, report: history.Report, count: int) -> int:
    """The first events of some objects, through the formal model."""
    if not count or rules.lies or not shutil.which("spin"):
        return 0
    names = history.by_object(history.load(folder))
    last = max((int(name.split("/")[2].split(".")[0]) for name in names), default=0)
    chosen = [name for name in sorted(names) if name.endswith(f"/{last}.tif")][:count]
    for name in chosen:
        trace = folder / f"{name.replace('/', '-')}.trace"
        events = history.for_model(names[name], REPLAYED_EVENTS, rules.fails)
        trace.write_text("".join(json.dumps(event) + "\n" for event in events))
        command = [sys.executable, ROOT / "scripts" / "model_replay.py", trace]
        done = subprocess.run(command, capture_output=True, text=True)
        report.counts["replays not decided"] += done.returncode == 3
        if done.returncode not in (0, 3):
            text = f"{name}: the model does not show this: {done.stdout}{done.stderr}"
            report.violations.append(f"{text}the trace, for scripts/model_replay.py:\n{trace.read_text()}")
    return len(chosen)


def print_report(run: Run, took: float) -> None:
    counts = run.report.counts
    print(f"torture: {took:.0f} s, seed {run.seed}, rounds: "
          + ", ".join(f"{count} {name}" for name, count in run.rounds.items()))  # fmt: skip
    for name in ("operations", "opens", "reads", "reads of a handle that changed", "changes",
                 "changes of unknown outcome", "operations that failed", "processes killed"):  # fmt: skip
        print(f"  {name}: {counts[name]:,}")
    print(f"  faults: {sum(run.faults.values()):,} ({', '.join(f'{n} {k}' for k, n in run.faults.most_common())})")
    print(f"  histories checked: {counts['histories']:,}, the largest with {run.report.largest:,} operations"
          f" ({counts['histories not decided']} not decided)")  # fmt: skip
    print(f"  histories replayed through the model: {counts['histories replayed through the model']}"
          f" ({counts['replays not decided']} not decided)")  # fmt: skip
    print(f"  violations: {len(run.report.violations)}")
    for text in run.report.violations[:10]:
        print(f"\n{text[:LONGEST_VIOLATION]}")


def keep_traces(folder: pathlib.Path, where: pathlib.Path | None) -> None:
    if where:
        shutil.copytree(folder, where, ignore=shutil.ignore_patterns("buckets", "cache-*"), dirs_exist_ok=True)
        print(f"  traces: {where}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev torture")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--round", choices=[kind.name for kind in kinds()], help="rounds of this kind only")
    parser.add_argument("--replays", type=int, default=1, help="objects of a round for the formal model: 1, of every third")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the traces; those of a violation stay anyway")
    arguments = parser.parse_args()
    print(f"torture: seed {arguments.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers end with it
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nacre-torture-", dir=base))
    began = time.monotonic()
    try:
        run = Run(arguments, folder)
        try:
            try:
                run.run()
            finally:
                run.stop()
            print_report(run, time.monotonic() - began)
        finally: # also where it is ended before its time
            keep_traces(folder, arguments.keep or (BUILD / f"torture-{arguments.seed}" if run.report.violations else None))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if run.report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
