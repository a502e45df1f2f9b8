"""``property`` filters: what one says, and which items pass."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.comparisons import as_text
from airflow_provider_payments.emulator.flow_service.payloads import invalid

Wire = Mapping[str, Any]
_FILTER = re.compile(
    r"\s*(?P<path>[^=!<>~\s]+)\s*(?P<sign>==|!=|<=|>=|!>|!<|!~|<>|=<|=>|=~|=|<|>|~|!)(?P<value>.*)", re.DOTALL
)
_ORDERINGS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SIGNS = frozenset({"==", "!=", *_ORDERINGS})
_VALUE = re.compile(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([^,]*))\s*(?:,|$)")
_MOMENTS = frozenset({"createdAt", "updatedAt"})
_IDENTIFIER = re.compile(r"(?:.*\.)?(?:id|\w*Ids?)(?:\[\])?")
# A run's status is filtered by this short name as well as by its full path.
RUN_STATUS = "metrics.statusSummary.status"
_ALIASES = {"state": RUN_STATUS}


class Row:
    """An item of a list, and what it shows, which is made when something asks for more than the quick fields.

    :param shape: gives the item its wire shape.
    :param quick: paths whose values can be read off the item itself, each with the function that does.
    """

    __slots__ = ("_quick", "_shape", "_wire", "item")

    def __init__(
        self, item: Any, shape: Callable[[Any], Wire], quick: Mapping[str, Callable[[Any], Iterable[Any]]]
    ) -> None:
        self.item = item
        self._shape = shape
        self._quick = quick
        self._wire: Wire | None = None

    @property
    def wire(self) -> Wire:
        if self._wire is None:
            self._wire = self._shape(self.item)
        return self._wire

    def values(self, path: str) -> list[Any]:
        """What stands at a path; several where it leads through a list, none where it leads nowhere."""
        read = self._quick.get(path)
        return list(_walk(self.wire, path) if read is None else read(self.item))


def _walk(node: Any, path: str) -> Iterator[Any]:
    step, _, rest = path.partition(".")
    name = step.removesuffix("[]")
    if not isinstance(node, Mapping) or name not in node:
        return
    child = node[name]
    # An array is entered by '[]' and by nothing else: a filter that forgets it matches no item.
    children: Iterable[Any] = [child]
    if step.endswith("[]"):
        children = child if isinstance(child, list | tuple) else ()
    for value in children:
        if rest:
            yield from _walk(value, rest)
        elif not isinstance(value, Mapping | list | tuple):
            yield value


@dataclass(frozen=True, slots=True)
class Filter:
    """One ``property`` parameter."""

    path: str
    sign: str
    values: tuple[str, ...]

    def passes(self, row: Row) -> bool:
        """Whether an item is one of those asked for."""
        path, values = self.path, self.values
        found = row.values(path)
        if not found and path in _ALIASES:
            path = _ALIASES[path]
            found = row.values(path)
        if path == RUN_STATUS:
            # Documents ask for 'Failed' where runs say 'failed'.
            found = [_text(value).casefold() for value in found]
            values = tuple(value.casefold() for value in values)
        if self.sign == "==":
            return any(_equals(value, wanted) for value in found for wanted in values)
        if self.sign == "!=":
            return not any(_equals(value, wanted) for value in found for wanted in values)
        return any(_compares(value, self.sign, values[0]) for value in found)

    def span(self) -> tuple[int | None, int | None] | None:
        """The earliest and the latest moment that pass, for a filter by the time of creation; else None."""
        if self.path != "createdAt" or self.sign == "!=":
            return None
        moment = int(self.values[0])
        return {
            "==": (moment, moment),
            ">": (moment + 1, None),
            ">=": (moment, None),
            "<": (None, moment - 1),
            "<=": (None, moment),
        }[self.sign]


def parse_filter(expression: str, known: Collection[str], unknown_code: str) -> Filter:
    """Understand a ``property`` parameter, or refuse it by its number.

    :param known: the top-level attributes of such items.
    :param unknown_code: of the refusal of any other.
    """
    match = _FILTER.fullmatch(expression)
    if match is None:
        raise invalid("1453-400", f"The query value '{expression[:100]}' is not written as path, operator, value.")
    path, sign = match["path"], match["sign"]
    if sign == "~":
        raise invalid("1440-400", "The operator '~' is not implemented.")
    if sign == "=" and path.startswith("attributes."):
        # The documented filter by an attribute of a spec has a single sign.
        sign = "=="
    if sign not in _SIGNS:
        raise invalid("1450-400", f"There is no operator '{sign}' for filters.")
    if re.split(r"[.\[]", path, maxsplit=1)[0] not in known:
        raise invalid(unknown_code, f"There is no field '{path[:100]}' to filter by.")
    values = tuple(_values(match["value"]))
    if not values:
        raise invalid("1453-400", f"The query value '{expression[:100]}' names no value.")
    _check_values(path, sign, values)
    return Filter(path, sign, values)


def _check_values(path: str, sign: str, values: tuple[str, ...]) -> None:
    ordering = sign not in ("==", "!=")
    if ordering and len(values) > 1:
        raise invalid("1443-400", f"The operator '{sign}' does not take several values.")
    if ordering and _IDENTIFIER.fullmatch(path):
        raise invalid("1448-400", f"The operator '{sign}' is not supported for the field '{path[:100]}'.")
    if path in _MOMENTS and not (len(values) == 1 and re.fullmatch(r"-?[0-9]{1,18}", values[0])):
        shown = ",".join(values)[:80]
        raise invalid(
            "1452-400", f"The value '{shown}' is not valid for '{path}': it takes one number of milliseconds."
        )


def _values(text: str) -> Iterator[str]:
    """Values are parted by commas, except within quotes; a quote that never ends is a character like others."""
    for match in _VALUE.finditer(text):
        double, single, plain = match.groups()
        quoted = double if double is not None else single
        plain = (plain or "").strip()
        if plain.startswith(("{", "[")):
            raise invalid("1454-400", f"A filter cannot compare with an object or a list: '{plain[:80]}'.")
        if quoted is not None or plain:
            yield plain if quoted is None else quoted
        if not match[0].endswith(","):
            return


def _text(value: Any) -> str:
    return "null" if value is None else as_text(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _equals(value: Any, wanted: str) -> bool:
    return _text(value) == wanted or (_is_number(value) and value == _number(wanted))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _compares(value: Any, sign: str, wanted: str) -> bool:
    if not _is_number(value):
        return _ORDERINGS[sign](_text(value), wanted)
    number = _number(wanted)
    return number is not None and _ORDERINGS[sign](value, number)
