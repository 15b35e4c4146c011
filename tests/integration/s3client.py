# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Amazon's own client on servers of this machine."""

from __future__ import annotations

import http.client
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Answer, need


def client_of(url: str, signed: bool = True, **options: Any) -> Any:
    """boto3's client; options are its own (region_name=, aws_session_token=)."""
    need("boto3")
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    settings = {"s3": {"addressing_style": "path"}, "retries": {"total_max_attempts": 1}}
    settings["signature_version"] = "s3v4" if signed else UNSIGNED
    named = {"aws_access_key_id": "id", "aws_secret_access_key": "secret", "region_name": "us-east-1", **options}
    return boto3.client("s3", endpoint_url=url, config=Config(**settings), **named)


def code(call: Callable[..., Any], **arguments: Any) -> tuple[int, str]:
    """Status and code of the error that a call of boto3 ends with."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def send(method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """One request as it is given (body: bytes, or an iterator for Transfer-Encoding: chunked), on a connection of its own."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        in_chunks = body is not None and not isinstance(body, bytes)
        connection.request(method, target, body, headers or {}, encode_chunked=in_chunks)
        response = connection.getresponse()
        return Answer(response, response.read())
    finally:
        connection.close()


def error_code(answer: Answer) -> str:
    """The code in an error's XML."""
    return answer.body.decode().split("<Code>")[1].split("</Code>")[0]
