"""
Identities: descriptors of the Schema Registry that say which field of a schema identifies a person or a thing.

Sources: Adobe's page "Descriptors endpoint" and its OpenAPI file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.errors import ConflictError, Difference, InvalidInputError, RequestError
from airflow_provider_payments.aep.inputs import as_bool, as_data
from airflow_provider_payments.aep.resources.base import Resource, without_empty
from airflow_provider_payments.aep.resources.converters import named, to_bool, to_id
from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
from airflow_provider_payments.aep.services import PAGE, SCHEMA_REGISTRY, Json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_payments.aep.api.client import Reads
    from airflow_provider_payments.aep.fields import Fields

DESCRIPTOR_TYPE = "xdm:descriptorIdentity"
#: How a descriptor may name its namespace: by its code, such as Email, or by a number that one organisation has.
BY_CODE = "xdm:code"
#: Refusal: the descriptor breaks a rule.
RULE_VIOLATED = "XDM-1520-400"


class IdentityKind(Kind):
    """What is asked of identities."""

    name_key = "xdm:sourceProperty"
    id_key = "@id"
    created_at = ("created",)

    def items(self, reads: Reads, name: str | None = None, limit: int = PAGE) -> Iterator[Json]:
        # Descriptors have no names to ask for.
        return (item for item in schema_registry.descriptors(reads, limit) if item.get("@type") == DESCRIPTOR_TYPE)

    def read_item(self, fields: Fields) -> RemoteObject:
        # Of two the age decides nothing, and not every sample shows it.
        created = readers.moment(readers.at(fields.item, *self.created_at)) or 0.0
        return RemoteObject(fields.identity(self.id_key), created, item=dict(fields.item))

    def get(self, reads: Reads, object_id: str, version: int = 0) -> RemoteObject:
        return self.read_item(self.fields_of_item(schema_registry.descriptor(reads, object_id)))

    def confirm(self, reads: Reads, existing: RemoteObject) -> None:
        self.get(reads, existing.id)

    def belongs_to(self, existing: RemoteObject) -> str | None:
        return self.fields_of(existing).text("xdm:sourceSchema")


IDENTITY = IdentityKind(
    name="identity",
    path=f"{SCHEMA_REGISTRY}/tenant/descriptors",
    page="schema/overview",
    # A second one of a field says the same, and a second primary one is refused.
    may_duplicate=False,
    carries_mark=False,
)


def _path(value: object) -> str:
    path = as_data("", value)
    if not path.startswith("/") or path.endswith("/"):
        raise InvalidInputError("", value, "a path that begins with a slash and does not end with one")
    return path


@attrs.frozen(kw_only=True, field_transformer=named)
class Identity(Resource):
    """
    A field of a schema that identifies.

    :param name: the field's path in the schema, such as ``/_acme/payment/customerId``: a schema has one identity of it.
    :param schema_id: the schema's ``$id``.
    :param namespace: the code of the identity namespace, such as ``Email``.
    :param primary: whether it is the schema's one primary identity; the service's default is no.
    """

    kind = IDENTITY

    name: str = attrs.field(converter=_path)
    schema_id: str = attrs.field(converter=to_id)
    namespace: str = attrs.field(converter=to_id)
    primary: bool | None = attrs.field(default=None, converter=to_bool)

    def body(self) -> Json:
        return without_empty(
            {
                "@type": DESCRIPTOR_TYPE,
                "xdm:sourceSchema": self.schema_id,
                "xdm:sourceVersion": 1,
                "xdm:sourceProperty": self.name,
                "xdm:namespace": self.namespace,
                "xdm:property": BY_CODE,
                "xdm:isPrimary": self.primary,
            }
        )

    def look_up(self, reads: Reads) -> Iterator[RemoteObject]:
        """Yield the identities that the schema has of this field."""
        return (each for each in identities_of(reads, self.schema_id) if field_path(each) == self.name)

    def look_further(self, reads: Reads) -> Iterator[RemoteObject]:
        """See as well that no other field is the schema's primary identity."""
        found = list(self.look_up(reads))
        if not found and (other := self.other_primary(identities_of(reads, self.schema_id))):
            found_path = Difference("xdm:sourceProperty", self.name, field_path(other))
            raise ConflictError(self.kind.name, self.name, other.id, (found_path,), ONE_PRIMARY)
        yield from found

    def other_primary(self, identities: Iterable[RemoteObject]) -> RemoteObject | None:
        """
        Return the identity of another field that is the schema's primary one, where this is to be it.

        :param identities: those of the schema.
        """
        others = (each for each in identities if field_path(each) != self.name)
        return next(filter(is_primary, others), None) if self.primary else None

    def is_taken(self, error: RequestError) -> bool:
        """Whether the schema has got a primary identity since it was looked for: the code alone may say anything."""
        return error.code == RULE_VIOLATED and bool(self.primary) and "primary" in error.problem.detail.lower()

    fixed_advice: ClassVar[str] = "Profiles may rest on an identity, so it is not changed: write what is there."

    def desired_fields(self) -> Json:
        return {"namespace": self.namespace} | ({} if self.primary is None else {"primary": self.primary})

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        return {"namespace": namespace_of(existing), "primary": is_primary(existing)}


ONE_PRIMARY = "A schema has one primary identity: write the field that is it."


def identities_of(reads: Reads, schema_id: str) -> Iterator[RemoteObject]:
    """
    Yield the identities of a schema.

    :raises UnreadableError: if one that may be of it cannot be understood.
    """
    for fields in map(IDENTITY.fields_of_item, IDENTITY.items(reads)):
        if fields.text("xdm:sourceSchema") == schema_id:
            yield IDENTITY.read_item(fields)


def field_path(existing: RemoteObject) -> str:
    """Return the path of an identity's field. Older documents write ``xdm:`` before standard fields."""
    return (_fields(existing).text("xdm:sourceProperty") or "").replace("/xdm:", "/")


def is_primary(existing: RemoteObject) -> bool:
    """Whether an identity is the primary one of its schema."""
    return _fields(existing).parsed(as_bool, "xdm:isPrimary") or False


def namespace_of(existing: RemoteObject) -> str | None:
    """Return the code of an identity's namespace; ``None`` where it says the namespace's number instead."""
    fields = _fields(existing)
    return fields.text("xdm:namespace") if fields.text("xdm:property") in (BY_CODE, None) else None


def _fields(existing: RemoteObject) -> Fields:
    return IDENTITY.fields_of(existing)
