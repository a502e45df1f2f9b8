"""Planning of a schema's identity and of its enablement for Profile."""

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
    from airflow_provider_payments.aep.dataflows.chain import PlannedObject

__all__ = ["PROFILE_WARNING", "ProfileSteps"]

#: The consequence of enabling a schema or dataset for Profile, for a reviewer.
PROFILE_WARNING = "its rows become part of customer profiles, and that cannot be undone"
_IDENTITY_PATH = ("schema", "identity")


class ProfileSteps(SourceSteps):
    """The steps between the schema and the dataset."""

    def identity_and_profile(self, schema: PlannedObject, title: str, *, used: bool) -> None:
        """
        Plan the identity and the Profile enablement of a described schema.

        :param title: the schema's title.
        :param used: whether the dataflow uses the schema already.
        """
        written = self.definition.schema
        if not isinstance(written, WrittenSchema):
            return
        if written.identity:
            self._identity(written.identity, schema, title, used=used)
        if written.profile is not None:
            self._profile(schema, title, enabled=written.profile)

    def _profile(self, schema: PlannedObject, title: str, *, enabled: bool) -> None:
        kind, at = SchemaProfile.kind, ("schema", "profile")
        is_enabled = schema.existing is not None and is_in_profile(schema.existing)
        if is_enabled == enabled:
            return
        if is_enabled:
            changes = [Difference("schema.profile", enabled, is_enabled)]
            self.conflict(kind, title, "a schema cannot leave Profile: leave `profile` out", changes, at, id=schema.id)
        elif schema.existing and (obstacle := self._ownership_conflict(SCHEMA, schema.existing)):
            self.conflict(kind, title, obstacle, (), at)
        else:
            self.planning.profiles.add(schema.id)
            self.create(kind, title, SchemaProfile(name=title, schema_id=schema.id), PROFILE_WARNING)

    def will_be_in_profile(self, schema: PlannedObject) -> bool:
        """Return whether a schema is in Profile after the plan is applied."""
        if schema.id in self.planning.profiles:
            return True
        return schema.existing is not None and is_in_profile(schema.existing)

    def _identity(self, written: WrittenIdentity, schema: PlannedObject, title: str, *, used: bool) -> None:
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
            self.judge(name, desired, found[0], used=used, at=_IDENTITY_PATH)
        elif other := desired.other_primary(live):
            changes = [Difference("schema.identity.field", desired.name, field_path(other))]
            self.conflict(IDENTITY, name, ONE_PRIMARY, changes, _IDENTITY_PATH, id=other.id)
        elif obstacle := self._ownership_conflict(SCHEMA, schema.existing):
            self.conflict(IDENTITY, name, obstacle, (), _IDENTITY_PATH)
        else:
            self.create(IDENTITY, name, desired)

    def _path(self, field: str) -> str:
        """Return the path of a field in the form of descriptors."""
        place = to_destination(field).replace(TENANT_PLACEHOLDER, self.sandbox.tenant_id)
        return f"/{place.replace('.', '/')}"
