"""What Flow Service asks of the headers, once the gateway has let a request pass."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_payments.emulator.refusals import FlowRefusal

TITLES: Mapping[str, str] = {
    "2000-401": "Invalid authorization token",
    "2001-401": "Header is missing or empty",
    "2002-401": "Header is missing",
    "2100-404": "Sandbox not found",
    "2101-404": "Sandbox not found",
    "2102-500": "Get sandbox by name error",
    "2103-404": "Sandbox not found",
    "2104-500": "Get sandbox by identifier error",
    "2105-400": "Header is missing",
    "2106-404": "Get default sandbox error",
    "2107-500": "Get default sandbox error",
    "2108-500": "Get active sandboxes error",
    "2110-400": "Headers not allowed",
    "2111-403": "Headers with value restricted",
    "2112-400": "Headers with different value not allowed",
    "2113-400": "Headers with value not allowed",
    "2114-400": "Empty token",
    "2115-400": "Invalid token",
    "2116-500": "Internal Error",
    "2117-500": "Internal Error",
    "2118-403": "Missing permission",
    "2119-400": "Query parameter missing",
    "2120-403": "Forbidden",
    "2121-403": "Forbidden",
}


def _refusal(code: str, detail: str) -> FlowRefusal:
    return FlowRefusal(code, detail, title=TITLES[code])


def organisation_empty() -> FlowRefusal:
    return _refusal("2001-401", "The header x-gw-ims-org-id is missing or empty.")


def sandbox_missing() -> FlowRefusal:
    return _refusal("2105-400", "The header x-sandbox-name is missing.")


def sandbox_unknown(name: str) -> FlowRefusal:
    return _refusal("2100-404", f"There is no sandbox with the name '{name[:100]}'.")


def check_sandbox_headers(headers: Mapping[str, str]) -> None:
    """Refuse to look at several sandboxes, or at one by its id: those are for Adobe's own services.

    :param headers: lower-case names.
    """
    name, identifier = headers.get("x-sandbox-name", ""), headers.get("x-sandbox-id", "")
    if not identifier:
        if name == "*":
            raise _refusal("2111-403", "A user token may not send the header x-sandbox-name with the value *.")
        return
    if (name == "*") != (identifier == "*"):
        raise _refusal("2112-400", "Across sandboxes, x-sandbox-name and x-sandbox-id must both have the value *.")
    if name == "*":
        raise _refusal("2113-400", "x-sandbox-name and x-sandbox-id may not have the value * in this request.")
    raise _refusal("2110-400", "A user token may not send the header x-sandbox-id.")
