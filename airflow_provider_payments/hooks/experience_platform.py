"""An Airflow connection becomes a client of Experience Platform."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import BaseHook, mask_secret

from airflow_provider_payments.aep.auth import DEFAULT_SCOPES, TOKEN_PATH, AccessToken, ClientCredentials, Credential
from airflow_provider_payments.aep.client import DEFAULT_URL, Client
from airflow_provider_payments.aep.errors import Failure, InvalidInputError, PlatformError, RequestError
from airflow_provider_payments.aep.inputs import as_mapping, as_number
from airflow_provider_payments.aep.provisioning import IfExists, Provisioned, ensure
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.transport import Transport
from airflow_provider_payments.get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR
from airflow_provider_payments.hooks.errors import airflow_errors

_EXTRAS = {*CONNECTION_FIELDS, "proxies", "verify", "consistency_window", "dataflow_window"}


class ExperiencePlatformHook(BaseHook):
    """
    Talks to one sandbox of Adobe Experience Platform.

    The connection: login = client id, password = client secret, host = platform URL (default
    ``https://platform.adobe.io``); extra: ``org_id`` and ``sandbox`` (both required), ``scopes``, ``ims_url``,
    ``access_token`` (instead of the secret), ``connect_timeout`` and ``read_timeout`` in seconds, ``proxies``,
    ``verify`` (path of a CA bundle), ``consistency_window`` and ``dataflow_window`` in seconds.

    Nothing is read or sent before :attr:`client` is used, so a DAG file may build it freely.

    :param aep_conn_id: the Airflow connection's id.
    """

    conn_name_attr = "aep_conn_id"
    default_conn_name = "adobe_experience_platform_default"
    conn_type = "adobe_experience_platform"
    hook_name = "Adobe Experience Platform"

    def __init__(self, aep_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.aep_conn_id = aep_conn_id

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's extra fields, for Airflow before 3.2."""
        from airflow_provider_payments.versions import form_widgets

        return form_widgets(CONNECTION_FIELDS)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form's labels, for Airflow before 3.2."""
        return FIELD_BEHAVIOUR

    @cached_property
    def client(self) -> Client:
        """
        The client that the connection describes.

        :raises InvalidInputError: if a field of the connection is missing or wrong.
        """
        connection = self.get_connection(self.aep_conn_id)
        extra = {key: value for key, value in connection.extra_dejson.items() if value not in (None, "")}
        if unknown := sorted(set(extra) - _EXTRAS):
            raise InvalidInputError("extra", unknown, f"known keys are {', '.join(sorted(_EXTRAS))}")
        transport = Transport(
            connect_timeout=_seconds(extra, "connect_timeout", 10.0),
            read_timeout=_seconds(extra, "read_timeout", 60.0),
            proxies=as_mapping("proxies", extra.get("proxies")),
            verify=self._verify(extra.get("verify", True)),
        )
        if not extra.get("org_id"):
            raise InvalidInputError("org_id", "", "the connection's extra must name the organisation")
        windows = {
            "window": as_number("consistency_window", extra.get("consistency_window")),
            "dataflow_window": as_number("dataflow_window", extra.get("dataflow_window")),
        }
        return Client(
            org_id=str(extra["org_id"]),
            sandbox=str(extra.get("sandbox", "")),
            credential=self._credential(connection, extra, transport),
            transport=transport,
            url=_url(connection),
            **{name: value for name, value in windows.items() if value is not None},
        )

    def get_conn(self) -> Client:
        """Return :attr:`client`."""
        return self.client

    def _credential(self, connection: Any, extra: dict[str, Any], transport: Transport) -> Credential:
        client_id = connection.login or ""
        if token := extra.get("access_token"):
            if not client_id:
                raise InvalidInputError("login", "", "an access token goes with its client id")
            mask_secret(str(token))
            return AccessToken(client_id, str(token))
        # Names as the connection form shows them.
        return ClientCredentials(
            client_id=client_id,
            client_secret=connection.password or "",
            transport=transport,
            ims_url=str(extra.get("ims_url") or ClientCredentials.ims_url),
            scopes=str(extra.get("scopes") or DEFAULT_SCOPES),
            on_token=mask_secret,
        )

    def _verify(self, value: object) -> bool | str:
        if value is False or str(value).lower() == "false":
            self.log.warning("Connection %s switches TLS verification off: anybody may answer", self.aep_conn_id)
            return False
        return True if value is True or str(value).lower() == "true" else str(value)

    def test_connection(self) -> tuple[bool, str]:
        """
        Try the connection; say what is wrong: a field, the credential, the organisation, the sandbox or the network.
        """
        try:
            client = self.client
            client.get("/data/foundation/flowservice/flowSpecs", {"limit": "1"})
        except InvalidInputError as error:
            return False, f"Connection field: {error}"
        except RequestError as error:
            return False, f"{_at_fault(error)}: {error}"
        return True, f"Connected to sandbox {client.sandbox!r} of {client.org_id}"

    def provision(self, resource: Resource, *, if_exists: IfExists = "reuse", attempt: int = 1) -> Provisioned:
        """Find or create ``resource``; see :func:`airflow_provider_payments.aep.provisioning.ensure`."""
        return ensure(self.client, resource, if_exists=if_exists, attempt=attempt)

    def test_base_connection(self, connection_id: str) -> bool:
        """Ask Experience Platform to log in at the vendor with a base connection's credential."""
        with airflow_errors():
            return self.client.test_base_connection(connection_id)

    def explore_base_connection(self, connection_id: str, table: str | None = None) -> Any:
        """Return a base connection's tables, or the columns of one."""
        with airflow_errors():
            return self.client.explore(connection_id, table)

    def preview_base_connection(self, connection_id: str, table: str) -> list[dict[str, Any]]:
        """Return some rows of a base connection's table."""
        with airflow_errors():
            answer = self.client.explore(connection_id, table, preview=True)
        return list(answer.get("data") or ()) if isinstance(answer, dict) else []


def _seconds(extra: dict[str, Any], name: str, default: float) -> float:
    value = as_number(name, extra.get(name))
    if value is not None and value <= 0:
        raise InvalidInputError(name, value, "it must be more than 0 seconds")
    return default if value is None else value


def _url(connection: Any) -> str:
    """Return the platform's URL from the host, with the port where one is given apart."""
    host = str(connection.host or DEFAULT_URL).rstrip("/")
    url = host if "://" in host else f"https://{host}"
    return f"{url}:{connection.port}" if connection.port else url


def _at_fault(error: PlatformError) -> str:
    """Name the part of the connection that a refusal speaks of."""
    if not isinstance(error, RequestError):
        return "Connection field"
    if error.failure is not Failure.FINAL or (error.status is None and not error.code):
        return "Network"
    if error.path.endswith(TOKEN_PATH):
        return "Credential"
    if error.code.startswith("FLOW-21") or "sandbox" in error.problem.detail.lower():
        return "Sandbox"
    if error.code in ("403025", "400003") or error.code.startswith("FLOW-200"):
        return "Organisation"
    return "Credential" if error.status in (401, 403) else "Platform URL"
