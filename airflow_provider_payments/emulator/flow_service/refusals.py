"""Flow Service's refusals, with FLOW codes, and its checks of headers after the gateway's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from airflow_provider_payments.emulator.core.call import Dialect
from airflow_provider_payments.emulator.core.refusals import NumberedRefusal

_TITLES = {404: "Resource not found", 412: "Version not matching"}


class FlowRefusal(NumberedRefusal):
    """A refusal with a FLOW code.

    :param resource: the kind and id of the resource that the refusal is about, if there is one.
    """

    # The titles of problems with headers.
    titles: ClassVar[Mapping[str, str]] = {
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
    }

    def __init__(self, code: str, detail: str, resource: tuple[str, str] | None = None, title: str = "") -> None:
        super().__init__(code, title or self.titles.get(code) or _TITLES.get(int(code[-3:]), ""), detail)
        self.resource = resource

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        kind, identifier = self.resource or ("", "")
        report = {"detailed-message": self.detail, "request-id": request_id}
        return {
            "type": f"https://ns.adobe.com/aep/errors/FLOW-{self.label}",
            "title": self.title,
            "status": self.status,
            "report": {**report, "id": identifier, "type": kind} if kind else report,
            "errorMessage": self.detail,
            "errorDetails": self.detail,
        }


def invalid(code: str, detail: str) -> FlowRefusal:
    """Return the refusal of a request that breaks a rule of Flow Service itself, not of a source."""
    return FlowRefusal(code, detail, title="Invalid request")


def not_found(kind: str, identifier: str) -> FlowRefusal:
    """Return the refusal of an id that names no resource of a kind.

    :param kind: the kind of resource, as in the path.
    """
    shown = identifier[:200]
    return FlowRefusal("1439-404", f"The requested {kind} resource {shown} is not found.", (kind, shown)).in_case(
        "unknown_id"
    )


def name_taken(name: str, kind: str, holder: str) -> FlowRefusal:
    """Return the refusal of a name that another resource of the kind has.

    :param kind: the kind of resource, as in the path.
    :param holder: the id of the resource with the name.
    """
    return FlowRefusal("1000-409", f"The name '{name[:100]}' is taken by the {kind} resource {holder}.")


def empty_body() -> FlowRefusal:
    """Return the refusal of a request without a body."""
    return invalid("1405-400", "The request body must not be empty.")


def missing(path: str) -> FlowRefusal:
    """Return the refusal of a body without a mandatory field.

    :param path: the dotted path of the field.
    """
    return FlowRefusal("1304-400", f"The mandatory field '{path}' is missing.")


def wrong(path: str, what: str) -> FlowRefusal:
    """Return the refusal of a field with a wrong value.

    :param path: the dotted path of the field.
    :param what: the allowed values; completes the sentence "The field must be ...".
    """
    return FlowRefusal("1000-400", f"The field '{path}' must be {what}.")


_NUMBERS = {400: "1000", 403: "2120", 404: "1439", 412: "1404", 503: "1103", 504: "1104"}
_INTERNAL = "1102"


def _refused(status: int, detail: str) -> FlowRefusal:
    return FlowRefusal(f"{_NUMBERS.get(status, _INTERNAL)}-{status}", detail)


class FlowDialect(Dialect):
    """Flow Service's own refusals of the headers with the organisation and the sandbox."""

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
            raise FlowRefusal("2100-404", f"There is no sandbox with the name '{name[:100]}'.").in_case("wrong_sandbox")


def _check_scope(name: str, identifier: str) -> None:
    """Refuse a request to several sandboxes, or to a sandbox by its id: only Adobe's own services may send such."""
    if not identifier:
        if name == "*":
            raise FlowRefusal("2111-403", "A user token may not send the header x-sandbox-name with the value *.")
    elif (name == "*") != (identifier == "*"):
        raise FlowRefusal("2112-400", "Across sandboxes, x-sandbox-name and x-sandbox-id must both have the value *.")
    elif name == "*":
        raise FlowRefusal("2113-400", "x-sandbox-name and x-sandbox-id may not have the value * in this request.")
    else:
        raise FlowRefusal("2110-400", "A user token may not send the header x-sandbox-id.")
