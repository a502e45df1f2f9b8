"""All checks, in the order in which they are asked: what deletes comes last."""

from __future__ import annotations

from airflow_provider_payments.aep.verification import filters, names, platform_clock, questions, refusals, settling

__all__ = ["ALL_CHECKS"]

ALL_CHECKS = (
    *platform_clock.CHECKS,
    *settling.CHECKS,
    *names.CHECKS,
    *questions.CHECKS,
    *filters.CHECKS,
    *refusals.CHECKS,
    *settling.DELETION_CHECKS,
)
