"""All checks, in the order in which they are asked: what deletes comes last."""

from __future__ import annotations

from airflow_provider_payments.aep.verification import (
    answers,
    changes,
    etags,
    filters,
    flow_runs,
    mapping_sets,
    names,
    platform_clock,
    questions,
    refusals,
    rules,
    settling,
)

__all__ = ["ALL_CHECKS"]

ALL_CHECKS = (
    *platform_clock.CHECKS,
    *settling.CHECKS,
    *names.CHECKS,
    *questions.CHECKS,
    *filters.CHECKS,
    *refusals.CHECKS,
    *answers.CHECKS,
    *etags.CHECKS,
    *changes.CHECKS,
    *mapping_sets.CHECKS,
    *rules.CHECKS,
    *flow_runs.CHECKS,
    *settling.DELETION_CHECKS,
)
