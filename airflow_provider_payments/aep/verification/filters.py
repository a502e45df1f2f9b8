"""Checks of the filters by which the client lists runs, batches and related objects, and of its other lists."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING
from uuid import uuid4

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import flow_service, sandboxes
from airflow_provider_payments.aep.api.patience import INCOMPLETE
from airflow_provider_payments.aep.api.schema_registry import ACCEPT_DESCRIPTORS, DESCRIPTORS
from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.services import CATALOG, FLOW_SERVICE, PAGE
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import FORBIDDEN
from airflow_provider_payments.aep.verification.listing import (
    HONOURED,
    IGNORED,
    LISTINGS,
    RefusedError,
    as_refusal,
    parameter_check,
    poll_until_listed,
)

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

_FLOW_SERVICE, _CATALOG = LISTINGS["flow_service"], LISTINGS["catalog"]
HOUR_SECONDS = 3600


def _milliseconds(trial: Trial, seconds: float) -> int:
    """Return the time a number of seconds from now in epoch milliseconds, the unit of filters."""
    return int((trial.client.now() + seconds) * 1000)


def _list_items(trial: Trial, collection: str, *params: tuple[str, str]) -> list[Json]:
    answer = _FLOW_SERVICE.send(trial, *params, path=f"{FLOW_SERVICE}/{collection}")
    return _FLOW_SERVICE.items(answer)


# ---- filters of Flow Service ---------------------------------------------------------------------------------------


def _by_ids(trial: Trial) -> str:
    one, other = (created.id for created in _FLOW_SERVICE.two_objects(trial))
    listed_ids = poll_until_listed(trial, _FLOW_SERVICE, {one, other}, lambda: _list_by_ids(trial, one, other))
    return (
        HONOURED if set(listed_ids) == {one, other} and _list_by_ids(trial, other, str(uuid4())) == [other] else IGNORED
    )


def _list_by_ids(trial: Trial, *ids: str) -> list[str]:
    by_ids = ("property", f"id=={','.join(ids)}")
    return _FLOW_SERVICE.ids(_FLOW_SERVICE.list_items(trial, by_ids, ("limit", str(PAGE))))


def _by_creation(trial: Trial) -> str:
    object_id = trial.objects.first_id(_FLOW_SERVICE.kind)

    def listed_since(seconds: float) -> list[str]:
        created = ("property", f"createdAt>={_milliseconds(trial, seconds)}")
        return _FLOW_SERVICE.ids(_FLOW_SERVICE.list_items(trial, created, ("limit", str(PAGE))))

    listed_ids = poll_until_listed(trial, _FLOW_SERVICE, {object_id}, lambda: listed_since(-HOUR_SECONDS))
    return HONOURED if object_id in listed_ids and not listed_since(HOUR_SECONDS) else IGNORED


def _by_last_run(trial: Trial) -> str:
    trial.objects.first_id("dataflow")
    limit, later = ("limit", "1"), _milliseconds(trial, HOUR_SECONDS)
    if _list_items(trial, "flows", ("property", f"lastRunDetails.startedAtUTC>={later}"), limit):
        return IGNORED
    if not _list_items(trial, "flows", limit):
        raise NotTriedError("no list contains the dataflow that it needs")
    return HONOURED


def _by_dataset(trial: Trial) -> str:
    object_id, dataset_id = trial.objects.first_id(_FLOW_SERVICE.kind), trial.objects.first_id("dataset")
    params = (("property", f"params.dataSetId=={dataset_id}"), ("limit", str(PAGE)))
    items: list[Json] = []

    def list_ids() -> list[str]:
        items[:] = _FLOW_SERVICE.list_items(trial, *params)
        return _FLOW_SERVICE.ids(items)

    listed_ids = poll_until_listed(trial, _FLOW_SERVICE, {object_id}, list_ids)
    others = any(readers.at(item, "params", "dataSetId") != dataset_id for item in items)
    return HONOURED if object_id in listed_ids and not others else IGNORED


def _runs_of_dataflow(trial: Trial) -> str:
    flow_id = trial.objects.first_id("dataflow")
    params = (("property", f"flowId=={flow_id}"), ("orderby", "-createdAt"), ("limit", "1"))
    runs = _list_items(trial, "runs", *params)
    if not runs and not _list_items(trial, "runs", ("limit", "1")):
        raise NotTriedError("the sandbox has no flow run")
    return HONOURED if all(run.get("flowId") == flow_id for run in runs) else IGNORED


def _flow_specs(trial: Trial) -> str:
    names = [
        name for item in _list_items(trial, "flowSpecs", ("limit", "1")) if (name := readers.text(item.get("name")))
    ]
    if not names:
        raise NotTriedError("no flow spec with a name is listed")
    found = _list_items(trial, "flowSpecs", ("property", f'name=="{names[0]}"'), ("limit", str(PAGE)))
    return HONOURED if {item.get("name") for item in found} == {names[0]} else IGNORED


def _continued(trial: Trial) -> str:
    """List two objects by their ids, one per page."""
    ids = {created.id for created in _FLOW_SERVICE.two_objects(trial)}
    try:
        poll_until_listed(trial, _FLOW_SERVICE, ids, lambda: _list_by_ids(trial, *ids))
    except RefusedError:
        raise NotTriedError("a list by ids was refused") from None
    pages = flow_service.pages(trial.client, "targetConnections", f"id=={','.join(sorted(ids))}", limit=1)
    found: list[list[str]] = []
    try:
        # One page more than objects, because the last page may be empty.
        for page in islice(pages, len(ids) + 1):
            found += [_FLOW_SERVICE.ids(page)]
    except RequestError as error:
        # The check judges an incomplete list by the ids that were found.
        if not error.reason.startswith(INCOMPLETE):
            raise as_refusal(error) from None
    if len(found[0]) != 1:
        raise NotTriedError("a list by two ids with `limit=1` does not contain one object")
    return HONOURED if {object_id for page in found for object_id in page} == ids else IGNORED


# ---- other lists ---------------------------------------------------------------------------------------------------


def _batches_of_dataset(trial: Trial) -> str:
    dataset_id = trial.objects.first_id("dataset")
    batches = _batches(trial, ("dataSet", dataset_id))
    if not batches and not _batches(trial):
        raise NotTriedError("the sandbox has no batch")
    related = [readers.mappings(readers.at(batch, "relatedObjects")) for batch in batches]
    return HONOURED if all(any(one.get("id") == dataset_id for one in objects) for objects in related) else IGNORED


def _batches(trial: Trial, *params: tuple[str, str]) -> list[object]:
    answer = _CATALOG.send(trial, *params, ("limit", "1"), path=f"{CATALOG}/batches")
    return list(readers.mapping(answer.body).values())


def _descriptors(trial: Trial) -> Finding:
    params, headers = {"orderby": "updated", "limit": "1"}, {"Accept": ACCEPT_DESCRIPTORS}
    answer = trial.probe.send("GET", DESCRIPTORS, params, headers=headers)
    return judged(isinstance(readers.at(answer.body, "results"), list), **answer.summary)


def _sandbox(trial: Trial) -> Finding:
    try:
        kind = sandboxes.types(trial.client).get(trial.client.sandbox)
    except RequestError as error:
        if error.status != FORBIDDEN:
            raise
        return judged(False, listed=False, type="other")
    known = kind if kind in ("development", "production") else "other"
    return judged(known != "other", listed=kind is not None, type=known)


# ---- the checks ----------------------------------------------------------------------------------------------------

CHECKS = (
    parameter_check(
        "flow_service.filter_ids",
        "A list of Flow Service by `id==a,b` contains these objects and no other.",
        "`aep/runs/batch_polling.py`, `aep/health/reading.py`; Adobe's OpenAPI file",
        "list by the ids of two target connections, and by one of these ids and an unknown one",
        _by_ids,
    ),
    parameter_check(
        "flow_service.continuation_token",
        "The token of a page of Flow Service leads to the next page of the same filter.",
        "`aep/api/flow_service.py`",
        "list two target connections by their ids, one per page",
        _continued,
    ),
    parameter_check(
        "flow_service.filter_created",
        "A list of Flow Service by `createdAt>=` compares with epoch milliseconds.",
        "the emulator; Flow Service's catalogue of errors (1452)",
        "list target connections created since an hour ago, and those created after an hour from now",
        _by_creation,
        Need.WHOLE,
    ),
    parameter_check(
        "flow_service.filter_dataset",
        "A list of target connections by `params.dataSetId==` contains those of the dataset and no other.",
        "`FlowServiceResource.search_by_second_key` in `aep/resources/flow_service.py`, which handles a refusal too",
        "list target connections by a created dataset",
        _by_dataset,
    ),
    parameter_check(
        "flow_service.filter_last_run_started",
        "A list of dataflows by `lastRunDetails.startedAtUTC>=` contains only those whose last run began since then.",
        "Adobe's OpenAPI file; the emulator",
        "list dataflows whose last run began after an hour from now",
        _by_last_run,
        Need.SOURCE,
    ),
    parameter_check(
        "flow_service.filter_runs",
        "A list of runs by `flowId==`, the newest first, contains those of the dataflow and no other.",
        "`RunList` in `aep/runs/flow_run.py`",
        "list the runs of a created dataflow, if the sandbox has any run",
        _runs_of_dataflow,
        Need.SOURCE,
    ),
    parameter_check(
        "flow_service.filter_flow_specs",
        "A list of flow specs by a name in quotes contains those of the name and no other.",
        "`look_up_flow_spec` in `aep/resources/flow_specs.py`",
        "list one flow spec, then by its name",
        _flow_specs,
        Need.WHOLE,
    ),
    parameter_check(
        "catalog.filter_batches",
        "A list of batches by `dataSet` contains those of the dataset and no other.",
        "`find_batch_id` in `aep/api/catalog.py`: a dataset with a batch is never deleted",
        "list the batches of a created dataset, if the sandbox has any batch",
        _batches_of_dataset,
    ),
    Check(
        "schema_registry.descriptors",
        "Descriptors can be listed in pages, sorted by the time of their last change.",
        "`descriptors` in `aep/api/schema_registry.py`",
        "list one descriptor",
        _descriptors,
    ),
    Check(
        "sandboxes.listed",
        "Any credential may list the sandboxes that it may use, each with its type.",
        "`aep/api/sandboxes.py`; a live answer",
        "list the sandboxes",
        _sandbox,
    ),
)
