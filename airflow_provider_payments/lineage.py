"""
The OpenLineage metadata of a flow run: the vendor's table, the dataset, and the lineage of its columns.

OpenLineage is imported only if its provider is installed. Airflow calls an operator's OpenLineage methods in a process
that it ends after ten seconds, so the task reads all data before.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_payments.assets.events import uri_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_payments.aep.runs.flow_run import FlowRun
    from airflow_provider_payments.aep.runs.route import MappedField, Route, Table, Tables

    Lineage: TypeAlias = OperatorLineage[Any, Any]

__all__ = ["is_active", "lineage_of", "no_lineage"]


def is_active() -> bool:
    """Return whether OpenLineage is installed and configured."""
    if find_spec("airflow.providers.openlineage") is None:
        return False
    from airflow.providers.openlineage.conf import is_disabled

    return not is_disabled()


def no_lineage() -> Lineage:
    """Return lineage without metadata; Airflow adds the task's inlets and outlets."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage()


def lineage_of(run: FlowRun, route: Route, tables: Tables) -> Lineage:
    """
    Return the lineage of a flow run that has ended.

    :param run: the run.
    :param route: its dataflow and dataset.
    :param tables: its source table and the columns of its dataset.
    """
    from airflow.providers.common.compat.openlineage.facet import ExternalQueryRunFacet
    from airflow.providers.openlineage.extractors import OperatorLineage

    source = _source(run, tables)
    return OperatorLineage(
        inputs=[source] if source else [],
        outputs=list(_targets(run, route, tables, source)),
        run_facets={"externalQuery": ExternalQueryRunFacet(externalQueryId=run.id, source=route.url)},
    )


def _source(run: FlowRun, tables: Tables) -> Any | None:
    """
    Return the vendor's table as an input dataset.

    The namespace contains the base connection, which represents one account: all accounts of a vendor share a host.
    """
    from airflow.providers.common.compat.openlineage.facet import InputDataset
    from openlineage.client.generated.input_statistics_input_dataset import InputStatisticsInputDatasetFacet

    table, records = tables.source, run.input_records
    if not (table and tables.vendor and tables.connection_id):
        return None
    return InputDataset(
        namespace=f"{tables.vendor}://{tables.connection_id}",
        name=table.name,
        facets=_schema(table),
        inputFacets={} if records is None else {"inputStatistics": InputStatisticsInputDatasetFacet(rowCount=records)},
    )


def _targets(run: FlowRun, route: Route, tables: Tables, source: Any) -> Iterator[Any]:
    """Yield the dataset as an output dataset, if it is known."""
    from airflow.providers.common.compat.openlineage.facet import OutputDataset, OutputStatisticsOutputDatasetFacet

    uri, table, records = uri_of(route), tables.target, run.output_records
    if not (uri and table):
        return
    statistics: dict[str, Any] = {}
    if records is not None:
        statistics["outputStatistics"] = OutputStatisticsOutputDatasetFacet(rowCount=records)
    yield OutputDataset(
        namespace=uri.rpartition("/")[0],
        name=table.name,
        facets=_schema(table) | (_columns(tables.mapped, source) if source else {}),
        outputFacets=statistics,
    )


def _schema(table: Table) -> dict[str, Any]:
    from airflow.providers.common.compat.openlineage.facet import SchemaDatasetFacet, SchemaDatasetFacetFields

    fields = [SchemaDatasetFacetFields(name=name, type=kind) for name, kind in table.columns]
    return {"schema": SchemaDatasetFacet(fields=fields)} if fields else {}


def _columns(mapped: tuple[MappedField, ...], source: Any) -> dict[str, Any]:
    from airflow.providers.common.compat.openlineage.facet import ColumnLineageDatasetFacet, Fields, InputField

    fields = {
        each.destination: Fields(
            inputFields=[InputField(source.namespace, source.name, column) for column in each.reads],
            transformationDescription=each.expression or "",
            transformationType="" if each.expression else "IDENTITY",
        )
        for each in mapped
        if each.reads
    }
    return {"columnLineage": ColumnLineageDatasetFacet(fields=fields)} if fields else {}
