"""How Catalog and Data Access say no."""

from __future__ import annotations

from airflow_provider_payments.emulator.core.refusals import PlainRefusal


def bad_request(detail: str) -> PlainRefusal:
    """A request that Catalog cannot accept."""
    return PlainRefusal(400, detail)


def not_found(what: str) -> PlainRefusal:
    """The refusal of an id that names nothing.

    :param what: that is not there; begins with a capital letter.
    """
    return PlainRefusal(404, f"{what} not found.")
