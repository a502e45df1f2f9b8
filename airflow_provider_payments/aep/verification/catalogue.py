"""All checks, in the order in which they are asked: what deletes comes last."""

from __future__ import annotations

from airflow_provider_payments.aep.verification import (
    answers,
    changes,
    etags,
    flow_runs,
    mapping_sets,
    rules,
    settling,
)

__all__ = ["ALL_CHECKS"]

ALL_CHECKS = (
    *settling.CHECKS,
    *answers.CHECKS,
    *etags.CHECKS,
    *changes.CHECKS,
    *mapping_sets.CHECKS,
    *rules.CHECKS,
    *flow_runs.CHECKS,
    *settling.DELETION_CHECKS,
)
