"""The project file, ``project.yaml``: the objects' owner, defaults of all definitions, and environments."""

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
    """Return the version of a file's format."""
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
        raise InvalidInputError("", value, "it must be an object that maps names to values")
    for name in value:
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            raise InvalidInputError(
                str(name), name, "a name consists of letters, digits and underscores, and does not begin with a digit"
            )
        if is_secret(name):
            raise InvalidInputError(
                name, "", "a variable must not be a secret, because plans show it: name an Airflow connection"
            )
    return {name: to_variable(inner) for name, inner in value.items()}


def _to_environments(value: object) -> Mapping[str, Environment]:
    if not isinstance(value, Mapping):
        raise InvalidInputError("", value, "it must be an object that maps names to environments")
    return dict(value)


def _to_object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInputError("", value, "it must be an object with members of a definition")
    return value


@attrs.frozen(kw_only=True, field_transformer=named)
class Environment:
    """An environment of a project: the Airflow connection to a sandbox, and variables."""

    aep_conn_id: str = attrs.field(
        default=DEFAULT_CONN_ID,
        converter=to.to_text,
        metadata=member(f"Id of the Airflow connection to the sandbox. Default: {DEFAULT_CONN_ID}.", TEXT),
    )
    variables: Mapping[str, Scalar] = attrs.field(
        factory=dict,
        converter=_to_variables,
        metadata=member(
            "Values of `${var.name}`. Plans show them, so they must not be secrets.",
            {"type": "object", "additionalProperties": _SCALAR},
            each=to_variable,
        ),
    )


@attrs.frozen(kw_only=True, field_transformer=named)
class ProjectFile:
    """The contents of a project file."""

    version: int = attrs.field(converter=to_version, metadata=member("Version of the format.", {"const": 1}))
    project: str = attrs.field(
        converter=_to_project,
        metadata=member("The project's name, which is the owner in the marks of its objects.", TEXT),
    )
    defaults: Mapping[str, Any] = attrs.field(
        factory=dict,
        converter=_to_object,
        metadata=member("Default members of all definitions.", {"type": "object"}),
    )
    environments: Mapping[str, Environment] = attrs.field(
        factory=dict,
        converter=_to_environments,
        metadata=member("Environments by name. If there is only one, it is the default.", nested_each=Environment),
    )


def owner(project: str | None) -> str:
    """
    Return a project's name, which is the owner in marks.

    :raises InvalidInputError: if there is no name, because there is no project file.
    """
    if project is None:
        lines = f"write {PROJECT_FILE} above the files, with the lines `version: 1` and `project: NAME`"
        raise InvalidInputError("project", None, f"there is no project file, which names the objects' owner: {lines}")
    return project


def find_project_file(path: Path, top: Path | None = None) -> Path | None:
    """
    Return the project file of a file or folder: the one in the folder, or the nearest one above.

    :param path: the file or folder; a folder need not exist.
    :param top: the last folder to search, such as that of a DAG bundle. Defaults to the folder with ``.git``; if
        there is none, only the folder itself is searched.
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
    """Return definition files, each once: the given files, and all files below the given folders."""
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
