"""The links of failed tasks: Airflow stores none, and logs no error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import connection_json
from tests.system.airflow_process import AirflowHome

DAG_FILE = Path(__file__).with_name("failing_steps.py")


@dataclass(frozen=True)
class Ended:
    """A DAG run that has ended: its log, the states of its tasks, and their links by task and index."""

    url: str
    log: str
    states: list[tuple[str, int, str]]
    links: dict[tuple[str, int], str]


def written(value: str | bytes) -> str:
    """Return the text of an XCom; Airflow 2.11 stores bytes."""
    return (value.decode() if isinstance(value, bytes) else value).strip('"')


@pytest.fixture(scope="module")
def ended(new_airflow: Callable[..., AirflowHome]) -> Iterator[Ended]:
    with EmulatorServer() as server:
        home = new_airflow(connection_json(server.url), DAG_FILE)
        log = home.test_dag("failing_steps", returncode=1)
        states = home.rows("SELECT task_id, map_index, state FROM task_instance ORDER BY task_id, map_index")
        kept = home.rows("SELECT task_id, map_index, value FROM xcom WHERE key LIKE 'experience_platform_link%'")
        yield Ended(server.url, log, states, {(task, index): written(link) for task, index, link in kept})


def test_only_mapped_steps_with_an_object_have_a_link(ended: Ended) -> None:
    assert ended.states == [
        ("alone", -1, "failed"),
        ("mapped", 0, "success"),
        ("mapped", 1, "failed"),
        ("mapped", 2, "success"),
        ("waits", -1, "failed"),
    ]
    assert ended.links == dict.fromkeys([("mapped", 0), ("mapped", 2)], f"{ended.url}/")


def test_a_missing_link_is_no_error_in_the_log(ended: Ended) -> None:
    assert "is not allowed: 1 to 100 characters" in ended.log
    assert [line for line in ended.log.splitlines() if "XCom" in line and "not found" in line] == []
