"""All checks in the order in which they run. Checks of deletions come last, because they delete shared objects."""

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
    list_parameters,
    mapping_sets,
    names,
    other_lists,
    platform_clock,
    refusals,
    rules,
    settling,
)
from airflow_provider_payments.aep.verification.checks import Check, Need

__all__ = ["ALL_CHECKS"]


def _in_whole_runs(*checks: Check) -> list[Check]:
    """Return the checks with the need of a whole run, because the request limit of a quick one is too low for them."""
    return [attrs.evolve(check, needs=tuple(dict.fromkeys((*check.needs, Need.WHOLE)))) for check in checks]


ALL_CHECKS = (
    *platform_clock.CHECKS,
    *settling.CHECKS,
    *_in_whole_runs(*names.CHECKS, *list_parameters.CHECKS),
    *other_lists.CHECKS,
    *_in_whole_runs(*refusals.CHECKS),
    *gateway.CHECKS,
    *answers.CHECKS,
    *etags.CHECKS,
    *_in_whole_runs(*changes.CHECKS),
    *compositions.CHECKS,
    *mapping_sets.CHECKS,
    *expressions.CHECKS,
    *_in_whole_runs(*rules.CHECKS, *flow_runs.CHECKS),
    # After the flow runs, because two of these checks need a run and a batch.
    *filters.CHECKS,
    *settling.DELETION_CHECKS,
)
