"""How each service says no: what a rule raises, and the one place where that becomes an error body."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import responses
from typing import Any


class Refusal(Exception):
    """A request that a service refuses. Rules raise one of the subclasses; nobody else knows what it looks like.

    :param status: the HTTP status.
    :param detail: what is wrong, for the person who reads it.
    :param headers: what the answer says besides.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}

    @property
    def label(self) -> str:
        """What the answer calls the problem: a number, or a word; empty where it has neither."""
        return ""


class OAuthRefusal(Refusal):
    """IMS.

    :param error: the OAuth 2 error word.
    """

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        super().__init__(status, detail)
        self.error = error

    @property
    def label(self) -> str:
        return self.error


class GatewayRefusal(Refusal):
    """The gateway, before any service sees the call.

    :param error_code: six digits that begin with the status.
    """

    def __init__(self, error_code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(int(error_code[:3]), detail, headers)
        self.error_code = error_code

    @property
    def label(self) -> str:
        return self.error_code


class PlainRefusal(Refusal):
    """The older problem body without a number: content type, Catalog.

    :param title: such as ``BadRequestError``.
    """

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(status, detail)
        self.title = title

    @property
    def label(self) -> str:
        return self.title


class NumberedRefusal(Refusal):
    """A numbered problem.

    :param code: such as ``1439-404``: number and status.
    :param title: one for all problems of a kind.
    """

    def __init__(self, code: str, title: str, detail: str) -> None:
        super().__init__(int(code[-3:]), detail)
        self.code = code
        self.title = title

    @property
    def label(self) -> str:
        return self.code


_FLOW_TITLES = {
    400: "Bad Request",
    401: "Invalid authorization token",
    404: "Resource not found",
    412: "Version not matching",
    413: "Payload Too Large",
}


class FlowRefusal(NumberedRefusal):
    """Flow Service.

    :param resource: kind and id, where one resource is meant.
    """

    def __init__(self, code: str, detail: str, resource: tuple[str, str] | None = None, title: str = "") -> None:
        super().__init__(code, title or _FLOW_TITLES.get(int(code[-3:]), "Invalid request"), detail)
        self.resource = resource


class RegistryRefusal(NumberedRefusal):
    """Schema Registry: XDM codes."""


class DataPrepRefusal(NumberedRefusal):
    """Data Prep: MAPPER codes."""


class ControlRefusal(Refusal):
    """The control interface of the emulator itself."""


def error_body(refusal: Refusal, request_id: str, at: float) -> dict[str, Any]:
    """The body that the refusing service would send.

    :param request_id: the id in the answer's ``x-request-id``.
    :param at: epoch seconds.
    """
    detail = refusal.detail
    match refusal:
        case OAuthRefusal():
            return {"error": refusal.error, "error_description": detail}
        case GatewayRefusal():
            return {"error_code": refusal.error_code, "message": detail}
        case PlainRefusal():
            return {
                "type": "/placeholder/type/uri",
                "status": refusal.status,
                "title": refusal.title,
                "detail": detail,
            }
        case FlowRefusal():
            kind, identifier = refusal.resource or ("", "")
            report = {"detailed-message": detail, "request-id": request_id}
            return {
                "type": f"https://ns.adobe.com/aep/errors/FLOW-{refusal.code}",
                "title": refusal.title,
                "status": refusal.status,
                "report": {**report, "id": identifier, "type": kind} if kind else report,
                "errorMessage": detail,
                "errorDetails": detail,
            }
        case RegistryRefusal():
            return {
                "type": f"http://ns.adobe.com/aep/errors/XDM-{refusal.code}",
                "title": refusal.title,
                "status": refusal.status,
                "report": {
                    "registryRequestId": request_id,
                    "timestamp": datetime.fromtimestamp(at, UTC).strftime("%m-%d-%Y %H:%M:%S"),
                    "detailed-message": detail,
                    "sub-errors": [],
                },
                "detail": detail,
            }
        case DataPrepRefusal():
            return {
                "type": f"https://ns.adobe.com/aep/errors/MAPPER-{refusal.code}",
                "title": refusal.title,
                "status": refusal.status,
                "report": {"detailed-message": detail, "request-id": request_id},
                "detail": detail,
            }
        case _:
            return {"error": detail}


def error_page(status: int) -> str:
    """The HTML that a proxy sends which knows nothing of the services behind it."""
    # nginx words this one its own way.
    title = f"{status} {'Not Allowed' if status == 405 else responses.get(status, 'Error')}"
    return f"<html>\n<head><title>{title}</title></head>\n<body><center><h1>{title}</h1></center></body>\n</html>\n"
