"""
Filtering, sorting and paging for the lists of all services.

Each service's listing module translates its own syntax to these filters and orders; it knows the parameters, the
operators, the refusals and the form of a page.
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
    """What can be listed.

    :param wire: makes the object that paths lead into.
    :param readers: by path, what reads a value directly from an item, without its whole wire object; None for no value.
        Paths that are often filtered by belong here: it makes filters over 100,000 items fast.
    :param keys: by path, the key of the store's index.
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
        """The reader of a path with one value at most; None if there may be several."""
        return self.readers.get(path) if self.explicit_arrays else None

    def values(self, path: str) -> Callable[[Item], Iterable[Any]]:
        """A function that reads all values of an item at a path; null is no value."""
        known = (key for key in self.readers if path == key or path.startswith((f"{key}.", f"{key}[]")))
        head = max(known, key=len, default="")
        read, rest, explicit_arrays = self.readers.get(head, self.wire), steps(path[len(head) :]), self.explicit_arrays
        # Often most items have no value there.
        return lambda item: () if (node := read(item)) is None else walk(node, rest, explicit_arrays)

    def first(self, path: str) -> Callable[[Item], Any]:
        """A function that reads the first plain value at a path, by which items are sorted; None for no value."""
        values = self.values(path)
        return self.single(path) or (
            lambda item: next((value for value in values(item) if as_text(value) is not None), None)
        )


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on the values at a path.

    :param fits: whether one value meets it.
    :param wanted: whether at least one value must meet it, or none may.
    :param equals: the texts of which one must be there, if that is the whole condition: an index can answer it.
    :param span: the earliest and the latest creation time that pass, if the condition is about that.
    """

    path: str
    fits: Check
    wanted: bool = True
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
        """The sort key of an item with this value at the path."""
        place = sort_key(value)
        return (3,) if place == (0,) and self.absent_last and not self.descending else place


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a list with one order at most.

    :param number: of the item there; items with an equal sort key follow in the order of their numbers.
    :param key: the sort key; empty in the order of creation.
    """

    number: float
    key: SortKey


def items(
    listing: Listing[Item], filters: Sequence[Filter], orders: Sequence[Order] = (), after: Position | None = None
) -> Iterator[Item]:
    """The items that pass all filters. Items with equal sort keys stay in the order of creation.

    An order by creation time is total: of the same time, the item with the higher number is newer.

    :param after: only items after this position.
    """
    selection, rest = _select(listing, filters)
    if not orders or (listing.store.chronological and [order.path for order in orders] == [listing.created_path]):
        newest_first = any(order.descending for order in orders)
        number = None if after is None else int(after.number)
        return _passing(listing, selection.after(number, newest_first=newest_first), rest)
    found = list(_passing(listing, selection.after(None), rest))
    for order in reversed(orders):
        found.sort(key=_sorting(listing, order), reverse=order.descending)
    return iter(found) if after is None else _behind(found, after, orders[0], _sorting(listing, orders[0]))


def count(listing: Listing[Item], filters: Sequence[Filter]) -> int:
    """How many items pass all filters."""
    selection, rest = _select(listing, filters)
    return sum(1 for _ in _passing(listing, selection.after(None), rest)) if rest else len(selection)


def position(listing: Listing[Item], item: Item, orders: Sequence[Order]) -> Position:
    """The position of an item."""
    return Position(item.number, _sorting(listing, orders[0])(item) if orders else ())


def steps(path: str) -> Steps:
    """The steps of a path; ``[]`` is a step into each entry of an array."""
    return tuple(step for step in path.replace("[]", ".[]").split(".") if step)


def walk(node: Any, path: Steps, explicit_arrays: bool) -> Iterator[Any]:
    """The values at a path below a node: several where it leads through an array, none where it leads nowhere.

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
    """What the store's index can select, and the filters that remain for each item."""
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


def _passing(listing: Listing[Item], found: Iterator[Item], filters: Sequence[Filter]) -> Iterator[Item]:
    for one in filters:
        found = filter(_test(listing, one), found)
    return found


def _test(listing: Listing[Item], one: Filter) -> Callable[[Item], bool]:
    read, values, fits, wanted = listing.single(one.path), listing.values(one.path), one.fits, one.wanted
    if read is None:
        return lambda item: any(map(fits, values(item))) is wanted
    # Called for up to 100,000 items in one request: kept short for speed.
    return lambda item: ((value := read(item)) is not None and fits(value)) is wanted


def _sorting(listing: Listing[Item], order: Order) -> Callable[[Item], SortKey]:
    value = listing.first(order.path)
    if order.path == listing.created_path:
        return lambda item: (*order.key(value(item)), item.number)
    return lambda item: order.key(value(item))


def _behind(found: Sequence[Item], after: Position, order: Order, key_of: Callable[[Item], SortKey]) -> Iterator[Item]:
    def comes_later(item: Item) -> bool:
        key = key_of(item)
        return item.number > after.number if key == after.key else (key < after.key) is order.descending

    return filter(comes_later, found)
