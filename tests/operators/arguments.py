"""Hypothesis strategies for the arguments of operators: arbitrary values, and nearly valid ones."""

from __future__ import annotations

import copy
import datetime as dt
import json
import reprlib
import unicodedata
from collections.abc import Iterator
from typing import Any

import pendulum
from hypothesis import strategies as st


class Changes(dict[str, Any]):
    """New values for arguments, by name."""

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: {_shown(value)}" for name, value in self.items()) + "}"


def _shown(value: object) -> str:
    try:
        return _SHORT.repr(value)
    except ValueError:  # a number of more digits than Python prints
        return f"<{type(value).__name__} that cannot be shown>"


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def nested(depth: int) -> list[Any]:
    """Return lists nested to a depth."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


MOMENT = dt.datetime(2031, 1, 1, tzinfo=dt.UTC)
#: Values that programs often fail on: text, numbers, times, containers, and values that JSON cannot represent.
ODDITIES: list[Any] = [
    *("", " ", "\t\n", "None", "null", "nan", "Infinity", "true", "x", "0", "-1", "15", " 15 ", "1e5", "1_000", "٣"),
    *("\x00", "a\x1fb", "\x7f", "\u0085", "\ud800", "a\udfff", "\u202e\ufeff", "é", "ﬁ", "🙂" * 30, "a" * 200_000),
    *(",", "a,b", "!a", "*", "a==b", "a&b=c", "a+b", "%", "%00", "'", '"', "\\", "`", "a;b", "a|b", "~", "<b>", "#"),
    *(".", "..", "../..", "a/b", "a/../b", "//", "/", "?", "{", "}", "[", "]", "{}", "[]", "[1]", '{"a": 1}', '"a"'),
    *("[" * 5000, '{"a":' * 5000, "9" * 5000, "{{ x }}", "{TENANT_ID}", "_{TENANT_ID}.a", "$ref", "https://["),
    *("2031-01-01T00:00:00Z", "2031-01-01T00:00:00", "2031-01-01", "2031-01-01T00:00:00+05:30", "9999-12-31T23:59:59Z"),
    *("0001-01-01T00:00:00+14:00", "2001-01-01T00:00:00Z", "1924992000", "1924992000.5", "99999999999", "tomorrow"),
    *(None, True, False, 0, 1, -1, 2, 14, 15, 2**31, 2**53 + 1, 2**63, 10**19, 10**40, -(10**400)),
    *(0.5, -0.0, 15.0, 1e19, 1e308, 5e-324, float("nan"), float("inf"), float("-inf"), 1924992000, 1924992000123),
    *([], [[]], [None], [""], [{}], [1, "a", None], ["a", "a"], {}, {"": None}, {"a": {"b": [{}]}}, {1: 2}, {None: 1}),
    *({"name": 1}, {"name": ""}, {"id": {}}, {"id": ""}, {"id": "x", "transformations": 5}, {"type": []}, {"$ref": 1}),
    *(nested(60), {"a": float("nan")}, {"a": "\ud800"}, {"\ud800": "a"}),
    *(b"bytes", {"a": b""}, (), ("a",), {"a"}, object, MOMENT, MOMENT.replace(tzinfo=None), pendulum.instance(MOMENT)),
    *(dt.date(2031, 1, 1), dt.timedelta(days=1), dt.datetime.max, dt.datetime.min.replace(tzinfo=dt.UTC)),
]
#: Names of members: some that a service knows, and some that it does not know.
MEMBERS = [
    *("unknown", "name", "id", "type", "title", "description", "$id", "$ref", "", "labels", "mode", "state", "version"),
    *("auth", "params", "data", "format", "options", "scheduleParams", "transformations", "connectionSpec", "allOf"),
    *("flowSpec", "definitions", "properties", "items", "required", "enum", "meta:class", "meta:intendedToExtend"),
    *("schemaRef", "contentType", "outputSchema", "mappings", "sourceType", "tags", "dateFormat", "timezone"),
]

_ODD = st.sampled_from(ODDITIES)
_TEXTS = st.text(max_size=12) | st.text(st.characters(codec=None), max_size=4)
_NUMBERS = st.integers() | st.floats() | st.integers(-20, 120)
_KEYS = st.sampled_from(MEMBERS) | _TEXTS
# Built by a function, because the repr of a strategy cannot contain numbers that Python does not print.
_HUGE = st.sampled_from([10**3999, -(10**3999)]).map(lambda number: number * 10**999)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS | _ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)
#: Any value, copied because tests may change a drawn value.
WILD = (_ODD | _ODD | _JSON | _NUMBERS | _TEXTS).map(copy.deepcopy) | _HUGE | _HUGE.map(lambda huge: {"a": huge})


def near(value: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for values that are nearly ``value``, or equal to it in another form."""
    if isinstance(value, str):
        return _near_text(value)
    if isinstance(value, (dict, list, tuple)):
        return _near_container(value)
    if not isinstance(value, (int, float)) or abs(value) > 10**18:
        return st.just(value) | WILD
    forms = [str(value), f" {value} ", f"{value}.0", [value], {"value": value}]
    return st.sampled_from([value, *forms, value - 1, value + 0.5, value * 10**9])


def _near_text(text: str) -> st.SearchStrategy[str]:
    decomposed = unicodedata.normalize("NFD", f"{text}é")
    forms = [text, text.upper(), f" {text}", f"{text} ", f"{text}\n", f"{text},", f'"{text}"', f"{text}é", decomposed]
    forms += [json.dumps(text), f"{text}\x00", f"{text}\ud800", text[:-1], f"{text}/..", f"{text}%2F", text * 50]
    return st.sampled_from(forms) | st.builds(lambda odd: f"{text}{odd}", _TEXTS)


@st.composite
def _near_container(draw: st.DrawFn, value: Any) -> Any:
    """Draw a container with up to two nodes replaced, removed, renamed, doubled or added; sometimes as JSON text."""
    whole = copy.deepcopy(list(value) if isinstance(value, tuple) else value)
    for _ in range(draw(st.integers(0, 2))):
        places = list(_places(whole))
        if not places:
            break
        node, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["replace", "near", "remove", "more", "rename"])):
            case "replace":
                node[key] = draw(WILD)
            case "near":
                node[key] = draw(near(node[key]))
            case "remove":
                del node[key]
            case "rename" if isinstance(node, dict):
                node[draw(_KEYS)] = node.pop(key)
            case _ if isinstance(node, dict):
                node[draw(_KEYS)] = draw(WILD)
            case _:
                node.append(draw(st.just(copy.deepcopy(node[key])) | WILD))
    if draw(st.integers(0, 4)) == 0:
        try:
            return json.dumps(whole)
        except (TypeError, ValueError):
            pass
    return whole


def _places(node: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Yield each pair of a container and a key below a node, down to a maximum depth."""
    keys: Any = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        if depth < 8:
            yield from _places(node[key], depth + 1)


def changes(names: list[str], right: dict[str, Any]) -> st.SearchStrategy[Changes]:
    """
    Draw new values for one or two arguments, seldom for more, because the first invalid argument ends the test.

    :param names: the arguments of the operator.
    :param right: argument -> a value that is accepted.
    """
    # Most values of a connection's id only name a missing connection, so they are drawn less often.
    weighed = [name for name in names for _ in range(1 if name.endswith("_conn_id") else 4)]
    # Built once, not for each example: Hypothesis examines every new strategy.
    nearly = {name: near(value) for name, value in right.items()}
    return _changes(weighed, {name: nearly[name] | nearly[name] | WILD if name in right else WILD for name in names})


@st.composite
def _changes(draw: st.DrawFn, weighed: list[str], values: dict[str, st.SearchStrategy[Any]]) -> Changes:
    most = draw(st.sampled_from([1, 1, 1, 2, 4]))
    odd = draw(st.lists(st.sampled_from(weighed), unique=True, min_size=1, max_size=most))
    return Changes({name: draw(values[name]) for name in odd})
