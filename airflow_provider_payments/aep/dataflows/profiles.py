"""What makes a schema's rows part of profiles, planned: its identity, and that it is in Profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.converters import to_destination
from airflow_provider_payments.aep.dataflows.definition import Identity as WrittenIdentity
from airflow_provider_payments.aep.dataflows.definition import Schema as WrittenSchema
from airflow_provider_payments.aep.dataflows.sources import SourceSteps
from airflow_provider_payments.aep.errors import Difference
from airflow_provider_payments.aep.resources.data_prep import TENANT_PLACEHOLDER
from airflow_provider_payments.aep.resources.identity import IDENTITY, ONE_PRIMARY, Identity, field_path
from airflow_provider_payments.aep.resources.profile import SchemaProfile, is_in_profile
from airflow_provider_payments.aep.resources.schema_registry import SCHEMA

if TYPE_CHECKING:
    from airflow_provider_payments.aep.dataflows.chain import Known

__all__ = ["INTO_PROFILE", "ProfileSteps"]

#: What a reviewer should know of a schema or dataset that comes into Profile.
INTO_PROFILE = "its rows become part of customer profiles, and that cannot be undone"
_AT = ("schema", "identity")


class ProfileSteps(SourceSteps):
    """The steps between the schema and the dataset."""

    def identity_and_profile(self, schema: Known, title: str, *, used: bool) -> None:
        """
        Plan what the definition says of a schema that it describes.

        :param title: the schema's.
        :param used: whether the dataflow uses the schema already.
        """
        written = self.definition.schema
        if not isinstance(written, WrittenSchema):
            return
        if written.identity:
            self._identity(written.identity, schema, title, used=used)
        if written.profile is not None:
            self._profile(schema, title, enabled=written.profile)

    def _profile(self, schema: Known, title: str, *, enabled: bool) -> None:
        kind, at = SchemaProfile.kind, ("schema", "profile")
        is_enabled = schema.existing is not None and is_in_profile(schema.existing)
        if is_enabled == enabled:
            return
        if is_enabled:
            changes = [Difference("schema.profile", enabled, is_enabled)]
            self.conflict(kind, title, "a schema stays in Profile: leave `profile` out", changes, at, id=schema.id)
        elif schema.existing and (obstacle := self._foreign(SCHEMA, schema.existing)):
            self.conflict(kind, title, obstacle, (), at)
        else:
            self.planning.profiles.add(schema.id)
            self.create(kind, title, SchemaProfile(name=title, schema_id=schema.id), INTO_PROFILE)

    def is_going_to_be_in_profile(self, schema: Known) -> bool:
        """Whether a schema is in Profile, now or once the plan is applied."""
        if schema.id in self.planning.profiles:
            return True
        return schema.existing is not None and is_in_profile(schema.existing)

    def _identity(self, written: WrittenIdentity, schema: Known, title: str, *, used: bool) -> None:
        desired = Identity(
            name=self._path(written.field),
            schema_id=schema.id,
            namespace=written.namespace,
            primary=written.primary,
        )
        name = f"{written.field} of {title}"
        live = self.sandbox.identities_of(schema.id) if schema.existing else []
        if schema.existing is None:
            self.create(IDENTITY, name, desired)
        elif found := [each for each in live if field_path(each) == desired.name]:
            self.judge(name, desired, found[0], used=used, at=_AT)
        elif other := desired.other_primary(live):
            changes = [Difference("schema.identity.field", desired.name, field_path(other))]
            self.conflict(IDENTITY, name, ONE_PRIMARY, changes, _AT, id=other.id)
        elif obstacle := self._foreign(SCHEMA, schema.existing):
            self.conflict(IDENTITY, name, obstacle, (), _AT)
        else:
            self.create(IDENTITY, name, desired)

    def _path(self, field: str) -> str:
        """Return the path of a field as descriptors have it."""
        place = to_destination(field).replace(TENANT_PLACEHOLDER, self.sandbox.tenant_id)
        return f"/{place.replace('.', '/')}"
