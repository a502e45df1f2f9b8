"""The file format as JSON Schema, for editors; built from the member descriptions by which files are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.dataflows.definition import VERSION, Definition
from airflow_provider_payments.aep.dataflows.members import Member, members_of
from airflow_provider_payments.aep.dataflows.project import ProjectFile

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json

__all__ = ["definition_schema", "project_schema"]

_DRAFT = "http://json-schema.org/draft-07/schema#"
#: A variable may replace any value, or be part of a text.
_VARIABLE: Json = {"type": "string", "pattern": r"\$\{var\."}


def definition_schema() -> Json:
    """
    Return the schema of a file with one definition or several.

    No member is required, because each may be a default of the project file.
    """
    shapes: Json = {}
    own = _shape(Definition, shapes)
    several = {"type": "array", "items": {"$ref": "#/definitions/Definition"}}
    files: Json = {
        "version": {"const": VERSION, "description": "Version of the format."},
        "defaults": {
            "$ref": "#/definitions/Definition",
            "description": "Default members of each entry of `dataflows`.",
        },
        "dataflows": several | {"description": "Several definitions in one file."},
    }
    return {
        "$schema": _DRAFT,
        "title": "A dataflow from payments to Adobe Experience Platform",
        **own,
        "properties": files | own["properties"],
        "definitions": shapes | {"Definition": own},
    }


def project_schema() -> Json:
    """Return the schema of ``project.yaml``."""
    shapes: Json = {}
    own = _shape(ProjectFile, shapes)
    definition = definition_schema()
    own["properties"]["defaults"] = {"$ref": "#/definitions/Definition"}
    return {
        "$schema": _DRAFT,
        "title": "A project of dataflows",
        **own,
        "required": ["version", "project"],
        "definitions": definition["definitions"] | shapes,
    }


def _shape(cls: Any, shapes: Json) -> Json:
    """Return the schema of a class's object; add those of nested classes to ``shapes``."""
    properties = {name: _property(spec, shapes) for name, (_, spec) in members_of(cls).items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _property(spec: Member, shapes: Json) -> Json:
    alternatives: list[Json] = []
    for nested in (spec.nested, spec.nested_each):
        if nested is None:
            continue
        shapes.setdefault(nested.__name__, _shape(nested, shapes))
        reference: Json = {"$ref": f"#/definitions/{nested.__name__}"}
        alternatives.append(
            {"type": "object", "additionalProperties": reference} if nested is spec.nested_each else reference
        )
    if spec.accepts:
        alternatives.append(spec.accepts)
    accepts_text = spec.accepts is not None and spec.accepts == {"type": "string"}
    if not accepts_text:
        alternatives.append(_VARIABLE)
    alternatives.append({"type": "null"})
    return {"description": spec.doc, "anyOf": alternatives}
