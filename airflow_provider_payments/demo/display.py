"""The output that the demo's modes share: the progress of a DAG run, rows of a dataset, and the end of a log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.demo.new_airflow import platform_variable
from airflow_provider_payments.demo.processes import get_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from airflow_provider_payments.demo.new_airflow import Airflow

__all__ = ["COUNTS", "run_dag", "show_failure", "show_rows", "state_text", "table_of"]

#: Number of characters at the end of a log that an error shows.
LOG_TAIL_LENGTH = 6000
TASK_STATES = {"success": "[green]done[/]", "failed": "[red]failed[/]", "up_for_retry": "[yellow]retrying[/]"}
#: The counts of a flow run: heading -> member of the sensor's return value.
COUNTS = {"records in": "input_records", "records out": "output_records", "failed": "failed_records"}


def table_of(title: str, *headings: str, fold: bool = False) -> Table:
    """
    Return an empty table.

    :param title: title of the table.
    :param headings: headings of its columns.
    :param fold: whether to break long words instead of cutting them. Defaults to ``False``.
    """
    from rich.table import Table

    table = Table(title=title, title_justify="left", min_width=len(title))
    for heading in headings:
        table.add_column(heading, overflow="fold" if fold else "ellipsis")
    return table


def state_text(state: str | None) -> str:
    """Return a task's state as text with colours."""
    return TASK_STATES.get(state or "", state or "[dim]waiting[/]")


def run_dag(
    console: Console, airflow: Airflow, emulator: str, dag_id: str, rows: Callable[[dict[str, str]], Mapping[str, str]]
) -> bool:
    """
    Run a DAG once with a live display, and return whether all of its tasks succeeded. If not, show its log.

    :param dag_id: id of the DAG.
    :param rows: returns the rows of the display, name and state, from the states of the tasks.
    """
    from rich.live import Live

    airflow.environment |= platform_variable(emulator)
    process = airflow.start("dags", "test", dag_id, log="dag.log")
    began = time.monotonic()

    def progress() -> Table:
        table = table_of(f"{dag_id} in Airflow, {time.monotonic() - began:.0f} s", "task", "state")
        for row in rows(airflow.states(dag_id)).items():
            table.add_row(*row)
        return table

    with Live(console=console, refresh_per_second=8) as live:
        while (status := process.poll()) is None:
            live.update(progress())
            time.sleep(0.1)
        live.update(progress())
    console.print()
    states = set(airflow.states(dag_id).values())
    if status or states != {"success"}:
        show_failure(console, "The DAG run failed.", airflow.home / "dag.log")
        return False
    return True


def show_failure(console: Console, message: str, log: Path) -> None:
    """Show an error message and the end of a log."""
    console.print(f"[red]{message}[/] The end of its log:")
    # Without markup, because a log may contain brackets.
    console.print(log.read_text()[-LOG_TAIL_LENGTH:], markup=False, highlight=False)


def show_rows(console: Console, emulator: str, dataset_id: str, where: str) -> None:
    """
    Show the first rows of a dataset, and the number of its rows.

    :param where: the dataset's name in the title.
    """
    dataset = get_json(f"{emulator}/__emulator__/datasets/{dataset_id}/rows?limit=3")
    rows = [_flat(row) for row in dataset["rows"]]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    # Without the tenant's namespace, the first part of each name.
    headings = (column.split(".", 1)[-1] for column in columns)
    sample = table_of(f"The first of {dataset['count']} rows in {where}", *headings, fold=True)
    for row in rows:
        sample.add_row(*(row.get(column, "") for column in columns))
    console.print(sample)


def _flat(row: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in row.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": str(value)}
    return flat
