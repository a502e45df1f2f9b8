"""Lists of Catalog: filters, order, pages, and the members that answers contain.

Filters have wildcards: ``*`` is any text, ``**`` a literal star. Simple filters are parameters named after a member: in
them ``,`` means or, and a leading ``!`` means not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, TypeVar

from airflow_provider_payments.emulator.catalog.refusals import bad_request
from airflow_provider_payments.emulator.catalog.state import Catalog
from airflow_provider_payments.emulator.core import query
from airflow_provider_payments.emulator.core.behaviour import REFUSED, PageLimit
from airflow_provider_payments.emulator.core.call import Answer, Call
from airflow_provider_payments.emulator.core.comparisons import Check, as_text, compared_to, matching, version_sort_key
from airflow_provider_payments.emulator.core.parsing import parse_count
from airflow_provider_payments.emulator.core.query import Filter, Order, Steps, Wire
from airflow_provider_payments.emulator.core.questions import ALWAYS_HONOURED, Policy, name_filter_kinds
from airflow_provider_payments.emulator.core.refusals import PlainRefusal
from airflow_provider_payments.emulator.core.store import Numbered

#: Maximum page size if observable schemas, the largest part of an object, are requested.
MAX_OBSERVABLE_SCHEMAS = 20
#: The kind of question that each parameter of all lists is, for :class:`Policy`.
_PARAMETERS = {
    **dict.fromkeys(("limit", "properties", "property", "tags", "dataSetId", "datasetId"), ALWAYS_HONOURED),
    **dict.fromkeys(("orderBy", "sort"), "order"),
    "start": "start",
}
_FILTER_KINDS = name_filter_kinds("name")
_MEMBER = r"[A-Za-z_$@][^\s,:=!<>~]*"
_ORDER = re.compile(rf"(?:(asc|desc):)?({_MEMBER})")
_CONDITION = re.compile(r"(!)?([A-Za-z_$@][^\s=!<>~]*)(?:(==|!=|<=|>=|<|>|~)(.*))?", re.DOTALL)

Item = TypeVar("Item", bound=Numbered)


@dataclass(frozen=True, slots=True)
class Listing(query.Listing[Item]):
    """The objects of a list, and their filters.

    :param simple: the members that have a simple filter.
    :param ranges: parameters that are a lower (``>``) or upper (``<``) bound of a member.
    """

    simple: Collection[str] = ()
    ranges: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def answer(call: Call[Catalog], listing: Listing[Item]) -> Answer:
    """Answer with the requested objects by id."""
    policy = Policy("catalog", call.state.sandbox.runtime_options.questions, _refused)
    call = policy.without_ignored_parameters(
        call, {**dict.fromkeys((*listing.simple, *listing.ranges), ALWAYS_HONOURED), **_PARAMETERS}
    )
    observable = any(path[0] == "observableSchema" for path in _properties(call) or ())
    limits = call.state.sandbox.runtime_options.page_limits["catalog"]
    if observable:
        limits = PageLimit(limits.default, min(limits.maximum, MAX_OBSERVABLE_SCHEMAS), REFUSED)
    limit = call.page_limit(limits, bad_request, 1)
    start = call.whole_number("start", bad_request, 0, maximum=10**9)
    orders = _orders(call.parameter("orderBy") or call.parameter("sort") or "")
    filters = list(policy.effective_filters(_requested_filters(call, listing), _FILTER_KINDS))
    found = islice(query.items(listing, filters, orders), start, start + limit)
    return Answer({item.id: cut(call, listing.wire(item)) for item in found})


def _refused(question: str, name: str) -> PlainRefusal:
    return bad_request(f"'{name[:100]}' is not supported for these lists.")


def unique_values(call: Call[Catalog], listing: Listing[Item], member: str) -> Answer:
    """Answer with the distinct single values of a member in the objects that match the request's filters."""
    values = chain.from_iterable(map(listing.values(member), query.items(listing, _requested_filters(call, listing))))
    return Answer(list(dict.fromkeys(text for value in values if (text := as_text(value)) is not None)))


def _requested_filters(call: Call[Catalog], listing: Listing[Item]) -> list[Filter]:
    return [one for name, text in call.query for one in _filters(listing, name, text)]


def cut(call: Call[Catalog], wire: Wire) -> Wire:
    """Return an object reduced to the members, at any depth, that a request names."""
    paths = _properties(call)
    return wire if paths is None else _cut(wire, paths)


def _properties(call: Call[Catalog]) -> list[Steps] | None:
    """Return the paths of the requested members; None for the whole object."""
    text = call.parameter("properties")
    return [path for path in (query.steps(part.strip()) for part in text.split(",")) if path] if text else None


def _cut(node: Any, paths: Collection[Steps]) -> Any:
    if isinstance(node, list):
        return [_cut(entry, paths) for entry in node]
    if () in paths or not isinstance(node, Mapping):
        return node
    below: dict[str, list[Steps]] = {}
    for first, *rest in paths:
        below.setdefault(first, []).append(tuple(rest))
    return {name: _cut(node[name], below[name]) for name in below if name in node}


def _filters(listing: Listing[Item], name: str, text: str) -> Iterator[Filter]:
    """Yield the filters of one parameter."""
    if name in listing.simple:
        inverted, choices = text.startswith("!"), text.removeprefix("!").split(",")
        plain = () if inverted or "*" in text else choices
        yield Filter(name, _like_one_of(choices), not inverted, plain)
    elif name == "tags":
        for expected in text.split(","):
            key, colon, value = expected.partition(":")
            yield Filter(f"tags.{key}", _like_one_of(value.split(",")) if colon else _is_present)
    elif name == "property":
        yield _condition(text)
    elif name in listing.ranges:
        if parse_count(text) is None:
            raise bad_request(f"'{name}' must be a time in milliseconds.")
        member, sign = listing.ranges[name]
        yield Filter(member, compared_to(sign, text))


def _condition(expression: str) -> Filter:
    """Return the filter of a ``property`` parameter.

    :param expression: such as ``name==a*``, ``version>1.0.3``, ``name~^a``, ``schemaRef.id==...``, ``description`` or
        ``!description``.
    """
    match = _CONDITION.fullmatch(expression)
    if match is None or (match[1] and match[3]):
        raise bad_request(f"The property filter '{expression[:100]}' cannot be understood.")
    absent, member, sign, expected = match.groups()
    match sign:
        case None:
            return Filter(member, _is_present, not absent)
        case "==" | "!=":
            plain = (expected,) if sign == "==" and "*" not in expected else ()
            return Filter(member, _like_one_of([expected]), sign == "==", plain)
        case "~":
            return Filter(member, matching(expected, bad_request))
    return Filter(member, compared_to(sign, expected, version_sort_key))


def _is_present(value: Any) -> bool:
    return value not in (None, "")


def _like_one_of(choices: Collection[str]) -> Check:
    fits = re.compile("|".join(map(_expression, choices)), re.DOTALL).fullmatch

    def passes(value: Any) -> bool:
        text = as_text(value)
        return text is not None and fits(text) is not None

    return passes


def _expression(expected: str) -> str:
    """Return the regular expression of a text with wildcards."""
    first, *others = (re.escape(part.replace("\0", "*")) for part in expected.replace("**", "\0").split("*"))
    if not others:
        return first
    # An atomic group keeps its first match: matching takes linear time, regardless of the number of stars.
    return first + "".join(f"(?>.*?{part})" for part in others[:-1]) + f".*{others[-1]}"


def _orders(text: str) -> list[Order]:
    orders = []
    for part in text.split(",") if text else ():
        match = _ORDER.fullmatch(part.strip())
        if match is None:
            raise bad_request(f"'orderBy' is written field, asc:field or desc:field, not '{part[:60]}'.")
        orders.append(Order(match[2], match[1] == "desc"))
    return orders
