"""
A resource: what :mod:`..provisioning` needs to know of it to make it exactly once.

A new kind is one subclass here and one small operator; nothing else. What is asked of the class and not of a value is
what a teardown needs, which knows objects but not what somebody wanted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow_provider_payments.aep.errors import ConflictError, Difference, Failure, RequestError
from airflow_provider_payments.aep.inputs import add_extra, as_mapping, as_name, as_optional_text
from airflow_provider_payments.aep.marks import Mark
from airflow_provider_payments.aep.services import Json

if TYPE_CHECKING:
    from airflow_provider_payments.aep.answers import Answer
    from airflow_provider_payments.aep.client import Client


@dataclass(frozen=True)
class Existing:
    """
    An object that the service holds.

    :param created: when it was made, in epoch seconds of the service's clock.
    :param item: what the service shows of it; of one just made, only its answer to the creation.
    """

    id: str
    created: float = 0.0
    etag: str | None = None
    item: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Resource(ABC):
    """
    What somebody wants to exist. Arguments are checked when the value is built, before any request.

    :param name: its key in the sandbox.
    :param description: free text; not compared.
    :param extra: payload fields that this package does not model, merged in.
    """

    kind: ClassVar[str]
    #: Whether two creations at the same time both succeed, and it matters: then the youngest of them must go.
    settles: ClassVar[bool] = True
    #: Whether what is made says whose it is.
    carries_mark: ClassVar[bool] = True
    #: Whether it moves rows by itself, so that a copy must be found before it begins to.
    ingests: ClassVar[bool] = False

    name: str
    description: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._put("name", as_name("name", self.name))
        self._put("description", as_optional_text("description", self.description))
        self._put("extra", as_mapping("extra", self.extra))
        self.payload()  # an `extra` that contradicts an argument shows now

    def _put(self, field_name: str, value: object) -> None:
        """Replace an argument by the value that is meant; only while the instance is being built."""
        object.__setattr__(self, field_name, value)

    @abstractmethod
    def look_up(self, client: Client) -> Iterable[Existing]:
        """Yield the objects that have this one's key, compared here: the services' filters are only hints."""

    @abstractmethod
    def body(self) -> Json:
        """Return the request body without ``extra``."""

    def payload(self) -> Json:
        """Return the request body."""
        return add_extra(self.body(), self.extra)

    def ready(self, client: Client) -> Self:
        """Return this value completed by what only the service knows; called once, before a creation."""
        return self

    @abstractmethod
    def create(self, client: Client, mark: Mark | None = None) -> Existing:
        """
        Ask the service to make it, once.

        :param mark: what the object is to carry.
        """

    def marked(self, payload: Json, mark: Mark | None) -> Json:
        """Return ``payload`` with the mark at the end of its description."""
        if mark is None:
            return payload
        return payload | {"description": f"{payload.get('description') or ''} {mark}".lstrip()}

    def window(self, client: Client) -> float:
        """Seconds in which a creation whose answer was lost takes effect and shows in lists."""
        return client.consistency_window

    @classmethod
    def mark_of(cls, existing: Existing) -> Mark | None:
        """Return the mark that an object carries."""
        return Mark.read(existing.item.get("description"))

    @classmethod
    @abstractmethod
    def everything(cls, client: Client) -> Iterable[Existing]:
        """Yield all objects of the kind."""

    @classmethod
    @abstractmethod
    def read(cls, client: Client, existing: Existing) -> Existing | None:
        """Return the object as it is now, ``None`` where it is gone: lists show the dead for a while."""

    @classmethod
    def in_use(cls, client: Client, existing: Existing) -> str:
        """Say why the object must not be deleted; empty where nothing is in the way."""
        return f"a {cls.kind} is never deleted"

    @classmethod
    def delete(cls, client: Client, existing: Existing) -> None:
        """Delete it; one that is gone already is deleted."""
        raise NotImplementedError

    @classmethod
    def disable(cls, client: Client, existing: Existing) -> bool:
        """Keep a copy from working, where that is possible; say whether it had to be done."""
        return False

    def is_copy(self, differences: list[Difference]) -> bool:
        """Whether an object that differs so is another one of this."""
        return not differences

    def is_out_of_date(self, error: RequestError) -> bool:
        """Whether what was refused is only what a request that is made later says otherwise."""
        return False

    def adopt_named_by(self, client: Client, error: RequestError) -> Existing | None:
        """Return the object that a refused creation names as standing in its way, if the service tells one."""
        return None

    @abstractmethod
    def wanted(self) -> Json:
        """Return the fields that count, normalised. A frozenset means "at least these"."""

    @abstractmethod
    def found(self, client: Client, existing: Existing) -> Json:
        """Return the same fields as the service shows them, normalised."""

    def differences(self, client: Client, existing: Existing) -> list[Difference]:
        """Compare by meaning: what the service changes by nature is no difference."""
        wanted, found = self.wanted(), self.found(client, existing)
        return [
            Difference(name, value, found.get(name))
            for name, value in wanted.items()
            if not (value <= set(found.get(name) or ()) if isinstance(value, frozenset) else value == found.get(name))
        ]

    #: What to do about a difference that an update cannot remove.
    fixed_advice: ClassVar[str] = "An update does not reach these fields: choose another name."
    #: Prefixes of the fields that :meth:`change` can change.
    changeable: ClassVar[tuple[str, ...]] = ()

    def update(self, client: Client, existing: Existing, differences: list[Difference]) -> Existing:
        """
        Change an existing object into this one.

        :raises ConflictError: if a field differs that cannot be changed, or whose change would not reach the dataflow.
        """
        fixed = [d for d in differences if not d.field.startswith(self.changeable)]
        if fixed:
            advice = self.fixed_advice
            raise ConflictError(self.kind, self.name, existing.id, fixed, advice)
        return self.change(client, existing, differences)

    def change(self, client: Client, existing: Existing, differences: list[Difference]) -> Existing:
        """Send the change; only called with differences in :attr:`changeable` fields."""
        raise NotImplementedError

    def outputs(self, existing: Existing, at: float) -> Json:
        """
        Return what the next steps need besides the id, as plain JSON.

        :param at: now, in epoch seconds of the platform's clock.
        """
        return {}


def made(answer: Answer, path: str, found_id: object, etag: object = None) -> Existing:
    """
    Return the object that an answer to a creation names.

    :raises RequestError: as an unknown outcome, if it names none: something may well have been made.
    """
    if not isinstance(found_id, str) or not found_id:
        raise RequestError(Failure.AMBIGUOUS, "POST", path, reason="the answer names no id", status=answer.status)
    item = answer.body if isinstance(answer.body, dict) else {}
    return Existing(found_id, etag=str(etag) if etag else None, item=item)


def read_if_there(read: Callable[[], Existing]) -> Existing | None:
    """Return what ``read`` returns, ``None`` where the service says that it is gone."""
    try:
        return read()
    except RequestError as error:
        if error.says_gone:
            return None
        raise


def seconds(value: object) -> float:
    """Return epoch seconds for a moment as services write it, milliseconds or ISO 8601 text; 0 if it is unreadable."""
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value).timestamp()
        return float(value) / 1000 if isinstance(value, (int, float)) else 0.0
    except ValueError:
        return 0.0


def delete(client: Client, path: str) -> None:
    """Send DELETE, again after a lost answer; what is absent by then is done."""
    try:
        client.request("DELETE", path, safe=True)
    except RequestError as error:
        if not error.says_gone:
            raise


def major_version(content_type: object) -> int | None:
    """
    Return the schema major version that a content type or version asks for.

    ``application/vnd.adobe.xed-full+json; version=1.3``, ``;version=1`` and ``1.0`` all mean 1; absent means the only
    one.
    """
    text = str(content_type or "").lower().replace(" ", "")
    version = text.rsplit("version=", 1)[-1] if "version=" in text else text
    digits = version.split(".", 1)[0]
    return int(digits) if digits.isdigit() else (1 if not text or "version=" not in text else None)


def without_empty(values: Mapping[str, Any]) -> Json:
    """Drop what is absent: ``null`` and empty containers mean nothing to the services."""
    return {key: value for key, value in values.items() if value not in (None, {}, [], ())}
