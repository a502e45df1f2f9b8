"""
Rules of Flow Service for dataflows and target connections: what breaks one is refused, with its number.

Our arguments are held against them before any request. A dataflow that is sent here begins a day later, so that it
brings in no row even if it is taken where it should be refused; it is deleted at once. Only the checks of start times,
which need permission to bring in rows, send an earlier start.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.resources.flow_service import spec
from airflow_provider_payments.aep.resources.sources import SOURCES
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.mapping_sets import invalid_mapping_set
from airflow_provider_payments.aep.verification.objects import START_DELAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.made import Made
    from airflow_provider_payments.aep.verification.probe import Seen
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS", "dataflow_once"]

DAY_SECONDS = int(START_DELAY.total_seconds())
HOUR_SECONDS = 3600
#: Of a dataflow that runs once: rows land though others fail.
OPTIONS = {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 100}


# ---- bodies --------------------------------------------------------------------------------------------------------


def _daily(trial: Trial, **schedule: object) -> Json:
    """Return the body of the usual dataflow, with another schedule; its first run reads no old rows."""
    params = {"startTime": _in(trial, DAY_SECONDS), "frequency": "day", "interval": 1, "backfill": False} | schedule
    return trial.objects.desired("dataflow").payload() | {"scheduleParams": params}


def _once(trial: Trial, **schedule: object) -> Json:
    """Return the body of a dataflow that runs once."""
    params = {"startTime": _in(trial, DAY_SECONDS), "frequency": "once"} | schedule
    return _without_copy(trial) | {"scheduleParams": params, "options": OPTIONS}


def _every_minutes(trial: Trial, interval: int) -> Json:
    return _daily(trial, frequency="minute", interval=interval)


def _with_copy(trial: Trial) -> Json:
    return _once(trial) | {"transformations": _daily(trial)["transformations"]}


def _without_copy(trial: Trial) -> Json:
    body = _daily(trial)
    return body | {"transformations": [step for step in body["transformations"] if step["name"] != "Copy"]}


def _starting(trial: Trial, seconds: int) -> Json:
    return _daily(trial, startTime=_in(trial, seconds))


def _with_invalid_mapping(trial: Trial) -> Json:
    used = {"name": "Mapping", "params": {"mappingId": invalid_mapping_set(trial), "mappingVersion": "0"}}
    copies = [step for step in _daily(trial)["transformations"] if step["name"] == "Copy"]
    return _daily(trial) | {"transformations": [*copies, used]}


def _in_wrong_place(trial: Trial) -> Json:
    # What the tutorial's sample prints.
    return trial.objects.desired("target_connection").payload() | {"connectionSpec": spec(SOURCES["paypal"].spec_id)}


def _in(trial: Trial, seconds: int) -> int:
    return int(trial.client.now()) + seconds


# ---- asking --------------------------------------------------------------------------------------------------------


def _posted(trial: Trial, body: Json, kind: str = "dataflow") -> Seen:
    """Send a creation; delete what it makes."""
    seen, made = trial.objects.post(kind, body)
    if made is not None:
        # What cannot be read yet could not be deleted either; it is deleted at the end then.
        with suppress(NotTriedError):
            trial.read(kind, made.existing.id)
            trial.objects.delete(made)
    return seen


def _refuses(code: str, body: Callable[[Trial], Json], kind: str = "dataflow") -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        seen = _posted(trial, body(trial), kind)
        return judged(seen.code == code, **seen.shown)

    return ask


def _takes(body: Callable[[Trial], Json]) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        seen = _posted(trial, body(trial))
        return judged(seen.is_success, **seen.shown)

    return ask


def _refuses_draft(trial: Trial) -> Finding:
    body, target = _daily(trial), trial.objects.desired("target_connection").payload()
    seen, draft = trial.objects.post("target_connection", target, {"mode": "draft"})
    if draft is None:
        raise NotTriedError(f"the creation of a draft was answered {seen.status} {seen.code}".rstrip())
    trial.read("target_connection", draft.existing.id)
    try:
        seen = _posted(trial, body | {"targetConnectionIds": [draft.existing.id]})
    finally:
        # Another dataflow would take it for its own.
        trial.objects.delete(draft)
    return judged(seen.code == "FLOW-1014-400", **seen.shown)


def _of_tables(ask: Callable[[Trial], Finding]) -> Callable[[Trial], Finding]:
    def ask_of_tables(trial: Trial) -> Finding:
        if not trial.objects.require_source().source.tabular:
            raise NotTriedError("the source offers no tables")
        return ask(trial)

    return ask_of_tables


def dataflow_once(trial: Trial) -> Made:
    """
    Return a dataflow that runs once, a day later; it can be run on demand.

    :raises NotTriedError: if the service refuses it.
    """
    seen, made = trial.once("dataflow once", lambda: trial.objects.post("dataflow", _once(trial)))
    if made is None:
        raise NotTriedError(
            f"the creation of a dataflow that runs once was answered {seen.status} {seen.code}".rstrip()
        )
    return made


def _takes_once(trial: Trial) -> Finding:
    seen, _ = trial.once("dataflow once", lambda: trial.objects.post("dataflow", _once(trial)))
    return judged(seen.is_success, **seen.shown)


# ---- the checks ----------------------------------------------------------------------------------------------------

_ERRORS_OF_SOURCES = "Adobe's catalogue of errors of sources"

CHECKS = (
    Check(
        "target_connection.data_lake_spec",
        "A target connection with another connection spec than the data lake's is refused with FLOW-1307-400.",
        f"`aep/resources/flow_service.py`; {_ERRORS_OF_SOURCES}; the tutorial's sample prints another",
        "create one with PayPal's, as the sample has it",
        _refuses("FLOW-1307-400", _in_wrong_place, "target_connection"),
    ),
    Check(
        "dataflow.invalid_mapping",
        "A dataflow with a mapping to a field that the schema does not have is refused with FLOW-1419-400.",
        "`aep/resources/data_prep.py`; Flow Service's catalogue of errors",
        "create one that begins a day later",
        _refuses("FLOW-1419-400", _with_invalid_mapping),
        (Need.SOURCE,),
    ),
    Check(
        "dataflow.draft_used",
        "A dataflow to a target connection that is a draft is refused with FLOW-1014-400.",
        "the emulator; a guess",
        "create one that begins a day later",
        _refuses_draft,
        (Need.SOURCE, Need.WHOLE),
    ),
    Check(
        "dataflow.interval_14_minutes",
        "A dataflow that runs every 14 minutes is refused with FLOW-1362-400.",
        "`aep/resources/schedule.py`; the flow spec's schedule",
        "create one that begins a day later",
        _refuses("FLOW-1362-400", lambda trial: _every_minutes(trial, 14)),
        (Need.SOURCE,),
    ),
    Check(
        "dataflow.interval_15_minutes",
        "A dataflow that runs every 15 minutes is taken.",
        "`aep/resources/schedule.py`; the flow spec's schedule",
        "create one that begins a day later",
        _takes(lambda trial: _every_minutes(trial, 15)),
        (Need.SOURCE, Need.WHOLE),
    ),
    Check(
        "dataflow.without_delta_column",
        "A dataflow over a table that runs daily is refused without a delta column, with FLOW-1367-400.",
        f"`aep/resources/dataflow.py`; {_ERRORS_OF_SOURCES}",
        "create one that begins a day later",
        _of_tables(_refuses("FLOW-1367-400", _without_copy)),
        (Need.SOURCE,),
    ),
    Check(
        "dataflow.once",
        "A dataflow that runs once is taken without a Copy transformation.",
        "`aep/resources/dataflow.py`; the flow spec's schema requires a delta column within Copy",
        "create one that begins a day later",
        _takes_once,
        (Need.SOURCE,),
    ),
    Check(
        "dataflow.once_with_delta_column",
        "A dataflow that runs once is refused with a delta column, with FLOW-1369-400.",
        f"`aep/resources/dataflow.py`; {_ERRORS_OF_SOURCES}",
        "create one that begins a day later",
        _of_tables(_refuses("FLOW-1369-400", _with_copy)),
        (Need.SOURCE,),
    ),
    Check(
        "dataflow.once_with_interval",
        "A dataflow that runs once is refused with an interval, with FLOW-1361-400.",
        f"`aep/resources/schedule.py`; {_ERRORS_OF_SOURCES}",
        "create one that begins a day later",
        _refuses("FLOW-1361-400", lambda trial: _once(trial, interval=1)),
        (Need.SOURCE, Need.WHOLE),
    ),
    Check(
        "dataflow.once_with_backfill",
        "A dataflow that runs once is refused with `backfill`, with FLOW-1364-400.",
        f"`aep/resources/schedule.py`; {_ERRORS_OF_SOURCES}",
        "create one that begins a day later",
        _refuses("FLOW-1364-400", lambda trial: _once(trial, backfill=True)),
        (Need.SOURCE, Need.WHOLE),
    ),
    Check(
        "dataflow.start_time_now",
        "A dataflow that begins in the present second is taken.",
        "`aep/resources/schedule.py`; Adobe's notebook sends it",
        "create one without backfill, delete it at once",
        _takes(lambda trial: _starting(trial, 0)),
        (Need.SOURCE, Need.INGEST),
    ),
    Check(
        "dataflow.start_time_past",
        "A dataflow whose start time is an hour ago is refused with FLOW-1360-400.",
        f"`aep/resources/dataflow.py`; {_ERRORS_OF_SOURCES}",
        "create one without backfill; delete it at once if it is taken",
        _refuses("FLOW-1360-400", lambda trial: _starting(trial, -HOUR_SECONDS)),
        (Need.SOURCE, Need.INGEST),
    ),
)
