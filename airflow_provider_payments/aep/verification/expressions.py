"""Checks of Data Prep's language: the results of values and expressions, by previews that store nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.resources.data_prep import TENANT_PLACEHOLDER, FieldMapping, MappingSet
from airflow_provider_payments.aep.services import DATA_PREP
from airflow_provider_payments.aep.verification.checks import emulator_check
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.samples import PREVIEWS, VALIDATED, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.probe import Answer
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

KIND = "mapping_set"
#: A trivial mapping. If its result is missing, the preview proves nothing about the other mappings.
PLAIN = Sample("reference", "string", "plain", "1", "", "", {"plain": "1"})
#: The texts that a report may contain: numbers and times.
_REPORTED_TEXT = re.compile(r"[-+.:0-9TZ]{1,30}")


# ---- requests ------------------------------------------------------------------------------------------------------


def _body(trial: Trial, samples: Sequence[Sample]) -> Json:
    """Return the body of a mapping set of samples, for a preview or a validation."""
    fields = f"_{TENANT_PLACEHOLDER}.paymentsVerify"
    before = [FieldMapping(PLAIN.source, f"{fields}.{one.id}.{one.member}") for one in samples if one.member]
    mappings = (
        *before,
        *(FieldMapping(one.source, f"{fields}.{one.id}", one.source_type) for one in (PLAIN, *samples)),
    )
    # Data Prep may refuse a schema that cannot be read yet.
    schema = trial.shared("schema of samples", lambda: trial.read("schema"))
    name = trial.objects.name(KIND)
    return MappingSet(name=name, schema_id=schema.id, mappings=mappings).ready(trial.client).payload()


def _send(trial: Trial, action: str, body: Json) -> Answer:
    answer = trial.probe.send("POST", f"{KINDS[KIND].path}/{action}", body=body)
    if not answer.is_success:
        raise NotTriedError(f"the {action} of a mapping set was answered {answer.status_text}")
    return answer


def _preview(trial: Trial, group: str) -> Any:
    """Return the body of the answer to the preview of a group of samples."""

    def send() -> Any:
        samples = PREVIEWS[group]
        row = {name: value for one in (PLAIN, *samples) for name, value in one.row.items()}
        return _send(trial, "preview", {"data": [row], "mappingSet": _body(trial, samples)}).body

    return trial.shared(f"preview of {group}", send)


def _mapped_fields(trial: Trial, group: str) -> Json:
    """Return the mapped row of a group of samples, by field."""
    body = _preview(trial, group)
    # Adobe's OpenAPI file documents one object, the guide a list.
    first = next(iter(readers.mappings(body)), body)
    fields = dict(readers.mapping(readers.at(first, "data", *_own_fields(trial))))
    if not _equals(fields.get(PLAIN.id), PLAIN.result):
        raise NotTriedError("a preview does not return the value of a trivial mapping")
    return fields


def _own_fields(trial: Trial) -> tuple[str, str]:
    return f"_{schema_registry.tenant_id(trial.client)}", "paymentsVerify"


def _validation_results(trial: Trial) -> list[Json]:
    """Return the results of the validation; the first one is that of the plain mapping."""

    def send() -> list[Json]:
        answer = _send(trial, "validate", _body(trial, VALIDATED))
        return [dict(one) for one in readers.mappings(readers.at(answer.body, "validationResponse"))]

    results = trial.shared("validation of samples", send)
    if len(results) != len(VALIDATED) + 1 or results[0].get("status") != "SUCCESS":
        raise NotTriedError("a validation refuses a trivial mapping, or does not have a result for each mapping")
    return results


# ---- judgement -----------------------------------------------------------------------------------------------------


def _equals(found: object, assumed: object) -> bool:
    """Return whether two values are equal, or are the same point in time."""
    if isinstance(assumed, str) and (moment := readers.moment(assumed)) is not None:
        return readers.moment(found) == moment
    return found == assumed


def _reported(value: object) -> object:
    """Return the form of a value that a report may contain."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, dict):
        return f"object of {len(value)}"
    return value if isinstance(value, str) and _REPORTED_TEXT.fullmatch(value) else "other"


def _is_mapped_as_assumed(group: str, sample: Sample) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        found = _mapped_fields(trial, group).get(sample.id)
        return judged(_equals(found, sample.result), value=_reported(found))

    return run


def _is_validated_as_assumed(position: int, sample: Sample) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        is_passed = _validation_results(trial)[position].get("status") == "SUCCESS"
        return judged(is_passed is sample.result, passed=is_passed)

    return run


def _preview_is_list(trial: Trial) -> Finding:
    is_list = isinstance(_preview(trial, "values"), list)
    return judged(is_list, body="list" if is_list else "other")


def _errors_are_list(trial: Trial) -> Finding:
    errors = _validation_results(trial)[0].get("errors")
    return judged(errors == [], errors="list" if isinstance(errors, list) else "null" if errors is None else "other")


def _validates_expression(trial: Trial) -> Finding:
    answer = trial.probe.send("POST", f"{DATA_PREP}/languages/el/validate", body={"expression": 'concat("1", "2")'})
    is_bare = answer.body is True
    return judged(is_bare, **answer.summary, body="true" if is_bare else "other")


# ---- the checks ----------------------------------------------------------------------------------------------------


CHECKS = (
    *(
        emulator_check(
            f"data_prep.{one.id}", one.assumption, one.document, "preview a row", _is_mapped_as_assumed(group, one)
        )
        for group, samples in PREVIEWS.items()
        for one in samples
    ),
    *(
        emulator_check(
            f"data_prep.{one.id}",
            one.assumption,
            one.document,
            "validate a mapping set",
            _is_validated_as_assumed(position, one),
        )
        for position, one in enumerate(VALIDATED, 1)
    ),
    emulator_check(
        "data_prep.preview_list",
        "A preview of a list of rows returns a list.",
        "Adobe's guide; its OpenAPI file prints one object",
        "preview a list of one row",
        _preview_is_list,
    ),
    emulator_check(
        "data_prep.validation_errors",
        "A validation returns an empty list of errors for a mapping without errors.",
        "Adobe's OpenAPI file; its guide prints null",
        "validate a mapping set",
        _errors_are_list,
    ),
    emulator_check(
        "data_prep.expression_validation",
        "The validation of a single expression returns a bare `true`.",
        "Adobe's OpenAPI file; its guide shows an object",
        "validate a correct expression",
        _validates_expression,
    ),
)
