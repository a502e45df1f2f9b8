"""What a PATCH and an action change: whether a read by id shows it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.resources.schema_fields import find_tenant_object
from airflow_provider_payments.aep.services import segment
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.resources.kind import RemoteObject
    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.probe import Seen
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS", "shown", "switched"]

#: Seconds in which a read by id shows a change at the latest.
MAX_READ_SECONDS = 10.0
#: What is written.
DESCRIPTION, INTERVAL_DAYS, FIELD = "a description of payments verify", 2, "note"
DIAGNOSTICS = "errorDiagnosticsEnabled"
#: Where a field group of a verification holds its fields, below the tenant's namespace.
FIELDS = ("properties", "paymentsVerify", "properties")


def shown(trial: Trial, kind: str, object_id: str, shows: Callable[[Json], bool]) -> bool:
    """
    Return whether a read by its id shows a change of an object soon.

    :param shows: whether an item shows it.
    """
    return any(shows(KINDS[kind].get(trial.client, object_id).item) for _ in trial.polls(MAX_READ_SECONDS))


def switched(trial: Trial, dataflow_id: str, op: str, state: str) -> tuple[Seen, bool]:
    """Enable or disable a dataflow; return the answer, and whether a read shows the state then."""
    seen = trial.probe.send("POST", f"{KINDS['dataflow'].path}/{segment(dataflow_id)}/action", {"op": op})
    return seen, seen.is_success and shown(trial, "dataflow", dataflow_id, lambda item: item.get("state") == state)


def _patch(trial: Trial, kind: str, existing: RemoteObject, body: Any) -> Seen:
    path = f"{KINDS[kind].path}/{segment(existing.id)}"
    return trial.probe.send("PATCH", path, body=body, headers={"If-Match": existing.etag} if existing.etag else {})


def _changed(trial: Trial, kind: str, existing: RemoteObject, body: Any, shows: Callable[[Json], bool]) -> Finding:
    seen = _patch(trial, kind, existing, body)
    is_shown = seen.is_success and shown(trial, kind, existing.id, shows)
    return judged(is_shown, **seen.shown, shown=is_shown)


def _put(path: str, value: object) -> Json:
    return {"op": "add", "path": path, "value": value}


# ---- members -------------------------------------------------------------------------------------------------------


def _merges_description(trial: Trial) -> Finding:
    body = {"description": DESCRIPTION}
    return _changed(trial, "dataset", trial.read("dataset"), body, lambda item: item.get("description") == DESCRIPTION)


def _renames(trial: Trial) -> Finding:
    existing = trial.read("dataflow")
    before = str(existing.item.get("name"))
    after = f"{before} renamed"
    finding = _changed(trial, "dataflow", existing, [_put("/name", after)], lambda item: item.get("name") == after)
    # Other checks know it by its name.
    _patch(trial, "dataflow", trial.read("dataflow"), [_put("/name", before)])
    return finding


def _changes_members(trial: Trial) -> Finding:
    existing = trial.read("dataflow")
    body = [_put("/scheduleParams/interval", INTERVAL_DAYS), _put("/options", {DIAGNOSTICS: True})]

    def shows(item: Json) -> bool:
        interval = readers.count(readers.at(item, "scheduleParams", "interval"))
        return interval == INTERVAL_DAYS and readers.at(item, "options", DIAGNOSTICS) in (True, "true")

    return _changed(trial, "dataflow", existing, body, shows)


def _refuses_absent_member(trial: Trial) -> Finding:
    existing = trial.read("dataflow")
    if DIAGNOSTICS in readers.mapping(existing.item.get("options")):
        raise NotTriedError("a dataflow that was made without options shows this one")
    body = [{"op": "replace", "path": f"/options/{DIAGNOSTICS}", "value": True}]
    seen = _patch(trial, "dataflow", existing, body)
    return judged(seen.code == "FLOW-1455-400", **seen.shown)


def _adds_field(trial: Trial) -> Finding:
    kind = "field_group"
    namespace = f"_{schema_registry.tenant_id(trial.client)}"
    existing = trial.read(kind)
    own = find_tenant_object(KINDS[kind].fields_of(existing), namespace)
    if own is None:
        raise NotTriedError("a field group does not show its own fields")

    def shows(item: Json) -> bool:
        found = find_tenant_object(Fields(kind, item), namespace)
        return found is not None and FIELD in found[1].mapping(*FIELDS)

    body = [_put("/".join((own[0], *FIELDS, FIELD)), {"type": "string"})]
    return _changed(trial, kind, existing, body, shows)


def _switches(trial: Trial) -> Finding:
    dataflow_id = trial.objects.first("dataflow")
    off, is_off = switched(trial, dataflow_id, "disable", "disabled")
    on, is_on = switched(trial, dataflow_id, "enable", "enabled")
    return judged(is_off and is_on, disable=off.status, disabled=is_off, enable=on.status, enabled=is_on)


# ---- the checks ----------------------------------------------------------------------------------------------------

_TUTORIAL = '`aep/resources/dataflow.py`; Adobe\'s tutorial "Update dataflows"'

CHECKS = (
    Check(
        "dataset.description",
        "A PATCH of a dataset merges a description into it.",
        "`aep/resources/catalog.py`; Adobe's OpenAPI file",
        "send it, then read the dataset",
        _merges_description,
    ),
    Check(
        "field_group.new_field",
        "A PATCH adds a field to a field group where it holds its own fields.",
        "`aep/resources/schema_registry.py`; Adobe's Schema Registry guide",
        "add one, then read the field group",
        _adds_field,
    ),
    Check(
        "dataflow.name",
        "A PATCH changes the name of a dataflow.",
        _TUTORIAL,
        "change it, read the dataflow, change it back",
        _renames,
        (Need.SOURCE,),
    ),
    Check(
        "dataflow.patch_absent",
        "A PATCH `replace` of a member that a dataflow does not have is refused with FLOW-1455-400.",
        "`aep/resources/live_dataflow.py` (sends `add`); Flow Service's catalogue of errors",
        "replace an option of a dataflow without options",
        _refuses_absent_member,
        (Need.SOURCE,),
    ),
    Check(
        "dataflow.members",
        "A PATCH `add` changes the interval and the options of a dataflow that has not begun.",
        _TUTORIAL,
        "change them, then read the dataflow",
        _changes_members,
        (Need.SOURCE, Need.WHOLE),
    ),
    Check(
        "dataflow.disabled",
        "The actions `disable` and `enable` change the state of a dataflow.",
        "`aep/resources/switches.py`; Adobe's OpenAPI file prints them in capitals",
        "disable it, read it, enable it, read it",
        _switches,
        (Need.SOURCE,),
    ),
)
