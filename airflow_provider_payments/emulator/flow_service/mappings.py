"""The mapping set of a dataflow: its version, and whether it fits the source and the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingVersion
from airflow_provider_payments.emulator.data_prep.transform import problems
from airflow_provider_payments.emulator.flow_service.model import Resource
from airflow_provider_payments.emulator.flow_service.payloads import major_version, required, to_integer
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal, invalid, not_found
from airflow_provider_payments.emulator.flow_service.sources import has_source, source_table
from airflow_provider_payments.emulator.flow_service.state import FlowService


def mapping_version(service: FlowService, params: Mapping[str, Any], *, lagging: bool = True) -> MappingVersion:
    """Return the version of the mapping set that a Mapping transformation names; raise a refusal if there is none.

    :param params: the parameters of the transformation.
    :param lagging: whether reads may lag behind writes, as they do for requests of clients.
    """
    identifier, store = required(params, "mappingId", str), service.mapping_sets.store
    found = (store.read if lagging else store.get)(identifier)
    if found is None:
        raise invalid("1419-400", f"The mapping set {identifier[:100]} failed validation: it does not exist.")
    number = to_integer(params.get("mappingVersion", 0))
    for version in found.versions:
        if version.version == number:
            return version
    given = str(params.get("mappingVersion"))[:40]
    raise invalid("1412-400", f"The mapping version '{given}' of {identifier} is not valid.")


def check_mapping(service: FlowService, params: Mapping[str, Any], source: Resource, target: Resource) -> None:
    """Refuse a mapping set that does not fit the schema of the target or the columns of the source."""
    version = mapping_version(service, params)
    dataset = service.catalog.datasets.get(target.content["params"]["dataSetId"])
    if dataset is None:
        raise FlowRefusal("1325-400", "The dataset of the target connection does not exist any more.")
    target_schema = target.content["data"]["schema"]
    majors = {
        major_version(dataset.content["schemaRef"]["contentType"]),
        major_version(target_schema.get("version") or "1"),
        major_version(version.content_type),
    }
    if {dataset.schema_id, target_schema["id"], version.schema_id} != {dataset.schema_id} or len(majors) != 1:
        raise invalid(
            "1425-400",
            "The dataset, the target connection and the mapping set must have the same schema in the same version: "
            f"they have {dataset.schema_id}, {target_schema['id']} and {version.schema_id}.",
        )
    schema = service.registry.read(version.schema_id)
    if schema is None:
        raise not_found("schemas", version.schema_id)
    properties, _ = service.registry.resolve(schema)
    table = source_table(service, source)
    has = has_source(source, table) if table is not None else None
    failures = [problem for problem in problems(version.mappings, properties, has) if problem is not None]
    if failures:
        raise invalid(
            "1419-400",
            f"The mapping set {params['mappingId']} in version {version.version} failed validation: {failures[0]}",
        )
