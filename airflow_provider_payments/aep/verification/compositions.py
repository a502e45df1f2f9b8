"""Checks of the Schema Registry: which schemas it takes, and in which forms it shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.services import PROFILE_CLASS, SCHEMA_REGISTRY, segment
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, judged

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

KIND = "schema"


def _schema(trial: Trial, what: str) -> Json:
    """Return the body of the usual schema, with a title of its own."""
    return trial.objects.desired(KIND, f"{trial.objects.name(KIND)} {what}").payload()


def _refuses_reference(trial: Trial) -> Finding:
    absent = f"https://ns.adobe.com/{schema_registry.tenant_id(trial.client)}/mixins/paymentsVerify"
    body = _schema(trial, "unknown reference")
    seen, _ = trial.objects.post(KIND, body | {"allOf": [*body["allOf"], {"$ref": absent}]})
    return judged(seen.status == 404, **seen.shown)


def _takes_no_type(trial: Trial) -> Finding:
    body = _schema(trial, "without type")
    del body["type"]
    seen, _ = trial.objects.post(KIND, body)
    return judged(seen.is_success, **seen.shown)


def _lacks_form(form: str) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        headers = {"Accept": f"application/vnd.adobe.xed-{form}+json; version=1"}
        path = f"{SCHEMA_REGISTRY}/global/classes/{segment(PROFILE_CLASS)}"
        seen = trial.probe.send("GET", path, headers=headers)
        return judged(seen.status == 406, **seen.shown)

    return ask


def _check(name: str, assumption: str, document: str, question: str, ask: Callable[[Trial], Finding]) -> Check:
    source = f"the emulator; {document}"
    return Check(f"schema_registry.{name}", assumption, source, question, ask, (Need.WHOLE,))


CHECKS = (
    _check(
        "unknown_reference",
        "A schema that refers to a field group that does not exist is refused with 404.",
        "on record for a PATCH",
        "create one",
        _refuses_reference,
    ),
    _check(
        "without_type",
        "A schema without `type` is taken.",
        "Adobe's OpenAPI file requires it, Adobe's own client leaves it out",
        "create one",
        _takes_no_type,
    ),
    *(
        _check(
            f"accept_{form}",
            f"The Schema Registry does not know the form `-{form}` of `Accept`: it answers 406.",
            "only Adobe's own client has it",
            "read the class of profiles so",
            _lacks_form(form),
        )
        for form in ("flat", "deprecated")
    ),
)
