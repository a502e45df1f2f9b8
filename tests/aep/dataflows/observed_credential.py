"""A credential that calls a test before each request, and definitions to apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_payments.aep.http.call import Credential
from tests.aep.dataflows.files import TEN_LINES

PROJECT = "version: 1\nproject: finance\n"
NAME = "PayPal catalog products"


@dataclass(frozen=True)
class ObservedCredential:
    """
    A credential that calls a function before each attempt of a request.

    :param inner: the credential that supplies the token.
    :param before: the function.
    """

    inner: Credential
    before: Callable[[], None]

    @property
    def client_id(self) -> str:
        return self.inner.client_id

    @property
    def renewable(self) -> bool:
        return self.inner.renewable

    def token(self) -> str:
        self.before()
        return self.inner.token()

    def reject(self, token: str | None) -> bool:
        return self.inner.reject(token)


def named(name: str, more: str = "") -> str:
    """Return the ten-line definition with another name and further lines."""
    return TEN_LINES.replace(NAME, name) + more
