"""
Fields as JSON schema: the differences between desired and live fields, and the patches that remove them.

Only members that the user set are compared. Fields, the values of an ``enum`` and the labels of a ``meta:enum`` are
compared as "at least these"; all other keywords must be equal. The registry lets fields only become less strict once
they contain data, so an update adds fields and values and changes nothing else. Sources: Adobe's pages "Basics of
schema composition" (evolution), "Define enums and suggested values" and "Manage suggested values in the API".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_payments.aep.errors import Difference
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.inputs import as_number
from airflow_provider_payments.aep.resources.base import Comparison

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json

#: Formats that XDM treats as types of their own, distinct from text.
_TYPE_FORMATS = ("date", "date-time")
#: Keywords whose values must be equal. ``type``, ``format``, ``$ref`` and ``required`` have comparisons of their own.
_EQUAL_KEYWORDS = (
    *("meta:xdmType", "pattern", "minLength", "maxLength"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
    *("const", "default"),
)
#: Values that absent keywords have by default; a service may leave out a keyword with such a value.
_KEYWORD_DEFAULTS = {"minLength": 0, "minItems": 0, "minProperties": 0, "uniqueItems": False}


class Gap(NamedTuple):
    """
    A difference between desired and live fields.

    :param patch: the JSON Patch that removes the difference; empty if no update can.
    """

    difference: Difference
    patch: tuple[Json, ...] = ()


@dataclass(frozen=True)
class FieldTree(Comparison):
    """
    Desired fields.

    :param properties: the fields as JSON schema ``properties``.
    """

    properties: Mapping[str, Any]

    def differences(self, name: str, actual: Any) -> Iterator[Difference]:
        return (gap.difference for gap in self.gaps(name, actual))

    def gaps(self, name: str, actual: Fields, pointer: str | None = None) -> Iterator[Gap]:
        """
        Yield the differences between the desired fields and the live object that should contain them.

        :param name: the object's name in the differences.
        :param actual: the live object.
        :param pointer: JSON pointer of the object in its resource. Defaults to ``None``: no patches are needed.
        """
        return _LiveField(name, pointer, actual).gaps({"properties": self.properties})


class _LiveField(NamedTuple):
    """
    A field of an existing resource.

    :param path: the field's path for messages, with ``[*]`` for items of an array and ``*`` for values of a map.
    :param pointer: the field's JSON pointer; ``None`` if no patch of the resource can change the field.
    :param node: the field's JSON schema.
    """

    path: str
    pointer: str | None
    node: Fields

    def gaps(self, desired: Mapping[str, Any]) -> Iterator[Gap]:
        if "type" in desired and (ours := xdm_type(Fields(self.path, desired))) != (theirs := xdm_type(self.node)):
            yield self._gap("type", ours, theirs)
            return  # the other keywords of different types are not comparable
        yield from self._unequal(desired)
        yield from self._missing_values(desired)
        yield from self._missing_labels(desired)
        yield from self._missing_fields(desired.get("properties") or {})
        for keyword, step in (("items", "[*]"), ("additionalProperties", ".*")):
            if isinstance(inner := desired.get(keyword), Mapping) and inner:
                yield from self._inner_gaps(keyword, step, inner)

    def _unequal(self, desired: Mapping[str, Any]) -> Iterator[Gap]:
        for keyword in _EQUAL_KEYWORDS:
            if keyword not in desired:
                continue
            found = self._value(keyword)
            meant = _KEYWORD_DEFAULTS.get(keyword) if found is None else found
            if _text(desired[keyword]) != _text(meant) and not (keyword == "meta:xdmType" and found is None):
                yield self._gap(keyword, desired[keyword], found)
        for keyword, theirs in (("format", self.node.text("format")), ("$ref", _reference_of(self.node))):
            if desired.get(keyword, theirs) != theirs:
                yield self._gap(keyword, desired[keyword], theirs)
        if "required" in desired and set(desired["required"]) != set(names := self.node.texts("required")):
            yield self._gap("required", desired["required"], names or None)
        if isinstance(ours := desired.get("additionalProperties"), bool):
            theirs = self.node.value("additionalProperties")
            if ours is not (True if theirs in (None, {}) else theirs):  # absent or `{}` allows any property, like true
                yield self._gap("additionalProperties", ours, theirs)

    def _value(self, keyword: str) -> Any:
        found = self.node.value(keyword)
        if isinstance(found, (Mapping, list)) and keyword not in ("const", "default"):
            raise self.node.unreadable((keyword,), found, "a single value")
        return found

    def _missing_values(self, desired: Mapping[str, Any]) -> Iterator[Gap]:
        theirs = self.node.sequence("enum")
        missing = {_text(value): value for value in desired.get("enum", ())}
        for value in theirs:
            missing.pop(_text(value), None)
        if missing:
            # An `enum` where there was none would make the field stricter, which the registry refuses.
            patch = [step for value in missing.values() for step in self._add("enum", "-", value=value)]
            yield self._gap("enum", desired["enum"], theirs or None, patch if theirs else [])

    def _missing_labels(self, desired: Mapping[str, Any]) -> Iterator[Gap]:
        ours, theirs = desired.get("meta:enum") or {}, self.node.mapping("meta:enum")
        missing = {name: label for name, label in ours.items() if theirs.get(name) != label}
        if not missing:
            return
        values = self.node.sequence("enum")
        allowed = set(map(_label_of, [*values, *desired.get("enum", ())])) if values else missing.keys()
        patch = [step for name, label in missing.items() for step in self._add("meta:enum", name, value=label)]
        if not theirs:
            patch = self._add("meta:enum", value=missing)
        # The registry refuses a label for a value that the enum does not contain.
        yield self._gap("meta:enum", ours, dict(theirs) or None, patch if allowed >= missing.keys() else [])

    def _missing_fields(self, desired: Mapping[str, Any]) -> Iterator[Gap]:
        theirs = self.node.mapping("properties")
        if desired and not theirs:
            yield self._gap("properties", desired, None, self._add("properties", value=desired))
            return
        for name, node in desired.items():
            if name in theirs:
                yield from self._below("properties", name, step=f".{name}").gaps(node)
            else:
                difference = Difference(f"{self.path}.{name}", node, None)
                yield Gap(difference, tuple(self._add("properties", name, value=node)))

    def _inner_gaps(self, keyword: str, step: str, desired: Mapping[str, Any]) -> Iterator[Gap]:
        """Yield the differences in the items of an array or the values of a map."""
        found = self.node.value(keyword)
        if found is None or isinstance(found, bool):
            yield self._gap(keyword, desired, found)
        else:
            yield from self._below(keyword, step=step).gaps(desired)

    def _below(self, *steps: str, step: str) -> _LiveField:
        node = Fields(f"{self.path}{step} of {self.node.what}", self.node.mapping(*steps))
        return _LiveField(f"{self.path}{step}", _join(self.pointer or "", *steps) if self._is_own else None, node)

    @property
    def _is_own(self) -> bool:
        # A field behind a reference belongs to another resource, which a patch of this one does not change.
        return self.pointer is not None and _reference_of(self.node) is None

    def _add(self, *steps: str, value: object) -> list[Json]:
        return [{"op": "add", "path": _join(self.pointer or "", *steps), "value": value}] if self._is_own else []

    def _gap(self, keyword: str, desired: object, actual: object, patch: Iterable[Json] = ()) -> Gap:
        return Gap(Difference(f"{self.path} ({keyword})", desired, actual), tuple(patch))


def xdm_type(node: Fields) -> str | None:
    """Return a field's type in XDM, which distinguishes dates from other text by their format."""
    form = node.text("format")
    return form if form in _TYPE_FORMATS else node.text("type")


def _reference_of(node: Fields) -> str | None:
    """Return the id that a field refers to; in a resolved field the registry keeps it in ``meta:referencedFrom``."""
    return node.text("$ref") or node.text("meta:referencedFrom")


def _label_of(value: object) -> str:
    """Return the key of a value's label in ``meta:enum``."""
    return value if isinstance(value, str) else _text(value)


def _text(value: object) -> str:
    """Return JSON as text that is equal for equal values: the order of members and ``5.0`` for ``5`` do not count."""
    try:
        plain = json.loads(json.dumps(value), parse_float=lambda number: as_number("", number))
        return json.dumps(plain, sort_keys=True)
    except (RecursionError, ValueError):
        return repr(type(value))  # equal to the text of no valid value


def _join(pointer: str, *steps: str) -> str:
    return "/".join([pointer, *(step.replace("~", "~0").replace("/", "~1") for step in steps)])


def find_tenant_object(resource: Fields, namespace: str) -> tuple[str, Fields] | None:
    """
    Return the JSON pointer and the members of the tenant's object in an unresolved resource, ``None`` if it has none.

    Clients name the definition that contains the object freely, and older field groups have no definition, so all
    definitions, the root and the parts of ``allOf`` are searched.
    """
    definitions = resource.mapping("definitions")
    parts = {"": resource}
    parts |= {_join("", "definitions", name): resource.below("definitions", name) for name in definitions}
    parts |= {f"/allOf/{place}": part for place, part in enumerate(resource.each("allOf"))}
    for pointer, part in parts.items():
        if namespace in part.mapping("properties"):
            return _join(pointer, "properties", namespace), part.below("properties", namespace)
    return None


def has_external_references(resource: Mapping[str, Any], *known: str) -> bool:
    """
    Return whether a resource refers to other resources, so that only the registry can resolve all of its fields.

    :param known: ids of resources without fields, which do not count.
    """
    unvisited: list[Any] = [resource]
    while unvisited:
        node = unvisited.pop()
        if isinstance(node, Mapping):
            if (reference := node.get("$ref")) not in (None, *known) and not str(reference).startswith("#/"):
                return True
            unvisited += node.values()
        elif isinstance(node, list):
            unvisited += node
    return False


def resolved_properties(resource: Fields) -> Fields:
    """Return the properties of a resource, including those in ``definitions`` and ``allOf`` if it is not resolved."""
    merged = dict(resource.mapping("properties"))
    definitions = [resource.below("definitions", name) for name in resource.mapping("definitions")]
    for part in [*definitions, *resource.each("allOf")]:
        merged = dict(part.mapping("properties")) | merged
    return Fields(resource.what, merged)
