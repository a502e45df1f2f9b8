"""The client of an Airflow connection, from its validated fields. Imported at the first use of a connection."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.api import sandboxes
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError, RequestError
from airflow_provider_payments.aep.http.auth import (
    DEFAULT_IMS_URL,
    DEFAULT_SCOPES,
    TOKEN_PATH,
    AccessToken,
    ClientCredentials,
)
from airflow_provider_payments.aep.http.transport import Transport
from airflow_provider_payments.aep.inputs import as_bool, as_duration, as_mapping
from airflow_provider_payments.aep.redaction import redacted, remember
from airflow_provider_payments.aep.services import DEFAULT_URL
from airflow_provider_payments.get_provider_info import CONNECTION_FIELDS
from airflow_provider_payments.versions import mask_secret

if TYPE_CHECKING:
    from airflow_provider_payments.aep.http.call import Credential
    from airflow_provider_payments.aep.resources.sources import Source

__all__ = ["client_from", "explanation", "extra_of", "part_at_fault", "text_of", "vendor_credential"]

log = logging.getLogger(__name__)

#: Options of the client that a connection may set, each with its converter.
_OPTIONS = {
    "settle_seconds": as_duration,
    "dataflow_settle_seconds": as_duration,
    "operation_timeout": as_duration,
    "marks": as_bool,
    "read_only": as_bool,
}
_EXTRAS = {*CONNECTION_FIELDS, "proxies", "verify", *_OPTIONS}
#: Maximum number of sandboxes in a message, and of characters of each name.
MAX_SANDBOXES, MAX_SANDBOX_NAME = 20, 60
#: The beginnings of a list of scopes in the form's text field, in JSON or YAML.
_LIST_STARTS = ("[", "- ")


def vendor_credential(connection: Any, source: Source) -> dict[str, str]:
    """
    Return the credential for a vendor's base connections, from the vendor's Airflow connection.

    :raises InvalidInputError: naming the fields that the connection lacks.
    """
    extra = extra_of(connection)
    values = {
        "host": connection.host,
        "client_id": connection.login,
        "client_secret": connection.password,
        # If the vendor needs a token only (Stripe's API key), the password may hold it.
        "access_token": text_of(extra, "access_token")
        or (None if "clientSecret" in source.auth_params else connection.password),
        "refresh_token": text_of(extra, "refresh_token"),
    }
    remember(*(values[name] for name in ("client_secret", "access_token", "refresh_token")))
    if missing := [theirs for theirs, ours in source.auth_params.items() if not values[ours]]:
        allowed = f"the connection must hold {', '.join(missing)} of {source.title}"
        raise InvalidInputError("vendor_conn_id", connection.conn_id, allowed)
    return {theirs: str(values[ours]) for theirs, ours in source.auth_params.items()}


def client_from(connection: Any) -> Client:
    """
    Return the client that an Airflow connection describes.

    :raises InvalidInputError: naming the field that is missing or wrong.
    """
    extra = extra_of(connection)
    if unknown := sorted(set(extra) - _EXTRAS):
        raise InvalidInputError("extra", unknown, f"known keys are {', '.join(sorted(_EXTRAS))}")
    transport = Transport(
        connect_timeout=_seconds(extra, "connect_timeout", 10.0),
        read_timeout=_seconds(extra, "read_timeout", 60.0),
        proxies=_proxies(extra.get("proxies")),
        verify=_verify(extra.get("verify", True), connection.conn_id),
    )
    if not extra.get("org_id"):
        raise InvalidInputError("org_id", "", "the connection's extra must name the organisation")
    options: dict[str, Any] = {name: read(name, extra.get(name)) for name, read in _OPTIONS.items()}
    return Client(
        org_id=text_of(extra, "org_id"),
        sandbox=text_of(extra, "sandbox"),
        credential=_credential(connection, extra, transport),
        transport=transport,
        url=_url(connection),
        **{name: value for name, value in options.items() if value is not None},
    )


def extra_of(connection: Any) -> dict[str, Any]:
    """
    Return a connection's extra without empty fields.

    :raises InvalidInputError: if the extra is JSON, but not an object.
    """
    extra = connection.extra_dejson
    if extra is None:
        return {}
    if not isinstance(extra, dict):
        # The value is not shown, because it may be a secret in the wrong field.
        raise InvalidInputError("extra", "***", f"it must be a JSON object, not of type {type(extra).__name__}")
    return {key: value for key, value in extra.items() if value not in (None, "")}


def text_of(extra: dict[str, Any], name: str) -> str:
    """
    Return a text field of an extra; empty if it is absent.

    :raises InvalidInputError: if the field is not text; the error does not show the value, which may be a secret.
    """
    value = extra.get(name, "")
    if not isinstance(value, str):
        raise InvalidInputError(name, "***", f"in the extra it must be text, not of type {type(value).__name__}")
    return value


def _scopes(extra: dict[str, Any]) -> str:
    """Return comma-separated scopes from text in the console's form, or from a list in JSON or YAML."""
    given = scopes = extra.get("scopes", "")
    if isinstance(given, str):
        if not given.lstrip().startswith(_LIST_STARTS):
            return given
        scopes = _yaml(given)
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise InvalidInputError("scopes", given, "text such as openid,AdobeID, or a list of texts")
    return ",".join(scopes)


def _yaml(text: str) -> object:
    import yaml

    try:
        return yaml.safe_load(text)  # JSON is YAML too
    except yaml.YAMLError:
        return None


def _credential(connection: Any, extra: dict[str, Any], transport: Transport) -> Credential:
    client_id = connection.login or ""
    if not client_id:
        raise InvalidInputError("login", "", "the client id must be set")
    if not connection.password and not extra.get("access_token"):
        raise InvalidInputError("password", "", "the client secret must be set, or access_token in the extra")
    if token := text_of(extra, "access_token"):
        mask_secret(token)
        return AccessToken(client_id, token)
    return ClientCredentials(
        client_id=client_id,
        client_secret=connection.password or "",
        transport=transport,
        ims_url=text_of(extra, "ims_url") or DEFAULT_IMS_URL,
        scopes=_scopes(extra) or DEFAULT_SCOPES,
        on_token=mask_secret,
    )


def _verify(value: object, conn_id: str) -> bool | str:
    text = str(value).lower() if isinstance(value, (str, bool)) else ""
    if text == "false":
        log.warning("Connection %s turns TLS verification off: the identity of the server is not checked", conn_id)
        return False
    if text == "true":
        return True
    if not isinstance(value, str) or not _exists(value):
        raise InvalidInputError("verify", value, "true, or the path of a CA bundle that exists on this machine")
    return value


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # the text is too long, or not a path
        return False


def _proxies(value: object) -> dict[str, str]:
    # The value is not shown, because a proxy's URL may contain a password.
    try:
        proxies = as_mapping("proxies", value)
    except InvalidInputError:
        proxies = {"": None}
    if not all(isinstance(url, str) for url in proxies.values()):
        raise InvalidInputError(
            "proxies", "***", 'a JSON object of scheme to URL, such as {"https": "http://proxy:3128"}'
        )
    return proxies


def _seconds(extra: dict[str, Any], name: str, default: float) -> float:
    return as_duration(name, extra.get(name)) or default  # the form sends 0 for an empty field


def _url(connection: Any) -> str:
    """Return the platform's URL from the host and the optional port."""
    host = str(connection.host or DEFAULT_URL).rstrip("/")
    url = host if "://" in host else f"https://{host}"
    return f"{url}:{connection.port}" if connection.port else url


def explanation(client: Client, error: RequestError) -> str:
    """Return a message that names the part of the connection at fault, if useful with the credential's sandboxes."""
    part = part_at_fault(error)
    if part != "Sandbox" and not (part == "Credential" and error.status == HTTPStatus.FORBIDDEN):
        return f"{part}: {error}"
    try:
        names = sandboxes.names(client)
    except RequestError as unlisted:
        return f"{part}: {error}; the credential's sandboxes cannot be listed: {unlisted}"
    # If the sandbox is listed, it exists, and the credential lacks a permission in it.
    return f"{part if client.sandbox in names else 'Sandbox'}: {error}; {_listed(names)}"


def _listed(names: list[str]) -> str:
    if not names:
        return "the credential may use no sandbox"
    shown = sorted({redacted(name)[:MAX_SANDBOX_NAME] for name in names})
    more = len(shown) - MAX_SANDBOXES
    return f"the credential may use {', '.join(shown[:MAX_SANDBOXES])}{f' and {more} more' if more > 0 else ''}"


def part_at_fault(error: RequestError) -> str:
    """Return the part of the connection that a failed request points to."""
    is_token = error.path.endswith(TOKEN_PATH)
    is_5xx = error.status is not None and error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if error.status in (None, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED) or (is_5xx and error.reason):
        return "Network"  # no answer, or an answer that only a proxy or a load balancer gives
    if is_5xx or error.status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS):
        return "Service"
    if error.reason:  # an answer that is not from this service: HTML, a redirect, blank, other JSON
        return "Identity service URL" if is_token else "Platform URL"
    return "Credential" if is_token else _part_refused(error)


def _part_refused(error: RequestError) -> str:
    """Return the part of the connection that the service itself refuses."""
    if re.match(r"FLOW-21(0[0-8]|1[0-3])-", error.code):
        return "Sandbox"
    if error.code in ("403025", "400003") or error.code.startswith("FLOW-200"):
        return "Organisation"
    return "Credential" if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) else "Platform URL"
