"""A check: one assumption of this package about the platform, and the function that tests it in a sandbox."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.verification.findings import Finding
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["Check", "Need", "emulator_check"]


class Need(StrEnum):
    """A condition of a check that the caller must meet; the value tells how."""

    SOURCE = "a base connection (--base-connection-id) or a vendor's connection (--vendor-conn-id, --source)"
    VENDOR = "a vendor's connection (--vendor-conn-id, --source)"
    INGEST = "permission to ingest rows (--ingest)"
    WHOLE = "a run without --quick"


@attrs.frozen
class Check:
    """
    A check of one assumption.

    :param id: ``<service or kind>.<property>``; its meaning never changes.
    :param assumption: the assumption, as a sentence.
    :param source: the code that relies on the assumption, and the document that supports it.
    :param method: how the assumption is tested, for the manual's table.
    :param run: tests the assumption, and returns the finding.
    :param needs: the conditions without which the check is not tried.
    """

    id: str
    assumption: str
    source: str
    method: str
    run: Callable[[Trial], Finding] = attrs.field(repr=False, eq=False)
    needs: tuple[Need, ...] = ()


def emulator_check(
    check_id: str, assumption: str, document: str, method: str, run: Callable[[Trial], Finding]
) -> Check:
    """Return the check of an assumption on which only the emulator relies; it needs a whole run."""
    return Check(check_id, assumption, f"the emulator; {document}", method, run, (Need.WHOLE,))
