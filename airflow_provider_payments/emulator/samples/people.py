"""Invented people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_GIVEN = (
    "Ada", "Bo", "Chidi", "Dana", "Emil", "Fatma", "Goran", "Hana", "Ines", "Jörg", "Kofi", "Léa", "Milan", "Nadia",
    "Omar", "Priya", "Quentin", "Rosa", "Søren", "Tomás", "Uma", "Vera", "Wei", "Xenia", "Yusuf", "Zofia", "Anaïs",
    "Björn", "Ciarán",
)  # fmt: skip
_FAMILY = (
    "Abe", "Brandt", "Cruz", "Diallo", "Eriksen", "Fontana", "García", "Hassan", "Ivanova", "Jansen", "Kowalski",
    "Lindqvist", "Müller", "Nakamura", "Okafor", "Petrov", "Quispe", "Rossi", "Silva", "Tanaka", "Urban", "Vega",
    "Weber", "Xu", "Yildiz", "Zhang", "O'Brien", "Núñez", "Dvořák", "Ångström", "Baptiste",
)  # fmt: skip
_PLACES = (
    ("US", "Austin", "78701", "TX"),
    ("US", "Portland", "97201", "OR"),
    ("GB", "Leeds", "LS1 4AP", "West Yorkshire"),
    ("DE", "Hamburg", "20095", "HH"),
    ("FR", "Lyon", "69001", "ARA"),
    ("CA", "Toronto", "M5H 2N2", "ON"),
    ("ES", "Málaga", "29001", "AN"),
)
_DOMAINS = ("example.com", "example.net", "example.org")


@dataclass(frozen=True, slots=True)
class Person:
    """A person; the country is a code of two letters."""

    given: str
    family: str
    email: str
    country: str
    city: str
    postal_code: str
    state: str


@lru_cache(maxsize=1024)
def person(place: int) -> Person:
    """Return the person with an index; an index always gives the same person."""
    given = _GIVEN[place % len(_GIVEN)]
    family = _FAMILY[(place // len(_GIVEN) + place * 7) % len(_FAMILY)]
    country, city, postal_code, state = _PLACES[place * 5 % len(_PLACES)]
    return Person(given, family, f"customer{place}@{_DOMAINS[place % 3]}", country, city, postal_code, state)
