"""What Flow Service asks of the headers once the gateway has let a request pass, and its numbers for statuses."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from airflow_provider_payments.emulator.core.call import Dialect
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal

_NUMBERS = {400: "1000", 403: "2120", 404: "1439", 412: "1404", 503: "1103", 504: "1104"}
_INTERNAL = "1102"


def _refused(status: int, detail: str) -> FlowRefusal:
    return FlowRefusal(f"{_NUMBERS.get(status, _INTERNAL)}-{status}", detail)


class FlowDialect(Dialect):
    """Flow Service has numbers of its own for the headers that name an organisation and a sandbox."""

    def __init__(self) -> None:
        super().__init__(_refused)

    def organisation_empty(self) -> FlowRefusal:
        return FlowRefusal("2001-401", "The header x-gw-ims-org-id is missing or empty.")

    def check_sandbox_name(self, headers: Mapping[str, str], known: Collection[str]) -> None:
        name = headers.get("x-sandbox-name", "")
        _check_scope(name, headers.get("x-sandbox-id", ""))
        if not name:
            raise FlowRefusal("2105-400", "The header x-sandbox-name is missing.")
        if name not in known:
            raise FlowRefusal("2100-404", f"There is no sandbox with the name '{name[:100]}'.")


def _check_scope(name: str, identifier: str) -> None:
    """To look at several sandboxes, or at one by its id, is for Adobe's own services."""
    if not identifier:
        if name == "*":
            raise FlowRefusal("2111-403", "A user token may not send the header x-sandbox-name with the value *.")
    elif (name == "*") != (identifier == "*"):
        raise FlowRefusal("2112-400", "Across sandboxes, x-sandbox-name and x-sandbox-id must both have the value *.")
    elif name == "*":
        raise FlowRefusal("2113-400", "x-sandbox-name and x-sandbox-id may not have the value * in this request.")
    else:
        raise FlowRefusal("2110-400", "A user token may not send the header x-sandbox-id.")
