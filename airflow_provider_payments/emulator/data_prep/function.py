"""What a function of the expression language is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.data_prep.values import as_text

Now = Callable[[], float]
# The most arguments of functions that take as many as one likes.
MANY = 200


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it is called and listed.

    :param fewest: how many arguments it takes at least; those of a method include what it is called on.
    :param apply: called with the clock and the arguments.
    """

    name: str
    category: str
    fewest: int
    most: int
    apply: Callable[..., Any]
    description: str
    example: str


def group(category: str, **entries: tuple[int, int, Callable[..., Any], str, str]) -> dict[str, Function]:
    """Functions of one category by name.

    :param entries: fewest and most arguments, the function, what it does, an example.
    """
    return {name: Function(name, category, *entry) for name, entry in entries.items()}


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that needs no clock."""
    return lambda _, *given: function(*given)


def on_some(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives nothing when its first argument is nothing."""
    return lambda _, value, *more: None if value is None else function(value, *more)


def on_text(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose first argument counts as text, and that gives nothing for nothing."""
    return on_some(lambda value, *more: function(as_text(value), *more))


def spread(given: tuple[Any, ...]) -> list[Any]:
    """The arguments, or those in the array that is the only one."""
    return given[0] if len(given) == 1 and isinstance(given[0], list) else list(given)
