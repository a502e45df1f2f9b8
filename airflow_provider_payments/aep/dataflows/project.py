"""The project file, ``project.yaml``: whose the objects are, defaults of all definitions, and environments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments.aep.dataflows import converters as to
from airflow_provider_payments.aep.dataflows.members import TEXT, is_secret, member
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.converters import named

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_payments.aep.dataflows.yamlfile import Scalar

__all__ = [
    "DEFAULT_CONN_ID",
    "PROJECT_FILE",
    "Environment",
    "ProjectFile",
    "definition_files",
    "find_project_file",
    "owner",
]

PROJECT_FILE = "project.yaml"
DEFAULT_CONN_ID = "aep_default"
_PROJECT = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
_SCALAR = {"type": ["string", "number", "boolean"]}


def to_version(value: object) -> int:
    """Return the version of the format that a file is written in."""
    if value != 1 or isinstance(value, bool):
        raise InvalidInputError("", value, "this release reads version 1")
    return 1


def to_variable(value: object) -> Scalar:
    """Return a variable's value."""
    if not isinstance(value, (str, int, float)):
        raise InvalidInputError("", value, "it must be text, a number, true or false")
    return value


def _to_project(value: object) -> str:
    if not isinstance(value, str) or not _PROJECT.fullmatch(value):
        raise InvalidInputError("", value, "1 to 60 letters, digits, dots, hyphens and underscores")
    return value


def _to_variables(value: object) -> Mapping[str, Scalar]:
    if not isinstance(value, Mapping):
        raise InvalidInputError("", value, "it must be an object of name to value")
    for name in value:
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            raise InvalidInputError(str(name), name, "a name is letters, digits and underscores, the first no digit")
        if is_secret(name):
            raise InvalidInputError(
                name, "", "no secret is a variable, for plans show them: name an Airflow connection"
            )
    return {name: to_variable(one) for name, one in value.items()}


def _to_environments(value: object) -> Mapping[str, Environment]:
    if not isinstance(value, Mapping):
        raise InvalidInputError("", value, "it must be an object of name to environment")
    return dict(value)


def _to_object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInputError("", value, "it must be an object with members of a definition")
    return value


@attrs.frozen(kw_only=True, field_transformer=named)
class Environment:
    """Where the same files are applied: a sandbox, by an Airflow connection."""

    aep_conn_id: str = attrs.field(
        default=DEFAULT_CONN_ID,
        converter=to.to_text,
        metadata=member(f"The Airflow connection, which names the sandbox. Default: {DEFAULT_CONN_ID}.", TEXT),
    )
    variables: Mapping[str, Scalar] = attrs.field(
        factory=dict,
        converter=_to_variables,
        metadata=member(
            "What `${var.name}` stands for. Plans show them: no place for a secret.",
            {"type": "object", "additionalProperties": _SCALAR},
            each=to_variable,
        ),
    )


@attrs.frozen(kw_only=True, field_transformer=named)
class ProjectFile:
    """What stands in a project file."""

    version: int = attrs.field(converter=to_version, metadata=member("Of the format.", {"const": 1}))
    project: str = attrs.field(
        converter=_to_project, metadata=member("Whose the objects are: the owner in their marks.", TEXT)
    )
    defaults: Mapping[str, Any] = attrs.field(
        factory=dict,
        converter=_to_object,
        metadata=member("Members that all definitions have, unless they say otherwise.", {"type": "object"}),
    )
    environments: Mapping[str, Environment] = attrs.field(
        factory=dict,
        converter=_to_environments,
        metadata=member("By name. One alone is the default.", nested_each=Environment),
    )


def owner(project: str | None) -> str:
    """
    Return the name of a project, which is the owner in marks.

    :raises InvalidInputError: if there is none, for want of a project file.
    """
    if project is None:
        lines = f"write {PROJECT_FILE} above the files, with the lines `version: 1` and `project: NAME`"
        raise InvalidInputError("project", None, f"nothing says whose the objects are: {lines}")
    return project


def find_project_file(path: Path, top: Path | None = None) -> Path | None:
    """
    Return the project file of a file or folder: the one in the folder, or the nearest above.

    :param path: a folder need not be there yet.
    :param top: where the search ends, such as a DAG bundle's folder; ``None`` ends it at the folder that holds
        ``.git``, and looks nowhere else where there is none.
    """
    folder = path.parent if path.is_file() else path
    resolved = folder.resolve()
    ends = (
        top.resolve() if top else next((up for up in (resolved, *resolved.parents) if (up / ".git").exists()), resolved)
    )
    steps = [folder]
    while resolved != ends and ends in resolved.parents:
        resolved = resolved.parent
        steps.append(resolved)
    return next((step / PROJECT_FILE for step in steps if (step / PROJECT_FILE).is_file()), None)


def definition_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files of definitions: those given, and all below the folders given, in their order, each once."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if _is_definition(file, path))
        elif path.name != PROJECT_FILE:
            found.append(path)
        else:
            found += definition_files([path.parent])
    return list(dict.fromkeys(found))


def _is_definition(file: Path, below: Path) -> bool:
    hidden = any(step.startswith(".") for step in file.relative_to(below).parts)
    return file.suffix in (".yaml", ".yml") and file.name != PROJECT_FILE and not hidden and file.is_file()
