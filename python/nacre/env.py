# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Configuration for a block of code."""

from __future__ import annotations

import json
import warnings
from types import TracebackType
from typing import Any

from . import _later, _lib

# GDAL's and Rasterio's names for what nacre has too.
_SAME = {
    "AZURE_NO_SIGN_REQUEST": "az.no_sign_request",
    "AZURE_AUTHORITY_HOST": "az.authority_host",
    "AZURE_CLIENT_ID": "az.client_id",
    "AZURE_CLIENT_SECRET": "az.client_secret",
    "AZURE_FEDERATED_TOKEN_FILE": "az.federated_token_file",
    "AZURE_STORAGE_ACCESS_KEY": "az.access_key",
    "AZURE_STORAGE_ACCESS_TOKEN": "az.access_token",
    "AZURE_STORAGE_ACCOUNT": "az.account",
    "AZURE_STORAGE_CONNECTION_STRING": "az.connection_string",
    "AZURE_STORAGE_SAS_TOKEN": "az.sas_token",
    "AZURE_TENANT_ID": "az.tenant_id",
    "CPL_GS_ENDPOINT": "gs.endpoint",
    "GS_NO_SIGN_REQUEST": "gs.no_sign_request",
    "GS_USER_PROJECT": "gs.billing_project",
    "GOOGLE_APPLICATION_CREDENTIALS": "gs.credentials",
    "GS_ACCESS_KEY_ID": "gs.hmac_access_id",
    "GS_SECRET_ACCESS_KEY": "gs.hmac_secret",
    "AWS_S3_ENDPOINT": "s3.endpoint",
    "AWS_HTTPS": "s3.https",
    "AWS_VIRTUAL_HOSTING": "s3.addressing",
    "AWS_REGION": "s3.region",
    "AWS_DEFAULT_REGION": "s3.region",
    "AWS_PROFILE": "s3.profile",
    "AWS_DEFAULT_PROFILE": "s3.profile",
    "AWS_ACCESS_KEY_ID": "s3.access_key_id",
    "AWS_SECRET_ACCESS_KEY": "s3.secret_access_key",
    "AWS_SESSION_TOKEN": "s3.session_token",
    "AWS_NO_SIGN_REQUEST": "s3.no_sign_request",
    "AWS_REQUEST_PAYER": "s3.requester_pays",
    "GDAL_HTTP_MAX_RETRY": "http.retries",
    "GDAL_HTTP_RETRY_DELAY": "http.retry_delay",
    "GDAL_HTTP_CONNECTTIMEOUT": "http.connect_timeout",
    "GDAL_HTTP_CAINFO": "http.ca_bundle",
    "GDAL_CURL_CA_BUNDLE": "http.ca_bundle",
    "CURL_CA_BUNDLE": "http.ca_bundle",
    "SSL_CERT_FILE": "http.ca_bundle",
    "GDAL_HTTP_SSLCERT": "http.client_certificate",
    "GDAL_HTTP_SSLKEY": "http.client_key",
    "GDAL_HTTP_KEYPASSWD": "http.client_key_password",
    "GDAL_HTTP_PROXY": "http.proxy",
    "GDAL_HTTPS_PROXY": "http.https_proxy",
    "GDAL_HTTP_PROXYUSERPWD": "http.proxy_userpwd",
    "GDAL_HTTP_AUTH": "http.auth",
    "GDAL_HTTP_BEARER": "http.bearer",
    "GDAL_HTTP_USERPWD": "http.userpwd",
    "GDAL_HTTP_NETRC": "http.netrc",
    "GDAL_HTTP_NETRC_FILE": "http.netrc_file",
    "GDAL_HTTP_HEADERS": "http.headers",
    "GDAL_HTTP_HEADER_FILE": "http.header_file",
}

# Keys of nacre without a dot in them.
_WORDS = {"cache", "sidecars", "sources", "threads", "timeout", "unproven"}


def _key(name: str) -> str | None:
    """nacre's key of an option, or None with a warning for an option without effect."""
    key = name.lower() if "." in name or name in _WORDS else _SAME.get(name.upper())
    if key is None:
        warnings.warn(f"{name} has no effect in nacre", stacklevel=3)
    return key


def _value(value: Any) -> str:
    if isinstance(value, dict):  # cache.policy
        return json.dumps(value)
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


class Env:
    """Options that hold inside a ``with`` block, in this thread. Blocks nest; an inner one adds to the outer one.

    Parameters
    ----------
    session
        Rasterio's sessions are not built yet; give options such as ``gs.access_token``.
    **options
        nacre's keys (``**{"gs.endpoint": "http://..."}``), or GDAL's names where nacre has the same thing
        (``GS_NO_SIGN_REQUEST=True``). Others warn that they have no effect.

    Raises
    ------
    ValueError
        On entering the block: there is no such key, or it does not take such a value.
    """

    def __init__(self, session: Any = None, **options: Any) -> None:
        if session is not None:
            raise NotImplementedError("sessions are not built yet: give options such as gs.access_token")
        self._options: dict[str, str] = {}
        for name, value in options.items():
            key = _key(name)
            if key is not None:
                self._options[key] = _value(value)
        self._outer: list[tuple[dict[str, str], Any]] = []

    def __enter__(self) -> Env:
        settings = _lib.settings
        options = {**settings.options, **self._options}
        config = _lib.config(options)
        self._outer.append((settings.options, settings.config))
        settings.options, settings.config = options, config
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        _lib.settings.options, _lib.settings.config = self._outer.pop()


__getattr__ = _later.names(
    __name__,
    "GDALVersion NullContextManager ThreadEnv defenv delenv ensure_env ensure_env_with_credentials env_ctx_if_needed"
    " getenv hascreds hasenv local require_gdal_version setenv",
)
