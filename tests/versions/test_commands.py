"""What ``airflow ...`` says of the installed wheel: providers, connections, the example DAGs, rendered templates."""

from __future__ import annotations

import json
import os
from urllib.parse import quote, urlencode

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.system.airflow_process import REPOSITORY, python
from tests.versions.commands import Ended, run_all
from tests.versions.conftest import InstalledAirflow
from tests.versions.expected import AIRFLOW, SERIES, fails_on

DAG_ID = "payments_dataflow"
PROVIDERS = {
    "list": "airflow-provider-payments",
    "hooks": "aep_conn_id",
    "links": "airflow_provider_payments.links.ExperiencePlatformLink",
    "behaviours": "aep",
}
RENDER = ("tasks", "render", DAG_ID)
DATE = "2026-11-01"
Commands = dict[tuple[str, ...], Ended]


def connection(form: str, url: str, secret: str = "emulator-secret") -> tuple[str, ...]:
    """What ``airflow connections add`` takes for the same connection in one of its forms."""
    extra = {"org_id": "EMULATOR@AdobeOrg", "sandbox": "dev", "ims_url": url}
    if form == "uri":
        return ("--conn-uri", f"aep://emulator-client:{secret}@{quote(url, safe='')}?{urlencode(extra)}")
    parts = {"host": url, "login": "emulator-client", "password": secret}
    if form == "json":
        return ("--conn-json", json.dumps({"conn_type": "aep", **parts, "extra": extra}))
    options = [word for name, value in parts.items() for word in (f"--conn-{name}", value)]
    return ("--conn-type", "aep", *options, "--conn-extra", json.dumps(extra))


@pytest.fixture(scope="module")
def shown(airflow: InstalledAirflow, platform: EmulatorServer) -> Commands:
    """What the commands that the tests below ask for have printed, in an Airflow without a DAG run."""
    connections = {form: connection(form, platform.url) for form in ("uri", "json", "parts")}
    connections["wrong"] = connection("parts", platform.url, secret="wrong")
    return run_all(
        airflow,
        ("version",),
        *(("providers", command, "-o", "plain") for command in PROVIDERS),
        *(("connections", "add", f"aep_{form}", *given) for form, given in connections.items()),
        *(("connections", "test", f"aep_{form}") for form in connections),
        ("plugins", "-o", "json"),
        ("dags", "reserialize"),
        ("dags", "list-import-errors"),
        ("dags", "list", "-o", "plain"),
        (*RENDER, "create_target_schema", DATE),
        (*RENDER, "create_target_dataset", DATE),
    )


def test_the_installed_wheel_runs_and_not_the_checkout(airflow: InstalledAirflow) -> None:
    code = "import airflow_provider_payments as package; print(package.__file__)"
    file = python("-c", code, environment=airflow.environment).strip()
    assert "site-packages" in file
    assert str(REPOSITORY / "airflow_provider_payments") not in file


def test_installing_it_keeps_the_airflow_version(shown: Commands) -> None:
    assert shown["version",].text.split()[-1] == AIRFLOW == os.environ.get("PAYMENTS_AIRFLOW", AIRFLOW)


@pytest.mark.parametrize("command", ["list", "hooks", "links"])
def test_airflow_providers_shows_it(shown: Commands, command: str) -> None:
    assert PROVIDERS[command] in shown["providers", command, "-o", "plain"].text


@fails_on("3.0", "3.1", reason="airflow providers behaviours lists nothing without the FAB provider")
def test_airflow_providers_behaviours_shows_it(shown: Commands) -> None:
    assert PROVIDERS["behaviours"] in shown["providers", "behaviours", "-o", "plain"].text.split()


def test_airflow_plugins_shows_the_page_or_passes_it_over(shown: Commands) -> None:
    ended = shown["plugins", "-o", "json"]
    assert (ended.code, "airflow_provider_payments.plugin:PaymentsPlugin" in ended.text) == (0, True), ended.text
    assert ("payments-page/" in ended.text) == (SERIES not in ("2.11", "3.0")), ended.text


@pytest.mark.parametrize("form", ["uri", "json", "parts"])
def test_airflow_connections_test_succeeds(shown: Commands, form: str) -> None:
    ended = shown["connections", "test", f"aep_{form}"]
    assert (ended.code, "Connection success!" in ended.text) == (0, True), ended.text


def test_airflow_connections_test_fails_for_a_wrong_secret(shown: Commands) -> None:
    assert "Connection failed!" in shown["connections", "test", "aep_wrong"].text


def test_the_example_dags_parse(shown: Commands) -> None:
    assert "No data found" in shown["dags", "list-import-errors"].text
    assert DAG_ID in shown["dags", "list", "-o", "plain"].text


def test_airflow_tasks_render_shows_params(shown: Commands) -> None:
    ended = shown[(*RENDER, "create_target_schema", DATE)]
    assert ended.code == 0, ended.text


@fails_on("3.2", "3.3", reason="airflow tasks render cannot resolve what another task returns")
def test_airflow_tasks_render_shows_what_another_task_returns(shown: Commands) -> None:
    ended = shown[(*RENDER, "create_target_dataset", DATE)]
    assert ended.code == 0, ended.text
