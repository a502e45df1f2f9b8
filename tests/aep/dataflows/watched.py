"""A credential that lets a test do something before each request, and definitions to apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_payments.aep.http.transport import Credential
from tests.aep.dataflows.files import TEN_LINES

PROJECT = "version: 1\nproject: finance\n"
NAME = "PayPal catalog products"


@dataclass(frozen=True)
class Watched:
    """
    Signs with what another signs with; the transport asks it before each attempt of a request.

    :param before: is called then.
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
    """The ten-line definition under another name, with more lines."""
    return TEN_LINES.replace(NAME, name) + more
