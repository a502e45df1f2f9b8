"""Operator for mapping sets of Data Prep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_payments.aep.services import SCHEMA_VERSION
from airflow_provider_payments.operators.base import CreateOperator

if TYPE_CHECKING:
    from airflow_provider_payments.aep.resources.base import Resource

__all__ = ["CreateMappingSetOperator"]


class CreateMappingSetOperator(CreateOperator):
    """
    Create the mapping set: which column goes where in the target schema.

    It is found by its content; a changed mapping is a new mapping set. Returns
    :class:`~airflow_provider_payments.operators.outputs.CreatedMappingSet`.

    :param schema_id: the target schema's ``$id``.
    :param mappings: objects with ``source`` and ``destination`` (``source_type`` is ``ATTRIBUTE``, ``EXPRESSION`` or
        ``STATIC``), in this package's words or in the services'; or one object of destination -> source.
        ``{TENANT_ID}`` in a destination stands for the tenant's namespace: ``_{TENANT_ID}.product.name``.
    :param tenant_id: that namespace, as ``CreateTargetSchemaOperator`` returns it; asked of the service when absent.
    :param source_columns: the ``columns`` that ``CreateSourceConnectionOperator`` returns, for a check of the sources;
        by default there is none. A table's mapped columns must be among them. Of a REST resource explore may not show
        all attributes: a source is refused before the creation if it looks misspelt (up to two letters, or only the
        leading ``data.`` lacks), and any other unknown one is logged as a warning. So are attributes in expressions.
    :param dialect: ``current``, or ``legacy`` for the body that the tutorials print.
    :param schema_version: the content type that asks for the schema.
    """

    template_fields: Sequence[str] = (
        *CreateOperator.template_fields,
        "schema_id",
        "mappings",
        "tenant_id",
        "source_columns",
        "dialect",
        "schema_version",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **CreateOperator.template_fields_renderers,
        "mappings": "json",
    }

    def __init__(
        self,
        *,
        schema_id: str,
        mappings: list[dict[str, Any]] | dict[str, str] | str,
        tenant_id: str | None = None,
        source_columns: list[str] | str | None = None,
        dialect: Literal["current", "legacy"] | str = "current",
        schema_version: str = SCHEMA_VERSION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.schema_id = schema_id
        self.mappings = mappings
        self.tenant_id = tenant_id
        self.source_columns = source_columns
        self.dialect = dialect
        self.schema_version = schema_version

    def resource(self) -> Resource:
        from airflow_provider_payments.aep.resources.data_prep import MappingSet

        return MappingSet(
            schema_id=self.schema_id,
            mappings=self.mappings,
            tenant_id=self.tenant_id,
            source_columns=self.source_columns,
            dialect=self.dialect,
            schema_version=self.schema_version,
            **self.common,
        )
