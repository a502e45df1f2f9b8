"""``payments plan`` and ``payments export`` against the emulator: output and exit status."""

from __future__ import annotations

import json
import logging
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.cli.clients import MASKING_NOISE
from tests.aep.dataflows.applying import apply, plan_text
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.cli.conftest import Run
from tests.conftest import Emulator


@pytest.fixture
def folder(tmp_path: Path, connected: Emulator) -> Path:
    """A folder with the ten-line file; the default Airflow connection leads to the emulator."""
    return write_files(tmp_path / "files", products=TEN_LINES)


def test_a_plan_shows_the_objects_to_create(run: Run, folder: Path) -> None:
    status, out, _ = run("plan", folder)
    assert [line for line in out.splitlines() if line.startswith(("PayPal", "  ", "Plan"))] == [
        "PayPal catalog products",
        "  = base connection PayPal connection (24151d58-ffa7-4960-951d-58ffa7396097)",
        "  + field group PayPal catalog products - fields",
        "  + schema PayPal catalog products",
        "  + source connection PayPal catalog products - source",
        "  + dataset PayPal catalog products",
        "  + target connection PayPal catalog products - target",
        "  + mapping set PayPal catalog products - mapping",
        "  + dataflow PayPal catalog products",
        "      reads all history with its first run",
        "Plan: 7 to create, 1 to adopt.",
    ]
    assert status == 0


def test_the_detailed_status_tells_whether_a_plan_is_empty(run: Run, folder: Path, client: Client) -> None:
    assert run("plan", folder, "--detailed-exitcode")[0] == 2
    apply(client, plan_text(client, folder.parent / "same", TEN_LINES))
    status, out, _ = run("plan", folder, "--detailed-exitcode")
    assert (status, out.splitlines()[:3]) == (0, ["Sandbox dev", "", "Nothing to do: 1 definition is as written."])
    assert "    dataflow PayPal catalog products (" in run("plan", folder, "--all")[1]


def test_a_change_shows_the_former_and_the_new_value(run: Run, folder: Path, client: Client) -> None:
    apply(client, plan_text(client, folder.parent / "same", TEN_LINES))
    write_files(folder, products=TEN_LINES.replace("_id: Product_Id", "_id: Product_Name"))
    out = run("plan", folder)[1]
    assert "      mappings._id: Product_Id -> Product_Name\n" in out
    assert "later runs use the new mappings; rows that were ingested do not change" in out


def test_a_conflict_is_status_1_and_names_file_and_line(run: Run, folder: Path) -> None:
    write_files(folder, products=TEN_LINES.replace("PayPal connection", "PayPal"))
    status, out, _ = run("plan", folder)
    assert (status, "(" + str(folder / "products.yaml") + ":3)" in out) == (1, True)


@pytest.mark.parametrize("output", ["json", "yaml", "markdown"])
def test_a_plan_is_printed_in_the_requested_format(run: Run, folder: Path, output: str) -> None:
    out = run("plan", folder, "-o", output)[1]
    if output == "markdown":
        assert out.startswith("### Plan for sandbox `dev`\n\nPlan: 7 to create, 1 to adopt.\n\n| action | object |")
    else:
        plan = (json.loads if output == "json" else yaml.safe_load)(out)
        assert (plan["format"], plan["sandbox"], plan["changed"]) == (1, "dev", ["PayPal catalog products"])
        assert plan["summary"]["create"] == 7
        assert plan["steps"][-1]["kind"] == "dataflow"


def test_plans_with_equal_steps_have_equal_digests(run: Run, folder: Path) -> None:
    def digest() -> str:
        (found,) = re.findall(r"^Digest (\w+)$", run("plan", folder)[1], re.MULTILINE)
        return str(found)

    first = digest()
    write_files(folder, products=f"# moved a line down\n{TEN_LINES}")
    assert digest() == first
    write_files(folder, products=TEN_LINES.replace("PayPal catalog products", "Products"))
    assert digest() != first


def test_wrong_files_are_reported_before_any_request(run: Run, folder: Path, connected: Emulator) -> None:
    write_files(folder, products=TEN_LINES.replace("paypal", "pay"))
    status, out, err = run("plan", folder)
    assert (status, out, err.count("source.vendor")) == (1, "", 1)
    assert connected.requests() == []


def test_a_missing_connection_is_named(run: Run, folder: Path) -> None:
    status, _, err = run("plan", folder, "--conn-id", "nowhere")
    assert status == 1
    assert "in the environment it is AIRFLOW_CONN_NOWHERE" in err


def test_an_export_plans_as_unchanged(run: Run, folder: Path, client: Client, connected: Emulator) -> None:
    for source in ("square", "stripe"):
        body = {"sandbox": "dev", "dataflows": 2, "source": source, "name_prefix": source}
        connected.control("POST", "seed", json=body)
    to = folder.parent / "exported"
    status, out, _ = run("export", "--to", to)
    assert (status, out.splitlines()[-1]) == (0, "4 exported")
    assert run("plan", to, "--detailed-exitcode")[0] == 0
    status, _, err = run("export", "--to", to)
    assert (status, "4 of the files exist, such as" in err) == (1, True)
    status, out, _ = run("export", "square 1", "--to", to, "--force", "-o", "json")
    assert (status, json.loads(out)) == (
        0,
        {"format": 1, "files": [str(to / "square_1.yaml")], "refused": [], "skipped": 0},
    )


PROJECT = """\
version: 1
project: finance
defaults:
  source: {vendor: paypal, connection: Other, flow_spec: Other, columns: [Id]}
  mappings: {payment.note: Note}
  schedule: every hour
  delta_column: Created
  tolerance: 7%
environments:
  dev: {aep_conn_id: aep_default}
  prod: {aep_conn_id: nowhere}
"""


def test_an_export_uses_the_projects_environment_but_not_its_defaults(
    run: Run, connected: Emulator, tmp_path: Path
) -> None:
    for source in ("square", "stripe"):
        body = {"sandbox": "dev", "dataflows": 1, "source": source, "name_prefix": source}
        connected.control("POST", "seed", json=body)
    to = write_files(tmp_path, project=PROJECT) / "exported"
    (tmp_path / ".git").mkdir()
    assert "choose an environment (known: dev, prod)" in run("export", "--to", to)[2]
    assert "AIRFLOW_CONN_NOWHERE" in run("export", "--to", to, "-e", "prod")[2]
    assert run("export", "--to", to, "-e", "dev")[0] == 0
    assert "  payment.note: null\n" in (to / "stripe_1.yaml").read_text()
    assert run("plan", to, "-e", "dev", "--detailed-exitcode")[0] == 0
    assert run("export", "--to", to, "--force", "--conn-id", "aep_default")[0] == 0


def test_a_name_without_a_dataflow_is_refused(run: Run, folder: Path, connected: Emulator) -> None:
    status, _, err = run("export", "nothing", "--to", folder)
    assert (status, "the name or id of a dataflow in the sandbox" in err) == (1, True)


def test_an_unwritable_folder_is_status_1(run: Run, folder: Path, client: Client) -> None:
    apply(client, plan_text(client, folder.parent / "same", TEN_LINES))
    status, out, err = run("export", "--to", folder / "products.yaml" / "below")
    assert (status, out) == (1, "")
    assert "Not a directory" in err


def test_a_plan_requires_no_airflow_database(folder: Path, tmp_path: Path, connected: Emulator) -> None:
    home = {"AIRFLOW_HOME": str(tmp_path / "home"), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////nowhere/a.db"}
    command = [sys.executable, "-m", "airflow_provider_payments.cli.main", "plan", str(folder), "-o", "json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | home)
    assert (done.returncode, json.loads(done.stdout)["summary"]["create"]) == (0, 7), done.stderr
    assert MASKING_NOISE not in done.stderr


def test_other_warnings_of_airflows_maskers_are_printed(
    run: Run, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run("plan", folder)
    (masker, *_) = [name for name in logging.root.manager.loggerDict if name.endswith("secrets_masker")]
    caplog.clear()
    for message in (f"{MASKING_NOISE} (<%d chars)", "Cannot mask: %d"):
        logging.getLogger(masker).warning(message, 5)
    assert [record.getMessage() for record in caplog.records] == ["Cannot mask: 5"]


def test_signs_have_colours_only_on_a_terminal(run: Run, folder: Path, connected: Emulator) -> None:
    command = [sys.executable, "-m", "airflow_provider_payments.cli.main", "plan", str(folder)]
    controller, terminal = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    with os.fdopen(controller, "rb") as screen:
        process = subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment | {"TERM": "xterm"})
        os.close(terminal)
        shown = b""
        with suppress(OSError):  # a terminal whose other side is closed
            while piece := os.read(screen.fileno(), 65536):
                shown += piece
    assert process.wait() == 0
    assert b"\x1b[32m  + dataflow PayPal catalog products\x1b[0m" in shown
    status, plain, _ = run("plan", folder)
    assert (status, "\x1b" in plain) == (0, False)
