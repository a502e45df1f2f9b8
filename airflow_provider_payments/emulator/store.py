"""An ordered collection of resources: constant-time pages and look-ups, whatever its size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar


class Numbered(Protocol):
    """What a :class:`Store` needs to know of its items."""

    id: str
    number: int


Item = TypeVar("Item", bound=Numbered)


class Store(Generic[Item]):
    """Items in the order of their creation.

    An item's number is its place in that order and never given twice, so a page can begin behind any number even when
    the item that had it is gone.

    :param keys: names under which items are found fast, each with the function that reads the item's values for it.
    """

    def __init__(self, keys: Mapping[str, Callable[[Item], Iterable[str]]] | None = None) -> None:
        self._keys = dict(keys or {})
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
