"""Checks of filters that readers of runs, batches and related objects send, and of lists that they read besides."""

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
    check_of,
    until_shown,
)

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

_FLOW_SERVICE, _CATALOG = LISTINGS["flow_service"], LISTINGS["catalog"]
HOUR_SECONDS = 3600


def _milliseconds(trial: Trial, seconds: float) -> int:
    """Return the moment that lies a number of seconds from now, as filters take it."""
    return int((trial.client.now() + seconds) * 1000)


def _listed(trial: Trial, collection: str, *params: tuple[str, str]) -> list[Json]:
    seen = _FLOW_SERVICE.send(trial, *params, path=f"{FLOW_SERVICE}/{collection}")
    return _FLOW_SERVICE.items(seen)


# ---- filters of Flow Service ---------------------------------------------------------------------------------------


def _by_ids(trial: Trial) -> str:
    one, other = (made.existing.id for made in _FLOW_SERVICE.two(trial))
    shown = until_shown(trial, _FLOW_SERVICE, {one, other}, lambda: _among(trial, one, other))
    return HONOURED if set(shown) == {one, other} and _among(trial, other, str(uuid4())) == [other] else IGNORED


def _among(trial: Trial, *ids: str) -> list[str]:
    by_ids = ("property", f"id=={','.join(ids)}")
    return _FLOW_SERVICE.ids(_FLOW_SERVICE.ask(trial, by_ids, ("limit", str(PAGE))))


def _by_creation(trial: Trial) -> str:
    object_id = trial.objects.first(_FLOW_SERVICE.kind)

    def since(seconds: float) -> list[str]:
        created = ("property", f"createdAt>={_milliseconds(trial, seconds)}")
        return _FLOW_SERVICE.ids(_FLOW_SERVICE.ask(trial, created, ("limit", str(PAGE))))

    shown = until_shown(trial, _FLOW_SERVICE, {object_id}, lambda: since(-HOUR_SECONDS))
    return HONOURED if object_id in shown and not since(HOUR_SECONDS) else IGNORED


def _by_last_run(trial: Trial) -> str:
    trial.objects.first("dataflow")
    limit, later = ("limit", "1"), _milliseconds(trial, HOUR_SECONDS)
    if _listed(trial, "flows", ("property", f"lastRunDetails.startedAtUTC>={later}"), limit):
        return IGNORED
    if not _listed(trial, "flows", limit):
        raise NotTriedError("no list shows the dataflow that it needs")
    return HONOURED


def _by_dataset(trial: Trial) -> str:
    object_id, dataset_id = trial.objects.first(_FLOW_SERVICE.kind), trial.objects.first("dataset")
    params = (("property", f"params.dataSetId=={dataset_id}"), ("limit", str(PAGE)))
    items: list[Json] = []

    def ask() -> list[str]:
        items[:] = _FLOW_SERVICE.ask(trial, *params)
        return _FLOW_SERVICE.ids(items)

    shown = until_shown(trial, _FLOW_SERVICE, {object_id}, ask)
    others = any(readers.at(item, "params", "dataSetId") != dataset_id for item in items)
    return HONOURED if object_id in shown and not others else IGNORED


def _runs_of_dataflow(trial: Trial) -> str:
    flow_id = trial.objects.first("dataflow")
    params = (("property", f"flowId=={flow_id}"), ("orderby", "-createdAt"), ("limit", "1"))
    runs = _listed(trial, "runs", *params)
    if not runs and not _listed(trial, "runs", ("limit", "1")):
        raise NotTriedError("the sandbox has no flow run")
    return HONOURED if all(run.get("flowId") == flow_id for run in runs) else IGNORED


def _flow_specs(trial: Trial) -> str:
    names = [name for item in _listed(trial, "flowSpecs", ("limit", "1")) if (name := readers.text(item.get("name")))]
    if not names:
        raise NotTriedError("no flow spec with a name is listed")
    found = _listed(trial, "flowSpecs", ("property", f'name=="{names[0]}"'), ("limit", str(PAGE)))
    return HONOURED if {item.get("name") for item in found} == {names[0]} else IGNORED


def _continued(trial: Trial) -> str:
    """Ask for two objects by their ids, one in a page."""
    ids = {made.existing.id for made in _FLOW_SERVICE.two(trial)}
    try:
        until_shown(trial, _FLOW_SERVICE, ids, lambda: _among(trial, *ids))
    except RefusedError:
        raise NotTriedError("a list by ids was refused") from None
    pages = flow_service.pages(trial.client, "targetConnections", f"id=={','.join(sorted(ids))}", limit=1)
    found: list[list[str]] = []
    try:
        # Behind the last item an empty page may follow.
        for page in islice(pages, len(ids) + 1):
            found += [_FLOW_SERVICE.ids(page)]
    except RequestError as error:
        if not error.reason.startswith(INCOMPLETE):
            raise as_refusal(error) from None
    if len(found[0]) != 1:
        raise NotTriedError("a page of one, by two ids, does not hold one object")
    return HONOURED if {object_id for page in found for object_id in page} == ids else IGNORED


# ---- other lists ---------------------------------------------------------------------------------------------------


def _batches_of_dataset(trial: Trial) -> str:
    dataset_id = trial.objects.first("dataset")
    batches = _batches(trial, ("dataSet", dataset_id))
    if not batches and not _batches(trial):
        raise NotTriedError("the sandbox has no batch")
    related = [readers.mappings(readers.at(batch, "relatedObjects")) for batch in batches]
    return HONOURED if all(any(one.get("id") == dataset_id for one in objects) for objects in related) else IGNORED


def _batches(trial: Trial, *params: tuple[str, str]) -> list[object]:
    seen = _CATALOG.send(trial, *params, ("limit", "1"), path=f"{CATALOG}/batches")
    return list(readers.mapping(seen.body).values())


def _descriptors(trial: Trial) -> Finding:
    params, headers = {"orderby": "updated", "limit": "1"}, {"Accept": ACCEPT_DESCRIPTORS}
    seen = trial.probe.send("GET", DESCRIPTORS, params, headers=headers)
    return judged(isinstance(readers.at(seen.body, "results"), list), **seen.shown)


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
    check_of(
        "flow_service.filter_ids",
        "A list of Flow Service by `id==a,b` shows these objects and no other.",
        "`aep/runs/batch_polling.py`, `aep/health/reading.py`; Adobe's OpenAPI file",
        "list by the ids of two target connections, and by one of them and one of none",
        _by_ids,
    ),
    check_of(
        "flow_service.continuation_token",
        "The token of a page of Flow Service leads to the next page of the same filter.",
        "`aep/api/flow_service.py`",
        "list two target connections by their ids, one in a page",
        _continued,
    ),
    check_of(
        "flow_service.filter_created",
        "A list of Flow Service by `createdAt>=` takes epoch milliseconds.",
        "the emulator; Flow Service's catalogue of errors (1452)",
        "list target connections since an hour ago, and since in an hour",
        _by_creation,
        Need.WHOLE,
    ),
    check_of(
        "flow_service.filter_dataset",
        "A list of target connections by `params.dataSetId==` shows those of the dataset and no other.",
        "`FlowServiceResource.look_further` in `aep/resources/flow_service.py`; a refusal is understood, too",
        "list target connections by the dataset of our own",
        _by_dataset,
    ),
    check_of(
        "flow_service.filter_last_run_started",
        "A list of dataflows by `lastRunDetails.startedAtUTC>=` shows none that has begun no run since.",
        "Adobe's OpenAPI file; the emulator",
        "list dataflows whose last run begins in an hour",
        _by_last_run,
        Need.SOURCE,
    ),
    check_of(
        "flow_service.filter_runs",
        "A list of runs by `flowId==`, the newest first, shows those of the dataflow and no other.",
        "`RunList` in `aep/runs/flow_run.py`",
        "list the runs of a dataflow of our own, while there are runs",
        _runs_of_dataflow,
        Need.SOURCE,
    ),
    check_of(
        "flow_service.filter_flow_specs",
        "A list of flow specs by a name in quotes shows those of the name and no other.",
        "`look_up_flow_spec` in `aep/resources/flow_specs.py`",
        "list one flow spec, then by its name",
        _flow_specs,
        Need.WHOLE,
    ),
    check_of(
        "catalog.filter_batches",
        "A list of batches by `dataSet` shows those of the dataset and no other.",
        "`find_batch_id` in `aep/api/catalog.py`: a dataset with a batch is never deleted",
        "list the batches of a dataset of our own, while there are batches",
        _batches_of_dataset,
    ),
    Check(
        "schema_registry.descriptors",
        "Descriptors can be listed in pages, in the order of their changes.",
        "`descriptors` in `aep/api/schema_registry.py`",
        "list one",
        _descriptors,
    ),
    Check(
        "sandboxes.listed",
        "Any credential may list the sandboxes that it may use, each with its type.",
        "`aep/api/sandboxes.py`; a live answer",
        "list them",
        _sandbox,
    ),
)
