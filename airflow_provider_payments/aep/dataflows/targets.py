"""Planning of a dataflow's schema with its field groups, and of its dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.dataflows.chain import PlannedObject, PlanningStoppedError
from airflow_provider_payments.aep.dataflows.converters import from_destination, tenant_field
from airflow_provider_payments.aep.dataflows.definition import Dataset as WrittenDataset
from airflow_provider_payments.aep.dataflows.definition import Schema as WrittenSchema
from airflow_provider_payments.aep.dataflows.profiles import PROFILE_WARNING, ProfileSteps
from airflow_provider_payments.aep.dataflows.sandbox import is_same_name, name_of
from airflow_provider_payments.aep.dataflows.snapshot import placeholder_id
from airflow_provider_payments.aep.dataflows.sources import select_existing
from airflow_provider_payments.aep.errors import Difference
from airflow_provider_payments.aep.readers import mapping
from airflow_provider_payments.aep.resources.catalog import DATASET, Dataset, is_in_profile
from airflow_provider_payments.aep.resources.schema_registry import FIELD_GROUP, SCHEMA, FieldGroup, Schema
from airflow_provider_payments.aep.services import PROFILE_CLASS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_payments.aep.fields import Fields
    from airflow_provider_payments.aep.resources.kind import RemoteObject

__all__ = ["TargetSteps"]

#: The type of a field without a written type: an existing field keeps its own type.
_ANY_TYPE = None
#: The prefix of the ids of Adobe's classes and field groups, which contain no custom field.
STANDARD_ID_PREFIX = "https://ns.adobe.com/xdm/"


class TargetSteps(ProfileSteps):
    """The steps of field groups, schema and dataset."""

    # ---- the schema ------------------------------------------------------------------------------------------------

    def live_schema(self, existing: RemoteObject, *, used: bool = True) -> PlannedObject:
        """Plan an existing schema."""
        title, written = name_of(existing, "title"), self.definition.schema
        if isinstance(written, str):
            if written != existing.id and not is_same_name(written, title):
                changes = [Difference("schema", written, title)]
                reason = "the dataset has another schema, which cannot be changed: name another dataset"
                self.conflict(SCHEMA, title, reason, changes, ("schema",), id=existing.id)
                raise PlanningStoppedError
            return self.keep(SCHEMA, title, existing, used=used)
        if self.definition.schema_title is None:
            return self.keep(SCHEMA, title, existing, used=used)
        if written and written.title and not is_same_name(written.title, title):
            changes = [Difference("schema.title", written.title, title)]
            reason = "a schema's title and a dataset's schema cannot be changed: name another dataset"
            self.conflict(SCHEMA, title, reason, changes, ("schema",), id=existing.id)
            raise PlanningStoppedError
        groups = self._plan_fields(existing)
        composed = [entry.text("$ref") or "" for entry in SCHEMA.fields_of(existing).each("allOf")]
        class_id = (written.class_ if written else None) or next(iter(composed), PROFILE_CLASS)
        references = tuple(known.id for known in groups if known.id not in composed) + self._further_groups()
        description = written.description if written else None
        desired = Schema(name=self.definition.name, class_id=class_id, field_groups=references, description=description)
        known = self.judge(title, desired, existing, used=used, at=("schema",))
        self.identity_and_profile(known, title, used=used)
        return known

    def new_schema(self) -> PlannedObject:
        """Plan the schema of a new dataset."""
        written, schemas = self.definition.schema, [*SCHEMA.list_all(self.snapshot)]
        if isinstance(written, str):
            found = [each for each in schemas if written == each.id or is_same_name(written, name_of(each, "title"))]
            if found:
                return self.keep(SCHEMA, name_of(found[0], "title"), found[0], used=False)
            if written in self.planning.schemas:
                return self.planning.schemas[written]
            hint = self.suggestion(written, (name_of(each, "title") for each in schemas))
            self.conflict(SCHEMA, written, f"there is no schema with this title or $id{hint}", (), ("schema",))
            raise PlanningStoppedError
        title = self.definition.schema_title or self.definition.name
        if found := [each for each in schemas if is_same_name(title, name_of(each, "title"))]:
            return self.live_schema(found[0], used=False)
        groups = tuple(known.id for known in self._plan_fields(None)) + self._further_groups()
        class_id = (written.class_ if written else None) or PROFILE_CLASS
        description = written.description if written else None
        desired = Schema(name=title, class_id=class_id, field_groups=groups, description=description)
        self.planning.schemas[title] = created = self.create(SCHEMA, title, desired)
        self.identity_and_profile(created, title, used=False)
        return created

    def _further_groups(self) -> tuple[str, ...]:
        """Return the ids of the field groups that ``schema.field_groups`` names."""
        written = self.definition.schema
        ids = []
        for group in written.field_groups if isinstance(written, WrittenSchema) else ():
            known = {name_of(each, "title"): each.id for each in self.sandbox.own_field_groups.values()}
            if "/" not in group and group not in known:
                reason = f"there is no field group with this title{self.suggestion(group, known)}"
                self.conflict(FIELD_GROUP, group, reason, (), ("schema", "field_groups"))
                raise PlanningStoppedError
            ids.append(known.get(group, group))
        return tuple(ids)

    # ---- fields ----------------------------------------------------------------------------------------------------

    def _plan_fields(self, schema: RemoteObject | None) -> list[PlannedObject]:
        """
        Plan the custom fields.

        An existing field stays in its field group; missing fields are added to the definition's own field group.

        :return: the field groups that must be added to the schema.
        """
        groups = self.sandbox.field_groups(schema) if schema else []
        nodes = {group.id: self.sandbox.own_fields(group) for group in groups}
        desired_by_group: dict[str, dict[str, Any]] = {group.id: {} for group in groups}
        missing: dict[str, Any] = {}
        for path, kind in self._desired_fields().items():
            group_id = next((each for each, node in nodes.items() if _has_field(node, path)), None)
            if group_id is None:
                missing[path] = kind
            elif kind is not _ANY_TYPE:
                desired_by_group[group_id][path] = kind
        own = self._own_group(groups) if missing else None
        if own and own.id in desired_by_group:
            desired_by_group[own.id] |= self._typed(missing)
        for group in groups:
            if desired_by_group[group.id]:
                self._judge_group(group, desired_by_group[group.id], used=True)
            elif self._is_own_group(group):
                self.keep(FIELD_GROUP, name_of(group, "title"), group, used=True)
        if own is None or own.id in desired_by_group:
            return []
        if own.existing:
            return [self._judge_group(own.existing, self._typed(missing), used=False)]
        return [self._create_group(missing)]

    def _own_group(self, groups: list[RemoteObject]) -> PlannedObject:
        """
        Return the field group to which missing fields are added.

        :param groups: the field groups of the schema.
        """
        title = self.definition.field_group_title or ""
        written = isinstance(self.definition.schema, WrittenSchema) and self.definition.schema.field_group
        titled = [
            each for each in self.sandbox.own_field_groups.values() if is_same_name(title, name_of(each, "title"))
        ]
        in_schema = [each for each in groups if each in titled]
        if not in_schema and not written and len(groups) == 1:
            in_schema = groups
        if found := in_schema or titled:
            return PlannedObject(found[0].id, found[0])
        return PlannedObject(placeholder_id(FIELD_GROUP.name, title))

    def _judge_group(self, group: RemoteObject, fields: Mapping[str, Any], *, used: bool) -> PlannedObject:
        classes = FIELD_GROUP.fields_of(group).texts("meta:intendedToExtend")
        desired = FieldGroup(
            name=self.definition.name,
            fields=self._with_fields_of_others(group.id, fields),
            class_id=classes[0] if classes else PROFILE_CLASS,
            tenant_id=self.sandbox.tenant_id,
        )
        return self.judge(name_of(group, "title"), desired, group, used=used, at=("schema", "fields"))

    def _create_group(self, missing: Mapping[str, Any]) -> PlannedObject:
        title, written = self.definition.field_group_title or "", self.definition.schema
        desired = FieldGroup(
            name=title,
            fields=self._with_fields_of_others(placeholder_id(FIELD_GROUP.name, title), self._typed(missing)),
            class_id=(written.class_ if isinstance(written, WrittenSchema) else None) or PROFILE_CLASS,
            tenant_id=self.sandbox.tenant_id,
        )
        unknown = self.base_id is None and any(kind is _ANY_TYPE for kind in missing.values())
        reason = "the types of its fields are known once the base connection exists" if unknown else ""
        return self.create(FIELD_GROUP, title, None if unknown else desired, reason)

    def _with_fields_of_others(self, group: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a field group that this and earlier definitions desire; they share one step."""
        self.planning.fields[group] = combined = {**fields, **self.planning.fields.get(group, {})}
        return dict(combined)

    def _is_own_group(self, group: RemoteObject) -> bool:
        return is_same_name(self.definition.field_group_title or "", name_of(group, "title"))

    def _desired_fields(self) -> Mapping[str, Any]:
        """Return the fields of the described schema, or else the fields that the mappings name, without types."""
        written = self.definition.schema
        if isinstance(written, WrittenSchema) and written.fields is not None:
            return written.fields
        paths = filter(None, (tenant_field(m.destination) for m in self.definition.mappings))
        return {path.split("[", 1)[0]: _ANY_TYPE for path in paths}

    def _typed(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return fields with types; a field without a written type has that of the column that is mapped to it."""
        columns = {
            tenant_field(m.destination): m.source for m in self.definition.mappings if m.source_type == "ATTRIBUTE"
        }
        return {
            path: self.type_of(columns.get(path, "")) if kind is _ANY_TYPE else kind for path, kind in fields.items()
        }

    def check_destinations(self, schema: PlannedObject) -> None:
        """
        Check that a schema that the definition only refers to has the mapped custom fields.

        :raises PlanningStoppedError: if the schema lacks a field.
        """
        if schema.existing is None or self.definition.field_group_title is not None:
            return
        groups = self.sandbox.field_groups(schema.existing)
        if self._is_extended_by_plan(schema.existing, groups) or self._has_uncheckable_parts(schema.existing):
            return
        nodes = [self.sandbox.own_fields(group) for group in groups]
        missing = [
            (from_destination(m.destination), path)
            for m in self.definition.mappings
            if (path := tenant_field(m.destination)) and not any(_may_have_field(node, path) for node in nodes)
        ]
        title = name_of(schema.existing, "title")
        reason = ". ".join(f"mappings.{written}: schema {title!r} has no field {path!r}" for written, path in missing)
        if missing:
            self.conflict(SCHEMA, title, reason, (), ("mappings", missing[0][0]), id=schema.id)
            raise PlanningStoppedError

    def _is_extended_by_plan(self, schema: RemoteObject, groups: list[RemoteObject]) -> bool:
        """Return whether another definition of the plan changes a schema or one of its field groups."""
        ids = {schema.id, *(group.id for group in groups)}
        return self.planning.has_update_of(ids)

    def _has_uncheckable_parts(self, schema: RemoteObject) -> bool:
        """Return whether a schema contains custom classes or types, whose fields the field groups do not list."""
        references = [entry.text("$ref") or "" for entry in SCHEMA.fields_of(schema).each("allOf")]
        own = self.sandbox.own_field_groups
        return any(each not in own and not each.startswith(STANDARD_ID_PREFIX) for each in references)

    # ---- the dataset -----------------------------------------------------------------------------------------------

    def live_dataset(self, existing: RemoteObject, schema: PlannedObject, *, used: bool = True) -> PlannedObject:
        """Plan an existing dataset."""
        name, written = name_of(existing), self.definition.dataset
        desired = written if isinstance(written, str) else written.name if written else None
        if desired and desired != existing.id and not is_same_name(desired, name):
            reason = (
                "a dataflow cannot change its dataset: write the existing dataset, or give the dataflow another name"
            )
            self.conflict(DATASET, name, reason, [Difference("dataset", desired, name)], ("dataset",), id=existing.id)
            raise PlanningStoppedError
        if not isinstance(written, WrittenDataset):
            return self.keep(DATASET, name, existing, used=used)
        return self._judge_dataset(self._dataset(written, schema), existing, used=used)

    def new_dataset(self) -> tuple[PlannedObject, PlannedObject]:
        """Plan schema and dataset of a new dataflow."""
        written = self.definition.dataset
        if isinstance(written, str):
            return self._referred_dataset(written)
        schema = self.new_schema()
        desired = self._dataset(written or WrittenDataset(), schema)
        named = list(desired.look_up(self.snapshot)) if schema.existing else []
        if existing := select_existing(self, desired, named):
            return schema, self._judge_dataset(desired, existing, used=False)
        if (planned := self.planning.datasets.get(desired.name)) and planned[0].id != schema.id:
            reason = "another definition creates it with another schema: describe it once, and refer to it by name"
            self.conflict(DATASET, desired.name, reason, (), ("dataset",))
            raise PlanningStoppedError
        about = PROFILE_WARNING if desired.profile else ""
        self.planning.datasets[desired.name] = created = schema, self.create(DATASET, desired.name, desired, about)
        return created

    def _judge_dataset(self, desired: Dataset, existing: RemoteObject, *, used: bool) -> PlannedObject:
        about = PROFILE_WARNING if desired.profile and not is_in_profile(existing) else ""
        return self.judge(name_of(existing), desired, existing, used=used, at=("dataset",), reason=about)

    def _referred_dataset(self, written: str) -> tuple[PlannedObject, PlannedObject]:
        datasets = list(DATASET.list_all(self.snapshot))
        found = [each for each in datasets if each.id == written or is_same_name(written, name_of(each))]
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            self.conflict(DATASET, written, f"several have this name: write one of the ids {ids}", (), ("dataset",))
            raise PlanningStoppedError
        if found:
            existing = self.schema_of(found[0])
            schema = self.live_schema(existing, used=False)
            return schema, self.live_dataset(found[0], PlannedObject(existing.id, existing), used=False)
        if written in self.planning.datasets:
            return self.planning.datasets[written]
        reason = f"there is no dataset with this name or id{self.suggestion(written, map(name_of, datasets))}"
        self.conflict(DATASET, written, reason, (), ("dataset",))
        raise PlanningStoppedError

    def schema_of(self, dataset: RemoteObject) -> RemoteObject:
        """
        Return the schema of a dataset.

        :raises PlanningStoppedError: if it does not exist.
        """
        schema_id = DATASET.fields_of(dataset).text("schemaRef", "id")
        if schema_id and (schema := SCHEMA.find(self.snapshot, schema_id)):
            return schema
        self.conflict(
            DATASET, name_of(dataset), "its schema no longer exists, or is not a custom schema", id=dataset.id
        )
        raise PlanningStoppedError

    def _dataset(self, written: WrittenDataset, schema: PlannedObject) -> Dataset:
        name = written.name or self.definition.name
        if written.profile and not self.will_be_in_profile(schema):
            reason = "its schema is not in Profile: write `profile: true` in the description of the schema"
            self.conflict(DATASET, name, reason, (), ("dataset", "profile"))
            raise PlanningStoppedError
        return Dataset(
            name=name,
            schema_id=schema.id,
            description=written.description,
            tags={name: list(values) for name, values in written.tags.items()},
            profile=written.profile,
        )


def _has_field(node: Fields, path: str) -> bool:
    """Return whether an object schema has a field at a path."""
    found: Any = node.item
    for step in path.split("."):
        found = mapping(mapping(found).get("properties")).get(step)
        if found is None:
            return False
    return True


def _may_have_field(node: Fields, path: str) -> bool:
    """Return whether an object schema may have a field at a path; arrays, maps and references are not examined."""
    found: Any = node.item
    for step in path.split("."):
        if any(keyword in found for keyword in ("$ref", "allOf", "items", "additionalProperties")):
            return True
        found = mapping(mapping(found.get("properties")).get(step.partition("[")[0]))
        if not found:
            return False
    return True
