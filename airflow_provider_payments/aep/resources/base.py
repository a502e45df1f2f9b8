"""
A resource: what :mod:`..provisioning` needs to know of it to make it exactly once.

A new kind is one subclass here and one small operator; nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow_provider_payments.aep.errors import ConflictError, Difference, Failure, RequestError
from airflow_provider_payments.aep.inputs import add_extra, as_mapping, as_name, as_optional_text
from airflow_provider_payments.aep.services import Json

if TYPE_CHECKING:
    from airflow_provider_payments.aep.client import Client
    from airflow_provider_payments.aep.transport import Answer


@dataclass(frozen=True)
class Existing:
    """
    An object that the service holds.

    :param created: when it was made, in the service's own unit; only compared with others of its kind.
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
    def create(self, client: Client) -> Existing:
        """Ask the service to make it, once."""

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

    def outputs(self, existing: Existing) -> Json:
        """Return what the next steps need besides the id, as plain JSON."""
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
