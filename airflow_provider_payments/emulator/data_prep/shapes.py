"""The wire form of Data Prep: both dialects at once."""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.emulator.data_prep.language.expressions import parse, paths
from airflow_provider_payments.emulator.data_prep.language.function import Function, java_type
from airflow_provider_payments.emulator.data_prep.language.values import ExpressionError
from airflow_provider_payments.emulator.data_prep.mapping_sets import (
    EXPRESSION,
    FieldMapping,
    MappingSet,
    MappingVersion,
)


def receipt_to_wire(mapping_set: MappingSet) -> dict[str, Any]:
    """Return the answer to the creation or deletion of a mapping set."""
    return {"id": mapping_set.id, "version": mapping_set.latest.version, **_audit(mapping_set, mapping_set.latest)}


def _audit(mapping_set: MappingSet, version: MappingVersion) -> dict[str, Any]:
    return {
        "createdDate": mapping_set.created,
        "modifiedDate": version.modified,
        "createdBy": mapping_set.versions[0].author,
        "modifiedBy": version.author,
    }


def mapping_set_to_wire(
    mapping_set: MappingSet, version: MappingVersion, schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the wire form of one version of a mapping set.

    :param schema: the whole output schema; None if the request does not ask for it.
    """
    reference = {"id": version.schema_id, "contentType": version.content_type}
    output = {"id": mapping_set.id[::-1], "version": 0, "schemaRef": reference}
    wire = {
        "id": mapping_set.id,
        "version": version.version,
        **_audit(mapping_set, version),
        "supportVersion": "1.1",
        "outputSchema": output if schema is None else {**output, "jsonSchema": schema},
        "mappings": [mapping_to_wire(mapping, version.author) for mapping in version.mappings],
        "status": "PUBLISHED",
        "strictMapping": False,
        "allowNullValues": False,
        "xdmVersion": version.content_type,
        "schemaRef": reference,
        "xdmSchema": version.schema_id,
        **version.extras,
    }
    return wire if version.name is None else {**wire, "name": version.name}


def mapping_to_wire(mapping: FieldMapping, author: str) -> dict[str, Any]:
    """Return the wire form of a mapping, without dates: Adobe's documents disagree on their type.

    :param author: the id of the version's creator.
    """
    wire = {
        "id": mapping.id,
        "version": 0,
        "createdBy": author,
        "modifiedBy": author,
        "sourceType": mapping.source_type,
        "source": mapping.source,
        "destination": mapping.destination,
        "sourceAttribute": mapping.source,
        "destinationXdmPath": mapping.destination,
        "matchScore": 0.0,
        "functionVersion": 1,
        **mapping.extras,
    }
    return {**wire, "expressionAttributes": _attributes(mapping)} if mapping.source_type == EXPRESSION else wire


def _attributes(mapping: FieldMapping) -> list[str]:
    try:
        return paths(parse(mapping.source))
    except ExpressionError:
        # An invalid expression can be stored; only a dataflow refuses it.
        return []


def finding_to_wire(mapping: FieldMapping, problem: str) -> dict[str, Any]:
    """Return the wire form of a mapping's problem in a validation or a preview."""
    return {
        "destination": mapping.destination,
        "source": mapping.source,
        "sourceType": mapping.source_type,
        "columnName": mapping.destination,
        "exception": problem,
    }


def function_to_wire(function: Function) -> dict[str, Any]:
    """Return the wire form of a function of the expression language."""
    params = [
        {
            "name": parameter.name,
            "description": "",
            "type": "array" if parameter.many or parameter.kind == "array" else "object",
            "dataType": "[Ljava.lang.Object;" if parameter.many else java_type(parameter.kind),
            "position": position,
        }
        for position, parameter in enumerate(function.parameters, 1)
    ]
    return {
        "category": function.category,
        "function": function.name,
        "description": function.description,
        "syntax": function.signature,
        "returns": "",
        "returnType": java_type(function.result_kind),
        "example": function.example,
        "result": function.result,
        "params": params,
        "since": 1,
    }
