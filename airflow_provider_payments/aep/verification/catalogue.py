"""All checks, in the order in which they are asked: what deletes comes last."""

from __future__ import annotations

from airflow_provider_payments.aep.verification import (
    answers,
    changes,
    compositions,
    etags,
    expressions,
    filters,
    flow_runs,
    gateway,
    mapping_sets,
    names,
    other_lists,
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
    *other_lists.CHECKS,
    *refusals.CHECKS,
    *gateway.CHECKS,
    *answers.CHECKS,
    *etags.CHECKS,
    *changes.CHECKS,
    *compositions.CHECKS,
    *mapping_sets.CHECKS,
    *expressions.CHECKS,
    *rules.CHECKS,
    *flow_runs.CHECKS,
    *settling.DELETION_CHECKS,
)
