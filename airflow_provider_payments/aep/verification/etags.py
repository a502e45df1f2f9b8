"""Descriptions and ``If-Match``: which PATCH the services take, and which they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.services import segment
from airflow_provider_payments.aep.verification.changes import shown
from airflow_provider_payments.aep.verification.checks import Check
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.resources.kind import RemoteObject
    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.probe import Seen
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

#: Of each service, the kind whose objects are changed.
FLOW_SERVICE_KIND, REGISTRY_KIND = "target_connection", "schema"
#: What the descriptions that are sent begin with.
DESCRIPTION = "changed by request"


@attrs.frozen
class _Described:
    """
    An object whose description has been changed with its present etag.

    :param kind: its kind.
    :param before: the object as it was read before; its etag is stale now.
    :param answer: to the change.
    """

    kind: str
    before: RemoteObject
    answer: Seen

    @property
    def etag(self) -> str:
        """
        The etag from before.

        :raises NotTriedError: if the object showed none.
        """
        if not self.before.etag:
            raise NotTriedError(f"a {KINDS[self.kind]} shows no etag")
        return self.before.etag


def _described(trial: Trial, kind: str) -> _Described:
    return trial.once(f"{kind} described", lambda: _describe_first(trial, kind))


def _describe_first(trial: Trial, kind: str) -> _Described:
    before = trial.read(kind)
    return _Described(kind, before, _describe(trial, kind, before, before.etag))


def _describe(trial: Trial, kind: str, existing: RemoteObject, etag: str | None) -> Seen:
    """Send another description, which keeps the object's mark, with this etag."""
    # No two requests of a verification send the same text: one that changes nothing need not change the etag.
    text = Mark.described(existing.item.get("description"), f"{DESCRIPTION} {trial.probe.pace.sent}")
    path = f"{KINDS[kind].path}/{segment(existing.id)}"
    operations = [{"op": "add", "path": "/description", "value": text}]
    return trial.probe.send("PATCH", path, body=operations, headers={"If-Match": etag} if etag else {})


def _takes_present_etag(kind: str) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        found = _described(trial, kind)
        return judged(bool(found.etag) and found.answer.is_success, **found.answer.shown)

    return ask


def _shows_description(kind: str) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        found = _described(trial, kind)
        is_shown = found.answer.is_success and shown(trial, kind, found.before.id, _is_described)
        return judged(is_shown, **found.answer.shown, shown=is_shown)

    return ask


def _is_described(item: Json) -> bool:
    return str(item.get("description")).startswith(DESCRIPTION)


def _refuses_none(kind: str, status: int) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        seen = _describe(trial, kind, _described(trial, kind).before, None)
        return judged(seen.status == status, **seen.shown)

    return ask


def _refuses_stale_etag(kind: str) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        found = _described(trial, kind)
        if not found.answer.is_success:
            raise NotTriedError(f"a PATCH with the present etag is answered {found.answer.status}")
        seen = _describe(trial, kind, found.before, found.etag)
        return judged(seen.status == 412, **seen.shown)

    return ask


def _refuses_bare_etag(trial: Trial) -> Finding:
    existing = trial.read(FLOW_SERVICE_KIND)
    bare = (existing.etag or "").strip('"')
    if bare == (existing.etag or ""):
        raise NotTriedError("etags have no quotes of their own")
    seen = _describe(trial, FLOW_SERVICE_KIND, existing, bare)
    return judged(not seen.is_success, **seen.shown)


CHECKS = (
    Check(
        "flow_service.if_match",
        "Flow Service takes a PATCH whose `If-Match` is the etag as it shows it, with its inner quotes.",
        "`aep/resources/items.py`; Adobe's documents print it both ways",
        "change the description of a target connection",
        _takes_present_etag(FLOW_SERVICE_KIND),
    ),
    Check(
        "target_connection.description",
        "A PATCH changes the description of a target connection.",
        "`aep/resources/switches.py` (marks); Adobe's OpenAPI file",
        "change it, then read the target connection",
        _shows_description(FLOW_SERVICE_KIND),
    ),
    Check(
        "flow_service.if_match_without_quotes",
        "Flow Service refuses a PATCH whose `If-Match` lacks the etag's inner quotes.",
        "`docs/emulator.md`; Adobe's documents print it both ways",
        "change the description of a target connection, the quotes left out",
        _refuses_bare_etag,
    ),
    Check(
        "flow_service.if_match_absent",
        "Flow Service refuses a PATCH without `If-Match` with 400.",
        "Flow Service's catalogue of errors (1403)",
        "change the description of a target connection without the header",
        _refuses_none(FLOW_SERVICE_KIND, 400),
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
        "The Schema Registry takes a PATCH whose `If-Match` is the `eTag` of `meta:registryMetadata`.",
        "`aep/resources/schema_registry.py`; no published sample shows the header",
        "change the description of a schema",
        _takes_present_etag(REGISTRY_KIND),
    ),
    Check(
        "schema.description",
        "A PATCH changes the description of a schema.",
        "`aep/resources/schema_registry.py`; Adobe's Schema Registry guide",
        "change it, then read the schema",
        _shows_description(REGISTRY_KIND),
    ),
    Check(
        "schema_registry.if_match_absent",
        "The Schema Registry refuses a PATCH without `If-Match` with 428.",
        "`docs/emulator.md`; one document says so, Adobe's samples send none",
        "change the description of a schema without the header",
        _refuses_none(REGISTRY_KIND, 428),
    ),
    Check(
        "schema_registry.if_match_stale",
        "The Schema Registry refuses a PATCH whose `If-Match` is an earlier `eTag` with 412.",
        "`aep/resources/schema_registry.py`; one document says so",
        "change the description of a schema twice with the same `eTag`",
        _refuses_stale_etag(REGISTRY_KIND),
    ),
)
