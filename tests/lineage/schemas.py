"""
The requirements of OpenLineage's JSON Schemas for the parts of an event that this provider fills.

Sources: ``spec/OpenLineage.json`` and ``spec/facets`` of the OpenLineage repository.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

Schema = dict[str, Any]
TEXT, COUNT = {"type": "string"}, {"type": "integer"}
URI = {"type": "string", "format": "uri", "pattern": "^https?://"}


def an_object(required: str = "", **properties: Schema) -> Schema:
    return {"type": "object", "required": required.split(), "properties": properties}


def a_facet(name: str, required: str = "", **properties: Schema) -> Schema:
    """Return the schema of a facet, which names its own schema."""
    url = {"type": "string", "pattern": f"/{name}\\.json#/\\$defs/{name}$"}
    return an_object(f"_producer _schemaURL {required}", _producer=URI, _schemaURL=url, **properties)


def list_of(item: Schema) -> Schema:
    return {"type": "array", "items": item}


#: A column may contain columns.
COLUMN: Schema = an_object("name", name=TEXT, type=TEXT, description=TEXT)
COLUMN["properties"]["fields"] = list_of({"type": "object", "required": ["name"]})
INPUT_FIELD = an_object("namespace name field", namespace=TEXT, name=TEXT, field=TEXT)
OF_A_FIELD = an_object(
    "inputFields",
    inputFields=list_of(INPUT_FIELD),
    transformationDescription=TEXT,
    transformationType=TEXT,
)
ROWS = {"rowCount": COUNT, "size": COUNT, "fileCount": COUNT}
FACETS: dict[str, Schema] = {
    "schema": a_facet("SchemaDatasetFacet", fields=list_of(COLUMN)),
    "columnLineage": a_facet(
        "ColumnLineageDatasetFacet",
        "fields",
        fields={"type": "object", "additionalProperties": OF_A_FIELD},
        dataset=list_of(INPUT_FIELD),
    ),
    "inputStatistics": a_facet("InputStatisticsInputDatasetFacet", **ROWS),
    "outputStatistics": a_facet("OutputStatisticsOutputDatasetFacet", **ROWS),
    "externalQuery": a_facet("ExternalQueryRunFacet", "externalQueryId source", externalQueryId=TEXT, source=TEXT),
    "errorMessage": a_facet("ErrorMessageRunFacet", "message programmingLanguage", message=TEXT),
}


def facets(*names: str) -> Schema:
    """Return the schema of an object of facets: named facets follow their schemas, others only the common one."""
    any_facet = an_object("_producer _schemaURL", _producer=URI, _schemaURL=URI)
    return {
        "type": "object",
        "properties": {name: FACETS[name] for name in names},
        "additionalProperties": any_facet,
    }


DATASET = {"namespace": TEXT, "name": TEXT, "facets": facets("schema", "columnLineage")}
EVENT = an_object(
    "eventTime producer schemaURL run job",
    eventType={"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
    eventTime={"type": "string", "format": "date-time"},
    producer=URI,
    schemaURL=URI,
    run=an_object("runId", runId={"type": "string", "format": "uuid"}, facets=facets("externalQuery", "errorMessage")),
    job=an_object("namespace name", namespace=TEXT, name=TEXT, facets=facets()),
    inputs=list_of(an_object("namespace name", **DATASET, inputFacets=facets("inputStatistics"))),
    outputs=list_of(an_object("namespace name", **DATASET, outputFacets=facets("outputStatistics"))),
)


def check(event: object) -> None:
    """Validate an event against the schemas."""
    jsonschema.validate(event, EVENT, format_checker=jsonschema.FormatChecker())


def written(folder: Path) -> list[dict[str, Any]]:
    """Return the valid events that OpenLineage's file transport has written, one in each file."""
    texts = [file.read_text() for file in sorted(folder.iterdir())]
    # The last file may be incomplete.
    events = [json.loads(text) for text in texts if text.endswith("}\n")]
    for event in events:
        check(event)
    return events
