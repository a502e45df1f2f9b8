"""Flow specs and dataflows: request bodies, schedules, and comparisons with existing dataflows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from tests.conftest import Emulator
from tests.operators.chain import FLOW_SPEC, MAPPINGS, TaskInstance, build, context, make_ends, run

LATER = datetime(2040, 5, 1, 12, tzinfo=UTC)
DELTA = {"name": "Create_Time", "dateFormat": "yyyy-MM-dd HH:mm:ss", "timezone": "UTC"}
ONCE: dict[str, Any] = {"frequency": "once", "interval": None, "delta_column": None}


@pytest.fixture
def ends(connected: Emulator) -> dict[str, Any]:
    return make_ends()


def create(ends: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return run(CreateDataflowOperator, **ends | {"start_time": LATER} | changes)


def sent(emulator: Emulator) -> dict[str, Any]:
    """Return the body of the only request that created a dataflow."""
    (body,) = emulator.posted("/flows")
    return dict(body)


@pytest.mark.parametrize(
    ("source", "name", "transformations"),
    [
        ("paypal", "CRMToAEP", ["Copy", "Mapping"]),
        ("Square", "CRMToAEP", ["Copy", "Mapping"]),
        ("stripe", "RestStorageToAEP", ["Mapping"]),
    ],
)
def test_a_flow_spec_is_found_by_its_source(
    connected: Emulator, source: str, name: str, transformations: list[str]
) -> None:
    found = run(FindFlowSpecOperator, source=source)
    assert set(found) == {"id", "name", "version", "transformations", "schedule_schema", "option_schema"}
    assert (found["name"], found["version"], found["transformations"]) == (name, "1.0", transformations)
    assert set(found["schedule_schema"]["properties"]) == {"startTime", "frequency", "interval", "backfill"}
    assert set(found["option_schema"]["properties"]) == {"errorDiagnosticsEnabled", "partialIngestionPercent"}
    assert connected.requests(method="POST", path="/data") == []


def test_a_flow_spec_without_the_source_needs_any_source(connected: Emulator) -> None:
    with pytest.raises(AirflowFailException, match=r"'RestStorageToAEP' does not list.*any_source=True"):
        run(FindFlowSpecOperator, name="RestStorageToAEP")
    assert run(FindFlowSpecOperator, name="RestStorageToAEP", any_source=True)["name"] == "RestStorageToAEP"


def test_a_flow_spec_is_found_by_its_name_alone(connected: Emulator) -> None:
    assert run(FindFlowSpecOperator, source=None, name="RestStorageToAEP")["transformations"] == ["Mapping"]


def test_an_unknown_flow_spec_is_named_in_the_error(connected: Emulator) -> None:
    with pytest.raises(AirflowFailException, match="name='NoSuchSpec'"):
        run(FindFlowSpecOperator, name="NoSuchSpec")


def test_a_dataflow_is_created_once(connected: Emulator, ends: dict[str, Any]) -> None:
    arguments = {"flow_spec": run(FindFlowSpecOperator), "description": "d", "partial_ingestion_percent": 5}
    first, second = create(ends, **arguments), create(ends, **arguments)
    assert sent(connected) == {
        "name": "products",
        "description": "d",
        "flowSpec": {"id": FLOW_SPEC, "version": "1.0"},
        "sourceConnectionIds": [ends["source_connection_id"]],
        "targetConnectionIds": [ends["target_connection_id"]],
        "transformations": [
            {"name": "Copy", "params": {"deltaColumn": DELTA}},
            {"name": "Mapping", "params": {"mappingId": ends["mapping_set_id"], "mappingVersion": "0"}},
        ],
        "scheduleParams": {"startTime": int(LATER.timestamp()), "frequency": "minute", "interval": 30},
        "options": {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 5},
    }
    (created,) = connected.objects("flows")
    assert set(first) == {"id", "name", "created", "etag", "duplicates", "runs_since"}
    assert (first["id"], first["name"], first["created"], first["etag"]) == (
        created["id"],
        "products",
        True,
        created["etag"],
    )
    assert (second["id"], second["created"], second["duplicates"]) == (created["id"], False, [])


def test_a_dataflow_that_runs_once_has_no_interval_and_delta_column(connected: Emulator, ends: dict[str, Any]) -> None:
    created = create(ends, **ONCE)
    assert sent(connected)["scheduleParams"] == {"startTime": int(LATER.timestamp()), "frequency": "once"}
    assert [t["name"] for t in sent(connected)["transformations"]] == ["Mapping"]
    assert "options" not in sent(connected)
    assert created["runs_since"] == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"error_diagnostics": True}, {"errorDiagnosticsEnabled": True}),
        ({"error_diagnostics": "false"}, {"errorDiagnosticsEnabled": False}),
        (
            {"partial_ingestion_percent": "2.5"},
            {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 2.5},
        ),
    ],
    ids=["diagnostics", "no diagnostics", "tolerance"],
)
def test_error_tolerance_is_sent_as_options(
    connected: Emulator, ends: dict[str, Any], options: dict[str, Any], expected: dict[str, Any]
) -> None:
    create(ends, **options)
    assert sent(connected)["options"] == expected


def test_a_delta_column_may_have_a_date_format_and_timezone(connected: Emulator, ends: dict[str, Any]) -> None:
    create(ends, delta_column={"name": "Create_Time", "dateFormat": "yyyy-MM-dd"}, source_columns=["Create_Time"])
    assert sent(connected)["transformations"][0]["params"]["deltaColumn"] == {
        "name": "Create_Time",
        "dateFormat": "yyyy-MM-dd",
        "timezone": "UTC",
    }


@pytest.mark.parametrize(
    "start",
    [
        LATER,
        LATER.astimezone().isoformat(),
        pendulum.instance(LATER).in_timezone("Asia/Tokyo"),
        "2040-05-01T14:00:00+02:00",
        "2040-05-01T12:00:00Z",
        int(LATER.timestamp()),
        str(int(LATER.timestamp())),
    ],
    ids=["datetime", "local ISO text", "pendulum", "offset", "UTC text", "epoch", "epoch text"],
)
def test_every_form_of_a_time_is_sent_as_epoch_seconds(connected: Emulator, ends: dict[str, Any], start: Any) -> None:
    create(ends, start_time=start)
    assert sent(connected)["scheduleParams"]["startTime"] == int(LATER.timestamp())


@pytest.mark.parametrize(("given", "delay"), [({}, 240), ({"start_delay": "900"}, 900)], ids=["default", "given"])
def test_without_a_start_time_the_first_run_follows_the_delay(
    connected: Emulator, ends: dict[str, Any], given: dict[str, Any], delay: int
) -> None:
    now = connected.advance(0)  # the platform's clock, which only tests advance
    create(ends, start_time=None, **given)
    assert now + delay <= sent(connected)["scheduleParams"]["startTime"] <= now + delay + 60


def test_runs_of_the_last_interval_are_current(connected: Emulator, ends: dict[str, Any]) -> None:
    now = datetime.fromtimestamp(connected.advance(0), UTC)  # the platform's clock, not this machine's
    created = create(ends, frequency="hour", interval="2", backfill="false")
    since = datetime.fromisoformat(created["runs_since"])
    assert timedelta() <= since - (now - timedelta(hours=2)) < timedelta(minutes=1)
    assert sent(connected)["scheduleParams"] == {
        "startTime": int(LATER.timestamp()),
        "frequency": "hour",
        "interval": 2,
        "backfill": False,
    }


def test_a_past_start_is_refused_only_before_a_creation(connected: Emulator, ends: dict[str, Any]) -> None:
    past = "2020-01-01T00:00:00Z"
    with pytest.raises(AirflowFailException, match=r"start_time='2020-01-01T00:00:00\+00:00'.*past"):
        create(ends, start_time=past)
    assert connected.posted("/flows") == []
    created = create(ends)
    assert (create(ends, start_time=past)["id"], len(connected.posted("/flows"))) == (created["id"], 1)


@pytest.mark.parametrize("flow_spec", [FLOW_SPEC, None], ids=["its id", "output of the find operator"])
def test_the_live_flow_specs_rules_apply_to_every_form_of_it(
    connected: Emulator, ends: dict[str, Any], flow_spec: str | None
) -> None:
    with pytest.raises(AirflowFailException, match=r"end_time='2041-01-01T00:00:00\+00:00'.*endTime"):
        create(ends, flow_spec=flow_spec or run(FindFlowSpecOperator), end_time="2041-01-01T00:00:00Z")
    assert connected.posted("/flows") == []


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"interval": 60}, r"scheduleParams\.interval: desired 60, actual 30"),
    ({"frequency": "hour"}, r"scheduleParams\.frequency: desired 'hour', actual 'minute'"),
    ({"partial_ingestion_percent": 3}, r"options\.partialIngestionPercent: desired 3, actual None"),
    (
        {"delta_column": {"name": "Create_Time", "dateFormat": "yyyy"}},
        r"deltaColumn\.dateFormat: desired 'yyyy', actual",
    ),
]


@pytest.mark.parametrize(("changes", "difference"), CHANGES, ids=["interval", "frequency", "options", "delta column"])
def test_a_difference_is_reported_by_reuse_and_removed_by_update(
    connected: Emulator, ends: dict[str, Any], changes: dict[str, Any], difference: str
) -> None:
    created = create(ends)
    with pytest.raises(AirflowFailException, match=f"{created['id']}.*differs: .*{difference}.*if_exists='update'"):
        create(ends, **changes)
    assert connected.requests(method="PATCH") == []
    updated = create(ends, if_exists="update", **changes)
    assert (updated["id"], updated["created"]) == (created["id"], False)
    assert updated["etag"] != created["etag"]
    assert create(ends, **changes)["created"] is False
    assert len(connected.posted("/flows")) == 1


def test_an_updated_mapping_replaces_the_old_one(connected: Emulator, ends: dict[str, Any]) -> None:
    create(ends)
    other = make_ends(mappings={"_id": MAPPINGS["_id"]})
    create(other, if_exists="update")
    (patch,) = connected.requests(method="PATCH")
    assert patch["body"] == [
        {
            "op": "replace",
            "path": "/transformations",
            "value": [
                {"name": "Copy", "params": {"deltaColumn": DELTA}},
                {"name": "Mapping", "params": {"mappingId": other["mapping_set_id"], "mappingVersion": "0"}},
            ],
        }
    ]


def test_the_source_of_an_existing_dataflow_is_never_changed(connected: Emulator, ends: dict[str, Any]) -> None:
    created = create(ends)
    other = make_ends(name="other", columns=None)
    for if_exists in ("reuse", "update"):
        with pytest.raises(AirflowFailException, match=f"{created['id']}.*sourceConnectionIds: desired"):
            create(other, if_exists=if_exists)


def test_fail_adopts_only_a_dataflow_of_an_earlier_try(connected: Emulator, ends: dict[str, Any]) -> None:
    created = create(ends)
    with pytest.raises(AirflowFailException, match=r"dataflow 'products' exists already.*if_exists='fail'"):
        create(ends, if_exists="fail")
    operator = build(CreateDataflowOperator, **ends, if_exists="fail")
    assert operator.execute(context(TaskInstance(try_number=2)))["id"] == created["id"]


def test_a_disabled_dataflow_is_not_adopted(connected: Emulator, ends: dict[str, Any]) -> None:
    created = create(ends)
    action = f"/data/foundation/flowservice/flows/{created['id']}/action"
    ExperiencePlatformHook().client.request("POST", action, params={"op": "disable"})
    with pytest.raises(AirflowFailException, match="state: desired 'enabled', actual 'disabled'"):
        create(ends)


def test_a_dataflow_is_created_disabled_and_enabled_by_update(connected: Emulator) -> None:
    ends = make_ends()
    run(CreateDataflowOperator, **ends, enabled=False)
    assert [flow["state"] for flow in connected.objects("flows")] == ["disabled"]
    with pytest.raises(AirflowFailException, match="disabled"):
        run(CreateDataflowOperator, **ends)
    run(CreateDataflowOperator, **ends, enabled="true", if_exists="update")
    assert [flow["state"] for flow in connected.objects("flows")] == ["enabled"]
