"""Operator for mapping sets of Data Prep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_payments.aep.services import SCHEMA_VERSION
from airflow_provider_payments.operators.base import CreateOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_payments.aep.resources.base import Resource

__all__ = ["CreateMappingSetOperator"]


class CreateMappingSetOperator(CreateOperator):
    """
    Create the mapping set: the mapping of the source's columns to fields of the target schema.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too. A mapping set is found
    by its content, so a changed mapping leads to a new mapping set. Returns
    :class:`~airflow_provider_payments.operators.outputs.CreatedMappingSet`.

    .. seealso:: ``docs/operators.md#steps`` in the manual.

    :param schema_id: ``$id`` of the target schema. (templated)
    :param mappings: objects with ``source``, ``destination`` and optionally ``source_type`` (``ATTRIBUTE``,
        ``EXPRESSION`` or ``STATIC``), in these names or in the service's; or one object of destination -> source.
        ``{TENANT_ID}`` in a destination stands for the tenant's namespace: ``_{TENANT_ID}.product.name``. (templated)
    :param tenant_id: the tenant's namespace without ``_``, as ``CreateTargetSchemaOperator`` returns it. Defaults to
        ``None``: read from the service if a destination needs it. (templated)
    :param source_columns: the ``columns`` that ``CreateSourceConnectionOperator`` returns, to check the mapped sources
        before the creation. Mapped columns of a table must be among them. As explore may not list all attributes of a
        REST resource, a source there is refused only if it looks misspelt (up to two letters differ, or the leading
        ``data.`` is missing); any other unknown source, and unknown attributes in expressions, are logged as a
        warning. Defaults to ``None``: no check. (templated)
    :param dialect: form of the request body: ``current``, or ``legacy`` as the tutorials print it. Defaults to
        ``"current"``. (templated)
    :param schema_version: content type by which the schema is requested. Defaults to
        ``"application/vnd.adobe.xed-full+json;version=1"``. (templated)
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
        """Return the desired mapping set."""
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
