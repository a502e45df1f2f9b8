"""Refusals: the exceptions that rules raise, and their error bodies. Each service defines its own subclasses."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import responses
from typing import Any, ClassVar, Self


class Refusal(Exception):
    """A service refuses a request. Rules raise a subclass, which builds the error body.

    :param status: the HTTP status.
    :param detail: the message for a person.
    :param label: the code of the problem, a number or a word; empty if the problem has no code.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, *, label: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.label = label
        self.case = ""

    def in_case(self, case: str) -> Self:
        """Set the case of the refusal, for which an option can choose another answer; return the refusal."""
        self.case = case
        return self

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        """Return the error body, as the refusing service sends it.

        :param request_id: the id in the answer's ``x-request-id``.
        :param at: the time of the answer, in epoch seconds.
        """
        raise NotImplementedError


class GatewayRefusal(Refusal):
    """A refusal by the gateway, before the request reaches a service.

    :param error_code: usually six digits.
    :param status: the first three digits of the code unless given.
    """

    def __init__(
        self, error_code: str, detail: str, headers: Mapping[str, str] | None = None, status: int | None = None
    ) -> None:
        super().__init__(status or int(error_code[:3]), detail, headers, label=error_code)

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {"error_code": self.label, "message": self.detail}


_PLAIN_TITLES = {
    400: "BadRequestError",
    403: "ForbiddenError",
    404: "NotFoundError",
    406: "NotAcceptableError",
    409: "ConflictError",
    412: "PreconditionFailedError",
    413: "PayloadTooLargeError",
    416: "RequestedRangeNotSatisfiableError",
    500: "InternalServerError",
}


class PlainRefusal(Refusal):
    """A refusal with the older problem body, which has no code: of a content type, and by Catalog.

    :param title: the title of the status unless given.
    """

    def __init__(self, status: int, detail: str, *, title: str = "") -> None:
        super().__init__(status, detail, label=title or _PLAIN_TITLES.get(status) or reason_of(status))

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {"type": "/placeholder/type/uri", "status": self.status, "title": self.label, "detail": self.detail}


class NumberedRefusal(Refusal):
    """A refusal with a numeric code.

    :param code: number and status, such as ``1439-404``.
    :param title: the title of the problem; if empty, the known title of the code, or HTTP's phrase for the status.
    """

    titles: ClassVar[Mapping[str, str]] = {}

    def __init__(self, code: str, title: str, detail: str) -> None:
        super().__init__(int(code[-3:]), detail, label=code)
        self.title = title or self.titles.get(code) or reason_of(self.status)


def reason_of(status: int) -> str:
    """Return HTTP's reason phrase for a status."""
    return responses.get(status, "Error")


def error_page(status: int) -> str:
    """Return the HTML error page of a proxy, which does not depend on the service behind it."""
    # nginx has its own phrase for 405.
    title = f"{status} {'Not Allowed' if status == 405 else reason_of(status)}"
    return f"<html>\n<head><title>{title}</title></head>\n<body><center><h1>{title}</h1></center></body>\n</html>\n"
