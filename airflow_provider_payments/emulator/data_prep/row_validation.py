"""Validation of mapped rows: checks, compiled once from the fields of the schema.

They run on every record, so each field keeps only the checks that it asks for. Codes are those that practitioners
report; messages have the form of the JSON Schema validator that speaks in their reports.
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

from airflow_provider_payments.emulator.data_prep.language.values import shown, type_name
from airflow_provider_payments.emulator.data_prep.members import MAX_NAME_CHARACTERS, Field, Members, Misfit

NULL_ERROR = "DCVS-1101-400"
TYPE_ERROR = "DCVS-1104-400"
FORMAT_ERROR = "DCVS-1105-400"
ENUM_ERROR = "DCVS-1106-400"
MISSING_ERROR = "DCVS-1111-400"
# No code is known for lengths, patterns, bounds and unknown fields.
RULE_ERROR = "INGEST-1554-400"

Check = Callable[[Any], None]

# Longer texts are not matched with patterns: it could take too long.
MAX_PATTERN_CHARACTERS = 200
MAX_MATCHED_CHARACTERS = 1000


class Invalid(Misfit):
    """A value that its field does not allow.

    :param code: one of the above.
    :param problem: what is wrong, without the place.
    """

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(problem)
        self.code = code
        self.problem = problem

    def __str__(self) -> str:
        place = "/".join(["#", *map(str, self.steps)])
        return f"The message cannot be validated: [{place}: {self.problem}]"


def checker(field: Field, *, complete: bool = True) -> Check:
    """The check of a field; it raises :class:`Invalid`.

    :param field: expanded; empty where any value is allowed.
    :param complete: whether required members, on any level, must be there.
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
    takes_truth = kinds is bool

    def check(value: Any) -> None:
        if isinstance(value, kinds) and (takes_truth or not isinstance(value, bool)):
            return
        code = NULL_ERROR if value is None else TYPE_ERROR
        found = "Null" if value is None else _KINDS[type_name(value)][1]
        raise Invalid(code, f"expected type: {name}, found: {found}")

    return check


# Whether a value is allowed, and the problem of one that is not.
Rule = tuple[Callable[[Any], bool], Callable[[Any], str]]


def _rule(code: str, fits: Callable[[Any], bool], problem: Callable[[Any], str]) -> Check:
    def check(value: Any) -> None:
        if not fits(value):
            raise Invalid(code, problem(value))

    return check


def _is_not(what: str) -> Callable[[Any], str]:
    return lambda value: f"{shown(value)} is not {what}"


def _same(left: Any, right: Any) -> bool:
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _among(allowed: Any) -> Rule:
    if all(isinstance(one, str) for one in allowed):
        texts = frozenset(allowed)
        return lambda value: isinstance(value, str) and value in texts, _is_not("a valid enum value")
    return lambda value: any(_same(value, one) for one in allowed), _is_not("a valid enum value")


def _matching(pattern: Any) -> Rule | None:
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        return None
    try:
        search = re.compile(pattern, re.ASCII).search
    except (re.error, OverflowError, RecursionError):  # not all JavaScript patterns are valid in Python
        return None

    def fits(value: Any) -> bool:
        return len(value) > MAX_MATCHED_CHARACTERS or search(value) is not None

    return fits, _is_not(f"text that matches pattern {pattern}")


def _sized(member: str, *, least: bool) -> Callable[[Any], Rule]:
    def rule(bound: Any) -> Rule:
        def fits(value: Any) -> bool:
            return bool(len(value) >= bound if least else len(value) <= bound)

        return fits, lambda value: f"expected {member}: {bound}, actual: {len(value)}"

    return rule


def _bounded(relation: str, fits: Callable[[Any, Any], bool]) -> Callable[[Any], Rule]:
    return lambda bound: (lambda value: fits(value, bound), _is_not(f"{relation} {bound}"))


def _is_multiple(value: float, step: float) -> bool:
    return Fraction(str(value)) % Fraction(str(step)) == 0  # exact decimal arithmetic: no float equals 0.1


def _distinct(wanted: Any) -> Rule | None:
    def fits(value: Any) -> bool:
        return len({json.dumps(entry, sort_keys=True) for entry in value}) == len(value)

    return (fits, lambda _: "array items are not unique") if wanted is True else None


def _formatted(form: Any) -> Rule | None:
    fits = _FORMATS.get(form) if isinstance(form, str) else None
    return None if fits is None else (fits, _is_not(f"a valid {form}"))


def _written(pattern: str) -> Callable[[Any], bool]:
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
    "email": _written(r"[^@\s]+@[^@\s]+"),
    "hostname": _written(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*"),
    "ipv4": _address(ipaddress.IPv4Address),
    "ipv6": _address(ipaddress.IPv6Address),
    "uri": _written(r"[A-Za-z][A-Za-z0-9+.-]*:" + _URI_CHARACTERS),
    "uri-reference": _written(_URI_CHARACTERS),
    "uri-template": _written(_TEMPLATE),
    "url-template": _written(_TEMPLATE),
    "json-pointer": _written(r"(?:/(?:[^~/]|~[01])*)*"),
}

# A member of a field, the code of its error, and its rule for values of the field's type.
_Members = tuple[tuple[str, str, Callable[[Any], Rule | None]], ...]
_ENUMS: _Members = (
    ("enum", ENUM_ERROR, _among),
    ("const", ENUM_ERROR, lambda wanted: (lambda value: _same(value, wanted), _is_not("the only valid value"))),
)
_BOUNDS: _Members = (
    ("minimum", RULE_ERROR, _bounded("greater or equal to", operator.ge)),
    ("maximum", RULE_ERROR, _bounded("less or equal to", operator.le)),
    ("exclusiveMinimum", RULE_ERROR, _bounded("greater than", operator.gt)),
    ("exclusiveMaximum", RULE_ERROR, _bounded("less than", operator.lt)),
    ("multipleOf", RULE_ERROR, _bounded("a multiple of", _is_multiple)),
)
_RULES: Mapping[str, _Members] = {
    "string": (
        ("minLength", RULE_ERROR, _sized("minLength", least=True)),
        ("maxLength", RULE_ERROR, _sized("maxLength", least=False)),
        ("pattern", RULE_ERROR, _matching),
        ("format", FORMAT_ERROR, _formatted),
    ),
    "integer": _BOUNDS,
    "number": _BOUNDS,
    "array": (
        ("minItems", RULE_ERROR, _sized("minItems", least=True)),
        ("maxItems", RULE_ERROR, _sized("maxItems", least=False)),
        ("uniqueItems", RULE_ERROR, _distinct),
    ),
    "object": (
        ("minProperties", RULE_ERROR, _sized("minProperties", least=True)),
        ("maxProperties", RULE_ERROR, _sized("maxProperties", least=False)),
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
            if members.lack(name):
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
