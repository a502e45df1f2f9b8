"""What a dataflow writes to, planned: fields, schema, dataset and target connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from airflow_provider_payments.aep.dataflows.chain import Known, StuckError
from airflow_provider_payments.aep.dataflows.converters import own_field, written_destination
from airflow_provider_payments.aep.dataflows.definition import Dataset as WrittenDataset
from airflow_provider_payments.aep.dataflows.definition import Schema as WrittenSchema
from airflow_provider_payments.aep.dataflows.profiles import INTO_PROFILE, ProfileSteps
from airflow_provider_payments.aep.dataflows.sandbox import name_of
from airflow_provider_payments.aep.dataflows.snapshot import unknown_id
from airflow_provider_payments.aep.dataflows.sources import choose
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

#: Stands for a type that is not compared: a field that exists keeps its own.
_ANY = None
#: Begins the ids of the classes and field groups that Adobe publishes: no field of the team's own is in them.
STANDARD_PARTS = "https://ns.adobe.com/xdm/"


class TargetSteps(ProfileSteps):
    """The steps from the source connection to the dataset."""

    # ---- the schema ------------------------------------------------------------------------------------------------

    def live_schema(self, existing: RemoteObject, *, used: bool = True) -> Known:
        """Plan a schema that is there."""
        title, written = name_of(existing, "title"), self.definition.schema
        if isinstance(written, str):
            if written != existing.id and not _same(written, title):
                changes = [Difference("schema", written, title)]
                reason = "the dataset follows another schema, and a dataset keeps its schema: name another dataset"
                self.conflict(SCHEMA, title, reason, changes, ("schema",), id=existing.id)
                raise StuckError
            return self.keep(SCHEMA, title, existing, used=used)
        if self.definition.schema_title is None:
            return self.keep(SCHEMA, title, existing, used=used)
        if written and written.title and not _same(written.title, title):
            changes = [Difference("schema.title", written.title, title)]
            reason = "a schema keeps its title, and a dataset its schema: name another dataset"
            self.conflict(SCHEMA, title, reason, changes, ("schema",), id=existing.id)
            raise StuckError
        groups = self._fields(existing)
        composed = [entry.text("$ref") or "" for entry in SCHEMA.fields_of(existing).each("allOf")]
        class_id = (written.class_ if written else None) or next(iter(composed), PROFILE_CLASS)
        references = tuple(known.id for known in groups if known.id not in composed) + self._further_groups()
        description = written.description if written else None
        desired = Schema(name=self.definition.name, class_id=class_id, field_groups=references, description=description)
        known = self.judge(title, desired, existing, used=used, at=("schema",))
        self.identity_and_profile(known, title, used=used)
        return known

    def new_schema(self) -> Known:
        """Plan the schema of a dataset that is not there yet."""
        written, titles = self.definition.schema, [*SCHEMA.list_all(self.snapshot)]
        if isinstance(written, str):
            found = [each for each in titles if written == each.id or _same(written, name_of(each, "title"))]
            if found:
                return self.keep(SCHEMA, name_of(found[0], "title"), found[0], used=False)
            if written in self.planning.schemas:
                return self.planning.schemas[written]
            hint = self.similar(written, (name_of(each, "title") for each in titles))
            self.conflict(SCHEMA, written, f"there is no schema of this title or $id{hint}", (), ("schema",))
            raise StuckError
        title = self.definition.schema_title or self.definition.name
        if found := [each for each in titles if _same(title, name_of(each, "title"))]:
            return self.live_schema(found[0], used=False)
        groups = tuple(known.id for known in self._fields(None)) + self._further_groups()
        class_id = (written.class_ if written else None) or PROFILE_CLASS
        description = written.description if written else None
        desired = Schema(name=title, class_id=class_id, field_groups=groups, description=description)
        self.planning.schemas[title] = created = self.create(SCHEMA, title, desired)
        self.identity_and_profile(created, title, used=False)
        return created

    def _further_groups(self) -> tuple[str, ...]:
        """Return the ids of the further field groups that somebody wrote."""
        written = self.definition.schema
        ids = []
        for group in written.field_groups if isinstance(written, WrittenSchema) else ():
            known = {name_of(each, "title"): each.id for each in self.sandbox.own_field_groups.values()}
            if "/" not in group and group not in known:
                reason = f"there is no field group of this title{self.similar(group, known)}"
                self.conflict(FIELD_GROUP, group, reason, (), ("schema", "field_groups"))
                raise StuckError
            ids.append(known.get(group, group))
        return tuple(ids)

    # ---- fields ----------------------------------------------------------------------------------------------------

    def _fields(self, schema: RemoteObject | None) -> list[Known]:
        """
        Plan the team's own fields.

        Each stays in the field group that holds it, those that are missing are added to the definition's own.

        :return: the field groups of which the schema must be composed.
        """
        groups = self.sandbox.field_groups(schema) if schema else []
        nodes = {group.id: self.sandbox.own_fields(group) for group in groups}
        held: dict[str, dict[str, Any]] = {group.id: {} for group in groups}
        missing: dict[str, Any] = {}
        for path, kind in self._desired_fields().items():
            holder = next((group_id for group_id, node in nodes.items() if _holds(node, path)), None)
            if holder is None:
                missing[path] = kind
            elif kind is not _ANY:
                held[holder][path] = kind
        own = self._group_for(missing, groups) if missing else None
        if own and own.id in held:
            held[own.id] |= self._typed(missing)
        for group in groups:
            if held[group.id]:
                self._judge_group(group, held[group.id], used=True)
            elif self._is_own_group(group):
                self.keep(FIELD_GROUP, name_of(group, "title"), group, used=True)
        if own is None or own.id in held:
            return []
        if own.existing:
            return [self._judge_group(own.existing, self._typed(missing), used=False)]
        return [self._create_group(missing)]

    def _group_for(self, missing: Mapping[str, Any], groups: list[RemoteObject]) -> Known:
        """Return the field group that takes fields which none holds."""
        title = self.definition.field_group_title or ""
        written = isinstance(self.definition.schema, WrittenSchema) and self.definition.schema.field_group
        titled = [each for each in self.sandbox.own_field_groups.values() if _same(title, name_of(each, "title"))]
        among = [each for each in groups if each in titled] or (
            [] if written else groups[:1] if len(groups) == 1 else []
        )
        if found := among or titled:
            return Known(found[0].id, found[0])
        return Known(unknown_id(FIELD_GROUP.name, title))

    def _judge_group(self, group: RemoteObject, fields: Mapping[str, Any], *, used: bool) -> Known:
        classes = FIELD_GROUP.fields_of(group).texts("meta:intendedToExtend")
        desired = FieldGroup(
            name=self.definition.name,
            fields=self._with_those_of_others(group.id, fields),
            class_id=classes[0] if classes else PROFILE_CLASS,
            tenant_id=self.sandbox.tenant_id,
        )
        return self.judge(name_of(group, "title"), desired, group, used=used, at=("schema", "fields"))

    def _create_group(self, missing: Mapping[str, Any]) -> Known:
        title, written = self.definition.field_group_title or "", self.definition.schema
        desired = FieldGroup(
            name=title,
            fields=self._with_those_of_others(unknown_id(FIELD_GROUP.name, title), self._typed(missing)),
            class_id=(written.class_ if isinstance(written, WrittenSchema) else None) or PROFILE_CLASS,
            tenant_id=self.sandbox.tenant_id,
        )
        unknown = self.base_id is None and any(kind is _ANY for kind in missing.values())
        reason = "the types of its fields are known once the base connection is there" if unknown else ""
        return self.create(FIELD_GROUP, title, None if unknown else desired, reason)

    def _with_those_of_others(self, group: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return what all definitions so far want a field group to hold: its one step must not lose any."""
        self.planning.fields[group] = together = {**fields, **self.planning.fields.get(group, {})}
        return dict(together)

    def _is_own_group(self, group: RemoteObject) -> bool:
        return _same(self.definition.field_group_title or "", name_of(group, "title"))

    def _desired_fields(self) -> Mapping[str, Any]:
        """Return the fields that somebody wrote, else those that mappings name, of any type."""
        written = self.definition.schema
        if isinstance(written, WrittenSchema) and written.fields is not None:
            return written.fields
        paths = filter(None, (own_field(m.destination) for m in self.definition.mappings))
        return {path.split("[", 1)[0]: _ANY for path in paths}

    def _typed(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return fields with their types: where nobody wrote one, that of the column that is mapped to it."""
        columns = {own_field(m.destination): m.source for m in self.definition.mappings if m.source_type == "ATTRIBUTE"}
        return {path: self.type_of(columns.get(path, "")) if kind is _ANY else kind for path, kind in fields.items()}

    def check_destinations(self, schema: Known) -> None:
        """
        See that a schema that is referred to has the team's own fields that are mapped, before a mapping set is made.

        :raises StuckError: if it lacks one.
        """
        if schema.existing is None or self.definition.field_group_title is not None:
            return
        groups = self.sandbox.field_groups(schema.existing)
        if self._grows(schema.existing, groups) or self._has_other_parts(schema.existing):
            return
        nodes = [self.sandbox.own_fields(group) for group in groups]
        missing = [
            (written_destination(m.destination), path)
            for m in self.definition.mappings
            if (path := own_field(m.destination)) and not any(_may_hold(node, path) for node in nodes)
        ]
        title = name_of(schema.existing, "title")
        reason = ". ".join(f"mappings.{written}: schema {title!r} has no field {path!r}" for written, path in missing)
        if missing:
            self.conflict(SCHEMA, title, reason, (), ("mappings", missing[0][0]), id=schema.id)
            raise StuckError

    def _grows(self, schema: RemoteObject, groups: list[RemoteObject]) -> bool:
        """Whether another definition of the plan adds fields to a schema."""
        ids = {schema.id, *(group.id for group in groups)}
        return self.planning.updates(ids)

    def _has_other_parts(self, schema: RemoteObject) -> bool:
        """Whether a schema is composed of the team's own classes or types, whose fields no list of groups tells."""
        references = [entry.text("$ref") or "" for entry in SCHEMA.fields_of(schema).each("allOf")]
        own = self.sandbox.own_field_groups
        return any(each not in own and not each.startswith(STANDARD_PARTS) for each in references)

    # ---- the dataset -----------------------------------------------------------------------------------------------

    def live_dataset(self, existing: RemoteObject, schema: Known, *, used: bool = True) -> Known:
        """Plan a dataset that is there."""
        name, written = name_of(existing), self.definition.dataset
        asked = written if isinstance(written, str) else written.name if written else None
        if asked and asked != existing.id and not _same(asked, name):
            reason = (
                "the rows of a dataflow do not move to another dataset: write the one that is there, or give the "
                "dataflow another name"
            )
            self.conflict(DATASET, name, reason, [Difference("dataset", asked, name)], ("dataset",), id=existing.id)
            raise StuckError
        if not isinstance(written, WrittenDataset):
            return self.keep(DATASET, name, existing, used=used)
        return self._judge_dataset(self._dataset(written, schema), existing, used=used)

    def new_dataset(self) -> tuple[Known, Known]:
        """Plan schema and dataset of a dataflow that is not there yet."""
        written = self.definition.dataset
        if isinstance(written, str):
            return self._referred_dataset(written)
        schema = self.new_schema()
        desired = self._dataset(written or WrittenDataset(), schema)
        named = list(desired.look_up(self.snapshot)) if schema.existing else []
        if existing := choose(self, desired, named):
            return schema, self._judge_dataset(desired, existing, used=False)
        if (planned := self.planning.datasets.get(desired.name)) and planned[0].id != schema.id:
            reason = "another definition creates it with another schema: describe it once, and refer to it by name"
            self.conflict(DATASET, desired.name, reason, (), ("dataset",))
            raise StuckError
        about = INTO_PROFILE if desired.profile else ""
        self.planning.datasets[desired.name] = created = schema, self.create(DATASET, desired.name, desired, about)
        return created

    def _judge_dataset(self, desired: Dataset, existing: RemoteObject, *, used: bool) -> Known:
        about = INTO_PROFILE if desired.profile and not is_in_profile(existing) else ""
        return self.judge(name_of(existing), desired, existing, used=used, at=("dataset",), reason=about)

    def _referred_dataset(self, written: str) -> tuple[Known, Known]:
        everything = list(DATASET.list_all(self.snapshot))
        found = [each for each in everything if each.id == written or _same(written, name_of(each))]
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            self.conflict(DATASET, written, f"several have this name: write an id, one of {ids}", (), ("dataset",))
            raise StuckError
        if found:
            schema = self.schema_of(found[0])
            return self.live_schema(schema, used=False), self.live_dataset(
                found[0], Known(schema.id, schema), used=False
            )
        if written in self.planning.datasets:
            return self.planning.datasets[written]
        reason = f"there is no dataset of this name or id{self.similar(written, map(name_of, everything))}"
        self.conflict(DATASET, written, reason, (), ("dataset",))
        raise StuckError

    def schema_of(self, dataset: RemoteObject) -> RemoteObject:
        """
        Return the schema of a dataset.

        :raises StuckError: if it is gone.
        """
        schema_id = DATASET.fields_of(dataset).text("schemaRef", "id")
        if schema_id and (schema := SCHEMA.find(self.snapshot, schema_id)):
            return schema
        self.conflict(DATASET, name_of(dataset), "its schema is gone, or is none of the team's own", id=dataset.id)
        raise StuckError

    def _dataset(self, written: WrittenDataset, schema: Known) -> Dataset:
        name = written.name or self.definition.name
        if written.profile and not self.is_going_to_be_in_profile(schema):
            reason = "its schema is not in Profile: write `profile: true` where the schema is described"
            self.conflict(DATASET, name, reason, (), ("dataset", "profile"))
            raise StuckError
        return Dataset(
            name=name,
            schema_id=schema.id,
            description=written.description,
            tags={name: list(values) for name, values in written.tags.items()},
            profile=written.profile,
        )


def _same(left: str, right: str) -> bool:
    return normalize("NFC", left) == normalize("NFC", right)


def _holds(node: Fields, path: str) -> bool:
    """Whether an object's fields hold one at a path."""
    found: Any = node.item
    for step in path.split("."):
        found = mapping(mapping(found).get("properties")).get(step)
        if found is None:
            return False
    return True


def _may_hold(node: Fields, path: str) -> bool:
    """Whether a path may lead to a field: what an array, a map or a reference holds is not looked into."""
    found: Any = node.item
    for step in path.split("."):
        if any(keyword in found for keyword in ("$ref", "allOf", "items", "additionalProperties")):
            return True
        found = mapping(mapping(found.get("properties")).get(step.partition("[")[0]))
        if not found:
            return False
    return True
