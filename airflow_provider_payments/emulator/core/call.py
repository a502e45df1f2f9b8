"""One request and its answer, as the services' handlers see them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_provider_payments.emulator.core.refusals import GatewayRefusal, Refusal

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.organisation import Sandbox, World

MAX_BODY_BYTES = 16 * 1024 * 1024
# Deeper documents would only exhaust the stack of recursive code; no real payload comes near.
MAX_DEPTH = 100
# More would take seconds to read, in which nobody else is answered; no real payload comes near either.
MAX_CONTAINERS = 100_000


class UnreadableBody(Exception):
    """The body is not the JSON that the operation needs; the service in charge words the refusal."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler gives back; ``None`` as body means none, bytes are sent as they are."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """A request with everything a handler may ask about it.

    :param query: decoded pairs in the order sent; a name may repeat.
    :param headers: lower-case names.
    :param params: the parts of the path.
    """

    world: World
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    params: Mapping[str, str]
    raw: bytes

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox that the request named. Only for services that live in one."""
        return self.world.sandboxes[self.headers["x-sandbox-name"]]

    def first(self, name: str) -> str | None:
        """The first value of a query parameter.

        :param name: matched exactly.
        """
        return next((value for key, value in self.query if key == name), None)

    def whole(
        self,
        name: str,
        refuse: Callable[[str], Refusal],
        default: int | None = None,
        fewest: int = 0,
        most: int | None = None,
    ) -> int:
        """A query parameter that is a whole number, or a refusal.

        :param refuse: words the refusal by a detail.
        :param default: where the request does not give it; None if it must.
        :param most: None for no limit.
        """
        text = self.first(name)
        number = default if text is None else count_from(text)
        if number is None or not fewest <= number <= (number if most is None else most):
            bounds = f"{fewest} or more" if most is None else f"from {fewest} to {most}"
            raise refuse(f"'{name}' must be a whole number, {bounds}.")
        return number

    def query_with(self, **changes: object) -> str:
        """The query as it came, but for some parameters: what the address of another page ends in.

        :param changes: the new values, None for none.
        """
        kept = [pair for pair in self.query if pair[0] not in changes]
        return urlencode(kept + [(name, str(value)) for name, value in changes.items() if value is not None])

    def json(self) -> Any:
        """The body as JSON, None when there is none; raises :class:`UnreadableBody`."""
        return parse_json(self.raw) if self.raw.strip() else None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; raises :class:`UnreadableBody`."""
        body = self.json()
        if not isinstance(body, dict):
            raise UnreadableBody("The request body must be a JSON object.")
        return body


Handler = Callable[[Call], Answer]
Routes = tuple[tuple[str, str, Handler], ...]


class Dialect:
    """How a service words the refusals that every service has.

    :param refuse: the refusal with a status and a detail.
    """

    def __init__(self, refuse: Callable[[int, str], Refusal]) -> None:
        self.refuse = refuse

    def organisation_empty(self) -> Refusal:
        """The organisation's header is there, without a value."""
        return GatewayRefusal("400003", "Missing header")

    def check_sandbox(self, headers: Mapping[str, str], sandboxes: Mapping[str, Sandbox]) -> None:
        """Refuse headers that do not name a sandbox, or one that the credential may not use.

        :param headers: lower-case names.
        :param sandboxes: all there are, by name.
        """
        self.check_sandbox_name(headers, sandboxes)
        if sandboxes[headers["x-sandbox-name"]].is_hidden:
            raise self.refuse(403, "Access is denied for this resource from access control.")

    def check_sandbox_name(self, headers: Mapping[str, str], known: Collection[str]) -> None:
        """Refuse headers that do not name a sandbox.

        :param headers: lower-case names.
        :param known: the names of all sandboxes.
        """
        name = headers.get("x-sandbox-name", "")
        if not name:
            raise self.refuse(400, "The header x-sandbox-name is missing.")
        if name not in known:
            raise self.refuse(404, f"There is no sandbox '{name[:100]}' in this organisation.")


@dataclass(frozen=True, slots=True)
class Service:
    """One API under its prefix.

    :param on_platform: whether the gateway stands before it and sandboxes divide it.
    """

    prefix: str
    routes: Routes
    dialect: Dialect
    on_platform: bool = True


def count_from(text: str) -> int | None:
    """A whole number, 0 or more, as a query writes it; None for all else.

    :param text: of more than 18 digits counts as 10 to the 18th, more than there is of anything.
    """
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if len(text) < 19 else 10**18


def parse_json(raw: bytes) -> Any:
    """Strict JSON: UTF-8, whole characters, finite numbers, bounded size and depth; raises :class:`UnreadableBody`."""
    # Counting brackets is a fast upper bound of the objects and lists, and of the depth: nearly every body passes so.
    brackets = raw.count(b"[") + raw.count(b"{")
    if brackets > MAX_CONTAINERS:
        raise UnreadableBody(f"The request body holds more than {MAX_CONTAINERS} objects and lists.")
    try:
        document = json.loads(raw.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
        if b"\\ud" in raw.lower():
            # Half of a surrogate pair is no character: nothing that is not JSON, such as a link, could carry it.
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise UnreadableBody("The request body is not valid JSON.") from error
    if brackets > MAX_DEPTH and depth_exceeds(document, MAX_DEPTH):
        raise UnreadableBody(f"The request body is nested deeper than {MAX_DEPTH} levels.")
    return document


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def depth_exceeds(document: Any, limit: int) -> bool:
    """Whether objects and lists stand in one another more than ``limit`` deep."""
    level = [document]
    for _ in range(limit + 1):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True
