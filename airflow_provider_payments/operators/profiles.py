"""Operators for customer profiles: they create identities of a schema, and enable the schema for Profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.inputs import as_optional_text, as_text
from airflow_provider_payments.operators.base import CreateOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_payments.aep.resources.base import Resource

__all__ = ["CreateIdentityOperator", "EnableSchemaForProfileOperator"]


class CreateIdentityOperator(CreateOperator):
    """
    Create the identity of a schema's field: a descriptor that declares that the field identifies a person or a thing.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too. An identity has no
    mark and no description, and is never changed, because profiles may depend on it. Returns
    :class:`~airflow_provider_payments.operators.outputs.CreatedObject`.

    .. seealso:: ``docs/operators.md#profile`` in the manual.

    :param name: the field, written as a destination of ``CreateMappingSetOperator``: ``_id``,
        ``_{TENANT_ID}.payment.customerId``, ``person.name.lastName``; or as a path, ``/_acme/payment/customerId``. A
        schema has one identity for each field. (templated)
    :param schema_id: ``$id`` of the schema. (templated)
    :param namespace: code of the identity namespace, such as ``Email``. (templated)
    :param primary: whether the identity is the schema's one primary identity. Defaults to ``None``: false for a new
        identity; an existing identity may be either. (templated)
    :param tenant_id: value of ``{TENANT_ID}``, as ``CreateTargetSchemaOperator`` returns it. Defaults to ``None``: read
        from the service if ``name`` needs it. (templated)
    """

    template_fields: Sequence[str] = (
        *CreateOperator.template_fields,
        "schema_id",
        "namespace",
        "primary",
        "tenant_id",
    )

    def __init__(
        self,
        *,
        name: str,
        schema_id: str,
        namespace: str,
        primary: bool | str | None = None,
        tenant_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.schema_id = schema_id
        self.namespace = namespace
        self.primary = primary
        self.tenant_id = tenant_id

    def resource(self) -> Resource:
        """Return the desired identity; the tenant's namespace is read if the path needs it and it is not given."""
        import attrs

        from airflow_provider_payments.aep.api import schema_registry
        from airflow_provider_payments.aep.resources.data_prep import TENANT_PLACEHOLDER
        from airflow_provider_payments.aep.resources.identity import Identity

        field, tenant_id = as_text("name", self.name), as_optional_text("tenant_id", self.tenant_id)
        path = field if field.startswith("/") else f"/{field.replace('.', '/')}"
        desired = Identity(
            **self.common | {"name": path},
            schema_id=self.schema_id,
            namespace=self.namespace,
            primary=self.primary,
        )
        if TENANT_PLACEHOLDER not in path:
            return desired
        tenant_id = tenant_id or schema_registry.tenant_id(self.hook.client)
        return attrs.evolve(desired, name=path.replace(TENANT_PLACEHOLDER, tenant_id.removeprefix("_")))


class EnableSchemaForProfileOperator(CreateOperator):
    """
    Enable a schema that has a primary identity for Real-Time Customer Profile. This cannot be undone.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too; ``name`` is the
    schema's title. Returns :class:`~airflow_provider_payments.operators.outputs.CreatedSchema`: ``id`` is that of the
    schema, and ``created`` is whether this task enabled the schema.

    .. seealso:: ``docs/operators.md#profile`` in the manual.

    :param schema_id: ``$id`` of the schema. (templated)
    """

    template_fields: Sequence[str] = (*CreateOperator.template_fields, "schema_id")

    def __init__(self, *, schema_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schema_id = schema_id

    def resource(self) -> Resource:
        """Return the desired enablement of the schema."""
        from airflow_provider_payments.aep.resources.profile import SchemaProfile

        return SchemaProfile(schema_id=self.schema_id, **self.common)
