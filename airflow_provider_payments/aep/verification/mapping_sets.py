"""Mapping sets: both dialects, and destinations that the schema does not have."""

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
    from airflow_provider_payments.aep.verification.made import Made
    from airflow_provider_payments.aep.verification.probe import Seen
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS", "invalid_mapping_set"]

KIND = "mapping_set"
#: Of the destination that the schema lacks.
UNKNOWN_FIELD = "unknown"


def invalid_mapping_set(trial: Trial) -> str:
    """
    Return the id of a mapping set with a destination that its schema does not have.

    :raises NotTriedError: if the service refuses it.
    """
    _, made = trial.once("invalid mapping set", lambda: _post_invalid(trial))
    if made is None:
        raise NotTriedError("the creation of a mapping set to an unknown destination is refused")
    return made.existing.id


def _post_invalid(trial: Trial) -> tuple[Seen, Made | None]:
    return trial.objects.post(KIND, _invalid(trial).payload())


def _invalid(trial: Trial) -> MappingSet:
    return mapping_set(trial.objects, trial.objects.name(KIND), UNKNOWN_FIELD).ready(trial.client)


def _valid(trial: Trial) -> MappingSet:
    return mapping_set(trial.objects, trial.objects.name(KIND)).ready(trial.client)


def _takes_unknown_destination(trial: Trial) -> Finding:
    seen, made = trial.once("invalid mapping set", lambda: _post_invalid(trial))
    return judged(made is not None, **seen.shown)


def _takes_dialect(dialect: str) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        desired = attrs.evolve(_valid(trial), dialect=dialect)
        seen, made = trial.objects.post(KIND, desired.payload())
        if made is None:
            return judged(False, **seen.shown, alike=False)
        is_alike = not desired.differences(trial.client, trial.read(KIND, made.existing.id))
        trial.objects.delete(made)
        return judged(is_alike, **seen.shown, alike=is_alike)

    return ask


def _validates(trial: Trial) -> Finding:
    valid, invalid = (_is_failed(trial, desired) for desired in (_valid(trial), _invalid(trial)))
    return judged(
        invalid and not valid, valid="failed" if valid else "passed", unknown="failed" if invalid else "passed"
    )


def _is_failed(trial: Trial, desired: MappingSet) -> bool:
    seen = trial.probe.send("POST", f"{KINDS[KIND].path}/validate", body=desired.payload())
    if not seen.is_success:
        raise NotTriedError(f"the validation was answered {seen.status} {seen.code}".rstrip())
    return any(result.get("status") == "FAILED" for result in mappings(at(seen.body, "validationResponse")))


def _dialect_check(dialect: str, source: str, needs: tuple[Need, ...] = ()) -> Check:
    return Check(
        f"data_prep.dialect_{dialect}",
        f"Data Prep takes a mapping set in the {dialect} dialect, and shows what it maps.",
        f"`aep/resources/data_prep.py`; {source}",
        "create one, then read it",
        _takes_dialect(dialect),
        needs,
    )


CHECKS = (
    _dialect_check("current", "Adobe's OpenAPI file", (Need.WHOLE,)),
    _dialect_check("legacy", "the tutorials of payments sources"),
    Check(
        "data_prep.unknown_destination",
        "Data Prep takes a mapping set with a destination that the schema does not have.",
        "`aep/resources/data_prep.py` (validates); no document says otherwise",
        "create one",
        _takes_unknown_destination,
    ),
    Check(
        "data_prep.validation",
        "The validation of a mapping set says FAILED for a destination that the schema does not have, and only there.",
        "`aep/resources/data_prep.py`; Adobe's OpenAPI file",
        "validate a mapping set to a field of the schema, and one to another",
        _validates,
    ),
)
