"""What Data Prep shows: both dialects at once."""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.emulator.data_prep.mapping_sets import FieldMapping, MappingSet, MappingVersion

USER = "emulator@techacct.adobe.com"


def receipt_to_wire(mapping_set: MappingSet) -> dict[str, Any]:
    """The answer to a creation."""
    return {
        "id": mapping_set.id,
        "version": mapping_set.latest.version,
        "createdDate": mapping_set.created,
        "modifiedDate": mapping_set.latest.modified,
        "createdBy": USER,
        "modifiedBy": USER,
    }


def mapping_set_to_wire(mapping_set: MappingSet, version: MappingVersion) -> dict[str, Any]:
    """A mapping set in one of its versions."""
    reference = {"id": version.schema_id, "contentType": version.content_type}
    wire = {
        "id": mapping_set.id,
        "version": version.version,
        "createdDate": mapping_set.created,
        "modifiedDate": version.modified,
        "createdBy": USER,
        "modifiedBy": USER,
        "supportVersion": "1.1",
        "outputSchema": {"id": mapping_set.id[::-1], "version": 0, "schemaRef": reference},
        "mappings": [mapping_to_wire(mapping) for mapping in version.mappings],
        "status": "PUBLISHED",
        "strictMapping": False,
        "allowNullValues": False,
        "xdmVersion": version.content_type,
        "schemaRef": reference,
        "xdmSchema": version.schema_id,
    }
    return wire if version.name is None else {**wire, "name": version.name}


def mapping_to_wire(mapping: FieldMapping) -> dict[str, Any]:
    """One mapping of a set."""
    return {
        "id": mapping.id,
        "version": 0,
        "sourceType": mapping.source_type,
        "source": mapping.source,
        "destination": mapping.destination,
        "sourceAttribute": mapping.source,
        "destinationXdmPath": mapping.destination,
        "matchScore": 0.0,
        "functionVersion": 1,
        **mapping.extras,
    }


def finding_to_wire(mapping: FieldMapping, problem: str) -> dict[str, Any]:
    """What a validation or a preview says about one mapping."""
    return {
        "destination": mapping.destination,
        "source": mapping.source,
        "sourceType": mapping.source_type,
        "exception": problem,
    }
