"""``payments apply``: what it shows, what it asks, what it does, and with which status it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.cli.conftest import Run
from tests.conftest import Emulator

NAME = "PayPal catalog products"
PROJECT = "version: 1\nproject: finance\n"
DIGEST = re.compile(r"^Digest (\w+)$", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, connected: Emulator) -> Path:
    """A project with the ten-line file; the default Airflow connection leads to the emulator."""
    return write_files(tmp_path / "files", project=PROJECT, products=TEN_LINES)


def writes(emulator: Emulator) -> list[str]:
    asked = emulator.requests(path="/data/")
    return [f"{each['method']} {each['path']}" for each in asked if each["method"] != "GET"]


def test_an_apply_shows_the_plan_and_does_it(run: Run, folder: Path, connected: Emulator) -> None:
    status, out, err = run("apply", folder, "--yes")
    assert out.splitlines()[:3] == ["Sandbox dev, project finance", "", NAME]
    assert out.count("Note: no list shows") == 1
    assert [line.partition(":")[0] for line in err.splitlines()][-1] == f"Created dataflow {NAME!r}"
    assert out.splitlines()[-1] == "Apply: 7 created; 1 of 1 definitions are as written."
    assert (status, len(connected.objects("flows"))) == (0, 1)
    assert run("plan", folder, "--detailed-exitcode")[0] == 0


def test_what_is_as_written_is_left_without_a_question(run: Run, folder: Path, connected: Emulator) -> None:
    run("apply", folder, "--yes")
    before = writes(connected)
    status, out, _ = run("apply", folder)
    assert (status, out.splitlines()[-1]) == (0, "Apply: nothing to do; 1 of 1 definitions are as written.")
    assert writes(connected) == before


def test_a_change_is_one_request(run: Run, folder: Path, connected: Emulator) -> None:
    run("apply", folder, "--yes")
    before = len(writes(connected))
    write_files(folder, products=TEN_LINES.replace("30 minutes", "2 hours"))
    status, out, _ = run("apply", folder, "--yes")
    assert (status, out.splitlines()[-1]) == (0, "Apply: 1 updated; 1 of 1 definitions are as written.")
    (sent,) = writes(connected)[before:]
    assert sent.startswith("PATCH /data/foundation/flowservice/flows/")
    (flow,) = connected.objects("flows")
    assert (flow["scheduleParams"]["frequency"], int(flow["scheduleParams"]["interval"])) == ("hour", 2)


def test_without_a_terminal_an_approval_is_asked_for_by_option(run: Run, folder: Path, connected: Emulator) -> None:
    status, _, err = run("apply", folder)
    assert status == 1
    assert "--yes" in err
    assert "--expect DIGEST" in err
    assert writes(connected) == []


def test_the_expected_plan_is_applied_and_another_one_is_not(run: Run, folder: Path, connected: Emulator) -> None:
    found = DIGEST.search(run("plan", folder)[1])
    assert found
    status, _, err = run("apply", folder, "--expect", "0123456789abcdef")
    assert status == 1
    assert f"the digest of the plan as it is now, {found[1]}" in err
    assert writes(connected) == []
    assert run("apply", folder, "--expect", found[1])[0] == 0
    assert len(connected.objects("flows")) == 1


def test_without_a_project_file_it_says_which_lines_to_write(run: Run, folder: Path, connected: Emulator) -> None:
    (folder / "project.yaml").unlink()
    status, _, err = run("apply", folder, "--yes")
    assert status == 1
    assert err.startswith("project: nothing says whose the objects are: write project.yaml")
    assert "`version: 1` and `project: NAME`" in err
    assert writes(connected) == []


def test_what_stands_in_the_way_of_one_definition_holds_up_that_one_only(
    run: Run, folder: Path, connected: Emulator
) -> None:
    write_files(folder, orders=TEN_LINES.replace(NAME, "Orders").replace("Product_Name", "Product_Nam"))
    status, out, _ = run("apply", folder, "--yes")
    assert status == 1
    assert "Orders is not done" in out
    assert "mappings.product.name: PayPal.Catalog_Products has no 'Product_Nam'; did you mean 'Product_Name'?" in out
    assert out.splitlines()[-1] == "Apply: 7 created; 1 of 2 definitions are as written."
    assert [flow["name"] for flow in connected.objects("flows")] == [NAME]


def test_programs_get_the_outcome_alone(run: Run, folder: Path) -> None:
    status, out, _ = run("apply", folder, "--yes", "-o", "json")
    outcome = json.loads(out)
    assert (outcome["sandbox"], outcome["project"]) == ("dev", "finance")
    assert [note for note in outcome["notes"] if note.startswith("no list shows")]
    assert (status, outcome["format"], outcome["done"], outcome["summary"]) == (0, 1, True, {"created": 7})
    definition = outcome["definitions"][NAME]
    assert definition["flow_id"] == definition["ids"]["dataflow"]
    assert set(definition["ids"]) >= {"base_connection", "source_connection", "target_connection", "mapping_set"}
    assert run("apply", folder, "--yes", "-o", "markdown")[1].splitlines()[0] == (
        "| definition | done | dataflow | problems |"
    )


@pytest.mark.parametrize(("answer", "status", "made"), [("yes", 0, 1), ("y", 1, 0), ("", 1, 0)])
def test_a_person_at_a_terminal_is_asked(
    at_terminal: Run, folder: Path, connected: Emulator, answer: str, status: int, made: int
) -> None:
    ended, out, err = at_terminal(answer, "apply", folder)
    assert "Apply this plan? Only `yes` is taken for yes: " in err
    assert ("nothing was done" in err) is not made
    assert (ended, len(connected.objects("flows")), NAME in out) == (status, made, True)


def test_an_interrupt_ends_it_with_its_own_status_and_without_a_traceback(folder: Path, connected: Emulator) -> None:
    leader, follower = pty.openpty()
    # What a shell starts in the background ignores the signal, and so do its children.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{heeding}; from airflow_provider_payments.cli.main import main; raise SystemExit(main())"
    command = [sys.executable, "-c", script, "apply", str(folder)]
    with subprocess.Popen(
        command, stdin=follower, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stderr
        read = ""
        while not read.endswith("taken for yes: ") and (character := process.stderr.read(1)):
            read += character
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    os.close(leader)
    os.close(follower)
    assert (process.returncode, err.strip().partition(";")[0]) == (130, "payments apply: interrupted")


def test_a_person_sees_what_is_approved_and_a_program_gets_one_document(
    at_terminal: Run, folder: Path, connected: Emulator
) -> None:
    for command, shown in (("apply", "Plan: 7 to create, 1 to adopt."), ("destroy", "Destroy: 3 to delete, 5 to keep")):
        status, out, err = at_terminal("yes", command, folder, "-o", "json")
        assert (status, json.loads(out)["format"]) == (0, 1)
        assert shown in err.partition("Only `yes`")[0]


def test_a_new_base_connection_takes_the_credential_of_the_named_airflow_connection(
    run: Run, folder: Path, connected: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = "connection: {name: PayPal production, airflow_conn_id: paypal_production}"
    write_files(folder, products=TEN_LINES.replace("connection: PayPal connection", named))
    status, out, _ = run("apply", folder, "--yes")
    assert status == 1
    assert "AIRFLOW_CONN_PAYPAL_PRODUCTION" in out
    assert writes(connected) == []
    vendor = {"conn_type": "generic", "host": "api.paypal.com", "login": "client", "password": "s3cr3t-of-paypal"}
    monkeypatch.setenv("AIRFLOW_CONN_PAYPAL_PRODUCTION", json.dumps(vendor))
    status, out, err = run("apply", folder, "--yes")
    assert (status, out.splitlines()[-1]) == (0, "Apply: 8 created; 1 of 1 definitions are as written.")
    assert "s3cr3t-of-paypal" not in out + err
    (body,) = connected.posted("/connections")
    assert body["auth"]["params"] | {"clientSecret": ""} == {
        "host": "api.paypal.com",
        "clientId": "client",
        "clientSecret": "",
    }
    assert run("plan", folder, "--detailed-exitcode")[0] == 0


def test_a_read_only_connection_applies_nothing(
    run: Run, folder: Path, connected: Emulator, connect: Callable[..., None]
) -> None:
    connect(connected.url, read_only=True)
    status, _, err = run("apply", folder, "--yes")
    assert status == 1
    assert "read_only is set in the connection" in err
