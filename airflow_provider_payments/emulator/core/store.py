"""An ordered collection of resources, whose pages and lookups do not scan all items.

A store can be eventually consistent, as the platform's indexes are: with a :class:`Lag`, lists do not show a recently
created resource yet and still show a recently removed one. Reads by id can lag too.
"""

from __future__ import annotations

import math
import secrets
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from airflow_provider_payments.emulator.core.behaviour import NO_LAG, LagSeconds
from airflow_provider_payments.emulator.core.clock import Clock
from airflow_provider_payments.emulator.core.options import RuntimeOptions

IndexKey = tuple[str, str]
# The index entry of this key holds all items.
_ALL: IndexKey = ("", "")


class Numbered(Protocol):
    """The attributes that a :class:`Store` requires of its items.

    :param number: set by the store.
    """

    id: str
    number: int


Item = TypeVar("Item", bound=Numbered)


class Lag:
    """How long lists and reads by id lag behind writes.

    :param clock: the clock that measures the lags.
    :param options: the options with the lags of each kind of object.
    """

    def __init__(self, clock: Clock, options: RuntimeOptions) -> None:
        self.clock = clock
        self._options = options
        # Set by a fault for the duration of one request; it takes precedence over the lags of all kinds.
        self.of_request: LagSeconds | None = None

    def of(self, kind: str) -> LagSeconds:
        """Return the lag behind a write to an object of a kind."""
        return self.of_request or self._options.lags.get(kind, NO_LAG)


@dataclass(frozen=True, slots=True)
class Selection(Generic[Item]):
    """The items that a list shows at one point in time, in the order of creation.

    :param items: all items of the store, by number.
    :param numbers: ascending numbers of items; the range from ``begin`` to ``end`` (exclusive) is selected.
    :param unlisted: the numbers of items that lists do not show yet.
    """

    items: Sequence[Item | None]
    numbers: Sequence[int]
    begin: int
    end: int
    unlisted: Collection[int]

    def __len__(self) -> int:
        return self.end - self.begin - sum(map(self._covers, self.unlisted))

    def _covers(self, number: int) -> bool:
        index = bisect_left(self.numbers, number, self.begin, self.end)
        return index < self.end and self.numbers[index] == number

    def after(self, number: int | None, *, newest_first: bool = False) -> Iterator[Item]:
        """Return the selected items that come after a given item.

        :param number: the number of the given item, which may have been removed; None for all selected items.
        :param newest_first: whether the order is reversed.
        """
        begin, end = self.begin, self.end
        if number is not None and newest_first:
            end = bisect_left(self.numbers, number, begin, end)
        elif number is not None:
            begin = bisect_right(self.numbers, number, begin, end)
        indexes = range(end - 1, begin - 1, -1) if newest_first else range(begin, end)
        found = filter(None, map(self.items.__getitem__, map(self.numbers.__getitem__, indexes)))
        if not self.unlisted:
            return found
        return (item for item in found if item.number not in self.unlisted)


class Store(Generic[Item]):
    """Items in the order of their creation.

    An item's number is its place in that order and is never reused, so a page can begin after any number even when the
    item with that number has been removed.

    :param keys: the keys of the index, each with the function that reads an item's values for the key.
    :param lag: how far lists and reads lag behind writes; None for no lag.
    :param creation_time: reads an item's time of creation.
    :param kind: reads an item's kind, which selects its lag.
    """

    def __init__(
        self,
        keys: Mapping[str, Callable[[Item], Iterable[str]]] | None = None,
        lag: Lag | None = None,
        creation_time: Callable[[Item], int] = lambda item: 0,
        kind: Callable[[Item], str] = lambda item: "",
    ) -> None:
        # Signs the continuation tokens of this store's lists.
        self.secret = secrets.token_bytes(16)
        # Whether items were added in the order of their creation times: only then can the order select a time range.
        self.chronological = True
        self._keys = dict(keys or {})
        self._lag = lag
        self._creation_time = creation_time
        self._kind = kind
        self._by_id: dict[str, Item] = {}
        # Removed items that lists still show stay in the order and in the index, but not among the ids.
        self._order: list[Item | None] = []
        self._creation_times = array("q")
        self._index: dict[IndexKey, list[int]] = {_ALL: []}
        self._entries: dict[int, tuple[IndexKey, ...]] = {}
        # Number of a created item -> the time until which lists do not show it; infinite if it is hidden.
        self._unlisted: dict[int, float] = {}
        # Number of a removed item -> the time until which lists still show it.
        self._still_listed: dict[int, float] = {}
        # Id of a created item -> the time until which a read does not find it; infinite if it is hidden.
        self._unreadable: dict[str, float] = {}
        # Id of a removed item -> the time until which a read still finds it, and the item.
        self._still_readable: dict[str, tuple[float, Item]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Item]:
        return (item for item in self._order if item is not None and item.number not in self._still_listed)

    def get(self, identifier: str) -> Item | None:
        """Return the item with an id, regardless of lags; None if there is none."""
        return self._by_id.get(identifier)

    def read(self, identifier: str, *, removed: bool = False) -> Item | None:
        """Return the item that a request by id, or a reference, finds: None while reads lag behind its creation.

        :param removed: whether to find a removed item while reads lag behind its removal; true only for requests that
            return the object.
        """
        if self._unreadable.get(identifier, 0.0) > self._now():
            return None
        found = self._by_id.get(identifier)
        if found is None and removed:
            until, gone = self._still_readable.get(identifier, (0.0, None))
            return gone if until > self._now() else None
        return found

    def find(self, key: str, values: Iterable[str]) -> list[Item]:
        """Return the items with one of the values of a key, in order and regardless of lags."""
        items = (self._order[number] for number in self._numbers(key, values))
        return [item for item in items if item is not None and item.number not in self._still_listed]

    def add(self, item: Item) -> Item:
        """Append an item and set its number."""
        item.number = len(self._order)
        self._order.append(item)
        created, times = self._creation_time(item), self._creation_times
        self.chronological = self.chronological and created >= (times[-1] if times else created)
        times.append(created)
        self._by_id[item.id] = item
        self._add_to_index(item)
        lag = self._lag_of(item)
        if lag.listed > 0:
            self._unlisted[item.number] = self._now() + lag.listed
        if lag.readable > 0:
            self._unreadable[item.id] = self._now() + lag.readable
        return item

    def reindex(self, item: Item) -> None:
        """Update the index after a write that may have changed the values of an item's keys."""
        self._remove_from_index(item.number)
        self._add_to_index(item)

    def remove(self, item: Item) -> None:
        """Remove an item; its number is not reused."""
        self._apply_elapsed_lags()
        lag, now = self._lag_of(item), self._now()
        if lag.gone_by_id > 0:
            self._still_readable[item.id] = (now + lag.gone_by_id, item)
        del self._by_id[item.id]
        self._unreadable.pop(item.id, None)
        was_listed = self._unlisted.pop(item.number, None) is None
        if lag.gone > 0 and was_listed:
            self._still_listed[item.number] = now + lag.gone
        else:
            self._forget(item.number)

    def hide(self, item: Item) -> None:
        """Keep an item out of lists and reads until :meth:`show`; the item itself is not changed."""
        self._unlisted[item.number] = self._unreadable[item.id] = math.inf

    def show(self, item: Item) -> None:
        """Undo :meth:`hide`."""
        self._unlisted.pop(item.number, None)
        self._unreadable.pop(item.id, None)

    def is_hidden(self, identifier: str) -> bool:
        return self._unreadable.get(identifier) == math.inf

    @property
    def hidden(self) -> list[Item]:
        """The items that :meth:`hide` hides."""
        return [self._by_id[identifier] for identifier in self._unreadable if self.is_hidden(identifier)]

    @property
    def keys(self) -> Collection[str]:
        """The keys that :meth:`select` accepts."""
        return ("id", *self._keys)

    def select(
        self, key: str = "", values: Iterable[str] = (), since: float | None = None, until: float | None = None
    ) -> Selection[Item]:
        """Return the items that lists show: all, or those with one of the values of a key.

        :param key: empty for all items.
        :param since: the earliest creation time; only if the store is :attr:`chronological`.
        :param until: the latest creation time; only if the store is :attr:`chronological`.
        """
        self._apply_elapsed_lags()
        numbers = self._numbers(key, values) if key else self._index[_ALL]
        begin, end = 0, len(numbers)
        if since is not None:
            begin = bisect_left(numbers, bisect_left(self._creation_times, since))
        if until is not None:
            end = max(begin, bisect_left(numbers, bisect_right(self._creation_times, until)))
        return Selection(self._order, numbers, begin, end, self._unlisted.keys())

    def _numbers(self, key: str, values: Iterable[str]) -> Sequence[int]:
        wanted = frozenset(values)
        if key == "id":
            known = [item.number for value in wanted if (item := self._by_id.get(value)) is not None]
            gone = [number for number in self._still_listed if (item := self._order[number]) and item.id in wanted]
            return sorted(known + gone)
        found = [self._index.get((key, value), ()) for value in wanted]
        return found[0] if len(found) == 1 else sorted({number for numbers in found for number in numbers})

    def _lag_of(self, item: Item) -> LagSeconds:
        return NO_LAG if self._lag is None else self._lag.of(self._kind(item))

    def _now(self) -> float:
        return 0.0 if self._lag is None else self._lag.clock.now()

    def _apply_elapsed_lags(self) -> None:
        now = self._now()
        if self._still_readable:
            self._still_readable = {key: gone for key, gone in self._still_readable.items() if gone[0] > now}
        if not (self._unlisted or self._still_listed):
            return
        self._unlisted = {number: until for number, until in self._unlisted.items() if until > now}
        for number in [number for number, until in self._still_listed.items() if until <= now]:
            del self._still_listed[number]
            self._forget(number)

    def _forget(self, number: int) -> None:
        self._remove_from_index(number)
        self._order[number] = None

    def _add_to_index(self, item: Item) -> None:
        found = {(key, value) for key, read in self._keys.items() for value in read(item)}
        entries = (_ALL, *found)
        for entry in entries:
            insort(self._index.setdefault(entry, []), item.number)
        self._entries[item.number] = entries

    def _remove_from_index(self, number: int) -> None:
        for entry in self._entries.pop(number):
            numbers = self._index[entry]
            del numbers[bisect_left(numbers, number)]
            if not numbers and entry != _ALL:
                del self._index[entry]
