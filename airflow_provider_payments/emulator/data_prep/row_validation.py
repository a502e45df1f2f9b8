"""Validation of mapped rows by checks that are compiled once from the fields of the schema.

The checks run on every record, so a field gets only those that its constraints require. Error codes are those that
practitioners report; messages have the form of the JSON Schema validator in these reports.
"""

from __future__ import annotations

import ipaddress
import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from airflow_provider_payments.emulator.data_prep.language.values import shortened, type_name
from airflow_provider_payments.emulator.data_prep.members import MAX_NAME_CHARACTERS, Field, Members, Misfit

NULL_ERROR = "DCVS-1101-400"
TYPE_ERROR = "DCVS-1104-400"
FORMAT_ERROR = "DCVS-1105-400"
ENUM_ERROR = "DCVS-1106-400"
MISSING_ERROR = "DCVS-1111-400"
# No code is known for lengths, patterns, bounds and unknown fields.
RULE_ERROR = "INGEST-1554-400"

Check = Callable[[Any], None]

# Longer patterns and texts are not matched: matching could take too long.
MAX_PATTERN_CHARACTERS = 200
MAX_MATCHED_CHARACTERS = 1000


class Invalid(Misfit):
    """A value that its field does not allow.

    :param code: one of the error codes of this module.
    :param problem: the violated constraint, without the path of the value.
    """

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(problem)
        self.code = code
        self.problem = problem

    def __str__(self) -> str:
        place = "/".join(["#", *map(str, self.steps)])
        return f"The message cannot be validated: [{place}: {self.problem}]"


def checker(field: Field, *, complete: bool = True) -> Check:
    """Return the check of a field; the check raises :class:`Invalid`.

    :param field: the field, with data types expanded; empty if any value is allowed.
    :param complete: whether required members, at any level, must be present.
    """
    checks = tuple(_checks(field, complete))

    def check(value: Any) -> None:
        for one in checks:
            one(value)

    return checks[0] if len(checks) == 1 else check


def _checks(field: Field, complete: bool) -> Iterator[Check]:
    kind = str(field.get("type"))
    if kind in _KINDS:
        yield _of_type(*_KINDS[kind])
    for member, code, rule in (*_ENUMS, *_RULES.get(kind, ())):
        if member in field and (found := rule(field[member])) is not None:
            yield _rule(code, *found)
    if kind == "object":
        yield _object(field, complete)
    elif kind == "array":
        yield _array(field, complete)


_KINDS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "string": (str, "String"),
    "integer": (int, "Integer"),
    "number": ((int, float), "Number"),
    "boolean": (bool, "Boolean"),
    "object": (dict, "JSONObject"),
    "array": (list, "JSONArray"),
}


def _of_type(kinds: type | tuple[type, ...], name: str) -> Check:
    accepts_booleans = kinds is bool

    def check(value: Any) -> None:
        if isinstance(value, kinds) and (accepts_booleans or not isinstance(value, bool)):
            return
        code = NULL_ERROR if value is None else TYPE_ERROR
        found = "Null" if value is None else _KINDS[type_name(value)][1]
        raise Invalid(code, f"expected type: {name}, found: {found}")

    return check


# A predicate for allowed values, and a function that returns the problem of any other value.
Rule = tuple[Callable[[Any], bool], Callable[[Any], str]]


def _rule(code: str, fits: Callable[[Any], bool], problem: Callable[[Any], str]) -> Check:
    def check(value: Any) -> None:
        if not fits(value):
            raise Invalid(code, problem(value))

    return check


def _is_not(description: str) -> Callable[[Any], str]:
    return lambda value: f"{shortened(value)} is not {description}"


def _same(left: Any, right: Any) -> bool:
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _enum_rule(allowed: Any) -> Rule:
    if all(isinstance(one, str) for one in allowed):
        texts = frozenset(allowed)
        return lambda value: isinstance(value, str) and value in texts, _is_not("a valid enum value")
    return lambda value: any(_same(value, one) for one in allowed), _is_not("a valid enum value")


def _pattern_rule(pattern: Any) -> Rule | None:
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        return None
    try:
        search = re.compile(pattern, re.ASCII).search
    except (re.error, OverflowError, RecursionError):  # not all JavaScript patterns are valid in Python
        return None

    def fits(value: Any) -> bool:
        return len(value) > MAX_MATCHED_CHARACTERS or search(value) is not None

    return fits, _is_not(f"text that matches pattern {pattern}")


def _size_rule(member: str, *, is_minimum: bool) -> Callable[[Any], Rule]:
    def rule(bound: Any) -> Rule:
        def fits(value: Any) -> bool:
            return bool(len(value) >= bound if is_minimum else len(value) <= bound)

        return fits, lambda value: f"expected {member}: {bound}, actual: {len(value)}"

    return rule


def _bound_rule(relation: str, fits: Callable[[Any, Any], bool]) -> Callable[[Any], Rule]:
    return lambda bound: (lambda value: fits(value, bound), _is_not(f"{relation} {bound}"))


def _is_multiple(value: float, step: float) -> bool:
    return Fraction(str(value)) % Fraction(str(step)) == 0  # exact decimal arithmetic: no float equals 0.1


def _uniqueness_rule(expected: Any) -> Rule | None:
    def fits(value: Any) -> bool:
        return len({json.dumps(entry, sort_keys=True) for entry in value}) == len(value)

    return (fits, lambda _: "array items are not unique") if expected is True else None


def _format_rule(form: Any) -> Rule | None:
    fits = _FORMATS.get(form) if isinstance(form, str) else None
    return None if fits is None else (fits, _is_not(f"a valid {form}"))


def _full_match(pattern: str) -> Callable[[Any], bool]:
    full = re.compile(pattern, re.DOTALL).fullmatch
    return lambda value: full(value) is not None


def _address(kind: type) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        try:
            kind(value)
        except ValueError:
            return False
        return True

    return fits


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_URI_CHARACTERS = r"[^\s<>\"{}|\\^`]*"
_TEMPLATE = r"(?:[^\s<>\"{}|\\^`]|\{[^\s{}]+\})*"
# Dates and times are not here: the converter has parsed them.
_FORMATS: Mapping[str, Callable[[Any], bool]] = {
    "email": _full_match(r"[^@\s]+@[^@\s]+"),
    "hostname": _full_match(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*"),
    "ipv4": _address(ipaddress.IPv4Address),
    "ipv6": _address(ipaddress.IPv6Address),
    "uri": _full_match(r"[A-Za-z][A-Za-z0-9+.-]*:" + _URI_CHARACTERS),
    "uri-reference": _full_match(_URI_CHARACTERS),
    "uri-template": _full_match(_TEMPLATE),
    "url-template": _full_match(_TEMPLATE),
    "json-pointer": _full_match(r"(?:/(?:[^~/]|~[01])*)*"),
}

# Each is the member of a field that has the constraint, its error code, and its rule for values of the field's type.
_Constraints = tuple[tuple[str, str, Callable[[Any], Rule | None]], ...]
_ENUMS: _Constraints = (
    ("enum", ENUM_ERROR, _enum_rule),
    ("const", ENUM_ERROR, lambda expected: (lambda value: _same(value, expected), _is_not("the only valid value"))),
)
_BOUNDS: _Constraints = (
    ("minimum", RULE_ERROR, _bound_rule("greater or equal to", operator.ge)),
    ("maximum", RULE_ERROR, _bound_rule("less or equal to", operator.le)),
    ("exclusiveMinimum", RULE_ERROR, _bound_rule("greater than", operator.gt)),
    ("exclusiveMaximum", RULE_ERROR, _bound_rule("less than", operator.lt)),
    ("multipleOf", RULE_ERROR, _bound_rule("a multiple of", _is_multiple)),
)
_RULES: Mapping[str, _Constraints] = {
    "string": (
        ("minLength", RULE_ERROR, _size_rule("minLength", is_minimum=True)),
        ("maxLength", RULE_ERROR, _size_rule("maxLength", is_minimum=False)),
        ("pattern", RULE_ERROR, _pattern_rule),
        ("format", FORMAT_ERROR, _format_rule),
    ),
    "integer": _BOUNDS,
    "number": _BOUNDS,
    "array": (
        ("minItems", RULE_ERROR, _size_rule("minItems", is_minimum=True)),
        ("maxItems", RULE_ERROR, _size_rule("maxItems", is_minimum=False)),
        ("uniqueItems", RULE_ERROR, _uniqueness_rule),
    ),
    "object": (
        ("minProperties", RULE_ERROR, _size_rule("minProperties", is_minimum=True)),
        ("maxProperties", RULE_ERROR, _size_rule("maxProperties", is_minimum=False)),
    ),
}


def _object(field: Field, complete: bool) -> Check:
    members = Members(field, partial(checker, complete=complete))
    required = tuple(field.get("required", ())) if complete else ()

    def check(value: Any) -> None:
        for name in required:
            if value.get(name, "") == "":
                raise Invalid(MISSING_ERROR, f"required key [{name}] not found")
        for name, entry in value.items():
            if members.lacks(name):
                raise Invalid(RULE_ERROR, f"extraneous key [{name[:MAX_NAME_CHARACTERS]}] is not permitted")
            try:
                members[name](entry)
            except Invalid as invalid:
                raise invalid.inside(name) from None

    return check


def _array(field: Field, complete: bool) -> Check:
    item = checker(field.get("items", {"type": "string"}), complete=complete)

    def check(value: Any) -> None:
        for place, entry in enumerate(value):
            try:
                item(entry)
            except Invalid as invalid:
                raise invalid.inside(place) from None

    return check
