"""Checks of names: whether each service's list finds an object by one, as the readers of :mod:`...api` ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import NotTriedError
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.listing import (
    HONOURED,
    IGNORED,
    LISTINGS,
    Listing,
    as_refusal,
    check_of,
    until_shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_payments.aep.verification.made import Made
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

#: What is put behind a name: letters that Latin-1 has, and some that it lacks; both quote characters.
NON_ASCII, QUOTED = "Zürich 東京", '"so" it\'s'


class _OtherError(Exception):
    """An answer to a filter shows what it does not mean."""


def _finds_first(listing: Listing) -> Callable[[Trial], str]:
    def find(trial: Trial) -> str:
        trial.objects.first(listing.kind)
        made = trial.objects.of(listing.kind)[0]
        # It may be the only object that there is.
        absent = attrs.evolve(made, name=f"{made.name} absent")
        return IGNORED if _shows_any(trial, listing, absent) else _found(trial, listing, made)

    return find


def _finds_non_ascii(listing: Listing) -> Callable[[Trial], str]:
    def find(trial: Trial) -> str:
        objects = trial.objects
        made = objects.make_or_skip(listing.kind, f"{objects.name(listing.kind)} {NON_ASCII}")
        try:
            return _found(trial, listing, made)
        finally:
            objects.delete(made)

    return find


def _finds_quoted(listing: Listing) -> Callable[[Trial], str]:
    def find(trial: Trial) -> str:
        objects, kind = trial.objects, KINDS[listing.kind]
        # Arguments of operators refuse such a name.
        body = objects.desired(listing.kind).ready(trial.client).payload()
        seen, made = objects.post(listing.kind, body | {kind.name_key: f"{objects.name(listing.kind)} {QUOTED}"})
        if made is None:
            raise NotTriedError(f"the creation of a {kind} of such a name was answered {seen.status} {seen.code}")
        try:
            return _found(trial, listing, made)
        finally:
            objects.delete(made)

    return find


def _shows_any(trial: Trial, listing: Listing, absent: Made) -> bool:
    try:
        return any(_named(trial, listing, absent))
    except _OtherError:
        return True


def _found(trial: Trial, listing: Listing, made: Made) -> str:
    """Say whether a filter by its name finds an object, and shows no other name before it."""
    object_id = made.existing.id

    def ask() -> list[str]:
        # What follows would be another page.
        return [next((found for found in _named(trial, listing, made) if found == object_id), "")]

    try:
        return HONOURED if object_id in until_shown(trial, listing, {object_id}, ask) else IGNORED
    except _OtherError:
        return IGNORED


def _named(trial: Trial, listing: Listing, made: Made) -> Iterator[str]:
    """Yield the ids of those of our own that have an object's name, as a list by this name shows them."""
    kind = KINDS[listing.kind]
    own = {one.existing.id for one in trial.objects.of(listing.kind) if one.name == made.name}
    try:
        for item in kind.items(trial.client, made.name):
            found = readers.text(item.get(kind.id_key))
            # Not every list shows names.
            if found in own:
                yield str(found)
            elif normalize("NFC", readers.text(item.get(kind.name_key)) or "") != made.name:
                raise _OtherError
    except RequestError as error:
        raise as_refusal(error) from None


def _checks_of(listing: Listing) -> Iterator[Check]:
    noun, service = KINDS[listing.kind].name, listing.title
    asked = "create one, then list by its name and compare"
    yield check_of(
        f"{listing.service}.name_filter",
        f"A list of {service} by a name with blanks shows the {noun} of this name and no other.",
        f"`aep/api/{listing.service}.py`",
        "list by the name of our own object, and by a name that no object has",
        _finds_first(listing),
    )
    yield check_of(
        f"{listing.service}.non_ascii_names",
        f"A list of {service} by a name that is not ASCII shows the {noun} of this name and no other.",
        "`Resource.look_further` in `aep/resources/base.py`: asked again without a filter where it does not",
        asked,
        _finds_non_ascii(listing),
    )
    yield check_of(
        f"{listing.service}.quoted_names",
        f"A list of {service} by a name with quote characters shows the {noun} of this name and no other.",
        "the emulator; `aep/inputs.py` refuses such names, for no document says so",
        asked,
        _finds_quoted(listing),
        Need.WHOLE,
    )


CHECKS = tuple(check for listing in LISTINGS.values() for check in _checks_of(listing))
