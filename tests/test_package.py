"""The imports of the package, and the contents of its wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.groups import COMPLETE

REPOSITORY = Path(__file__).parent.parent


def without_airflow(**environment: str) -> dict[str, str]:
    """Return this process's environment with only the given settings of Airflow."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | environment


def run(code: str, **environment: str) -> str:
    """Run Python code in a new process, and return its output."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env=without_airflow(**environment),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["airflow_provider_payments", "airflow_provider_payments.get_provider_info"])
def test_the_provider_info_imports_no_airflow_at_start_up(module: str) -> None:
    loaded = run(f"import sys, {module}; print(' '.join(m for m in sys.modules if m.split('.')[0] == 'airflow'))")
    assert loaded == ""


def test_client_and_emulator_import_neither_airflow_nor_each_other() -> None:
    code = """
import importlib, pkgutil, sys, airflow_provider_payments.{half} as half
for module in pkgutil.walk_packages(half.__path__, half.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(*sorted({{m.split(".")[1] for m in sys.modules if m.startswith("airflow_provider_payments.")}}))
print("airflow" in sys.modules)
"""
    assert run(code.format(half="aep")).splitlines() == ["aep", "False"]
    assert run(code.format(half="emulator")).splitlines() == ["emulator", "False"]


def test_parsing_a_dag_loads_neither_requests_nor_the_resources(tmp_path: Path) -> None:
    code = """
import sys
from airflow.providers.common.compat.sdk import BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator, conf
from airflow.triggers.base import BaseTrigger
before = set(sys.modules)
import airflow_provider_payments.operators.connections, airflow_provider_payments.operators.schemas
import airflow_provider_payments.operators.datasets, airflow_provider_payments.operators.mappings
import airflow_provider_payments.operators.dataflows, airflow_provider_payments.operators.teardown
import airflow_provider_payments.operators.definitions, airflow_provider_payments.operators.lifecycle
import airflow_provider_payments.operators.health
import airflow_provider_payments.sensors.flow_run
wings = "airflow_provider_payments.aep"
late = ("requests", "urllib3", "jsonschema", "attr",
    *(f"{wings}.{wing}." for wing in ("http", "api", "resources", "provisioning", "runs", "health")))
catalogue = f"{wings}.resources.sources"  # plain data, by which arguments are checked
print("loaded:", *(m for m in set(sys.modules) - before if m.startswith(late) and m != catalogue))
"""
    assert run(code, AIRFLOW_HOME=str(tmp_path)).splitlines()[-1] == "loaded:"


def test_parsing_a_task_group_loads_neither_requests_nor_a_validator(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(COMPLETE)
    code = f"""
import sys
from airflow.providers.common.compat.sdk import DAG
before = set(sys.modules)
from airflow_provider_payments.task_group import dataflow_task_group
with DAG(dag_id="payments", schedule=None):
    group = dataflow_task_group({str(tmp_path / "shop.yaml")!r})
print("tasks:", len(group.children))
late = ("requests", "urllib3", "jsonschema", "referencing")
print("loaded:", *(m for m in set(sys.modules) - before if m.startswith(late)))
"""
    assert run(code, AIRFLOW_HOME=str(tmp_path)).splitlines()[-2:] == ["tasks: 10", "loaded:"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from the source distribution, so that the wheel lacks files that the distribution lacks."""
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)],
        check=True,
        capture_output=True,
    )
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


def test_the_wheel_contains_the_example_dags_and_the_licence(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    for dag in (REPOSITORY / "dags").glob("*.py"):
        assert f"airflow_provider_payments/example_dags/{dag.name}" in names
    assert "airflow_provider_payments/py.typed" in names
    assert any(name.endswith("LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "dags/")) for name in names)


def test_the_wheel_contains_the_page_and_its_entry_point(wheel: zipfile.ZipFile) -> None:
    page = "airflow_provider_payments/plugin/page"
    packed = {name for name in wheel.namelist() if name.startswith(page)}
    assert packed == {f"{page}/{file.name}" for file in (REPOSITORY / page).iterdir()}
    (points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    declared = wheel.read(points).decode()
    assert "[airflow.plugins]\npayments = airflow_provider_payments.plugin:PaymentsPlugin" in declared


def test_the_description_on_pypi_links_no_file_of_the_repository(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    shown = wheel.read(metadata).decode()
    assert "`airflow_provider_payments/docs/connection.md`" in shown
    assert re.findall(r"\]\((?!https?://).*", shown) == []
    assert "mermaid" not in shown


def test_the_wheel_contains_the_templates_and_its_emulator_serves_the_page(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    templates = "airflow_provider_payments/emulator/page/templates"
    packed = {name for name in wheel.namelist() if name.startswith(templates)}
    assert packed == {f"{templates}/{file.name}" for file in (REPOSITORY / templates).iterdir()}
    wheel.extractall(tmp_path)
    code = f"""
import sys, urllib.request
sys.path.insert(0, {str(tmp_path)!r})
import airflow_provider_payments
from airflow_provider_payments.emulator.http.server import EmulatorServer
with EmulatorServer() as server:
    print(airflow_provider_payments.__file__, urllib.request.urlopen(server.url).status)
"""
    shown = run(code).split()
    assert shown == [str(tmp_path / "airflow_provider_payments" / "__init__.py"), "200"]
