"""The refusals of Catalog and Data Access."""

from __future__ import annotations

from airflow_provider_payments.emulator.core.refusals import PlainRefusal


def bad_request(detail: str) -> PlainRefusal:
    """Return the refusal of an invalid request."""
    return PlainRefusal(400, detail)


def not_found(name: str) -> PlainRefusal:
    """Return the refusal of an unknown id.

    :param name: the kind of object, with a capital letter, and its id if the answer names the id.
    """
    return PlainRefusal(404, f"{name} not found.").in_case("unknown_id")
