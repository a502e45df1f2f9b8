"""Checks of lists that are asked otherwise than this package asks: what the emulator makes of that is a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.services import PAGE
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.listing import HONOURED, IGNORED, LISTINGS, check_of, until_shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.verification.probe import Seen
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

_FLOW_SERVICE, _REGISTRY, _CATALOG = LISTINGS["flow_service"], LISTINGS["schema_registry"], LISTINGS["catalog"]
#: Items of a page of Flow Service without a limit, and datasets of a page that shows `observableSchema`.
DEFAULT_PAGE, MAX_OBSERVABLE_SCHEMAS = 100, 20
#: A member that no object has.
UNKNOWN_FIELD = "paymentsVerify"


def _send(trial: Trial, kind: str, *params: tuple[str, str]) -> Seen:
    """Ask for a list with these parameters and no other."""
    is_registry = kind == _REGISTRY.kind
    return trial.probe.send("GET", KINDS[kind].path, list(params), headers=_REGISTRY.headers if is_registry else None)


# ---- Flow Service --------------------------------------------------------------------------------------------------


def _without_limit(trial: Trial) -> Finding:
    _FLOW_SERVICE.two(trial)
    seen = _send(trial, _FLOW_SERVICE.kind)
    if not seen.is_success:
        return judged(False, **seen.shown)
    items = len(_FLOW_SERVICE.items(seen))
    has_next = readers.at(seen.body, "_links", "next") is not None
    is_cut = has_next and items < DEFAULT_PAGE
    return judged(items <= DEFAULT_PAGE and not is_cut, items=items, next=has_next)


def _unknown_field(trial: Trial) -> Finding:
    seen = _send(trial, _FLOW_SERVICE.kind, ("property", f"{UNKNOWN_FIELD}==1"), ("limit", "1"))
    return judged(seen.code == "FLOW-1449-400", **seen.shown)


def _grouped(trial: Trial) -> Finding:
    body = {"groupByProperty": "name", "limit": 1}
    seen = trial.probe.send("POST", f"{KINDS['dataflow'].path}/search", body=body)
    return judged(seen.code == "FLOW-1441-400", **seen.shown)


# ---- Schema Registry -----------------------------------------------------------------------------------------------


def _without_order(trial: Trial) -> Finding:
    _REGISTRY.two(trial)
    seen = _send(trial, _REGISTRY.kind, ("limit", "2"))
    if not seen.is_success:
        return judged(False, **seen.shown)
    items = _REGISTRY.items(seen)
    moments = (readers.moment(readers.at(item, *_REGISTRY.changed_at)) for item in items)
    times = [moment for moment in moments if moment is not None]
    if len(times) < 2:
        raise NotTriedError("no list shows two objects with their times")
    is_newest_first = times == sorted(times, reverse=True)
    return judged(len(items) == 2 and is_newest_first, items=len(items), newest_first=is_newest_first)


def _start_without_order(trial: Trial) -> Finding:
    trial.objects.first(_REGISTRY.kind)
    if not _REGISTRY.items(_send(trial, _REGISTRY.kind, ("limit", "2"))):
        raise NotTriedError("no list shows the objects that it needs")
    seen = _send(trial, _REGISTRY.kind, ("limit", "2"), ("start", "0"))
    items = len(_REGISTRY.items(seen))
    return judged(seen.is_success and not items, **seen.shown, items=items)


# ---- Catalog -------------------------------------------------------------------------------------------------------


def _by_schema(trial: Trial) -> str:
    dataset_id, schema_id = trial.objects.first("dataset"), trial.objects.first("schema")
    absent = f"https://ns.adobe.com/{schema_registry.tenant_id(trial.client)}/schemas/{UNKNOWN_FIELD}"

    def among(wanted: str) -> list[str]:
        by_schema = ("property", f"schemaRef.id=={wanted}")
        return _CATALOG.ids(_CATALOG.ask(trial, by_schema, ("limit", str(PAGE))))

    shown = until_shown(trial, _CATALOG, {dataset_id}, lambda: among(schema_id))
    return HONOURED if dataset_id in shown and not among(absent) else IGNORED


def _observable(trial: Trial) -> Finding:
    properties = ("properties", "observableSchema")
    most, more = (
        _send(trial, _CATALOG.kind, properties, ("limit", str(limit)))
        for limit in (MAX_OBSERVABLE_SCHEMAS, MAX_OBSERVABLE_SCHEMAS + 1)
    )
    return judged(most.is_success and more.status == 400, most=most.status, more=more.status)


# ---- Data Prep -----------------------------------------------------------------------------------------------------


def _without_start(trial: Trial) -> Finding:
    seen = _send(trial, "mapping_set", ("limit", "1"))
    is_page = isinstance(readers.at(seen.body, "data"), list)
    return judged(is_page, **seen.shown, page=is_page)


def _mappings(trial: Trial) -> Seen:
    """Return the answer to a request for the mappings of a mapping set."""

    def ask() -> Seen:
        mapping_set_id = trial.read("mapping_set").id
        return trial.probe.send("GET", f"{KINDS['mapping_set'].path}/{mapping_set_id}/mappings")

    return trial.once("mappings of a mapping set", ask)


def _lists_mappings(trial: Trial) -> Finding:
    seen = _mappings(trial)
    is_list = isinstance(seen.body, list)
    return judged(is_list, **seen.shown, body="list" if is_list else "other")


def _dates_no_mappings(trial: Trial) -> Finding:
    mappings = readers.mappings(_mappings(trial).body)
    if not mappings:
        raise NotTriedError("the mappings of a mapping set are not answered with a list of them")
    is_dated = any("createdDate" in mapping for mapping in mappings)
    return judged(not is_dated, dated=is_dated)


# ---- the checks ----------------------------------------------------------------------------------------------------


def _check(check_id: str, assumption: str, document: str, question: str, ask: Callable[[Trial], Finding]) -> Check:
    return Check(check_id, assumption, f"the emulator; {document}", question, ask, (Need.WHOLE,))


CHECKS = (
    _check(
        "flow_service.default_page",
        f"A page of Flow Service without a limit holds {DEFAULT_PAGE} items, or all that there are.",
        "a guess",
        "list target connections without a limit",
        _without_limit,
    ),
    _check(
        "flow_service.unknown_field",
        "A filter of Flow Service by a member that nothing has is refused with FLOW-1449-400.",
        "Flow Service's catalogue of errors",
        "list target connections by one",
        _unknown_field,
    ),
    _check(
        "flow_service.group_by_property",
        "A search of Flow Service with `groupByProperty` is refused with FLOW-1441-400.",
        "Adobe's OpenAPI file names it and explains it nowhere",
        "search dataflows with it",
        _grouped,
    ),
    _check(
        "schema_registry.list_without_order",
        "A list of the Schema Registry without `orderby` takes `limit`, and what changed last comes first.",
        "seen live; the documents forbid it",
        "list two field groups so",
        _without_order,
    ),
    _check(
        "schema_registry.start_without_order",
        "A list of the Schema Registry without `orderby` shows nothing behind `start=0`.",
        "seen live; the documents forbid it",
        "list field groups so",
        _start_without_order,
    ),
    check_of(
        "catalog.filter_schema",
        "A list of datasets by `schemaRef.id==` shows those of the schema and no other.",
        "the emulator; three public clients send it, the documentation speaks of members at the top",
        "list datasets by our own schema, and by one that does not exist",
        _by_schema,
        Need.WHOLE,
    ),
    _check(
        "catalog.observable_schemas",
        f"A list that shows `observableSchema` may hold {MAX_OBSERVABLE_SCHEMAS} datasets; more are refused with 400.",
        "the documented limit for service tokens; for user tokens it is 1",
        f"list so with a limit of {MAX_OBSERVABLE_SCHEMAS} and of one more",
        _observable,
    ),
    _check(
        "data_prep.list_without_start",
        "A list of mapping sets does not need `start`.",
        "Adobe's OpenAPI file requires it, Adobe's own client leaves it out",
        "list one without it",
        _without_start,
    ),
    _check(
        "data_prep.mappings",
        "The mappings of a mapping set are answered with a list.",
        "Adobe's guide; its OpenAPI file prints one object",
        "read those of a mapping set of our own",
        _lists_mappings,
    ),
    _check(
        "data_prep.mapping_dates",
        "The mappings of a mapping set have no dates of their own.",
        "the documents disagree on their type",
        "read those of a mapping set of our own",
        _dates_no_mappings,
    ),
)
