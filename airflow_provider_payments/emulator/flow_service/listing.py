"""Lists: ``property`` filters, ``orderby``, ``limit``, ``count`` and ``continuationToken``."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from airflow_provider_payments.emulator.exchange import Answer, Call
from airflow_provider_payments.emulator.refusals import FlowRefusal
from airflow_provider_payments.emulator.store import Store

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
_FILTER = re.compile(r"\s*(?P<path>[^=!<>~\s]+)\s*(?P<sign>==|!=|<=|>=|=|<|>|~)(?P<value>.*)", re.DOTALL)
_VALUE = re.compile(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([^,]*))\s*(?:,|$)")
# A run's status is filtered by this short name as well as by its full path.
_RUN_STATUS = "metrics.statusSummary.status"
_ALIASES = {"state": _RUN_STATUS}

Wire = Mapping[str, Any]


def _refuse(code: str, detail: str) -> FlowRefusal:
    return FlowRefusal(code, detail, title="Invalid request")


@dataclass(frozen=True, slots=True)
class Filter:
    """One ``property`` parameter."""

    path: str
    sign: str
    values: tuple[str, ...]

    def passes(self, item: Wire) -> bool:
        """Whether an item in its wire shape is one of those asked for."""
        path, values = self.path, self.values
        found = list(_walk(item, path))
        if not found and path in _ALIASES:
            path = _ALIASES[path]
            found = list(_walk(item, path))
        if path == _RUN_STATUS:
            # Documents ask for 'Failed' where runs say 'failed'.
            found = [_text(value).casefold() for value in found]
            values = tuple(value.casefold() for value in values)
        if self.sign == "==":
            return any(_text(value) in values for value in found)
        if self.sign == "!=":
            return all(_text(value) not in values for value in found)
        return any(_compares(value, self.sign, values[0]) for value in found)


def parse_filter(expression: str, known: Callable[[str], bool]) -> Filter:
    """Understand a ``property`` parameter, or refuse it by its number.

    :param known: whether resources of this kind have a top-level attribute.
    """
    match = _FILTER.fullmatch(expression)
    if match is None:
        raise _refuse("1451-400", f"The filter '{expression[:100]}' is not written as path, operator, value.")
    path, sign = match["path"], match["sign"]
    if sign == "~":
        raise _refuse("1440-400", "The operator '~' is not implemented.")
    if sign == "=":
        raise _refuse("1450-400", f"The filter '{expression[:100]}' has no valid operator.")
    if not known(re.split(r"[.\[]", path, maxsplit=1)[0]):
        raise _refuse("1423-400", f"There is no field '{path[:100]}' to filter by.")
    values = tuple(_values(match["value"]))
    if len(values) > 1 and sign not in ("==", "!="):
        raise _refuse("1443-400", f"The operator '{sign}' does not take several values.")
    return Filter(path, sign, values)


def _values(text: str) -> Iterator[str]:
    """Values are parted by commas, except within quotes; a quote that never ends is a character like others."""
    for match in _VALUE.finditer(text):
        yield next(group for group in match.groups() if group is not None).strip()
        if not match[0].endswith(","):
            return


def _walk(node: Any, path: str) -> Iterator[Any]:
    step, _, rest = path.partition(".")
    name = step.removesuffix("[]")
    if not isinstance(node, Mapping) or name not in node:
        return
    child = node[name]
    # An array is entered by '[]' and by nothing else: a filter that forgets it matches no item.
    children: Iterable[Any] = [child]
    if step.endswith("[]"):
        children = child if isinstance(child, list) else ()
    for value in children:
        if rest:
            yield from _walk(value, rest)
        elif not isinstance(value, Mapping | list):
            yield value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _compares(value: Any, sign: str, wanted: str) -> bool:
    left: Any = value
    right: Any = wanted
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            right = float(wanted)
        except ValueError:
            return False
    else:
        left = _text(value)
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign])


@dataclass(frozen=True, slots=True)
class _Query:
    filters: Sequence[Filter]
    order: tuple[str, bool] | None
    limit: int
    count: bool
    token: Mapping[str, Any] | None


def page_of(call: Call, kind: str, store: Store[Any], shape: Callable[[Any], Wire], known: frozenset[str]) -> Answer:
    """Answer a list request.

    :param kind: as in the path; the next page's address begins with it.
    :param shape: gives an item its wire shape.
    :param known: the attributes that such items have.
    """
    query = _understand(call, known)
    if query.count:
        return Answer({"count": sum(1 for _ in _matching(store, query.filters, shape, -1))})
    if query.order is None:
        after = int(query.token["n"]) if query.token else -1
        found = _take(_matching(store, query.filters, shape, after), query.limit + 1)
        keys: list[Any] = [None] * len(found)
    else:
        found, keys = _ordered(store, query, shape)
    answer: dict[str, Any] = {"items": [wire for _, wire in found[: query.limit]], "_links": {}}
    if len(found) > query.limit:
        last, key = found[query.limit - 1][0], keys[query.limit - 1]
        kept = [(name, value) for name, value in call.query if name != "continuationToken"]
        token = _encode({"n": last.number, "k": key})
        answer["_links"] = {"next": {"href": f"/{kind}?{urlencode([*kept, ('continuationToken', token)])}"}}
    return Answer(answer)


def _matching(
    store: Store[Any], filters: Sequence[Filter], shape: Callable[[Any], Wire], after: int
) -> Iterator[tuple[Any, Wire]]:
    quick = next((one for one in filters if one.sign == "==" and store.has_key(one.path)), None)
    items = store.behind(after) if quick is None else store.find(quick.path, quick.values)
    rest = [one for one in filters if one is not quick]
    for item in items:
        if item.number > after:
            wire = shape(item)
            if all(one.passes(wire) for one in rest):
                yield item, wire


def _take(pairs: Iterator[tuple[Any, Wire]], count: int) -> list[tuple[Any, Wire]]:
    return [pair for pair, _ in zip(pairs, range(count), strict=False)]


def _ordered(
    store: Store[Any], query: _Query, shape: Callable[[Any], Wire]
) -> tuple[list[tuple[Any, Wire]], list[Any]]:
    assert query.order is not None
    field, descending = query.order
    rows = [(_sort_key(wire, field), item, wire) for item, wire in _matching(store, query.filters, shape, -1)]
    rows.sort(key=lambda row: row[0], reverse=descending)
    if query.token is not None:
        last, number = tuple(query.token["k"]), query.token["n"]

        def comes_later(key: tuple[Any, ...], item: Any) -> bool:
            if key == last:
                return bool(item.number > number)
            return key < last if descending else key > last

        rows = [row for row in rows if comes_later(row[0], row[1])]
    rows = rows[: query.limit + 1]
    return [(item, wire) for _, item, wire in rows], [list(key) for key, _, _ in rows]


def _sort_key(wire: Wire, field: str) -> tuple[int, float, str]:
    value = next(_walk(wire, field), None)
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (0, 0.0, "") if value is None else (2, 0.0, str(value))


def _understand(call: Call, known: frozenset[str]) -> _Query:
    count = (call.first("count") or "false").lower()
    if count not in ("true", "false"):
        raise _refuse("1453-400", "The value of 'count' must be true or false.")
    limit = call.first("limit")
    if count == "true" and limit is not None:
        raise _refuse("1401-400", "'limit' and 'count' cannot stand in one request.")
    filters = [parse_filter(value, known.__contains__) for name, value in call.query if name == "property"]
    order = _order(call.first("orderby"), known)
    token = call.first("continuationToken")
    return _Query(filters, order, _limit(limit), count == "true", _decode(token, order is not None) if token else None)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit()) or not int(text[:9]):
        raise _refuse("1453-400", f"The value of 'limit' must be a positive whole number, not '{text[:40]}'.")
    return min(int(text[:9]), MAX_LIMIT)


def _order(text: str | None, known: frozenset[str]) -> tuple[str, bool] | None:
    if not text:
        return None
    # A plus sign that was not encoded arrives as a blank.
    match = re.fullmatch(r"([-+ ]?)([A-Za-z][\w.]*)", text)
    if match is None:
        raise _refuse("1432-400", f"The sort order '{text[:60]}' is not a field with + or - before it.")
    if match[2].partition(".")[0] not in known:
        raise _refuse("1433-400", f"There is no field '{match[2][:60]}' to sort by.")
    return match[2], match[1] == "-"


def _encode(position: Mapping[str, Any]) -> str:
    text = json.dumps(position, separators=(",", ":")).encode("ascii")
    return base64.urlsafe_b64encode(text).decode("ascii").rstrip("=")


def _decode(token: str, ordered: bool) -> Mapping[str, Any]:
    bad = _refuse("1453-400", "The continuation token is not one that this list has given out.")
    try:
        position = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, RecursionError) as error:
        raise bad from error
    if not isinstance(position, dict) or type(position.get("n")) is not int:
        raise bad
    key = position.get("k")
    well_formed = (
        isinstance(key, list)
        and len(key) == 3
        and type(key[0]) is int
        and isinstance(key[1], int | float)
        and isinstance(key[2], str)
    )
    if ordered != well_formed:
        raise bad
    return position
