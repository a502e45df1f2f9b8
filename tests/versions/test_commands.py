"""``airflow ...`` commands with the installed wheel: providers, connections, example DAGs, rendered templates."""

from __future__ import annotations

import json
import os
from urllib.parse import quote, urlencode

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.system.airflow_process import REPOSITORY, python
from tests.versions.commands import CommandResult, run_all
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
Commands = dict[tuple[str, ...], CommandResult]


def connection(form: str, url: str, secret: str = "emulator-secret") -> tuple[str, ...]:
    """Return the arguments of ``airflow connections add`` for the same connection in one of its forms."""
    extra = {"org_id": "EMULATOR@AdobeOrg", "sandbox": "dev", "ims_url": url}
    if form == "uri":
        return ("--conn-uri", f"aep://emulator-client:{secret}@{quote(url, safe='')}?{urlencode(extra)}")
    parts = {"host": url, "login": "emulator-client", "password": secret}
    if form == "json":
        return ("--conn-json", json.dumps({"conn_type": "aep", **parts, "extra": extra}))
    options = [word for name, value in parts.items() for word in (f"--conn-{name}", value)]
    return ("--conn-type", "aep", *options, "--conn-extra", json.dumps(extra))


@pytest.fixture(scope="module")
def results(airflow: InstalledAirflow, platform: EmulatorServer) -> Commands:
    """Return the results of the commands of the tests below, in an Airflow without a DAG run."""
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


def test_the_installation_keeps_the_airflow_version(results: Commands) -> None:
    assert results["version",].text.split()[-1] == AIRFLOW == os.environ.get("PAYMENTS_AIRFLOW", AIRFLOW)


@pytest.mark.parametrize("command", ["list", "hooks", "links"])
def test_airflow_providers_lists_the_provider(results: Commands, command: str) -> None:
    assert PROVIDERS[command] in results["providers", command, "-o", "plain"].text


@fails_on("3.0", "3.1", reason="airflow providers behaviours lists nothing without the FAB provider")
def test_airflow_providers_behaviours_lists_the_provider(results: Commands) -> None:
    assert PROVIDERS["behaviours"] in results["providers", "behaviours", "-o", "plain"].text.split()


def test_airflow_plugins_lists_the_page_if_supported(results: Commands) -> None:
    result = results["plugins", "-o", "json"]
    assert (result.code, "airflow_provider_payments.plugin:PaymentsPlugin" in result.text) == (0, True), result.text
    assert ("payments-page/" in result.text) == (SERIES not in ("2.11", "3.0")), result.text


@pytest.mark.parametrize("form", ["uri", "json", "parts"])
def test_airflow_connections_test_succeeds(results: Commands, form: str) -> None:
    result = results["connections", "test", f"aep_{form}"]
    assert (result.code, "Connection success!" in result.text) == (0, True), result.text


def test_airflow_connections_test_fails_for_a_wrong_secret(results: Commands) -> None:
    assert "Connection failed!" in results["connections", "test", "aep_wrong"].text


def test_the_example_dags_parse(results: Commands) -> None:
    assert "No data found" in results["dags", "list-import-errors"].text
    assert DAG_ID in results["dags", "list", "-o", "plain"].text


def test_airflow_tasks_render_resolves_params(results: Commands) -> None:
    result = results[(*RENDER, "create_target_schema", DATE)]
    assert result.code == 0, result.text


@fails_on("3.2", "3.3", reason="airflow tasks render cannot resolve the return value of another task")
def test_airflow_tasks_render_resolves_the_return_value_of_another_task(results: Commands) -> None:
    result = results[(*RENDER, "create_target_dataset", DATE)]
    assert result.code == 0, result.text
