"""An emulator that behaves like the sandbox in a report of ``payments verify``."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_payments.emulator.control.like import ReportError, options_like
from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.emulator.client import Client
from tests.emulator.control.objects import KINDS
from tests.emulator.http.test_server import COMMAND, ROOT, process

Check = dict[str, Any]
SERVICES = ("flow_service", "schema_registry", "catalog", "data_prep")


def check(identifier: str, outcome: str = "contradicted", **seen: Any) -> Check:
    return {"id": identifier, "outcome": outcome, "seen": seen}


def written(folder: Path, *checks: Any, **report: Any) -> Path:
    path = folder / "report.json"
    path.write_text(json.dumps({"format": 1, "checks": checks, **report}))
    return path


def options_of(path: Path) -> dict[str, Any]:
    """The options that an emulator shows when it is started like the sandbox in a report."""
    with EmulatorServer(time="manual", like=path) as server:
        return dict(Client(server.url).control("GET", "options"))


@pytest.fixture
def defaults(client: Client) -> dict[str, Any]:
    return dict(client.control("GET", "options"))


def test_each_check_sets_the_option_that_belongs_to_it(tmp_path: Path, defaults: dict[str, Any]) -> None:
    lags = ("listed", "readable", "gone", "gone_by_id")
    seconds = dict(zip(itertools.product(KINDS, lags), itertools.count(1), strict=False))
    questions = itertools.cycle(("honoured", "ignored", "refused"))
    expected_questions = dict(zip(defaults["questions"], questions, strict=False))
    refusals = {
        case: {"status": 400 + place, "code": f"FLOW-14{place:02}-404", "form": form}
        for (place, case), form in zip(
            enumerate(defaults["refusals"]), itertools.cycle(("json", "html", "blank", "other")), strict=False
        )
    }
    pages = {service: {"maximum": 50 + place, "above": "cut"} for place, service in enumerate(SERVICES, 1)}
    names = {kind: ("taken" if rule == "once" else "refused") for kind, rule in defaults["names"].items()}
    path = written(
        tmp_path,
        *(check(f"{kind}.{lag}", median=0.5, maximum=maximum) for (kind, lag), maximum in seconds.items()),
        *(check(f"{kind}.names", "confirmed", second=second) for kind, second in names.items()),
        *(check(f"{service}.pages", **limits) for service, limits in pages.items()),
        *(check(question, parameter=answer, more=1) for question, answer in expected_questions.items()),
        *(check(case, **answer) for case, answer in refusals.items()),
        check("flow_service.default_page", items=7, next=True),
        check("schema_registry.if_match_absent", status=200, code="", form="json"),
        check("flow_run.shown_active", shown=False),
        check("clock.date", ahead=3.2),
        check("clock.token_lifetime", seconds=3600),
    )
    expected_pages = {service: {**defaults["page_limits"][service], **limits} for service, limits in pages.items()}
    expected_pages["flow_service"]["default"] = 7
    assert options_of(path) == {
        **defaults,
        "lags": {kind: {lag: seconds[kind, lag] for lag in lags} for kind in KINDS},
        "names": {kind: {"taken": "twice", "refused": "once"}[second] for kind, second in names.items()},
        "page_limits": expected_pages,
        "questions": expected_questions,
        "refusals": refusals,
        "registry_requires_if_match": False,
        "last_run_shows_active": False,
        "dates_ahead": 3.2,
        "token_seconds": 3600,
    }


def test_unknown_values_and_checks_that_were_not_tried_change_nothing(tmp_path: Path, defaults: dict[str, Any]) -> None:
    path = written(
        tmp_path,
        check("dataset.listed", "not tried"),
        {"id": "clock.date", "outcome": "not tried", "seen": None},
        check("weather.tomorrow", "unheard of", maximum=1),
        check("catalog.pages", maximum=None, above="taken"),
        check("flow_service.default_page", "confirmed", items=2, next=False),
        check("flow_service.no_token", status=401, code=None, form="json"),
        summary="more members",
    )
    taken = {**defaults["page_limits"], "catalog": {**defaults["page_limits"]["catalog"], "above": "taken"}}
    refusals = {**defaults["refusals"], "flow_service.no_token": {"status": 401, "code": "", "form": "json"}}
    assert options_of(path) == {**defaults, "page_limits": taken, "refusals": refusals}


def test_the_last_of_two_checks_with_the_same_id_counts(tmp_path: Path) -> None:
    path = written(tmp_path, check("dataset.gone", maximum=1), check("dataset.gone", maximum=2))
    assert options_of(path)["lags"]["dataset"]["gone"] == 2


def test_a_reset_restores_the_options_of_the_report(tmp_path: Path) -> None:
    path = written(tmp_path, check("dataset.names", second="refused"))
    with EmulatorServer(time="manual", like=path) as server:
        client = Client(server.url)
        client.control("PUT", "options", json={"names": {"dataset": "twice", "dataflow": "once"}, "dates_ahead": 9})
        client.control("POST", "reset")
        options = client.control("GET", "options")
        assert (options["names"]["dataset"], options["names"]["dataflow"]) == ("once", "twice")
        assert options["dates_ahead"] == 0
        KINDS["dataset"].make(client, "same")
        assert KINDS["dataset"].post(client, "same").status_code == 409


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (check("dataset.listed"), "'seen.maximum' is missing"),
        (check("dataset.listed", maximum=-1), "'lags.dataset.listed' is -1: it must be a number from 0 to"),
        (check("dataset.names", second="lost"), "'seen.second' is \"lost\": it must be one of refused, taken"),
        (check("catalog.pages", above="lost"), "it must be one of cut, refused, taken"),
        (
            check("catalog.start", parameter=True),
            "'questions.catalog.start' is true: it must be one of honoured, ignore",
        ),
        (check("catalog.start"), "'seen.parameter' is missing"),
        (check("catalog.no_token", code="", form="json"), "'refusals.catalog.no_token.status' is missing"),
        (check("schema_registry.if_match_absent", status="4"), "'seen.status' is \"4\": it must be a whole number"),
        (check("clock.date"), "'seen.ahead' is missing"),
        (check("clock.token_lifetime", seconds=0), "'token_seconds' is 0: it must be a whole number from 1 to"),
        ({"id": "clock.date", "outcome": "confirmed"}, "'seen' must be an object"),
        (
            check("clock.date", "maybe", ahead=1),
            "'outcome' is \"maybe\": it must be one of confirmed, contradicted, not t",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_error_names_a_check_that_cannot_be_read(tmp_path: Path, bad: Check, problem: str) -> None:
    path = written(tmp_path, check("dataset.gone", maximum=1), bad)
    with pytest.raises(ReportError) as refusal:
        options_like(path)
    assert str(refusal.value).startswith(f"{path}: the check '{bad['id']}' cannot be read: ")
    assert problem in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is not JSON: "),
        ("[" * 100_000, "is not JSON: "),
        ("\xff", "is not JSON: "),
        ("[]", "is not a report of checks: it must be an object with 'format' 1"),
        ('{"format": 2, "checks": []}', "is not a report of checks: it must be an object with 'format' 1"),
        ('{"format": 1}', "is not a report of checks: 'checks' must be a list"),
        ('{"format": 1, "checks": [{}]}', "checks[0] must be an object whose 'id' is text"),
        ('{"format": 1, "checks": [[]]}', "checks[0] must be an object whose 'id' is text"),
        (None, ": No such file or directory"),
    ],
)
def test_a_file_that_is_not_a_report_is_refused(tmp_path: Path, content: str | None, problem: str) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    with pytest.raises(ReportError) as refusal:
        EmulatorServer(like=path)
    assert str(refusal.value).startswith(str(path))
    assert problem in str(refusal.value)


def test_the_command_behaves_like_the_sandbox_of_a_report(tmp_path: Path) -> None:
    path = written(tmp_path, check("clock.token_lifetime", "confirmed", seconds=1234))
    with process("--like", str(path), "--time", "manual") as (_, url):
        assert requests.get(f"{url}/__emulator__/options", timeout=5).json()["token_seconds"] == 1234


def test_the_command_refuses_a_file_that_is_not_a_report(tmp_path: Path) -> None:
    path = written(tmp_path, check("dataset.listed", maximum="x"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for given, problem in ((path, "the check 'dataset.listed' cannot be read"), (tmp_path / "none", "No such file")):
        command = [*COMMAND, "--like", str(given)]
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert ended.returncode == 2
        assert "payments-emulator: error: argument --like: " in ended.stderr
        assert problem in ended.stderr
