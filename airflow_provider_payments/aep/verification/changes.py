"""Checks of PATCH requests and actions: whether a read by id returns the change soon afterwards."""

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
    from airflow_provider_payments.aep.verification.probe import Answer
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS", "is_visible_soon", "switch_state"]

#: Maximum seconds from a change until a read by id returns it.
MAX_READ_SECONDS = 10.0
#: The values that are written.
DESCRIPTION, INTERVAL_DAYS, FIELD = "a description of payments verify", 2, "note"
DIAGNOSTICS = "errorDiagnosticsEnabled"
#: Path of the fields of a verification's field group, below the tenant's namespace.
FIELDS = ("properties", "paymentsVerify", "properties")


def is_visible_soon(trial: Trial, kind: str, object_id: str, has_change: Callable[[Json], bool]) -> bool:
    """
    Return whether a read by its id returns an object's change within ``MAX_READ_SECONDS``.

    :param has_change: returns whether an item contains the change.
    """
    return any(has_change(KINDS[kind].get(trial.client, object_id).item) for _ in trial.polls(MAX_READ_SECONDS))


def switch_state(trial: Trial, dataflow_id: str, op: str, state: str) -> tuple[Answer, bool]:
    """Enable or disable a dataflow; return the answer, and whether a read returns the new state soon."""
    answer = trial.probe.send("POST", f"{KINDS['dataflow'].path}/{segment(dataflow_id)}/action", {"op": op})
    return answer, answer.is_success and is_visible_soon(
        trial, "dataflow", dataflow_id, lambda item: item.get("state") == state
    )


def _patch(trial: Trial, kind: str, existing: RemoteObject, body: Any) -> Answer:
    path = f"{KINDS[kind].path}/{segment(existing.id)}"
    return trial.probe.send("PATCH", path, body=body, headers={"If-Match": existing.etag} if existing.etag else {})


def _finding_of_patch(
    trial: Trial, kind: str, existing: RemoteObject, body: Any, has_change: Callable[[Json], bool]
) -> Finding:
    answer = _patch(trial, kind, existing, body)
    is_shown = answer.is_success and is_visible_soon(trial, kind, existing.id, has_change)
    return judged(is_shown, **answer.summary, shown=is_shown)


def _add_operation(path: str, value: object) -> Json:
    return {"op": "add", "path": path, "value": value}


# ---- members -------------------------------------------------------------------------------------------------------


def _merges_description(trial: Trial) -> Finding:
    body = {"description": DESCRIPTION}
    return _finding_of_patch(
        trial, "dataset", trial.read("dataset"), body, lambda item: item.get("description") == DESCRIPTION
    )


def _renames(trial: Trial) -> Finding:
    existing = trial.read("dataflow")
    before = str(existing.item.get("name"))
    after = f"{before} renamed"
    finding = _finding_of_patch(
        trial, "dataflow", existing, [_add_operation("/name", after)], lambda item: item.get("name") == after
    )
    # Other checks find the dataflow by its name.
    _patch(trial, "dataflow", trial.read("dataflow"), [_add_operation("/name", before)])
    return finding


def _changes_members(trial: Trial) -> Finding:
    existing = trial.read("dataflow")
    body = [_add_operation("/scheduleParams/interval", INTERVAL_DAYS), _add_operation("/options", {DIAGNOSTICS: True})]

    def has_change(item: Json) -> bool:
        interval = readers.count(readers.at(item, "scheduleParams", "interval"))
        return interval == INTERVAL_DAYS and readers.at(item, "options", DIAGNOSTICS) in (True, "true")

    return _finding_of_patch(trial, "dataflow", existing, body, has_change)


def _refuses_replacing_absent_member(trial: Trial) -> Finding:
    existing = trial.read("dataflow")
    if DIAGNOSTICS in readers.mapping(existing.item.get("options")):
        raise NotTriedError("a dataflow that was created without options has this one")
    body = [{"op": "replace", "path": f"/options/{DIAGNOSTICS}", "value": True}]
    answer = _patch(trial, "dataflow", existing, body)
    return judged(answer.code == "FLOW-1455-400", **answer.summary)


def _adds_field(trial: Trial) -> Finding:
    kind = "field_group"
    namespace = f"_{schema_registry.tenant_id(trial.client)}"
    existing = trial.read(kind)
    own = find_tenant_object(KINDS[kind].fields_of(existing), namespace)
    if own is None:
        raise NotTriedError("a read of a field group does not return its own fields")

    def has_change(item: Json) -> bool:
        found = find_tenant_object(Fields(kind, item), namespace)
        return found is not None and FIELD in found[1].mapping(*FIELDS)

    body = [_add_operation("/".join((own[0], *FIELDS, FIELD)), {"type": "string"})]
    return _finding_of_patch(trial, kind, existing, body, has_change)


def _switches_state(trial: Trial) -> Finding:
    dataflow_id = trial.objects.first_id("dataflow")
    off, is_off = switch_state(trial, dataflow_id, "disable", "disabled")
    on, is_on = switch_state(trial, dataflow_id, "enable", "enabled")
    return judged(is_off and is_on, disable=off.status, disabled=is_off, enable=on.status, enabled=is_on)


# ---- the checks ----------------------------------------------------------------------------------------------------

_TUTORIAL = '`aep/resources/dataflow.py`; Adobe\'s tutorial "Update dataflows"'

CHECKS = (
    Check(
        "dataset.description",
        "A PATCH of a dataset merges a description into it.",
        "`aep/resources/catalog.py`; Adobe's OpenAPI file",
        "change the description, then read the dataset",
        _merges_description,
    ),
    Check(
        "field_group.new_field",
        "A PATCH adds a field to a field group at the path of its own fields.",
        "`aep/resources/schema_registry.py`; Adobe's Schema Registry guide",
        "add a field, then read the field group",
        _adds_field,
    ),
    Check(
        "dataflow.name",
        "A PATCH changes the name of a dataflow.",
        _TUTORIAL,
        "change the name, read the dataflow, restore the name",
        _renames,
        (Need.SOURCE,),
    ),
    Check(
        "dataflow.patch_absent",
        "A PATCH `replace` of a member that a dataflow does not have is refused with FLOW-1455-400.",
        "`aep/resources/live_dataflow.py` (sends `add`); Flow Service's catalogue of errors",
        "replace an option of a dataflow without options",
        _refuses_replacing_absent_member,
        (Need.SOURCE,),
    ),
    Check(
        "dataflow.members",
        "A PATCH `add` changes the interval and the options of a dataflow before its start time.",
        _TUTORIAL,
        "change both, then read the dataflow",
        _changes_members,
        (Need.SOURCE,),
    ),
    Check(
        "dataflow.disabled",
        "The actions `disable` and `enable` change the state of a dataflow.",
        "`aep/resources/switches.py`; Adobe's OpenAPI file prints them in capitals",
        "disable a dataflow, read it, enable it, read it",
        _switches_state,
        (Need.SOURCE,),
    ),
)
