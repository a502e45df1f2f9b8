"""The format as JSON Schema, for editors: made of the members that files are read by, so the two cannot disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.dataflows.definition import VERSION, Definition
from airflow_provider_payments.aep.dataflows.members import Member, members_of
from airflow_provider_payments.aep.dataflows.project import ProjectFile

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json

__all__ = ["definition_schema", "project_schema"]

_DRAFT = "http://json-schema.org/draft-07/schema#"
#: A variable may stand for any value, alone or in text.
_VARIABLE: Json = {"type": "string", "pattern": r"\$\{var\."}


def definition_schema() -> Json:
    """
    Return the schema of a file with one definition, or several.

    Nothing is required: a default of the project file may give it.
    """
    shapes: Json = {}
    own = _shape(Definition, shapes)
    several = {"type": "array", "items": {"$ref": "#/definitions/Definition"}}
    files: Json = {
        "version": {"const": VERSION, "description": "Of the format."},
        "defaults": {"$ref": "#/definitions/Definition", "description": "Members of all of `dataflows`."},
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
    """Return the schema of an object of a class; those of nested classes are put into ``shapes``."""
    properties = {name: _property(how, shapes) for name, (_, how) in members_of(cls).items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _property(how: Member, shapes: Json) -> Json:
    ways: list[Json] = []
    for nested in (how.nested, how.nested_each):
        if nested is None:
            continue
        shapes.setdefault(nested.__name__, _shape(nested, shapes))
        reference: Json = {"$ref": f"#/definitions/{nested.__name__}"}
        ways.append({"type": "object", "additionalProperties": reference} if nested is how.nested_each else reference)
    if how.accepts:
        ways.append(how.accepts)
    takes_text = how.accepts is not None and how.accepts == {"type": "string"}
    if not takes_text:
        ways.append(_VARIABLE)
    ways.append({"type": "null"})
    return {"description": how.doc, "anyOf": ways}
