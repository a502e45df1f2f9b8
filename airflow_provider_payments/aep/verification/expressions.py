"""Checks of Data Prep's language: what it makes of values and expressions, by previews that store nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.resources.data_prep import TENANT_PLACEHOLDER, FieldMapping, MappingSet
from airflow_provider_payments.aep.services import DATA_PREP
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.samples import PREVIEWS, VALIDATED, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.probe import Seen
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

KIND = "mapping_set"
#: A mapping that nothing can be wrong with: without its result, nothing can be concluded from the others.
PLAIN = Sample("reference", "string", "plain", "1", "", "", {"plain": "1"})
#: Texts that a report shows: numbers and times.
_SHOWN_TEXT = re.compile(r"[-+.:0-9TZ]{1,30}")


# ---- asking --------------------------------------------------------------------------------------------------------


def _body(trial: Trial, samples: Sequence[Sample]) -> Json:
    """Return a mapping set of samples, which is not created."""
    fields = f"_{TENANT_PLACEHOLDER}.paymentsVerify"
    before = [FieldMapping(PLAIN.source, f"{fields}.{one.id}.{one.member}") for one in samples if one.member]
    mappings = (
        *before,
        *(FieldMapping(one.source, f"{fields}.{one.id}", one.source_type) for one in (PLAIN, *samples)),
    )
    # A schema that cannot be read yet could not be mapped onto.
    schema = trial.once("schema of samples", lambda: trial.read("schema"))
    name = trial.objects.name(KIND)
    return MappingSet(name=name, schema_id=schema.id, mappings=mappings).ready(trial.client).payload()


def _sent(trial: Trial, what: str, body: Json) -> Seen:
    seen = trial.probe.send("POST", f"{KINDS[KIND].path}/{what}", body=body)
    if not seen.is_success:
        raise NotTriedError(f"the {what} of a mapping set was answered {seen.status} {seen.code}".rstrip())
    return seen


def _preview(trial: Trial, group: str) -> Any:
    """Return what the preview of a group answers."""

    def ask() -> Any:
        samples = PREVIEWS[group]
        row = {name: value for one in (PLAIN, *samples) for name, value in one.row.items()}
        return _sent(trial, "preview", {"data": [row], "mappingSet": _body(trial, samples)}).body

    return trial.once(f"preview of {group}", ask)


def _landed(trial: Trial, group: str) -> Json:
    """Return what the row of a group becomes, by the names of our own fields."""
    body = _preview(trial, group)
    # The reference has one object, the guide a list.
    first = next(iter(readers.mappings(body)), body)
    fields = dict(readers.mapping(readers.at(first, "data", *_own_fields(trial))))
    if not _is_alike(fields.get(PLAIN.id), PLAIN.result):
        raise NotTriedError("a preview does not show what is mapped as it is")
    return fields


def _own_fields(trial: Trial) -> tuple[str, str]:
    return f"_{schema_registry.tenant_id(trial.client)}", "paymentsVerify"


def _results(trial: Trial) -> list[Json]:
    """Return the results of the validation, the first of which is that of the plain mapping."""

    def ask() -> list[Json]:
        seen = _sent(trial, "validate", _body(trial, VALIDATED))
        return [dict(one) for one in readers.mappings(readers.at(seen.body, "validationResponse"))]

    results = trial.once("validation of samples", ask)
    if len(results) != len(VALIDATED) + 1 or results[0].get("status") != "SUCCESS":
        raise NotTriedError("a validation does not pass what is mapped as it is, or has no result for each mapping")
    return results


# ---- judging -------------------------------------------------------------------------------------------------------


def _is_alike(found: object, assumed: object) -> bool:
    """Whether two values are the same, or the same moment."""
    if isinstance(assumed, str) and (moment := readers.moment(assumed)) is not None:
        return readers.moment(found) == moment
    return found == assumed


def _shown(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, dict):
        return f"object of {len(value)}"
    return value if isinstance(value, str) and _SHOWN_TEXT.fullmatch(value) else "other"


def _becomes(group: str, sample: Sample) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        found = _landed(trial, group).get(sample.id)
        return judged(_is_alike(found, sample.result), value=_shown(found))

    return ask


def _passes(place: int, sample: Sample) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        is_passed = _results(trial)[place].get("status") == "SUCCESS"
        return judged(is_passed is sample.result, passed=is_passed)

    return ask


def _previews_list(trial: Trial) -> Finding:
    is_list = isinstance(_preview(trial, "values"), list)
    return judged(is_list, body="list" if is_list else "other")


def _has_no_errors(trial: Trial) -> Finding:
    errors = _results(trial)[0].get("errors")
    return judged(errors == [], errors="list" if isinstance(errors, list) else "null" if errors is None else "other")


def _validates_expression(trial: Trial) -> Finding:
    seen = trial.probe.send("POST", f"{DATA_PREP}/languages/el/validate", body={"expression": 'concat("1", "2")'})
    is_bare = seen.body is True
    return judged(is_bare, **seen.shown, body="true" if is_bare else "other")


# ---- the checks ----------------------------------------------------------------------------------------------------


def _check(sample_id: str, assumption: str, document: str, question: str, ask: Callable[[Trial], Finding]) -> Check:
    source = f"the emulator; {document}"
    return Check(f"data_prep.{sample_id}", assumption, source, question, ask, (Need.WHOLE,))


CHECKS = (
    *(
        _check(one.id, one.assumption, one.document, "preview a row", _becomes(group, one))
        for group, samples in PREVIEWS.items()
        for one in samples
    ),
    *(
        _check(one.id, one.assumption, one.document, "validate a mapping set", _passes(place, one))
        for place, one in enumerate(VALIDATED, 1)
    ),
    _check(
        "preview_list",
        "A preview of a list of rows is answered with a list.",
        "Adobe's guide; its OpenAPI file prints one object",
        "preview a list of one row",
        _previews_list,
    ),
    _check(
        "validation_errors",
        "A validation shows an empty list of errors for a mapping without any.",
        "Adobe's OpenAPI file; its guide prints null",
        "validate a mapping set",
        _has_no_errors,
    ),
    _check(
        "expression_validation",
        "The validation of a single expression is answered with a bare `true`.",
        "Adobe's OpenAPI file; its guide shows an object",
        "validate a sound expression",
        _validates_expression,
    ),
)
