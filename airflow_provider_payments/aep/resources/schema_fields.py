"""
Fields as JSON schema: in what live ones are not what somebody wrote, and what an update may add to them.

Only what was written counts. Fields, the values of an ``enum`` and the labels of a ``meta:enum`` are "at least these",
everything else is equal. The registry lets fields only become less strict once they hold data, so an update adds fields
and values and changes nothing else. Sources: Adobe's pages "Basics of schema composition" (evolution), "Define enums
and suggested values" and "Manage suggested values in the API".
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

#: Formats that make another XDM type of a text.
_TYPE_FORMATS = ("date", "date-time")
#: Keywords whose values are equal; ``type``, ``format``, ``$ref`` and ``required`` are compared by what they mean.
_EQUAL_KEYWORDS = (
    *("meta:xdmType", "pattern", "minLength", "maxLength"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
    *("const", "default"),
)
#: What a keyword that is absent means; a service may leave out what says only that.
_KEYWORD_DEFAULTS = {"minLength": 0, "minItems": 0, "minProperties": 0, "uniqueItems": False}


class Gap(NamedTuple):
    """
    One difference.

    :param patch: the JSON Patch that removes it; empty where no update can.
    """

    difference: Difference
    patch: tuple[Json, ...] = ()


@dataclass(frozen=True)
class FieldTree(Comparison):
    """
    Fields that somebody wrote.

    :param properties: the fields as JSON schema ``properties``.
    """

    properties: Mapping[str, Any]

    def differences(self, name: str, actual: Any) -> Iterator[Difference]:
        return (gap.difference for gap in self.gaps(name, actual))

    def gaps(self, name: str, actual: Fields, pointer: str | None = None) -> Iterator[Gap]:
        """
        Yield what the object that holds the live fields lacks, or has otherwise.

        :param name: what the object is called in the differences.
        :param pointer: where it stands in its resource; ``None`` where nothing is to be patched.
        """
        return _LiveField(name, pointer, actual).gaps({"properties": self.properties})


class _LiveField(NamedTuple):
    """
    A live field.

    :param path: its path for people, with ``[*]`` for what an array and ``*`` for what a map holds.
    :param pointer: its JSON pointer; ``None`` where no patch of the resource reaches it.
    """

    path: str
    pointer: str | None
    node: Fields

    def gaps(self, desired: Mapping[str, Any]) -> Iterator[Gap]:
        if "type" in desired and (ours := xdm_type(Fields(self.path, desired))) != (theirs := xdm_type(self.node)):
            yield self._gap("type", ours, theirs)
            return  # of another type nothing else is comparable
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
            if ours is not (True if theirs in (None, {}) else theirs):  # anything goes
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
            # The first value of all would make the field stricter.
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
        # The registry takes no label of what is no value of the enum.
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
        """Compare what an array or a map holds."""
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
        # What a reference leads to belongs to another resource.
        return self.pointer is not None and _reference_of(self.node) is None

    def _add(self, *steps: str, value: object) -> list[Json]:
        return [{"op": "add", "path": _join(self.pointer or "", *steps), "value": value}] if self._is_own else []

    def _gap(self, keyword: str, desired: object, actual: object, patch: Iterable[Json] = ()) -> Gap:
        return Gap(Difference(f"{self.path} ({keyword})", desired, actual), tuple(patch))


def xdm_type(node: Fields) -> str | None:
    """Return the type by which XDM distinguishes fields: a date is none of the other texts."""
    form = node.text("format")
    return form if form in _TYPE_FORMATS else node.text("type")


def _reference_of(node: Fields) -> str | None:
    """Return what a field refers to; where that has been put in its place, the registry says where it came from."""
    return node.text("$ref") or node.text("meta:referencedFrom")


def _label_of(value: object) -> str:
    """Return the name under which ``meta:enum`` holds the label of a value."""
    return value if isinstance(value, str) else _text(value)


def _text(value: object) -> str:
    """Return JSON as one text for all that means the same: the order of members and ``5.0`` for ``5`` mean nothing."""
    try:
        plain = json.loads(json.dumps(value), parse_float=lambda number: as_number("", number))
        return json.dumps(plain, sort_keys=True)
    except (RecursionError, ValueError):
        return repr(type(value))  # it equals nothing that anybody can write


def _join(pointer: str, *steps: str) -> str:
    return "/".join([pointer, *(step.replace("~", "~0").replace("/", "~1") for step in steps)])


def find_tenant_object(resource: Fields, namespace: str) -> tuple[str, Fields] | None:
    """
    Return where a resource that is not resolved holds the tenant's object, as a JSON pointer, and the object.

    A client calls the definition around it as it likes, and one of the older kind has none.
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
    Whether a resource refers to others, so that only the registry can say all of its fields.

    :param known: references that bring no fields.
    """
    left: list[Any] = [resource]
    while left:
        node = left.pop()
        if isinstance(node, Mapping):
            if (reference := node.get("$ref")) not in (None, *known) and not str(reference).startswith("#/"):
                return True
            left += node.values()
        elif isinstance(node, list):
            left += node
    return False


def resolved_properties(resource: Fields) -> Fields:
    """Return a resource's properties; an answer that is not fully resolved keeps them in definitions and ``allOf``."""
    merged = dict(resource.mapping("properties"))
    definitions = [resource.below("definitions", name) for name in resource.mapping("definitions")]
    for part in [*definitions, *resource.each("allOf")]:
        merged = dict(part.mapping("properties")) | merged
    return Fields(resource.what, merged)
