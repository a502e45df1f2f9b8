"""All checks, in the order in which they are asked: what deletes comes last."""

from __future__ import annotations

import attrs

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
from airflow_provider_payments.aep.verification.checks import Check, Need

__all__ = ["ALL_CHECKS"]


def _in_whole_runs(*checks: Check) -> list[Check]:
    """Return checks as they are left out of a quick run, which has no requests for them."""
    return [attrs.evolve(check, needs=tuple(dict.fromkeys((*check.needs, Need.WHOLE)))) for check in checks]


ALL_CHECKS = (
    *platform_clock.CHECKS,
    *settling.CHECKS,
    *_in_whole_runs(*names.CHECKS, *questions.CHECKS),
    *other_lists.CHECKS,
    *_in_whole_runs(*refusals.CHECKS, *gateway.CHECKS),
    *answers.CHECKS,
    *etags.CHECKS,
    *_in_whole_runs(*changes.CHECKS, *compositions.CHECKS),
    *mapping_sets.CHECKS,
    *expressions.CHECKS,
    *_in_whole_runs(*rules.CHECKS, *flow_runs.CHECKS),
    # Behind the flow runs: two of them need a run and a batch.
    *filters.CHECKS,
    *settling.DELETION_CHECKS,
)
