# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The emulator's S3 interface answers as docs/internals/emulator.md says: boto3, raw requests, stock GDAL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Emulator, need

pytestmark = pytest.mark.sanitized


def client_of(url: str, **options: Any) -> Any:
    """Amazon's own client on a server of this machine."""
    need("boto3")
    import boto3
    from botocore.config import Config

    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **options.pop("config", {}))
    named = {"aws_access_key_id": "id", "aws_secret_access_key": "secret", "region_name": "us-east-1", **options}
    return boto3.client("s3", endpoint_url=url, config=config, **named)


@pytest.fixture
def s3(emulator: Emulator) -> Any:
    return client_of(emulator.url)


def code(call: Callable[..., Any], **arguments: Any) -> tuple[int, str]:
    """Status and code of the error that a call of boto3 ends with."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


# --- Objects ---------------------------------------------------------------------------------------------------------


def test_what_one_interface_writes_the_other_reads(emulator: Emulator, s3: Any) -> None:
    s3.put_object(Bucket="demo", Key="a/ü b", Body=b"from S3", Metadata={"who": "amazon"}, ContentType="text/x-a")
    resource = emulator.resource("demo", "a/ü b")
    assert (resource["size"], resource["metadata"], resource["contentType"]) == ("7", {"who": "amazon"}, "text/x-a")
    emulator.put("demo", "b", b"from Google")
    answer = s3.get_object(Bucket="demo", Key="b")
    assert (answer["Body"].read(), answer["ContentLength"]) == (b"from Google", 11)
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="demo")["Contents"]] == ["a/ü b", "b"]
    s3.delete_object(Bucket="demo", Key="b")
    assert emulator.request("GET", "/storage/v1/b/demo/o/b").status == 404


def test_missing_things_have_their_own_codes(s3: Any) -> None:
    assert code(s3.get_object, Bucket="demo", Key="none") == (404, "NoSuchKey")
    assert code(s3.get_object, Bucket="none", Key="none") == (404, "NoSuchBucket")
    assert code(s3.head_object, Bucket="demo", Key="none") == (404, "404")
    assert code(s3.list_objects_v2, Bucket="none") == (404, "NoSuchBucket")
    assert s3.delete_object(Bucket="demo", Key="none")["ResponseMetadata"]["HTTPStatusCode"] == 204
