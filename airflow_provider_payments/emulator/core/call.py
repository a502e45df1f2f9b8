"""One request and its answer, as the handlers of services see them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from airflow_provider_payments.emulator.core.behaviour import CUT, REFUSED, PageLimit
from airflow_provider_payments.emulator.core.parsing import UnreadableBody, parse_count, parse_json
from airflow_provider_payments.emulator.core.refusals import GatewayRefusal, Refusal
from airflow_provider_payments.emulator.core.sandbox import Sandbox

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer that a handler returns.

    :param body: sent as JSON; bytes are sent unchanged, and None sends no body.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Call(Generic[State]):
    """A request to a handler.

    :param state: the state of the called service; if the service is divided by sandboxes, of the named sandbox.
    :param query: the decoded pairs of name and value in the order sent; a name may occur several times.
    :param headers: the headers, by lower-case names.
    :param params: the path parameters of the route.
    :param raw: the bytes of the body.
    """

    state: State
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    params: Mapping[str, str]
    raw: bytes

    def parameter(self, name: str) -> str | None:
        """Return the first value of a query parameter.

        :param name: matched exactly.
        """
        return next((value for key, value in self.query if key == name), None)

    def whole_number(
        self,
        name: str,
        refuse: Callable[[str], Refusal],
        default: int | None = None,
        minimum: int = 0,
        maximum: int | None = None,
    ) -> int:
        """Return the value of a query parameter that must be a whole number; raise a refusal of any other value.

        :param refuse: builds the service's refusal from a detail.
        :param default: the number if the request lacks the parameter; None if the parameter is required.
        :param maximum: the largest number; None for no bound.
        """
        text = self.parameter(name)
        number = default if text is None else parse_count(text)
        if number is None or not minimum <= number <= (number if maximum is None else maximum):
            bounds = f"{minimum} or more" if maximum is None else f"from {minimum} to {maximum}"
            raise refuse(f"'{name}' must be a whole number, {bounds}.")
        return number

    def page_limit(self, limits: PageLimit, refuse: Callable[[str], Refusal], minimum: int = 0) -> int:
        """Return the number of items on the requested page of a list; raise a refusal of a wrong ``limit``.

        :param limits: the limits of the service.
        :param refuse: builds the service's refusal from a detail.
        """
        maximum = limits.maximum
        default = None if limits.default is None else min(limits.default, maximum)
        limit = self.whole_number("limit", refuse, default, minimum, maximum if limits.above == REFUSED else None)
        return min(limit, maximum) if limits.above == CUT else limit

    def query_with(self, **changes: object) -> str:
        """Return the query with some parameters changed, as the link to another page needs it.

        :param changes: new values by name; None removes a parameter.
        """
        kept = [pair for pair in self.query if pair[0] not in changes]
        return urlencode(kept + [(name, str(value)) for name, value in changes.items() if value is not None])

    def json(self) -> Any:
        """Return the parsed JSON body, or None without a body; raise :class:`UnreadableBody` for any other body."""
        return parse_json(self.raw) if self.raw.strip() else None

    def json_object(self) -> dict[str, Any]:
        """Return the body; raise :class:`UnreadableBody` unless it is a JSON object."""
        body = self.json()
        if not isinstance(body, dict):
            raise UnreadableBody("The request body must be a JSON object.")
        return body


Handler = Callable[[Call[State]], Answer]
# Method, path below the service's prefix, handler.
Routes = tuple[tuple[str, str, Handler[State]], ...]


class Dialect:
    """A service's own form of the refusals that all services have in common.

    :param refuse: builds a refusal from a status and a detail.
    """

    def __init__(self, refuse: Callable[[int, str], Refusal]) -> None:
        self.refuse = refuse

    def organisation_empty(self) -> Refusal:
        """Return the refusal of an organisation header without a value."""
        return GatewayRefusal("400003", "Missing header")

    def check_sandbox(self, headers: Mapping[str, str], sandboxes: Mapping[str, Sandbox]) -> None:
        """Refuse headers that name no existing sandbox, or a sandbox that the credential may not use.

        :param headers: lower-case names.
        :param sandboxes: all sandboxes by name.
        """
        self.check_sandbox_name(headers, sandboxes)
        if sandboxes[headers["x-sandbox-name"]].is_hidden:
            raise self.refuse(403, "Access is denied for this resource from access control.")

    def check_sandbox_name(self, headers: Mapping[str, str], known: Collection[str]) -> None:
        """Refuse headers that name no existing sandbox.

        :param headers: lower-case names.
        :param known: the names of all sandboxes.
        """
        name = headers.get("x-sandbox-name", "")
        if not name:
            raise self.refuse(400, "The header x-sandbox-name is missing.")
        if name not in known:
            raise self.refuse(404, f"There is no sandbox '{name[:100]}' in this organisation.").in_case("wrong_sandbox")
