"""A check: what this package assumes of the platform, and how a sandbox is asked."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.verification.findings import Finding
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["Check", "Need"]


class Need(StrEnum):
    """What a check needs of the caller; its value says what to add."""

    SOURCE = "a base connection (--base-connection-id) or a vendor's connection (--vendor-conn-id, --source)"
    VENDOR = "a vendor's connection (--vendor-conn-id, --source)"
    INGEST = "permission to bring in rows (--ingest)"
    WHOLE = "a run without --quick"


@attrs.frozen
class Check:
    """
    One assumption.

    :param id: ``<service or kind>.<what>``; it never changes its meaning.
    :param assumption: a sentence.
    :param source: where it stands, in our code or in Adobe's documents.
    :param question: how the sandbox is asked.
    :param ask: asks.
    :param needs: without which it is not tried.
    """

    id: str
    assumption: str
    source: str
    question: str
    ask: Callable[[Trial], Finding] = attrs.field(repr=False, eq=False)
    needs: tuple[Need, ...] = ()
