"""
Profile enablement of schemas: a tag that is set once, after the schema has an identity, and never removed.

Source: Adobe's page "Create a schema using the Schema Registry API", the section on Profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from airflow_provider_payments.aep.resources.base import Change
from airflow_provider_payments.aep.resources.converters import named, to_id
from airflow_provider_payments.aep.resources.schema_registry import SCHEMA, RegistryKind, RegistryResource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_payments.aep.api.client import Client, Reads
    from airflow_provider_payments.aep.errors import RequestError
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.resources.marks import Mark
    from airflow_provider_payments.aep.services import Json

UNION_TAG = "union"
#: A standard field group whose records contain their identities, so its schemas need no primary identity.
IDENTITY_MAP = "https://ns.adobe.com/xdm/context/identitymap"


@attrs.frozen(kw_only=True, field_transformer=named)
class SchemaProfile(RegistryResource):
    """
    The enablement of a schema for Real-Time Customer Profile: its records become part of profiles.

    It is a resource apart from the schema, because the schema's primary identity must be created in between: the
    registry refuses the enablement before.

    :param name: the schema's title.
    :param schema_id: the schema's ``$id``.
    """

    # Not a constant of the module, because `all_kinds` would find it: its collection is that of the schemas.
    kind: ClassVar[Kind] = RegistryKind(name="profile enablement", path=SCHEMA.path, carries_mark=False)

    schema_id: str = attrs.field(converter=to_id)

    def body(self) -> Json:
        return {"op": "add", "path": "/meta:immutableTags", "value": [UNION_TAG]}

    def look_up(self, reads: Reads) -> Iterator[RemoteObject]:
        """Yield the schema if it is enabled for Profile."""
        schema = self.kind.get(reads, self.schema_id)
        if is_in_profile(schema):
            yield schema

    def search_by_second_key(self, reads: Reads) -> Iterator[RemoteObject]:
        return self.look_up(reads)

    def create(self, client: Client, mark: Mark | None = None) -> RemoteObject:
        schema = self.kind.get(client, self.schema_id)
        # Another writer may have enabled the schema since the lookup, so the tag must not be added twice.
        others = (tag for tag in self.kind.fields_of(schema).texts("meta:immutableTags") if tag != UNION_TAG)
        tags = {"value": [*others, UNION_TAG]}
        return self.send(client, schema, Change((self.payload() | tags,)))

    def is_outdated_request(self, error: RequestError) -> bool:
        # Another writer has changed the schema since it was read.
        return error.status == 412

    def desired_fields(self) -> Json:
        return {}

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        return {}


def is_in_profile(schema: RemoteObject) -> bool:
    """
    Return whether a schema is enabled for Profile, so that its records are part of profiles.

    :raises UnreadableError: if the schema's tags cannot be understood.
    """
    return UNION_TAG in SCHEMA.fields_of(schema).texts("meta:immutableTags")
