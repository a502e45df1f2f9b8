"""How each service says no: what a rule raises, and the error body that becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import responses
from typing import Any, ClassVar


class Refusal(Exception):
    """A request that a service refuses. Rules raise one of the subclasses; each knows what it looks like.

    :param status: the HTTP status.
    :param detail: what is wrong, for the person who reads it.
    :param label: what the answer calls the problem: a number, or a word; empty where it has neither.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, *, label: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.label = label

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        """The body that the refusing service would send.

        :param request_id: the id in the answer's ``x-request-id``.
        :param at: epoch seconds.
        """
        raise NotImplementedError


class OAuthRefusal(Refusal):
    """IMS, with an error word of OAuth 2."""

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        super().__init__(status, detail, label=error)

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {"error": self.label, "error_description": self.detail}


class GatewayRefusal(Refusal):
    """The gateway, before any service sees the call.

    :param error_code: six digits that begin with the status.
    """

    def __init__(self, error_code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(int(error_code[:3]), detail, headers, label=error_code)

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {"error_code": self.label, "message": self.detail}


_PLAIN_TITLES = {
    400: "BadRequestError",
    403: "ForbiddenError",
    404: "NotFoundError",
    406: "NotAcceptableError",
    412: "PreconditionFailedError",
    413: "PayloadTooLargeError",
    416: "RequestedRangeNotSatisfiableError",
    500: "InternalServerError",
}


class PlainRefusal(Refusal):
    """The older problem body without a number: content type, Catalog."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail, label=_PLAIN_TITLES.get(status) or reason_of(status))

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {"type": "/placeholder/type/uri", "status": self.status, "title": self.label, "detail": self.detail}


class NumberedRefusal(Refusal):
    """A numbered problem.

    :param code: such as ``1439-404``: number and status.
    :param title: one for all problems of a kind; the one that is known for the number, or HTTP's own word for the
        status, where it is empty.
    """

    titles: ClassVar[Mapping[str, str]] = {}

    def __init__(self, code: str, title: str, detail: str) -> None:
        super().__init__(int(code[-3:]), detail, label=code)
        self.title = title or self.titles.get(code) or reason_of(self.status)


_FLOW_TITLES = {404: "Resource not found", 412: "Version not matching"}


class FlowRefusal(NumberedRefusal):
    """Flow Service.

    :param resource: kind and id, where one resource is meant.
    """

    # Of what is wrong with headers, and with what stands in them.
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
        super().__init__(code, title or self.titles.get(code) or _FLOW_TITLES.get(int(code[-3:]), ""), detail)
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


class RegistryRefusal(NumberedRefusal):
    """Schema Registry: XDM codes."""

    titles: ClassVar[Mapping[str, str]] = {"2010-403": "Permission management access denied"}

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {
            "type": f"http://ns.adobe.com/aep/errors/XDM-{self.label}",
            "title": self.title,
            "status": self.status,
            "report": {
                "registryRequestId": request_id,
                "timestamp": datetime.fromtimestamp(at, UTC).strftime("%m-%d-%Y %H:%M:%S"),
                "detailed-message": self.detail,
                "sub-errors": [],
            },
            "detail": self.detail,
        }


class DataPrepRefusal(NumberedRefusal):
    """Data Prep: MAPPER codes."""

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {
            "type": f"https://ns.adobe.com/aep/errors/MAPPER-{self.label}",
            "title": self.title,
            "status": self.status,
            "report": {"detailed-message": self.detail, "request-id": request_id},
            "detail": self.detail,
        }


class ControlRefusal(Refusal):
    """The control interface of the emulator itself."""

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {"error": self.detail}


def reason_of(status: int) -> str:
    """HTTP's own word for a status."""
    return responses.get(status, "Error")


def error_page(status: int) -> str:
    """The HTML that a proxy sends which knows nothing of the services behind it."""
    # nginx words this one its own way.
    title = f"{status} {'Not Allowed' if status == 405 else reason_of(status)}"
    return f"<html>\n<head><title>{title}</title></head>\n<body><center><h1>{title}</h1></center></body>\n</html>\n"
