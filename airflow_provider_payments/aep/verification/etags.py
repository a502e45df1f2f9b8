"""Checks of ``If-Match``: the PATCH requests of a description that the services accept and refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.services import segment
from airflow_provider_payments.aep.verification.changes import is_visible_soon
from airflow_provider_payments.aep.verification.checks import Check
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.resources.kind import RemoteObject
    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.probe import Answer
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

#: The kinds whose objects are changed, in Flow Service and in the Schema Registry.
FLOW_SERVICE_KIND, REGISTRY_KIND = "target_connection", "schema"
#: The beginning of all descriptions that are sent.
DESCRIPTION = "changed by request"


@attrs.frozen
class _FirstChange:
    """
    The first change of an object's description, with its current etag.

    :param kind: key of the object's kind.
    :param before: the object before the change; its etag is stale afterwards.
    :param answer: the answer to the change.
    """

    kind: str
    before: RemoteObject
    answer: Answer

    @property
    def etag(self) -> str:
        """
        The etag before the change.

        :raises NotTriedError: if the object has none.
        """
        if not self.before.etag:
            raise NotTriedError(f"a {KINDS[self.kind]} has no etag")
        return self.before.etag


def _first_change(trial: Trial, kind: str) -> _FirstChange:
    def change() -> _FirstChange:
        before = trial.read(kind)
        return _FirstChange(kind, before, _change_description(trial, kind, before, before.etag))

    return trial.shared(f"first change of a {kind}", change)


def _change_description(trial: Trial, kind: str, existing: RemoteObject, etag: str | None) -> Answer:
    """Send a new description, which keeps the object's mark, with an etag; return the answer."""
    # Each text is unique within a verification, because a PATCH without a change may leave the etag as it is.
    text = Mark.described(existing.item.get("description"), f"{DESCRIPTION} {trial.probe.budget.sent}")
    path = f"{KINDS[kind].path}/{segment(existing.id)}"
    operations = [{"op": "add", "path": "/description", "value": text}]
    return trial.probe.send("PATCH", path, body=operations, headers={"If-Match": etag} if etag else {})


def _accepts_current_etag(kind: str) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        change = _first_change(trial, kind)
        return judged(bool(change.etag) and change.answer.is_success, **change.answer.summary)

    return run


def _changes_description(kind: str) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        change = _first_change(trial, kind)
        is_shown = change.answer.is_success and is_visible_soon(trial, kind, change.before.id, _has_new_description)
        return judged(is_shown, **change.answer.summary, shown=is_shown)

    return run


def _has_new_description(item: Json) -> bool:
    return str(item.get("description")).startswith(DESCRIPTION)


def _refuses_missing_etag(kind: str, status: int) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        answer = _change_description(trial, kind, _first_change(trial, kind).before, None)
        return judged(answer.status == status, **answer.summary)

    return run


def _refuses_stale_etag(kind: str) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        change = _first_change(trial, kind)
        if not change.answer.is_success:
            raise NotTriedError(f"a PATCH with the current etag was answered {change.answer.status}")
        answer = _change_description(trial, kind, change.before, change.etag)
        return judged(answer.status == 412, **answer.summary)

    return run


def _refuses_bare_etag(trial: Trial) -> Finding:
    existing = trial.read(FLOW_SERVICE_KIND)
    bare = (existing.etag or "").strip('"')
    if bare == (existing.etag or ""):
        raise NotTriedError("etags contain no quotes")
    answer = _change_description(trial, FLOW_SERVICE_KIND, existing, bare)
    return judged(not answer.is_success, **answer.summary)


CHECKS = (
    Check(
        "flow_service.if_match",
        "Flow Service accepts a PATCH whose `If-Match` is the etag as read, with its inner quotes.",
        "`aep/resources/items.py`; Adobe's documents print the header with and without the quotes",
        "change the description of a target connection",
        _accepts_current_etag(FLOW_SERVICE_KIND),
    ),
    Check(
        "target_connection.description",
        "A PATCH changes the description of a target connection.",
        "`aep/resources/switches.py` (marks); Adobe's OpenAPI file",
        "change the description, then read the target connection",
        _changes_description(FLOW_SERVICE_KIND),
    ),
    Check(
        "flow_service.if_match_without_quotes",
        "Flow Service refuses a PATCH whose `If-Match` lacks the etag's inner quotes.",
        "`docs/emulator.md`; Adobe's documents print the header with and without the quotes",
        "change the description of a target connection without the quotes in the header",
        _refuses_bare_etag,
    ),
    Check(
        "flow_service.if_match_absent",
        "Flow Service refuses a PATCH without `If-Match` with 400.",
        "Flow Service's catalogue of errors (1403)",
        "change the description of a target connection without the header",
        _refuses_missing_etag(FLOW_SERVICE_KIND, 400),
    ),
    Check(
        "flow_service.if_match_stale",
        "Flow Service refuses a PATCH whose `If-Match` is an earlier etag with 412.",
        "`aep/resources/switches.py`; Flow Service's catalogue of errors (1404)",
        "change the description of a target connection twice with the same etag",
        _refuses_stale_etag(FLOW_SERVICE_KIND),
    ),
    Check(
        "schema_registry.if_match",
        "The Schema Registry accepts a PATCH whose `If-Match` is the `eTag` of `meta:registryMetadata`.",
        "`aep/resources/schema_registry.py`; no published sample shows the header",
        "change the description of a schema",
        _accepts_current_etag(REGISTRY_KIND),
    ),
    Check(
        "schema.description",
        "A PATCH changes the description of a schema.",
        "`aep/resources/schema_registry.py`; Adobe's Schema Registry guide",
        "change the description, then read the schema",
        _changes_description(REGISTRY_KIND),
    ),
    Check(
        "schema_registry.if_match_absent",
        "The Schema Registry refuses a PATCH without `If-Match` with 428.",
        "`docs/emulator.md`; one document says so, Adobe's samples send none",
        "change the description of a schema without the header",
        _refuses_missing_etag(REGISTRY_KIND, 428),
    ),
    Check(
        "schema_registry.if_match_stale",
        "The Schema Registry refuses a PATCH whose `If-Match` is an earlier `eTag` with 412.",
        "`aep/resources/schema_registry.py`; one document says so",
        "change the description of a schema twice with the same `eTag`",
        _refuses_stale_etag(REGISTRY_KIND),
    ),
)
