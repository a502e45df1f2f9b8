"""The refusals of Catalog and Data Access."""

from __future__ import annotations

from airflow_provider_payments.emulator.core.refusals import PlainRefusal


def bad_request(detail: str) -> PlainRefusal:
    """The refusal of an invalid request."""
    return PlainRefusal(400, detail)


def not_found(what: str) -> PlainRefusal:
    """The refusal of an unknown id.

    :param what: is not found; begins with a capital letter.
    """
    return PlainRefusal(404, f"{what} not found.").in_case("unknown_id")
