# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Sessions: whose credentials an ``Env`` uses. Without one nacre looks for credentials by itself."""

from __future__ import annotations

import importlib.util
import os
from typing import Any, Callable, ClassVar, Mapping


def parse_bool(v: Any) -> bool:
    """What GDAL takes for no: "no", "false", "off", "0"; all else is yes."""
    return v.lower() not in ("no", "false", "off", "0") if isinstance(v, str) else bool(v)


class Session:
    """Credentials for one kind of store, as options under GDAL's names."""

    _options: dict[str, Any]
    # Sets of options each of which is enough to be somebody.
    _enough: ClassVar[tuple[frozenset[str], ...]] = ()
    _unsigned: ClassVar[str] = ""

    def __init__(self) -> None:
        self._options = {}

    @property
    def credentials(self) -> dict[str, Any]:
        """The options, in lower case."""
        return {name.lower(): value for name, value in self._options.items()}

    def get_credential_options(self) -> dict[str, Any]:
        """Options for an ``Env`` under GDAL's names."""
        return dict(self._options)

    @classmethod
    def hascreds(cls, config: Mapping[str, Any]) -> bool:
        """Whether these options, under GDAL's names, are enough for this kind of store."""
        if cls._unsigned and parse_bool(config.get(cls._unsigned, False)):
            return True
        return any(all(config.get(name) for name in names) for names in cls._enough)

    @staticmethod
    def cls_from_path(path: Any) -> Callable[..., Session]:
        """The class of sessions for a path."""
        text = str(os.fspath(path)) if isinstance(path, (str, os.PathLike)) else ""
        scheme, _, rest = text.partition("://")
        if scheme == "https" and rest.partition("/")[0].endswith(".amazonaws.com"):
            return AWSSession
        schemes: dict[str, type[Session]] = {"s3": AWSSession, "oss": OSSSession, "az": AzureSession}
        return schemes.get(scheme, DummySession)

    @staticmethod
    def from_path(path: Any, *args: Any, **kwargs: Any) -> Session:
        """A session for a path, of the arguments of its class."""
        return Session.cls_from_path(path)(*args, **kwargs)

    @staticmethod
    def from_foreign_session(session: Any, cls: Callable[..., Session] | None = None) -> Session:
        """A session around one of another package, such as boto3's."""
        return (cls or DummySession)(session) if session is not None or cls else DummySession()

    @staticmethod
    def aws_or_dummy(*args: Any, **kwargs: Any) -> Session:
        """A session for Amazon where boto3 is installed, else none."""
        return AWSSession(*args, **kwargs) if importlib.util.find_spec("boto3") else DummySession(*args, **kwargs)

    @staticmethod
    def from_environ(*args: Any, **kwargs: Any) -> Session:
        """A session of the environment: for Amazon where its variables tell a key, else none."""
        is_aws = bool(os.environ.get("AWS_ACCESS_KEY_ID") and os.environ.get("AWS_SECRET_ACCESS_KEY"))
        return AWSSession(*args, **kwargs) if is_aws else DummySession(*args, **kwargs)


class DummySession(Session):
    """No credentials but what nacre finds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    @classmethod
    def hascreds(cls, config: Mapping[str, Any]) -> bool:
        """Always."""
        return True


class AWSSession(Session):
    """Credentials for Amazon and what speaks its language.

    Parameters
    ----------
    session
        A session of boto3's, whose credentials and region are taken as they are now.
    aws_unsigned
        Requests are not signed.
    aws_access_key_id, aws_secret_access_key, aws_session_token
        A key.
    region_name, profile_name, endpoint_url
        Region, profile in the shared files, and where the store is.
    requester_pays
        The one who asks pays.
    """

    _enough = (frozenset(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),)
    _unsigned = "AWS_NO_SIGN_REQUEST"

    def __init__(
        self,
        session: Any = None,
        aws_unsigned: bool | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        region_name: str | None = None,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        requester_pays: bool = False,
    ) -> None:
        super().__init__()
        self._session = session
        if aws_unsigned is None:
            aws_unsigned = parse_bool(os.environ.get("AWS_NO_SIGN_REQUEST", False))
        self.unsigned = aws_unsigned
        if aws_unsigned:
            self._options["AWS_NO_SIGN_REQUEST"] = "YES"
        elif session is not None:
            self._take(session)
        told = {
            "AWS_ACCESS_KEY_ID": aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": aws_secret_access_key,
            "AWS_SESSION_TOKEN": aws_session_token,
            "AWS_REGION": region_name,
            "AWS_PROFILE": profile_name,
            "AWS_REQUEST_PAYER": "requester" if requester_pays else None,
            "AWS_S3_ENDPOINT": endpoint_url,
        }
        self._options.update({name: value for name, value in told.items() if value is not None})

    def _take(self, session: Any) -> None:
        credentials = session.get_credentials()
        if credentials is not None:
            frozen = credentials.get_frozen_credentials()
            self._options.update(AWS_ACCESS_KEY_ID=frozen.access_key, AWS_SECRET_ACCESS_KEY=frozen.secret_key)
            if frozen.token:
                self._options["AWS_SESSION_TOKEN"] = frozen.token
        if session.region_name:
            self._options["AWS_REGION"] = session.region_name


class GSSession(Session):
    """Credentials for Google: a file of a service account or of another kind."""

    _enough = (
        frozenset(("GOOGLE_APPLICATION_CREDENTIALS",)),
        frozenset(("GS_ACCESS_KEY_ID", "GS_SECRET_ACCESS_KEY")),
    )
    _unsigned = "GS_NO_SIGN_REQUEST"

    def __init__(self, google_application_credentials: str | None = None) -> None:
        super().__init__()
        path = google_application_credentials or os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        if path:
            self._options["GOOGLE_APPLICATION_CREDENTIALS"] = path


class AzureSession(Session):
    """Credentials for Azure: a connection string, or an account with a key, a token, a SAS, or an identity."""

    _enough = (
        frozenset(("AZURE_STORAGE_CONNECTION_STRING",)),
        frozenset(("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCESS_KEY")),
        frozenset(("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCESS_TOKEN")),
        frozenset(("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_SAS_TOKEN")),
        frozenset(("AZURE_STORAGE_ACCOUNT", "AZURE_NO_SIGN_REQUEST")),
    )

    def __init__(
        self,
        azure_storage_connection_string: str | None = None,
        azure_storage_account: str | None = None,
        azure_storage_access_token: str | None = None,
        azure_storage_access_key: str | None = None,
        azure_storage_sas_token: str | None = None,
        azure_unsigned: bool = False,
        azure_tenant_id: str | None = None,
        azure_client_id: str | None = None,
        azure_federated_token_file: str | None = None,
        azure_authority_host: str | None = None,
    ) -> None:
        super().__init__()
        told = {
            "AZURE_STORAGE_CONNECTION_STRING": azure_storage_connection_string,
            "AZURE_STORAGE_ACCOUNT": azure_storage_account,
            "AZURE_STORAGE_ACCESS_TOKEN": azure_storage_access_token,
            "AZURE_STORAGE_ACCESS_KEY": azure_storage_access_key,
            "AZURE_STORAGE_SAS_TOKEN": azure_storage_sas_token,
            "AZURE_TENANT_ID": azure_tenant_id,
            "AZURE_CLIENT_ID": azure_client_id,
            "AZURE_FEDERATED_TOKEN_FILE": azure_federated_token_file,
            "AZURE_AUTHORITY_HOST": azure_authority_host,
            "AZURE_NO_SIGN_REQUEST": "YES" if azure_unsigned else None,
        }
        self.unsigned = azure_unsigned
        self._options.update({name: value for name, value in told.items() if value is not None})


class OSSSession(Session):
    """Credentials for Alibaba's store, which nacre does not have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("nacre has no store for oss://; its S3 interface may do: give s3.endpoint")


class SwiftSession(Session):
    """Credentials for OpenStack's store, which nacre does not have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("nacre has no store for swift://; its S3 interface may do: give s3.endpoint")
