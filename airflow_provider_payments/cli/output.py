"""Printing rows and values in the requested format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.tables import markdown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["print_rows", "print_value"]


def print_value(value: Any, output: str) -> None:
    """Print a plain value as ``json`` or ``yaml``."""
    if output == "json":
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        from airflow_provider_payments.aep.dataflows.yamltext import write_yaml

        print(write_yaml(value), end="")


def print_rows(rows: Sequence[Mapping[str, Any]], output: str) -> None:
    """Print rows as ``json``, ``yaml`` or a ``markdown`` table."""
    if output != "markdown":
        print_value(list(rows), output)
    elif rows:
        print("\n".join(markdown([list(row.values()) for row in rows], list(rows[0]))))
