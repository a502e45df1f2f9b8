"""Operators for datasets of the Catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_payments.aep.inputs import as_mapping, as_optional_id
from airflow_provider_payments.aep.services import DATASET_SCHEMA_VERSION
from airflow_provider_payments.operators.base import CreateOperator, FindOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject

__all__ = ["CreateTargetDatasetOperator", "FindDatasetOperator"]


class CreateTargetDatasetOperator(CreateOperator):
    """
    Create the dataset in which the rows land.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too.

    .. seealso:: ``docs/operators.md#steps`` in the manual.

    :param schema_id: ``$id`` of the target schema. (templated)
    :param schema_version: content type by which the schema is requested. Defaults to
        ``"application/vnd.adobe.xed+json;version=1"``. (templated)
    :param tags: Catalog tags, each a list of texts: ``{"team": ["payments"]}``. Defaults to ``None``: only the mark.
        (templated)
    :param profile: whether to enable the dataset for Real-Time Customer Profile, so that its rows are part of profiles.
        This cannot be undone, and requires a schema that is enabled. Defaults to ``None``: an existing dataset is left
        as it is, and a new one is not enabled. (templated)
    """

    template_fields: Sequence[str] = (
        *CreateOperator.template_fields,
        "schema_id",
        "schema_version",
        "tags",
        "profile",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {**CreateOperator.template_fields_renderers, "tags": "json"}

    def __init__(
        self,
        *,
        schema_id: str,
        schema_version: str = DATASET_SCHEMA_VERSION,
        tags: dict[str, list[str]] | str | None = None,
        profile: bool | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.schema_id = schema_id
        self.schema_version = schema_version
        self.tags = tags
        self.profile = profile

    def resource(self) -> Resource:
        """Return the desired dataset."""
        from airflow_provider_payments.aep.resources.catalog import Dataset

        return Dataset(
            schema_id=self.schema_id,
            schema_version=self.schema_version,
            tags=as_mapping("tags", self.tags),
            profile=self.profile,
            **self.common,
        )


class FindDatasetOperator(FindOperator):
    """
    Find a dataset by its name or id.

    The arguments of :class:`~airflow_provider_payments.operators.base.FindOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.FoundDataset`: ``schema_id`` is the ``$id`` of its schema,
    which the target connection and the mapping set need.

    .. seealso:: ``docs/operators.md#find-existing-objects`` in the manual.

    :param schema_id: ``$id`` of the schema that the dataset must follow. Defaults to ``None``: any schema. (templated)
    """

    template_fields: Sequence[str] = (*FindOperator.template_fields, "schema_id")

    def __init__(self, *, schema_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schema_id = schema_id

    def kind(self) -> Kind:
        """Return the kind of datasets, after a check of ``schema_id``."""
        from airflow_provider_payments.aep.resources.catalog import DATASET

        as_optional_id("schema_id", self.schema_id)
        return DATASET

    def obstacle(self, existing: RemoteObject) -> str:
        """Return that a dataset follows another schema than ``schema_id``, empty if it does not."""
        desired, actual = as_optional_id("schema_id", self.schema_id), self._schema_of(existing)
        return "" if desired in (None, actual) else f"it follows another schema, {actual}"

    def outputs(self, existing: RemoteObject) -> dict[str, Any]:
        """Return the ``$id`` of the dataset's schema."""
        return {"schema_id": self._schema_of(existing)}

    def _schema_of(self, existing: RemoteObject) -> str | None:
        return self.kind().fields_of(existing).text("schemaRef", "id")
