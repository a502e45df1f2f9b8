"""Functions of the operators that check a sandbox: reading definitions, and ending a task that found a problem."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_mapping, as_optional_text, as_text
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.dataflows.loading import Project
    from airflow_provider_payments.operators.base import ExperiencePlatformOperator

__all__ = ["as_ending", "end_task", "project_of"]

ENDINGS = ("report", "fail", "skip")


def as_ending(argument: str, value: object) -> str:
    """
    Return how a task ends if its check finds a problem: ``report``, ``fail`` or ``skip``.

    :param argument: the argument's name, for errors.
    :raises InvalidInputError: if the value is none of the three.
    """
    if value not in ENDINGS:
        raise InvalidInputError(argument, value, f"one of {', '.join(ENDINGS)}")
    return str(value)


def end_task(context: Context, ending: str, outputs: dict[str, Any], message: str) -> dict[str, Any]:
    """
    Return the outputs of a task whose check found a problem; or push them as XComs, and fail or skip the task.

    :param ending: ``report`` returns the outputs, ``fail`` fails the task, ``skip`` skips it.
    :param message: the message of the exception.
    :raises ExperiencePlatformFailedError: if ``ending`` is ``fail``.
    :raises AirflowSkipException: if ``ending`` is ``skip``.
    """
    if ending == "report":
        return outputs
    for key, value in {**outputs, "return_value": outputs}.items():
        if "ti" in context:
            context["ti"].xcom_push(key=key, value=value)
    raise AirflowSkipException(message) if ending == "skip" else ExperiencePlatformFailedError(message)


def project_of(operator: ExperiencePlatformOperator, only: Sequence[str]) -> Project:
    """
    Read the definitions to which an operator's ``definition``, ``environment`` and ``variables`` refer.

    :param only: the names of the definitions to return; all if empty.
    :raises DefinitionError: if a file is wrong; the error lists all problems of all files.
    """
    from airflow_provider_payments.aep.dataflows.loading import load_project

    given: Any = operator
    folder, top = _folders_of(operator)
    return load_project(
        folder / as_text("definition", given.definition),
        environment=as_optional_text("environment", given.environment),
        variables=as_mapping("variables", given.variables),
        only=only,
        conn_id=as_optional_text("aep_conn_id", given.aep_conn_id),
        top=top,
    )


def _folders_of(operator: ExperiencePlatformOperator) -> tuple[Path, Path | None]:
    """Return the folder of the operator's DAG file, and that of its bundle, at which the search for a project ends."""
    if (dag := operator.get_dag()) is None:
        return Path(), None
    file, relative = Path(dag.fileloc), getattr(dag, "relative_fileloc", None)
    steps = len(Path(relative).parts) if relative else 0
    return file.parent, file.parents[steps - 1] if 0 < steps <= len(file.parents) else None
