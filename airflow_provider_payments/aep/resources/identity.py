"""
Identities: descriptors of the Schema Registry that declare which field of a schema identifies a person or a thing.

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
#: Value of ``xdm:property`` in descriptors that name the identity namespace by its code, such as Email. Others name it
#: by a number, which is valid in one organisation.
BY_CODE = "xdm:code"
#: Code of the refusal of a descriptor that violates a rule.
RULE_VIOLATED = "XDM-1520-400"


class IdentityKind(Kind):
    """The kind of identities."""

    name_key = "xdm:sourceProperty"
    id_key = "@id"
    created_at = ("created",)

    def items(self, reads: Reads, name: str | None = None, limit: int = PAGE) -> Iterator[Json]:
        # Descriptors have no names to filter by.
        return (item for item in schema_registry.descriptors(reads, limit) if item.get("@type") == DESCRIPTOR_TYPE)

    def read_item(self, fields: Fields) -> RemoteObject:
        # The time of creation is optional: not every sample contains it, and identities are not chosen by age.
        created = readers.moment(readers.at(fields.item, *self.created_at)) or 0.0
        return RemoteObject(fields.identity(self.id_key), created, item=dict(fields.item))

    def get(self, reads: Reads, object_id: str, version: int = 0) -> RemoteObject:
        return self.read_item(self.fields_of_item(schema_registry.descriptor(reads, object_id)))

    def check_readable(self, reads: Reads, existing: RemoteObject) -> None:
        self.get(reads, existing.id)

    def belongs_to(self, existing: RemoteObject) -> str | None:
        return self.fields_of(existing).text("xdm:sourceSchema")


IDENTITY = IdentityKind(
    name="identity",
    path=f"{SCHEMA_REGISTRY}/tenant/descriptors",
    page="schema/overview",
    # A duplicate for the same field does no harm, and the service refuses a second primary identity.
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
    The identity of one field of a schema.

    :param name: the field's path in the schema, such as ``/_acme/payment/customerId``. A schema has one identity for
        each field.
    :param schema_id: ``$id`` of the schema.
    :param namespace: code of the identity namespace, such as ``Email``.
    :param primary: whether the identity is the schema's one primary identity. Defaults to ``None``: not sent, which
        means false, and not compared.
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
        """Yield the schema's identities for this field."""
        return (each for each in identities_of(reads, self.schema_id) if field_path(each) == self.name)

    def search_by_second_key(self, reads: Reads) -> Iterator[RemoteObject]:
        """
        Yield the schema's identities for this field.

        :raises ConflictError: if there is none, this one is to be primary, and another field is the primary identity.
        """
        found = list(self.look_up(reads))
        if not found and (other := self.other_primary(identities_of(reads, self.schema_id))):
            found_path = Difference("xdm:sourceProperty", self.name, field_path(other))
            raise ConflictError(self.kind.name, self.name, other.id, (found_path,), ONE_PRIMARY)
        yield from found

    def other_primary(self, identities: Iterable[RemoteObject]) -> RemoteObject | None:
        """
        Return the schema's primary identity for another field, ``None`` if there is none or this one is not primary.

        :param identities: the schema's identities.
        """
        others = (each for each in identities if field_path(each) != self.name)
        return next(filter(is_primary, others), None) if self.primary else None

    def is_taken(self, error: RequestError) -> bool:
        """
        Return whether another writer has created the schema's primary identity since the lookup.

        The refusal's code stands for all violated rules, so the text must name the primary identity.
        """
        return error.code == RULE_VIOLATED and bool(self.primary) and "primary" in error.problem.detail.lower()

    fixed_advice: ClassVar[str] = (
        "Profiles may depend on an identity, so it is never changed: use the values of the existing identity."
    )

    def desired_fields(self) -> Json:
        return {"namespace": self.namespace} | ({} if self.primary is None else {"primary": self.primary})

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        return {"namespace": namespace_of(existing), "primary": is_primary(existing)}


ONE_PRIMARY = "A schema has one primary identity: use its field."


def identities_of(reads: Reads, schema_id: str) -> Iterator[RemoteObject]:
    """
    Yield the identities of a schema.

    :raises UnreadableError: if an identity that may belong to the schema cannot be understood.
    """
    for fields in map(IDENTITY.fields_of_item, IDENTITY.items(reads)):
        if fields.text("xdm:sourceSchema") == schema_id:
            yield IDENTITY.read_item(fields)


def field_path(existing: RemoteObject) -> str:
    """Return the path of an identity's field, without the prefix ``xdm:`` that older documents put before names."""
    return (_fields(existing).text("xdm:sourceProperty") or "").replace("/xdm:", "/")


def is_primary(existing: RemoteObject) -> bool:
    """Return whether an identity is the primary identity of its schema."""
    return _fields(existing).parsed(as_bool, "xdm:isPrimary") or False


def namespace_of(existing: RemoteObject) -> str | None:
    """Return the code of an identity's namespace, ``None`` if the descriptor contains the namespace's number."""
    fields = _fields(existing)
    return fields.text("xdm:namespace") if fields.text("xdm:property") in (BY_CODE, None) else None


def _fields(existing: RemoteObject) -> Fields:
    return IDENTITY.fields_of(existing)
