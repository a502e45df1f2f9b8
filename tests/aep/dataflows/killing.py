"""A process that is killed before a request."""

from __future__ import annotations

import attrs

from airflow_provider_payments.aep.http.auth import ClientCredentials
from tests.aep.conftest import Stepping


class Killed(BaseException):
    """The process is gone."""


def mortal(credential: ClientCredentials, number: int) -> Stepping:
    """Return the credential for a process that is killed before its request of this number."""
    left = iter(range(number))

    def step() -> None:
        if next(left, None) is None:
            raise Killed

    fields = {each.name: getattr(credential, each.name) for each in attrs.fields(ClientCredentials) if each.init}
    return Stepping(**fields, step=step)
