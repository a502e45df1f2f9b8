"""``payments apply``: output, approval, effect and exit status."""

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
    sent = emulator.requests(path="/data/")
    return [f"{each['method']} {each['path']}" for each in sent if each["method"] != "GET"]


def test_an_apply_shows_the_plan_and_applies_it(run: Run, folder: Path, connected: Emulator) -> None:
    status, out, err = run("apply", folder, "--yes")
    assert out.splitlines()[:3] == ["Sandbox dev, project finance", "", NAME]
    assert out.count(f"Note: {NAME!r} will be created") == 1
    assert [line.partition(":")[0] for line in err.splitlines()][-1] == f"Created dataflow {NAME!r}"
    assert out.splitlines()[-1] == "Apply: 7 created; 1 of 1 definitions are as written."
    assert (status, len(connected.objects("flows"))) == (0, 1)
    assert run("plan", folder, "--detailed-exitcode")[0] == 0


def test_an_empty_plan_is_applied_without_a_question(run: Run, folder: Path, connected: Emulator) -> None:
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


def test_without_a_terminal_an_option_must_approve(run: Run, folder: Path, connected: Emulator) -> None:
    status, _, err = run("apply", folder)
    assert status == 1
    assert "--yes" in err
    assert "--expect DIGEST" in err
    assert writes(connected) == []


def test_only_the_expected_plan_is_applied(run: Run, folder: Path, connected: Emulator) -> None:
    found = DIGEST.search(run("plan", folder)[1])
    assert found
    status, _, err = run("apply", folder, "--expect", "0123456789abcdef")
    assert status == 1
    assert f"the digest of the current plan, {found[1]}" in err
    assert writes(connected) == []
    assert run("apply", folder, "--expect", found[1])[0] == 0
    assert len(connected.objects("flows")) == 1


def test_without_a_project_file_the_error_names_the_lines_to_write(run: Run, folder: Path, connected: Emulator) -> None:
    (folder / "project.yaml").unlink()
    status, _, err = run("apply", folder, "--yes")
    assert status == 1
    assert err.startswith("project: there is no project file, which names the objects' owner: write project.yaml")
    assert "`version: 1` and `project: NAME`" in err
    assert writes(connected) == []


def test_a_conflict_of_one_definition_does_not_affect_others(run: Run, folder: Path, connected: Emulator) -> None:
    write_files(folder, orders=TEN_LINES.replace(NAME, "Orders").replace("Product_Name", "Product_Nam"))
    status, out, _ = run("apply", folder, "--yes")
    assert status == 1
    assert "Orders is not done" in out
    assert "mappings.product.name: PayPal.Catalog_Products has no 'Product_Nam'; did you mean 'Product_Name'?" in out
    assert out.splitlines()[-1] == "Apply: 7 created; 1 of 2 definitions are as written."
    assert [flow["name"] for flow in connected.objects("flows")] == [NAME]


def test_the_json_output_is_only_the_result(run: Run, folder: Path) -> None:
    status, out, _ = run("apply", folder, "--yes", "-o", "json")
    outcome = json.loads(out)
    assert (outcome["sandbox"], outcome["project"]) == ("dev", "finance")
    assert [note for note in outcome["notes"] if note.startswith(f"{NAME!r} will be created")]
    assert (status, outcome["format"], outcome["done"], outcome["summary"]) == (0, 1, True, {"created": 7})
    definition = outcome["definitions"][NAME]
    assert definition["flow_id"] == definition["ids"]["dataflow"]
    assert set(definition["ids"]) >= {"base_connection", "source_connection", "target_connection", "mapping_set"}
    assert run("apply", folder, "--yes", "-o", "markdown")[1].splitlines()[0] == (
        "| definition | done | dataflow | problems |"
    )


@pytest.mark.parametrize(("answer", "status", "created"), [("yes", 0, 1), ("y", 1, 0), ("", 1, 0)])
def test_a_user_at_a_terminal_is_asked_for_approval(
    at_terminal: Run, folder: Path, connected: Emulator, answer: str, status: int, created: int
) -> None:
    ended, out, err = at_terminal(answer, "apply", folder)
    assert "Apply this plan? Type `yes` to confirm: " in err
    assert ("nothing was changed" in err) is not created
    assert (ended, len(connected.objects("flows")), NAME in out) == (status, created, True)


def test_an_interrupt_ends_an_apply_with_status_130_and_no_traceback(folder: Path, connected: Emulator) -> None:
    leader, follower = pty.openpty()
    # If the tests run in the background of a shell, they and their children ignore the signal by default.
    handler = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{handler}; from airflow_provider_payments.cli.main import main; raise SystemExit(main())"
    command = [sys.executable, "-c", script, "apply", str(folder)]
    with subprocess.Popen(
        command, stdin=follower, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stderr
        read = ""
        while not read.endswith("to confirm: ") and (character := process.stderr.read(1)):
            read += character
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    os.close(leader)
    os.close(follower)
    assert (process.returncode, err.strip().partition(";")[0]) == (130, "payments apply: interrupted")


def test_json_output_is_one_document_and_the_plan_goes_to_stderr(
    at_terminal: Run, folder: Path, connected: Emulator
) -> None:
    for command, shown in (("apply", "Plan: 7 to create, 1 to adopt."), ("destroy", "Destroy: 3 to delete, 5 to keep")):
        status, out, err = at_terminal("yes", command, folder, "-o", "json")
        assert (status, json.loads(out)["format"]) == (0, 1)
        assert shown in err.partition("Type `yes`")[0]


def test_a_new_base_connection_uses_the_named_airflow_connection(
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
