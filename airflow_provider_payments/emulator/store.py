"""An ordered collection of resources: constant-time pages and look-ups, whatever its size.

What is true and what lists show can differ for a while: a :class:`Lag` hides what was just made and keeps showing what
was just removed, as the platform's indexes do when they fall behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.clock import Clock


class Numbered(Protocol):
    """What a :class:`Store` needs to know of its items."""

    id: str
    number: int


Item = TypeVar("Item", bound=Numbered)


class Lag:
    """How far lists are behind what is written now.

    :param clock: whose seconds are meant.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        # Set for the time of one request; 0 when its writes show at once.
        self.seconds = 0.0


class Store(Generic[Item]):
    """Items in the order of their creation.

    An item's number is its place in that order and never given twice, so a page can begin behind any number even when
    the item that had it is gone.

    :param keys: names under which items are found fast, each with the function that reads the item's values for it.
    :param lag: how far lists are behind; None where they never are.
    """

    def __init__(
        self, keys: Mapping[str, Callable[[Item], Iterable[str]]] | None = None, lag: Lag | None = None
    ) -> None:
        self._keys = dict(keys or {})
        self._lag = lag
        # Until when lists do not show an item, by number; and what they still show, by number, until when.
        self._unlisted: dict[int, float] = {}
        self._ghosts: dict[int, tuple[Item, float]] = {}
        self._by_id: dict[str, Item] = {}
        self._order: list[Item | None] = []
        self._index: dict[tuple[str, str], dict[int, Item]] = {}
        self._entries: dict[str, list[tuple[str, str]]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Item]:
        return self.behind(-1)

    @property
    def next_number(self) -> int:
        return len(self._order)

    def get(self, identifier: str) -> Item | None:
        """An item, or None.

        :param identifier: an item's id.
        """
        return self._by_id.get(identifier)

    def add(self, item: Item) -> Item:
        """Append an item.

        :param item: numbered with :attr:`next_number`.
        """
        self._order.append(item)
        self._by_id[item.id] = item
        self._enter(item)
        if self._lag is not None and self._lag.seconds > 0:
            self._unlisted[item.number] = self._lag.clock.now() + self._lag.seconds
        return item

    def changed(self, item: Item) -> None:
        """Call after a write that may have touched one of the keys."""
        self._leave(item)
        self._enter(item)

    def remove(self, item: Item) -> None:
        """Take an item out; its number stays used.

        :param item: must be in the store.
        """
        self._leave(item)
        self._order[item.number] = None
        del self._by_id[item.id]
        if self._lag is not None and self._lag.seconds > 0 and not self._is_unlisted(item):
            self._ghosts[item.number] = (item, self._lag.clock.now() + self._lag.seconds)

    def listed(self, items: Iterable[Item]) -> list[Item]:
        """What a list shows of some items: without what it does not know yet, with what it takes to be there still.

        :param items: in order, from this store.
        """
        shown = [item for item in items if not self._is_unlisted(item)]
        ghosts = self._living_ghosts()
        return sorted((*shown, *ghosts), key=lambda item: item.number) if ghosts else shown

    def _is_unlisted(self, item: Item) -> bool:
        until = self._unlisted.get(item.number)
        if until is None or self._lag is None:
            return False
        if until > self._lag.clock.now():
            return True
        del self._unlisted[item.number]
        return False

    def _living_ghosts(self) -> list[Item]:
        if self._ghosts and self._lag is not None:
            now = self._lag.clock.now()
            self._ghosts = {number: ghost for number, ghost in self._ghosts.items() if ghost[1] > now}
        return [item for item, _ in self._ghosts.values()]

    def behind(self, number: int) -> Iterator[Item]:
        """The items that come after a number.

        :param number: -1 for all; the item that had it need not exist any more.
        """
        for place in range(max(number + 1, 0), len(self._order)):
            item = self._order[place]
            if item is not None:
                yield item

    def has_key(self, key: str) -> bool:
        return key == "id" or key in self._keys

    def find(self, key: str, values: Iterable[str]) -> list[Item]:
        """Items by one of the keys (or ``id``), in order.

        :param values: any of them.
        """
        found: dict[int, Item] = {}
        for value in values:
            if key == "id":
                item = self._by_id.get(value)
                if item is not None:
                    found[item.number] = item
            else:
                found.update(self._index.get((key, value), {}))
        return [found[number] for number in sorted(found)]

    def _enter(self, item: Item) -> None:
        entries = [(key, value) for key, read in self._keys.items() for value in read(item)]
        for entry in entries:
            self._index.setdefault(entry, {})[item.number] = item
        self._entries[item.id] = entries

    def _leave(self, item: Item) -> None:
        for entry in self._entries.pop(item.id, ()):
            bucket = self._index.get(entry, {})
            bucket.pop(item.number, None)
            if not bucket:
                self._index.pop(entry, None)
