"""Parsing the ``property`` filters of Flow Service's lists."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from airflow_provider_payments.emulator.core.comparisons import ORDERINGS, Check, compared_to, one_of
from airflow_provider_payments.emulator.core.query import Filter, Span
from airflow_provider_payments.emulator.flow_service.model import RUN_STATUS
from airflow_provider_payments.emulator.flow_service.refusals import invalid

_FILTER = re.compile(
    r"\s*(?P<path>[^=!<>~\s]+)\s*(?P<sign>==|!=|<=|>=|!>|!<|!~|<>|=<|=>|=~|=|<|>|~|!)(?P<value>.*)", re.DOTALL
)
_SIGNS = frozenset({"==", "!=", *ORDERINGS})
_VALUE = re.compile(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([^,]*))\s*(?:,|$)")
CREATED, _UPDATED = "createdAt", "updatedAt"
LAST_STARTED = "lastRunDetails.startedAtUTC"
_IDENTIFIER = re.compile(r"(?:.*\.)?(?:id|\w*Ids?)(?:\[\])?")


def parse_filter(expression: str, known: Collection[str], unknown_code: str, aliases: Mapping[str, str]) -> Filter:
    """Parse a ``property`` parameter, or refuse it with the code of its error.

    :param known: the top-level attributes of the items.
    :param unknown_code: the code of the refusal of any other attribute.
    :param aliases: paths by their short names.
    """
    match = _FILTER.fullmatch(expression)
    if match is None:
        raise invalid("1453-400", f"The query value '{expression[:100]}' is not written as path, operator, value.")
    path, sign = match["path"], match["sign"]
    if sign == "~":
        raise invalid("1440-400", "The operator '~' is not implemented.")
    if sign == "=" and path.startswith("attributes."):
        # The documents filter by an attribute of a spec with a single equals sign.
        sign = "=="
    if sign not in _SIGNS:
        raise invalid("1450-400", f"There is no operator '{sign}' for filters.")
    if re.split(r"[.\[]", path, maxsplit=1)[0] not in known:
        raise invalid(unknown_code, f"There is no field '{path[:100]}' to filter by.")
    values = tuple(_values(match["value"]))
    if not values:
        raise invalid("1453-400", f"The query value '{expression[:100]}' names no value.")
    _check_values(path, sign, values)
    return _filter(aliases.get(path, path), sign, values)


def _filter(path: str, sign: str, values: tuple[str, ...]) -> Filter:
    if path == RUN_STATUS:
        # Documents filter by 'Failed', but runs have the status 'failed'.
        folded = tuple(value.casefold() for value in values)
        fits = compared_to(sign, folded[0]) if sign in ORDERINGS else frozenset(folded).__contains__
        return Filter(path, lambda status: fits(status.casefold()), sign != "!=")
    span = _span(sign, int(values[0])) if path == CREATED else None
    return Filter(path, _check(sign, values), sign != "!=", values if sign == "==" else (), span)


def _check(sign: str, values: tuple[str, ...]) -> Check:
    if sign in ORDERINGS:
        return compared_to(sign, values[0])
    fits = one_of(values)
    return (lambda value: value is None or fits(value)) if "null" in values else fits


def _span(sign: str, moment: int) -> Span | None:
    """Return the earliest and the latest time that pass a filter; None if the filter is not a range of times."""
    later, earlier = {">": moment + 1, ">=": moment}.get(sign), {"<": moment - 1, "<=": moment}.get(sign)
    return (moment, moment) if sign == "==" else None if sign == "!=" else (later, earlier)


def _check_values(path: str, sign: str, values: tuple[str, ...]) -> None:
    if sign in ORDERINGS and len(values) > 1:
        raise invalid("1443-400", f"The operator '{sign}' does not take several values.")
    if sign in ORDERINGS and _IDENTIFIER.fullmatch(path):
        raise invalid("1448-400", f"The operator '{sign}' is not supported for the field '{path[:100]}'.")
    if path in (CREATED, _UPDATED) and not (len(values) == 1 and re.fullmatch(r"-?[0-9]{1,18}", values[0])):
        shown = ",".join(values)[:80]
        raise invalid(
            "1452-400", f"The value '{shown}' is not valid for '{path}': it takes one number of milliseconds."
        )


def _values(text: str) -> Iterator[str]:
    """Yield the values of a filter, separated by commas outside quotes; an unclosed quote is an ordinary character."""
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
