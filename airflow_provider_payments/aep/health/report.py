"""The health of dataflows as JSON, as rows and as a table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.health.judging import PROBLEMS, Health, duration
from airflow_provider_payments.aep.tables import aligned

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_payments.aep.services import Json

__all__ = ["HEALTH_FORMAT", "health_json", "health_rows", "health_table", "summary_line"]

#: Version of the JSON form; it is increased when a member changes its meaning.
HEALTH_FORMAT = 1
#: Maximum number of characters of a name in the table.
MAX_NAME_CHARACTERS = 48


def health_json(found: Sequence[Health]) -> Json:
    """Return the health of dataflows as plain JSON."""
    counts = Counter(problem.code for health in found for problem in health.problems)
    return {
        "format": HEALTH_FORMAT,
        "healthy": all(health.is_healthy for health in found),
        "unhealthy": [health.observation.name for health in found if not health.is_healthy],
        "summary": {"dataflows": len(found), "healthy": sum(health.is_healthy for health in found)}
        | {code: counts[code] for code in PROBLEMS if counts[code]},
        "dataflows": [health.to_json() for health in found],
    }


def health_rows(found: Iterable[Health]) -> list[dict[str, str]]:
    """Return a row for each dataflow, the unhealthy ones first."""
    return [_row(health) for health in sorted(found, key=lambda health: health.is_healthy)]


def health_table(found: Sequence[Health], *, unhealthy_only: bool = False) -> str:
    """
    Return the rows of :func:`health_rows` as a table, and a summary line.

    :param unhealthy_only: whether to omit healthy dataflows.
    """
    rows = health_rows(health for health in found if not (unhealthy_only and health.is_healthy))
    shown = [
        {column.upper(): _shortened(cell) if column == "dataflow" else cell for column, cell in row.items()}
        for row in rows
    ]
    lines = [*aligned(shown, list(shown[0])), ""] if shown else []
    return "\n".join([*lines, summary_line(found)])


def summary_line(found: Sequence[Health]) -> str:
    """Return a line with the number of healthy dataflows and the number of dataflows with each problem."""
    counts = Counter(problem.code for health in found for problem in health.problems)
    problems = ", ".join(f"{counts[code]} {code.replace('_', ' ')}" for code in PROBLEMS if counts[code])
    healthy = sum(health.is_healthy for health in found)
    return f"Health: {healthy} of {len(found)} healthy{f'; {problems}' if problems else ''}."


def _row(health: Health) -> dict[str, str]:
    observation, run = health.observation, health.observation.last_run
    age = "never" if health.age is None else f"{duration(health.age)} ago"
    text = "; ".join(problem.text for problem in health.problems) or "healthy"
    status = "running" if observation.is_running and run is None else run.status.value if run else "none"
    return {
        "dataflow": observation.name,
        "state": observation.state or "-",
        "last run": status,
        "last success": age,
        "health": text,
    }


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARACTERS else f"{name[: MAX_NAME_CHARACTERS - 3]}..."
