"""Checks of name filters: whether each service's list finds an object by its name, with the queries of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.verification.findings import NotTriedError
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.listing import (
    HONOURED,
    IGNORED,
    LISTINGS,
    Listing,
    as_refusal,
    parameter_check,
    poll_until_listed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_payments.aep.verification.checks import Check
    from airflow_provider_payments.aep.verification.created_object import CreatedObject
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

#: Suffixes of names: letters inside and outside of Latin-1; both quote characters.
NON_ASCII, QUOTED = "Zürich 東京", '"so" it\'s'


class _OtherNameError(Exception):
    """A list with a name filter contains an object with another name."""


def _finds_first(listing: Listing) -> Callable[[Trial], str]:
    def find(trial: Trial) -> str:
        trial.objects.first_id(listing.kind)
        created = trial.objects.of_kind(listing.kind)[0]
        # A list that contains only this object could also be an unfiltered one.
        absent = attrs.evolve(created, name=f"{created.name} absent")
        return IGNORED if _contains_any(trial, listing, absent) else _treatment_of_filter(trial, listing, created)

    return find


def _finds_non_ascii(listing: Listing) -> Callable[[Trial], str]:
    def find(trial: Trial) -> str:
        objects = trial.objects
        created = objects.create_or_skip(listing.kind, f"{objects.name(listing.kind)} {NON_ASCII}")
        try:
            return _treatment_of_filter(trial, listing, created)
        finally:
            objects.delete(created)

    return find


def _finds_quoted(listing: Listing) -> Callable[[Trial], str]:
    def find(trial: Trial) -> str:
        objects, kind = trial.objects, KINDS[listing.kind]
        # The body is edited, because the operators' arguments refuse such a name.
        body = objects.desired(listing.kind).ready(trial.client).payload()
        answer, created = objects.post(listing.kind, body | {kind.name_key: f"{objects.name(listing.kind)} {QUOTED}"})
        if created is None:
            raise NotTriedError(f"the creation of a {kind} with such a name was answered {answer.status_text}")
        try:
            return _treatment_of_filter(trial, listing, created)
        finally:
            objects.delete(created)

    return find


def _contains_any(trial: Trial, listing: Listing, absent: CreatedObject) -> bool:
    try:
        return any(_ids_by_name(trial, listing, absent))
    except _OtherNameError:
        return True


def _treatment_of_filter(trial: Trial, listing: Listing, created: CreatedObject) -> str:
    """Return how the service treats a filter by an object's name: it must find the object, and no other name before."""
    object_id = created.id

    def list_ids() -> list[str]:
        # Stop at the object, because reading on could cost another page.
        return [next((found for found in _ids_by_name(trial, listing, created) if found == object_id), "")]

    try:
        return HONOURED if object_id in poll_until_listed(trial, listing, {object_id}, list_ids) else IGNORED
    except _OtherNameError:
        return IGNORED


def _ids_by_name(trial: Trial, listing: Listing, created: CreatedObject) -> Iterator[str]:
    """
    Yield the ids of the verification's objects in the list by an object's name.

    :raises _OtherNameError: if the list contains an object with another name.
    :raises RefusedError: if the service refuses the query.
    """
    kind = KINDS[listing.kind]
    own = {one.id for one in trial.objects.of_kind(listing.kind) if one.name == created.name}
    try:
        for item in kind.items(trial.client, created.name):
            found = readers.text(item.get(kind.id_key))
            # The items of some lists have no names.
            if found in own:
                yield str(found)
            elif normalize("NFC", readers.text(item.get(kind.name_key)) or "") != created.name:
                raise _OtherNameError
    except RequestError as error:
        raise as_refusal(error) from None


def _checks_of(listing: Listing) -> Iterator[Check]:
    noun, service = KINDS[listing.kind].name, listing.title
    method = "create an object, then list by its name"
    yield parameter_check(
        f"{listing.service}.name_filter",
        f"A list of {service} by a name with blanks contains the {noun} of this name and no other.",
        f"`aep/api/{listing.service}.py`",
        "list by the name of a created object, and by a name that no object has",
        _finds_first(listing),
    )
    yield parameter_check(
        f"{listing.service}.non_ascii_names",
        f"A list of {service} by a name that is not ASCII contains the {noun} of this name and no other.",
        "`Resource.search_by_second_key` in `aep/resources/base.py`: queries again without a filter if none is found",
        method,
        _finds_non_ascii(listing),
    )
    yield parameter_check(
        f"{listing.service}.quoted_names",
        f"A list of {service} by a name with quote characters contains the {noun} of this name and no other.",
        "the emulator; `aep/inputs.py` refuses such names, because no document describes such a filter",
        method,
        _finds_quoted(listing),
    )


CHECKS = tuple(check for listing in LISTINGS.values() for check in _checks_of(listing))
