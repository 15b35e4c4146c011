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
    """Credentials for one kind of store, as options under GDAL's names. Its subclasses know which."""

    _options: dict[str, Any]
    # Sets of options each of which is enough to be somebody.
    _enough: ClassVar[tuple[frozenset[str], ...]] = ()
    _unsigned: ClassVar[str] = ""

    def __init__(self) -> None:
        self._options = {}

    def _told(self, **options: Any) -> None:
        self._options.update({name: value for name, value in options.items() if value})

    @property
    def credentials(self) -> dict[str, Any]:
        """The options, in lower case."""
        return {name.lower(): value for name, value in self._options.items()}

    def get_credential_options(self) -> dict[str, Any]:
        """Options for an ``Env`` under GDAL's names; NotImplemented where no subclass says."""
        return NotImplemented if type(self) is Session else dict(self._options)

    @classmethod
    def hascreds(cls, config: Mapping[str, Any]) -> Any:
        """Whether these options, under GDAL's names, are enough for this kind of store.

        NotImplemented where no subclass says.
        """
        if cls is Session:
            return NotImplemented
        if cls._unsigned and parse_bool(config.get(cls._unsigned, False)):
            return True
        return any(all(config.get(name) for name in names) for names in cls._enough)

    @staticmethod
    def cls_from_path(path: Any) -> Callable[..., Session]:
        """The class of sessions for a path."""
        text = str(os.fspath(path)) if isinstance(path, (str, os.PathLike)) else ""
        scheme, _, rest = text.partition("://")
        if scheme == "https" and rest.partition("/")[0].endswith(".amazonaws.com"):
            is_signed = any(name in rest for name in ("X-Amz-Signature", "AWSAccessKeyId"))
            return DummySession if is_signed else AWSSession
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
    def hascreds(cls, config: Mapping[str, Any]) -> Any:
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

    Attributes
    ----------
    unsigned, requester_pays, endpoint_url
        As given.
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
        if aws_unsigned is None:
            aws_unsigned = parse_bool(os.environ.get("AWS_NO_SIGN_REQUEST", False))
        self.unsigned, self.requester_pays, self.endpoint_url = aws_unsigned, requester_pays, endpoint_url
        self._session = None if aws_unsigned else session
        if not aws_unsigned:
            self._told(
                AWS_ACCESS_KEY_ID=aws_access_key_id,
                AWS_SECRET_ACCESS_KEY=aws_secret_access_key,
                AWS_SESSION_TOKEN=aws_session_token,
            )
        self._told(
            AWS_REGION=region_name,
            AWS_PROFILE=profile_name,
            AWS_REQUEST_PAYER="requester" if requester_pays else None,
            AWS_S3_ENDPOINT=endpoint_url,
        )
        if self._session is None and not (aws_unsigned or aws_access_key_id or profile_name):
            self._of_environment()

    def _of_environment(self) -> None:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        key = {name: os.environ.get(name) for name in names}
        if self.hascreds({name: value for name, value in key.items() if value}):
            self._told(**key)

    @property
    def credentials(self) -> dict[str, Any]:
        """The options, in lower case; those of a session of boto3's as they are now."""
        taken = {} if self._session is None else _of_boto3(self._session)
        return {name.lower(): value for name, value in {**taken, **self._options}.items()}

    def get_credential_options(self) -> dict[str, Any]:
        """Options for an ``Env`` under GDAL's names."""
        unsigned = {"AWS_NO_SIGN_REQUEST": "YES"} if self.unsigned else {}
        return {**unsigned, **{name.upper(): value for name, value in self.credentials.items()}}


def _of_boto3(session: Any) -> dict[str, Any]:
    told = {"AWS_REGION": session.region_name}
    credentials = session.get_credentials()
    if credentials is not None:
        key = credentials.get_frozen_credentials()
        told.update(AWS_ACCESS_KEY_ID=key.access_key, AWS_SECRET_ACCESS_KEY=key.secret_key, AWS_SESSION_TOKEN=key.token)
    return {name: value for name, value in told.items() if value}


class GSSession(Session):
    """Credentials for Google: a file of a service account or of another kind."""

    _enough = (
        frozenset(("GOOGLE_APPLICATION_CREDENTIALS",)),
        frozenset(("GS_ACCESS_KEY_ID", "GS_SECRET_ACCESS_KEY")),
    )
    _unsigned = "GS_NO_SIGN_REQUEST"

    def __init__(self, google_application_credentials: str | None = None) -> None:
        super().__init__()
        self._told(GOOGLE_APPLICATION_CREDENTIALS=google_application_credentials)


class AzureSession(Session):
    """Credentials for Azure: a connection string, or an account with a key, a token, a SAS, or an identity.

    What is not given is taken from the environment's variables of the same names. A connection string is enough, then
    the order is: unsigned, token, key, SAS, identity.
    """

    _identity: ClassVar[tuple[str, ...]] = (
        "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST",
    )  # fmt: skip
    _enough = (
        frozenset(("AZURE_STORAGE_CONNECTION_STRING",)),
        frozenset(("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCESS_KEY")),
        frozenset(("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCESS_TOKEN")),
        frozenset(("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_SAS_TOKEN")),
        frozenset(("AZURE_STORAGE_ACCOUNT", "AZURE_NO_SIGN_REQUEST")),
        frozenset(("AZURE_STORAGE_ACCOUNT", *_identity)),
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
        environ = os.environ.get
        text = azure_storage_connection_string or environ("AZURE_STORAGE_CONNECTION_STRING")
        self.unsigned = bool(azure_unsigned)
        if text:
            self._told(AZURE_STORAGE_CONNECTION_STRING=text)
            return
        self._told(AZURE_STORAGE_ACCOUNT=azure_storage_account or environ("AZURE_STORAGE_ACCOUNT"))
        secrets = (azure_storage_access_token, azure_storage_access_key, azure_storage_sas_token)
        identity = (azure_tenant_id, azure_client_id, azure_federated_token_file, azure_authority_host)
        if not any((*secrets, *identity)):
            self.unsigned = self.unsigned or parse_bool(environ("AZURE_NO_SIGN_REQUEST", False))
        if self.unsigned:
            self._told(AZURE_NO_SIGN_REQUEST="YES")
        elif any((*secrets, *identity)):
            self._secret(secrets, identity)
        else:
            names = ("AZURE_STORAGE_ACCESS_TOKEN", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_SAS_TOKEN")
            self._secret(tuple(map(environ, names)), tuple(map(environ, self._identity)))

    def _secret(self, secrets: tuple[str | None, ...], identity: tuple[str | None, ...]) -> None:
        token, key, sas = secrets
        if token:
            self._told(AZURE_STORAGE_ACCESS_TOKEN=token)
        elif key:
            self._told(AZURE_STORAGE_ACCESS_KEY=key)
        elif sas:
            self._told(AZURE_STORAGE_SAS_TOKEN=sas)
        else:
            self._told(**dict(zip(self._identity, identity)))


class OSSSession(Session):
    """Credentials for Alibaba's store. nacre has no such store: they have no effect, and an ``oss://`` path fails."""

    _enough = (frozenset(("OSS_ACCESS_KEY_ID", "OSS_SECRET_ACCESS_KEY")),)

    def __init__(
        self,
        oss_access_key_id: str | None = None,
        oss_secret_access_key: str | None = None,
        oss_endpoint: str | None = None,
    ) -> None:
        super().__init__()
        self._told(
            OSS_ACCESS_KEY_ID=oss_access_key_id, OSS_SECRET_ACCESS_KEY=oss_secret_access_key, OSS_ENDPOINT=oss_endpoint
        )


class SwiftSession(Session):
    """Credentials for OpenStack's store. nacre has no such store: they have no effect, and a path of it fails.

    Raises
    ------
    NotImplementedError
        There is neither a URL with a token nor a session that has them: nacre does not log in.
    """

    _enough = (frozenset(("SWIFT_STORAGE_URL", "SWIFT_AUTH_TOKEN")),)

    def __init__(
        self,
        session: Any = None,
        swift_storage_url: str | None = None,
        swift_auth_token: str | None = None,
        swift_auth_v1_url: str | None = None,
        swift_user: str | None = None,
        swift_key: str | None = None,
    ) -> None:
        super().__init__()
        if not (swift_storage_url and swift_auth_token) and session is not None:
            swift_storage_url, swift_auth_token = session.get_auth()
        if not (swift_storage_url and swift_auth_token):
            raise NotImplementedError("nacre does not log in to Swift: give swift_storage_url and swift_auth_token")
        self._told(SWIFT_STORAGE_URL=swift_storage_url, SWIFT_AUTH_TOKEN=swift_auth_token)
