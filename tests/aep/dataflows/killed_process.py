"""A credential that simulates a process that is killed before a request."""

from __future__ import annotations

import attrs

from airflow_provider_payments.aep.http.auth import ClientCredentials
from tests.aep.conftest import Stepping


class Killed(BaseException):
    """The process was killed."""


def credential_killed_before(credential: ClientCredentials, number: int) -> Stepping:
    """Return a credential that raises :class:`Killed` before the request with this number, from 0."""
    remaining = iter(range(number))

    def step() -> None:
        if next(remaining, None) is None:
            raise Killed

    fields = {each.name: getattr(credential, each.name) for each in attrs.fields(ClientCredentials) if each.init}
    return Stepping(**fields, step=step)
