"""The pytest fixture for users, in this pytest run and, where the configuration matters, in a separate one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.test_package import without_airflow

REPOSITORY = Path(__file__).parent.parent


def make_schema(name: str) -> dict[str, object]:
    step = CreateTargetSchemaOperator(task_id="schema", name=name, fields={"payment.amount": "number"})
    return dict(step.execute({}))


def test_an_operator_runs_against_it(experience_platform: ExperiencePlatform) -> None:
    made = make_schema("Payments")
    (schema,) = experience_platform.objects("schemas")
    assert schema["$id"] == made["id"]
    assert schema["title"] == "Payments"
    posts = experience_platform.requests(method="POST", path="/data/foundation/schemaregistry")
    assert [post["status"] for post in posts] == [201, 201]


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_begins_with_an_empty_platform(experience_platform: ExperiencePlatform, turn: int) -> None:
    assert experience_platform.objects("schemas") == []
    assert experience_platform.requests() == []
    assert make_schema("Payments")["created"] is True
    experience_platform.fail("status", status=503, times=None)


@pytest.mark.experience_platform(time="manual", sandbox="prod", conn_id="crm", read_timeout=7)
def test_the_marker_changes_the_setup(experience_platform: ExperiencePlatform) -> None:
    connection = BaseHook.get_connection("crm")
    assert connection.extra_dejson["read_timeout"] == 7
    assert connection.extra_dejson["sandbox"] == "prod"
    assert ExperiencePlatformHook("crm").test_connection()[0] is True
    before = experience_platform.advance(0)
    assert experience_platform.advance(3600) == before + 3600


def test_a_fault_affects_only_matching_requests(experience_platform: ExperiencePlatform) -> None:
    experience_platform.fail("apply_then_drop", method="POST", path="*/tenant/schemas")
    assert make_schema("Payments")["name"] == "Payments"
    (fault,) = experience_platform.faults()
    assert (fault["matched"], fault["fired"]) == (1, 1)
    assert len(experience_platform.objects("schemas")) == 1


def test_a_refusal_of_the_emulator_is_raised_with_its_message(experience_platform: ExperiencePlatform) -> None:
    with pytest.raises(ValueError, match="explode"):
        experience_platform.fail("explode")
    with pytest.raises(ValueError, match="teapots"):
        experience_platform.objects("teapots")
    with pytest.raises(ValueError, match="fast"):
        experience_platform.advance(1)


def test_another_connection_to_the_same_platform(
    experience_platform: ExperiencePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", experience_platform.connection(sandbox="nowhere", ims_url=None))
    assert "ims_url" not in BaseHook.get_connection("other").extra_dejson
    ok, message = ExperiencePlatformHook("other").test_connection()
    assert ok is False
    assert "nowhere" in message or "ims" in message.lower()


def pytest_in(folder: Path, test: str, **environment: str) -> str:
    """Run a test file in a separate pytest without this repository's configuration; return its output."""
    (folder / "test_own.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(folder), "-p", "no:cacheprovider", "test_own.py"],
        cwd=folder,
        check=False,
        env=without_airflow(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    return f"{done.stdout}\nexit {done.returncode}"


def test_the_example_of_the_manual_passes_behind_a_company_proxy(tmp_path: Path) -> None:
    page = (REPOSITORY / "airflow_provider_payments" / "docs" / "testing.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (example,) = (block for block in blocks if "experience_platform" in block)
    home = tmp_path / "home"
    (home / "dags").mkdir(parents=True)
    # The DAG of the example alone: Airflow would parse the others as well.
    shutil.copy(REPOSITORY / "dags" / "payments_dataflow.py", home / "dags")
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    airflow = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags")}
    shown = pytest_in(tmp_path, example, **airflow, **proxies)
    assert shown.endswith("exit 0"), shown[-6000:]
    assert "1 passed" in shown


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run tests with the marker; return their folder and the output of pytest."""
    check = {"id": "dataset.names", "outcome": "contradicted", "seen": {"second": "refused"}}
    folder = tmp_path_factory.mktemp("marked")
    (folder / "report.json").write_text(json.dumps({"format": 1, "checks": [check]}))
    test = """
import os, pytest

@pytest.mark.experience_platform(like="report.json", settle_seconds=7)
def test_like_a_report(experience_platform):
    assert experience_platform.control("GET", "options")["names"]["dataset"] == "once"
    assert '"settle_seconds": 7' in os.environ["AIRFLOW_CONN_AEP_DEFAULT"]

def test_without_it(experience_platform):
    assert experience_platform.control("GET", "options")["names"]["dataset"] == "twice"

@pytest.mark.experience_platform(like="other.json")
def test_like_no_report(experience_platform): ...

@pytest.mark.experience_platform(time="slow")
def test_wrong_time(experience_platform): ...
"""
    return folder, pytest_in(folder, test)


def test_a_wrong_marker_argument_fails_with_the_allowed_values(marked: tuple[Path, str]) -> None:
    _, shown = marked
    assert "time='slow'" in shown
    assert "fast, real, manual" in shown


def test_the_marker_like_applies_a_report(marked: tuple[Path, str]) -> None:
    folder, shown = marked
    assert "2 passed, 2 errors" in shown, shown
    assert f"@pytest.mark.experience_platform(like=...): {folder / 'other.json'}: No such file" in shown


def test_an_unused_plugin_imports_no_airflow_and_no_web_server(tmp_path: Path) -> None:
    test = """
import sys
def test_it():
    assert "airflow_provider_payments.pytest_plugin" in sys.modules
    assert not {"airflow", "starlette", "uvicorn", "requests"} & set(sys.modules)
"""
    # Other pytest plugins in the environment may import more.
    shown = pytest_in(tmp_path, test)
    assert shown.endswith("exit 0"), shown


def test_the_platform_answers_only_on_loopback(experience_platform: ExperiencePlatform) -> None:
    assert experience_platform.url.startswith("http://127.0.0.1:")
    assert requests.get(f"{experience_platform.url}/nothing", timeout=5).status_code == 404
