"""An object that must be there, found by its name or id. Nothing is created, and of several none is guessed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.errors import InvalidInputError, UnreadableError
from airflow_provider_payments.aep.inputs import as_name, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_payments.aep.api.client import Client, Reads
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.services import Json

__all__ = ["AbsentError", "find_object", "look_up_object", "name_of"]


class AbsentError(InvalidInputError):
    """There is no object of the name or id that was given."""


@dataclass
class _Listed:
    """
    What a list shows.

    :param matches: what has the name or the id.
    :param names: those of everything else.
    :param unreadable: an item that may be the one.
    """

    matches: list[RemoteObject] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    unreadable: UnreadableError | None = None


def find_object(
    client: Client,
    kind: Kind,
    name_or_id: str,
    *,
    argument: str = "name",
    obstacle: Callable[[RemoteObject], str] = lambda existing: "",
) -> RemoteObject:
    """Return what :func:`look_up_object` does, name_or_id again where an answer cannot be understood."""
    with client.transport.within(client.operation_timeout):
        return patiently(client, lambda: look_up_object(client, kind, name_or_id, argument=argument, obstacle=obstacle))


def look_up_object(
    reads: Reads,
    kind: Kind,
    name_or_id: str,
    *,
    argument: str = "name",
    obstacle: Callable[[RemoteObject], str] = lambda existing: "",
) -> RemoteObject:
    """
    Return the object of a name or an id, as it is now.

    :param name_or_id: its name (a schema's title), or its id.
    :param argument: what the user calls ``name_or_id``.
    :param obstacle: says why an object of that name is not meant; empty where it may be. Of several one is left.
    :raises AbsentError: if there is none; it names the most similar one.
    :raises InvalidInputError: if there is none that is meant, or several; it names their ids.
    :raises UnreadableError: if none has the name, and one that may have it cannot be understood.
    :raises RequestError: if the service refuses.
    """
    listed = _listed(kind, _items_named(reads, kind, name_or_id), name_or_id)
    if not listed.matches:
        # The filter may miss names that are not ASCII, and knows no ids.
        listed = _listed(kind, kind.items(reads), name_or_id)
    # Lists are eventually consistent and may return deleted objects.
    found = [now for each in sorted(listed.matches, key=lambda one: one.age) if (now := kind.read(reads, each))]
    meant = [each for each in found if not obstacle(each)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise InvalidInputError(
            argument, name_or_id, f"several {kind}s have this name; give one of their ids: {_ids(meant)}"
        )
    if found:
        raise InvalidInputError(argument, name_or_id, f"{obstacle(found[0])} ({kind} {_ids(found)})")
    if listed.unreadable:
        raise listed.unreadable
    key = "title or $id" if kind.name_key == "title" else "name or id"
    raise AbsentError(argument, name_or_id, f"there is no {kind} of this {key}{did_you_mean(name_or_id, listed.names)}")


def _ids(found: Iterable[RemoteObject]) -> str:
    return ", ".join(each.id for each in found)


def name_of(kind: Kind, existing: RemoteObject) -> str:
    """Return an object's name or title as far as it can be read."""
    return readers.text(existing.item.get(kind.name_key)) or ""


def _items_named(reads: Reads, kind: Kind, name_or_id: str) -> Iterable[Json]:
    try:
        return kind.items(reads, as_name("", name_or_id))
    except InvalidInputError:
        return ()  # a filter would misread it


def _listed(kind: Kind, items: Iterable[Json], name_or_id: str) -> _Listed:
    listed = _Listed()
    for item in items:
        try:
            listed.matches += _match(kind, item, name_or_id, listed.names)
        except UnreadableError as error:
            listed.unreadable = error
    return listed


def _match(kind: Kind, item: Json, name_or_id: str, others: list[str]) -> Iterator[RemoteObject]:
    fields = kind.fields_of_item(item)
    if kind.is_being_deleted(fields):
        return
    if readers.text(item.get(kind.id_key)) == name_or_id or fields.is_named(kind.name_key, name_or_id):
        yield kind.read_item(fields)
    else:
        others.append(str(item[kind.name_key]))
