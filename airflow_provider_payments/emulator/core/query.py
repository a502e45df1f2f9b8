"""
Filtering, sorting and paging for the lists of all services.

Each service's listing module translates the service's own syntax to these filters and orders; the parameters, the
operators, the refusals and the form of a page belong to that module.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from airflow_provider_payments.emulator.core.comparisons import Check, SortKey, as_text, sort_key
from airflow_provider_payments.emulator.core.store import Numbered, Selection, Store

Item = TypeVar("Item", bound=Numbered)
Wire = Mapping[str, Any]
Steps = tuple[str, ...]
Span = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """A list of items, and how paths are read from them.

    :param wire: builds the wire object of an item, which paths lead into.
    :param readers: by path, a function that reads the value directly from an item, without building its wire object;
        it returns None for no value. They make filters over 100,000 items fast: common paths belong here.
    :param keys: by path, the name of the key in the store's index.
    :param created_path: the path of the time at which an item was created.
    :param explicit_arrays: whether a path enters arrays by ``[]`` only, not implicitly.
    """

    store: Store[Item]
    wire: Callable[[Item], Wire]
    readers: Mapping[str, Callable[[Item], Any]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    created_path: str = ""
    explicit_arrays: bool = False

    def single(self, path: str) -> Callable[[Item], Any] | None:
        """Return the reader of a path that has one value at most; None if the path may have several values."""
        return self.readers.get(path) if self.explicit_arrays else None

    def values(self, path: str) -> Callable[[Item], Iterable[Any]]:
        """Return a function that reads all values of an item at a path; null does not count as a value."""
        known = (key for key in self.readers if path == key or path.startswith((f"{key}.", f"{key}[]")))
        head = max(known, key=len, default="")
        read, rest, explicit_arrays = self.readers.get(head, self.wire), steps(path[len(head) :]), self.explicit_arrays
        # The walk is skipped for None, because most items often have no value at the path.
        return lambda item: () if (node := read(item)) is None else walk(node, rest, explicit_arrays)

    def first(self, path: str) -> Callable[[Item], Any]:
        """Return a function that reads the sort value of an item: the first plain value at a path, or None."""
        values = self.values(path)
        return self.single(path) or (
            lambda item: next((value for value in values(item) if as_text(value) is not None), None)
        )


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on the values at a path.

    :param fits: whether a single value meets the condition.
    :param must_fit: True if at least one value must meet the condition, False if no value may meet it.
    :param equals: the texts of which the path must hold one, if that is the whole condition: an index can answer it.
    :param span: the earliest and the latest creation time that pass, if the condition is about the creation time.
    """

    path: str
    fits: Check
    must_fit: bool = True
    equals: Collection[str] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A sort order.

    :param absent_last: whether items without a value come last in either direction, rather than before all values.
    """

    path: str
    descending: bool = False
    absent_last: bool = False

    def key(self, value: Any) -> SortKey:
        """Return the sort key of an item with this value at the path."""
        place = sort_key(value)
        return (3,) if place == (0,) and self.absent_last and not self.descending else place


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a list with one order at most.

    :param number: the number of the item at the position; items with an equal sort key follow by their numbers.
    :param key: the sort key of that item; empty in the order of creation.
    """

    number: float
    key: SortKey


def items(
    listing: Listing[Item], filters: Sequence[Filter], orders: Sequence[Order] = (), after: Position | None = None
) -> Iterator[Item]:
    """Return the items that pass all filters. Items with equal sort keys stay in the order of creation.

    An order by creation time is total: among items of the same time, the one with the higher number is newer.

    :param after: the position after which the items begin; None for all items.
    """
    selection, rest = _select(listing, filters)
    if not orders or (listing.store.chronological and [order.path for order in orders] == [listing.created_path]):
        newest_first = any(order.descending for order in orders)
        number = None if after is None else int(after.number)
        return _filtered(listing, selection.after(number, newest_first=newest_first), rest)
    found = list(_filtered(listing, selection.after(None), rest))
    for order in reversed(orders):
        found.sort(key=_sort_key_of(listing, order), reverse=order.descending)
    return iter(found) if after is None else _items_after(found, after, orders[0], _sort_key_of(listing, orders[0]))


def count(listing: Listing[Item], filters: Sequence[Filter]) -> int:
    """Return the number of items that pass all filters."""
    selection, rest = _select(listing, filters)
    return sum(1 for _ in _filtered(listing, selection.after(None), rest)) if rest else len(selection)


def position(listing: Listing[Item], item: Item, orders: Sequence[Order]) -> Position:
    """Return the position of an item."""
    return Position(item.number, _sort_key_of(listing, orders[0])(item) if orders else ())


def steps(path: str) -> Steps:
    """Return the steps of a path; the step ``[]`` leads into each entry of an array."""
    return tuple(step for step in path.replace("[]", ".[]").split(".") if step)


def walk(node: Any, path: Steps, explicit_arrays: bool) -> Iterator[Any]:
    """Yield the values at a path below a node: several if the path leads through an array, none if it leads nowhere.

    :param explicit_arrays: see :class:`Listing`.
    """
    enters = path[:1] == ("[]",)
    if isinstance(node, list | tuple) and (enters or not explicit_arrays):
        for entry in node:
            yield from walk(entry, path[enters:], explicit_arrays)
    elif not path:
        yield node
    elif isinstance(node, Mapping):
        # Names that clients choose, such as those of tags, may contain dots.
        if (whole := ".".join(path)) in node:
            yield from walk(node[whole], (), explicit_arrays)
        elif path[0] in node:
            yield from walk(node[path[0]], path[1:], explicit_arrays)


def _select(listing: Listing[Item], filters: Sequence[Filter]) -> tuple[Selection[Item], list[Filter]]:
    """Return the selection that the store's index allows, and the filters that remain to be tested on each item."""
    store = listing.store
    spans = [one.span for one in filters if one.span and store.chronological]
    since = max((begin for begin, _ in spans if begin is not None), default=None)
    until = min((end for _, end in spans if end is not None), default=None)
    rest = [one for one in filters if one.span not in spans]
    found = [
        (one, store.select(listing.keys[one.path], one.equals, since, until))
        for one in rest
        if one.equals and one.path in listing.keys
    ]
    if not found:
        return store.select(since=since, until=until), rest
    narrowest, selection = min(found, key=lambda pair: len(pair[1]))
    return selection, [one for one in rest if one is not narrowest]


def _filtered(listing: Listing[Item], found: Iterator[Item], filters: Sequence[Filter]) -> Iterator[Item]:
    for one in filters:
        found = filter(_predicate(listing, one), found)
    return found


def _predicate(listing: Listing[Item], one: Filter) -> Callable[[Item], bool]:
    read, values, fits, must_fit = listing.single(one.path), listing.values(one.path), one.fits, one.must_fit
    if read is None:
        return lambda item: any(map(fits, values(item))) is must_fit
    # Called for up to 100,000 items in one request: kept short for speed.
    return lambda item: ((value := read(item)) is not None and fits(value)) is must_fit


def _sort_key_of(listing: Listing[Item], order: Order) -> Callable[[Item], SortKey]:
    value = listing.first(order.path)
    if order.path == listing.created_path:
        return lambda item: (*order.key(value(item)), item.number)
    return lambda item: order.key(value(item))


def _items_after(
    found: Sequence[Item], after: Position, order: Order, key_of: Callable[[Item], SortKey]
) -> Iterator[Item]:
    def comes_later(item: Item) -> bool:
        key = key_of(item)
        return item.number > after.number if key == after.key else (key < after.key) is order.descending

    return filter(comes_later, found)
