"""An ordered collection of resources: constant-time pages and look-ups, whatever its size.

What is true and what lists show can differ for a while: a :class:`Lag` hides what was just made and keeps showing what
was just removed, as the platform's indexes do when they fall behind. Reads by id can fall behind too.
"""

from __future__ import annotations

import math
import secrets
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from airflow_provider_payments.emulator.core.clock import Clock

Entry = tuple[str, str]
# Every item has this entry: what stands under it is the whole list.
_ALL: Entry = ("", "")


class Numbered(Protocol):
    """What a :class:`Store` needs of its items.

    :param number: set by the store.
    """

    id: str
    number: int


Item = TypeVar("Item", bound=Numbered)


class Lag:
    """How far lists and reads by id are behind what is written now.

    :param clock: whose seconds are meant.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        # Each set for the time of one request; 0 when its writes show at once.
        self.list_seconds = 0.0
        self.read_seconds = 0.0


@dataclass(frozen=True, slots=True)
class Selection(Generic[Item]):
    """Some of what lists show at a moment, in the order of creation.

    :param items: of the whole store, by number.
    :param numbers: ascending; those from ``begin`` to before ``end`` are selected.
    :param unlisted: numbers that lists do not know yet.
    """

    items: Sequence[Item | None]
    numbers: Sequence[int]
    begin: int
    end: int
    unlisted: Collection[int]

    def __len__(self) -> int:
        return self.end - self.begin - sum(map(self._covers, self.unlisted))

    def _covers(self, number: int) -> bool:
        place = bisect_left(self.numbers, number, self.begin, self.end)
        return place < self.end and self.numbers[place] == number

    def behind(self, number: int | None, *, backwards: bool = False) -> Iterator[Item]:
        """The selected items that come after one.

        :param number: of an item that need not exist any more; None for all of them.
        :param backwards: newest first.
        """
        begin, end = self.begin, self.end
        if number is not None and backwards:
            end = bisect_left(self.numbers, number, begin, end)
        elif number is not None:
            begin = bisect_right(self.numbers, number, begin, end)
        places = range(end - 1, begin - 1, -1) if backwards else range(begin, end)
        found = filter(None, map(self.items.__getitem__, map(self.numbers.__getitem__, places)))
        if not self.unlisted:
            return found
        return (item for item in found if item.number not in self.unlisted)


class Store(Generic[Item]):
    """Items in the order of their creation.

    An item's number is its place in that order and never given twice, so a page can begin behind any number even when
    the item that had it is gone.

    :param keys: names under which items are found fast, each with the function that reads the item's values for it.
    :param lag: how far lists are behind; None where they never are.
    :param moment: when an item was made.
    """

    def __init__(
        self,
        keys: Mapping[str, Callable[[Item], Iterable[str]]] | None = None,
        lag: Lag | None = None,
        moment: Callable[[Item], int] = lambda item: 0,
    ) -> None:
        # What signs the positions that this store's lists give out, and no other's.
        self.secret = secrets.token_bytes(16)
        # Whether nothing was added that is older than what was there: only then can lists be cut by moments.
        self.orderly = True
        self._keys = dict(keys or {})
        self._lag = lag
        self._moment = moment
        self._by_id: dict[str, Item] = {}
        # What lists still show stays in the order and in the index, though it is not among the ids any more.
        self._order: list[Item | None] = []
        self._moments = array("q")
        self._index: dict[Entry, list[int]] = {_ALL: []}
        self._entries: dict[int, tuple[Entry, ...]] = {}
        # By number, until when lists hide what was made and show what was removed; without end for what is hidden.
        self._unlisted: dict[int, float] = {}
        self._ghosts: dict[int, float] = {}
        # By id, until when a read does not find it.
        self._unread: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Item]:
        return (item for item in self._order if item is not None and item.number not in self._ghosts)

    def get(self, identifier: str) -> Item | None:
        """An item, or None."""
        return self._by_id.get(identifier)

    def read(self, identifier: str) -> Item | None:
        """An item as a request finds it that names its id, or refers to it: None where reads are behind."""
        if self._lag is not None and self._unread.get(identifier, 0.0) > self._lag.clock.now():
            return None
        return self._by_id.get(identifier)

    def find(self, key: str, values: Iterable[str]) -> list[Item]:
        """Items by one of the keys, in order."""
        items = (self._order[number] for number in self._numbers(key, values))
        return [item for item in items if item is not None and item.number not in self._ghosts]

    def add(self, item: Item) -> Item:
        """Append an item; it gets its number."""
        item.number = len(self._order)
        self._order.append(item)
        moment = self._moment(item)
        self.orderly = self.orderly and moment >= (self._moments[-1] if self._moments else moment)
        self._moments.append(moment)
        self._by_id[item.id] = item
        self._enter(item)
        if (until := self._behind_until()) is not None:
            self._unlisted[item.number] = until
        if self._lag is not None and self._lag.read_seconds > 0:
            self._unread[item.id] = self._lag.clock.now() + self._lag.read_seconds
        return item

    def changed(self, item: Item) -> None:
        """Call after a write that may have touched one of the keys."""
        self._leave(item.number)
        self._enter(item)

    def remove(self, item: Item) -> None:
        """Take an item out; its number stays used."""
        self._catch_up()
        del self._by_id[item.id]
        self._unread.pop(item.id, None)
        until = self._behind_until()
        if until is None or self._unlisted.pop(item.number, None) is not None:
            self._forget(item.number)
        else:
            self._ghosts[item.number] = until

    def hide(self, item: Item) -> None:
        """Keep an item from lists and from reads until :meth:`show`, as if it was not there; it stays what it is."""
        self._unlisted[item.number] = self._unread[item.id] = math.inf

    def show(self, item: Item) -> None:
        """Let an item be seen again."""
        self._unlisted.pop(item.number, None)
        self._unread.pop(item.id, None)

    def is_hidden(self, identifier: str) -> bool:
        return self._unread.get(identifier) == math.inf

    @property
    def hidden(self) -> list[Item]:
        """What :meth:`hide` hides."""
        return [self._by_id[identifier] for identifier in self._unread if self.is_hidden(identifier)]

    @property
    def keys(self) -> Collection[str]:
        """The names under which :meth:`select` finds items at once."""
        return ("id", *self._keys)

    def select(
        self, key: str = "", values: Iterable[str] = (), since: float | None = None, until: float | None = None
    ) -> Selection[Item]:
        """What lists show: everything, or what has one of the values under a key.

        :param key: empty for everything.
        :param since: the earliest moment, as ``until`` is the latest; only where the store is :attr:`orderly`.
        """
        self._catch_up()
        numbers = self._numbers(key, values) if key else self._index[_ALL]
        begin, end = 0, len(numbers)
        if since is not None:
            begin = bisect_left(numbers, bisect_left(self._moments, since))
        if until is not None:
            end = max(begin, bisect_left(numbers, bisect_right(self._moments, until)))
        return Selection(self._order, numbers, begin, end, self._unlisted.keys())

    def _numbers(self, key: str, values: Iterable[str]) -> Sequence[int]:
        wanted = frozenset(values)
        if key == "id":
            known = [item.number for value in wanted if (item := self._by_id.get(value)) is not None]
            gone = [number for number in self._ghosts if (item := self._order[number]) and item.id in wanted]
            return sorted(known + gone)
        found = [self._index.get((key, value), ()) for value in wanted]
        return found[0] if len(found) == 1 else sorted({number for numbers in found for number in numbers})

    def _behind_until(self) -> float | None:
        if self._lag is None or self._lag.list_seconds <= 0:
            return None
        return self._lag.clock.now() + self._lag.list_seconds

    def _catch_up(self) -> None:
        if self._lag is None or not (self._unlisted or self._ghosts):
            return
        now = self._lag.clock.now()
        self._unlisted = {number: until for number, until in self._unlisted.items() if until > now}
        for number in [number for number, until in self._ghosts.items() if until <= now]:
            del self._ghosts[number]
            self._forget(number)

    def _forget(self, number: int) -> None:
        self._leave(number)
        self._order[number] = None

    def _enter(self, item: Item) -> None:
        found = {(key, value) for key, read in self._keys.items() for value in read(item)}
        entries = (_ALL, *found)
        for entry in entries:
            insort(self._index.setdefault(entry, []), item.number)
        self._entries[item.number] = entries

    def _leave(self, number: int) -> None:
        for entry in self._entries.pop(number):
            numbers = self._index[entry]
            del numbers[bisect_left(numbers, number)]
            if not numbers and entry != _ALL:
                del self._index[entry]
