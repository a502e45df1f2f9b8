"""Lookups of one existing object by its name or id. Nothing is created, and none of several matches is guessed."""

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
    """No object has the given name or id."""


@dataclass
class _Listed:
    """
    The objects of a list, by whether they match a name or id.

    :param matches: the objects with the name or id.
    :param names: the names of all other objects.
    :param unreadable: the error of an item that may match but cannot be understood.
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
    """
    Return the object of a name or id, as :func:`look_up_object` does.

    The lookup is repeated, within the client's operation timeout, if an answer cannot be understood.
    """
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
    Return the object of a name or id, read by its id.

    :param name_or_id: the object's name (a schema's title), or its id.
    :param argument: the user's name of the argument, for errors. Defaults to ``"name"``.
    :param obstacle: returns why an object of that name is not a match, empty if it may be one. Defaults to none: every
        object of the name is a match.
    :raises AbsentError: if no object has the name or id; the error names the most similar name.
    :raises InvalidInputError: if several objects match, or none that ``obstacle`` accepts; the error names their ids.
    :raises UnreadableError: if no object has the name, and an item that may have it cannot be understood.
    :raises RequestError: if the service refuses the request.
    """
    listed = _listed(kind, _items_named(reads, kind, name_or_id), name_or_id)
    if not listed.matches:
        # The service's filter may miss names that are not ASCII, and does not match ids.
        listed = _listed(kind, kind.items(reads), name_or_id)
    # Lists are eventually consistent and may return deleted objects.
    found = [
        now for each in sorted(listed.matches, key=lambda one: one.creation_order) if (now := kind.read(reads, each))
    ]
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
    """Return an object's name or title, empty if it cannot be read."""
    return readers.text(existing.item.get(kind.name_key)) or ""


def _items_named(reads: Reads, kind: Kind, name_or_id: str) -> Iterable[Json]:
    try:
        return kind.items(reads, as_name("", name_or_id))
    except InvalidInputError:
        return ()  # the service's filter would misread this text, which is no valid name but may be an id


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
