"""
The members of values in files.

Each field of an attrs class describes its member. Reading files, writing files and the published JSON Schema all use
these descriptions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from airflow_provider_payments.aep.dataflows.problems import Problem, did_you_mean
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.redaction import remember

if TYPE_CHECKING:
    from airflow_provider_payments.aep.dataflows.yamlfile import Node
    from airflow_provider_payments.aep.services import Json

__all__ = [
    "InconsistentError",
    "Issue",
    "Member",
    "is_secret",
    "member",
    "members_of",
    "name_of",
    "read_value",
    "write_value",
]

Value = TypeVar("Value")
#: JSON Schemas of common members.
TEXT: Json = {"type": "string"}
#: For objects with free names, in which ``null`` removes a default.
TEXT_OR_NULL: Json = {"type": ["string", "null"]}
TEXTS: Json = {"type": "array", "items": TEXT}
FLAG: Json = {"type": "boolean"}

_MEMBER = "member"
_SECRET = re.compile(r"secret|password|passwd|token|api_?key|private_?key|credential", re.IGNORECASE)
_INVALID_VALUE = object()
#: The members of each class; a cache, because a DAG file with many task groups reads many values.
_members: dict[type, Mapping[str, tuple[attrs.Attribute[Any], Member]]] = {}


@dataclass(frozen=True)
class Member:
    """
    The description of a member.

    :param doc: meaning and default of the member, in one or two sentences.
    :param accepts: JSON Schema of the allowed values, besides an object of class ``nested``.
    :param nested: the class of the member's value, if it may be an object.
    :param nested_each: the class of each value in an object, if the member may be an object with free names.
    :param each: converts, and so checks, one entry of the member's list or object.
    :param write: returns the shortest form that reads back as the value.
    """

    doc: str
    accepts: Json | None = None
    nested: type | None = None
    nested_each: type | None = None
    each: Callable[[object], Any] | None = None
    write: Callable[[Any], Any] | None = None


def member(doc: str, accepts: Json | None = None, **spec: Any) -> dict[str, Member]:
    """
    Return the metadata of a member's attrs field.

    :param doc: meaning and default of the member.
    :param accepts: JSON Schema of the allowed values.
    :param spec: further arguments of :class:`Member`.
    """
    return {_MEMBER: Member(doc, accepts, **spec)}


def members_of(cls: type) -> Mapping[str, tuple[attrs.Attribute[Any], Member]]:
    """Return the members of a class, by their names in files."""
    if cls not in _members:
        fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(cls)
        _members[cls] = {name_of(field): (field, field.metadata[_MEMBER]) for field in fields}
    return _members[cls]


def name_of(field: attrs.Attribute[Any]) -> str:
    """Return a field's name in files. In Python a reserved word such as ``class`` has an underscore at its end."""
    return field.name.rstrip("_")


@dataclass(frozen=True)
class Issue:
    """
    A member that contradicts another member.

    :param steps: path of the member to change.
    :param value: the member's value.
    :param allowed: the allowed values, as the end of a sentence.
    """

    steps: tuple[str, ...]
    value: object
    allowed: str


class InconsistentError(InvalidInputError):
    """
    A value with members that contradict each other.

    :param issues: all issues; the message is that of the first.
    """

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.issues = tuple(issues)
        first = self.issues[0]
        super().__init__(".".join(first.steps), first.value, first.allowed)


def read_value(cls: type[Value], node: Node, problems: list[Problem], path: tuple[str, ...] = ()) -> Value | None:
    """
    Read a value from an object of a file; return ``None`` if one of its members is missing or wrong.

    An unknown member is a problem, but does not prevent the value.

    :param cls: the value's class.
    :param node: the object.
    :param problems: receives all problems.
    :param path: path of the object in its file.
    """
    if not isinstance(node.value, dict):
        problems.append(Problem(node.place, ".".join(path), "it must be an object with members"))
        return None
    known, given = members_of(cls), {}
    for name, child in node.value.items():
        if name not in known:
            problems.append(_unknown(name, child, known, (*path, name)))
        elif child.value is not None:
            given[name] = _read_member(*known[name], child, problems, (*path, name))
    missing = [name for name, (field, _) in known.items() if field.default is attrs.NOTHING and name not in given]
    problems += [Problem(node.place, ".".join((*path, name)), "it must be given") for name in missing]
    if missing or any(value is _INVALID_VALUE for value in given.values()):
        return None
    try:
        return cls(**{known[name][0].name: value for name, value in given.items()})
    except InconsistentError as error:
        for issue in error.issues:
            place = node.at(*issue.steps).place
            problems.append(Problem(place, ".".join((*path, *issue.steps)), issue.allowed))
    return None


def is_secret(name: str) -> bool:
    """Return whether a member of this name would hold a secret, which no file may contain."""
    return bool(_SECRET.search(name))


def _unknown(name: str, node: Node, known: Mapping[str, object], path: tuple[str, ...]) -> Problem:
    place = node.key or node.place
    if is_secret(name):
        remember(node.plain)
        allowed = "a file must not contain a secret: name the vendor's Airflow connection in `airflow_conn_id`"
        return Problem(place, ".".join(path), allowed)
    return Problem(place, ".".join(path), f"there is no such member{did_you_mean(name, known)}")


def _read_member(
    field: attrs.Attribute[Any], spec: Member, node: Node, problems: list[Problem], path: tuple[str, ...]
) -> Any:
    if spec.nested and isinstance(node.value, dict):
        value = read_value(spec.nested, node, problems, path)
        return _INVALID_VALUE if value is None else value
    if spec.nested_each and isinstance(node.value, dict):
        items = node.value.items()
        values = {name: read_value(spec.nested_each, item, problems, (*path, name)) for name, item in items}
        return _INVALID_VALUE if None in values.values() else values
    found: list[Problem] = []
    convert: Any = field.converter or _unconverted
    value = _converted(convert, node, found, path, field.name)
    problems += _problems_of_entries(spec, node, path) or found if found else ()
    return value


def _problems_of_entries(spec: Member, node: Node, path: tuple[str, ...]) -> list[Problem]:
    """Return the problems of the single entries of a list or object; empty if only the whole is wrong."""
    problems: list[Problem] = []
    if spec.each and isinstance(node.value, (dict, list)):
        entries = node.value.items() if isinstance(node.value, dict) else enumerate(node.value)
        for step, entry in entries:
            _converted(spec.each, entry, problems, (*path, str(step)))
    return problems


def _unconverted(value: object) -> Any:
    return value


def _converted(
    convert: Callable[[object], Any], node: Node, problems: list[Problem], path: tuple[str, ...], name: str = ""
) -> Any:
    try:
        return convert(node.plain)
    except InvalidInputError as error:
        within = error.field.removeprefix(name).removeprefix(".")
        # A member's name may hold dots, as a field's path does.
        steps = [within] if within in node.members else within.split(".")
        problems.append(Problem(node.at(*steps).place, ".".join((*path, *([within] if within else []))), error.allowed))
        return _INVALID_VALUE


def write_value(value: Any) -> Json:
    """Return a value's members in the form of files, without those that have their default."""
    written: Json = {}
    for name, (field, spec) in members_of(type(value)).items():
        found, factory = getattr(value, field.name), getattr(field.default, "factory", None)
        if found is None or found == (factory() if factory else field.default):
            continue
        written[name] = spec.write(found) if spec.write else _plain(found)
    return written


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return write_value(value)
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value
