"""The options of an emulator: those fixed at its start, and those that can change while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_payments.emulator.core.behaviour import (
    KINDS,
    NAMES,
    NO_LAG,
    PAGE_LIMITS,
    QUESTIONS,
    REFUSALS,
    TOKEN_SECONDS,
    LagSeconds,
    PageLimit,
    RefusalAnswer,
)
from airflow_provider_payments.emulator.core.clock import TimeMode
from airflow_provider_payments.emulator.core.rate_limit import Limit


@dataclass(slots=True)
class RuntimeOptions:
    """The options that can change at any time: behaviour that the documents leave open, and rights of the credential.

    :param last_run_shows_active: whether a dataflow's ``lastRunDetails`` shows a run that has not ended; the documents
        name only the states ``success`` and ``failed``.
    :param queries_are_utf8: whether the platform's services decode the query of a URL as UTF-8; if they decode it as
        Latin-1, a filter misses every name that is not ASCII.
    :param registry_requires_if_match: whether the Schema Registry refuses a PATCH without ``If-Match``; one document
        says that it does, but Adobe's own samples send no ``If-Match``.
    :param sandbox_admin: whether the credential may list all sandboxes, not only its own.
    :param lags: by kind of object, how long lists and reads by id lag behind writes.
    :param names: by kind of object, whether a name is unique (``once``) or not (``twice``).
    :param page_limits: by service, the number of items on a page of its lists.
    :param questions: by service and question, whether a parameter or filter of a list is ``honoured``, ``ignored`` or
        ``refused``.
    :param refusals: by service and case, the answer to a refused request; None for the service's or the gateway's own.
    :param dates_ahead: the seconds that the header ``Date`` is ahead of the emulator's clock.
    :param token_seconds: the lifetime of new tokens, in seconds.
    """

    last_run_shows_active: bool = True
    queries_are_utf8: bool = True
    registry_requires_if_match: bool = True
    sandbox_admin: bool = False
    lags: Mapping[str, LagSeconds] = field(default_factory=lambda: dict.fromkeys(KINDS, NO_LAG))
    names: Mapping[str, str] = field(default_factory=lambda: NAMES)
    page_limits: Mapping[str, PageLimit] = field(default_factory=lambda: PAGE_LIMITS)
    questions: Mapping[str, str] = field(default_factory=lambda: QUESTIONS)
    refusals: Mapping[str, RefusalAnswer | None] = field(default_factory=lambda: dict.fromkeys(REFUSALS))
    dates_ahead: float = 0.0
    token_seconds: int = TOKEN_SECONDS


@dataclass(frozen=True)
class Options:
    """The options that are fixed at the start: the emulated organisation and its only client.

    :param client_id: the API key that the gateway accepts.
    :param client_secret: the secret of the client.
    :param org: the id of the organisation, ``...@AdobeOrg``.
    :param time: the mode of the clock, see :class:`~airflow_provider_payments.emulator.core.clock.Clock`.
    :param tenant: the tenant id, without the leading underscore.
    :param rate_limit: the gateway's rate limit at the start, and after each reset; None for no limit.
    :param runtime: the options that can change, as they are at the start and after each reset.
    """

    client_id: str = "emulator-client"
    client_secret: str = field(default="emulator-secret", repr=False)
    org: str = "EMULATOR@AdobeOrg"
    time: TimeMode = "fast"
    tenant: str = "emulator"
    rate_limit: Limit | None = None
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)

    @property
    def user_id(self) -> str:
        """The id of the technical account, which is the creator of all objects."""
        return f"{self.client_id}@techacct.adobe.com"
