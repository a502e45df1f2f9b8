"""Operators for schemas of the Schema Registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_list, as_mapping, as_optional_text, as_text
from airflow_provider_payments.aep.services import PROFILE_CLASS
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.links import keep
from airflow_provider_payments.operators.base import CreateOperator, FindOperator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.resources.schema_registry import FieldGroup, Schema

__all__ = ["CreateAdHocSchemaOperator", "CreateTargetSchemaOperator", "FindSchemaOperator"]


class CreateTargetSchemaOperator(CreateOperator):
    """
    Create the target schema and, if ``fields`` are given, a field group with these fields that the schema uses.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too; ``name`` is the
    schema's title. Titles are unique over all kinds of resource, so the field group has another title. Returns
    :class:`~airflow_provider_payments.operators.outputs.CreatedSchema`, with ``fields``
    :class:`~airflow_provider_payments.operators.outputs.CreatedSchemaWithFields`.

    .. seealso:: ``docs/operators.md#if_exists`` in the manual, for the comparison with an existing schema.

    :param fields: path -> type, such as ``{"product.name": "string"}``, under the tenant's namespace. Names consist of
        letters, digits and underscores, and do not begin with an underscore. Types: ``string``, ``integer``,
        ``number``, ``boolean``, ``date``, ``date-time``, ``time``, ``uri``, ``email``, or a JSON schema. Existing
        fields are compared only in the members given here; ``if_exists="update"`` adds fields and values of an
        ``enum``, also within arrays and maps. Defaults to ``None``: no field group. (templated)
    :param class_id: ``$id`` of the schema's class. Defaults to ``"https://ns.adobe.com/xdm/context/profile"``, XDM
        Individual Profile. (templated)
    :param field_group: title of the field group that contains ``fields``. Defaults to ``None``: ``<name> - fields``.
        (templated)
    :param field_groups: further, existing field groups of the schema, each a title or an ``$id``. Defaults to ``None``.
        (templated)
    """

    template_fields: Sequence[str] = (
        *CreateOperator.template_fields,
        "fields",
        "class_id",
        "field_group",
        "field_groups",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {**CreateOperator.template_fields_renderers, "fields": "json"}

    def __init__(
        self,
        *,
        fields: dict[str, Any] | str | None = None,
        class_id: str = PROFILE_CLASS,
        field_group: str | None = None,
        field_groups: list[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fields = fields
        self.class_id = class_id
        self.field_group = field_group
        self.field_groups = field_groups

    def resource(self) -> Resource:
        """Return the desired schema without the field group of ``fields``; titles in ``field_groups`` are looked up."""
        return self._schema(map(self._id_of, self._groups))

    @property
    def _groups(self) -> list[str]:
        return [as_text("field_groups", group) for group in as_list("field_groups", self.field_groups) or ()]

    def _id_of(self, group: str) -> str:
        from airflow_provider_payments.aep.resources.finding import find_object
        from airflow_provider_payments.aep.resources.schema_registry import FIELD_GROUP

        if "/" in group:
            return group
        return find_object(self.hook.client, FIELD_GROUP, group, argument="field_groups").id

    def _schema(self, groups: Iterable[str]) -> Schema:
        from airflow_provider_payments.aep.resources.schema_registry import Schema

        return Schema(class_id=self.class_id, field_groups=tuple(groups), **self.common)

    def _field_group(self) -> FieldGroup | None:
        from airflow_provider_payments.aep.resources.schema_registry import FieldGroup

        fields = as_mapping("fields", self.fields)
        title = as_optional_text("field_group", self.field_group) or f"{self.name} - fields"
        if title == self.name:
            raise InvalidInputError("field_group", title, "another title than the schema's")
        if not fields:
            return None
        return FieldGroup(name=title, description=self.description, fields=fields, class_id=self.class_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Find or create the field group, then the schema.

        :raises ExperiencePlatformFailedError: if another try cannot succeed.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        with airflow_errors():
            # Schema and field group are checked before the first of them is created.
            self._schema(group for group in self._groups if "/" in group)
            own = self._field_group()
            further = [self._id_of(group) for group in self._groups]
            if own is None:
                return self.provision(context, self._schema(further)).to_json()
            group = self.provision(context, own)
            # Pushed at once, so that the id of the field group is known even if the schema fails.
            keep(context, "field_group_id", group.existing.id)
            result = self.provision(context, self._schema([*further, group.existing.id])).to_json()
        return result | {"field_group_id": group.existing.id, "field_group_created": group.created}


class FindSchemaOperator(FindOperator):
    """
    Find a schema by its title or ``$id``.

    The only arguments are those of :class:`~airflow_provider_payments.operators.base.FindOperator`. Returns
    :class:`~airflow_provider_payments.operators.outputs.CreatedSchema`.

    .. seealso:: ``docs/operators.md#find-existing-objects`` in the manual.
    """

    def kind(self) -> Kind:
        """Return the kind of schemas."""
        from airflow_provider_payments.aep.resources.schema_registry import SCHEMA

        return SCHEMA

    def outputs(self, existing: RemoteObject) -> dict[str, Any]:
        """Return the schema's version and the tenant's namespace."""
        from airflow_provider_payments.aep.resources.schema_registry import registry_outputs

        return registry_outputs(existing)


class CreateAdHocSchemaOperator(CreateOperator):
    """
    Create an ad-hoc schema with its class, which the older documents require for a source connection.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too; ``name`` is the
    schema's title. The class, with the title ``<name> - class``, describes the columns of one table. Newer source
    connections contain their columns and need neither. Returns
    :class:`~airflow_provider_payments.operators.outputs.CreatedAdHocSchema`.

    .. seealso:: ``docs/operators.md#steps`` in the manual.

    :param fields: column -> type, one of the types of :class:`CreateTargetSchemaOperator`. (templated)
    """

    template_fields: Sequence[str] = (*CreateOperator.template_fields, "fields")
    template_fields_renderers: ClassVar[dict[str, str]] = {**CreateOperator.template_fields_renderers, "fields": "json"}

    def __init__(self, *, fields: dict[str, Any] | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = fields

    def resource(self) -> Resource:
        """Return the desired ad-hoc class."""
        from airflow_provider_payments.aep.resources.schema_registry import AdHocClass

        fields = as_mapping("fields", self.fields)
        return AdHocClass(name=f"{self.name} - class", description=self.description, fields=fields)

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Find or create the class, then the schema.

        :raises ExperiencePlatformFailedError: if another try cannot succeed.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.resources.schema_registry import Schema

        with airflow_errors():
            Schema(**self.common)  # checks the schema before the class is created
            adhoc = self.provision(context, self.resource())
            keep(context, "class_id", adhoc.existing.id)
            result = self.provision(context, Schema(class_id=adhoc.existing.id, **self.common)).to_json()
        return result | {"class_id": adhoc.existing.id, "class_created": adhoc.created}
