# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Configuration for a block of code."""

from __future__ import annotations

import functools
import inspect
import json
import os
import re
import threading
import warnings
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Callable

from . import _lib
from .drivers import raster_driver_extensions
from .errors import EnvError, GDALVersionError, RasterioDeprecationWarning
from .session import AWSSession, DummySession, Session

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

# GDAL's options that make GDAL faster or keep it from asking too much: nacre does so without being told.
_NEEDLESS = frozenset(
    """
    CPL_VSIL_CURL_ALLOWED_EXTENSIONS CPL_VSIL_CURL_CACHE_SIZE CPL_VSIL_CURL_CHUNK_SIZE CPL_VSIL_CURL_NON_CACHED
    CPL_VSIL_CURL_USE_HEAD GDAL_BAND_BLOCK_CACHE GDAL_CACHEMAX GDAL_DISABLE_READDIR_ON_OPEN GDAL_FORCE_CACHING
    GDAL_HTTP_MERGE_CONSECUTIVE_RANGES GDAL_HTTP_MULTIPLEX GDAL_HTTP_MULTIRANGE GDAL_HTTP_VERSION
    GDAL_INGESTED_BYTES_AT_OPEN GDAL_MAX_DATASET_POOL_SIZE GDAL_NUM_THREADS GDAL_TIFF_INTERNAL_MASK
    GTIFF_IMPLICIT_JPEG_OVR RASTERIO_ENV VSI_CACHE VSI_CACHE_SIZE
    """.split()
)

# Keys of nacre without a dot in them.
_WORDS = {"cache", "sidecars", "sources", "threads", "timeout", "unproven"}


def _key(name: str) -> str | None:
    """nacre's key of an option, or None: it has no effect, and if it should have one there is a warning."""
    key = name.lower() if "." in name or name in _WORDS else _SAME.get(name.upper())
    if key is None and name.upper() not in _NEEDLESS:
        warnings.warn(f"{name} has no effect in nacre", stacklevel=_lib.outer_level())
    return key


def _value(value: Any) -> str:
    if isinstance(value, dict):  # cache.policy
        return json.dumps(value)
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _settings(options: dict[str, Any]) -> dict[str, str]:
    """nacre's keys and values of options under any names."""
    keys = ((_key(name), value) for name, value in options.items() if value is not None)
    return {key: _value(value) for key, value in keys if key is not None}


class _Holding:
    """All options that hold inside of an ``Env``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def get_config_options(self) -> dict[str, Any]:
        return dict(self.options)


class ThreadEnv(threading.local):
    """What each thread has to itself: the environment that holds, or None."""

    _env: _Holding | None = None


local = ThreadEnv()


class Env:
    """Options that hold inside a ``with`` block, in this thread. Blocks nest; an inner one adds to the outer one.

    Those of the main thread hold in threads without an ``Env`` of their own, too.

    Parameters
    ----------
    session
        Whose credentials to use: one of ``nacre.session``. Without one nacre looks for credentials by itself.
    aws_unsigned
        Requests to Amazon are not signed.
    profile_name
        A profile in Amazon's shared files.
    session_class
        What makes a session where none is given; by default one for Amazon where the environment has a key.
    **options
        nacre's keys (``**{"gs.endpoint": "http://..."}``), or GDAL's names where nacre has the same thing
        (``GS_NO_SIGN_REQUEST=True``). Those that only make GDAL faster are taken without a word; others warn that they
        have no effect.

    Raises
    ------
    ValueError
        On entering the block: there is no such key, or it does not take such a value.

    Attributes
    ----------
    options, session
        As given.
    context_options : dict
        Options of the outer environment, once the block is entered.
    """

    def __init__(
        self,
        session: Any = None,
        aws_unsigned: bool = False,
        profile_name: str | None = None,
        session_class: Callable[..., Session] = Session.from_environ,
        **options: Any,
    ) -> None:
        told = {name: options.pop(name) for name in _SESSION_ARGUMENTS & options.keys()}
        self._is_found = False  # the session is one of the environment, which nacre looks into by itself
        if isinstance(session, Session):
            self.session = session
        elif session is not None:
            _deprecated("a session of boto3's: give nacre.session.AWSSession(session)")
            self.session = AWSSession(session)
        elif told or aws_unsigned or profile_name:
            if told:
                _deprecated("keyword arguments of sessions: give nacre.session.AWSSession(...)")
            self.session = AWSSession(aws_unsigned=aws_unsigned or None, profile_name=profile_name, **told)
        else:
            self.session = session_class()
            self._is_found = session_class is Session.from_environ
        self.options = options
        self.context_options: dict[str, Any] = {}
        self._settings = _settings(options)
        self._outer: list[tuple[_Holding | None, _lib.Settings | None]] = []

    @classmethod
    def default_options(cls) -> dict[str, Any]:
        """Rasterio's defaults; they have no effect here."""
        return {"GTIFF_IMPLICIT_JPEG_OVR": False, "RASTERIO_ENV": True}

    @classmethod
    def from_defaults(cls, *args: Any, **kwargs: Any) -> Env:
        """An environment with ``default_options``, and others."""
        return cls(*args, **{**cls.default_options(), **kwargs})

    def credentialize(self) -> None:
        """Set the session's credentials in the environment that holds."""
        setenv(**self.session.get_credential_options())

    def drivers(self) -> dict[str, str]:
        """The formats that can be read or written, by GDAL's names."""
        names = {"GTiff": "GeoTIFF", "COG": "Cloud optimized GeoTIFF generator", "VRT": "Virtual Raster"}
        return {**names, **{name: name for name in raster_driver_extensions().values() if name not in names}}

    def __enter__(self) -> Env:
        credentials = self.session.get_credential_options()
        told = {} if self._is_found else _settings(credentials)
        new = _with({**told, **self._settings}, self.options)
        holding = local._env
        self.context_options = holding.get_config_options() if holding else {}
        if self._is_found and AWSSession.hascreds(self.context_options):
            credentials = {}  # the outer one's hold
        self._outer.append((holding, _lib.hold(new)))
        local._env = _Holding({**self.context_options, **self.options, **credentials})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        local._env, outer = self._outer.pop()
        _lib.hold(outer)


def _with(changed: dict[str, str], options: dict[str, Any]) -> _lib.Settings:
    """The settings that hold, with others: nacre's keys, and the options as they were given."""
    held = _lib.settings()
    keys = {**held.options, **changed}
    return _lib.Settings(keys, _lib.config(keys), {**held.named, **_named(options)})


def _named(options: dict[str, Any]) -> dict[str, Any]:
    words = {True: "ON", False: "OFF"}
    return {name.upper(): words[v] if isinstance(v, bool) else str(v) for name, v in options.items() if v is not None}


_SESSION_ARGUMENTS = {
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "region_name",
    "endpoint_url",
    "requester_pays",
}


def _deprecated(what: str) -> None:
    warnings.warn(f"deprecated: {what}", RasterioDeprecationWarning, stacklevel=_lib.outer_level())


# --- the environment that holds ---


def hasenv() -> bool:
    """Whether this is inside of an ``Env``."""
    return local._env is not None


def getenv() -> dict[str, Any]:
    """The options of the ``Env`` that holds, with those of the outer ones.

    Raises
    ------
    EnvError
        There is none.
    """
    if local._env is None:
        raise EnvError("this is not inside of a nacre.Env")
    return local._env.get_config_options()


def setenv(**options: Any) -> None:
    """Set options in the ``Env`` that holds.

    Raises
    ------
    EnvError
        There is none.
    """
    all_options = {**getenv(), **options}
    _lib.hold(_with(_settings(options), options))
    local._env = _Holding(all_options)


def defenv(**options: Any) -> None:
    """Begin an environment that nobody ends but ``delenv``."""
    local._env = _Holding({})
    setenv(**options)


def delenv() -> None:
    """End the environment that holds, with all its options.

    Raises
    ------
    EnvError
        There is none.
    """
    getenv()
    local._env = None
    _lib.hold(None)


def hascreds() -> bool:
    """Whether the environment that holds has credentials for Amazon; Rasterio will take this away."""
    _deprecated("hascreds: use Env.session.hascreds")
    return hasenv() and AWSSession.hascreds(getenv())


def get_gdal_config(key: str, normalize: bool = True) -> Any:
    """An option that holds in this thread, or the environment's variable of this name; None where there is neither.

    Parameters
    ----------
    key
        Its name, in upper or lower case.
    normalize
        "ON" and "OFF" as bool, digits as int; otherwise the text.
    """
    value = _lib.settings().named.get(key.upper(), os.environ.get(key))
    if not normalize or value is None:
        return value
    return int(value) if value.isdecimal() else {"ON": True, "OFF": False}.get(value, value)


def set_gdal_config(key: str, val: Any, normalize: bool = True) -> None:
    """Set an option until the ``Env`` around ends. In the main thread it holds for threads without an ``Env``, too.

    Parameters
    ----------
    key, val
        As options of ``Env``.
    normalize
        True and False become "ON" and "OFF".
    """
    value = val if normalize else str(val)
    _lib.hold(_with(_settings({key: value}), {key: value}))


class NullContextManager:
    """A ``with`` block that does nothing."""

    def __enter__(self) -> NullContextManager:
        return self

    def __exit__(self, *args: object) -> None:
        pass


def env_ctx_if_needed() -> Any:
    """An ``Env`` where there is none yet, else nothing."""
    return NullContextManager() if hasenv() else Env.from_defaults()


def ensure_env(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which then runs inside of an ``Env``."""

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with env_ctx_if_needed():
            return f(*args, **kwargs)

    return wrapper


def ensure_env_with_credentials(f: Callable[..., Any]) -> Callable[..., Any]:
    """As ``ensure_env``; ``getenv`` tells the environment's credentials where the first argument is a store's path.

    nacre looks for credentials by itself, with and without.
    """

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with NullContextManager() if hasenv() else Env.from_defaults(session=DummySession()):
            path = args[0] if args else kwargs.get("fp")
            if not AWSSession.hascreds(getenv()):
                local._env = _Holding({**getenv(), **Session.from_path(path).get_credential_options()})
            return f(*args, **kwargs)

    return wrapper


ensure_env_credentialled = ensure_env_with_credentials


# --- versions of GDAL, which programs ask for ---

# The newest GDAL whose behaviour nacre was held against.
_GDAL_VERSION = "3.12.2"


@dataclass(frozen=True, order=True)
class GDALVersion:
    """A version of GDAL."""

    major: int = 0
    minor: int = 0
    patch: int = 0

    @classmethod
    def parse(cls, input: Any, include_patch: bool = False) -> GDALVersion:
        """A version of a text such as "3.12.2"; the patch is left out unless it is asked for.

        Raises
        ------
        ValueError
            It is not a version.
        TypeError
            It is not a text.
        """
        if isinstance(input, cls):
            return input
        if isinstance(input, tuple):
            input = ".".join(map(str, input))
        if not isinstance(input, str):
            raise TypeError("GDALVersion can only be parsed from a string or tuple")
        match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", input)
        if not match:
            raise ValueError(f"not a version of GDAL: {input}")
        return cls(int(match[1]), int(match[2]), int(match[3] or 0) if include_patch else 0)

    @classmethod
    def runtime(cls, include_patch: bool = False) -> GDALVersion:
        """The version whose behaviour nacre has."""
        return cls.parse(gdal_version(), include_patch)

    def at_least(self, other: Any, include_patch: bool = False) -> bool:
        """Whether this version is another, or a later one."""
        return self >= GDALVersion.parse(other, include_patch)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def require_gdal_version(
    version: str, param: str | None = None, values: Any = None, is_max_version: bool = False, reason: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: the function, or one of its parameters or their values, needs a version of GDAL.

    Raises
    ------
    GDALVersionError
        When the function is called: nacre behaves as another version.
    ValueError
        ``version`` is none, or ``values`` is no tuple, list or set, or without ``param``.
    """
    if values is not None and not isinstance(values, (tuple, list, set)):
        raise ValueError(f"values must be a tuple, a list or a set: {values!r}")
    if values is not None and param is None:
        raise ValueError("values are those of a param, and none is given")
    wanted = GDALVersion.parse(version, include_patch=True)
    runtime = GDALVersion.runtime(include_patch=True)
    is_met = runtime <= wanted if is_max_version else runtime >= wanted
    relation = f"GDAL {'<=' if is_max_version else '>='} {wanted}"

    def decorator(f: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(f) if param else inspect.Signature()
        default = signature.parameters[param].default if param and param in signature.parameters else None

        @functools.wraps(f)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            value = signature.bind_partial(*args, **kwargs).arguments.get(param, default) if param else None
            is_used = param is None or (value != default if values is None else value in values)
            if is_used and not is_met:
                what = f"{f.__name__}:" if param is None else f"{f.__name__}: {param}={value}:"
                raise GDALVersionError(f"{what} needs {relation}" + (f"\n{reason}" if reason else ""))
            return f(*args, **kwargs)

        return wrapper

    return decorator


def gdal_version() -> str:
    """The version of GDAL whose behaviour nacre has."""
    return _GDAL_VERSION
