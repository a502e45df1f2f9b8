"""Checks of list queries that this package never sends; for them the emulator's behaviour is a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.services import PAGE
from airflow_provider_payments.aep.verification.checks import Need, emulator_check
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.listing import (
    HONOURED,
    IGNORED,
    LISTINGS,
    parameter_check,
    poll_until_listed,
)

if TYPE_CHECKING:
    from airflow_provider_payments.aep.verification.probe import Answer
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

_FLOW_SERVICE, _REGISTRY, _CATALOG = LISTINGS["flow_service"], LISTINGS["schema_registry"], LISTINGS["catalog"]
#: Items in a page of Flow Service without a limit; maximum number of datasets in a page with `observableSchema`.
DEFAULT_PAGE_SIZE, MAX_OBSERVABLE_SCHEMAS = 100, 20
#: A member that no object has.
UNKNOWN_FIELD = "paymentsVerify"


def _query(trial: Trial, kind: str, *params: tuple[str, str]) -> Answer:
    """Query the list of a kind with exactly these parameters."""
    is_registry = kind == _REGISTRY.kind
    return trial.probe.send("GET", KINDS[kind].path, list(params), headers=_REGISTRY.headers if is_registry else None)


# ---- Flow Service --------------------------------------------------------------------------------------------------


def _default_page_size(trial: Trial) -> Finding:
    _FLOW_SERVICE.two_objects(trial)
    answer = _query(trial, _FLOW_SERVICE.kind)
    if not answer.is_success:
        return judged(False, **answer.summary)
    items = len(_FLOW_SERVICE.items(answer))
    has_next = readers.at(answer.body, "_links", "next") is not None
    is_cut = has_next and items < DEFAULT_PAGE_SIZE
    return judged(items <= DEFAULT_PAGE_SIZE and not is_cut, items=items, next=has_next)


def _unknown_field(trial: Trial) -> Finding:
    answer = _query(trial, _FLOW_SERVICE.kind, ("property", f"{UNKNOWN_FIELD}==1"), ("limit", "1"))
    return judged(answer.code == "FLOW-1449-400", **answer.summary)


def _refuses_grouping(trial: Trial) -> Finding:
    body = {"groupByProperty": "name", "limit": 1}
    answer = trial.probe.send("POST", f"{KINDS['dataflow'].path}/search", body=body)
    return judged(answer.code == "FLOW-1441-400", **answer.summary)


# ---- Schema Registry -----------------------------------------------------------------------------------------------


def _newest_first_by_default(trial: Trial) -> Finding:
    _REGISTRY.two_objects(trial)
    answer = _query(trial, _REGISTRY.kind, ("limit", "2"))
    if not answer.is_success:
        return judged(False, **answer.summary)
    items = _REGISTRY.items(answer)
    moments = (readers.moment(readers.at(item, *_REGISTRY.changed_at)) for item in items)
    times = [moment for moment in moments if moment is not None]
    if len(times) < 2:
        raise NotTriedError("no list contains two objects with their times")
    is_newest_first = times == sorted(times, reverse=True)
    return judged(len(items) == 2 and is_newest_first, items=len(items), newest_first=is_newest_first)


def _nothing_after_start(trial: Trial) -> Finding:
    trial.objects.first_id(_REGISTRY.kind)
    if not _REGISTRY.items(_query(trial, _REGISTRY.kind, ("limit", "2"))):
        raise NotTriedError("no list contains the objects that it needs")
    answer = _query(trial, _REGISTRY.kind, ("limit", "2"), ("start", "0"))
    items = len(_REGISTRY.items(answer))
    return judged(answer.is_success and not items, **answer.summary, items=items)


# ---- Catalog -------------------------------------------------------------------------------------------------------


def _by_schema(trial: Trial) -> str:
    dataset_id, schema_id = trial.objects.first_id("dataset"), trial.objects.first_id("schema")
    absent = f"https://ns.adobe.com/{schema_registry.tenant_id(trial.client)}/schemas/{UNKNOWN_FIELD}"

    def list_by_schema(wanted: str) -> list[str]:
        by_schema = ("property", f"schemaRef.id=={wanted}")
        return _CATALOG.ids(_CATALOG.list_items(trial, by_schema, ("limit", str(PAGE))))

    listed_ids = poll_until_listed(trial, _CATALOG, {dataset_id}, lambda: list_by_schema(schema_id))
    return HONOURED if dataset_id in listed_ids and not list_by_schema(absent) else IGNORED


def _max_observable_schemas(trial: Trial) -> Finding:
    properties = ("properties", "observableSchema")
    most, more = (
        _query(trial, _CATALOG.kind, properties, ("limit", str(limit)))
        for limit in (MAX_OBSERVABLE_SCHEMAS, MAX_OBSERVABLE_SCHEMAS + 1)
    )
    return judged(most.is_success and more.status == 400, most=most.status, more=more.status)


# ---- Data Prep -----------------------------------------------------------------------------------------------------


def _accepts_no_start(trial: Trial) -> Finding:
    answer = _query(trial, "mapping_set", ("limit", "1"))
    is_page = isinstance(readers.at(answer.body, "data"), list)
    return judged(is_page, **answer.summary, page=is_page)


def _mappings(trial: Trial) -> Answer:
    """Return the answer to a read of the mappings of a mapping set."""

    def read() -> Answer:
        mapping_set_id = trial.read("mapping_set").id
        return trial.probe.send("GET", f"{KINDS['mapping_set'].path}/{mapping_set_id}/mappings")

    return trial.shared("mappings of a mapping set", read)


def _lists_mappings(trial: Trial) -> Finding:
    answer = _mappings(trial)
    is_list = isinstance(answer.body, list)
    return judged(is_list, **answer.summary, body="list" if is_list else "other")


def _mappings_lack_dates(trial: Trial) -> Finding:
    mappings = readers.mappings(_mappings(trial).body)
    if not mappings:
        raise NotTriedError("a read of the mappings of a mapping set does not return a list of mappings")
    is_dated = any("createdDate" in mapping for mapping in mappings)
    return judged(not is_dated, dated=is_dated)


# ---- the checks ----------------------------------------------------------------------------------------------------


CHECKS = (
    emulator_check(
        "flow_service.default_page",
        f"A page of Flow Service without a limit contains {DEFAULT_PAGE_SIZE} items, or all items if there are fewer.",
        "a guess",
        "list target connections without a limit",
        _default_page_size,
    ),
    emulator_check(
        "flow_service.unknown_field",
        "A filter of Flow Service by a member that no object has is refused with FLOW-1449-400.",
        "Flow Service's catalogue of errors",
        "list target connections by an unknown member",
        _unknown_field,
    ),
    emulator_check(
        "flow_service.group_by_property",
        "A search of Flow Service with `groupByProperty` is refused with FLOW-1441-400.",
        "Adobe's OpenAPI file lists this member without an explanation",
        "search dataflows with `groupByProperty`",
        _refuses_grouping,
    ),
    emulator_check(
        "schema_registry.list_without_order",
        "A list of the Schema Registry without `orderby` accepts `limit`, and begins with the last change.",
        "observed live; the documents forbid such a list",
        "list two field groups without `orderby`",
        _newest_first_by_default,
    ),
    emulator_check(
        "schema_registry.start_without_order",
        "A list of the Schema Registry with `start=0` and without `orderby` is empty.",
        "observed live; the documents forbid such a list",
        "list field groups with `start=0` and without `orderby`",
        _nothing_after_start,
    ),
    parameter_check(
        "catalog.filter_schema",
        "A list of datasets by `schemaRef.id==` contains those of the schema and no other.",
        "the emulator; three public clients send it, the documentation mentions top-level members only",
        "list datasets by a created schema, and by a schema that does not exist",
        _by_schema,
        Need.WHOLE,
    ),
    emulator_check(
        "catalog.observable_schemas",
        f"A list with `observableSchema` accepts a limit of {MAX_OBSERVABLE_SCHEMAS}; more are refused with 400.",
        "the documented limit for service tokens; for user tokens it is 1",
        f"list datasets with `observableSchema` and a limit of {MAX_OBSERVABLE_SCHEMAS}, then of one more",
        _max_observable_schemas,
    ),
    emulator_check(
        "data_prep.list_without_start",
        "A list of mapping sets does not need `start`.",
        "Adobe's OpenAPI file requires `start`, Adobe's own client leaves it out",
        "list one mapping set without `start`",
        _accepts_no_start,
    ),
    emulator_check(
        "data_prep.mappings",
        "A read of the mappings of a mapping set returns a list.",
        "Adobe's guide; its OpenAPI file prints one object",
        "read the mappings of a created mapping set",
        _lists_mappings,
    ),
    emulator_check(
        "data_prep.mapping_dates",
        "The mappings of a mapping set have no creation dates.",
        "the documents disagree on the type of these dates",
        "read the mappings of a created mapping set",
        _mappings_lack_dates,
    ),
)
