# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The clients around nacre: Google's and Amazon's own, which open, change and list the same objects in a process of
their own, and record what they saw. Told what to do by lines of JSON on standard input, one for each round."""

from __future__ import annotations

import json
import pathlib
import random
import struct
import sys
import threading
import time
from typing import Any

import numpy as np

NO_VALUE = 2**32 - 1
HEADER, TILE_BYTES = 1024, 64 * 64 * 16
MIX = 2654435761
MORE, FEW = 9 << 20, 509


def content(value: int) -> bytes:
    """What content.c makes of a value."""
    height = 64 * (2 + value * MIX % 2**32 % 3)
    tiles = 2 * height // 64
    size = HEADER + tiles * TILE_BYTES + (0 if value % FEW else MORE)
    units = np.empty((size // 16, 4), "<u4")
    units[:, 0], units[:, 1], units[:, 3] = value, value * MIX % 2**32, value ^ NO_VALUE
    units[:, 2] = np.arange(len(units))
    header = bytearray(320)
    header[:10] = b"II*\0\10\0\0\0" + struct.pack("<H", 14)
    short, long, text = 3, 4, 2
    entries = [
        (256, long, 1, 128), (257, long, 1, height), (258, short, 4, 192), (259, short, 1, 1), (262, short, 1, 1),
        (270, text, 17, 224), (277, short, 1, 4), (284, short, 1, 1), (322, short, 1, 64), (323, short, 1, 64),
        (324, long, tiles, 256), (325, long, tiles, 288), (338, short, 3, 200), (339, short, 4, 208),
    ]  # fmt: skip
    for number, entry in enumerate(entries):
        struct.pack_into("<HHII", header, 10 + 12 * number, *entry)
    struct.pack_into("<4H", header, 192, 32, 32, 32, 32)
    struct.pack_into("<4H", header, 208, 1, 1, 1, 1)
    header[224:240] = b"value=%010d" % value
    struct.pack_into(f"<{tiles}I", header, 256, *(HEADER + i * TILE_BYTES for i in range(tiles)))
    struct.pack_into(f"<{tiles}I", header, 288, *[TILE_BYTES] * tiles)
    return bytes(header) + units.tobytes()[320:]


class Missing(Exception):
    """There is no such object."""


class Google:
    """google-cloud-storage, which repeats nothing: a value is put once."""

    def __init__(self, url: str, bucket: str) -> None:
        from google.api_core.client_options import ClientOptions
        from google.api_core.exceptions import NotFound
        from google.cloud import storage
        from google.oauth2.credentials import Credentials

        client = storage.Client(
            project="p", credentials=Credentials(token="any"), client_options=ClientOptions(api_endpoint=url)
        )
        self.bucket, self.missing = client.bucket(bucket), NotFound
        self.options: dict[str, Any] = {"retry": None, "timeout": 20}

    def put(self, key: str, data: bytes) -> str:
        blob = self.bucket.blob(key)
        blob.upload_from_string(data, **self.options)
        return f"generation={blob.generation}"

    def get(self, key: str) -> bytes:
        return bytes(self.bucket.blob(key).download_as_bytes(**self.options))

    def delete(self, key: str) -> None:
        self.bucket.blob(key).delete(**self.options)

    def keys(self, prefix: str) -> list[str]:
        return [blob.name for blob in self.bucket.client.list_blobs(self.bucket, prefix=prefix, **self.options)]


class Amazon:
    """boto3, which repeats nothing."""

    def __init__(self, url: str, bucket: str) -> None:
        import boto3
        from botocore.config import Config

        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, read_timeout=20)
        self.client = boto3.client(
            "s3", endpoint_url=url, config=config, aws_access_key_id="id", aws_secret_access_key="secret",
            region_name="us-east-1",
        )  # fmt: skip
        self.bucket, self.missing = bucket, self.client.exceptions.NoSuchKey

    def put(self, key: str, data: bytes) -> str:
        return f"etag={self.client.put_object(Bucket=self.bucket, Key=key, Body=data)['ETag']}"

    def get(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def keys(self, prefix: str) -> list[str]:
        answer = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in answer.get("Contents", [])]


class Worker:
    """One client in one thread. What it does follows from the seed, its number and the count of its operations."""

    def __init__(self, plan: dict[str, Any], number: int, client: Any) -> None:
        self.plan, self.number, self.client = plan, number, client
        self.process = f"outside{number}"
        self.trace = (pathlib.Path(plan["folder"]) / f"{self.process}-0.jsonl").open("ab", buffering=0)
        self.records = self.values = self.operations = 0

    def write(self, event: str, phase: str, key: str, op: int, at: int, **more: Any) -> None:
        line = {"time": at, "process": self.process, "via": "outside", "object": key, "event": event, "op": op}
        self.trace.write((json.dumps({**line, "phase": phase, **more}) + "\n").encode())

    def run(self) -> None:
        while time.monotonic_ns() < self.plan["end"]:
            chance = random.Random(f"{self.plan['seed']} {self.number} {self.operations}")
            self.operations += 1
            time.sleep(chance.random() * self.plan["pause"])
            epoch = (time.monotonic_ns() - self.plan["start"]) // self.plan["epoch"]
            slot = chance.choice([0, *range(self.plan["slots"])])
            weights = {self.put: 5, self.delete: 2, self.get: 4, self.list: 1}
            chance.choices(list(weights), list(weights.values()))[0](f"t/{epoch}/{slot}.tif")
        self.trace.close()

    def change(self, event: str, key: str, call: Any, **more: Any) -> None:
        self.records += 1
        op, told = self.records, {"outcome": "unknown", "status": 9}
        self.write(event, "begun", key, op, time.monotonic_ns(), **more)
        try:
            version = call()
            told = {"outcome": "done", "status": 0, **({"version": version} if version else {})}
        except self.client.missing:
            told = {"outcome": "not-done", "status": 1}
        except Exception:  # whatever a client makes of a lost answer: it may have happened
            pass
        self.write(event, "ended", key, op, time.monotonic_ns(), **told)

    def put(self, key: str) -> None:
        self.values += 1
        value = self.number << 20 | self.values
        data = content(value)
        self.change("put", key, lambda: self.client.put(key, data), value=value)

    def delete(self, key: str) -> None:
        self.change("delete", key, lambda: self.client.delete(key))

    def look(self, event: str, key: str, call: Any) -> tuple[Any, int, int, dict[str, Any]]:
        begun = time.monotonic_ns()
        told: dict[str, Any] = {"outcome": "ok", "status": 0}
        seen = None
        try:
            seen = call()
        except self.client.missing:
            told = {"outcome": "absent", "status": 1}
        except Exception:
            told = {"outcome": "failed", "status": 9}
        return seen, begun, time.monotonic_ns(), told

    def get(self, key: str) -> None:
        data, begun, ended, told = self.look("stat", key, lambda: self.client.get(key))
        if data is not None:
            told["value"] = value = int.from_bytes(data[-16:-12], "little")
            if data != content(value):
                told["values"] = [value, NO_VALUE]
        self.both("stat", key, begun, ended, told)

    def both(self, event: str, key: str, begun: int, ended: int, told: dict[str, Any]) -> None:
        self.records += 1
        self.write(event, "begun", key, self.records, begun)
        self.write(event, "ended", key, self.records, ended, **told)

    def list(self, key: str) -> None:
        prefix = key.rsplit("/", 1)[0] + "/"
        keys, begun, ended, told = self.look("list", key, lambda: self.client.keys(prefix))
        for slot in range(self.plan["slots"] if keys is not None else 0):
            name = f"{prefix}{slot}.tif"
            self.both("list", name, begun, ended, {**told, "outcome": "present" if name in keys else "absent"})


def main() -> None:
    for line in sys.stdin:
        plan = json.loads(line)
        workers = []
        for number, (kind, url) in enumerate(plan["clients"]):
            client = {"google": Google, "amazon": Amazon}[kind](url, plan["bucket"])
            workers.append(Worker(plan, (31 << 7) + number, client))
        threads = [threading.Thread(target=worker.run) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print("done", flush=True)


if __name__ == "__main__":
    main()
