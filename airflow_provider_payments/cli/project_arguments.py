"""Reading the definitions and variables that a command line names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.yamlfile import Scalar, read_scalar

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from airflow_provider_payments.aep.dataflows.loading import Project

__all__ = ["given_variables", "project_of"]


def given_variables(args: argparse.Namespace) -> Mapping[str, Scalar]:
    """Return the variables of the command line, with types as in a file: ``true`` is a boolean, ``5`` a number."""
    return {name: "" if (value := read_scalar(text)) is None else value for name, text in args.var}


def project_of(
    args: argparse.Namespace, paths: Iterable[str], only: Iterable[str] = (), *, may_be_empty: bool = False
) -> Project:
    """
    Read definitions with the environment, variables and Airflow connection of the command line.

    :param paths: files and folders.
    :param only: names of the definitions to return. Defaults to all.
    :param may_be_empty: whether a project without definitions is allowed. Defaults to ``False``.
    :raises DefinitionError: with all problems of all files.
    """
    return load_project(
        *paths,
        environment=args.environment,
        variables=given_variables(args),
        only=only,
        conn_id=args.conn_id,
        may_be_empty=may_be_empty,
    )
