"""Refusals: what a rule raises, and the error body that becomes of it. Those of one service live with the service."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import responses
from typing import Any, ClassVar, Self


class Refusal(Exception):
    """A request that a service refuses. Rules raise a subclass, which makes the error body.

    :param status: the HTTP status.
    :param detail: what is wrong, for a person.
    :param label: the code of the problem, a number or a word; empty where it has none.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, *, label: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.label = label
        self.case = ""

    def in_case(self, case: str) -> Self:
        """Itself, as the refusal of a case whose answer can be chosen."""
        self.case = case
        return self

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        """The body that the refusing service would send.

        :param request_id: the id in the answer's ``x-request-id``.
        :param at: epoch seconds.
        """
        raise NotImplementedError


class GatewayRefusal(Refusal):
    """Refused by the gateway, before any service sees the call.

    :param error_code: mostly six digits.
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
    """The older problem body without a code: content type, Catalog.

    :param title: that of the status unless given.
    """

    def __init__(self, status: int, detail: str, *, title: str = "") -> None:
        super().__init__(status, detail, label=title or _PLAIN_TITLES.get(status) or reason_of(status))

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {"type": "/placeholder/type/uri", "status": self.status, "title": self.label, "detail": self.detail}


class NumberedRefusal(Refusal):
    """A problem with a numeric code.

    :param code: such as ``1439-404``: number and status.
    :param title: of this kind of problem; where it is empty, the known title of the code, or HTTP's phrase for the
        status.
    """

    titles: ClassVar[Mapping[str, str]] = {}

    def __init__(self, code: str, title: str, detail: str) -> None:
        super().__init__(int(code[-3:]), detail, label=code)
        self.title = title or self.titles.get(code) or reason_of(self.status)


def reason_of(status: int) -> str:
    """HTTP's reason phrase for a status."""
    return responses.get(status, "Error")


def error_page(status: int) -> str:
    """The HTML error page of a proxy that knows nothing of the services behind it."""
    # nginx has its own phrase for 405.
    title = f"{status} {'Not Allowed' if status == 405 else reason_of(status)}"
    return f"<html>\n<head><title>{title}</title></head>\n<body><center><h1>{title}</h1></center></body>\n</html>\n"
