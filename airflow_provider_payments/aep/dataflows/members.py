"""
What a value can be written as: its members, each with its meaning.

From them files are read and written, and the published JSON Schema is made. An attrs class holds them, so there is one
list.
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
#: JSON Schema of what may stand in many places.
TEXT: Json = {"type": "string"}
#: In an object of any names ``null`` takes a default away.
TEXT_OR_NULL: Json = {"type": ["string", "null"]}
TEXTS: Json = {"type": "array", "items": TEXT}
FLAG: Json = {"type": "boolean"}

_MEMBER = "member"
_SECRET = re.compile(r"secret|password|passwd|token|api_?key|private_?key|credential", re.IGNORECASE)
_INVALID = object()
#: By class, for a DAG file with many groups reads many values.
_members: dict[type, Mapping[str, tuple[attrs.Attribute[Any], Member]]] = {}


@dataclass(frozen=True)
class Member:
    """
    A member of a value.

    :param doc: its meaning and its default, in a sentence or two.
    :param accepts: JSON Schema of what may stand there, besides an object of ``nested``.
    :param nested: the class of an object that may stand there.
    :param nested_each: the class of each object in an object that may stand there.
    :param each: checks one entry of the list or object that stands there.
    :param write: gives the shortest form that reads back as the value.
    """

    doc: str
    accepts: Json | None = None
    nested: type | None = None
    nested_each: type | None = None
    each: Callable[[object], Any] | None = None
    write: Callable[[Any], Any] | None = None


def member(doc: str, accepts: Json | None = None, **how: Any) -> dict[str, Member]:
    """Return the metadata of a member's attrs field; arguments are those of :class:`Member`."""
    return {_MEMBER: Member(doc, accepts, **how)}


def members_of(cls: type) -> Mapping[str, tuple[attrs.Attribute[Any], Member]]:
    """Return the members of a class by the names that files have for them."""
    if cls not in _members:
        fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(cls)
        _members[cls] = {name_of(field): (field, field.metadata[_MEMBER]) for field in fields}
    return _members[cls]


def name_of(field: attrs.Attribute[Any]) -> str:
    """Return a field's name in files: a word that Python keeps for itself has an underscore there."""
    return field.name.rstrip("_")


@dataclass(frozen=True)
class Issue:
    """
    Members that do not go with each other.

    :param steps: where the one stands that is to be changed.
    :param value: what it is.
    :param allowed: what is allowed, as the end of a sentence.
    """

    steps: tuple[str, ...]
    value: object
    allowed: str


class InconsistentError(InvalidInputError):
    """
    A value whose members do not go with each other.

    :param issues: all of them; the message tells the first.
    """

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.issues = tuple(issues)
        first = self.issues[0]
        super().__init__(".".join(first.steps), first.value, first.allowed)


def read_value(cls: type[Value], node: Node, problems: list[Problem], path: tuple[str, ...] = ()) -> Value | None:
    """
    Return the value that an object stands for, ``None`` where one of its members cannot be understood.

    :param problems: takes all that is wrong, also where there is a value: a member that nobody knows spoils none.
    :param path: where the object stands.
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
    if missing or any(value is _INVALID for value in given.values()):
        return None
    try:
        return cls(**{known[name][0].name: value for name, value in given.items()})
    except InconsistentError as error:
        for issue in error.issues:
            place = node.at(*issue.steps).place
            problems.append(Problem(place, ".".join((*path, *issue.steps)), issue.allowed))
    return None


def is_secret(name: str) -> bool:
    """Whether a name is that of a secret, which stands in no file."""
    return bool(_SECRET.search(name))


def _unknown(name: str, node: Node, known: Mapping[str, object], path: tuple[str, ...]) -> Problem:
    place = node.key or node.place
    if is_secret(name):
        remember(node.plain)
        allowed = "no secret stands in a file: name the vendor's Airflow connection, `airflow_conn_id`"
        return Problem(place, ".".join(path), allowed)
    return Problem(place, ".".join(path), f"there is no such member{did_you_mean(name, known)}")


def _read_member(
    field: attrs.Attribute[Any], how: Member, node: Node, problems: list[Problem], path: tuple[str, ...]
) -> Any:
    if how.nested and isinstance(node.value, dict):
        value = read_value(how.nested, node, problems, path)
        return _INVALID if value is None else value
    if how.nested_each and isinstance(node.value, dict):
        values = {name: read_value(how.nested_each, one, problems, (*path, name)) for name, one in node.value.items()}
        return _INVALID if None in values.values() else values
    found: list[Problem] = []
    convert: Any = field.converter or _as_it_is
    value = _converted(convert, node, found, path, field.name)
    problems += _problems_of_entries(how, node, path) or found if found else ()
    return value


def _problems_of_entries(how: Member, node: Node, path: tuple[str, ...]) -> list[Problem]:
    """Return what is wrong with each entry of a list or object; empty where that is the whole."""
    problems: list[Problem] = []
    if how.each and isinstance(node.value, (dict, list)):
        entries = node.value.items() if isinstance(node.value, dict) else enumerate(node.value)
        for step, entry in entries:
            _converted(how.each, entry, problems, (*path, str(step)))
    return problems


def _as_it_is(value: object) -> Any:
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
        return _INVALID


def write_value(value: Any) -> Json:
    """Return a value's members as files have them: what was written, nothing that is a default."""
    written: Json = {}
    for name, (field, how) in members_of(type(value)).items():
        found, factory = getattr(value, field.name), getattr(field.default, "factory", None)
        if found is None or found == (factory() if factory else field.default):
            continue
        written[name] = how.write(found) if how.write else _plain(found)
    return written


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return write_value(value)
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value
