"""
Checks of Flow Service's rules for dataflows and target connections: a violation is refused with the rule's error code.

The operators validate their arguments against these rules before any request. The dataflows that are sent here start a
day later, so that one that is accepted unexpectedly ingests no rows; it is deleted at once. Only the checks of start
times, which need permission to ingest rows, send an earlier start time.
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
    from airflow_provider_payments.aep.verification.created_object import CreatedObject
    from airflow_provider_payments.aep.verification.probe import Answer
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS", "one_time_dataflow"]

START_DELAY_SECONDS = int(START_DELAY.total_seconds())
HOUR_SECONDS = 3600
#: Options of a dataflow that runs once: valid rows are ingested even if others fail.
INGESTION_OPTIONS = {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 100}


# ---- bodies --------------------------------------------------------------------------------------------------------


def _daily(trial: Trial, **schedule: object) -> Json:
    """Return the body of the usual dataflow with a daily schedule, some members of which are replaced; no backfill."""
    params = {
        "startTime": _epoch_in(trial, START_DELAY_SECONDS),
        "frequency": "day",
        "interval": 1,
        "backfill": False,
    } | schedule
    return trial.objects.desired("dataflow").payload() | {"scheduleParams": params}


def _one_time(trial: Trial, **schedule: object) -> Json:
    """Return the body of a dataflow that runs once."""
    params = {"startTime": _epoch_in(trial, START_DELAY_SECONDS), "frequency": "once"} | schedule
    return _without_copy(trial) | {"scheduleParams": params, "options": INGESTION_OPTIONS}


def _every_minutes(trial: Trial, interval: int) -> Json:
    return _daily(trial, frequency="minute", interval=interval)


def _with_copy(trial: Trial) -> Json:
    return _one_time(trial) | {"transformations": _daily(trial)["transformations"]}


def _without_copy(trial: Trial) -> Json:
    body = _daily(trial)
    return body | {"transformations": [step for step in body["transformations"] if step["name"] != "Copy"]}


def _starting(trial: Trial, seconds: int) -> Json:
    return _daily(trial, startTime=_epoch_in(trial, seconds))


def _with_invalid_mapping(trial: Trial) -> Json:
    used = {"name": "Mapping", "params": {"mappingId": invalid_mapping_set(trial), "mappingVersion": "0"}}
    copies = [step for step in _daily(trial)["transformations"] if step["name"] == "Copy"]
    return _daily(trial) | {"transformations": [*copies, used]}


def _to_wrong_connection_spec(trial: Trial) -> Json:
    # The connection spec of a sample in Adobe's tutorial.
    return trial.objects.desired("target_connection").payload() | {"connectionSpec": spec(SOURCES["paypal"].spec_id)}


def _epoch_in(trial: Trial, seconds: int) -> int:
    return int(trial.client.now()) + seconds


# ---- requests ------------------------------------------------------------------------------------------------------


def _post_and_delete(trial: Trial, body: Json, kind: str = "dataflow") -> Answer:
    """Send a creation, and delete the object that it creates; return the answer."""
    answer, created = trial.objects.post(kind, body)
    if created is not None:
        # An object that cannot be read yet cannot be deleted either; it is deleted at the end of the verification.
        with suppress(NotTriedError):
            trial.read(kind, created.id)
            trial.objects.delete(created)
    return answer


def _refuses(code: str, body: Callable[[Trial], Json], kind: str = "dataflow") -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        answer = _post_and_delete(trial, body(trial), kind)
        return judged(answer.code == code, **answer.summary)

    return run


def _accepts(body: Callable[[Trial], Json]) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        answer = _post_and_delete(trial, body(trial))
        return judged(answer.is_success, **answer.summary)

    return run


def _refuses_draft(trial: Trial) -> Finding:
    body, target = _daily(trial), trial.objects.desired("target_connection").payload()
    answer, draft = trial.objects.post("target_connection", target, {"mode": "draft"})
    if draft is None:
        raise NotTriedError(f"the creation of a draft was answered {answer.status_text}")
    trial.read("target_connection", draft.id)
    try:
        answer = _post_and_delete(trial, body | {"targetConnectionIds": [draft.id]})
    finally:
        # Otherwise another dataflow of the verification would use the draft.
        trial.objects.delete(draft)
    return judged(answer.code == "FLOW-1014-400", **answer.summary)


def _if_tabular(run: Callable[[Trial], Finding]) -> Callable[[Trial], Finding]:
    def run_if_tabular(trial: Trial) -> Finding:
        if not trial.objects.require_source().source.tabular:
            raise NotTriedError("the source offers no tables")
        return run(trial)

    return run_if_tabular


def one_time_dataflow(trial: Trial) -> CreatedObject:
    """
    Return a dataflow that runs once, a day later. It is created at the first call, and can be run on demand.

    :raises NotTriedError: if the service refuses the dataflow.
    """
    answer, created = _one_time_creation(trial)
    if created is None:
        raise NotTriedError(f"the creation of a dataflow that runs once was answered {answer.status_text}")
    return created


def _one_time_creation(trial: Trial) -> tuple[Answer, CreatedObject | None]:
    return trial.shared("one-time dataflow", lambda: trial.objects.post("dataflow", _one_time(trial)))


def _accepts_one_time_dataflow(trial: Trial) -> Finding:
    answer, _ = _one_time_creation(trial)
    return judged(answer.is_success, **answer.summary)


# ---- the checks ----------------------------------------------------------------------------------------------------

_METHOD = "create such a dataflow that starts a day later"
_SCHEDULE = "`aep/resources/schedule.py`; the flow spec's schedule"
_ERRORS_OF_SOURCES = "Adobe's catalogue of errors of sources"


def _refused(
    check_id: str,
    subject: str,
    code: str,
    source: str,
    body: Callable[[Trial], Json],
    *,
    only_tables: bool = False,
) -> Check:
    """Return the check that a dataflow with this body is refused with an error code."""
    run = _refuses(code, body)
    assumption = f"{subject} is refused with {code}."
    return Check(check_id, assumption, source, _METHOD, _if_tabular(run) if only_tables else run, (Need.SOURCE,))


CHECKS = (
    Check(
        "target_connection.data_lake_spec",
        "A target connection with another connection spec than the data lake's is refused with FLOW-1307-400.",
        f"`aep/resources/flow_service.py`; {_ERRORS_OF_SOURCES}; the tutorial's sample has another connection spec",
        "create a target connection with PayPal's connection spec, as in the sample",
        _refuses("FLOW-1307-400", _to_wrong_connection_spec, "target_connection"),
    ),
    _refused(
        "dataflow.invalid_mapping",
        "A dataflow with a mapping to a field that the schema does not have",
        "FLOW-1419-400",
        "`aep/resources/data_prep.py`; Flow Service's catalogue of errors",
        _with_invalid_mapping,
    ),
    Check(
        "dataflow.draft_used",
        "A dataflow to a target connection that is a draft is refused with FLOW-1014-400.",
        "the emulator; a guess",
        _METHOD,
        _refuses_draft,
        (Need.SOURCE,),
    ),
    _refused(
        "dataflow.interval_14_minutes",
        "A dataflow that runs every 14 minutes",
        "FLOW-1362-400",
        _SCHEDULE,
        lambda trial: _every_minutes(trial, 14),
    ),
    Check(
        "dataflow.interval_15_minutes",
        "A dataflow that runs every 15 minutes is accepted.",
        _SCHEDULE,
        _METHOD,
        _accepts(lambda trial: _every_minutes(trial, 15)),
        (Need.SOURCE,),
    ),
    _refused(
        "dataflow.without_delta_column",
        "A dataflow that reads a table daily without a delta column",
        "FLOW-1367-400",
        f"`aep/resources/dataflow.py`; {_ERRORS_OF_SOURCES}",
        _without_copy,
        only_tables=True,
    ),
    Check(
        "dataflow.once",
        "A dataflow with the frequency `once` and without a Copy transformation is accepted.",
        "`aep/resources/dataflow.py`; the flow spec's schema requires a delta column within Copy",
        _METHOD,
        _accepts_one_time_dataflow,
        (Need.SOURCE,),
    ),
    _refused(
        "dataflow.once_with_delta_column",
        "A dataflow with the frequency `once` and a delta column",
        "FLOW-1369-400",
        f"`aep/resources/dataflow.py`; {_ERRORS_OF_SOURCES}",
        _with_copy,
        only_tables=True,
    ),
    _refused(
        "dataflow.once_with_interval",
        "A dataflow with the frequency `once` and an interval",
        "FLOW-1361-400",
        f"`aep/resources/schedule.py`; {_ERRORS_OF_SOURCES}",
        lambda trial: _one_time(trial, interval=1),
    ),
    _refused(
        "dataflow.once_with_backfill",
        "A dataflow with the frequency `once` and `backfill`",
        "FLOW-1364-400",
        f"`aep/resources/schedule.py`; {_ERRORS_OF_SOURCES}",
        lambda trial: _one_time(trial, backfill=True),
    ),
    Check(
        "dataflow.start_time_now",
        "A dataflow whose start time is the current second is accepted.",
        "`aep/resources/schedule.py`; Adobe's notebook sends such a start time",
        "create a dataflow without a backfill, delete it at once",
        _accepts(lambda trial: _starting(trial, 0)),
        (Need.SOURCE, Need.INGEST),
    ),
    Check(
        "dataflow.start_time_past",
        "A dataflow whose start time is an hour ago is refused with FLOW-1360-400.",
        f"`aep/resources/dataflow.py`; {_ERRORS_OF_SOURCES}",
        "create a dataflow without a backfill; delete it at once if it is accepted",
        _refuses("FLOW-1360-400", lambda trial: _starting(trial, -HOUR_SECONDS)),
        (Need.SOURCE, Need.INGEST),
    ),
)
