"""Checks of mapping sets: both dialects, and destinations that the schema does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.readers import at, mappings
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.objects import mapping_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.resources.data_prep import MappingSet
    from airflow_provider_payments.aep.verification.created_object import CreatedObject
    from airflow_provider_payments.aep.verification.probe import Answer
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS", "invalid_mapping_set"]

KIND = "mapping_set"
#: The last part of a destination that the schema does not have.
UNKNOWN_FIELD = "unknown"


def invalid_mapping_set(trial: Trial) -> str:
    """
    Return the id of a mapping set with a destination that its schema does not have.

    :raises NotTriedError: if the service refuses the mapping set.
    """
    _, created = _invalid_creation(trial)
    if created is None:
        raise NotTriedError("the creation of a mapping set to an unknown destination is refused")
    return created.id


def _invalid_creation(trial: Trial) -> tuple[Answer, CreatedObject | None]:
    return trial.shared("invalid mapping set", lambda: trial.objects.post(KIND, _invalid(trial).payload()))


def _invalid(trial: Trial) -> MappingSet:
    return mapping_set(trial.objects, trial.objects.name(KIND), UNKNOWN_FIELD).ready(trial.client)


def _valid(trial: Trial) -> MappingSet:
    return mapping_set(trial.objects, trial.objects.name(KIND)).ready(trial.client)


def _accepts_unknown_destination(trial: Trial) -> Finding:
    answer, created = _invalid_creation(trial)
    return judged(created is not None, **answer.summary)


def _accepts_dialect(dialect: str) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        desired = attrs.evolve(_valid(trial), dialect=dialect)
        answer, created = trial.objects.post(KIND, desired.payload())
        if created is None:
            return judged(False, **answer.summary, alike=False)
        is_alike = not desired.differences(trial.client, trial.read(KIND, created.id))
        trial.objects.delete(created)
        return judged(is_alike, **answer.summary, alike=is_alike)

    return run


def _validation_finds_unknown_field(trial: Trial) -> Finding:
    valid, invalid = (_fails_validation(trial, desired) for desired in (_valid(trial), _invalid(trial)))
    return judged(
        invalid and not valid, valid="failed" if valid else "passed", unknown="failed" if invalid else "passed"
    )


def _fails_validation(trial: Trial, desired: MappingSet) -> bool:
    answer = trial.probe.send("POST", f"{KINDS[KIND].path}/validate", body=desired.payload())
    if not answer.is_success:
        raise NotTriedError(f"the validation was answered {answer.status_text}")
    return any(result.get("status") == "FAILED" for result in mappings(at(answer.body, "validationResponse")))


def _dialect_check(dialect: str, source: str, needs: tuple[Need, ...] = ()) -> Check:
    return Check(
        f"data_prep.dialect_{dialect}",
        f"Data Prep accepts a mapping set in the {dialect} dialect, and a read returns the same mappings.",
        f"`aep/resources/data_prep.py`; {source}",
        f"create a mapping set in the {dialect} dialect, then read it",
        _accepts_dialect(dialect),
        needs,
    )


CHECKS = (
    _dialect_check("current", "Adobe's OpenAPI file", (Need.WHOLE,)),
    _dialect_check("legacy", "the tutorials of payments sources"),
    Check(
        "data_prep.unknown_destination",
        "Data Prep accepts a mapping set with a destination that the schema does not have.",
        "`aep/resources/data_prep.py`, which requests a validation; no document says otherwise",
        "create such a mapping set",
        _accepts_unknown_destination,
    ),
    Check(
        "data_prep.validation",
        "The validation of a mapping set returns FAILED for a destination outside of the schema, and only then.",
        "`aep/resources/data_prep.py`; Adobe's OpenAPI file",
        "validate a mapping set to a field of the schema, and one to an unknown field",
        _validation_finds_unknown_field,
    ),
)
