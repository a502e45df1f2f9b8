"""Operator for datasets of the Catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_payments.aep.inputs import as_mapping
from airflow_provider_payments.aep.services import DATASET_SCHEMA_VERSION
from airflow_provider_payments.operators.base import CreateOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_payments.aep.resources.base import Resource

__all__ = ["CreateTargetDatasetOperator"]


class CreateTargetDatasetOperator(CreateOperator):
    """
    Create the dataset that the rows land in.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too.

    .. seealso:: ``docs/operators.md#steps`` in the manual.

    :param schema_id: ``$id`` of the target schema. (templated)
    :param schema_version: content type that asks for the schema. Defaults to
        ``"application/vnd.adobe.xed+json;version=1"``. (templated)
    :param tags: Catalog tags, each a list of texts: ``{"team": ["payments"]}``. Defaults to ``None``: only the mark.
        (templated)
    """

    template_fields: Sequence[str] = (*CreateOperator.template_fields, "schema_id", "schema_version", "tags")
    template_fields_renderers: ClassVar[dict[str, str]] = {**CreateOperator.template_fields_renderers, "tags": "json"}

    def __init__(
        self,
        *,
        schema_id: str,
        schema_version: str = DATASET_SCHEMA_VERSION,
        tags: dict[str, list[str]] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.schema_id = schema_id
        self.schema_version = schema_version
        self.tags = tags

    def resource(self) -> Resource:
        """Build the dataset."""
        from airflow_provider_payments.aep.resources.catalog import Dataset

        return Dataset(
            schema_id=self.schema_id,
            schema_version=self.schema_version,
            tags=as_mapping("tags", self.tags),
            **self.common,
        )
