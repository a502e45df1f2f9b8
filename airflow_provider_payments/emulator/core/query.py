"""
One query for all lists: which items of a store pass, and in which order.

A service's own syntax becomes these filters and orders in its *dialect*: a module of the service that knows the names
of parameters, the signs, what values mean, the refusals, and the form of a page.
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

    :param wire: the object that paths lead into.
    :param quick: by path, what reads a value off an item itself, without its whole object; None for no value. Whatever
        is asked for often belongs here: a list of a hundred thousand is looked through in a fraction of a second then.
    :param keys: by path, the key under which the store finds items at once.
    :param moment: the path of the moment at which an item was made.
    :param marked: whether a path enters arrays by ``[]`` only; otherwise it does so by itself too.
    """

    store: Store[Item]
    wire: Callable[[Item], Wire]
    quick: Mapping[str, Callable[[Item], Any]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    moment: str = ""
    marked: bool = False

    def single(self, path: str) -> Callable[[Item], Any] | None:
        """What reads the one value that there is at a path at most; None if there may be several."""
        return self.quick.get(path) if self.marked else None

    def values(self, path: str) -> Callable[[Item], Iterable[Any]]:
        """What reads all values of an item at a path; null is none."""
        known = (key for key in self.quick if path == key or path.startswith((f"{key}.", f"{key}[]")))
        head = max(known, key=len, default="")
        read, rest, marked = self.quick.get(head, self.wire), steps(path[len(head) :]), self.marked
        # Most of a hundred thousand items may have nothing there.
        return lambda item: () if (node := read(item)) is None else walk(node, rest, marked)

    def first(self, path: str) -> Callable[[Item], Any]:
        """What reads the first plain value at a path, None when an item has none: what sorts items."""
        values = self.values(path)
        return self.single(path) or (
            lambda item: next((value for value in values(item) if as_text(value) is not None), None)
        )


@dataclass(frozen=True, slots=True)
class Filter:
    """What items must have at a path.

    :param fits: asks it of one value.
    :param wanted: whether one of the values there must fit, or none may.
    :param equals: the texts one of which must stand there, if that is all it asks: what an index can answer.
    :param span: the earliest and the latest moment that pass, if the path is the list's own moment.
    """

    path: str
    fits: Check
    wanted: bool = True
    equals: Collection[str] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What items are sorted by.

    :param absent_last: whether items without a value come last in either direction, rather than before all values.
    """

    path: str
    descending: bool = False
    absent_last: bool = False

    def key(self, value: Any) -> SortKey:
        """What sorts an item that has a value at the path."""
        place = sort_key(value)
        return (3,) if place == (0,) and self.absent_last and not self.descending else place


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list of one order at most, whether or not there is an item.

    :param number: of the item; what sorts equally stands behind it when its number is higher.
    :param key: what sorts it; empty in the order of creation.
    """

    number: float
    key: SortKey


def items(
    listing: Listing[Item], filters: Sequence[Filter], orders: Sequence[Order] = (), after: Position | None = None
) -> Iterator[Item]:
    """The items that pass all filters. What sorts equally stays in the order of creation.

    In an order by the moment of creation nothing sorts equally: of one moment, what was made later is newer.

    :param after: only those behind a position.
    """
    selection, rest = _select(listing, filters)
    if not orders or (listing.store.orderly and [order.path for order in orders] == [listing.moment]):
        backwards = any(order.descending for order in orders)
        number = None if after is None else int(after.number)
        return _passing(listing, selection.behind(number, backwards=backwards), rest)
    found = list(_passing(listing, selection.behind(None), rest))
    for order in reversed(orders):
        found.sort(key=_sorting(listing, order), reverse=order.descending)
    return iter(found) if after is None else _behind(found, after, orders[0], _sorting(listing, orders[0]))


def count(listing: Listing[Item], filters: Sequence[Filter]) -> int:
    """How many items pass all filters."""
    selection, rest = _select(listing, filters)
    return sum(1 for _ in _passing(listing, selection.behind(None), rest)) if rest else len(selection)


def position(listing: Listing[Item], item: Item, orders: Sequence[Order]) -> Position:
    """Where an item stands."""
    return Position(item.number, _sorting(listing, orders[0])(item) if orders else ())


def steps(path: str) -> Steps:
    """The names that a path is made of; ``[]`` is a step into each entry of an array."""
    return tuple(step for step in path.replace("[]", ".[]").split(".") if step)


def walk(node: Any, path: Steps, marked: bool) -> Iterator[Any]:
    """What stands at a path below a node: several values where it leads through an array, none where it leads nowhere.

    :param marked: see :class:`Listing`.
    """
    enters = path[:1] == ("[]",)
    if isinstance(node, list | tuple) and (enters or not marked):
        for entry in node:
            yield from walk(entry, path[enters:], marked)
    elif not path:
        yield node
    elif isinstance(node, Mapping):
        # Names that clients choose, such as those of tags, may hold dots.
        if (whole := ".".join(path)) in node:
            yield from walk(node[whole], (), marked)
        elif path[0] in node:
            yield from walk(node[path[0]], path[1:], marked)


def _select(listing: Listing[Item], filters: Sequence[Filter]) -> tuple[Selection[Item], list[Filter]]:
    """What the store can narrow down by itself, and the filters that remain to be asked of each item."""
    store = listing.store
    spans = [one.span for one in filters if one.span and store.orderly]
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
    # This is asked of a hundred thousand items at once, so nothing is done that is not needed.
    return lambda item: ((value := read(item)) is not None and fits(value)) is wanted


def _sorting(listing: Listing[Item], order: Order) -> Callable[[Item], SortKey]:
    value = listing.first(order.path)
    if order.path == listing.moment:
        return lambda item: (*order.key(value(item)), item.number)
    return lambda item: order.key(value(item))


def _behind(found: Sequence[Item], after: Position, order: Order, key_of: Callable[[Item], SortKey]) -> Iterator[Item]:
    def comes_later(item: Item) -> bool:
        key = key_of(item)
        return item.number > after.number if key == after.key else (key < after.key) is order.descending

    return filter(comes_later, found)
