"""What can be chosen at the start of an emulator."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_payments.emulator.core.clock import TimeMode
from airflow_provider_payments.emulator.core.rate_limit import Limit


@dataclass(frozen=True)
class Options:
    """The emulated organisation and its one client.

    :param client_id: the API key that the gateway accepts.
    :param client_secret: its secret.
    :param org: the organisation, ``...@AdobeOrg``.
    :param time: how time passes, see :class:`~airflow_provider_payments.emulator.core.clock.Clock`.
    :param tenant: the tenant id, without the leading underscore.
    :param rate_limit: how many requests the gateway lets through; None for all.
    """

    client_id: str = "emulator-client"
    client_secret: str = field(default="emulator-secret", repr=False)
    org: str = "EMULATOR@AdobeOrg"
    time: TimeMode = "fast"
    tenant: str = "emulator"
    rate_limit: Limit | None = None

    @property
    def user_id(self) -> str:
        """Who created things, in the form of a technical account."""
        return f"{self.client_id}@techacct.adobe.com"
