"""Checks of the Schema Registry: the schemas that it accepts, and the forms in which it returns resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.services import PROFILE_CLASS, SCHEMA_REGISTRY, segment
from airflow_provider_payments.aep.verification.checks import emulator_check
from airflow_provider_payments.aep.verification.findings import Finding, judged

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

KIND = "schema"


def _schema_body(trial: Trial, variant: str) -> Json:
    """Return the body of the usual schema, with a unique title."""
    return trial.objects.desired(KIND, f"{trial.objects.name(KIND)} {variant}").payload()


def _refuses_unknown_reference(trial: Trial) -> Finding:
    absent = f"https://ns.adobe.com/{schema_registry.tenant_id(trial.client)}/mixins/paymentsVerify"
    body = _schema_body(trial, "unknown reference")
    answer, _ = trial.objects.post(KIND, body | {"allOf": [*body["allOf"], {"$ref": absent}]})
    return judged(answer.status == 404, **answer.summary)


def _accepts_no_type(trial: Trial) -> Finding:
    body = _schema_body(trial, "without type")
    del body["type"]
    answer, _ = trial.objects.post(KIND, body)
    return judged(answer.is_success, **answer.summary)


def _refuses_form(form: str) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        headers = {"Accept": f"application/vnd.adobe.xed-{form}+json; version=1"}
        path = f"{SCHEMA_REGISTRY}/global/classes/{segment(PROFILE_CLASS)}"
        answer = trial.probe.send("GET", path, headers=headers)
        return judged(answer.status == 406, **answer.summary)

    return run


CHECKS = (
    emulator_check(
        "schema_registry.unknown_reference",
        "A schema that refers to a field group that does not exist is refused with 404.",
        "observed for a PATCH",
        "create such a schema",
        _refuses_unknown_reference,
    ),
    emulator_check(
        "schema_registry.without_type",
        "A schema without `type` is accepted.",
        "Adobe's OpenAPI file requires `type`, Adobe's own client leaves it out",
        "create such a schema",
        _accepts_no_type,
    ),
    *(
        emulator_check(
            f"schema_registry.accept_{form}",
            f"The Schema Registry does not know the form `-{form}` of `Accept`: it answers 406.",
            "only Adobe's own client uses this form",
            "read the profile class in this form",
            _refuses_form(form),
        )
        for form in ("flat", "deprecated")
    ),
)
