"""Operators for what makes a schema's rows part of customer profiles: its identities, and that it is in Profile."""

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
    Create the identity of a schema's field: the descriptor that says whose a row is.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too. An identity carries no
    mark and no description, and is never changed: profiles may rest on it. Returns
    :class:`~airflow_provider_payments.operators.outputs.CreatedObject`.

    .. seealso:: ``docs/operators.md#profile`` in the manual.

    :param name: the field, written as a destination of ``CreateMappingSetOperator``: ``_id``,
        ``_{TENANT_ID}.payment.customerId``, ``person.name.lastName``; or as a path, ``/_acme/payment/customerId``. A
        schema has one identity of it. (templated)
    :param schema_id: ``$id`` of the schema. (templated)
    :param namespace: code of the identity namespace, such as ``Email``. (templated)
    :param primary: whether it is the schema's primary identity, of which there is one. Defaults to ``None``: the
        service's default, no; one that is there is not compared. (templated)
    :param tenant_id: what ``{TENANT_ID}`` stands for, as ``CreateTargetSchemaOperator`` returns it. Defaults to
        ``None``: read from the service where ``name`` needs it. (templated)
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
        """Build the identity; ask for the tenant's namespace where the field's path needs it and nobody gave it."""
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
    Bring a schema into Real-Time Customer Profile, once it has a primary identity. It cannot be undone.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too; ``name`` is the
    schema's title. Returns :class:`~airflow_provider_payments.operators.outputs.CreatedSchema`: ``id`` is the schema's,
    and ``created`` says whether this task enabled it.

    .. seealso:: ``docs/operators.md#profile`` in the manual.

    :param schema_id: ``$id`` of the schema. (templated)
    """

    template_fields: Sequence[str] = (*CreateOperator.template_fields, "schema_id")

    def __init__(self, *, schema_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schema_id = schema_id

    def resource(self) -> Resource:
        """Build what is desired of the schema."""
        from airflow_provider_payments.aep.resources.profile import SchemaProfile

        return SchemaProfile(schema_id=self.schema_id, **self.common)
